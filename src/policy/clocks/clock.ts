import type { ClockRule } from '../regimes.ts';
import { isZone } from '../zone.ts';
import type {
  ClockAnswer,
  ClockEvent,
  ClockIssue,
  ClockParams,
  ClockRun,
  Counted,
  InputErrorCode,
  NamedCalendar,
  TimedEvent,
} from './answer.ts';
import { cutoffClock } from './cutoff-clock.ts';
import { dayClock } from './day-clock.ts';
import { faceClock } from './face-clock.ts';
import { hourClock } from './hour-clock.ts';
import { autoCloseClock, escalationClock, noteClock, tierClock } from './ticket-clock.ts';
import { dayOf, readTime, startOf } from './times.ts';

export interface ClockInput {
  readonly rule: ClockRule;
  /** When the trigger happened: an instant, or as written in the cases (a letter may have a day only). For a cutoff, now. */
  readonly receivedAt: string | Temporal.Instant;
  /** IANA name. The clock's days are days of this zone, whatever zone the receipt was written in. */
  readonly zone: string;
  /** null: none is configured. */
  readonly calendar: NamedCalendar | null;
  readonly events: readonly ClockEvent[];
  readonly params: ClockParams;
  /** Version of the time zone data, frozen with the date. */
  readonly tzdb?: string | null;
}

/**
 * Run one rule of the book (rule book 0.3): the anchor day, restarts, the whole period added once, the days that do not
 * count, and only then the roll to a working day. What the events may not do is told in `issues` and changes nothing.
 * @returns an `error` for input that cannot be read, never a date made of it
 */
export function computeClock(input: ClockInput): ClockAnswer {
  const { rule, zone, calendar, params } = input;
  const frozen = {
    rule: rule.id,
    version: rule.version,
    calendar: calendar?.id ?? null,
    calendarVersion: calendar?.version ?? null,
    tzdb: input.tzdb ?? null,
  };
  const { outcome, issues = [], steps = [], extended = false } = counted();
  return { ...outcome, issues, steps, extended, frozen };

  function counted(): Counted {
    if (!isZone(zone)) return failed('ZONE_UNKNOWN');
    const received = typeof input.receivedAt === 'string' ? readTime(input.receivedAt) : instant(input.receivedAt);
    if (received.kind === 'error') return failed(received.code);
    const receivedOn = received.kind === 'day' ? received.on : dayOf(received.at, zone);
    if (received.kind === 'day' && needsInstant(rule)) return failed('INSTANT_REQUIRED');
    const closed = outOfForce(rule, receivedOn);
    if (closed) return closed;
    const receivedAt = received.kind === 'day' ? null : received.at;
    const { events, unread } = timed(input.events, zone);
    return run({ rule, receivedAt, receivedOn, zone, calendar, events, unread, params });
  }
}

const instant = (at: Temporal.Instant) => ({ kind: 'instant', at }) as const;
const failed = (code: InputErrorCode): Counted => ({ outcome: { kind: 'error', code } });

/** Day clocks take a letter's date; hours and tickets need the instant. */
const needsInstant = ({ count }: ClockRule): boolean =>
  count === 'elapsed' || count === 'cutoff' || count.startsWith('ticket_');

function run(input: ClockRun): Counted {
  const { rule } = input;
  switch (rule.count) {
    case 'calendar':
    case 'business_days':
      return dayClock({ ...input, rule });
    case 'elapsed':
      return hourClock({ ...input, rule });
    case 'face_date':
      return faceClock({ ...input, rule });
    case 'no_number':
      return {
        outcome: { kind: 'needsHuman', code: 'NO_STATUTORY_PERIOD' },
        steps: [
          {
            at: input.receivedOn.toString(),
            what: `Received. The law says without delay and gives no number of days; ${rule.governedBy} gives the date`,
            citation: rule.citation,
          },
        ],
      };
    case 'cutoff':
      return cutoffClock({ ...input, rule });
    case 'ticket_tier':
      return tierClock({ ...input, rule });
    case 'ticket_escalation':
      return escalationClock({ ...input, rule });
    case 'ticket_note':
      return noteClock({ ...input, rule });
    case 'ticket_auto_close':
      return autoCloseClock({ ...input, rule });
  }
}

/** Whether a rule is in force goes by the local day of its trigger. */
function outOfForce(rule: ClockRule, on: Temporal.PlainDate): Counted | null {
  const isEarly = rule.from !== undefined && Temporal.PlainDate.compare(on, rule.from) < 0;
  const isPast = rule.until !== undefined && Temporal.PlainDate.compare(on, rule.until) > 0;
  if (!isEarly && !isPast) return null;
  const what = isEarly ? 'In force only from this day' : 'This was its last day of force';
  return {
    outcome: { kind: 'notInForce', inForceFrom: rule.from ?? null, inForceUntil: rule.until ?? null },
    steps: [{ at: (isEarly ? rule.from : rule.until) ?? '', what, citation: rule.citation }],
  };
}

/** Events in time order; those of one instant in the order given. One whose time cannot be read changes nothing. */
function timed(events: readonly ClockEvent[], zone: string): Pick<ClockRun, 'events' | 'unread'> {
  const read: TimedEvent[] = [];
  const unread: ClockIssue[] = [];
  for (const [index, event] of events.entries()) {
    const time = readTime(event.at);
    if (time.kind === 'error') unread.push({ code: time.code, level: 'reject', event: index });
    else if (time.kind === 'day') read.push({ event, index, at: startOf(time.on, zone), on: time.on, hasTime: false });
    else read.push({ event, index, at: time.at, on: dayOf(time.at, zone), hasTime: true });
  }
  return { events: read.sort((a, b) => Temporal.Instant.compare(a.at, b.at)), unread };
}
