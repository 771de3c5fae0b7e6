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
