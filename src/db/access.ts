import { and, desc, eq, isNull, sql } from 'drizzle-orm';
import type { Role } from '../core/actor.ts';
import type { Json } from '../core/canonical-json.ts';
import type { Personal } from '../core/personal.ts';
import type { AccessReview, ReviewRow } from '../policy/access-review.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { accessReviews, breakGlass, people, settings } from './schema.ts';

// ---------------------------------------------------------------- roles taken in an emergency

export interface Lending {
  readonly id: string;
  readonly actorId: string;
  readonly role: Role;
  readonly startedAt: Temporal.Instant;
  /** When it runs out by itself. */
  readonly endsAt: Temporal.Instant;
  /** When it ended; null while it lasts, and until somebody notes that it ran out. */
  readonly endedAt: Temporal.Instant | null;
  readonly reviewedAt: Temporal.Instant | null;
  readonly reviewedBy: string | null;
}

function toLending(row: typeof breakGlass.$inferSelect): Lending {
  const { caseId: _, sealed: __, ...rest } = row;
  return { ...rest, role: row.role as Role };
}

/** @param sealed the reason, under the lending's own case key, which has its id */
export async function addLending(tx: Queryable, lending: Lending, sealed: Uint8Array): Promise<void> {
  await tx.insert(breakGlass).values({ ...lending, caseId: lending.id, sealed });
}

/** Lock a person, so that what is lent to them and what is taken from them follow each other. */
export async function lockPerson(
  tx: Queryable,
  id: string,
): Promise<{ role: Role; disabledAt: Temporal.Instant | null } | null> {
  const [row] = await tx
    .select({ role: people.role, disabledAt: people.disabledAt })
    .from(people)
    .where(eq(people.id, id))
    .for('update');
  return row ? { ...row, role: row.role as Role } : null;
}

/** What was lent to a person and not noted as ended. */
export async function openLendings(tx: Queryable, actorId: string): Promise<readonly Lending[]> {
  const rows = await tx
    .select()
    .from(breakGlass)
    .where(and(eq(breakGlass.actorId, actorId), isNull(breakGlass.endedAt)));
  return rows.map(toLending);
}

/** Note what was lent as ended: now, or when it ran out, whichever was first. @returns those that were not ended yet */
export async function endLendings(
  tx: Queryable,
  which: { actorId: string } | { id: string } | 'run out',
  now: Temporal.Instant,
): Promise<readonly (Lending & { endedAt: Temporal.Instant })[]> {
  const at = sql`${now.toString()}::text::timestamptz`;
  const those =
    which === 'run out'
      ? sql`${breakGlass.endsAt} <= ${at}`
      : 'id' in which
        ? eq(breakGlass.id, which.id)
        : eq(breakGlass.actorId, which.actorId);
  const rows = await tx
    .update(breakGlass)
    .set({ endedAt: sql`least(${breakGlass.endsAt}, ${at})` })
    .where(and(isNull(breakGlass.endedAt), those))
    .returning();
  return rows.map((row) => ({ ...toLending(row), endedAt: row.endedAt ?? now }));
}

/** Lendings, those nobody has reviewed first, then newest first. */
export async function listLendings(store: Store, limit: number, offset: number): Promise<readonly Lending[]> {
  const rows = await store.db.orm
    .select()
    .from(breakGlass)
    .orderBy(desc(isNull(breakGlass.reviewedAt)), desc(breakGlass.startedAt), desc(breakGlass.id))
    .limit(limit)
    .offset(offset);
  return rows.map(toLending);
}

/** One of them with its reason. */
export async function loadLending(
  store: Store,
  id: string,
): Promise<{ lending: Lending; reason: Personal<string> } | null> {
  const [row] = await store.db.orm.select().from(breakGlass).where(eq(breakGlass.id, id));
  if (!row) return null;
  const reason = await store.vault.open(row.caseId, row.sealed);
  return { lending: toLending(row), reason: reason.map(String) };
}

/** Note who reviewed a lending, once. @returns false when somebody had before */
export async function markReviewed(tx: Queryable, id: string, by: string, now: Temporal.Instant): Promise<boolean> {
  const rows = await tx
    .update(breakGlass)
    .set({ reviewedAt: now, reviewedBy: by })
    .where(and(eq(breakGlass.id, id), isNull(breakGlass.reviewedAt)))
    .returning({ id: breakGlass.id });
  return rows.length === 1;
}

/** How often each person took another role between two instants. */
export async function countLendings(
  store: Store,
  from: Temporal.Instant,
  to: Temporal.Instant,
): Promise<ReadonlyMap<string, number>> {
  const rows = await store.db.sql<{ actor: string; n: number }[]>`SELECT actor_id AS actor, count(*)::int AS n
    FROM break_glass WHERE started_at >= ${from.toString()}::text::timestamptz AND started_at < ${to.toString()}::text::timestamptz
    GROUP BY actor_id`;
  return new Map(rows.map(({ actor, n }) => [actor, n]));
}

// ---------------------------------------------------------------- what the ledger says of people

/**
 * How many ledger entries each actor wrote of each kind between two instants, those waiting for their index among them.
 * Entries under a checkpoint signed before `from` are older than it and are not read.
 */
export async function countEntries(
  store: Store,
  from: Temporal.Instant,
  to: Temporal.Instant,
  actor: string | null,
): Promise<readonly { readonly actor: string; readonly kind: string; readonly count: number }[]> {
  const [begin, end] = [from, to].map((at) => at.toString({ smallestUnit: 'millisecond' }));
  return await store.db.sql<{ actor: string; kind: string; count: number }[]>`
    WITH seen AS MATERIALIZED (
      SELECT kind, convert_from(bytes, 'UTF8')::jsonb AS entry FROM ledger_entries WHERE index >= coalesce(
        (SELECT max(size) FROM ledger_checkpoints WHERE signed_at < ${begin ?? ''}::text::timestamptz), 0)
      UNION ALL SELECT kind, convert_from(bytes, 'UTF8')::jsonb FROM ledger_pending)
    SELECT entry->>'actor' AS actor, kind, count(*)::int AS count FROM seen
    WHERE entry->>'at' >= ${begin ?? ''} AND entry->>'at' < ${end ?? ''}
      AND (${actor}::text IS NULL OR entry->>'actor' = ${actor})
    GROUP BY 1, 2 ORDER BY 3 DESC, 2`;
}

/** The role that the ledger last gave each person, and when. */
export async function rolesInLedger(
  store: Store,
): Promise<ReadonlyMap<string, { readonly role: string; readonly since: string }>> {
  const rows = await store.db.sql<{ actor: string; role: string; since: string }[]>`
    WITH seen AS MATERIALIZED (
      SELECT convert_from(bytes, 'UTF8')::jsonb AS entry FROM ledger_entries WHERE kind IN ('actor.created', 'actor.role_changed')
      UNION ALL SELECT convert_from(bytes, 'UTF8')::jsonb FROM ledger_pending WHERE kind IN ('actor.created', 'actor.role_changed'))
    SELECT DISTINCT ON (1) entry->'facts'->>'actor' AS actor, coalesce(entry->'facts'->>'to', entry->'facts'->>'role') AS role,
      entry->>'at' AS since FROM seen ORDER BY 1, entry->>'at' DESC, entry->>'kind' DESC`;
  return new Map(rows.map(({ actor, ...known }) => [actor, known]));
}

/** The digest that the ledger has of a quarter's signed review; null where it has none. */
export async function digestInLedger(store: Store, quarter: string): Promise<string | null> {
  const rows = await store.db.sql<{ digest: string }[]>`
    WITH seen AS MATERIALIZED (
      SELECT convert_from(bytes, 'UTF8')::jsonb AS entry FROM ledger_entries WHERE kind = 'access.review_signed'
      UNION ALL SELECT convert_from(bytes, 'UTF8')::jsonb FROM ledger_pending WHERE kind = 'access.review_signed')
    SELECT entry->'facts'->>'digest' AS digest FROM seen WHERE entry->'facts'->>'quarter' = ${quarter}`;
  return rows[0]?.digest ?? null;
}

// ---------------------------------------------------------------- access reviews

function toReview(row: typeof accessReviews.$inferSelect): AccessReview {
  return {
    ...row,
    state: row.state as AccessReview['state'],
    rows: row.rows as unknown as readonly ReviewRow[],
  };
}

/** Keep a new review. @returns false when its quarter has one */
export async function addReview(tx: Queryable, review: AccessReview): Promise<boolean> {
  const added = await tx
    .insert(accessReviews)
    .values({ ...review, rows: review.rows as unknown as Json })
    .onConflictDoNothing()
    .returning({ id: accessReviews.id });
  return added.length === 1;
}

export async function loadReview(store: Store, id: string): Promise<AccessReview | null> {
  const [row] = await store.db.orm.select().from(accessReviews).where(eq(accessReviews.id, id));
  return row ? toReview(row) : null;
}

export async function reviewOf(store: Store, quarter: string): Promise<AccessReview | null> {
  const [row] = await store.db.orm.select().from(accessReviews).where(eq(accessReviews.quarter, quarter));
  return row ? toReview(row) : null;
}

/** A review, locked until the transaction ends. */
export async function lockReview(tx: Queryable, id: string): Promise<AccessReview | null> {
  const [row] = await tx.select().from(accessReviews).where(eq(accessReviews.id, id)).for('update');
  return row ? toReview(row) : null;
}

/** Write an open review, which was locked. One that was signed is never written again. */
export async function saveReview(tx: Queryable, review: AccessReview): Promise<void> {
  const { id, version, state, closedAt, signedBy } = review;
  const saved = await tx
    .update(accessReviews)
    .set({ version: version + 1, state, closedAt, signedBy, rows: review.rows as unknown as Json })
    .where(and(eq(accessReviews.id, id), eq(accessReviews.version, version), eq(accessReviews.state, 'open')))
    .returning({ id: accessReviews.id });
  if (saved.length !== 1) throw new Error(`the access review ${id} is not open, or not locked`);
}

/** Newest first. */
export async function listReviews(store: Store, limit: number, offset: number): Promise<readonly AccessReview[]> {
  const rows = await store.db.orm
    .select()
    .from(accessReviews)
    .orderBy(desc(accessReviews.openedAt), desc(accessReviews.id))
    .limit(limit)
    .offset(offset);
  return rows.map(toReview);
}

/** When this installation was first started. */
export async function startedAt(store: Store): Promise<Temporal.Instant | null> {
  const [row] = await store.db.orm.select({ at: settings.createdAt }).from(settings);
  return row?.at ?? null;
}
