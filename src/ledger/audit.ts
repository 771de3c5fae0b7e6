import { toHex } from '../core/hash.ts';
import { Frontier, leafHash } from './merkle.ts';

/** An entry as it is stored. */
export interface StoredEntry {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly leafHash: Uint8Array;
}

/** A checkpoint as it is stored or was kept by an auditor. */
export interface KnownRoot {
  readonly size: number;
  readonly root: Uint8Array;
}

export type AuditResult =
  | { readonly ok: true; readonly size: number; readonly root: Uint8Array; readonly checkpoints: number }
  | { readonly ok: false; readonly index: number; readonly reason: string };

/**
 * Recompute the whole ledger: every index, every leaf, every checkpoint's root. Memory stays flat.
 * @param roots ascending by size; a kept checkpoint among them proves consistency with what was seen then, since the
 *   tree is recomputed through that very size
 * @returns the size and root found, or the first index that is wrong and why
 */
export async function auditLedger(
  entries: AsyncIterable<StoredEntry>,
  roots: readonly KnownRoot[],
): Promise<AuditResult> {
  const frontier = new Frontier();
  let next = 0;
  const wrongRoot = (): AuditResult | null => {
    for (; next < roots.length && roots[next]?.size === frontier.size; next++)
      if (toHex(roots[next]?.root ?? new Uint8Array()) !== toHex(frontier.root()))
        return {
          ok: false,
          index: frontier.size - 1,
          reason: `the checkpoint of size ${frontier.size} has another root: an entry at or before this index was changed`,
        };
    return null;
  };
  const early = wrongRoot();
  if (early) return early;
  for await (const entry of entries) {
    const index = frontier.size;
    if (entry.index !== index)
      return { ok: false, index, reason: `entry ${index} is missing: the next one stored is ${entry.index}` };
    const hash = leafHash(entry.bytes);
    if (toHex(hash) !== toHex(entry.leafHash))
      return { ok: false, index, reason: `entry ${index} is not what its leaf hash was made of` };
    frontier.append(hash);
    const wrong = wrongRoot();
    if (wrong) return wrong;
  }
  const beyond = roots[next];
  if (beyond)
    return {
      ok: false,
      index: frontier.size,
      reason: `a checkpoint covers ${beyond.size} entries, and only ${frontier.size} are there: the end was cut off`,
    };
  return { ok: true, size: frontier.size, root: frontier.root(), checkpoints: roots.length };
}
