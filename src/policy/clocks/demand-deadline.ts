import { type Refusal, refuse } from '../../core/refusal.ts';
import { calendarFor, type Regimes, rulesForDemand } from '../regimes.ts';
import { isZone } from '../zone.ts';
import type { ClockAnswer, ClockEvent, ClockIssue, ClockParams, ClockStep, Frozen } from './answer.ts';
import { computeClock } from './clock.ts';
import { dueOf } from './request-deadline.ts';
import { dayOf } from './times.ts';

export interface DemandClock {
  readonly rule: string;
  readonly version: string;
  /** What the clock is for: to answer, to keep, a target of our own, or somebody else's duty. */
  readonly purpose: 'answer' | 'acknowledge' | 'keep' | 'target' | 'watch';
  readonly kind: ClockAnswer['kind'];
  /** The instant from which it is late, or from which what is kept may go; null while there is none. */
  readonly dueAt: Temporal.Instant | null;
  /** The last good local day. */
  readonly dueOn: string | null;
  readonly steps: readonly ClockStep[];
  readonly issues: readonly ClockIssue[];
  /** The answer in full, such as `autoRelease` of a preservation: what `holdEnd` reads. */
  readonly answer: ClockAnswer;
  readonly frozen: Frozen;
}

/**
 * The clocks a legal demand starts, by its type, the earliest first and those without a date last. A type that no rule
 * names (a letter, a consent) starts none.
 * @param o.zone the court's or authority's
 * @param o.dueAt the date on the paper, exactly as written; null: it names none, and a person must ask
 * @param o.params `issued_at` (date of the order), `period` (as ordered), `instrument`; times as in the worked cases
 */
export function demandDeadlines(o: {
  type: string;
  emergency: boolean;
  receivedAt: Temporal.Instant;
  zone: string;
  regimes: Regimes;
  dueAt?: Temporal.Instant | null;
  events?: readonly ClockEvent[];
  params?: ClockParams;
  tzdb?: string | null;
}): readonly DemandClock[] | Refusal {
  if (!isZone(o.zone)) {
    const detail = `"${o.zone.slice(0, 60)}" is not a time zone. Write its IANA name, such as Europe/Berlin.`;
    return refuse('invalid', detail, {}, [{ pointer: '/zone', code: 'ZONE_UNKNOWN', detail }]);
  }
  const face = o.dueAt?.toString();
  const facts = face === undefined ? {} : { return_at: face, compliance_at: face };
  const clocks = rulesForDemand(o.regimes, o.type, o.emergency).map((rule): DemandClock => {
    const issuedAt = rule.startsAt && o.params?.[rule.startsAt];
    const computed = computeClock({
      rule,
      receivedAt: typeof issuedAt === 'string' ? issuedAt : o.receivedAt,
      zone: o.zone,
      calendar: calendarFor(o.regimes, rule, rule.regimes.find((name) => o.regimes.regimes[name]) ?? null),
      events: o.events ?? [],
      params: { ...facts, ...o.params },
      tzdb: o.tzdb ?? null,
    });
    const answer =
      rule.startsAt && typeof issuedAt !== 'string'
        ? notIssued(computed, rule.citation, dayOf(o.receivedAt, o.zone))
        : computed;
    const { issues, steps, frozen } = answer;
    const { id, version, purpose } = rule;
    return { rule: id, version, purpose, kind: answer.kind, ...dueOf(answer, o.zone), steps, issues, answer, frozen };
  });
  const at = ({ dueAt }: DemandClock) => dueAt?.epochMilliseconds ?? Number.POSITIVE_INFINITY;
  return clocks.toSorted((a, b) => (at(a) === at(b) ? 0 : at(a) - at(b)));
}

/** Counted from the date of the order, which nobody has entered yet: the receipt does not stand in for it. */
function notIssued({ frozen }: ClockAnswer, citation: string, on: Temporal.PlainDate): ClockAnswer {
  const steps = [{ at: on.toString(), what: 'Counted from the date of the order: enter it', citation }];
  return { kind: 'notStarted', waitingFor: ['issued_at'], issues: [], steps, extended: false, frozen };
}
