import type postgres from 'postgres';
import type { TableDataset } from '../../policy/data-map.ts';
import { type ColumnTypes, comparablePair, name, typeOf } from './dialect.ts';

/** Values of some columns of one row, as Postgres writes them; null never names anything. */
export type KeyValues = readonly string[];

/**
 * SQL for "these columns are one of these value lists", typed as the columns are so that an index is used.
 * @param from the types of the columns the values were read from, where these are others: what cannot be compared as it
 *   is, is compared as text
 * @returns the condition and its parameters (one text array a column)
 */
export function among(
  dataset: TableDataset,
  types: ColumnTypes,
  columns: readonly string[],
  values: readonly KeyValues[],
  alias: string,
  from: readonly string[] = columns.map((column) => typeOf(types, column)),
): { condition: string; parameters: string[][] } {
  const [only] = columns;
  if (only === undefined) throw new Error(`${dataset.id}: no columns to look a row up by`);
  const parameters = columns.map((_, i) => values.map((value) => value[i] ?? ''));
  const pairs = columns.map((column, i) => {
    const type = typeOf(types, column);
    const theirs = from[i] ?? type;
    return comparablePair(`${alias}.${name(column)}`, type, `v${i}::${theirs}`, theirs);
  });
  const ours = pairs.map(([our]) => our);
  const list = columns.map((_, i) => `v${i}`).join(', ');
  const given = `unnest(${columns.map((_, i) => `$${i + 1}::text[]`).join(', ')}) AS given (${list})`;
  const theirs = pairs.map(([, their]) => their).join(', ');
  const condition =
    columns.length === 1
      ? `${ours[0]} = ANY(ARRAY(SELECT ${theirs} FROM ${given}))`
      : `(${ours.join(', ')}) IN (SELECT ${theirs} FROM ${given})`;
  return { condition, parameters };
}

/** One text for a row's key, for maps and digests. Any text may stand in a key, so no separator would keep two apart. */
export function keyText(values: KeyValues): string {
  return JSON.stringify(values);
}

/**
 * Values as a column of this type writes them (`007` as 7, a UUID in small letters), null where the column cannot hold
 * such a value. What comes back can be cast in any later statement without failing it.
 */
export async function canonicalValues(
  sql: postgres.Sql,
  type: string,
  values: readonly string[],
): Promise<readonly (string | null)[]> {
  if (values.length === 0) return [];
  try {
    // One row for all: of a query that fails with some rows sent, the driver (postgres 3.4) puts as many holes before the
    // rows of that connection's next one.
    const [row] = await sql.unsafe<{ values: (string | null)[] }[]>(
      `SELECT array_agg(v::${type}::text ORDER BY n) AS values FROM unnest($1::text[]) WITH ORDINALITY AS u (v, n)`,
      [[...values]],
    );
    return row?.values ?? [];
  } catch (error) {
    if (!isWrongValue(error)) throw error;
    if (values.length === 1) return [null];
    // One of them is wrong: halve until it is alone.
    const middle = values.length >> 1;
    return [
      ...(await canonicalValues(sql, type, values.slice(0, middle))),
      ...(await canonicalValues(sql, type, values.slice(middle))),
    ];
  }
}

/** Class 22 is "data exception": the value is none of that type. */
function isWrongValue(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && String(error.code).startsWith('22');
}
