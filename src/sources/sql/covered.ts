import type { TableDataset } from '../../policy/data-map.ts';
import { type SqlEngine, typeOf } from './dialect.ts';
import { type HeldGroups, heldConditions } from './held.ts';
import { type KeyValues, keyText } from './keys.ts';

/** Keys asked about in one statement. */
const atOnce = 500;

/**
 * The keys of what a hold that is in place covers now, in the order of their digests (`SqlDialect.keyDigest`): the order
 * in which the root of its coverage takes them, so that two lists can be compared without holding either in memory.
 */
export async function* keysCovered(
  engine: SqlEngine,
  groups: HeldGroups,
  dataset: TableDataset,
  hold: string,
): AsyncGenerator<KeyValues> {
  const shape = await engine.shape();
  const types = shape.types.get(dataset.id);
  const ways = types ? heldConditions(shape, dataset, 't', groups, hold) : [];
  if (!types || ways.length === 0) return;
  const { keyDigest, table } = engine.dialect;
  const select = (way: string) =>
    `SELECT ${keyDigest(dataset, types, 't')} AS d, ${keyColumns(engine, dataset)(types)} FROM ${table(dataset)} t WHERE ${way}`;
  const parts = engine.stream<Record<string, unknown>>(`${ways.map(select).join(' UNION ')} ORDER BY 1`, 5000);
  for await (const part of parts) for (const row of part) yield keyOf(dataset, row);
}

/** Which of these keys name rows that are there now, as `keyText` writes them. */
export async function keysThere(
  engine: SqlEngine,
  dataset: TableDataset,
  keys: readonly KeyValues[],
): Promise<ReadonlySet<string>> {
  const shape = await engine.shape();
  const types = shape.types.get(dataset.id) ?? {};
  const there = new Set<string>();
  for (let start = 0; start < keys.length; start += atOnce) {
    const part = keys.slice(start, start + atOnce);
    const { condition, parameters } = engine.dialect.among(dataset, types, dataset.key, part, 't');
    const rows = await engine.rows<Record<string, unknown>>(
      `SELECT ${keyColumns(engine, dataset)(types)} FROM ${engine.dialect.table(dataset)} t WHERE ${condition}`,
      parameters,
    );
    for (const row of rows) there.add(keyText(keyOf(dataset, row)));
  }
  return there;
}

const keyColumns =
  ({ dialect }: SqlEngine, dataset: TableDataset) =>
  (types: Readonly<Record<string, string>>) =>
    dataset.key
      .map((column, i) => `${dialect.text(`t.${dialect.name(column)}`, typeOf(types, column))} AS k${i}`)
      .join(', ');

const keyOf = (dataset: TableDataset, row: Readonly<Record<string, unknown>>): KeyValues =>
  dataset.key.map((_, i) => String(row[`k${i}`]));
