import { systemActor } from '../core/actor.ts';
import { canonicalJson, type Json } from '../core/canonical-json.ts';
import { sha256Hex } from '../core/hash.ts';
import { formatInstant } from '../core/instants.ts';
import { personal } from '../core/personal.ts';
import { isRefusal } from '../core/refusal.ts';
import type { ErasedRows } from '../db/erasure-file.ts';
import { whileAlone } from '../db/locks.ts';
import { erasuresKeptByHold, loadRequest } from '../db/requests.ts';
import { digestOfBatches } from '../disposition/batch.ts';
import { allTables, findDataset } from '../policy/data-map.ts';
import {
  countsMoved,
  type Deferred,
  type Finding,
  fulfilled,
  holdEnded,
  type Receipt,
  type SubjectRequest,
  turnOf,
} from '../requests/request.ts';
import type { ReachedRow } from '../sources/sql/find.ts';
import { keyText } from '../sources/sql/keys.ts';
import {
  findingsDigest,
  findingsOf,
  inErasureOrder,
  orThrow,
  type ReachedDataset,
  reachSubject,
  searchSubject,
} from './gather-findings.ts';
import { carryOut, type Office } from './office.ts';
import { pendingIn, settleOpenHolds } from './place-hold.ts';
import { epochFor } from './plan-run.ts';
import { recordBatch, recoverJournals } from './record-batch.ts';
import { erasureKey } from './taken-keys.ts';

/**
 * The task: carry out an approved erasure. What is there now is compared with what was approved; if it moved, nothing
 * is touched and staff are asked again. Rows go in the order of their links, children first; then everything is searched
 * again, and the receipt says what was found. A crash in between goes on where the journals end.
 */
export async function eraseSubject(office: Office, id: string, rowsPerBatch = 500): Promise<void> {
  await whileAlone(office.store.db, `request:${id}`, async () => {
    const request = await loadRequest(office.store, id);
    if (request?.state !== 'fulfilling' || request.type !== 'erasure' || !request.decision?.approvedBy) return;
    await recoverJournals(office);
    orThrow(id, await settleOpenHolds(office));
    const reached = await reachSubject(office, request);
    for (const { source } of reached) orThrow(id, await pendingIn(office, source.name));
    const findings = await findingsOf(office, request, reached);
    // Once the first batch is in the journal the counts differ because of us; what was approved is finished.
    const begun = await hasBegun(office, request);
    if (!begun && findingsDigest(findings) !== request.decision.findings) {
      await carryOut(office, async () => {
        const current = await loadRequest(office.store, id);
        if (current?.state !== 'fulfilling') return { decided: { state: [], entries: [], tasks: [] }, result: null };
        return { decided: countsMoved(current, findings, systemActor, office.now()), result: null };
      });
      return;
    }
    await office.erasures.begin({ request: id, at: office.now(), rows: toBeErased(office, reached) });
    const key = await office.store.vault.caseKey(request.caseId);
    for (const part of inErasureOrder(office, reached))
      await erasePart(office, request, part, erasureKey(key), rowsPerBatch);
    await office.erasures.finish({ request: id, at: office.now(), left: await leftOf(office, reached) });
    await writeReceipt(office, request, reached);
  });
}

/** The rows that the erasure is about, for the list outside the database. */
function toBeErased(office: Office, reached: readonly ReachedDataset[]): readonly ErasedRows[] {
  return reached.flatMap(({ dataset, own }) => {
    const mapped = findDataset(office.policy.dataMap, dataset);
    if (mapped?.kind !== 'table' || mapped.erase === 'keep' || own.length === 0) return [];
    return [{ dataset, act: mapped.erase, keys: own.map(({ key }) => key) }];
  });
}

/** What is still there although the erasure is done: held, or needed by somebody else's row. */
async function leftOf(office: Office, reached: readonly ReachedDataset[]): Promise<readonly Omit<ErasedRows, 'act'>[]> {
  const left: Omit<ErasedRows, 'act'>[] = [];
  for (const { source, dataset, own } of reached) {
    const mapped = findDataset(office.policy.dataMap, dataset);
    if (mapped?.kind !== 'table' || mapped.erase === 'keep' || own.length === 0) continue;
    const { held, restricted } = await source.previewErasure(dataset, own, mapped.erase, new Map());
    const keys = [...held, ...restricted].map(({ key }) => key);
    if (keys.length > 0) left.push({ dataset, keys });
  }
  return left;
}

/** Whether this turn of the request has erased anything yet; what an earlier one erased was approved then. */
async function hasBegun(office: Office, request: SubjectRequest): Promise<boolean> {
  const [row] = await office.store.db.sql`SELECT 1 FROM disposition_batches
    WHERE request_id = ${request.id} AND split_part(id, '/', 4) = ${String(turnOf(request))} LIMIT 1`;
  return row !== undefined;
}

async function erasePart(
  office: Office,
  request: SubjectRequest,
  part: ReachedDataset,
  runKey: Uint8Array,
  rowsPerBatch: number,
): Promise<void> {
  const mapped = findDataset(office.policy.dataMap, part.dataset);
  if (mapped?.kind !== 'table' || mapped.erase === 'keep') return;
  const knownEpoch = await epochFor(office, part.dataset);
  const before = await lastSeq(office, request.id, part.dataset, mapped.erase);
  for (const [index, rows] of chunks(part.own, rowsPerBatch).entries()) {
    const order = {
      // The batch is named by its rows: the same rows are the same batch, whichever try reaches them.
      batch: `${request.id}/${mapped.erase}/${part.dataset}/${turnOf(request)}/${sha256Hex(rows.map(({ key }) => key.join('\u001f')).join('\n')).slice(0, 16)}`,
      request: request.id,
      dataset: part.dataset,
      seq: before + index + 1,
      policy: request.policy,
      runKey,
      pseudonyms: office.pseudonyms,
      rows,
    };
    orThrow(request.id, await pendingIn(office, part.source.name));
    const result = await part.source.erase(order, mapped.erase, knownEpoch);
    if (isRefusal(result)) throw new Error(`erasure of ${part.dataset} was refused: ${result.code}`);
    if (result.kind === 'batch') await recordBatch(office, part.source, result.journal);
  }
}

/** How far the numbers of a dataset's batches have come: those of a crash or an earlier turn are taken. */
async function lastSeq(office: Office, request: string, dataset: string, act: string): Promise<number> {
  const [row] = await office.store.db.sql<{ last: number }[]>`SELECT coalesce(max(seq), 0)::int AS last
    FROM disposition_batches WHERE request_id = ${request} AND dataset = ${dataset} AND split_part(id, '/', 2) = ${act}`;
  return row?.last ?? 0;
}

function chunks(rows: readonly ReachedRow[], size: number): readonly (readonly ReachedRow[])[] {
  const parts: (readonly ReachedRow[])[] = [];
  for (let start = 0; start < rows.length; start += size) parts.push(rows.slice(start, start + size));
  return parts;
}

/** Search again, and say what is left and why. */
async function writeReceipt(
  office: Office,
  request: SubjectRequest,
  reached: readonly ReachedDataset[],
): Promise<void> {
  const counts = await erasedCounts(office, request.id);
  const after = await searchSubject(office, request);
  const planned = request.findings ?? [];
  const done = (disposition: 'destroy' | 'mask'): Finding[] =>
    counts
      .filter((row) => row.act === disposition && row.count > 0)
      .map((row) => ({
        dataset: row.dataset,
        count: row.count,
        disposition,
        ground:
          planned.find((finding) => finding.dataset === row.dataset && finding.disposition === disposition)?.ground ??
          null,
        digest: row.root,
      }));
  const receipt: Receipt = {
    at: formatInstant(office.now()),
    given: [],
    destroyed: done('destroy'),
    masked: done('mask'),
    kept: planned.filter(({ disposition }) => disposition === 'keep'),
    searchAfterwards: allTables(office.policy.dataMap).map((dataset) => ({
      dataset: dataset.id,
      count: after.find((part) => part.dataset === dataset.id)?.own.length ?? 0,
      // What was kept may no longer be reachable from the person: then fewer are found, and never more.
      expected: planned
        .filter((finding) => finding.dataset === dataset.id && finding.disposition === 'keep')
        .reduce((sum, { count }) => sum + count, 0),
    })),
    searchedAt: formatInstant(office.now()),
  };
  const digest = sha256Hex(canonicalJson(receipt as unknown as Json));
  const deferred = personal(await heldOf(office, reached));
  const outcome = await carryOut(office, async () => {
    const current = await loadRequest(office.store, request.id);
    if (current?.state !== 'fulfilling') return { decided: { state: [], entries: [], tasks: [] }, result: null };
    return { decided: fulfilled(current, receipt, digest, deferred, systemActor, office.now()), result: null };
  });
  if (isRefusal(outcome)) throw new Error(`the receipt of ${request.id} could not be written: ${outcome.code}`);
}

/** The rows that a hold keeps for now, by key. */
async function heldOf(office: Office, reached: readonly ReachedDataset[]): Promise<readonly Deferred[]> {
  const deferred: Deferred[] = [];
  for (const { source, dataset, own } of reached) {
    const mapped = findDataset(office.policy.dataMap, dataset);
    if (mapped?.kind !== 'table' || mapped.erase === 'keep') continue;
    const { held } = await source.previewErasure(dataset, own, mapped.erase, new Map());
    if (held.length > 0) deferred.push({ dataset, keys: held.map(({ key }) => key) });
  }
  return deferred;
}

/**
 * A hold ended: erasures that it kept something from are laid before staff again, where any of that is free now.
 * @returns how many
 */
export async function requeueErasures(office: Office): Promise<number> {
  let requeued = 0;
  const kept = await erasuresKeptByHold(office.store);
  if (kept.length > 0) await settleOpenHolds(office);
  for (const id of kept) {
    const request = await loadRequest(office.store, id);
    if (!request) continue;
    const reached = await reachSubject(office, request);
    const held = await heldOf(office, reached);
    const stillHeld = new Set(
      held.flatMap(({ dataset, keys }) => keys.map((key) => `${dataset}\u001f${keyText(key)}`)),
    );
    const isFree = request.deferred
      .reveal()
      .some(({ dataset, keys }) => keys.some((key) => !stillHeld.has(`${dataset}\u001f${keyText(key)}`)));
    if (!isFree) continue;
    const findings = await findingsOf(office, request, reached);
    const outcome = await carryOut(office, async () => {
      const current = await loadRequest(office.store, id);
      if (current?.state !== 'closed') return { decided: { state: [], entries: [], tasks: [] }, result: 0 };
      return { decided: holdEnded(current, findings, systemActor, office.now()), result: 1 };
    });
    if (!isRefusal(outcome)) requeued += outcome;
  }
  return requeued;
}

/** What the request's batches destroyed and masked, by dataset, each with the digest over its batches. */
async function erasedCounts(office: Office, request: string) {
  const rows = await office.store.db.sql<{ id: string; dataset: string; act: string; count: string; root: Buffer }[]>`
    SELECT id, dataset, split_part(id, '/', 2) AS act, count, root
    FROM disposition_batches WHERE request_id = ${request} ORDER BY dataset, act, id`;
  const groups = Map.groupBy(rows, ({ dataset, act }) => `${dataset} ${act}`);
  return [...groups.values()].map((batches) => ({
    dataset: batches[0]?.dataset ?? '',
    act: batches[0]?.act ?? '',
    count: batches.reduce((sum, { count }) => sum + Number(count), 0),
    root: digestOfBatches(batches.map((batch) => ({ ...batch, count: Number(batch.count) }))),
  }));
}
