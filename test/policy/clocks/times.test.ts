import { describe, expect, it } from 'vitest';
import { readTime } from '../../../src/policy/clocks/times.ts';
import { clock } from './book.ts';

describe('a time as it was written', () => {
  it.each([
    ['2026-03-05T10:00:00+01:00[Europe/Berlin]', '2026-03-05T09:00:00Z'],
    ['2026-03-05T10:00:00+01:00', '2026-03-05T09:00:00Z'],
    ['2026-03-05T10:00:00Z', '2026-03-05T10:00:00Z'],
    ['2026-03-05T10:00Z', '2026-03-05T10:00:00Z'],
    ['2026-03-05T10:00:00Z[Europe/Berlin]', '2026-03-05T10:00:00Z'],
    ['2026-03-05T10:00:00[Europe/Berlin]', '2026-03-05T09:00:00Z'],
    ['2026-03-05T10:00:00.001+00:00[UTC]', '2026-03-05T10:00:00.001Z'],
    // The night the clocks went back: the offset says which half past two was meant.
    ['2026-10-25T02:30:00+02:00[Europe/Berlin]', '2026-10-25T00:30:00Z'],
    ['2026-10-25T02:30:00+01:00[Europe/Berlin]', '2026-10-25T01:30:00Z'],
  ])('%s is an instant', (text, instant) => {
    expect(readTime(text)).toEqual({ kind: 'instant', at: Temporal.Instant.from(instant) });
  });

  it.each([
    ['2026-06-12T16:20:00', 'OFFSET_MISSING'],
    ['2026-02-30T10:00:00+01:00', 'DATE_INVALID'],
    ['2026-02-29', 'DATE_INVALID'],
    ['2026-04-31T10:00:00', 'DATE_INVALID'],
    ['2026-03-05T24:00:00Z', 'DATE_INVALID'],
    ['2026-03-05T10:60:00Z', 'DATE_INVALID'],
    // A leap second, which Temporal would quietly take for the second before.
    ['2016-12-31T23:59:60Z', 'DATE_INVALID'],
    ['2026-03-05 10:00:00Z', 'DATE_INVALID'],
    ['20260305T100000Z', 'DATE_INVALID'],
    ['05.03.2026', 'DATE_INVALID'],
    ['', 'DATE_INVALID'],
    ['2026-03-05T10:00:00+1:00', 'DATE_INVALID'],
    ['2026-03-05T10:00:00+01:00[CEST]', 'ZONE_UNKNOWN'],
    ['2026-03-05T10:00:00[EST]', 'ZONE_UNKNOWN'],
    ['2026-03-05T10:00:00+01:00[+01:00]', 'ZONE_UNKNOWN'],
    ['2026-03-05T10:00:00+01:00[Europe/Atlantis]', 'ZONE_UNKNOWN'],
    ['2026-07-01T12:00:00+01:00[Europe/Berlin]', 'OFFSET_MISMATCH'],
    ['2026-03-29T02:30:00+01:00[Europe/Berlin]', 'OFFSET_MISMATCH'],
    ['2026-03-29T02:30:00[Europe/Berlin]', 'TIME_NONEXISTENT'],
    ['2026-10-25T02:30:00[Europe/Berlin]', 'TIME_AMBIGUOUS'],
  ])('%s is refused: %s', (text, code) => {
    expect(readTime(text)).toEqual({ kind: 'error', code });
  });

  it('a day alone is a letter for a day clock, and no instant for an hour clock', () => {
    expect(clock('GDPR-12.3', '2026-06-08', { zone: 'Europe/Berlin' })).toMatchObject({ kind: 'date' });
    for (const rule of ['GDPR-33-72H', 'SLA-TIER', 'SLA-NOTE', 'SLA-AUTOCLOSE', 'SLA-ESCALATE', 'RET-SUBTRACT'])
      expect(clock(rule, '2026-06-08', { params: { period: 'P1D' } })).toMatchObject({
        kind: 'error',
        code: 'INSTANT_REQUIRED',
      });
  });

  it.each(['CEST', 'EST', '+02:00', 'Europe/Atlantis', 'europe/berlin', ''])('the zone "%s" is refused', (zone) => {
    expect(clock('SVC-30D', '2026-06-08', { zone })).toMatchObject({ kind: 'error', code: 'ZONE_UNKNOWN' });
  });
});
