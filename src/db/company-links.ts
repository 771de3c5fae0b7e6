import { and, eq, gt, lt, or, sql } from 'drizzle-orm';
import { sha256Hex } from '../core/hash.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { accounts, people, verifications } from './schema.ts';

/** A sign-in that was begun at the company's provider: its row can be taken once. Nothing in it helps to finish it. */
export async function noteBeginning(
  store: Store,
  state: string,
  next: string,
  now: Temporal.Instant,
  until: Temporal.Instant,
): Promise<void> {
  await store.db.orm.delete(verifications).where(lt(verifications.expiresAt, dateOf(now)));
  const identifier = identifierOf(state);
  await store.db.orm
    .insert(verifications)
    .values({ id: identifier, identifier, value: next, expiresAt: dateOf(until) });
}

/** Take what was begun; null when there is none, it ran out, or it was taken before. @returns where they were going */
export async function takeBeginning(store: Store, state: string, now: Temporal.Instant): Promise<string | null> {
  const [taken] = await store.db.orm
    .delete(verifications)
    .where(and(eq(verifications.id, identifierOf(state)), gt(verifications.expiresAt, dateOf(now))))
    .returning({ next: verifications.value });
  return taken?.next ?? null;
}

const identifierOf = (state: string) => `company/${sha256Hex(state)}`;
const dateOf = (at: Temporal.Instant) => new Date(at.epochMilliseconds);

/** Whether a person is tied to a subject of that issuer. */
export async function isTied(store: Store, personId: string, issuer: string): Promise<boolean> {
  const found = await store.db.orm.select({ id: accounts.id }).from(accounts).where(linkOf(personId, issuer));
  return found.length > 0;
}

/** @returns false when there is nothing to undo */
export async function untieSubject(tx: Queryable, personId: string, issuer: string): Promise<boolean> {
  const gone = await tx.delete(accounts).where(linkOf(personId, issuer)).returning({ id: accounts.id });
  return gone.length > 0;
}

const linkOf = (personId: string, issuer: string) =>
  and(eq(accounts.userId, personId), eq(accounts.providerId, issuer));

/**
 * Tie a person to the subject by which the provider knows them, once. A person has one subject at an issuer and a subject
 * one person: an address that the company gave to somebody else brings another subject and inherits nothing.
 * @returns 'linked' now, 'known' from before, or null: one of the two is tied to another, or the person is disabled
 */
export async function linkSubject(
  tx: Queryable,
  personId: string,
  issuer: string,
  subject: string,
): Promise<'linked' | 'known' | null> {
  // One at a time for the person, and then for the subject: of two that come at once, one sees what the other wrote.
  const [person] = await tx
    .select({ disabledAt: people.disabledAt })
    .from(people)
    .where(eq(people.id, personId))
    .for('update');
  if (!person || person.disabledAt) return null;
  await tx.execute(sql`SELECT pg_advisory_xact_lock(hashtextextended(${`company ${issuer} ${subject}`}, 0))`);
  const links = await tx
    .select({ userId: accounts.userId, accountId: accounts.accountId })
    .from(accounts)
    .where(and(eq(accounts.providerId, issuer), or(eq(accounts.userId, personId), eq(accounts.accountId, subject))));
  if (links.length > 0)
    return links.every((link) => link.userId === personId && link.accountId === subject) ? 'known' : null;
  await tx
    .insert(accounts)
    .values({ id: `${personId}:${issuer}`, userId: personId, accountId: subject, providerId: issuer });
  return 'linked';
}
