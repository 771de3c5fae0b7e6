import { setTimeout as pause } from 'node:timers/promises';
import { sha256Hex } from '../core/hash.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { openHolds } from '../db/holds.ts';
import { whileAlone, withLock } from '../db/locks.ts';
import {
  batchesOfRun,
  confirmIntent,
  copyBatch,
  hasBatch,
  loadRun,
  markPart,
  openIntents,
  progressOf,
  writeIntent,
} from '../db/runs.ts';
import { type BatchOrder, type BatchResult, batchId, type JournalRow } from '../disposition/batch.ts';
import { finishRun, type Run, type RunPart } from '../disposition/run.ts';
import { entry } from '../ledger/entry.ts';
import { rootOfCommitments } from '../ledger/merkle.ts';
import { journalOf } from '../sources/files/source.ts';
import { sourceOf } from '../sources/open.ts';
import type { RecordSource } from '../sources/source.ts';
import { carryOut, type Office } from './office.ts';
import { epochFor } from './plan-run.ts';

/** Rows a batch aims at: large enough for the engine's speed, small enough that a hold waits only a moment. */
const rowsPerBatch = 10_000;
/** Tries of one batch against locks that the application holds, before its dataset is given up for this run. */
const triesPerBatch = 8;

/**
 * Work a run off, batch by batch. Safe to start again at any point and from any process: what went is in the journals,
 * and the journals say where to go on. One worker at a time.
 */
export async function executeRun(office: Office, id: string): Promise<void> {
  await whileAlone(office.store.db, `run:${id}`, async () => {
    const run = await loadRun(office.store, id);
    if (run?.state !== 'running') return;
    await recoverJournals(office);
    for (const part of run.parts) {
      if (part.state === 'done' || part.state === 'refused' || part.state === 'failed') continue;
      const outcome = await executePart(office, run, part);
      if (outcome === 'stopped') return;
      await markPart(
        office.store,
        run.id,
        part.dataset,
        outcome === 'done' ? 'done' : 'failed',
        outcome === 'done' ? null : { code: outcome.code, detail: outcome.detail },
      );
    }
    await finish(office, id);
  });
}

async function executePart(office: Office, run: Run, part: RunPart): Promise<'done' | 'stopped' | Refusal> {
  const source = sourceOf(office.sources, part.dataset);
  const cutoff = run.cutoffs[part.rule];
  if (cutoff === undefined)
    return refuse('rule_unknown', `The run has no cutoff for rule ${part.rule}.`, { rule: part.rule });
  const { batches } = await progressOf(office.store, run.id, part.dataset);
  let from: string | null = null;
  for (let seq = batches + 1; ; ) {
    const now = await loadRun(office.store, run.id);
    if (now?.state !== 'running') return 'stopped';
    const order: BatchOrder = {
      batch: batchId(run.id, part.dataset, seq),
      run: run.id,
      dataset: part.dataset,
      seq,
      cutoff: Temporal.Instant.from(cutoff),
      policy: run.policy,
      runKey: run.runKey,
      rows: rowsPerBatch,
    };
    const result = await oneBatch(office, source, order, from);
    if (isRefusal(result)) return result;
    if (result.kind === 'nothing_due') {
      // Rows written late, with an old time, may stand behind the last slice: one look from the start before "done".
      if (from === null) return 'done';
      from = null;
      continue;
    }
    await recordBatch(office, source, result.journal);
    from = result.upTo;
    seq += 1;
  }
}

async function oneBatch(
  office: Office,
  source: RecordSource,
  order: BatchOrder,
  from: string | null,
): Promise<BatchResult> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await underLock(office, source, order, from);
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      if (attempt === triesPerBatch)
        return refuse(
          'conflict',
          `The application held locks on ${order.dataset} for too long. What was left stays; repeat the run later.`,
          { dataset: order.dataset },
        );
      await pause(Math.min(30_000, 250 * 2 ** attempt));
    }
  }
}

async function underLock(
  office: Office,
  source: RecordSource,
  order: BatchOrder,
  from: string | null,
): Promise<BatchResult> {
  const knownEpoch = await epochFor(office, order.dataset);
  if (source.kind === 'postgres')
    return source.destroyBatch(order, { knownEpoch, from, now: office.now, holds: [], intend: async () => {} });
  return withLock(office.store.db, 'shared', [`dataset:${order.dataset}`], 30, async () => {
    const holds = (await openHolds(office.store)).map((hold) => ({ id: hold.id, scope: hold.scope.reveal() }));
    const intend = ({ items }: { items: readonly { name: string; sizeBytes: number; commitment: string }[] }) =>
      writeIntent(office.store, {
        batchId: order.batch,
        runId: order.run,
        dataset: order.dataset,
        seq: order.seq,
        cutoff: order.cutoff,
        epoch: knownEpoch,
        items,
        intendedAt: office.now(),
      });
    return source.destroyBatch(order, { knownEpoch, from, now: office.now, holds, intend });
  });
}

/**
 * Copy a journal row into Muniment's database and ledger, exactly once by batch id, then tell the source. A crash
 * before the copy leaves the row uncopied and the next start copies it; one after it finds the batch known.
 */
export async function recordBatch(office: Office, source: RecordSource, journal: JournalRow): Promise<void> {
  const root = rootOfCommitments(journal.leaves);
  if (!(await hasBatch(office.store, journal.batch))) {
    const now = office.now();
    const facts = {
      batch: journal.batch,
      run: journal.run,
      dataset: journal.dataset,
      count: journal.count,
      root: Buffer.from(root).toString('hex'),
      cutoff: journal.cutoff?.toString({ smallestUnit: 'millisecond' }) ?? '',
      policy: journal.policy,
      epoch: journal.epoch,
      way: journal.way,
    };
    const isRun = journal.run.startsWith('run_');
    const what = isRun
      ? entry('batch.destroyed', now, 'system', facts)
      : entry('erasure.batch', now, 'system', {
          request: journal.run,
          dataset: journal.dataset,
          destroyed: journal.act === 'destroy' ? journal.count : 0,
          masked: journal.act === 'mask' ? journal.count : 0,
          root: facts.root,
        });
    await commit(office.store, { state: [], entries: [what], tasks: [] }, async (tx) => {
      await copyBatch(tx, journal, root, now, isRun ? { run: journal.run } : { request: journal.run });
      if (journal.way === 'intent') await confirmIntent(tx, journal.batch, now);
    });
  }
  await source.markCopied(journal.batch);
  await source.removeLeavingFiles();
}

/** Finish what a crash left between a destruction and its record: copy uncopied batches, confirm open intents. */
export async function recoverJournals(office: Office): Promise<number> {
  let recovered = 0;
  for (const source of office.sources.values()) {
    if (source.kind !== 'postgres') continue;
    for (;;) {
      const rows = await source.uncopied(50);
      for (const journal of rows) await recordBatch(office, source, journal);
      recovered += rows.length;
      if (rows.length < 50) break;
    }
    await source.removeLeavingFiles();
  }
  for (const intent of await openIntents(office.store)) {
    const source = sourceOf(office.sources, intent.dataset);
    await source.finishRemoval?.(
      intent.dataset,
      intent.items.map(({ name }) => name),
    );
    const run = await loadRun(office.store, intent.runId);
    const order = {
      batch: intent.batchId,
      run: intent.runId,
      dataset: intent.dataset,
      seq: intent.seq,
      cutoff: intent.cutoff,
      policy: run?.policy ?? '',
    };
    await recordBatch(
      office,
      source,
      journalOf(
        order,
        intent.items.map(({ commitment }) => commitment),
        intent.epoch,
        intent.intendedAt,
      ),
    );
    recovered += 1;
  }
  return recovered;
}

async function finish(office: Office, id: string): Promise<void> {
  const batches = await batchesOfRun(office.store, id, 1_000_000);
  const root = sha256Hex(
    batches.map((batch) => `${batch.id} ${batch.count} ${Buffer.from(batch.root).toString('hex')}\n`).join(''),
  );
  const outcome = await carryOut(office, async () => {
    const run = await loadRun(office.store, id);
    if (run?.state !== 'running') return refuse('conflict', 'The run is not running any more.');
    return { decided: finishRun(run, root, office.now()), result: null };
  });
  if (isRefusal(outcome) && outcome.code !== 'conflict')
    throw new Error(`run ${id} could not be finished: ${outcome.code}`);
}

function isLockTimeout(error: unknown): boolean {
  // 55P03 lock_not_available, 40P01 deadlock_detected, 40001 serialization_failure: nothing was done, try again.
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    ['55P03', '40P01', '40001'].includes(String(error.code))
  );
}
