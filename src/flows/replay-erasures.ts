import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { type ErasedRows, UnreadableErasures, type WrittenErasure } from '../db/erasure-file.ts';
import { whileAlone } from '../db/locks.ts';
import { loadRequest } from '../db/requests.ts';
import { findDataset } from '../policy/data-map.ts';
import { sourceOf } from '../sources/open.ts';
import type { ReachedRow } from '../sources/sql/find.ts';
import { inErasureOrder, type ReachedDataset } from './gather-findings.ts';
import type { Office } from './office.ts';
import { pendingIn, settleOpenHolds } from './place-hold.ts';
import { epochFor } from './plan-run.ts';
import { recordBatch } from './record-batch.ts';
import { erasureKey } from './taken-keys.ts';

/** What became of one erasure when it was made again. */
export interface Replayed {
  readonly request: string;
  readonly erasedAt: string;
  readonly destroyed: number;
  readonly masked: number;
  /** Rows that are there again and stay: a hold covers them, or somebody else's row needs them. */
  readonly held: number;
  readonly restricted: number;
  /** Datasets that could not be gone through, each with why; their rows are still there. */
  readonly failed: readonly { readonly dataset: string; readonly code: string }[];
}

const rowsPerBatch = 500;

/**
 * Make every erasure again that is on the list outside the database: a restored backup brought erased people back. Holds
 * are put in place first, and what they cover now stays. Rows that are gone are no error, so it can be run again at any
 * time; a crash in between is taken up by running it again.
 * @param path another list than the configured one
 */
export async function replayErasures(office: Office, path?: string): Promise<readonly Replayed[] | Refusal> {
  const written = await readList(office, path);
  if (isRefusal(written)) return written;
  const replayed = await whileAlone(office.store.db, 'replay-erasures', async () => {
    const unsettled = await settleOpenHolds(office);
    if (unsettled) return unsettled;
    const done: Replayed[] = [];
    for (const erasure of written) done.push(await replay(office, erasure));
    return done;
  });
  return replayed ?? refuse('already_running', 'The erasures are being replayed already. Nothing was started.');
}

async function readList(office: Office, path: string | undefined): Promise<readonly WrittenErasure[] | Refusal> {
  try {
    return await office.erasures.read(path);
  } catch (error) {
    if (error instanceof UnreadableErasures) return refuse('invalid', error.message);
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return refuse(
        'not_found',
        'There is no list of erasures at that place. Nothing was replayed; look at MUNIMENT_ERASURES.',
      );
    throw error;
  }
}

async function replay(office: Office, erasure: WrittenErasure): Promise<Replayed> {
  const sum = { destroyed: 0, masked: 0, held: 0, restricted: 0 };
  const failed: { dataset: string; code: string }[] = [];
  const runKey = await commitmentKey(office, erasure.request);
  const parts = new Map(erasure.rows.map((part) => [part.dataset, part]));
  for (const { dataset, source, own } of inErasureOrder(office, reachedOf(office, erasure.rows, failed))) {
    const act = parts.get(dataset)?.act ?? 'destroy';
    try {
      const { free, held, restricted } = await source.previewErasure(dataset, own, act, new Map());
      sum.held += held.length;
      sum.restricted += restricted.length;
      for (let start = 0; start < free.length; start += rowsPerBatch) {
        const rows = free.slice(start, start + rowsPerBatch);
        const pending = await pendingIn(office, source.name);
        if (pending) {
          failed.push({ dataset, code: pending.code });
          break;
        }
        const result = await source.erase(
          {
            // A batch of this replay and of no other: a journal that was restored with the source knows the first one.
            batch: `${erasure.request}/${act}/${dataset}/replay/${Buffer.from(office.random(12)).toString('hex')}`,
            request: erasure.request,
            dataset,
            seq: Buffer.from(office.random(4)).readUInt32BE() >>> 1,
            policy: office.policy.digest,
            runKey,
            pseudonyms: office.pseudonyms,
            rows,
          },
          act,
          await epochFor(office, dataset),
        );
        if (isRefusal(result)) {
          failed.push({ dataset, code: result.code });
          break;
        }
        if (result.kind !== 'batch') continue;
        await recordBatch(office, source, result.journal);
        sum[act === 'destroy' ? 'destroyed' : 'masked'] += result.journal.count;
      }
    } catch (error) {
      failed.push({ dataset, code: error instanceof Error && 'code' in error ? String(error.code) : 'failed' });
    }
  }
  return { request: erasure.request, erasedAt: erasure.at, ...sum, failed };
}

/** The rows as an erasure takes them; a dataset that is no longer mapped is named, and its rows stay. */
function reachedOf(
  office: Office,
  rows: readonly ErasedRows[],
  failed: { dataset: string; code: string }[],
): readonly ReachedDataset[] {
  return rows.flatMap(({ dataset, keys }) => {
    if (findDataset(office.policy.dataMap, dataset)?.kind !== 'table') {
      failed.push({ dataset, code: 'dataset_unknown' });
      return [];
    }
    const own = keys.map((key): ReachedRow => ({ key, columns: {} }));
    return [{ source: sourceOf(office.sources, dataset), dataset, own, shared: [] }];
  });
}

/** The case's own, where it is still there: then a record can still be shown to have been erased. */
async function commitmentKey(office: Office, request: string): Promise<Uint8Array> {
  try {
    const known = await loadRequest(office.store, request);
    if (known) return erasureKey(await office.store.vault.caseKey(known.caseId));
  } catch {
    // The case was shredded, or is younger than the backup: the rows still have to go.
  }
  return office.random(32);
}
