import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayBegin, nextOpening, paceInWords, paceSchema, readPace, restAfter } from '../../src/policy/pace.ts';

const between = (from: string, to: string) => readPace(paceSchema.parse({ between: [from, to] }));
const at = (local: string, zone: string) => Temporal.PlainDateTime.from(local).toZonedDateTime(zone).toInstant();

describe('the pace of a rule', () => {
  it('lets batches begin in its hours, in its own zone, over midnight too', () => {
    const night = between('22:00', '06:00');
    for (const [local, may] of [
      ['2026-07-01T21:59:59', false],
      ['2026-07-01T22:00', true],
      ['2026-07-02T00:00', true],
      ['2026-07-02T05:59:59.999', true],
      ['2026-07-02T06:00', false],
      ['2026-12-01T12:00', false],
    ] as const)
      for (const zone of ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'UTC'])
        expect(mayBegin(night, zone, at(local, zone)), `${local} ${zone}`).toBe(may);
    const noon = between('11:30', '13:00');
    expect([11, 12, 13].map((hour) => mayBegin(noon, 'UTC', at(`2026-07-01T${hour}:45`, 'UTC')))).toEqual([
      true,
      true,
      false,
    ]);
    // The hour from 2 to 3 is not there: the window opens when it would have begun.
    expect(mayBegin(between('02:30', '04:00'), 'Europe/Berlin', Temporal.Instant.from('2026-03-29T01:00Z'))).toBe(true);
  });

  it('of a window and of the rest of the day is all of it, and never both', () => {
    const time = fc
      .record({ h: fc.integer({ min: 0, max: 23 }), m: fc.integer({ min: 0, max: 59 }) })
      .map(({ h, m }) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`);
    fc.assert(
      fc.property(time, time, fc.integer({ min: 0, max: 2 ** 31 }), (from, to, seconds) => {
        fc.pre(from !== to);
        const now = Temporal.Instant.fromEpochMilliseconds(seconds * 1000);
        for (const zone of ['UTC', 'America/Sao_Paulo'])
          expect(mayBegin(between(from, to), zone, now)).toBe(!mayBegin(between(to, from), zone, now));
      }),
    );
  });

  it('says when they begin next, over clock changes too', () => {
    const night = between('22:00', '06:00');
    const next = (now: string, zone = 'UTC') => nextOpening(night, zone, Temporal.Instant.from(now)).toString();
    expect(next('2026-07-01T21:59:59.999Z')).toBe('2026-07-01T22:00:00Z');
    expect(next('2026-07-01T22:00Z')).toBe('2026-07-02T22:00:00Z');
    expect(next('2026-07-01T12:00Z', 'America/New_York')).toBe('2026-07-02T02:00:00Z');
    expect(next('2026-10-25T12:00Z', 'Europe/Berlin')).toBe('2026-10-25T21:00:00Z');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seconds) => {
        const now = Temporal.Instant.fromEpochMilliseconds(seconds * 1000);
        const opening = nextOpening(night, 'Europe/Berlin', now);
        expect(mayBegin(night, 'Europe/Berlin', opening)).toBe(true);
        expect(Temporal.Instant.compare(opening, now)).toBe(1);
        expect(mayBegin(night, 'Europe/Berlin', opening.subtract({ milliseconds: 1 }))).toBe(false);
      }),
    );
  });

  it('rests so that a run stays below its records a second', () => {
    const pace = readPace(paceSchema.parse({ rowsPerSecond: 200 }));
    expect(restAfter(pace, 100, 100)).toBe(400);
    expect(restAfter(pace, 100, 900)).toBe(0);
    expect(restAfter(readPace(undefined), 100, 100)).toBe(0);
    expect(paceInWords(pace)).toBe('200 records a second');
    expect(paceInWords(readPace(undefined))).toBe('');
  });

  it('is refused where it says nothing that can be done', () => {
    for (const wrong of [
      { between: ['22:00', '22:00'] },
      { between: ['24:00', '06:00'] },
      { between: ['22', '6'] },
      { between: ['22:00'] },
      { rowsPerSecond: 0 },
      { rowsPerSecond: 1.5 },
      { lockSeconds: 0 },
      { rows: 5 },
    ])
      expect(paceSchema.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
  });
});
