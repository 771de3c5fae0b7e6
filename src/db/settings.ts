import { and, desc, eq, isNull, lt } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { bells, idempotencyKeys, policySets, settings } from './schema.ts';

/** The ledger's origin (its name in every checkpoint), set once at first start. */
export async function ensureSettings(
  store: Store,
  origin: string,
  now: Temporal.Instant,
): Promise<{ origin: string; created: boolean }> {
  const added = await store.db.orm
    .insert(settings)
    .values({ id: 1, origin, createdAt: now })
    .onConflictDoNothing()
    .returning({ id: settings.id });
  const [row] = await store.db.orm.select().from(settings);
  return { origin: row?.origin ?? origin, created: added.length === 1 };
}

/** Keep a policy set by its digest. True when it was new. */
export async function recordPolicy(
  tx: Queryable,
  digest: string,
  content: Json,
  now: Temporal.Instant,
): Promise<boolean> {
  const added = await tx
    .insert(policySets)
    .values({ digest, content, recordedAt: now })
    .onConflictDoNothing()
    .returning({ digest: policySets.digest });
  return added.length === 1;
}

// ---------------------------------------------------------------- bells (node-cron's run coordinator)

/** Claim one ring of one bell. Every replica hears it; exactly one gets true. */
export async function claimBell(store: Store, name: string, slot: string, now: Temporal.Instant): Promise<boolean> {
  const rows = await store.db.orm
    .insert(bells)
    .values({ name, slot, claimedAt: now })
    .onConflictDoNothing()
    .returning({ slot: bells.slot });
  return rows.length === 1;
}

/** The bell's work was handed on. @returns false when somebody else had said so before: their run is the slot's */
export async function bellDone(
  tx: Queryable,
  name: string,
  slot: string,
  runId: string | null,
  now: Temporal.Instant,
): Promise<boolean> {
  const rows = await tx
    .update(bells)
    .set({ doneAt: now, runId })
    .where(and(eq(bells.name, name), eq(bells.slot, slot), isNull(bells.doneAt)))
    .returning({ slot: bells.slot });
  return rows.length === 1;
}

/** Bells that a dead process claimed and never finished, older than a minute. */
export async function unfinishedBells(
  store: Store,
  now: Temporal.Instant,
): Promise<readonly { name: string; slot: string }[]> {
  return await store.db.orm
    .select({ name: bells.name, slot: bells.slot })
    .from(bells)
    .where(and(isNull(bells.doneAt), lt(bells.claimedAt, now.subtract({ minutes: 1 }))))
    .orderBy(desc(bells.claimedAt));
}

// ---------------------------------------------------------------- idempotency keys

export type Idempotent =
  | { readonly kind: 'first' }
  | { readonly kind: 'again'; readonly status: number; readonly body: string }
  | { readonly kind: 'running' }
  | { readonly kind: 'mismatch' };

/**
 * Claim an Idempotency-Key for one actor.
 * @param fingerprint digest of method, path and body: the same key with another question is a mistake, and is refused
 */
export async function claimIdempotencyKey(
  store: Store,
  actor: string,
  key: string,
  fingerprint: string,
  now: Temporal.Instant,
): Promise<Idempotent> {
  await forgetAnswers(store.db.orm, now);
  const added = await store.db.orm
    .insert(idempotencyKeys)
    .values({ actor, key, fingerprint, createdAt: now })
    .onConflictDoNothing()
    .returning({ key: idempotencyKeys.key });
  if (added.length === 1) return { kind: 'first' };
  const [row] = await store.db.orm
    .select()
    .from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.actor, actor), eq(idempotencyKeys.key, key)));
  if (!row) return { kind: 'first' };
  if (row.fingerprint !== fingerprint) return { kind: 'mismatch' };
  return row.status === null || row.body === null
    ? { kind: 'running' }
    : { kind: 'again', status: row.status, body: openAnswer(store, actor, key, row.body) };
}

const keptHours = 24;

/** A repeat comes within a day or not at all; and what an answer said of somebody must not outlive it for long. */
export async function forgetAnswers(tx: Queryable, now: Temporal.Instant): Promise<void> {
  await tx.delete(idempotencyKeys).where(lt(idempotencyKeys.createdAt, now.subtract({ hours: keptHours })));
}

/** What a kept answer is bound to: it opens for nobody else's key. */
export const answerContext = (actor: string, key: string) => `idempotency:${actor}\n${key}`;

function openAnswer(store: Store, actor: string, key: string, sealed: string): string {
  const plain = store.vault.unwrap(Buffer.from(sealed, 'base64'), answerContext(actor, key));
  return Buffer.from(plain).toString('utf8');
}

/** Keep an answer, sealed: it may speak of people. */
export async function keepIdempotentAnswer(
  store: Store,
  actor: string,
  key: string,
  status: number,
  body: string,
): Promise<void> {
  const sealed = store.vault.wrap(Buffer.from(body, 'utf8'), answerContext(actor, key));
  await store.db.orm
    .update(idempotencyKeys)
    .set({ status, body: Buffer.from(sealed).toString('base64') })
    .where(and(eq(idempotencyKeys.actor, actor), eq(idempotencyKeys.key, key)));
}

/** Forget a claim whose call failed: the caller may try again with the same key. */
export async function dropIdempotencyKey(store: Store, actor: string, key: string): Promise<void> {
  await store.db.orm
    .delete(idempotencyKeys)
    .where(and(eq(idempotencyKeys.actor, actor), eq(idempotencyKeys.key, key), isNull(idempotencyKeys.status)));
}
