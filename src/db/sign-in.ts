import { betterAuth } from 'better-auth';
import { drizzleAdapter } from 'better-auth/adapters/drizzle';
import { hashPassword, verifyPassword } from 'better-auth/crypto';
import { and, eq } from 'drizzle-orm';
import type { Role, Session } from '../core/actor.ts';
import type { Database, Queryable } from './connect.ts';
import { accounts, people, sessions, verifications } from './schema.ts';

/** Staff sign-in. Accounts are made by invitation only: there is no sign-up. */
export interface SignIn {
  /** The session that these headers carry, or null. */
  session(headers: Headers): Promise<Session | null>;
  /** Sign in; the answer's `cookies` are the Set-Cookie values. Null when address and password do not belong together. */
  enter(email: string, password: string, headers: Headers): Promise<{ cookies: readonly string[] } | null>;
  leave(headers: Headers): Promise<{ cookies: readonly string[] }>;
  /** Prove again, within a session, that it is still the same person. */
  stepUp(session: Session, password: string, now: Temporal.Instant): Promise<boolean>;
}

export function openSignIn(db: Database, options: { baseUrl: string; secret: string; secure: boolean }): SignIn {
  const auth = betterAuth({
    baseURL: options.baseUrl,
    secret: options.secret,
    database: drizzleAdapter(db.orm, {
      provider: 'pg',
      schema: { people, sessions, accounts, verifications },
    }),
    telemetry: { enabled: false },
    user: {
      modelName: 'people',
      // People are made by our own flows; the library only has to know that the column is there.
      additionalFields: { role: { type: 'string', required: true, input: false } },
    },
    session: { modelName: 'sessions', expiresIn: 60 * 60 * 12, updateAge: 60 * 15 },
    account: { modelName: 'accounts' },
    verification: { modelName: 'verifications' },
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 12 },
    advanced: {
      useSecureCookies: options.secure,
      cookiePrefix: 'muniment',
      defaultCookieAttributes: { sameSite: 'lax', httpOnly: true },
    },
    rateLimit: { enabled: false },
    logger: { disabled: true },
  });
  const cookiesOf = (headers: Headers) => headers.getSetCookie();
  return {
    async session(headers) {
      const found = await auth.api.getSession({ headers });
      if (!found) return null;
      const [row] = await db.orm
        .select()
        .from(sessions)
        .innerJoin(people, eq(people.id, sessions.userId))
        .where(eq(sessions.id, found.session.id));
      if (!row || row.people.disabledAt) return null;
      const { id, name, role, title } = row.people;
      const at = row.sessions.steppedUpAt;
      return {
        id: row.sessions.id,
        person: { id, name, role: role as Role, title },
        steppedUpAt: at ? Temporal.Instant.fromEpochMilliseconds(at.getTime()) : null,
      };
    },
    async enter(email, password, headers) {
      // A wrong password is an answer (401); anything else is a fault and is thrown.
      const answer = await auth.api.signInEmail({ body: { email, password }, headers, asResponse: true });
      if (answer.status >= 500) throw new Error('the sign-in failed');
      if (!answer.ok) return null;
      const [row] = await db.orm.select({ disabledAt: people.disabledAt }).from(people).where(eq(people.email, email));
      return row?.disabledAt ? null : { cookies: cookiesOf(answer.headers) };
    },
    async leave(headers) {
      const answer = await auth.api.signOut({ headers, asResponse: true });
      return { cookies: cookiesOf(answer.headers) };
    },
    async stepUp(session, password, now) {
      const [account] = await db.orm
        .select()
        .from(accounts)
        .where(and(eq(accounts.userId, session.person.id), eq(accounts.providerId, 'credential')));
      const hash = account?.password;
      if (!hash || !(await verifyPassword({ hash, password }))) return false;
      await db.orm
        .update(sessions)
        .set({ steppedUpAt: new Date(now.epochMilliseconds) })
        .where(eq(sessions.id, session.id));
      return true;
    },
  };
}

/** Set a person's password (by invitation, or for the demonstration's people). */
export async function setPassword(tx: Queryable, personId: string, password: string): Promise<void> {
  const hash = await hashPassword(password);
  const changed = await tx
    .update(accounts)
    .set({ password: hash, updatedAt: new Date() })
    .where(and(eq(accounts.userId, personId), eq(accounts.providerId, 'credential')))
    .returning({ id: accounts.id });
  if (changed.length === 0)
    await tx.insert(accounts).values({
      id: `${personId}:credential`,
      userId: personId,
      accountId: personId,
      providerId: 'credential',
      password: hash,
    });
}
