import { and, desc, eq, gt, isNotNull, isNull, sql } from 'drizzle-orm';
import type { Role } from '../core/actor.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { invitations, people, tokens } from './schema.ts';

/** A named actor. Those without an email only hold tokens. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly role: Role;
  readonly title: string | null;
  readonly disabledAt: Temporal.Instant | null;
  readonly lastSeenAt: Temporal.Instant | null;
}

function toPerson(row: typeof people.$inferSelect): Person {
  const { id, name, email, title, disabledAt, lastSeenAt } = row;
  return { id, name, email, role: row.role as Role, title, disabledAt, lastSeenAt };
}

export async function addPerson(tx: Queryable, person: Omit<Person, 'disabledAt' | 'lastSeenAt'>): Promise<void> {
  await tx.insert(people).values({ ...person, emailVerified: person.email !== null });
}

export async function personById(store: Store, id: string): Promise<Person | null> {
  const [row] = await store.db.orm.select().from(people).where(eq(people.id, id));
  return row ? toPerson(row) : null;
}

export async function personByName(store: Store, name: string): Promise<Person | null> {
  const [row] = await store.db.orm.select().from(people).where(eq(people.name, name));
  return row ? toPerson(row) : null;
}

export async function personByEmail(store: Store, email: string): Promise<Person | null> {
  const [row] = await store.db.orm
    .select()
    .from(people)
    .where(eq(sql`lower(${people.email})`, email.toLowerCase()));
  return row ? toPerson(row) : null;
}

export async function listPeople(store: Store): Promise<readonly Person[]> {
  const rows = await store.db.orm.select().from(people).orderBy(people.name);
  return rows.map(toPerson);
}

/** Names by id, for pages and packages. An id nobody has stands for itself (the clock, a verb, the requester). */
export async function namesOf(store: Store): Promise<ReadonlyMap<string, string>> {
  return new Map((await listPeople(store)).map((person) => [person.id, person.name]));
}

// ---------------------------------------------------------------- tokens

export interface Token {
  readonly id: string;
  readonly actorId: string;
  readonly role: Role;
  readonly prefix: string;
  readonly canApprove: boolean;
  readonly keyId: string | null;
  readonly wrappedKey: Uint8Array | null;
  /** Of its role's permissions; null: all of them. */
  readonly scopes: readonly string[] | null;
  readonly expiresAt: Temporal.Instant;
  readonly createdAt: Temporal.Instant;
  readonly lastUsedAt: Temporal.Instant | null;
  readonly revokedAt: Temporal.Instant | null;
}

export async function addToken(tx: Queryable, token: Token, secretHash: string): Promise<void> {
  const { scopes, ...row } = token;
  await tx.insert(tokens).values({ ...row, scopes: scopes && [...scopes], secretHash });
}

/** The live token of that secret's digest, with its actor; null when there is none, it expired, or either was ended. */
export async function liveToken(
  store: Store,
  secretHash: string,
  now: Temporal.Instant,
): Promise<{ token: Token; person: Person } | null> {
  const [row] = await store.db.orm
    .select()
    .from(tokens)
    .innerJoin(people, eq(people.id, tokens.actorId))
    .where(
      and(
        eq(tokens.secretHash, secretHash),
        isNull(tokens.revokedAt),
        gt(tokens.expiresAt, now),
        isNull(people.disabledAt),
        // Revoked with the role it was given to; were one made in that very moment, it would count for nothing.
        eq(tokens.role, people.role),
      ),
    );
  if (!row) return null;
  const { secretHash: _, ...token } = row.tokens;
  return { token: { ...token, role: token.role as Role }, person: toPerson(row.people) };
}

/** Note when a token was last used, at most once a minute: a busy script must not write a row a call. */
export async function touchToken(store: Store, id: string, now: Temporal.Instant): Promise<void> {
  await store.db.sql`UPDATE tokens SET last_used_at = ${now.toString()}::text::timestamptz
    WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at < ${now.subtract({ minutes: 1 }).toString()}::text::timestamptz)`;
}

export async function listTokens(store: Store): Promise<readonly Token[]> {
  const rows = await store.db.orm.select().from(tokens).orderBy(desc(tokens.createdAt));
  return rows.map(({ secretHash: _, ...token }) => ({ ...token, role: token.role as Role }));
}

// ---------------------------------------------------------------- invitations

export async function addInvitation(
  tx: Queryable,
  invitation: { id: string; actorId: string; secretHash: string; expiresAt: Temporal.Instant },
): Promise<void> {
  await tx.insert(invitations).values(invitation);
}

/** The person a live invitation is for, or null. */
export async function invitedPerson(
  store: Store,
  secretHash: string,
  now: Temporal.Instant,
): Promise<{ invitation: string; person: Person } | null> {
  const [row] = await store.db.orm
    .select()
    .from(invitations)
    .innerJoin(people, eq(people.id, invitations.actorId))
    .where(and(eq(invitations.secretHash, secretHash), isNull(invitations.usedAt), gt(invitations.expiresAt, now)));
  return row ? { invitation: row.invitations.id, person: toPerson(row.people) } : null;
}

/** End every open invitation of a person: only the newest link counts, and none once a password is set. */
export async function endInvitations(tx: Queryable, actorId: string, now: Temporal.Instant): Promise<void> {
  await tx
    .update(invitations)
    .set({ usedAt: now })
    .where(and(eq(invitations.actorId, actorId), isNull(invitations.usedAt)));
}

/** Use an invitation up; false when somebody else did first. */
export async function spendInvitation(tx: Queryable, id: string, now: Temporal.Instant): Promise<boolean> {
  const rows = await tx
    .update(invitations)
    .set({ usedAt: now })
    .where(and(eq(invitations.id, id), isNull(invitations.usedAt)))
    .returning({ id: invitations.id });
  return rows.length === 1;
}

// ---------------------------------------------------------------- changes of access

/** Change somebody's role; their tokens keep the role they were made with and are revoked by the caller. */
export async function setRole(tx: Queryable, id: string, role: Role): Promise<void> {
  await tx.update(people).set({ role, updatedAt: new Date() }).where(eq(people.id, id));
}

export async function setDisabled(tx: Queryable, id: string, at: Temporal.Instant | null): Promise<void> {
  await tx.update(people).set({ disabledAt: at, updatedAt: new Date() }).where(eq(people.id, id));
}

/** Revoke a person's live tokens, or one of them. @returns the ids of those that were live */
export async function revokeTokens(
  tx: Queryable,
  which: { actorId: string } | { id: string },
  now: Temporal.Instant,
): Promise<readonly string[]> {
  const revoked = await tx
    .update(tokens)
    .set({ revokedAt: now })
    .where(and(isNull(tokens.revokedAt), 'id' in which ? eq(tokens.id, which.id) : eq(tokens.actorId, which.actorId)))
    .returning({ id: tokens.id });
  return revoked.map(({ id }) => id);
}

export async function tokenById(store: Store, id: string): Promise<Token | null> {
  const [row] = await store.db.orm.select().from(tokens).where(eq(tokens.id, id));
  if (!row) return null;
  const { secretHash: _, ...token } = row;
  return { ...token, role: token.role as Role };
}

/** How many people with this role can still sign in. */
export async function countActive(tx: Queryable, role: Role): Promise<number> {
  // Locked, so that two administrators who disable each other at once do not both succeed.
  const rows = await tx
    .select({ id: people.id })
    .from(people)
    .where(and(eq(people.role, role), isNull(people.disabledAt), isNotNull(people.email)))
    .for('update');
  return rows.length;
}

/** Note that somebody was there, at most once an hour. */
export async function touchPerson(store: Store, id: string, now: Temporal.Instant): Promise<void> {
  await store.db.sql`UPDATE people SET last_seen_at = ${now.toString()}::text::timestamptz
    WHERE id = ${id} AND (last_seen_at IS NULL OR last_seen_at < ${now.subtract({ hours: 1 }).toString()}::text::timestamptz)`;
}
