import { passkey } from '@better-auth/passkey';
import { createOTP } from '@better-auth/utils/otp';
import { betterAuth } from 'better-auth';
import { drizzleAdapter } from 'better-auth/adapters/drizzle';
import { APIError, createAuthEndpoint, sessionMiddleware } from 'better-auth/api';
import { setSessionCookie } from 'better-auth/cookies';
import { symmetricDecrypt, symmetricEncrypt } from 'better-auth/crypto';
import { twoFactor } from 'better-auth/plugins/two-factor';
import { and, desc, eq, lt, ne } from 'drizzle-orm';
import { z } from 'zod';
import type { Role, Session } from '../core/actor.ts';
import { sha256Hex } from '../core/hash.ts';
import type { Database, Queryable } from './connect.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { accounts, passkeys, people, sessions, spentCodes, twoFactors, verifications } from './schema.ts';

/** An answer that also sets cookies (the Set-Cookie values). */
export interface WithCookies<T> {
  readonly value: T;
  readonly cookies: readonly string[];
}

/** What somebody can prove themselves with besides a password. */
export interface Factors {
  readonly app: boolean;
  readonly passkeys: readonly {
    readonly id: string;
    readonly name: string | null;
    readonly createdAt: Temporal.Instant;
  }[];
}

/** Somebody who has given a password and nothing else yet. It opens nothing but the pages for the second factor. */
export interface HalfSession {
  readonly id: string;
  readonly person: Session['person'];
}

/** A code of the app that is set up, a recovery code, or the first code of an app that is being set up. */
export type CodeWay = 'app' | 'recovery' | 'first';

/** One of a person's sessions, for their own list. */
export interface OpenSession {
  readonly id: string;
  readonly createdAt: Temporal.Instant;
  readonly lastUsedAt: Temporal.Instant;
  readonly network: string | null;
  readonly browser: string | null;
}

/** What a new authenticator app needs: shown once, while it is set up. */
export interface AppEnrolment {
  /** `otpauth://totp/…`, for a QR code. */
  readonly uri: string;
  /** The same secret to type in: Base32. */
  readonly secret: string;
}

/**
 * Staff sign-in on better-auth: passwords (Argon2id), authenticator apps (TOTP, RFC 6238) with recovery codes, passkeys
 * (WebAuthn), and the company's provider. Accounts are made by invitation only: there is no sign-up, and the library's own
 * routes are not served.
 * A password alone gives a half session; only a second factor, or a passkey that verified its user, makes it whole.
 */
export interface SignIn {
  /** The whole session that these headers carry, or null. */
  session(headers: Headers): Promise<Session | null>;
  /** The half session that they carry, or null. */
  halfSession(headers: Headers): Promise<HalfSession | null>;
  /** Begin by password. Null when address and password do not belong together. */
  enter(
    email: string,
    password: string,
    network: string | null,
    headers: Headers,
  ): Promise<WithCookies<HalfSession> | null>;
  /**
   * A session for somebody whom the company's provider vouches for: half, as after a password, or whole and without a
   * fresh proof. Null when the person is disabled.
   */
  enterVouched(
    personId: string,
    whole: Temporal.Instant | null,
    network: string | null,
    headers: Headers,
  ): Promise<WithCookies<Session['person']> | null>;
  /** Whether the person has a password at all. */
  hasPassword(personId: string): Promise<boolean>;
  leave(headers: Headers): Promise<WithCookies<null>>;
  factors(personId: string): Promise<Factors>;
  /**
   * A code of the app, or a recovery code, within a half or whole session. A code counts once. Where it was a half
   * session, it becomes whole, under a new name: whoever knew the old one has nothing.
   * @returns null when the code is none
   */
  giveCode(
    session: HalfSession,
    code: string,
    way: CodeWay,
    now: Temporal.Instant,
    headers: Headers,
  ): Promise<WithCookies<{ recoveryLeft: number }> | null>;
  /** Begin to set up an app; the password is asked again. Null when it is wrong. A set-up that was begun starts anew. */
  beginApp(password: string, headers: Headers): Promise<AppEnrolment | null>;
  /** The set-up that was begun, or null. */
  pendingApp(person: Session['person']): Promise<AppEnrolment | null>;
  /** The recovery codes that are left. */
  recoveryCodes(personId: string): Promise<readonly string[]>;
  /** Whether this is the person's password. */
  isPassword(personId: string, password: string): Promise<boolean>;
  /** New recovery codes in place of the old; null when the password is wrong. */
  renewRecoveryCodes(password: string, headers: Headers): Promise<readonly string[] | null>;
  /** What a browser needs to make a passkey, as JSON for `PublicKeyCredential.parseCreationOptionsFromJSON`. */
  passkeyCreation(headers: Headers): Promise<WithCookies<string>>;
  addPasskey(
    credential: unknown,
    name: string,
    now: Temporal.Instant,
    headers: Headers,
  ): Promise<WithCookies<null> | null>;
  /** What a browser needs to use a passkey; without a session any passkey of this site. */
  passkeyRequest(headers: Headers): Promise<WithCookies<string>>;
  /**
   * Sign in, or prove oneself again, with a passkey that verified its user. @param expected only this person, where given
   * @returns null when it is no passkey of ours, of somebody else, or did not verify its user
   */
  usePasskey(
    credential: unknown,
    expected: string | null,
    network: string | null,
    now: Temporal.Instant,
    headers: Headers,
  ): Promise<WithCookies<Session['person']> | null>;
  removePasskey(personId: string, id: string): Promise<boolean>;
  /** Take away an app and its recovery codes (a lost phone). */
  removeApp(tx: Queryable, personId: string): Promise<void>;
  sessionsOf(personId: string): Promise<readonly OpenSession[]>;
  /** Take away every second factor (a lost phone and key): the next sign-in sets up a new one. */
  removeFactors(tx: Queryable, personId: string): Promise<void>;
  /** End one session of a person, or all but one. @returns how many ended */
  endSessions(tx: Queryable, personId: string, which: { id: string } | { allBut: string | null }): Promise<number>;
  /** Set up an app without its owner: for the demonstration's people. */
  plantApp(tx: Queryable, personId: string): Promise<void>;
  /** The code that a person's app would show now: for the demonstration, whose people have no telephones. */
  currentCode(personId: string): Promise<string | null>;
}

const sessionHours = 12;

export function openSignIn(
  db: Database,
  options: { baseUrl: string; secret: string; secure: boolean; name: string },
): SignIn {
  const { hostname, origin } = new URL(options.baseUrl);
  const auth = betterAuth({
    appName: options.name,
    baseURL: options.baseUrl,
    secret: options.secret,
    database: drizzleAdapter(db.orm, {
      provider: 'pg',
      schema: { people, sessions, accounts, verifications, twoFactor: twoFactors, passkey: passkeys },
    }),
    telemetry: { enabled: false },
    user: {
      modelName: 'people',
      // People are made by our own flows; the library only has to know that the column is there.
      additionalFields: { role: { type: 'string', required: true, input: false } },
    },
    // A working day, counted from signing in: using a session does not lengthen it.
    session: { modelName: 'sessions', expiresIn: 60 * 60 * sessionHours, disableSessionRefresh: true },
    account: { modelName: 'accounts' },
    verification: { modelName: 'verifications' },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: 12,
      password: { hash: hashPassword, verify: verifyPassword },
    },
    advanced: {
      // With the prefix a browser takes the cookie only over TLS and from this very host, so that no sibling host can
      // plant one (RFC 6265bis, 4.1.3.2). The library's own switch would put another prefix before it.
      useSecureCookies: false,
      cookiePrefix: options.secure ? '__Host-muniment' : 'muniment',
      defaultCookieAttributes: { sameSite: 'lax', httpOnly: true, path: '/', secure: options.secure },
      ipAddress: { disableIpTracking: true },
    },
    plugins: [
      // Its hook would keep a session back until the code is given; we let a half session in, since a passkey may follow.
      // Whoever signs in with the company's provider may have no password to be asked for; whoever has one is asked.
      {
        ...twoFactor({ issuer: options.name, totpOptions: { digits: 6, period: 30 }, allowPasswordless: true }),
        hooks: {},
      },
      passkey({
        rpID: hostname,
        rpName: options.name,
        origin,
        advanced: { webAuthnChallengeCookie: 'passkey' },
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        registration: {
          afterVerification: async ({ verification }) => {
            if (!verification.registrationInfo?.userVerified) throw new APIError('UNAUTHORIZED');
          },
        },
        authentication: {
          afterVerification: async ({ verification }) => {
            if (!verification.authenticationInfo.userVerified) throw new APIError('UNAUTHORIZED');
          },
        },
      }),
      renewal,
      admission,
    ],
    rateLimit: { enabled: false },
    logger: { disabled: true },
  });
  const answerOf = async <T>(reply: Response): Promise<WithCookies<T> | null> => {
    // What was not accepted is an answer; anything else is a fault and is thrown.
    if (reply.status >= 500) throw new Error(`the sign-in failed (${reply.status})`);
    if (!reply.ok) return null;
    return { value: (await reply.json()) as T, cookies: reply.headers.getSetCookie() };
  };
  const find = async (headers: Headers) => {
    const found = await auth.api.getSession({ headers });
    if (!found) return null;
    const [row] = await db.orm
      .select()
      .from(sessions)
      .innerJoin(people, eq(people.id, sessions.userId))
      .where(eq(sessions.id, found.session.id));
    if (!row || row.people.disabledAt) return null;
    const { id, name, role, title } = row.people;
    return { row: row.sessions, person: { id, name, role: role as Role, title } };
  };
  const personOf = async (id: string): Promise<Session['person'] | null> => {
    const [row] = await db.orm.select().from(people).where(eq(people.id, id));
    if (!row || row.disabledAt) return null;
    return { id, name: row.name, role: row.role as Role, title: row.title };
  };
  const secretOf = async (personId: string, verified: boolean): Promise<{ secret: string; codes: string } | null> => {
    const [row] = await db.orm
      .select()
      .from(twoFactors)
      .where(and(eq(twoFactors.userId, personId), eq(twoFactors.verified, verified)));
    if (!row) return null;
    const { secretConfig } = await auth.$context;
    return {
      secret: await symmetricDecrypt({ key: secretConfig, data: row.secret }),
      codes: await symmetricDecrypt({ key: secretConfig, data: row.backupCodes }),
    };
  };
  const enrolmentOf = (person: Session['person'], secret: string): AppEnrolment => {
    const typed = base32(new TextEncoder().encode(secret));
    const label = encodeURIComponent(`${options.name}:${person.name}`);
    const query = new URLSearchParams({ secret: typed, issuer: options.name, digits: '6', period: '30' });
    return { uri: `otpauth://totp/${label}?${query.toString().replaceAll('+', '%20')}`, secret: typed };
  };
  const recoveryLeft = async (personId: string): Promise<readonly string[]> => {
    const stored = await secretOf(personId, true);
    return stored ? (JSON.parse(stored.codes) as string[]) : [];
  };
  /** The session under a new name, whole from now on. */
  const renew = async (headers: Headers, now: Temporal.Instant): Promise<readonly string[] | null> => {
    const renewed = await answerOf<{ id: string; old: string }>(
      await auth.api.renewSession({ headers, asResponse: true }),
    );
    if (!renewed) return null;
    // Ended meanwhile, by whoever took the second factor away or disabled the person: then the new one ends, too.
    const isThere = await db.orm.transaction(async (tx) => {
      const old = await tx.delete(sessions).where(eq(sessions.id, renewed.value.old)).returning({ id: sessions.id });
      if (old.length === 1) await prove(renewed.value.id, now, tx);
      else await tx.delete(sessions).where(eq(sessions.id, renewed.value.id));
      return old.length === 1;
    });
    return isThere ? renewed.cookies : null;
  };
  const prove = (sessionId: string, now: Temporal.Instant, tx: Queryable) => {
    const at = new Date(now.epochMilliseconds);
    return tx.update(sessions).set({ secondFactorAt: at, steppedUpAt: at }).where(eq(sessions.id, sessionId));
  };
  /** Note when a session was last used, at most once a minute. */
  const touch = (id: string) =>
    db.sql`UPDATE sessions SET updated_at = now() WHERE id = ${id} AND updated_at < now() - interval '1 minute'`;
  /** Challenges that nobody answered in time: whoever asks for a new one clears them away. */
  const forgetChallenges = () => db.orm.delete(verifications).where(lt(verifications.expiresAt, new Date()));
  const endSession = (id: string) => db.orm.delete(sessions).where(eq(sessions.id, id));
  return {
    async session(headers) {
      const found = await find(headers);
      if (!found?.row.secondFactorAt) return null;
      await touch(found.row.id);
      const at = found.row.steppedUpAt;
      return {
        id: found.row.id,
        person: found.person,
        steppedUpAt: at ? Temporal.Instant.fromEpochMilliseconds(at.getTime()) : null,
      };
    },
    async halfSession(headers) {
      const found = await find(headers);
      return found && !found.row.secondFactorAt ? { id: found.row.id, person: found.person } : null;
    },
    async enter(email, password, network, headers) {
      const reply = await auth.api.signInEmail({
        body: { email, password },
        headers: anonymous(headers),
        asResponse: true,
      });
      const entered = await answerOf<{ user: { id: string }; token: string }>(reply);
      if (!entered) return null;
      const person = await personOf(entered.value.user.id);
      const [row] = await db.orm
        .update(sessions)
        .set({ ipAddress: network })
        .where(eq(sessions.token, entered.value.token))
        .returning({ id: sessions.id });
      if (!row) throw new Error('the session just made is not there');
      if (person) return { value: { id: row.id, person }, cookies: entered.cookies };
      await endSession(row.id);
      return null;
    },
    async enterVouched(personId, whole, network, headers) {
      const opened = await answerOf<{ id: string }>(
        await auth.api.openSession({ body: { personId }, headers: anonymous(headers), asResponse: true }),
      );
      if (!opened) return null;
      const person = await personOf(personId);
      if (!person) {
        await endSession(opened.value.id);
        return null;
      }
      const secondFactorAt = whole && new Date(whole.epochMilliseconds);
      await db.orm.update(sessions).set({ ipAddress: network, secondFactorAt }).where(eq(sessions.id, opened.value.id));
      return { value: person, cookies: opened.cookies };
    },
    async hasPassword(personId) {
      const [account] = await db.orm
        .select({ hash: accounts.password })
        .from(accounts)
        .where(and(eq(accounts.userId, personId), eq(accounts.providerId, 'credential')));
      return typeof account?.hash === 'string';
    },
    async leave(headers) {
      const left = await answerOf<unknown>(await auth.api.signOut({ headers, asResponse: true }));
      return { value: null, cookies: left?.cookies ?? [] };
    },
    async factors(personId) {
      const [person] = await db.orm.select().from(people).where(eq(people.id, personId));
      const keys = await db.orm
        .select()
        .from(passkeys)
        .where(eq(passkeys.userId, personId))
        .orderBy(passkeys.createdAt);
      return {
        app: person?.twoFactorEnabled ?? false,
        passkeys: keys.map(({ id, name, createdAt }) => ({ id, name, createdAt: fromDate(createdAt) })),
      };
    },
    async giveCode(session, code, way, now, headers) {
      const body = { code: code.replaceAll(/\s/g, '') };
      if (body.code.length > 20) return null;
      // An app that was only begun proves nothing, but when it is finished: whoever had the password could begin one.
      if ((await secretOf(session.person.id, way !== 'first')) === null) return null;
      if (way !== 'recovery' && !(await spend(db, session.person.id, body.code, now))) return null;
      const reply =
        way !== 'recovery'
          ? await auth.api.verifyTOTP({ body, headers, asResponse: true })
          : await auth.api.verifyBackupCode({ body: { ...body, disableSession: true }, headers, asResponse: true });
      const given = await answerOf<unknown>(reply);
      if (!given) return null;
      const left = (await recoveryLeft(session.person.id)).length;
      // Setting up the app for the first time has renewed the session already; its new name is in the cookies.
      const cookies = await renew(withCookies(headers, given.cookies), now);
      return cookies && { value: { recoveryLeft: left }, cookies };
    },
    async beginApp(password, headers) {
      const reply = await auth.api.enableTwoFactor({ body: { password, method: 'totp' }, headers, asResponse: true });
      const begun = await answerOf<unknown>(reply);
      const found = begun && (await find(headers));
      const stored = found && (await secretOf(found.person.id, false));
      return found && stored ? enrolmentOf(found.person, stored.secret) : null;
    },
    async pendingApp(person) {
      const stored = await secretOf(person.id, false);
      return stored ? enrolmentOf(person, stored.secret) : null;
    },
    recoveryCodes: recoveryLeft,
    async isPassword(personId, password) {
      const [account] = await db.orm
        .select({ hash: accounts.password })
        .from(accounts)
        .where(and(eq(accounts.userId, personId), eq(accounts.providerId, 'credential')));
      return account?.hash ? verifyPassword({ hash: account.hash, password }) : false;
    },
    async renewRecoveryCodes(password, headers) {
      const reply = await auth.api.generateBackupCodes({ body: { password }, headers, asResponse: true });
      return (await answerOf<{ backupCodes: string[] }>(reply))?.value.backupCodes ?? null;
    },
    async passkeyCreation(headers) {
      await forgetChallenges();
      const made = await answerOf<object>(
        await auth.api.generatePasskeyRegistrationOptions({ headers, asResponse: true }),
      );
      if (!made) throw new Error('a passkey needs a session');
      return { value: JSON.stringify(made.value), cookies: made.cookies };
    },
    async addPasskey(credential, name, now, headers) {
      if (typeof fieldsOf(fieldsOf(credential).response).attestationObject !== 'string') return null;
      const reply = await auth.api
        .verifyPasskeyRegistration({ body: { response: credential, name }, headers, asResponse: true })
        .catch(refusedOnly);
      if (!reply?.ok) return null;
      // An app that somebody began and never finished is not to be finished later, beside the passkey.
      const found = await find(headers);
      if (found)
        await db.orm
          .delete(twoFactors)
          .where(and(eq(twoFactors.userId, found.person.id), eq(twoFactors.verified, false)));
      const cookies = await renew(headers, now);
      return cookies && { value: null, cookies };
    },
    async passkeyRequest(headers) {
      await forgetChallenges();
      const made = await answerOf<object>(
        await auth.api.generatePasskeyAuthenticationOptions({ headers, asResponse: true }),
      );
      if (!made) throw new Error('a passkey could not be asked for');
      return { value: JSON.stringify(made.value), cookies: made.cookies };
    },
    async usePasskey(credential, expected, network, now, headers) {
      const assertion = parseAssertion(credential);
      if (!assertion) return null;
      const before = await find(headers);
      const reply = await auth.api
        .verifyPasskeyAuthentication({ body: { response: assertion }, headers, asResponse: true })
        .catch(refusedOnly);
      if (!reply?.ok) return null;
      const used = (await reply.json()) as { session: { id: string; userId: string } };
      const person = await personOf(used.session.userId);
      if (!person || (expected !== null && person.id !== expected)) {
        await endSession(used.session.id);
        return null;
      }
      // The passkey and, where there was one, the session have to be there still: either may have been taken away meanwhile.
      const isThere = await db.orm.transaction(async (tx) => {
        const [key] = await tx
          .select({ id: passkeys.id })
          .from(passkeys)
          .where(eq(passkeys.credentialID, assertion.id))
          .for('update');
        const ended = before
          ? await tx.delete(sessions).where(eq(sessions.id, before.row.id)).returning({ id: sessions.id })
          : null;
        if (!key || ended?.length === 0) {
          await tx.delete(sessions).where(eq(sessions.id, used.session.id));
          return false;
        }
        await prove(used.session.id, now, tx);
        await tx.update(sessions).set({ ipAddress: network }).where(eq(sessions.id, used.session.id));
        return true;
      });
      return isThere ? { value: person, cookies: reply.headers.getSetCookie() } : null;
    },
    async removePasskey(personId, id) {
      const gone = await db.orm
        .delete(passkeys)
        .where(and(eq(passkeys.userId, personId), eq(passkeys.id, id)))
        .returning({ id: passkeys.id });
      return gone.length === 1;
    },
    async removeApp(tx, personId) {
      await tx.delete(twoFactors).where(eq(twoFactors.userId, personId));
      await tx.update(people).set({ twoFactorEnabled: false }).where(eq(people.id, personId));
    },
    async removeFactors(tx, personId) {
      await tx.delete(passkeys).where(eq(passkeys.userId, personId));
      await this.removeApp(tx, personId);
    },
    async sessionsOf(personId) {
      const rows = await db.orm
        .select()
        .from(sessions)
        .where(eq(sessions.userId, personId))
        .orderBy(desc(sessions.updatedAt));
      return rows
        .filter(({ expiresAt, secondFactorAt }) => secondFactorAt !== null && expiresAt.getTime() > Date.now())
        .map(({ id, createdAt, updatedAt, ipAddress, userAgent }) => ({
          id,
          createdAt: fromDate(createdAt),
          lastUsedAt: fromDate(updatedAt),
          network: ipAddress,
          browser: userAgent,
        }));
    },
    async endSessions(tx, personId, which) {
      const some =
        'id' in which ? eq(sessions.id, which.id) : which.allBut === null ? undefined : ne(sessions.id, which.allBut);
      const ended = await tx
        .delete(sessions)
        .where(and(eq(sessions.userId, personId), some))
        .returning({ id: sessions.id });
      return ended.length;
    },
    async plantApp(tx, personId) {
      const { secretConfig } = await auth.$context;
      const seal = (data: string) => symmetricEncrypt({ key: secretConfig, data });
      const random = () => crypto.randomUUID().replaceAll('-', '');
      const row = { secret: await seal(random()), backupCodes: await seal(JSON.stringify([])), verified: true };
      await tx
        .insert(twoFactors)
        .values({ id: `${personId}:app`, userId: personId, ...row })
        .onConflictDoNothing();
      await tx.update(people).set({ twoFactorEnabled: true }).where(eq(people.id, personId));
    },
    async currentCode(personId) {
      const stored = await secretOf(personId, true);
      if (!stored) return null;
      // The library takes the code of the period before and after as well: the first of the three that is not used yet.
      for (const period of [0, 1, -1]) {
        const code = await createOTP(stored.secret).hotp(Math.floor(Date.now() / 30_000) + period);
        if (!(await isSpent(db, personId, code))) return code;
      }
      return null;
    },
  };
}

/** Gives a session a new name, so that whoever knew the old one has nothing (session fixation). */
const renewal = {
  id: 'renewal',
  endpoints: {
    renewSession: createAuthEndpoint(
      '/renew-session',
      { method: 'POST', use: [sessionMiddleware] },
      async (context) => {
        const { session, user } = context.context.session;
        const { ipAddress, userAgent } = session;
        const fresh = await context.context.internalAdapter.createSession(user.id, false, { ipAddress, userAgent });
        await setSessionCookie(context, { session: fresh, user });
        return context.json({ id: fresh.id, old: session.id });
      },
    ),
  },
};

/** Opens a session for a person whom a flow has admitted. Like every route of the library it is not served. */
const admission = {
  id: 'admission',
  endpoints: {
    openSession: createAuthEndpoint(
      '/open-session',
      { method: 'POST', body: z.object({ personId: z.string() }) },
      async (context) => {
        const user = await context.context.internalAdapter.findUserById(context.body.personId);
        if (!user) throw new APIError('UNAUTHORIZED');
        const session = await context.context.internalAdapter.createSession(user.id, false);
        await setSessionCookie(context, { session, user });
        return context.json({ id: session.id });
      },
    ),
  },
};

/** Use a code up; false when it was used before. Kept for ten minutes, longer than any code counts. */
async function spend(db: Database, actorId: string, code: string, now: Temporal.Instant): Promise<boolean> {
  await db.orm.delete(spentCodes).where(lt(spentCodes.spentAt, now.subtract({ minutes: 10 })));
  const spent = await db.orm
    .insert(spentCodes)
    .values({ actorId, codeHash: spentHash(actorId, code), spentAt: now })
    .onConflictDoNothing()
    .returning({ actorId: spentCodes.actorId });
  return spent.length === 1;
}

const spentHash = (actorId: string, code: string) => sha256Hex(`${actorId}\n${code}`);

async function isSpent(db: Database, actorId: string, code: string): Promise<boolean> {
  const found = await db.orm
    .select({ actorId: spentCodes.actorId })
    .from(spentCodes)
    .where(and(eq(spentCodes.actorId, actorId), eq(spentCodes.codeHash, spentHash(actorId, code))));
  return found.length > 0;
}

/** The headers as of somebody who brings no session along: signing in never goes on from an earlier one. */
function anonymous(headers: Headers): Headers {
  const without = new Headers(headers);
  without.delete('cookie');
  return without;
}

/** The headers as the browser would send them next, after these cookies were set. */
function withCookies(headers: Headers, set: readonly string[]): Headers {
  const jar = new Map(
    (headers.get('cookie') ?? '').split(/;\s*/).flatMap((pair): [string, string][] => {
      const at = pair.indexOf('=');
      return at > 0 ? [[pair.slice(0, at), pair.slice(at + 1)]] : [];
    }),
  );
  for (const cookie of set) {
    const [pair = ''] = cookie.split(';');
    const at = pair.indexOf('=');
    jar.set(pair.slice(0, at), pair.slice(at + 1));
  }
  const next = new Headers(headers);
  next.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
  return next;
}

/** What a browser answers when a passkey is used (WebAuthn, AuthenticationResponseJSON). */
interface Assertion {
  readonly id: string;
  readonly rawId: string;
  readonly type: 'public-key';
  readonly clientExtensionResults: Record<string, never>;
  readonly response: { clientDataJSON: string; authenticatorData: string; signature: string };
}

function parseAssertion(value: unknown): Assertion | null {
  const { id, rawId, type, response } = fieldsOf(value);
  const { clientDataJSON, authenticatorData, signature } = fieldsOf(response);
  if (typeof id !== 'string' || typeof rawId !== 'string' || type !== 'public-key') return null;
  if (typeof clientDataJSON !== 'string' || typeof authenticatorData !== 'string' || typeof signature !== 'string')
    return null;
  const parts = { clientDataJSON, authenticatorData, signature };
  return { id, rawId, type, clientExtensionResults: {}, response: parts };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

/** A credential that does not verify is refused by an error of the library's; a fault of ours stays one. */
function refusedOnly(error: unknown): null {
  if (error instanceof APIError) return null;
  throw error;
}

function fromDate(date: Date): Temporal.Instant {
  return Temporal.Instant.fromEpochMilliseconds(date.getTime());
}

const base32Letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Base32 without padding (RFC 4648), as authenticator apps read it. */
function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      text += base32Letters[(value >>> (bits - 5)) & 31];
      bits -= 5;
    }
  }
  return bits > 0 ? text + base32Letters[(value << (5 - bits)) & 31] : text;
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
