import type postgres from 'postgres';

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
