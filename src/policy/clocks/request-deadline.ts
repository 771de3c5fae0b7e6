import { type Refusal, refuse } from '../../core/refusal.ts';
import { type Regimes, rulesOf } from '../regimes.ts';
import { type ClockEventInput, type ClockIssue, type ClockResult, type ClockStep, runClock } from './clock.ts';

export interface RequestClock {
  readonly rule: string;
  readonly version: string;
  readonly dueAt: Temporal.Instant | null;
  readonly dueOn: string | null;
  readonly steps: readonly ClockStep[];
}

export interface RequestDeadline {
  /** The instant from which it is late; null while no clock gives a date. */
  readonly dueAt: Temporal.Instant | null;
  /** The last good local day. */
  readonly dueOn: string | null;
  readonly clock: 'running' | 'paused' | 'not_started' | 'stopped';
  /** The rule that governs: the earliest. */
  readonly governing: string | null;
  readonly clocks: readonly RequestClock[];
  readonly issues: readonly ClockIssue[];
}

/**
 * A request's deadline: our own 30 days and every clock of its regime, the earliest of those that ask for an answer. A
 * valid extension by statute releases our own clock; other statutes stay. A question to the person never stops our own
 * clock, so a paused request may still have a date.
 * @param o.events everything that moved the clocks, in any order; those a rule does not allow are issues and change nothing
 * @returns a refusal for a regime that is not in the rule book: nothing is assumed
 */
export function requestDeadline(o: {
  type: string;
  regime: string;
  receivedAt: Temporal.Instant;
  zone: string;
  events: readonly ClockEventInput[];
  regimes: Regimes;
  now: Temporal.Instant;
}): RequestDeadline | Refusal {
  const regime = o.regimes.regimes[o.regime];
  if (!regime)
    return refuse(
      'invalid',
      `No regime is called ${o.regime}. Those of the rule book: ${Object.keys(o.regimes.regimes).join(', ')}.`,
    );
  const service = Object.entries(o.regimes.rules).flatMap(([id, rule]) => (rule.service ? [id] : []));
  const ran = [...new Set([...service, ...rulesOf(regime, o.type)])].flatMap((id) => {
    const rule = o.regimes.rules[id];
    if (!rule) return [];
    const result = runClock({
      rule,
      received: o.receivedAt,
      zone: rule.service ? o.zone : (regime.zone ?? o.zone),
      events: o.events,
      calendar: (regime.calendar && o.regimes.calendars[regime.calendar]) || null,
      requestType: o.type,
    });
    return [{ id, rule, result }];
  });
  const { governing, isExtended } = govern(ran);
  const states = new Set(ran.map(({ result }) => result.state));
  return {
    dueAt: governing?.result.dueAt ?? null,
    dueOn: governing?.result.dueOn?.toString() ?? null,
    clock: states.has('not_started') ? 'not_started' : states.has('paused') ? 'paused' : 'running',
    governing: governing?.id ?? null,
    clocks: ran.map(({ id, rule, result }) => ({
      rule: id,
      version: rule.version,
      dueAt: result.dueAt,
      dueOn: result.dueOn?.toString() ?? null,
      steps:
        rule.service && isExtended
          ? [
              ...result.steps,
              { at: result.dueOn?.toString() ?? '', what: 'Released by the extension', citation: rule.citation },
            ]
          : result.steps,
    })),
    issues: issuesOf(ran.map(({ result }) => result)),
  };
}

/** The earliest end of the clocks that ask for an answer; our own is released by a valid extension. */
export function govern<T extends { rule: { service: boolean; purpose: string }; result: ClockResult }>(
  ran: readonly T[],
): { governing: T | null; isExtended: boolean } {
  const isExtended = ran.some(({ result }) => result.extended);
  const answering = ran.filter(({ rule }) => rule.purpose === 'answer' && !(rule.service && isExtended));
  const governing = answering.reduce<T | null>((earliest, one) => {
    if (!one.result.dueAt) return earliest;
    const sooner = !earliest?.result.dueAt || Temporal.Instant.compare(one.result.dueAt, earliest.result.dueAt) < 0;
    return sooner ? one : earliest;
  }, null);
  return { governing, isExtended };
}

/** An event some clock took is no issue because another has no such event; the most telling reason stands for an event. */
export function issuesOf(results: readonly ClockResult[]): readonly ClockIssue[] {
  const all = results.flatMap(({ issues }) => issues);
  const events = new Set(all.flatMap(({ event }) => (event === undefined ? [] : [event])));
  const kept = all.filter(({ event }) => event === undefined);
  for (const event of [...events].sort((a, b) => a - b)) {
    const said = results.flatMap(({ issues }) => issues.filter((issue) => issue.event === event));
    const isTaken = results.some(({ state, issues }) => {
      const mine = issues.filter((issue) => issue.event === event);
      return state !== 'not_in_force' && mine.every(({ level }) => level === 'warn');
    });
    const telling = isTaken
      ? said.filter(({ level }) => level === 'warn')
      : [said.find(({ code }) => !code.endsWith('_NOT_ALLOWED')) ?? said[0]];
    kept.push(...telling.filter((issue) => issue !== undefined));
  }
  return kept;
}
