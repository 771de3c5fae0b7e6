import { isRefusal, type Refusal } from '../core/refusal.ts';
import { requestDeadline } from '../policy/clocks/request-deadline.ts';
import type { ClockEvent, Deadline, RequestType } from '../requests/request.ts';
import type { Office } from './office.ts';

/** A request's deadline with its explanation, as the rule book of this policy set says now. */
export function deadlineOf(
  office: Pick<Office, 'policy'>,
  request: { type: RequestType; regime: string; receivedAt: Temporal.Instant; events: readonly ClockEvent[] },
  now: Temporal.Instant,
):
  | {
      deadline: Deadline;
      explanation: ReturnType<typeof requestDeadline>;
      issues: readonly { code: string; level: string; event?: number }[];
    }
  | Refusal {
  const explanation = requestDeadline({
    ...request,
    zone: office.policy.organization.zone,
    regimes: office.policy.regimes,
    now,
  });
  if (isRefusal(explanation)) return explanation;
  const { dueAt, dueOn, clock, issues } = explanation;
  return { deadline: { dueAt, dueOn, clock }, explanation, issues };
}
