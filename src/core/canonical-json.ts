/** What JSON can say. `undefined` members of objects are left out, as JSON.stringify leaves them out. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Canonical JSON (RFC 8785, JCS): members sorted by UTF-16 code units, no white space, ECMAScript numbers and strings.
 * The same value always gives the same text, so that its digest names it.
 * @throws TypeError on what JSON can't carry: NaN, infinities, lone surrogates (JCS section 3.2.2.2 forbids them),
 *   functions, symbols, bigint.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`canonical JSON has no ${value}`);
    return JSON.stringify(value);
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError('canonical JSON has no lone surrogates');
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(',')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value).filter((member): member is [string, Json] => member[1] !== undefined);
    // Default sort compares UTF-16 code units: exactly what RFC 8785 section 3.2.3 asks.
    members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${members.map(([key, member]) => `${canonicalJson(key)}:${canonicalJson(member)}`).join(',')}}`;
  }
  throw new TypeError(`canonical JSON has no ${typeof value}`);
}
