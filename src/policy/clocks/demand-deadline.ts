// PLACEHOLDER by the lead until the clocks land: overwrite freely.

import type { Refusal } from '../../core/refusal.ts';
import type { Regimes } from '../regimes.ts';
import type { RequestDeadline } from './request-deadline.ts';
export function demandDeadlines(_: {
  type: string;
  emergency: boolean;
  receivedAt: Temporal.Instant;
  zone: string;
  regimes: Regimes;
}): RequestDeadline['clocks'] | Refusal {
  return [];
}
