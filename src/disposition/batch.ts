/**
 * disposition/ promises to say what is due and may go, and what it takes to let it go: plans, guards, batches, holds,
 * certificates. It counts and decides; it never touches a record. Nothing here may be lenient about a hold.
 */
import { hmacSha256, sha256Hex, toHex } from '../core/hash.ts';
import type { Refusal } from '../core/refusal.ts';
import type { DatasetId } from '../policy/data-map.ts';
import type { Due } from '../policy/due.ts';

/** A batch to destroy: the same values every time it is tried, so that a second try changes nothing. */
export interface BatchOrder {
  readonly batch: string;
  readonly run: string;
  readonly dataset: DatasetId;
  readonly seq: number;
  readonly due: Due;
  readonly policy: string;
  /** 32 bytes: records are committed to under this key, so that a proof tells nothing about what went. */
  readonly runKey: Uint8Array;
  /** Key of pseudonyms, 32 bytes: the same for every order, so that equal values stay equal. */
  readonly pseudonyms: Uint8Array;
  /** How long it waits for a lock of the application's before it gives way. */
  readonly lockSeconds: number;
  readonly rows: number;
}

/** The journal's word on one batch. `leaves`: 32 bytes a record, sorted; `keys`: 16 bytes a record that went, sorted. */
export interface JournalRow {
  readonly batch: string;
  readonly run: string;
  readonly dataset: DatasetId;
  readonly seq: number;
  readonly act: 'destroy' | 'mask';
  readonly counts: Readonly<Record<DatasetId, number>>;
  readonly count: number;
  readonly leaves: Uint8Array;
  /** Commitments to the keys of what went (`keyCommitment`); empty where the source names none, or nothing went. */
  readonly keys: Uint8Array;
  readonly cutoff: Temporal.Instant | null;
  readonly policy: string;
  readonly epoch: number;
  readonly way: 'source' | 'intent';
  readonly destroyedAt: Temporal.Instant;
}

/** A batch as the purge log shows it: without its leaves. */
export interface BatchRecord {
  readonly id: string;
  readonly dataset: string;
  readonly seq: number;
  readonly count: number;
  readonly root: Uint8Array;
  readonly cutoff: Temporal.Instant | null;
  readonly epoch: number;
  readonly way: string;
  readonly destroyedAt: Temporal.Instant;
}

/**
 * A batch done (with where its slice of time ended; null: at the cutoff), or the reason nothing was destroyed.
 * `intended`: what was intended is done, and the rows of the journal are to be made of the intents.
 */
export type BatchResult =
  | { readonly kind: 'batch'; readonly journal: JournalRow; readonly upTo: string | null }
  | { readonly kind: 'intended'; readonly upTo: string }
  | { readonly kind: 'nothing_due' }
  | Refusal;

/**
 * A commitment to the key of a record that went, 16 bytes: the first half of HMAC-SHA-256(run key, "key", LF, dataset id,
 * LF, the key's values with U+001F between them). Who knows a key and has the run key can tell that it went by this batch
 * (docs/formats/commitment.md).
 */
export function keyCommitment(runKey: Uint8Array, dataset: DatasetId, key: readonly string[]): Uint8Array {
  return hmacSha256(runKey, `key\n${dataset}\n${key.join('\u001f')}`).subarray(0, keyCommitmentBytes);
}

export const keyCommitmentBytes = 16;

/**
 * The name of a run's batch: the same for every try, so that the journals can tell a second try from a second batch. It
 * says the rule, too: several rules of a run may have one dataset, and count its batches on.
 */
export function batchId(run: string, rule: string, dataset: DatasetId, seq: number): string {
  return `${run}/${rule}/${dataset}/${seq}`;
}

/** The rule by which a batch of a run went, from its name; null for one of an erasure. */
export function ruleOfBatch(batch: string): string | null {
  const [run = '', rule, dataset] = batch.split('/');
  return run.startsWith('run_') && dataset !== undefined ? (rule ?? null) : null;
}

/** One digest over batches: SHA-256 of a line for each, its name, its count and its root in hex. */
export function digestOfBatches(batches: readonly Pick<BatchRecord, 'id' | 'count' | 'root'>[]): string {
  return sha256Hex(batches.map(({ id, count, root }) => `${id} ${count} ${toHex(root)}\n`).join(''));
}
