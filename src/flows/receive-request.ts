import type { Actor } from '../core/actor.ts';
import { hmacSha256, toHex } from '../core/hash.ts';
import { makeId, makeReference } from '../core/ids.ts';
import { personal } from '../core/personal.ts';
import { isRefusal, type Refusal } from '../core/refusal.ts';
import {
  receiveRequest as decideReceipt,
  type RequestType,
  type Subject,
  type SubjectRequest,
} from '../requests/request.ts';
import { deadlineOf, whenReceived } from './deadline.ts';
import { carryOut, type Office } from './office.ts';
import { sendCode } from './verify-request.ts';

export interface RequestOrder {
  readonly type: RequestType;
  /** Absent: the organization's own. */
  readonly regime: string | null;
  readonly channel: string;
  /** When it reached us; absent: now. */
  readonly receivedAt: Temporal.Instant | null;
  readonly subject: Subject;
  readonly details: string | null;
}

/**
 * Take in a person's request. It gets its reference and deadline at once; a code goes out to the person's own address
 * where one was given. Whether that person has any data here is neither looked up nor told.
 */
export async function receiveRequest(
  office: Office,
  actor: Actor,
  order: RequestOrder,
): Promise<SubjectRequest | Refusal> {
  const now = office.now();
  const receivedAt = whenReceived(now, order.receivedAt ?? now);
  if (isRefusal(receivedAt)) return receivedAt;
  const id = makeId('request', now, office.random(10));
  const regime = order.regime ?? office.policy.organization.defaultRegimes[0] ?? 'SERVICE';
  const asked = { type: order.type, regime, receivedAt, appealedAt: null, clockEvents: [] };
  const deadline = deadlineOf(office, asked);
  if (isRefusal(deadline)) return deadline;
  await office.store.vault.newCase(id, now);
  const request: SubjectRequest = {
    id,
    version: 0,
    reference: makeReference('R', office.random(5)),
    caseId: id,
    ...asked,
    channel: order.channel,
    state: 'received',
    outcome: null,
    reason: null,
    policy: office.policy.digest,
    deadline: deadline.deadline,
    pseudonym: await pseudonymOf(office, id, order.subject),
    history: [],
    identity: { state: 'unverified', method: null, verifiedAt: null, verifiedKinds: [], failedAttempts: 0 },
    findings: null,
    decision: null,
    receipt: null,
    exportId: null,
    holdId: null,
    subject: personal(order.subject),
    details: personal(order.details),
    deferred: personal([]),
  };
  const received = await carryOut(office, async () => ({
    decided: decideReceipt(request, actor, now),
    result: request,
  }));
  if (isRefusal(received)) return received;
  // Without an address to prove, staff confirm identity in another way; that is no reason to refuse the request.
  if (order.subject.identifiers.some(({ kind }) => kind === 'email')) {
    const sent = await sendCode(office, actor, id);
    if (!isRefusal(sent)) return sent;
  }
  return { ...request, version: 1 };
}

/** HMAC under the case's key: the ledger's name for the subject, which dies with the key (I5). */
async function pseudonymOf(office: Office, caseId: string, subject: Subject): Promise<string> {
  const key = await office.store.vault.caseKey(caseId);
  const text = JSON.stringify(subject.identifiers.map(({ kind, value }) => [kind, value.trim().toLowerCase()]).sort());
  return toHex(hmacSha256(key, `subject\n${text}`)).slice(0, 32);
}
