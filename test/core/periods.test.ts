import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatInstant, parseInstant } from '../../src/core/instants.ts';
import { cutoffBefore, formatPeriod, instantAfter, type Period, parsePeriod } from '../../src/core/periods.ts';
import { isRefusal } from '../../src/core/refusal.ts';

function period(text: string): Period {
  const read = parsePeriod(text);
  if (isRefusal(read)) throw new Error(read.detail);
  return read;
}
const at = (text: string) => Temporal.Instant.from(text);
const periods = fc.record({
  years: fc.integer({ min: 0, max: 30 }),
  months: fc.integer({ min: 0, max: 40 }),
  weeks: fc.integer({ min: 0, max: 60 }),
  days: fc.integer({ min: 0, max: 900 }),
});
const instants = fc
  .integer({ min: Date.parse('1990-01-01Z'), max: Date.parse('2090-01-01Z') })
  .map((ms) => Temporal.Instant.fromEpochMilliseconds(ms));

describe('periods', () => {
  it('are whole calendar units, written once each and in order', () => {
    fc.assert(
      fc.property(periods, (given) => {
        const text = formatPeriod(given);
        if (text === 'P') expect(isRefusal(parsePeriod('P0D'))).toBe(true);
        else expect(parsePeriod(text)).toEqual(given);
      }),
    );
    // Temporal itself would take the first two.
    for (const wrong of [
      'PT3M',
      'P0D',
      'P',
      '',
      '-P1D',
      '+P1D',
      'P1.5Y',
      'P1,5Y',
      'P1D1Y',
      'p1y',
      ' P1Y',
      'P1Y ',
      '3 years',
      'P1YT',
      'P12345Y',
      'P١Y',
      'P1Y\n',
    ])
      expect([wrong, parsePeriod(wrong)]).toMatchObject([wrong, { kind: 'refusal', code: 'period_invalid' }]);
  });

  it('are subtracted once, clamped to the month', () => {
    // Deadline rules 4.4.
    for (const [now, length, cutoff, zone] of [
      ['2026-05-31T12:00:00Z', 'P3M', '2026-02-28T12:00:00Z', 'UTC'],
      ['2028-02-29T00:00:00Z', 'P3Y', '2025-02-28T00:00:00Z', 'UTC'],
      ['2024-02-29T00:00:00Z', 'P18M', '2022-08-29T00:00:00Z', 'UTC'],
      ['2024-02-29T00:00:00Z', 'P1Y6M', '2022-08-29T00:00:00Z', 'UTC'],
      ['2026-04-15T10:00:00Z', 'P90D', '2026-01-15T11:00:00Z', 'Europe/Berlin'],
      ['2026-06-29T00:30:00Z', 'P3M', '2026-03-29T01:30:00Z', 'Europe/Berlin'],
      ['2027-01-25T01:30:00Z', 'P3M', '2026-10-25T00:30:00Z', 'Europe/Berlin'],
    ] as const)
      expect([now, length, cutoffBefore(at(now), period(length), zone).toString()]).toEqual([now, length, cutoff]);
  });

  it('of one kind never make something due before its time, and keep it three days longer at most', () => {
    const oneKind = periods.chain((length) =>
      fc.constantFrom({ ...length, weeks: 0, days: 0 }, { ...length, years: 0, months: 0 }),
    );
    fc.assert(
      fc.property(instants, oneKind, (recorded, length) => {
        fc.pre(formatPeriod(length) !== 'P');
        const over = instantAfter(recorded, length);
        const isDue = (now: Temporal.Instant) => Temporal.Instant.compare(recorded, cutoffBefore(now, length)) < 0;
        expect(isDue(over.subtract({ milliseconds: 1 }))).toBe(false);
        expect(isDue(over.add({ hours: 3 * 24, milliseconds: 1 }))).toBe(true);
      }),
    );
  });

  it('of months and days together are what one subtraction says, which may be a day or two less than the sum', () => {
    const recorded = at('1990-03-01T00:00:00Z');
    const length = period('P2M671D');
    const eve = instantAfter(recorded, length).subtract({ milliseconds: 1 });
    expect(Temporal.Instant.compare(recorded, cutoffBefore(eve, length))).toBe(-1);
  });
});

describe('instants', () => {
  it('leave in UTC with three decimals and come back as they were', () => {
    fc.assert(
      fc.property(instants, (instant) => {
        const text = formatInstant(instant);
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        const read = parseInstant(text);
        expect(!isRefusal(read) && read.equals(instant)).toBe(true);
      }),
    );
  });

  it('are cut to milliseconds, and refused without an offset', () => {
    const read = parseInstant('2026-11-27T09:30:00.1239999+01:00');
    expect(!isRefusal(read) && formatInstant(read)).toBe('2026-11-27T08:30:00.123Z');
    for (const wrong of ['2026-11-27T09:30:00', '2026-11-27', 'now', '', '2026-02-30T00:00:00Z'])
      expect([wrong, parseInstant(wrong)]).toMatchObject([wrong, { kind: 'refusal', code: 'time_invalid' }]);
  });
});
