import { and, asc, desc, eq, gt, isNull, ne, sql } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import { type Personal, personal } from '../core/personal.ts';
import type { CoveredKey, Reconciled } from '../disposition/coverage.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { alarms, coverages, holds } from './schema.ts';

/** Keys of records that are missing, as far as they are listed; their numbers are in `Reconciled`. */
export interface MissingKeys {
  readonly vanished: readonly CoveredKey[];
  readonly moved: readonly CoveredKey[];
}

/** What a hold covered at a moment, signed, and what had become of what it covered before. */
export interface SignedCoverage {
  readonly id: string;
  readonly holdId: string;
  readonly caseId: string;
  /** Its place among those of the hold, from 1. */
  readonly seq: number;
  readonly takenAt: Temporal.Instant;
  /** When the source was last compared with it, and found to be as it says. */
  readonly checkedAt: Temporal.Instant;
  readonly records: number;
  readonly statement: string;
  /** Detached, compact: `HEADER..SIGNATURE` over the statement. */
  readonly jws: string;
  readonly blobId: string;
  /** Null: it is the first of its hold. */
  readonly since: Reconciled | null;
  readonly missing: Personal<MissingKeys>;
}

export async function sealMissing(
  store: Store,
  coverage: Pick<SignedCoverage, 'caseId' | 'missing'>,
): Promise<Uint8Array> {
  return store.vault.seal(coverage.caseId, coverage.missing.reveal());
}

export async function addCoverage(tx: Queryable, coverage: SignedCoverage, sealed: Uint8Array): Promise<void> {
  const { missing: _, since, ...row } = coverage;
  await tx.insert(coverages).values({ ...row, since: since as unknown as Json, sealed });
}

async function toCoverage(store: Store, row: typeof coverages.$inferSelect): Promise<SignedCoverage> {
  const { sealed, since, ...plain } = row;
  const missing = (await store.vault.open(row.caseId, sealed)).reveal() as MissingKeys;
  return { ...plain, since: since as unknown as Reconciled | null, missing: personal(missing) };
}

/** The newest statement of a hold, or null where nothing was signed yet. */
export async function newestCoverage(store: Store, hold: string): Promise<SignedCoverage | null> {
  const [row] = await store.db.orm
    .select()
    .from(coverages)
    .where(eq(coverages.holdId, hold))
    .orderBy(desc(coverages.seq))
    .limit(1);
  return row ? toCoverage(store, row) : null;
}

export async function isSigned(store: Store, hold: string): Promise<boolean> {
  const rows = await store.db.orm
    .select({ id: coverages.id })
    .from(coverages)
    .where(eq(coverages.holdId, hold))
    .limit(1);
  return rows.length > 0;
}

/** The statements of a hold, oldest first: each names the one before. */
export async function coveragesOf(store: Store, hold: string): Promise<readonly SignedCoverage[]> {
  const rows = await store.db.orm
    .select()
    .from(coverages)
    .where(eq(coverages.holdId, hold))
    .orderBy(asc(coverages.seq));
  return Promise.all(rows.map((row) => toCoverage(store, row)));
}

/** Note that the source was compared with a statement and is as it says. */
export async function markChecked(tx: Queryable, id: string, now: Temporal.Instant): Promise<void> {
  await tx.update(coverages).set({ checkedAt: now }).where(eq(coverages.id, id));
}

export interface WatchedHolds {
  /** Holds of which records are missing, while nobody has looked at the alarm. */
  readonly missing: readonly string[];
  /** Holds that are in place, and were not compared with their sources since. */
  readonly unchecked: number;
}

/** What `doctor` asks of holds. */
export async function watchedHolds(store: Store, since: Temporal.Instant): Promise<WatchedHolds> {
  const missing = await store.db.orm
    .selectDistinct({ id: sql<string>`${alarms.facts}->>'hold'` })
    .from(alarms)
    .where(and(eq(alarms.kind, 'held_missing'), isNull(alarms.seenAt)));
  const checked = store.db.orm
    .select({ id: coverages.id })
    .from(coverages)
    .where(and(eq(coverages.holdId, holds.id), gt(coverages.checkedAt, since)));
  const [row] = await store.db.orm
    .select({ n: sql<number>`count(*)::int` })
    .from(holds)
    .where(
      and(
        ne(holds.state, 'released'),
        ne(holds.state, 'pending'),
        sql`${holds.placedAt} < ${since.toString()}::timestamptz`,
        sql`NOT EXISTS (${checked})`,
      ),
    );
  return { missing: missing.map(({ id }) => id), unchecked: row?.n ?? 0 };
}
