import { truths } from './dialect.ts';
import type { RemoteSession } from './sessions.ts';

/**
 * Values as a column of this type writes them (`007` as 7), null where it should not hold such a value: SQLite itself would
 * take a word for a number's column. What has a zero byte in it is none either: SQL cannot write it as a constant.
 */
export async function canonicalValues(
  session: RemoteSession,
  type: string,
  given: readonly string[],
): Promise<readonly (string | null)[]> {
  const affinity = type.split(' ')[0];
  const values = affinity === 'integer' || affinity === 'numeric' ? given.map((one) => truths[one] ?? one) : given;
  if (affinity === 'integer') return values.map(integer);
  if (affinity !== 'real' && affinity !== 'numeric')
    return values.map((value) => (value.includes('\0') ? null : value));
  const written = await session.all<{ v: string }>(
    `SELECT CAST(CAST(value AS ${affinity}) AS TEXT) AS v FROM json_each(:values) ORDER BY key`,
    { values: JSON.stringify(values.map((value) => value.trim())) },
  );
  return values.map((value, i) => {
    if (value.includes('\0')) return null;
    if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(value.trim())) return written[i]?.v ?? null;
    // A column of times or of truths is numeric to SQLite, and holds words.
    return affinity === 'numeric' ? value : null;
  });
}

const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];

function integer(value: string): string | null {
  if (!/^\s*[+-]?\d{1,30}\s*$/.test(value)) return null;
  const number = BigInt(value.trim().replace('+', ''));
  return number >= least && number <= most ? String(number) : null;
}
