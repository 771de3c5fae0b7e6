import { setTimeout as pause } from 'node:timers/promises';
import type { Actor } from '../core/actor.ts';
import { constantTimeEqual, fromHex, hmacSha256, sha256Hex, toBase64Url, toHex } from '../core/hash.ts';
import { makeId } from '../core/ids.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { queueNotice } from '../db/notices.ts';
import {
  addGrant,
  countAttempt,
  type Grant,
  grantBySecret,
  liveCode,
  loadRequest,
  requestByReference,
  spendGrant,
} from '../db/requests.ts';
import {
  codeAddress,
  codeFailed,
  codeSent,
  identityConfirmed,
  noticeTask,
  type SubjectRequest,
} from '../requests/request.ts';
import { forgive, limitTries, publicLimits } from './limit-tries.ts';
import { carryOut, type Office } from './office.ts';
import { composeNotice, noticeKey } from './send-notice.ts';

const codeMinutes = 30;
const sessionMinutes = 30;
const triesPerCode = 5;

const unknown = () => refuse('not_found', 'There is no such request.');
const wrong = () =>
  refuse(
    'code_wrong',
    'That code is not right, or it was used, tried too often or has run out. Check the newest mail from us, or ask for a new code; if it happens again, write to us and quote your reference.',
  );

/**
 * Send a one-time code to the person's own mail address. The code is written into the sealed notice in the same
 * transaction as its digest; nothing else ever holds it.
 */
export async function sendCode(office: Office, actor: Actor, id: string): Promise<SubjectRequest | Refusal> {
  const loaded = await loadRequest(office.store, id);
  if (!loaded) return unknown();
  const address = addressOf(loaded);
  if (address === null)
    return refuse(
      'invalid',
      'The request names no mail address to send a code to. Confirm identity in another way and note how.',
    );
  const now = office.now();
  const code = numericCode(office.random(8));
  const grant: Grant = {
    id: makeId('grant', now, office.random(10)),
    requestId: id,
    kind: 'code',
    secretHash: '',
    createdAt: now,
    expiresAt: now.add({ minutes: codeMinutes }),
    usedAt: null,
    attempts: 0,
  };
  const secretHash = await codeHash(office, loaded.caseId, grant.id, code);
  const letter = composeNotice(office, loaded, 'identity-code', { code, codeMinutes });
  const notice = {
    id: makeId('notice', now, office.random(10)),
    caseId: loaded.caseId,
    template: 'identity-code',
    key: noticeKey(id, 'identity-code', grant.id),
    queuedAt: now,
  };
  // Written before its task exists: the task finds it and sends exactly this.
  await queueNotice(office.store, notice, { to: address, ...letter });
  return carryOut(
    office,
    async () => {
      const request = await loadRequest(office.store, id);
      if (!request) return unknown();
      // Somebody already verified asks for a code to open their status page or package: no move, only a code.
      if (request.identity.state === 'verified' || request.state === 'closed')
        return {
          decided: { state: [], entries: [], tasks: [noticeTask(request, 'identity-code', grant.id)] },
          result: request,
        };
      const decided = codeSent(request, actor, now, grant.id);
      const [change] = isRefusal(decided) ? [] : decided.state;
      return { decided, result: change ? { ...change.request, version: request.version + 1 } : request };
    },
    (tx) => addGrant(tx, { ...grant, secretHash }),
  );
}

/** The mail address that a code may go to: one the person gave with the request. */
function addressOf(request: SubjectRequest): string | null {
  return codeAddress(request.subject.reveal())?.value ?? null;
}

/** Eight digits, each value as likely as the next to one part in 10^11. */
function numericCode(random: Uint8Array): string {
  return String(BigInt(`0x${toHex(random)}`) % 100_000_000n).padStart(8, '0');
}

async function codeHash(office: Office, caseId: string, grantId: string, code: string): Promise<string> {
  return toHex(hmacSha256(await office.store.vault.caseKey(caseId), `code\n${grantId}\n${code}`));
}

/**
 * Check a code. Each try is counted before it is compared. The right one confirms identity the first time, and opens a
 * short session for its holder each time. A wrong one, one too many, and one for a request that is not there are
 * refused in the same words and no sooner, so that a try tells nobody which requests there are.
 * @returns the session's secret, for a cookie; it is not stored
 */
export async function confirmCode(
  office: Office,
  actor: Actor,
  reference: string,
  code: string,
): Promise<{ session: string; request: SubjectRequest } | Refusal> {
  const [confirmed] = await Promise.all([checkCode(office, actor, reference, code), pause(evenCheckMs)]);
  return confirmed;
}

/** Longer than a code takes to be compared, and the try to be recorded. */
const evenCheckMs = 200;

async function checkCode(
  office: Office,
  actor: Actor,
  reference: string,
  code: string,
): Promise<{ session: string; request: SubjectRequest } | Refusal> {
  const loaded = await requestByReference(office.store, reference.trim().toUpperCase());
  const now = office.now();
  const grant = loaded ? await liveCode(office.store, loaded.id, now) : null;
  if (!loaded || !grant) return wrong();
  const attempts = await countAttempt(office.store, grant.id);
  const limits = publicLimits.wrongCode(loaded.id);
  if (attempts > triesPerCode || (await limitTries(office, limits))) return wrong();
  const given = await codeHash(office, loaded.caseId, grant.id, code.replace(/[\s-]/g, ''));
  if (!constantTimeEqual(fromHex(given), fromHex(grant.secretHash))) {
    await carryOut(office, async () => {
      const request = await loadRequest(office.store, loaded.id);
      return request ? { decided: codeFailed(request, actor, now), result: null } : unknown();
    });
    return wrong();
  }
  const secret = toBase64Url(office.random(32));
  const session: Grant = {
    id: makeId('grant', now, office.random(10)),
    requestId: loaded.id,
    kind: 'session',
    secretHash: sha256Hex(secret),
    createdAt: now,
    expiresAt: now.add({ minutes: sessionMinutes }),
    usedAt: null,
    attempts: 0,
  };
  const confirmed = await carryOut(
    office,
    async () => {
      const request = await loadRequest(office.store, loaded.id);
      if (!request) return unknown();
      if (request.identity.state === 'verified' || request.state === 'closed')
        return { decided: { state: [], entries: [], tasks: [] }, result: request };
      const decided = identityConfirmed(request, 'mail_code', ['email'], actor, now);
      return { decided, result: isRefusal(decided) ? request : (decided.state[0]?.request ?? request) };
    },
    async (tx) => {
      if (!(await spendGrant(tx, grant.id, now))) throw new CodeSpent();
      await addGrant(tx, session);
    },
  ).catch((error) => {
    if (error instanceof CodeSpent) return wrong();
    throw error;
  });
  if (isRefusal(confirmed)) return confirmed;
  await forgive(office, limits);
  return { session: secret, request: confirmed };
}

class CodeSpent extends Error {}

/** Staff confirm identity in another way; how is in the history, by kind of proof. */
export async function confirmByStaff(
  office: Office,
  actor: Actor,
  id: string,
  kinds: readonly string[],
): Promise<SubjectRequest | Refusal> {
  return carryOut(office, async () => {
    const request = await loadRequest(office.store, id);
    if (!request) return unknown();
    const decided = identityConfirmed(request, 'staff', kinds, actor, office.now());
    return { decided, result: isRefusal(decided) ? request : (decided.state[0]?.request ?? request) };
  });
}

/** The request a requester's session may see; a refusal when it ran out. */
export async function requestOfSession(office: Office, secret: string): Promise<SubjectRequest | Refusal> {
  const grant = await grantBySecret(office.store, 'session', sha256Hex(secret));
  if (!grant || grant.usedAt !== null || Temporal.Instant.compare(grant.expiresAt, office.now()) <= 0)
    return refuse('link_expired', 'Your visit has run out. Ask for a new code to go on.');
  const request = await loadRequest(office.store, grant.requestId);
  return request ?? unknown();
}

/** The person leaves: what opened their visit opens nothing any more, whoever else holds it. */
export async function endVisit(office: Office, secret: string): Promise<void> {
  const grant = await grantBySecret(office.store, 'session', sha256Hex(secret));
  if (grant) await spendGrant(office.store.db.orm, grant.id, office.now());
}

/**
 * Somebody asks for the status of a request. A code goes out only when reference and address belong together; the answer
 * is the same in every case, and comes no sooner where there is nothing to send.
 */
export async function askForStatus(office: Office, actor: Actor, reference: string, email: string): Promise<void> {
  await Promise.all([sendCodeIfTheirs(office, actor, reference, email), pause(evenMs)]);
}

/** Longer than a code takes to be written down. */
const evenMs = 400;

async function sendCodeIfTheirs(office: Office, actor: Actor, reference: string, email: string): Promise<void> {
  const request = await requestByReference(office.store, reference.trim().toUpperCase());
  if (!request) return;
  const matches = request.subject
    .reveal()
    .identifiers.some(
      ({ kind, value }) => kind === 'email' && value.trim().toLowerCase() === email.trim().toLowerCase(),
    );
  const address = addressOf(request);
  if (!matches || address === null) return;
  // Not said: a code too many is no sign that reference and address belong together.
  if (await limitTries(office, publicLimits.codesTo(address, request.identity.state === 'verified'))) return;
  await sendCode(office, actor, request.id);
}
