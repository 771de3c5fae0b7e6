/**
 * sources/ promises one way to look into, protect and empty the systems where records live. What is destroyed here is
 * recorded by the same act (in the source's own transaction where it has one), never beside it; what is held is
 * refused here, under the lock, and not by the memory of a caller. Nothing here decides what may go: plans come in.
 */
import type { InputProblem, Refusal } from '../core/refusal.ts';
import type { BatchOrder, BatchResult, JournalRow } from '../disposition/batch.ts';
import type { Drift } from '../disposition/drift.ts';
import type { Coverage } from '../disposition/hold.ts';
import type { Census } from '../disposition/run.ts';
import type { Dataset, DatasetId, Source } from '../policy/data-map.ts';
import type { Due } from '../policy/due.ts';
import type { HoldScope } from '../policy/hold.ts';
import type { Retention } from '../policy/retention.ts';
import type { Besides } from './sql/beside.ts';
import type { EraseOrder, Going, Preview } from './sql/erase.ts';
import type { Identifier, Reached, ReachedRow } from './sql/find.ts';
import type { KeyValues } from './sql/keys.ts';
import type { StoredRecord } from './sql/read.ts';

/** A hold as the sources need it. */
export interface HeldScope {
  readonly id: string;
  readonly scope: HoldScope;
}

/** What is about to be removed from a store that has no transactions; written down before it happens. */
export interface RemovalIntent {
  readonly items: readonly { readonly name: string; readonly sizeBytes: number; readonly commitment: string }[];
}

/**
 * Lines that one rewriting of a file takes out: a row of the journal each such intent, written down before the new file
 * takes the old one's place. Which of both it is shows in whether `made` is still there.
 */
export interface RewriteIntent {
  readonly file: string;
  /** The new file, beside the old one until it takes its place. */
  readonly made: string;
  /** 32 bytes a line, sorted. */
  readonly leaves: Uint8Array;
  /** In the last row only, written when the new file is whole and on disk. */
  readonly last: RewriteEnd | null;
}

/** How the new file and the old one are known again after a crash. */
export interface RewriteEnd {
  /** No line stays: the file goes, too. */
  readonly isEmpty: boolean;
  /** The number the file system gave the new file. */
  readonly made: string;
  readonly was: { readonly sizeBytes: string; readonly seconds: string };
}

/** What a batch needs to know of the world around it. */
export interface BatchSurroundings {
  /** The newest hold epoch Muniment has seen of this source. */
  readonly knownEpoch: number;
  /** Where the last batch ended; null at the start. */
  readonly from: string | null;
  /** Holds in force, for stores that cannot keep them themselves; read under the lock. */
  readonly holds: readonly HeldScope[];
  /** Holds that must be in place, for stores that keep them: one that is missing there was lost in a restore. */
  readonly mustHold: readonly string[];
  readonly now: () => Temporal.Instant;
  /** Writes the intent down, durably, before the first removal. */
  readonly intend: (intent: RemovalIntent) => Promise<void>;
  /** The same of lines; `part` counts the batch's rows from 0. */
  readonly intendRewrite: (intent: RewriteIntent, part: number) => Promise<void>;
  /** Forgets what was intended for a rewriting of which nothing went. */
  readonly withdraw: () => Promise<void>;
}

/** A system where records live. */
export interface RecordSource {
  readonly name: string;
  readonly kind: Source['kind'];
  readonly datasets: readonly Dataset[];
  /**
   * It keeps what is held and its journal itself: a batch and its record are one transaction there, and a try that failed
   * has done nothing. Without this the caller holds the lock, brings the holds, and writes the intent down.
   */
  readonly keepsHolds: boolean;
  /**
   * Reach the source and compare it with the data map, and with what the conditions of rules ask of it. Never throws for
   * an unreachable source: that is a finding.
   * @param retention empty: nothing will be destroyed
   */
  check(retention: Retention): Promise<readonly Drift[]>;
  /** The source's own clock, where it has one. */
  clock(): Promise<Temporal.Instant | null>;
  census(dataset: DatasetId, due: Due, holds: readonly HeldScope[]): Promise<Census>;
  /** Destroy one batch, or say why nothing was destroyed. Safe to ask again with the same order. */
  destroyBatch(order: BatchOrder, around: BatchSurroundings): Promise<BatchResult>;
  /** Values of a scope that no record here can have, such as a word for a number. */
  wrongKeys(scope: HoldScope): Promise<readonly InputProblem[]>;
  placeHold(hold: HeldScope): Promise<{ epoch: number; coverage: readonly Coverage[] }>;
  liftHold(hold: string): Promise<number>;
  /** Take the source's epoch to at least this, once every hold is in place again after a restore. */
  raiseEpoch(atLeast: number): Promise<void>;
  /** Have the source itself refuse to delete what is held (`enforceHolds`). @returns the datasets; absent where it is not asked for */
  enforceHolds?(): Promise<readonly string[]>;
  /** Holds the source has in place; null for stores that keep none themselves. */
  holdsInPlace(): Promise<ReadonlySet<string> | null>;
  /**
   * The keys of what a hold that is in place covers now, in the order of the digests that its coverage's root takes.
   * Absent where what is covered has no keys.
   */
  keysCovered?(hold: string, dataset: DatasetId): AsyncIterable<KeyValues>;
  /** Which of these keys name records that are there now, as `keyText` writes them. */
  keysThere?(dataset: DatasetId, keys: readonly KeyValues[]): Promise<ReadonlySet<string>>;
  uncopied(most: number): Promise<readonly JournalRow[]>;
  markCopied(batch: string): Promise<void>;
  /**
   * Finish a removal that a crash cut short; for stores without transactions. What is still there and held stays.
   * @returns the items that are gone
   */
  finishRemoval?(
    dataset: DatasetId,
    items: RemovalIntent['items'],
    holds: readonly HeldScope[],
  ): Promise<RemovalIntent['items']>;
  /** Whether a rewriting that a crash cut short has taken place. */
  hasRewritten?(dataset: DatasetId, intent: Omit<RewriteIntent, 'leaves'>): Promise<boolean>;
  /** Remove what a rewriting that did not take place left, once its intents are withdrawn. */
  removeMade?(dataset: DatasetId): Promise<void>;
  /** Remove files whose rows went. @returns the batches of which some file could not be removed */
  removeLeavingFiles(): Promise<readonly string[]>;
  find(identifiers: readonly Identifier[]): Promise<Reached>;
  previewErasure(
    dataset: DatasetId,
    rows: readonly ReachedRow[],
    act: 'destroy' | 'mask',
    going: Going,
  ): Promise<Preview>;
  erase(order: EraseOrder, act: 'destroy' | 'mask', knownEpoch: number): Promise<BatchResult | Refusal>;
  readRows(dataset: DatasetId, rows: readonly ReachedRow[], besides?: Besides): AsyncIterable<StoredRecord>;
  readScope(dataset: DatasetId, scope: HoldScope, besides?: Besides): AsyncIterable<StoredRecord>;
  countScope(dataset: DatasetId, scope: HoldScope): Promise<number>;
  close(): Promise<void>;
}
