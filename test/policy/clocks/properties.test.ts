import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClockAnswer, type ClockEvent, lateFrom } from '../../../src/policy/clocks/answer.ts';
import { clock, weekends } from './book.ts';

const first = Date.parse('2020-01-01T00:00:00Z');
const day = 86_400_000;
const instants = fc
  .integer({ min: first, max: first + 20 * 365 * day })
  .map((ms) => Temporal.Instant.fromEpochMilliseconds(ms));
const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/Havana', 'Africa/Cairo', 'Pacific/Apia', 'Asia/Kolkata');
const calendars = fc.constantFrom(null, weekends, {
  ...weekends,
  holidays: ['2024-12-25', '2024-12-26', '2025-01-01', '2027-03-26', '2027-03-29', '2028-12-25'],
});
const answering = fc.constantFrom(
  'SVC-30D',
  'GDPR-12.3',
  'UK-12A',
  'CCPA-CONFIRM',
  'CCPA-RESPOND',
  'US-APPEAL-45D',
  'LGPD-15D',
  'PIPEDA-30D',
  'ZA-30D',
  'US-FRCP45-OBJ',
  'EU-EPOC-8H',
  'UK-COPO-7D',
);

function limit(answer: ClockAnswer): number {
  const at = lateFrom(answer) ?? (answer.kind === 'keepUntil' ? answer.releaseFrom : null);
  if (!at) throw new Error(`no time: ${answer.kind}`);
  return at.epochMilliseconds;
}

const plus = (at: Temporal.Instant, ms: number) => at.add({ milliseconds: ms }).toString();

describe('properties of every clock', () => {
  // Not earlier, rather than later: 28, 29, 30 and 31 January have one date together, and so have the days that roll to
  // one Monday. Without events, since an event that one receipt allows comes before the other.
  it('in one zone and calendar, without events, a later receipt never has an earlier due date', () => {
    fc.assert(
      fc.property(
        answering,
        instants,
        fc.integer({ min: 0, max: 60 * day }),
        zones,
        calendars,
        (id, at, gap, zone, calendar) => {
          const [sooner, second] = [clock(id, at, { zone, calendar }), clock(id, plus(at, gap), { zone, calendar })];
          fc.pre(sooner.kind !== 'notInForce' && second.kind !== 'notInForce');
          expect(limit(second)).toBeGreaterThanOrEqual(limit(sooner));
        },
      ),
    );
  });

  it('is never due before it was received, and explains itself from the receipt to its last day', () => {
    fc.assert(
      fc.property(answering, instants, zones, calendars, (id, at, zone, calendar) => {
        const answer = clock(id, at, { zone, calendar });
        fc.pre(answer.kind !== 'notInForce');
        expect(limit(answer)).toBeGreaterThan(at.epochMilliseconds);
        expect(answer.steps[0]?.what).toMatch(/^Received/);
        if (answer.kind === 'date') {
          expect(answer.steps.at(-1)?.at).toBe(answer.dueDate.toString());
          expect(answer.dueBefore.epochMilliseconds).toBe(
            answer.dueDate.add({ days: 1 }).toZonedDateTime(zone).epochMilliseconds,
          );
        }
        for (const { citation, what } of answer.steps)
          expect([citation.length > 3, what.length > 3]).toEqual([true, true]);
      }),
    );
  });

  it('an extension never shortens, whenever its notice comes', () => {
    fc.assert(
      fc.property(
        answering,
        instants,
        fc.integer({ min: -5, max: 120 }),
        zones,
        calendars,
        (id, at, days, zone, calendar) => {
          const notice: ClockEvent = {
            type: 'extension_notice',
            at: plus(at, days * day),
            reason: 'complex',
            by: 'court',
            new_due_date: at.toZonedDateTimeISO(zone).toPlainDate().add({ days: 40 }).toString(),
          };
          const plain = clock(id, at, { zone, calendar });
          fc.pre(plain.kind !== 'notInForce');
          const extended = clock(id, at, { zone, calendar, events: [notice] });
          expect(limit(extended)).toBeGreaterThanOrEqual(limit(plain));
          if (!extended.extended) expect(limit(extended)).toBe(limit(plain));
        },
      ),
    );
  });

  const question = fc.record({
    from: fc.integer({ min: 0, max: 25 }),
    length: fc.integer({ min: 0, max: 40 }),
    what: fc.constantFrom('identity', 'clarification'),
  });
  const asEvents = (at: Temporal.Instant, questions: readonly { from: number; length: number; what: string }[]) =>
    questions.flatMap(({ from, length, what }, index): ClockEvent[] => [
      {
        type: `${what}_requested`,
        at: plus(at, from * day),
        ref: `q${index}`,
        basis: 'art12_6_reasonable_doubt',
        without_undue_delay: true,
      },
      { type: `${what}_received`, at: plus(at, (from + length) * day), ref: `q${index}` },
    ]);

  it('pauses merge: a day in which several questions are open does not count once', () => {
    fc.assert(
      fc.property(instants, fc.array(question, { minLength: 1, maxLength: 4 }), (at, questions) => {
        // Without weekends the date is the nominal one, so that the days can be counted.
        const calendar = { ...weekends, weekend: [] };
        const answer = clock('GDPR-12.3', at, { calendar, events: asEvents(at, questions) });
        const plain = clock('GDPR-12.3', at, { calendar });
        const days = new Set(questions.flatMap(({ from, length }) => Array.from({ length }, (_, n) => from + n + 1)));
        if (answer.kind !== 'date' || plain.kind !== 'date') throw new Error(answer.kind);
        expect(answer.issues).toEqual([]);
        expect(plain.dueDate.until(answer.dueDate, { largestUnit: 'days' }).days).toBe(days.size);
      }),
    );
  });

  it('the order in which events are told makes no difference', () => {
    fc.assert(
      fc.property(instants, fc.array(question, { minLength: 1, maxLength: 3 }), fc.boolean(), (at, questions, isUk) => {
        // Of one instant the order told is the order taken; so that all differ, each event has its own second.
        const events = asEvents(at, questions).map((event, index) => ({
          ...event,
          at: plus(Temporal.Instant.from(event.at), index * 1000),
        }));
        const rule = isUk ? 'UK-12A' : 'GDPR-12.3';
        const told = (list: readonly ClockEvent[]) => {
          const { issues, ...rest } = clock(rule, at, { events: list, params: { request_type: 'access' } });
          return { rest, issues: issues.map(({ code }) => code) };
        };
        expect(told(events.toReversed())).toEqual(told(events));
      }),
    );
  });

  it('an event that is refused changes nothing but the remarks', () => {
    fc.assert(
      fc.property(
        instants,
        zones,
        fc.constantFrom('SVC-30D', 'LGPD-15D', 'QC-30D', 'AU-30D'),
        question,
        (at, zone, id, one) => {
          const told = clock(id, at, { zone, events: asEvents(at, [one]) });
          expect(limit(told)).toBe(limit(clock(id, at, { zone })));
          expect(told.issues).toEqual([{ code: 'PAUSE_NOT_ALLOWED', level: 'reject', event: 0 }]);
        },
      ),
    );
  });
});
