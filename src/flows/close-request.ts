import type { Actor } from '../core/actor.ts';
import { canonicalJson, type Json } from '../core/canonical-json.ts';
import { sha256Hex } from '../core/hash.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { loadRequest } from '../db/requests.ts';
import { fulfilled, type Receipt, refuseMove, type SubjectRequest } from '../requests/request.ts';
import { deliverAccessPackage } from './access-package.ts';
import { carryOut, type Office } from './office.ts';

/** Close a request that staff carried out themselves (a correction, a restriction, an objection). */
export async function closeRequest(office: Office, actor: Actor, id: string): Promise<SubjectRequest | Refusal> {
  return carryOut(office, async () => {
    const request = await loadRequest(office.store, id);
    if (!request) return refuse('not_found', 'There is no such request.');
    const refusal = refuseMove(request, 'close');
    if (refusal) return refusal;
    if (request.type === 'erasure' || request.type === 'access' || request.type === 'portability')
      return refuse(
        'not_ready',
        'This request closes by itself when its package is delivered or its erasure is done.',
        { state: request.state },
      );
    const at = formatInstant(office.now());
    const receipt: Receipt = {
      at,
      given: [],
      destroyed: [],
      masked: [],
      kept: [],
      searchAfterwards: [],
      searchedAt: at,
    };
    const decided = fulfilled(
      request,
      receipt,
      sha256Hex(canonicalJson(receipt as unknown as Json)),
      request.deferred,
      actor,
      office.now(),
    );
    return { decided, result: isRefusal(decided) ? request : (decided.state[0]?.request ?? request) };
  });
}

/** Deliver a sealed package now, should its own task not have done so. */
export async function deliverAgain(office: Office, _actor: Actor, id: string): Promise<SubjectRequest | Refusal> {
  const request = await loadRequest(office.store, id);
  if (!request) return refuse('not_found', 'There is no such request.');
  const refusal = refuseMove(request, 'deliver');
  if (refusal) return refusal;
  if (request.exportId === null) return refuse('not_ready', 'There is no package to deliver.');
  await deliverAccessPackage(office, id, request.exportId);
  const after = await loadRequest(office.store, id);
  return after?.state === 'closed'
    ? after
    : refuse('not_ready', 'The package is not sealed yet. It is delivered as soon as it is.');
}
