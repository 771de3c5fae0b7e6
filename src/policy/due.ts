import type { Json } from '../core/canonical-json.ts';
import { formatInstant } from '../core/instants.ts';
import { cutoffBefore } from '../core/periods.ts';
import { type DataMap, type DatasetId, findDataset } from './data-map.ts';
import { keepJson } from './keep.ts';
import type { Retention, RetentionRule } from './retention.ts';
import { isNarrower, type Selection, selectionJson } from './selection.ts';

/**
 * The rows that another rule keeps: those that meet `where`, meet none of `not`, and are not older than `before`.
 * `before` null: they are kept for ever, or are that other rule's to destroy.
 */
export interface Kept {
  readonly rule: string;
  readonly where: Selection;
  readonly not: readonly Selection[];
  readonly before: Temporal.Instant | null;
}

/** What a rule takes of a dataset at one moment. */
export interface Due {
  /** What becomes of the records: they go, or their fields are masked, those in which something is left to mask. */
  readonly act: 'destroy' | 'mask';
  /** Records older than this. */
  readonly cutoff: Temporal.Instant;
  readonly where: Selection;
  /** None of these: a more specific rule is there for them. */
  readonly not: readonly Selection[];
  /** And nothing that these keep: the longest window wins, and a record that two rules would take is taken by one. */
  readonly keptBy: readonly Kept[];
  /** Nor anything whose rows beneath, which would go with it, these keep. By dataset. */
  readonly beneath: Readonly<Record<DatasetId, readonly Kept[]>>;
}

/** The rules that have a say over a dataset's rows besides this one. */
interface Beside {
  readonly narrower: readonly RetentionRule[];
  readonly others: readonly RetentionRule[];
}

/**
 * Of the rules for one dataset, the more specific replaces the more general where it applies; of those that are left,
 * the longest window wins, whether its records are destroyed at its end or not. Masking is a question of its own: records
 * may be masked after a year and destroyed after three. A rule that only keeps has a say in both, and gives way in each to
 * what is more specific there: a rule that masks frees nothing to be destroyed.
 */
function beside(retention: Retention, rule: RetentionRule, dataset: DatasetId, act: Due['act']): Beside {
  const all = rulesOf(retention, dataset).filter(
    ({ id, dispose }) => id !== rule.id && (dispose === act || dispose === 'retain'),
  );
  const where = whereOf(rule, dataset);
  const narrower = all.filter((other) => isNarrower(whereOf(other, dataset), where));
  const others = all.filter((other) => !narrower.includes(other) && !isNarrower(where, whereOf(other, dataset)));
  return { narrower, others };
}

const rulesOf = (retention: Retention, dataset: DatasetId) =>
  Object.values(retention).filter((rule) => rule.datasets.includes(dataset));

const whereOf = (rule: RetentionRule, dataset: DatasetId): Selection => rule.where[dataset] ?? [];

/** The datasets whose rows go with a row of this one. */
function datasetsBeneath(map: DataMap, dataset: DatasetId): ReadonlySet<DatasetId> {
  const reached = new Set<DatasetId>();
  const visit = (id: DatasetId) => {
    const found = findDataset(map, id);
    if (found?.kind !== 'table') return;
    for (const [child, becomes] of Object.entries(found.onDispose))
      if (becomes === 'cascade' && !reached.has(child)) {
        reached.add(child);
        visit(child);
      }
  };
  visit(dataset);
  reached.delete(dataset);
  return reached;
}

/** The rules that decide what a rule takes: its own datasets' and those of what hangs beneath. */
function rulesConcerned(retention: Retention, map: DataMap, rule: RetentionRule): readonly RetentionRule[] {
  const datasets = new Set(rule.datasets.flatMap((id) => [id, ...datasetsBeneath(map, id)]));
  return Object.values(retention).filter(({ datasets: named }) => named.some((id) => datasets.has(id)));
}

/** The instant before which a rule's records are due: computed once a run, then kept (I3). Null: it keeps for ever. */
export function ruleCutoff(rule: RetentionRule, now: Temporal.Instant): Temporal.Instant | null {
  return rule.keep.period === null ? null : cutoffBefore(now, rule.keep.period, rule.zone);
}

/** The cutoffs of a rule and of those that keep something from it, as a run at that moment has them. */
export function cutoffsAt(
  { retention, dataMap }: { readonly retention: Retention; readonly dataMap: DataMap },
  rule: RetentionRule,
  now: Temporal.Instant,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    rulesConcerned(retention, dataMap, rule).flatMap((one): [string, string][] => {
      const cutoff = ruleCutoff(one, now);
      return cutoff === null ? [] : [[one.id, formatInstant(cutoff)]];
    }),
  );
}

/**
 * What a rule takes of one of its datasets.
 * @param cutoffs by rule, as they were computed once for the run (I3); a rule without one keeps for ever
 * @returns null where the rule takes nothing: it only keeps, or has no cutoff
 */
export function dueOf(
  { retention, dataMap }: { readonly retention: Retention; readonly dataMap: DataMap },
  rule: RetentionRule,
  dataset: DatasetId,
  cutoffs: Readonly<Record<string, string>>,
): Due | null {
  const at = (id: string) => (cutoffs[id] === undefined ? null : Temporal.Instant.from(cutoffs[id]));
  const cutoff = at(rule.id);
  const act = rule.dispose;
  if (cutoff === null || act === 'retain') return null;
  const keptOf =
    (id: DatasetId, before: (rule: string) => Temporal.Instant | null) =>
    (other: RetentionRule): Kept => ({
      rule: other.id,
      where: whereOf(other, id),
      not: beside(retention, other, id, act).narrower.map((one) => whereOf(one, id)),
      before: before(other.id),
    });
  // Of two rules that destroy, the one with the longer window takes the records of both; of equal ones, the first by name.
  const isFirst = (other: RetentionRule) => {
    const theirs = at(other.id);
    if (theirs === null) return true;
    const order = Temporal.Instant.compare(theirs, cutoff);
    return order < 0 || (order === 0 && other.id < rule.id);
  };
  const { narrower, others } = beside(retention, rule, dataset, act);
  const keptBy = others.flatMap((other) => {
    if (other.dispose === 'retain') return keptOf(dataset, at)(other);
    return isFirst(other) ? keptOf(dataset, () => null)(other) : [];
  });
  const isMasking = act === 'mask';
  const beneath = [...(isMasking ? [] : datasetsBeneath(dataMap, dataset))].flatMap(
    (id): [DatasetId, readonly Kept[]][] => {
      const kept = rulesOf(retention, id)
        .filter(({ dispose }) => dispose !== 'mask')
        .map(keptOf(id, at));
      return kept.length === 0 ? [] : [[id, kept]];
    },
  );
  return {
    act,
    cutoff,
    where: whereOf(rule, dataset),
    not: narrower.map((other) => whereOf(other, dataset)),
    keptBy,
    beneath: Object.fromEntries(beneath),
  };
}

/** The cutoff that counts where rows cannot be told apart, as in a folder: the earliest. Null: nothing is due. */
export function cutoffOfAll({ cutoff, keptBy }: Due): Temporal.Instant | null {
  let earliest = cutoff;
  for (const { before } of keptBy) {
    if (before === null) return null;
    if (Temporal.Instant.compare(before, earliest) < 0) earliest = before;
  }
  return earliest;
}

/** What other rules say, for the digest of a rule; undefined where none has a say. */
export function besideJson(retention: Retention, map: DataMap, rule: RetentionRule): Json | undefined {
  const others = rulesConcerned(retention, map, rule).filter(({ id }) => id !== rule.id);
  if (others.length === 0) return undefined;
  return others
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, datasets, where, keep, dispose, zone }) => ({
      id,
      datasets: datasets.toSorted(),
      where: Object.fromEntries(Object.entries(where).map(([key, one]) => [key, selectionJson(one)])),
      keep: keepJson(keep),
      dispose,
      zone,
    }));
}
