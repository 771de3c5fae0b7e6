import type { Actor } from '../core/actor.ts';
import { sha256Hex } from '../core/hash.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { grantBySecret, loadRequest } from '../db/requests.ts';
import { entry } from '../ledger/entry.ts';
import { packageIsOut, type SubjectRequest } from '../requests/request.ts';
import { limitTries, publicLimits } from './limit-tries.ts';
import type { Office } from './office.ts';
import { type Download, readPackage } from './read-package.ts';
import { requestOfSession, sendCode } from './verify-request.ts';

/** Whose package a link leads to. Looking sends nothing: programs that read mail open every link they see. */
export async function lookUpPackageLink(office: Office, secret: string): Promise<SubjectRequest | Refusal> {
  const grant = await grantBySecret(office.store, 'package', sha256Hex(secret));
  const isOpen = grant && Temporal.Instant.compare(grant.expiresAt, office.now()) > 0;
  const request = isOpen ? await loadRequest(office.store, grant.requestId) : null;
  return (
    request ??
    refuse(
      'link_expired',
      'This link has run out or was never ours. Ask for a new code with your reference; if the package is gone, ask again.',
    )
  );
}

/** The person asks for their package by its link: a fresh code goes to their address. The link alone gives nothing. */
export async function openPackageLink(office: Office, actor: Actor, secret: string): Promise<SubjectRequest | Refusal> {
  const request = await lookUpPackageLink(office, secret);
  return isRefusal(request) ? request : sendCode(office, actor, request.id);
}

/** The verified person downloads their own package. Each download is recorded. */
export async function readOwnPackage(office: Office, session: string): Promise<Download | Refusal> {
  const request = await requestOfSession(office, session);
  if (isRefusal(request)) return request;
  if (!packageIsOut(request) || request.exportId === null)
    return refuse('not_ready', 'Your package is not ready yet. We write to you when it is.');
  const tooOften = await limitTries(office, publicLimits.download(request.id));
  if (tooOften) return tooOften;
  const now = office.now();
  await commit(office.store, {
    state: [],
    entries: [entry('request.downloaded', now, 'requester', { request: request.id, export: request.exportId })],
    tasks: [],
  });
  return readPackage(office, { id: 'requester', kind: 'requester', role: null, approval: null }, request.exportId);
}
