import { and, asc, desc, eq, gte, sql } from 'drizzle-orm';
import type { Personal } from '../core/personal.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { notices } from './schema.ts';

/** A message to somebody, as it was or will be sent. */
export interface Letter {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface Notice {
  readonly id: string;
  readonly caseId: string;
  readonly template: string;
  readonly state: 'queued' | 'sent' | 'kept' | 'refused';
  readonly queuedAt: Temporal.Instant;
  readonly sentAt: Temporal.Instant | null;
  readonly letter: Personal<Letter>;
}

/**
 * Write a notice down before it is sent, once by key: trying again after a crash finds it, and sends what was written
 * then and not something new.
 */
export async function queueNotice(
  store: Store,
  notice: { id: string; caseId: string; template: string; key: string; queuedAt: Temporal.Instant },
  letter: Letter,
  tx: Queryable = store.db.orm,
): Promise<void> {
  const sealed = await store.vault.seal(notice.caseId, letter);
  await tx
    .insert(notices)
    .values({ ...notice, state: 'queued', sealed })
    .onConflictDoNothing();
}

async function toNotice(store: Store, row: typeof notices.$inferSelect): Promise<Notice> {
  const letter = (await store.vault.open(row.caseId, row.sealed)) as Personal<Letter>;
  return {
    id: row.id,
    caseId: row.caseId,
    template: row.template,
    state: row.state as Notice['state'],
    queuedAt: row.queuedAt,
    sentAt: row.sentAt,
    letter,
  };
}

export async function noticeByKey(store: Store, key: string): Promise<Notice | null> {
  const [row] = await store.db.orm.select().from(notices).where(eq(notices.key, key));
  return row ? toNotice(store, row) : null;
}

export async function noticeById(store: Store, id: string): Promise<Notice | null> {
  const [row] = await store.db.orm.select().from(notices).where(eq(notices.id, id));
  return row ? toNotice(store, row) : null;
}

/** What became of a case's letters, oldest first, without opening them. */
export async function noticeStates(
  store: Store,
  caseId: string,
): Promise<readonly { readonly key: string; readonly template: string; readonly state: Notice['state'] }[]> {
  const rows = await store.db.orm
    .select({ key: notices.key, template: notices.template, state: notices.state })
    .from(notices)
    .where(eq(notices.caseId, caseId))
    .orderBy(asc(notices.queuedAt), asc(notices.id));
  return rows.map((row) => ({ ...row, state: row.state as Notice['state'] }));
}

/** Sent, kept to be shown (where no mail server is configured), or refused for good by the mail server. */
export async function markNotice(
  tx: Queryable,
  id: string,
  state: 'sent' | 'kept' | 'refused',
  now: Temporal.Instant,
): Promise<void> {
  await tx
    .update(notices)
    .set({ state, sentAt: now, attempts: sql`${notices.attempts} + 1` })
    .where(and(eq(notices.id, id), eq(notices.state, 'queued')));
}

/** The cases whose person could not be reached by mail since `since`: a letter was refused for good. */
export async function refusedNotices(store: Store, since: Temporal.Instant): Promise<readonly string[]> {
  const rows = await store.db.orm
    .selectDistinct({ caseId: notices.caseId })
    .from(notices)
    .where(and(eq(notices.state, 'refused'), gte(notices.queuedAt, since)));
  return rows.map(({ caseId }) => caseId);
}

/** The newest notices, for the demonstration's mail page. */
export async function listNotices(store: Store, limit: number): Promise<readonly Notice[]> {
  const rows = await store.db.orm.select().from(notices).orderBy(desc(notices.queuedAt), desc(notices.id)).limit(limit);
  return Promise.all(rows.map((row) => toNotice(store, row)));
}
