/** The prefix says what an id names; the rest is opaque to everyone outside. */
const idPrefixes = {
  actor: 'act',
  token: 'tok',
  request: 'req',
  demand: 'dem',
  incident: 'inc',
  hold: 'hld',
  matter: 'mat',
  custodian: 'cus',
  coverage: 'cov',
  run: 'run',
  export: 'exp',
  document: 'doc',
  blob: 'blb',
  notice: 'ntc',
  key: 'key',
  case: 'cas',
  invitation: 'inv',
  grant: 'grt',
  lending: 'lnd',
  review: 'rev',
} as const;

export type IdKind = keyof typeof idPrefixes;

const crockford = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * An id such as `req_01jdq4v7m8…`: 48 bits of time, 80 of randomness (the ULID layout), so that ids sort by age.
 * @param random at least 10 bytes
 */
export function makeId(kind: IdKind, at: Temporal.Instant, random: Uint8Array): string {
  if (random.length < 10) throw new RangeError('an id needs 10 random bytes');
  let value = BigInt(at.epochMilliseconds) & 0xffff_ffff_ffffn;
  for (const byte of random.subarray(0, 10)) value = (value << 8n) | BigInt(byte);
  let text = '';
  for (let digit = 0; digit < 26; digit++) {
    text = crockford.charAt(Number(value & 31n)) + text;
    value >>= 5n;
  }
  return `${idPrefixes[kind]}_${text}`;
}

/**
 * A reference that a person can read over the phone, such as `R-7K4M-2QD9`: 40 random bits in Crockford's alphabet
 * (no I, L, O, U). It names a case; it never opens one.
 * @param random at least 5 bytes
 */
export function makeReference(letter: 'R' | 'D' | 'E' | 'H' | 'B' | 'M', random: Uint8Array): string {
  if (random.length < 5) throw new RangeError('a reference needs 5 random bytes');
  let value = 0n;
  for (const byte of random.subarray(0, 5)) value = (value << 8n) | BigInt(byte);
  let text = '';
  for (let digit = 0; digit < 8; digit++) {
    text = crockford.charAt(Number(value & 31n)).toUpperCase() + text;
    value >>= 5n;
  }
  return `${letter}-${text.slice(0, 4)}-${text.slice(4)}`;
}
