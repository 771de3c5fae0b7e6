import { systemActor } from '../core/actor.ts';
import { isRefusal } from '../core/refusal.ts';
import { holdsOfRequests, loadHold } from '../db/holds.ts';
import { whileAlone } from '../db/locks.ts';
import { loadRequest } from '../db/requests.ts';
import { decideEvidenceEnd } from '../disposition/hold.ts';
import { allTables } from '../policy/data-map.ts';
import { holdsItsEvidence, provenIdentifiers, type SubjectRequest } from '../requests/request.ts';
import { carryOut, type Office } from './office.ts';
import { placeFor } from './place-hold.ts';
import { liftHold } from './release-hold.ts';

/**
 * An open request keeps what it is about: from when its person is proven until it is closed, no purge takes it. Nobody's
 * records are held by who has not proven who they are. A request to erase holds nothing: it asks for the opposite.
 */
export async function holdEvidence(office: Office, request: SubjectRequest): Promise<void> {
  const kinds = new Set(allTables(office.policy.dataMap).flatMap(({ identifiers }) => Object.keys(identifiers)));
  const subjects = provenIdentifiers(request.subject.reveal(), request.identity).filter(({ kind }) => kinds.has(kind));
  if (!holdsItsEvidence(request) || subjects.length === 0) return;
  await whileAlone(office.store.db, `evidence:${request.id}`, async () => {
    const open = await holdsOfRequests(office.store);
    if (open.some(({ requestId }) => requestId === request.id)) return;
    const placed = await placeFor(office, systemActor, {
      matter: `Request ${request.reference}`,
      reason: 'The evidence of an open request',
      scope: { subjects: subjects.map(({ kind, value }) => ({ kind, value })) },
      demandId: null,
      requestId: request.id,
    });
    if (isRefusal(placed)) throw new Error(`the evidence of ${request.id} could not be held: ${placed.code}`);
  });
}

/**
 * Let go of what requests held that are closed now: every night, and before an erasure looks for what is held. It needs no
 * second person, since nobody decided to hold it, and does not cool.
 */
export async function endEvidenceHolds(office: Office): Promise<number> {
  let ended = 0;
  for (const { id, requestId } of await holdsOfRequests(office.store)) {
    const request = await loadRequest(office.store, requestId);
    if (request && request.state !== 'closed') continue;
    const outcome = await carryOut(office, async () => {
      const hold = await loadHold(office.store, id);
      if (!hold || hold.state === 'released') return { decided: { state: [], entries: [], tasks: [] }, result: 0 };
      return { decided: decideEvidenceEnd(hold, office.now()), result: 1 };
    });
    if (isRefusal(outcome)) continue;
    ended += outcome;
    // At once: its own task does so too, should this process die here.
    await liftHold(office, id);
  }
  return ended;
}
