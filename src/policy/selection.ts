import { z } from 'zod';
import { canonicalJson, type Json } from '../core/canonical-json.ts';
import { type DataMap, findDataset, type Link, linksJson, type TableDataset } from './data-map.ts';
import type { PolicyIssue, PolicyPath } from './yaml.ts';

/** One condition on a row: a column of its own, or of a row that it links to. */
export interface Condition {
  /** As it is written: `kind`, or by links `conversation_id.family_id.jurisdiction`. */
  readonly path: string;
  /** Links followed up from the row; empty: the column is its own. */
  readonly through: readonly Link[];
  readonly column: string;
  /** The value is one of these; null: it is empty, which it also is where a link leads to no row. */
  readonly values: readonly (string | null)[];
  /** True: the value is none of them. */
  readonly isNot: boolean;
}

/** The rows that meet every condition; with none, every row. */
export type Selection = readonly Condition[];

const scalars = [z.string(), z.number(), z.boolean(), z.null()] as const;
const wanted = [...scalars, z.array(z.union(scalars)).min(1)] as const;
const wantedWords = 'Write a value, a list of values, or null for empty';

/** `where:` of a rule. */
export const whereSchema = z
  .record(
    z.string().min(1).max(500),
    z.union([...wanted, z.strictObject({ not: z.union(wanted, { error: `${wantedWords}.` }) })], {
      error: `${wantedWords}, or { not: … } of these.`,
    }),
  )
  .meta({
    description:
      'Which rows the rule is for: column -> value, list, null or { not: … }. A column of a linked row is written with the links that lead there, with dots.',
    examples: [{ kind: 'system' }, { 'conversation_id.family_id': [7, 8], deleted_at: { not: null } }],
  });

/** Read the conditions and find what their paths lead through; issues stand beneath `path`. */
export function resolveWhere(
  written: z.output<typeof whereSchema>,
  dataset: TableDataset,
  map: DataMap,
  path: PolicyPath,
): { selection: Selection; issues: readonly PolicyIssue[] } {
  const issues: PolicyIssue[] = [];
  const selection: Condition[] = [];
  for (const [key, value] of Object.entries(written)) {
    const found = follow(key, dataset, map);
    if (typeof found === 'string') {
      issues.push({ path: [...path, key], code: 'where_unknown', detail: found });
      continue;
    }
    const isNot = typeof value === 'object' && value !== null && !Array.isArray(value);
    const given = isNot ? value.not : value;
    const values = (Array.isArray(given) ? given : [given]).map((one) => (one === null ? null : String(one)));
    selection.push({ path: key, ...found, values: [...new Set(values)].toSorted(byText), isNot });
  }
  return { selection: selection.toSorted((a, b) => (a.path < b.path ? -1 : 1)), issues };
}

const byText = (a: string | null, b: string | null) => (a === b ? 0 : a === null || (b !== null && a < b) ? -1 : 1);

/** @returns the links and the column, or what is wrong and what to write */
function follow(key: string, dataset: TableDataset, map: DataMap): Pick<Condition, 'through' | 'column'> | string {
  const parts = key.split('.');
  const column = parts.pop() ?? '';
  const through: Link[] = [];
  let at = dataset;
  for (const part of parts) {
    const columns = part.split(',').map((name) => name.trim());
    const links = at.links.filter((link) => link.columns.join() === columns.join());
    const [link] = links;
    if (!link || links.length > 1)
      return link
        ? `${part} of ${at.id} links to several datasets: a condition cannot say which. Use a column of ${at.id} itself.`
        : `${at.id} has no link on ${part}. Write a column of it, or one of: ${at.links.map((one) => one.columns.join()).join(', ') || 'there is none'}.`;
    const parent = findDataset(map, link.to.dataset);
    if (parent?.kind !== 'table') return `${link.to.dataset} is not in sources.yaml.`;
    through.push(link);
    at = parent;
  }
  return column === '' ? 'Write a column after the last dot.' : { through, column };
}

/** A selection as digests and the API say it. */
export function selectionJson(selection: Selection): Json {
  return selection.map(({ path, through, values, isNot }) => ({
    path,
    ...(through.length > 0 ? { through: linksJson(through) } : {}),
    [isNot ? 'not' : 'is']: values,
  }));
}

/** Whether one selection says everything another one says, and more: it is the more specific of the two. */
export function isNarrower(one: Selection, other: Selection): boolean {
  const told = new Set(one.map((condition) => canonicalJson(selectionJson([condition]))));
  return one.length > other.length && other.every((condition) => told.has(canonicalJson(selectionJson([condition]))));
}

/** In words, as a page and a log show it: "kind is system and deleted_at is not empty". */
export function selectionInWords(selection: Selection): string {
  return selection
    .map(({ path, values, isNot }) => {
      const list = values.map((value) => (value === null ? 'empty' : value)).join(' or ');
      return `${path} is ${isNot ? 'not ' : ''}${list}`;
    })
    .join(' and ');
}
