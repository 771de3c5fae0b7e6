import { type Refusal, refuse } from '../../core/refusal.ts';
import { orList, suggestion } from '../did-you-mean.ts';
import { calendarFor, type Regimes, rulesForRequest } from '../regimes.ts';
import { isZone } from '../zone.ts';
import type { ClockAnswer, ClockEvent, ClockIssue, ClockParams, ClockStep, Frozen } from './answer.ts';
import { computeClock } from './clock.ts';
import { effectiveDeadline, type RunClock } from './effective.ts';
import { dayOf, endOf } from './times.ts';

export interface RequestClock {
  readonly rule: string;
  readonly version: string;
  /** The instant from which it is late; null while it gives no date. */
  readonly dueAt: Temporal.Instant | null;
  /** The last good local day. */
  readonly dueOn: string | null;
  readonly steps: readonly ClockStep[];
}

export interface RequestDeadline {
  /** The instant from which an answer is late; null while no clock gives a date. */
  readonly dueAt: Temporal.Instant | null;
  /** The last good local day. */
  readonly dueOn: string | null;
  /** A question to the person may stop a statute's clock while our own promise still has its date. */
  readonly clock: 'running' | 'paused' | 'not_started';
  /** The rule that governs: the earliest. */
  readonly governing: string | null;
  readonly clocks: readonly RequestClock[];
  readonly issues: readonly ClockIssue[];
  /** By when a refusal must be told where the period is extended: its first period (GDPR art. 12(4)); else `dueAt`. */
  readonly refuseBy: Temporal.Instant | null;
  /** What each date was counted with, to be kept beside it. */
  readonly frozen: readonly Frozen[];
}

/**
 * A request's deadline: our own 30 days and every clock its regime starts for this type of request, of which the earliest
 * that asks for an answer governs.
 * @param o.type access, erasure, …; also complaint and appeal, whose receipt is then the trigger
 * @param o.zone the organization's; a regime with a zone of its own counts there
 * @param o.events in the form of the worked cases, in any order; one that no rule allows is an issue and changes nothing
 * @returns a refusal for a regime that is not in the book (REGIME_UNKNOWN) or a zone that does not exist (ZONE_UNKNOWN):
 *   nothing is assumed
 */
export function requestDeadline(o: {
  type: string;
  regime: string;
  receivedAt: Temporal.Instant;
  zone: string;
  events: readonly ClockEvent[];
  regimes: Regimes;
  params?: ClockParams;
  tzdb?: string | null;
}): RequestDeadline | Refusal {
  const names = Object.keys(o.regimes.regimes);
  const regime = Object.hasOwn(o.regimes.regimes, o.regime) ? o.regimes.regimes[o.regime] : undefined;
  if (!regime) {
    const detail = `There is no regime "${o.regime.slice(0, 60)}".${suggestion(o.regime, names) || ` Write ${orList(names)}.`}`;
    return refuse('invalid', detail, {}, [{ pointer: '/regime', code: 'REGIME_UNKNOWN', detail }]);
  }
  if (!isZone(o.zone)) {
    const detail = `"${o.zone.slice(0, 60)}" is not a time zone. Write its IANA name, such as Europe/Berlin.`;
    return refuse('invalid', detail, {}, [{ pointer: '/zone', code: 'ZONE_UNKNOWN', detail }]);
  }
  const clocks = rulesForRequest(o.regimes, o.regime, o.type).map((rule): RunClock & { zone: string } => {
    const zone = rule.service ? o.zone : (regime.zone ?? o.zone);
    const answer = computeClock({
      rule,
      receivedAt: o.receivedAt,
      zone,
      calendar: calendarFor(o.regimes, rule, o.regime),
      events: o.events,
      params: { request_type: o.type, ...o.params },
      tzdb: o.tzdb ?? null,
    });
    return { rule, answer, zone };
  });
  const { governing, released } = effectiveDeadline(clocks.filter(({ rule }) => rule.purpose === 'answer'));
  const due = governing && dueOf(governing.answer, governing.zone);
  const told = clocks.map((clock) => requestClock(clock, released.includes(clock)));
  return {
    dueAt: due?.dueAt ?? null,
    dueOn: due?.dueOn ?? null,
    clock: stateOf(clocks),
    governing: governing?.rule.id ?? null,
    clocks: told,
    issues: effectiveDeadline(clocks).issues,
    refuseBy: governing && refuseBy(governing),
    frozen: clocks.map(({ answer }) => answer.frozen),
  };
}

function requestClock({ rule, answer, zone }: RunClock & { zone: string }, isReleased: boolean): RequestClock {
  const { dueAt, dueOn } = dueOf(answer, zone);
  const steps = isReleased
    ? [
        ...answer.steps,
        { at: dueOn ?? '', what: 'Released by the extension that the law allows', citation: rule.citation },
      ]
    : answer.steps;
  return { rule: rule.id, version: rule.version, dueAt, dueOn, steps };
}

/** When it is due, and on which local day: for hours the day of the instant, for a preservation the last day kept. */
export function dueOf(answer: ClockAnswer, zone: string): { dueAt: Temporal.Instant | null; dueOn: string | null } {
  if (answer.kind === 'date') return { dueAt: answer.dueBefore, dueOn: answer.dueDate.toString() };
  if (answer.kind === 'instant') return { dueAt: answer.dueAt, dueOn: dayOf(answer.dueAt, zone).toString() };
  if (answer.kind === 'keepUntil') return { dueAt: answer.releaseFrom, dueOn: answer.lastDay.toString() };
  return { dueAt: null, dueOn: null };
}

function refuseBy({ answer, zone }: RunClock & { zone: string }): Temporal.Instant | null {
  return answer.kind === 'date' ? endOf(answer.firstPeriodDate, zone) : dueOf(answer, zone).dueAt;
}

function stateOf(clocks: readonly RunClock[]): RequestDeadline['clock'] {
  const kinds = clocks.filter(({ rule }) => rule.purpose === 'answer').map(({ answer }) => answer.kind);
  if (kinds.includes('notStarted')) return 'not_started';
  return kinds.includes('paused') ? 'paused' : 'running';
}
