import type { Refusal } from '../../core/refusal.ts';
import { type Regimes, rulesOf } from '../regimes.ts';
import { runClock } from './clock.ts';
import type { RequestClock } from './request-deadline.ts';

/**
 * The clocks a demand starts, by its type. A type without one (a warrant, an order) is governed by the date on its face,
 * and by nothing assumed.
 */
export function demandDeadlines(o: {
  type: string;
  emergency: boolean;
  receivedAt: Temporal.Instant;
  zone: string;
  regimes: Regimes;
}): readonly RequestClock[] | Refusal {
  const { demands, rules, calendars } = o.regimes;
  const entry = (o.emergency && demands[`${o.type}_emergency`]) || demands[o.type];
  if (!entry) return [];
  return rulesOf(entry, o.type).flatMap((id) => {
    const rule = rules[id];
    if (!rule) return [];
    const calendar = (entry.calendar && calendars[entry.calendar]) || null;
    const result = runClock({ rule, received: o.receivedAt, zone: o.zone, events: [], calendar, requestType: o.type });
    const { dueAt, dueOn, steps } = result;
    return [{ rule: id, version: rule.version, dueAt, dueOn: dueOn?.toString() ?? null, steps }];
  });
}
