import { type Context, Hono } from 'hono';
import type { Session } from '../../core/actor.ts';
import { toHex } from '../../core/hash.ts';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { authenticateSession, type Caller } from '../../flows/authenticate.ts';
import { acceptInvitation, lookUpInvitation } from '../../flows/create-actor.ts';
import { actorNames, keysPage, outgoingMail, peoplePage, tokensPage } from '../../flows/look-up.ts';
import type { Office } from '../../flows/office.ts';
import { readCheckpoint, readEntries, verifierKey } from '../../flows/read-ledger.ts';
import { readOverview } from '../../flows/read-overview.ts';
import { may, type Permission } from '../../policy/roles.ts';
import { RefusalNotice } from '../components/parts.tsx';
import { ConsoleMessage, type Frame } from '../layout.tsx';
import { PortalMessage } from '../portal/status.tsx';
import { type Html, textOf } from '../reply.ts';
import { addDemandPages } from './demand-routes.tsx';
import { addExportPages } from './export-routes.tsx';
import { addHoldPages } from './hold-routes.tsx';
import { LedgerPage, MailPage, PoliciesPage, SettingsPage } from './others.tsx';
import { OverviewPage } from './overview.tsx';
import { addRequestPages } from './request-routes.tsx';
import { addRetentionPages } from './retention-routes.tsx';
import { InvitationPage, SignInPage, StepUpPage } from './sign-in.tsx';

/** Staff sign-in, as main.ts hands it over. */
export interface StaffSignIn {
  session(headers: Headers): Promise<Session | null>;
  enter(email: string, password: string, headers: Headers): Promise<{ cookies: readonly string[] } | null>;
  leave(headers: Headers): Promise<{ cookies: readonly string[] }>;
  stepUp(session: Session, password: string, now: Temporal.Instant): Promise<boolean>;
}

export interface ConsoleOptions {
  readonly signIn: StaffSignIn;
  readonly nextBell: (rule: string) => Temporal.Instant | null;
}

/** What a console handler works with. */
export interface Visit {
  readonly caller: Caller;
  readonly frame: Frame;
}

export type ConsoleApp = Hono<{ Variables: { visit: Visit } }>;

/** Helpers that every group of pages needs. */
export interface Desk {
  readonly app: ConsoleApp;
  readonly office: Office;
  readonly options: ConsoleOptions;
  /** Refuse a page to a role that may not see it. */
  allow(c: Context, permission: Permission): Response | Promise<Response> | null;
  /** A page that says what is not possible, with the rail still there. */
  say(c: Context, title: string, refusal: Refusal, status: 403 | 404): Response | Promise<Response>;
  /** After a move: back to its page; a refusal that asks for a second proof leads there and back. */
  stepUpFor(c: Context, refusal: Refusal): Response | null;
}

/** Pages for staff. */
export function consoleRoutes(office: Office, options: ConsoleOptions): Hono {
  const app: ConsoleApp = new Hono();
  const { organization } = office.policy;
  const { signIn } = options;
  app.use(async (c, next) => {
    await next();
    c.header('Cache-Control', 'private, no-store');
    c.header('X-Robots-Tag', 'noindex');
  });
  signInPages(app, office, options);

  app.use(async (c, next) => {
    const session = await signIn.session(c.req.raw.headers);
    if (!session) return c.redirect(`/console/sign-in?next=${encodeURIComponent(new URL(c.req.url).pathname)}`, 303);
    c.set('visit', {
      caller: authenticateSession(office, session),
      frame: {
        organization: organization.name,
        session,
        demonstration: office.demonstration,
        zone: organization.zone,
        may: (permission) => may(office.policy.roles, session.person.role, permission),
      },
    });
    return next();
  });

  const say: Desk['say'] = (c, title, refusal, status) =>
    c.html(
      (
        <ConsoleMessage title={title} frame={(c.get('visit') as Visit).frame}>
          <RefusalNotice refusal={refusal} />
        </ConsoleMessage>
      ) as Html,
      status,
    );
  const desk: Desk = {
    app,
    office,
    options,
    say,
    allow(c, permission) {
      const { caller, frame } = c.get('visit') as Visit;
      if (frame.may(permission)) return null;
      const refusal = refuse(
        'not_allowed',
        `Your role (${caller.actor.role ?? 'none'}) may not see or do this: it needs ${permission}. Nothing was changed. An administrator can say who may.`,
      );
      return say(c, 'Not for your role', refusal, 403);
    },
    stepUpFor(c, refusal) {
      const here = new URL(c.req.url).pathname;
      // Only approvals ask for it, and each has a page of its own at the address it is posted to.
      return refusal.code === 'step_up_needed'
        ? c.redirect(`/console/step-up?next=${encodeURIComponent(here)}`, 303)
        : null;
    },
  };

  app.get('/', async (c) => {
    const { frame } = c.get('visit');
    const overview = await readOverview(office, (permission) => frame.may(permission));
    const nextBells = Object.keys(office.policy.retention).map((rule) => ({ rule, at: options.nextBell(rule) }));
    return c.html(
      (<OverviewPage frame={frame} now={office.now()} nextBells={nextBells} overview={overview} />) as Html,
    );
  });
  addRequestPages(desk);
  addDemandPages(desk);
  addHoldPages(desk);
  addRetentionPages(desk);
  addExportPages(desk);
  addOtherPages(desk);
  app.get('*', (c) =>
    say(
      c,
      'Not found',
      refuse('not_found', 'There is no such page. The address may be mistyped, or the page has moved.'),
      404,
    ),
  );
  return app as unknown as Hono;
}

/** Only a path of our own: never a way to somewhere else. */
function safeNext(next: string): string {
  return /^\/console(\/[\w./-]*)?$/.test(next) && !next.includes('..') ? next : '/console';
}

function signInPages(app: ConsoleApp, office: Office, { signIn }: ConsoleOptions): void {
  const { organization } = office.policy;
  const withCookies = (c: Context, cookies: readonly string[], to: string) => {
    for (const cookie of cookies) c.header('Set-Cookie', cookie, { append: true });
    return c.redirect(to, 303);
  };
  app.get('/sign-in', (c) =>
    c.html(
      (
        <SignInPage
          organization={organization}
          next={safeNext(c.req.query('next') ?? '')}
          refusal={null}
          demonstration={office.demonstration}
        />
      ) as Html,
    ),
  );
  app.post('/sign-in', async (c) => {
    const form = await c.req.formData();
    const entered = await signIn.enter(textOf(form, 'email').trim(), textOf(form, 'password'), c.req.raw.headers);
    if (entered) return withCookies(c, entered.cookies, safeNext(textOf(form, 'next')));
    const refusal = refuse('unauthenticated', 'Address and password do not belong together. Nobody was signed in.');
    return c.html(
      (
        <SignInPage
          organization={organization}
          next={safeNext(textOf(form, 'next'))}
          refusal={refusal}
          demonstration={office.demonstration}
        />
      ) as Html,
      401,
    );
  });
  app.post('/sign-out', async (c) =>
    withCookies(c, (await signIn.leave(c.req.raw.headers)).cookies, '/console/sign-in'),
  );
  app.get('/invitation/:secret', async (c) => {
    const person = await lookUpInvitation(office, c.req.param('secret'));
    if (isRefusal(person))
      return c.html(
        (<PortalMessage organization={organization} title="This link has run out" refusal={person} />) as Html,
        410,
      );
    return c.html(
      (
        <InvitationPage organization={organization} name={person.name} secret={c.req.param('secret')} refusal={null} />
      ) as Html,
    );
  });
  app.post('/invitation/:secret', async (c) => {
    const secret = c.req.param('secret');
    const person = await acceptInvitation(office, secret, textOf(await c.req.formData(), 'password'));
    if (!isRefusal(person)) return c.redirect('/console/sign-in', 303);
    if (person.code !== 'invalid')
      return c.html(
        (<PortalMessage organization={organization} title="This link has run out" refusal={person} />) as Html,
        410,
      );
    return c.html(
      (<InvitationPage organization={organization} name="" secret={secret} refusal={person} />) as Html,
      422,
    );
  });
  app.get('/step-up', (c) =>
    c.html(
      (<StepUpPage organization={organization} next={safeNext(c.req.query('next') ?? '')} refusal={null} />) as Html,
    ),
  );
  app.post('/step-up', async (c) => {
    const form = await c.req.formData();
    const next = safeNext(textOf(form, 'next'));
    const session = await signIn.session(c.req.raw.headers);
    if (!session) return c.redirect('/console/sign-in', 303);
    if (await signIn.stepUp(session, textOf(form, 'password'), office.now())) return c.redirect(next, 303);
    const refusal = refuse('unauthenticated', 'That is not your password. Nothing was approved.');
    return c.html((<StepUpPage organization={organization} next={next} refusal={refusal} />) as Html, 401);
  });
}

function addOtherPages({ app, office, allow, say }: Desk): void {
  app.get('/ledger', async (c) => {
    const refused = allow(c, 'ledger.read');
    if (refused) return refused;
    const before = Number(c.req.query('before'));
    const entries = await readEntries(office, 50, Number.isInteger(before) && before > 0 ? before : null);
    const newest = await readCheckpoint(office);
    const last = entries.at(-1);
    return c.html(
      (
        <LedgerPage
          frame={c.get('visit').frame}
          checkpoint={
            newest && { size: newest.size, root: toHex(newest.root), signedAt: newest.signedAt, note: newest.note }
          }
          verifierKey={verifierKey(office)}
          entries={entries}
          names={await actorNames(office)}
          nextCursor={entries.length === 50 && last && last.index > 0 ? last.index : null}
        />
      ) as Html,
    );
  });
  app.get(
    '/policies',
    (c) =>
      allow(c, 'policies.read') ??
      c.html(
        (
          <PoliciesPage frame={c.get('visit').frame} digest={office.policy.digest} content={office.policy.content} />
        ) as Html,
      ),
  );
  app.get('/mail', async (c) => {
    const mails = await outgoingMail(office, 50);
    if (isRefusal(mails)) return say(c, 'Not found', mails, 404);
    const shown = mails.map(({ letter, queuedAt, state }) => ({ ...letter.reveal(), at: queuedAt, state }));
    return c.html((<MailPage frame={c.get('visit').frame} mails={shown} />) as Html);
  });
  app.get('/settings', async (c) => {
    const refused = allow(c, 'people.manage');
    if (refused) return refused;
    const names = await actorNames(office);
    const people = (await peoplePage(office)).map(({ disabledAt, ...person }) => ({
      ...person,
      disabled: disabledAt !== null,
    }));
    const tokens = (await tokensPage(office)).map((token) => ({
      ...token,
      actor: names.get(token.actorId) ?? token.actorId,
      revoked: token.revokedAt !== null,
    }));
    const keys = (await keysPage(office)).map((key) => ({
      ...key,
      owner: key.actorId ? (names.get(key.actorId) ?? key.actorId) : 'this installation',
    }));
    return c.html(
      (
        <SettingsPage
          frame={c.get('visit').frame}
          people={people}
          tokens={tokens}
          keys={keys}
          roles={office.policy.roles}
        />
      ) as Html,
    );
  });
}
