/**
 * sources/ promises one way to look into, protect and empty the systems where records live. What is destroyed here is
 * recorded by the same act (in the source's own transaction where it has one), never beside it; what is held is
 * refused here, under the lock, and not by the memory of a caller. Nothing here decides what may go: plans come in.
 */
import type { Refusal } from '../core/refusal.ts';
import type { DatasetId } from '../policy/data-map.ts';

/** One thing wrong between the data map and the source. */
export interface Drift {
  readonly source: string;
  readonly subject: string;
  readonly code:
    | 'unreachable'
    | 'table_missing'
    | 'table_unmapped'
    | 'column_missing'
    | 'key_not_unique'
    | 'reference_undeclared'
    | 'time_not_a_time'
    | 'folder_missing'
    | 'file_unmatched'
    | 'cannot_write';
  readonly detail: string;
  /** A warning leaves purges running; drift stops them. */
  readonly level: 'drift' | 'warning';
}

/** What one dataset holds as seen from one cutoff. */
export interface Census {
  readonly dataset: DatasetId;
  readonly total: number;
  readonly due: number;
  readonly held: number;
  /** Due and not held, but a declared `restrict` link still points at it. */
  readonly restricted: number;
  readonly heldBy: Readonly<Record<string, number>>;
}

/** What an acknowledged hold covers in one dataset: how many records, and a digest that names exactly which. */
export interface Coverage {
  readonly dataset: DatasetId;
  readonly count: number;
  readonly root: string;
}

/**
 * One condition of a hold on one dataset: records whose `columns` have these values, within the range if there is one.
 * No columns: every record of the dataset within the range.
 */
export interface HoldClause {
  readonly dataset: DatasetId;
  readonly columns: readonly string[];
  readonly values: readonly string[];
  readonly from: string | null;
  readonly to: string | null;
}

/** A batch to destroy: the same values every time it is tried, so that a second try changes nothing. */
export interface BatchOrder {
  readonly batch: string;
  readonly run: string;
  readonly dataset: DatasetId;
  readonly seq: number;
  readonly cutoff: Temporal.Instant;
  readonly policy: string;
  /** 32 bytes: records are committed to under this key, so that a proof tells nothing about what went. */
  readonly runKey: Uint8Array;
  readonly rows: number;
}

/** The journal's word on one batch. `leaves`: 32 bytes a record, sorted. */
export interface JournalRow {
  readonly batch: string;
  readonly run: string;
  readonly dataset: DatasetId;
  readonly seq: number;
  readonly counts: Readonly<Record<DatasetId, number>>;
  readonly count: number;
  readonly leaves: Uint8Array;
  readonly cutoff: Temporal.Instant | null;
  readonly policy: string;
  readonly epoch: number;
  readonly way: 'source' | 'intent';
  readonly destroyedAt: Temporal.Instant;
}

/** A batch done (with where its slice of time ended; null: at the cutoff), or the reason nothing was destroyed. */
export type BatchResult =
  | { readonly kind: 'batch'; readonly journal: JournalRow; readonly upTo: string | null }
  | { readonly kind: 'nothing_due' }
  | Refusal;
