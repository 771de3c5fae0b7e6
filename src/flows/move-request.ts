import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { State } from '../db/commit.ts';
import { loadRequest } from '../db/requests.ts';
import type { Decided } from '../ledger/decision.ts';
import {
  approveDecision,
  clockFacts,
  decideOutcome,
  moveClock,
  type Outcome,
  type RequestChange,
  reopen,
  type SubjectRequest,
  startGathering,
  withdraw,
} from '../requests/request.ts';
import { deadlineOf } from './deadline.ts';
import { findingsDigest } from './gather-findings.ts';
import { carryOut, type Office } from './office.ts';

type Step = (request: SubjectRequest, now: Temporal.Instant) => Decided<RequestChange>;

async function step(office: Office, id: string, decide: Step): Promise<SubjectRequest | Refusal> {
  return carryOut(office, async () => {
    const request = await loadRequest(office.store, id);
    if (!request) return refuse('not_found', 'There is no such request.');
    const decided = decide(request, office.now());
    const after = isRefusal(decided)
      ? request
      : { ...(decided.state[0]?.request ?? request), version: request.version + 1 };
    return { decided: decided as Decided<State>, result: after };
  });
}

/** Search (again): what was found before is put away. */
export const gatherAgain = (office: Office, actor: Actor, id: string) =>
  step(office, id, (request, now) => startGathering(request, actor, now));

/** Decide what the answer is. For access this also starts the rendering of the package. */
export const decideRequest = (
  office: Office,
  actor: Actor,
  id: string,
  answer: { outcome: Outcome; reason: string | null },
) =>
  step(office, id, (request, now) =>
    decideOutcome(request, answer.outcome, answer.reason, findingsDigest(request.findings ?? []), actor, now),
  );

/**
 * Approve the answer as the second person. A package is approved with its own signature: see approve-export.ts.
 * @param decidedAt of the answer that is meant; null: whichever stands
 */
export const approveRequest = (office: Office, actor: Actor, id: string, decidedAt: string | null = null) =>
  step(office, id, (request, now) =>
    decidedAt !== null && request.decision !== null && request.decision.at !== decidedAt
      ? decidedAnew()
      : approveDecision(request, office.policy.organization.cooling.erasure, actor, now),
  );

export const decidedAnew = () =>
  refuse('conflict', 'The answer was decided anew since you looked at it. Look again; nothing was approved.');

export const withdrawRequest = (office: Office, actor: Actor, id: string) =>
  step(office, id, (request, now) => withdraw(request, actor, now));

/** Open a closed request again: its clocks go on as they were. */
export const reopenRequest = (office: Office, actor: Actor, id: string) =>
  step(office, id, (request, now) => {
    const found = deadlineOf(office, request);
    return isRefusal(found) ? found : reopen(request, 'reopen', request.appealedAt, found.deadline, actor, now);
  });

/**
 * Take the answer to appeal: the clocks of appeals run from the day on which the appeal reached us.
 * @param receivedAt null: now
 */
export const appealRequest = (office: Office, actor: Actor, id: string, receivedAt: Temporal.Instant | null) =>
  step(office, id, (request, now) => {
    const appealedAt = receivedAt ?? now;
    if (Temporal.Instant.compare(appealedAt, now) > 0 || Temporal.Instant.compare(appealedAt, request.receivedAt) < 0)
      return refuse(
        'invalid',
        'An appeal reaches us after the request and not in the future. Nothing was changed.',
        {},
        [{ pointer: '/receivedAt', code: 'time_invalid', detail: 'Give the instant at which the appeal reached us.' }],
      );
    const found = deadlineOf(office, { ...request, appealedAt });
    return isRefusal(found) ? found : reopen(request, 'appeal', appealedAt, found.deadline, actor, now);
  });

/** What a clock move says to the deadline engine. The statute decides whether it has any effect. */
export interface ClockMove {
  readonly move: 'pause' | 'resume' | 'extend';
  readonly reason: string | null;
  readonly basis: string | null;
  readonly event: string | null;
}

/** Pause, resume or extend the clock. Refused, with the engine's reason, when the rule allows no such thing. */
export const moveRequestClock = (office: Office, actor: Actor, id: string, order: ClockMove) =>
  step(office, id, (request, now) => {
    const type =
      order.move === 'extend'
        ? 'extension_notice'
        : `${order.event ?? 'clarification'}_${order.move === 'pause' ? 'requested' : 'received'}`;
    const event = {
      type,
      at: formatInstant(now),
      ...(order.reason === null ? {} : { reason: order.reason }),
      ...(order.basis === null ? {} : { basis: order.basis, without_undue_delay: true }),
    };
    const events = [...request.clockEvents, event];
    const after = { ...request, clockEvents: events };
    const deadline = deadlineOf(office, after);
    if (isRefusal(deadline)) return deadline;
    const last = clockFacts(after).events.length - 1;
    const rejected = deadline.issues.find((issue) => issue.event === last && issue.level === 'reject');
    if (rejected)
      return refuse('not_allowed', `The rule does not allow this: ${rejected.code}. The clock was not changed.`, {
        code: rejected.code,
      });
    return moveClock(request, order.move, deadline.deadline, events, actor, now);
  });
