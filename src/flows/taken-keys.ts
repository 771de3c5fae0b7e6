import { hmacSha256, toHex } from '../core/hash.ts';
import { loadRequest } from '../db/requests.ts';
import { batchesSince, keysOfBatch, loadRun } from '../db/runs.ts';
import { keyCommitment, keyCommitmentBytes } from '../disposition/batch.ts';
import type { CoveredKey } from '../disposition/coverage.ts';
import type { Office } from './office.ts';
import { recoverJournals } from './record-batch.ts';

/** The clocks of two machines may differ by this much; a batch of before is no harm, it took nothing that was there after. */
const clockHours = 1;

/** The key under which an erasure commits to what it takes. */
export function erasureKey(caseKey: Uint8Array): Uint8Array {
  return hmacSha256(caseKey, 'erasure commitments');
}

/**
 * Which of these keys an order of this installation took since then: a purge or an erasure whose journal commits to them.
 * Batches that a crash left uncopied are copied first.
 * @returns their places in the list
 */
export async function takenByOrders(
  office: Office,
  missing: readonly CoveredKey[],
  since: Temporal.Instant,
): Promise<ReadonlySet<number>> {
  const taken = new Set<number>();
  if (missing.length === 0) return taken;
  await recoverJournals(office);
  const keys = new Map<string, Uint8Array | null>();
  for (const { id, runId, requestId } of await batchesSince(office.store, since.subtract({ hours: clockHours }))) {
    const order = runId ?? requestId ?? '';
    if (!keys.has(order)) keys.set(order, await keyOfOrder(office, runId, requestId));
    const key = keys.get(order);
    if (!key) continue;
    const went = await keysOfBatch(office.store, id);
    const known = new Set<string>();
    for (let at = 0; at < went.length; at += keyCommitmentBytes)
      known.add(toHex(went.subarray(at, at + keyCommitmentBytes)));
    for (const [place, covered] of missing.entries())
      if (known.has(toHex(keyCommitment(key, covered.dataset, covered.key)))) taken.add(place);
  }
  return taken;
}

/** The key that an order's commitments were made under; null where its case was destroyed since. */
async function keyOfOrder(office: Office, run: string | null, request: string | null): Promise<Uint8Array | null> {
  if (run !== null) return (await loadRun(office.store, run))?.runKey ?? null;
  try {
    const known = request === null ? null : await loadRequest(office.store, request);
    return known ? erasureKey(await office.store.vault.caseKey(known.caseId)) : null;
  } catch {
    return null;
  }
}
