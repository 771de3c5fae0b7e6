import { createHash } from 'node:crypto';
import type { TableDataset } from '../../policy/data-map.ts';
import { type Condition, type SqlEngine, typeOf } from './dialect.ts';
import type { ReachedRow } from './find.ts';
import { anyOf, blockedByChildren, type HeldGroups, heldConditions, holdsBeneath } from './held.ts';
import { keyText } from './keys.ts';

/** What would become of a person's own rows of one dataset, by key, as things stand now. */
export interface Preview {
  readonly free: readonly ReachedRow[];
  readonly held: readonly ReachedRow[];
  /** Somebody else's row still needs them. */
  readonly restricted: readonly ReachedRow[];
}

/** An order to erase or mask named rows of one dataset; the same batch asked again is answered from the journal. */
export interface EraseOrder {
  readonly batch: string;
  readonly request: string;
  readonly dataset: string;
  readonly seq: number;
  readonly policy: string;
  readonly runKey: Uint8Array;
  /** Key of pseudonyms, 32 bytes: the same for every order, so that equal values stay equal. */
  readonly pseudonyms: Uint8Array;
  readonly rows: readonly ReachedRow[];
}

const chunk = 500;

/** Rows that go before others of the same erasure, by dataset. */
export type Going = ReadonlyMap<string, readonly ReachedRow[]>;

/**
 * Sort rows into free, held and restricted with the very predicates that guard their destruction.
 * @param groups what holds name now
 * @param going what the same erasure destroys before these rows: it restricts them no longer
 */
export async function previewErasure(
  engine: SqlEngine,
  groups: HeldGroups,
  dataset: TableDataset,
  rows: readonly ReachedRow[],
  act: 'destroy' | 'mask',
  going: Going,
): Promise<Preview> {
  const shape = await engine.shape();
  const { name, table, text, among } = engine.dialect;
  const types = shape.types.get(dataset.id) ?? {};
  const goingKeys: (readonly string[])[] = [];
  const staying = (child: TableDataset, alias: string): string => {
    const keysOf = (going.get(child.id) ?? []).map(({ key }) => key);
    if (keysOf.length === 0) return '';
    const childTypes = shape.types.get(child.id) ?? {};
    const gone = among(child, childTypes, child.key, keysOf, alias, undefined, goingKeys.length + 1);
    goingKeys.push(...gone.parameters);
    return `NOT (${gone.condition})`;
  };
  const children =
    act === 'destroy'
      ? blockedByChildren(shape, dataset, 't', groups, staying)
      : { held: holdsBeneath(shape, dataset, 't', groups), restricted: [] };
  const held = anyOf([...heldConditions(shape, dataset, 't', groups), ...children.held]) ?? '1 = 0';
  const restricted = anyOf(children.restricted) ?? '1 = 0';
  const result: { free: ReachedRow[]; held: ReachedRow[]; restricted: ReachedRow[] } = {
    free: [],
    held: [],
    restricted: [],
  };
  const keys = dataset.key
    .map((column, i) => `${text(`t.${name(column)}`, typeOf(types, column))} AS k${i}`)
    .join(', ');
  for (let start = 0; start < rows.length; start += chunk) {
    const part = new Map(rows.slice(start, start + chunk).map((row) => [keyText(row.key), row]));
    const wanted: Condition = among(
      dataset,
      types,
      dataset.key,
      [...part.values()].map((row) => row.key),
      't',
      undefined,
      goingKeys.length + 1,
    );
    const answers = await engine.rows<Record<string, string> & { verdict: string }>(
      `SELECT ${keys}, CASE WHEN ${held} THEN 'held' WHEN ${restricted} THEN 'restricted' ELSE 'free' END AS verdict
       FROM ${table(dataset)} t WHERE ${wanted.condition}`,
      [...goingKeys, ...wanted.parameters],
    );
    for (const answer of answers) {
      const row = part.get(keyText(dataset.key.map((_, i) => answer[`k${i}`] ?? '')));
      const verdict = answer.verdict;
      if (row && (verdict === 'held' || verdict === 'restricted' || verdict === 'free')) result[verdict].push(row);
    }
  }
  return result;
}

/** A digest that names exactly which rows were meant, whatever order they came in. */
export function rowsDigest(dataset: string, rows: readonly ReachedRow[]): string {
  const digest = createHash('sha256').update(`${dataset}\n`);
  for (const key of rows.map((row) => keyText(row.key)).sort()) digest.update(`${key}\n`);
  return digest.digest('hex');
}
