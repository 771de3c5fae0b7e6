import { type Refusal, refuse } from '../../core/refusal.ts';
import { calendarFor, type Regimes, rulesForIncident } from '../regimes.ts';
import { type ClockStep, type Frozen, lateFrom } from './answer.ts';
import { computeClock } from './clock.ts';
import { effectiveDeadline } from './effective.ts';
import { dueOf } from './request-deadline.ts';

export interface IncidentDeadline {
  /** Late after this instant: the earliest of the clocks. */
  readonly notifyBy: Temporal.Instant;
  readonly governing: string;
  readonly clocks: readonly {
    readonly rule: string;
    readonly version: string;
    readonly dueAt: Temporal.Instant | null;
    readonly dueOn: string | null;
    readonly steps: readonly ClockStep[];
    readonly frozen: Frozen;
  }[];
}

/**
 * By when the authority is to be told of a breach: every rule of the book for a breach runs from the instant of
 * awareness (GDPR art. 33(1): 72 hours), and the earliest governs.
 * @returns a refusal where no rule gives an instant: nothing is assumed
 */
export function incidentDeadline(o: {
  awareAt: Temporal.Instant;
  zone: string;
  regimes: Regimes;
  tzdb: string | null;
}): IncidentDeadline | Refusal {
  const ran = rulesForIncident(o.regimes).map((rule) => ({
    rule,
    answer: computeClock({
      rule,
      receivedAt: o.awareAt,
      zone: o.zone,
      calendar: calendarFor(o.regimes, rule, rule.regimes.find((name) => o.regimes.regimes[name]) ?? null),
      events: [],
      params: {},
      tzdb: o.tzdb,
    }),
  }));
  const { governing } = effectiveDeadline(ran);
  const notifyBy = governing && lateFrom(governing.answer);
  if (!governing || !notifyBy)
    return refuse(
      'rule_unknown',
      'No rule of regimes.yaml says by when a breach is notified (requests: [breach]). Nothing was recorded.',
    );
  return {
    notifyBy,
    governing: governing.rule.id,
    clocks: ran.map(({ rule: { id, version }, answer }) => ({
      rule: id,
      version,
      ...dueOf(answer, o.zone),
      steps: answer.steps,
      frozen: answer.frozen,
    })),
  };
}
