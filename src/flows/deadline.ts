import { isWritable } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { takeRecomputed } from '../policy/clocks/recompute.ts';
import { type RequestDeadline, requestDeadline } from '../policy/clocks/request-deadline.ts';
import { clockFacts, type Deadline, type SubjectRequest } from '../requests/request.ts';
import type { Office } from './office.ts';

/** A request's deadline with its explanation, as the rule book of this policy set says now. */
export function deadlineOf(
  office: Pick<Office, 'policy' | 'tzdb'>,
  request: Parameters<typeof clockFacts>[0],
): { deadline: Deadline; explanation: RequestDeadline; issues: RequestDeadline['issues'] } | Refusal {
  const explanation = requestDeadline({
    ...clockFacts(request),
    zone: office.policy.organization.zone,
    regimes: office.policy.regimes,
    tzdb: office.tzdb,
  });
  if (isRefusal(explanation)) return explanation;
  const { dueAt, dueOn, clock, refuseBy, frozen, issues } = explanation;
  const detail = 'Counted from there, no deadline can be written. Give an instant some years before the year 10000.';
  if ([dueAt, refuseBy].some((at) => at !== null && !isWritable(at)))
    return refuse('invalid', detail, {}, [{ pointer: '/receivedAt', code: 'time_invalid', detail }]);
  return { deadline: { dueAt, dueOn, clock, refuseBy, frozen }, explanation, issues };
}

/** How far another machine's clock may be ahead of ours. */
const ahead = { minutes: 5 };

/**
 * When something reached us, which is never later than now: a receipt in the future would move a deadline.
 * @returns the instant, or now where it is ahead by no more than clocks differ
 */
export function whenReceived(now: Temporal.Instant, receivedAt: Temporal.Instant): Temporal.Instant | Refusal {
  if (Temporal.Instant.compare(receivedAt, now) <= 0) return receivedAt;
  if (Temporal.Instant.compare(receivedAt, now.add(ahead)) <= 0) return now;
  const detail = 'It cannot have reached us in the future. Give the instant at which it did; nothing was recorded.';
  return refuse('invalid', detail, {}, [{ pointer: '/receivedAt', code: 'time_invalid', detail }]);
}

/**
 * A request's deadline as it was promised, beside how it is counted now.
 * @returns `confirm`: new holidays or time zone data would move it later, which no machine does by itself
 */
export function explainDeadline(
  office: Pick<Office, 'policy' | 'tzdb'>,
  request: SubjectRequest,
):
  | { promised: Deadline; counted: Deadline; explanation: RequestDeadline; recounted: 'keep' | 'take' | 'confirm' }
  | Refusal {
  const found = deadlineOf(office, request);
  if (isRefusal(found)) return found;
  const recounted = takeRecomputed(request.deadline, found.deadline);
  return { promised: request.deadline, counted: found.deadline, explanation: found.explanation, recounted };
}
