import { formatInstant } from '../core/instants.ts';
import type { AffectedCounts } from '../incidents/incident.ts';
import { allDatasets, type Dataset } from '../policy/data-map.ts';
import type { HoldScope } from '../policy/hold.ts';
import { sourceOf } from '../sources/open.ts';
import type { Office } from './office.ts';

/** The datasets that a scope reaches. Files only where they are named: who stands in them is not indexed. */
export function reachedDatasets({ policy }: Pick<Office, 'policy'>, scope: HoldScope): readonly Dataset[] {
  const all = allDatasets(policy.dataMap);
  return scope.datasets.length === 0
    ? all.filter(({ kind }) => kind === 'table')
    : all.filter(({ id }) => scope.datasets.includes(id));
}

/**
 * Count what a breach reaches, dataset by dataset and by category of data. A source that cannot be asked now (it may be
 * the one that was attacked) is told as not counted and stops nothing: the clock runs all the same.
 * @param said how many people, where somebody knows better than the data map
 */
export async function countAffected(office: Office, scope: HoldScope, said: number | null): Promise<AffectedCounts> {
  const reached = reachedDatasets(office, scope);
  const datasets: { dataset: string; count: number | null }[] = [];
  for (const dataset of reached) datasets.push({ dataset: dataset.id, count: await countIn(office, dataset, scope) });
  const countOf = (id: string) => datasets.find(({ dataset }) => dataset === id)?.count ?? null;
  const categories = new Map<string, number | null>();
  for (const dataset of reached)
    for (const category of categoriesOf(dataset)) {
      const [before = 0, count] = [categories.get(category), countOf(dataset.id)];
      categories.set(category, before === null || count === null ? null : before + count);
    }
  const withPeople = reached.filter(({ id }) => isOfPeople(reached, id)).map(({ id }) => countOf(id));
  const found = withPeople.includes(null) ? 0 : withPeople.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  const people = said ?? Math.max(found, scope.subjects.length);
  return {
    countedAt: formatInstant(office.now()),
    people: people === 0 && said === null ? null : people,
    datasets,
    categories: [...categories].map(([category, count]) => ({ category, count })).sort(byCategory),
  };
}

async function countIn(office: Office, { id, kind }: Dataset, scope: HoldScope): Promise<number | null> {
  // KNOWN GAP: lines of files are not counted; a person looks, and says about how many people stand in them.
  if (kind !== 'table') return null;
  return sourceOf(office.sources, id)
    .countScope(id, scope)
    .catch(() => null);
}

const byCategory = (a: { category: string }, b: { category: string }) => (a.category < b.category ? -1 : 1);

function categoriesOf(dataset: Dataset): readonly string[] {
  if (dataset.kind !== 'table') return [];
  return [...new Set(Object.values(dataset.fields).map(({ category }) => category))];
}

/** A dataset whose records are people: it has an identifier. */
function isOfPeople(reached: readonly Dataset[], id: string): boolean {
  const dataset = reached.find((one) => one.id === id);
  return dataset?.kind === 'table' && Object.keys(dataset.identifiers).length > 0;
}
