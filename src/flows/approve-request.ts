import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { loadExport } from '../db/exports.ts';
import { loadRequest } from '../db/requests.ts';
import { mayNow } from '../policy/roles.ts';
import { refuseMove, type SubjectRequest } from '../requests/request.ts';
import { approveExport } from './approve-export.ts';
import type { Caller } from './authenticate.ts';
import { approveRequest, decidedAnew } from './move-request.ts';
import type { Office } from './office.ts';

/**
 * Approve the answer to a request, as the second person. Where the answer is a package, the approver's own signature
 * over its manifest is made first: what is approved is what will be sealed. An answer that destroys needs no package.
 * @param seen when the answer was decided that the approver looked at; null: the one that stands now. What is decided
 * anew in the meantime is approved by nobody.
 */
export async function approveAccessPackage(
  office: Office,
  caller: Caller,
  id: string,
  seen: string | null = null,
): Promise<SubjectRequest | Refusal> {
  const request = await loadRequest(office.store, id);
  if (!request) return refuse('not_found', 'There is no such request.');
  if (!mayNow(office.policy.roles, caller.actor, 'requests.approve'))
    return refuse('not_allowed', `Your role (${caller.actor.role ?? 'none'}) may not approve requests.`, {
      permission: 'requests.approve',
    });
  const refusal = refuseMove(request, 'approve');
  if (refusal) return refusal;
  const decidedAt = seen ?? request.decision?.at ?? null;
  if (request.decision?.at !== decidedAt) return decidedAnew();
  if (request.type === 'access' || request.type === 'portability') {
    const wanted = request.exportId === null ? null : await loadExport(office.store, request.exportId);
    if (wanted?.state === 'failed')
      return refuse(
        'not_ready',
        `The package could not be made: ${wanted.refusal?.detail ?? ''} Search again to start over.`,
        { export: wanted.id },
      );
    if (!wanted || wanted.state === 'collecting')
      return refuse(
        'not_ready',
        'The package is still being made. Look at it when it is ready, then approve; nothing was changed.',
      );
    if (wanted.state === 'awaiting_approval') {
      if (!caller.presence)
        return refuse('step_up_needed', 'Confirm that it is you before you approve the answer to this request.');
      const approved = await approveExport(office, caller.actor, caller.presence, wanted.id, request.id);
      if (isRefusal(approved)) return approved;
    }
  }
  return approveRequest(office, caller.actor, id, decidedAt);
}
