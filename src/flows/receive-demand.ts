import type { Actor } from '../core/actor.ts';
import { makeId, makeReference } from '../core/ids.ts';
import { formatInstant } from '../core/instants.ts';
import { parsePeriod } from '../core/periods.ts';
import { personal } from '../core/personal.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { loadDemand } from '../db/demands.ts';
import { addBlob, loadExport } from '../db/exports.ts';
import {
  addDocument,
  type Demand,
  type DemandMove,
  type DemandType,
  moveDemand as decideMove,
  receiveDemand as decideReceipt,
  type Paper,
} from '../demands/demand.ts';
import { readTime } from '../policy/clocks/times.ts';
import { mayNow } from '../policy/roles.ts';
import { whenReceived } from './deadline.ts';
import { carryOut, type Office } from './office.ts';
import { preserves } from './preserve-demand.ts';

export interface DemandOrder {
  readonly type: DemandType;
  readonly channel: string;
  readonly receivedAt: Temporal.Instant;
  readonly dueAt: Temporal.Instant | null;
  readonly emergency: boolean;
  readonly issuedAt: string | null;
  readonly orderedPeriod: string | null;
  readonly paper: Paper;
}

const unknown = () => refuse('not_found', 'There is no such demand.');

/** Record a legal demand as it was served. */
export async function receiveDemand(office: Office, actor: Actor, order: DemandOrder): Promise<Demand | Refusal> {
  const unread = unreadFacts(order);
  if (unread) return unread;
  const now = office.now();
  const receivedAt = whenReceived(now, order.receivedAt);
  if (isRefusal(receivedAt)) return receivedAt;
  const id = makeId('demand', now, office.random(10));
  await office.store.vault.newCase(id, now);
  const demand: Demand = {
    id,
    version: 0,
    reference: makeReference('D', office.random(5)),
    caseId: id,
    type: order.type,
    channel: order.channel,
    state: 'received',
    receivedAt,
    dueAt: order.dueAt,
    emergency: order.emergency,
    issuedAt: order.issuedAt,
    orderedPeriod: order.orderedPeriod,
    clockEvents: [],
    policy: office.policy.digest,
    history: [
      { at: formatInstant(now), actor: actor.id, move: 'receive', from: 'received', to: 'received', note: null },
    ],
    documents: [],
    holdIds: [],
    exportIds: [],
    paper: personal(order.paper),
  };
  return carryOut(office, async () => ({
    decided: decideReceipt(demand, preserves(office, demand), actor, now),
    result: { ...demand, version: 1 },
  }));
}

/** What the clocks count from is refused when it cannot be read, never guessed. */
function unreadFacts({ issuedAt, orderedPeriod }: DemandOrder): Refusal | null {
  const issued = issuedAt === null ? null : readTime(issuedAt);
  if (issued?.kind === 'error') {
    const detail = 'Write the date of the order as a day, or as an instant with its offset.';
    return refuse('invalid', detail, {}, [{ pointer: '/issuedAt', code: issued.code, detail }]);
  }
  const period = orderedPeriod === null ? null : parsePeriod(orderedPeriod);
  if (!isRefusal(period)) return null;
  return refuse('invalid', period.detail, {}, [
    { pointer: '/orderedPeriod', code: period.code, detail: period.detail },
  ]);
}

/** Move a demand on. */
export async function moveDemand(
  office: Office,
  actor: Actor,
  id: string,
  move: DemandMove,
  note: string | null,
): Promise<Demand | Refusal> {
  if (finalMoves.includes(move) && !mayNow(office.policy.roles, actor, 'demands.approve'))
    return refuse('not_allowed', `Your role may not ${move} a demand. Nothing was changed.`, {
      permission: 'demands.approve',
    });
  return carryOut(office, async () => {
    const demand = await loadDemand(office.store, id);
    if (!demand) return unknown();
    const exports = await Promise.all(demand.exportIds.map((exported) => loadExport(office.store, exported)));
    const sealed = exports.some((exported) => exported?.state === 'sealed');
    const decided = decideMove(demand, move, note, sealed, actor, office.now());
    return { decided, result: isRefusal(decided) ? demand : (decided.state[0]?.demand ?? demand) };
  });
}

/** What is said to whoever served the demand, and cannot be taken back. */
const finalMoves: readonly DemandMove[] = ['answer', 'refuse'];

/** The largest paper taken in. */
const maxDocumentBytes = 50 * 1024 * 1024;

/**
 * Keep a served paper exactly as it was received: its digest is in the ledger before anyone opens it, and it is
 * stored encrypted and never executed or rendered here.
 */
export async function attachDocument(
  office: Office,
  actor: Actor,
  id: string,
  document: { bytes: AsyncIterable<Uint8Array>; mediaType: string },
): Promise<Demand | Refusal> {
  const demand = await loadDemand(office.store, id);
  if (!demand) return unknown();
  const now = office.now();
  const blob = makeId('blob', now, office.random(10));
  const key = await office.store.vault.caseKey(demand.caseId);
  const stored = await office.blobs.write(blob, document.bytes, key);
  if (stored.bytes === 0 || stored.bytes > maxDocumentBytes) {
    await office.blobs.remove(blob);
    return stored.bytes === 0
      ? refuse('invalid', 'The file is empty. Nothing was kept.')
      : refuse('too_large', `A document has at most ${maxDocumentBytes / 1024 / 1024} MB. Nothing was kept.`);
  }
  const kept = {
    id: makeId('document', now, office.random(10)),
    blob,
    sha256: stored.sha256,
    sizeBytes: stored.bytes,
    mediaType: document.mediaType,
    receivedAt: formatInstant(now),
    receivedBy: actor.id,
  };
  return carryOut(
    office,
    async () => {
      const current = await loadDemand(office.store, id);
      if (!current) return unknown();
      const decided = addDocument(current, kept, actor, now);
      return { decided, result: isRefusal(decided) ? current : (decided.state[0]?.demand ?? current) };
    },
    (tx) =>
      addBlob(tx, {
        id: blob,
        caseId: demand.caseId,
        sha256: stored.sha256,
        sizeBytes: stored.bytes,
        mediaType: document.mediaType,
        createdAt: now,
      }),
  );
}
