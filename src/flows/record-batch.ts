import { commit } from '../db/commit.ts';
import { openHolds } from '../db/holds.ts';
import { whileAlone, withLock } from '../db/locks.ts';
import {
  confirmIntent,
  copyBatch,
  dropIntent,
  hasBatch,
  type Intent,
  type IntentHead,
  leavesOfIntent,
  loadRun,
  openIntents,
  writeIntent,
} from '../db/runs.ts';
import type { BatchOrder, JournalRow } from '../disposition/batch.ts';
import type { Run } from '../disposition/run.ts';
import { entry } from '../ledger/entry.ts';
import { rootOfCommitments } from '../ledger/merkle.ts';
import { sourceFault } from '../sources/fault.ts';
import { journalOf, journalOfLeaves } from '../sources/files/source.ts';
import { sourceOf } from '../sources/open.ts';
import type { BatchSurroundings, RecordSource } from '../sources/source.ts';
import type { Office } from './office.ts';
import { scopesOf } from './plan-run.ts';

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
      ? entry(journal.act === 'mask' ? 'batch.masked' : 'batch.destroyed', now, 'system', facts)
      : entry('erasure.batch', now, 'system', {
          request: journal.run,
          dataset: journal.dataset,
          destroyed: journal.act === 'destroy' ? journal.count : 0,
          masked: journal.act === 'mask' ? journal.count : 0,
          root: facts.root,
        });
    try {
      await commit(office.store, { state: [], entries: [what], tasks: [] }, async (tx) => {
        await copyBatch(tx, journal, root, now, isRun ? { run: journal.run } : { request: journal.run });
        if (journal.way === 'intent') await confirmIntent(tx, journal.batch, now);
      });
    } catch (error) {
      // Copied by another process since we looked; its transaction said so in the ledger, ours was undone.
      if (!(await hasBatch(office.store, journal.batch))) throw error;
    }
  }
  try {
    await source.markCopied(journal.batch);
    await source.removeLeavingFiles();
  } catch (error) {
    // The batch is recorded. A source that went away is told when it is back; the run itself will notice.
    if (sourceFault(error) === null) throw error;
  }
}

/**
 * Finish what a crash left between a destruction and its record: copy uncopied batches, finish open intents. A source
 * that cannot be reached is left for later: its own runs say so, and others go on.
 * @param own the run whose lock the caller has
 */
export async function recoverJournals(office: Office, own: string | null = null): Promise<number> {
  let recovered = 0;
  for (const source of office.sources.values()) {
    if (!source.keepsHolds) continue;
    try {
      recovered += await copyUncopied(office, source);
      await source.removeLeavingFiles();
    } catch (error) {
      if (sourceFault(error) === null) throw error;
    }
  }
  for (const intent of await openIntents(office.store)) {
    // A worker that is alive finishes its own: only a dead one's lock can be taken.
    const finish = () => finishIntent(office, intent);
    const outcome =
      intent.runId === own ? await finish() : await whileAlone(office.store.db, `run:${intent.runId}`, finish);
    if (outcome) recovered += 1;
  }
  return recovered;
}

async function copyUncopied(office: Office, source: RecordSource): Promise<number> {
  let copied = 0;
  for (;;) {
    const rows = await source.uncopied(50);
    for (const journal of rows) await recordBatch(office, source, journal);
    copied += rows.length;
    if (rows.length < 50) return copied;
  }
}

/**
 * Finish one intent, under the same lock as a batch and with the holds of this moment: what was held since the crash
 * and is still there stays, and is no part of the record.
 * @returns false when it could not be finished now
 */
async function finishIntent(office: Office, intent: Intent): Promise<boolean> {
  const source = sourceOf(office.sources, intent.dataset);
  const { batchId: id } = intent;
  if (await hasBatch(office.store, id)) return false;
  try {
    return await withLock(office.store.db, 'shared', [`dataset:${intent.dataset}`], 30, async () => {
      if (intent.rewrite) return await finishRewriting(office, source, intent);
      const holds = scopesOf(await openHolds(office.store));
      const went = (await source.finishRemoval?.(intent.dataset, intent.items, holds)) ?? [];
      if (went.length === 0) {
        await dropIntent(office.store, id);
        return true;
      }
      const run = await loadRun(office.store, intent.runId);
      const order = orderOf(intent, run);
      const commitments = went.map(({ commitment }) => commitment);
      await recordBatch(office, source, journalOf(order, commitments, intent.epoch, intent.intendedAt));
      return true;
    });
  } catch (error) {
    if (sourceFault(error) === null) throw error;
    return false;
  }
}

/** What of an intent the journal repeats. */
function orderOf(intent: IntentHead, run: Run | null) {
  const { batchId: batch, runId, dataset, seq, cutoff } = intent;
  return { batch, run: runId, dataset, seq, cutoff, policy: run?.policy ?? '' };
}

/**
 * Finish a rewriting that a crash cut short, with all of its intents: it took place, and its lines are recorded, or it
 * did not, and what was intended is forgotten. The lines are all still there then, and go with another batch.
 * @returns false when it was finished with an intent before this one
 */
async function finishRewriting(office: Office, source: RecordSource, { runId, dataset }: IntentHead): Promise<boolean> {
  const open = await openOf(office, runId, dataset);
  const last = open.at(-1)?.rewrite;
  if (!last) return false;
  if (last.last !== null && (await source.hasRewritten?.(dataset, last))) {
    await recordIntended(office, source, runId, dataset);
    return true;
  }
  for (const { batchId } of open) await dropIntent(office.store, batchId);
  await source.removeMade?.(dataset);
  return true;
}

async function openOf(office: Office, runId: string, dataset: string): Promise<readonly Intent[]> {
  return (await openIntents(office.store)).filter((intent) => intent.runId === runId && intent.dataset === dataset);
}

/**
 * Record the lines that a rewriting took out, a batch for each of its intents. In their order: as long as one is open,
 * the last one is, which says that the rewriting took place.
 * @returns how many batches these were
 */
export async function recordIntended(
  office: Office,
  source: RecordSource,
  runId: string,
  dataset: string,
): Promise<number> {
  const run = await loadRun(office.store, runId);
  const open = await openOf(office, runId, dataset);
  for (const intent of open) {
    const leaves = await leavesOfIntent(office.store, intent.batchId);
    const journal = journalOfLeaves(orderOf(intent, run), leaves, intent.epoch, intent.intendedAt);
    await recordBatch(office, source, journal);
  }
  return open.length;
}

type Intends = Pick<BatchSurroundings, 'intend' | 'intendRewrite' | 'withdraw'>;

/** For sources that keep a journal of their own. */
export const intendNothing: Intends = {
  intend: async () => {},
  intendRewrite: async () => {},
  withdraw: async () => {},
};

/** How a batch of a store without transactions says beforehand what it is about to do. */
export function intending(office: Office, order: BatchOrder, epoch: number): Intends {
  const { run: runId, dataset, due } = order;
  const head = (seq: number): IntentHead => {
    const batchId = `${order.batch.slice(0, -String(order.seq).length)}${seq}`;
    return { batchId, runId, dataset, seq, cutoff: due.cutoff, epoch, intendedAt: office.now() };
  };
  return {
    intend: ({ items }) => writeIntent(office.store, { ...head(order.seq), items }),
    intendRewrite: ({ leaves, ...rewrite }, part) =>
      writeIntent(office.store, { ...head(order.seq + part), rewrite }, leaves),
    async withdraw() {
      for (const { batchId } of await openOf(office, runId, dataset)) await dropIntent(office.store, batchId);
    },
  };
}
