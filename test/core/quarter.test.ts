import { describe, expect, it } from 'vitest';
import { quarterBefore, quarterBounds, quarterOf } from '../../src/core/quarter.ts';

const day = (text: string) => Temporal.PlainDate.from(text);

describe('a quarter', () => {
  it.each([
    ['2026-01-01', '2026-Q1', '2025-Q4'],
    ['2026-03-31', '2026-Q1', '2025-Q4'],
    ['2026-05-31', '2026-Q2', '2026-Q1'],
    ['2026-12-31', '2026-Q4', '2026-Q3'],
  ])('of %s is %s, and the one before it %s', (date, own, before) => {
    expect([quarterOf(day(date)), quarterBefore(day(date))]).toEqual([own, before]);
  });

  it('begins and ends at midnight where the organization is', () => {
    const { from, to } = quarterBounds('2026-Q4', 'America/New_York');
    // Summer time ends in between.
    expect([from.toString(), to.toString()]).toEqual(['2026-10-01T04:00:00Z', '2027-01-01T05:00:00Z']);
    expect(quarterBounds('2026-Q4/2026-11-27', 'UTC').from.toString()).toBe('2026-10-01T00:00:00Z');
    expect(() => quarterBounds('Q4 2026', 'UTC')).toThrow(RangeError);
  });
});
