// PLACEHOLDER by the lead until the clocks land: overwrite freely.
import type { Refusal } from '../../core/refusal.ts';
import type { Regimes } from '../regimes.ts';
export interface RequestDeadline {
  dueAt: Temporal.Instant | null;
  dueOn: string | null;
  clock: 'running' | 'paused' | 'not_started' | 'stopped';
  governing: string | null;
  clocks: {
    rule: string;
    version: string;
    dueAt: Temporal.Instant | null;
    dueOn: string | null;
    steps: { at: string; what: string; citation: string }[];
  }[];
  issues: { code: string; level: string; event?: number }[];
}
export function requestDeadline(o: {
  type: string;
  regime: string;
  receivedAt: Temporal.Instant;
  zone: string;
  events: readonly object[];
  regimes: Regimes;
  now: Temporal.Instant;
}): RequestDeadline | Refusal {
  const day = o.receivedAt.toZonedDateTimeISO(o.zone).toPlainDate().add({ days: 30 });
  const dueAt = day.add({ days: 1 }).toZonedDateTime(o.zone).toInstant();
  return {
    dueAt,
    dueOn: day.toString(),
    clock: 'running',
    governing: 'SVC-30D',
    clocks: [{ rule: 'SVC-30D', version: '1', dueAt, dueOn: day.toString(), steps: [] }],
    issues: [],
  };
}
