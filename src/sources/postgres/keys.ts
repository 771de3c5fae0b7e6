import type postgres from 'postgres';
import type { TableDataset } from '../../policy/data-map.ts';
import { type ColumnTypes, name, typeOf } from './dialect.ts';

/** Values of some columns of one row, as Postgres writes them; null never names anything. */
export type KeyValues = readonly string[];

/**
 * SQL for "these columns are one of these value lists", typed as the columns are so that an index is used.
 * @param first number of the first parameter
 * @returns the condition and its parameters (one text array a column)
 */
export function among(
  dataset: TableDataset,
  types: ColumnTypes,
  columns: readonly string[],
  values: readonly KeyValues[],
  alias: string,
  first = 1,
): { condition: string; parameters: string[][] } {
  const parameters = columns.map((_, i) => values.map((value) => value[i] ?? ''));
  const typed = columns.map((column, i) => `$${first + i}::text[]::${arrayType(typeOf(types, column))}`);
  const [only] = columns;
  if (only === undefined) throw new Error(`${dataset.id}: no columns to look a row up by`);
  const condition =
    columns.length === 1
      ? `${alias}.${name(only)} = ANY(${typed[0]})`
      : `(${columns.map((column) => `${alias}.${name(column)}`).join(', ')}) IN (SELECT * FROM unnest(${typed.join(', ')}))`;
  return { condition, parameters };
}

function arrayType(type: string): string {
  return `${type}[]`;
}

/** One text for a row's key, for maps and digests; the separator cannot occur in a key column's text. */
export function keyText(values: KeyValues): string {
  return values.join('\u001f');
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
    const rows = await sql.unsafe<{ value: string | null }[]>(
      `SELECT v::${type}::text AS value FROM unnest($1::text[]) WITH ORDINALITY AS u (v, n) ORDER BY n`,
      [[...values]],
    );
    return rows.map(({ value }) => value);
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
