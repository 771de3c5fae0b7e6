import { type Context, Hono } from 'hono';
import { toHex } from '../../core/hash.ts';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { authenticateSession, type Caller, seePerson } from '../../flows/authenticate.ts';
import { actorNames, outgoingMail } from '../../flows/look-up.ts';
import type { Office } from '../../flows/office.ts';
import { readCheckpoint, readEntries, verifierKey } from '../../flows/read-ledger.ts';
import { readOverview } from '../../flows/read-overview.ts';
import { mayNow, type Permission } from '../../policy/roles.ts';
import { RefusalNotice } from '../components/parts.tsx';
import { ConsoleMessage, type Frame } from '../layout.tsx';
import type { Html } from '../reply.ts';
import { addAccessPages } from './access-routes.tsx';
import { addAccountPages } from './account-routes.tsx';
import { addCustodianPages } from './custodian-routes.tsx';
import { addDemandPages } from './demand-routes.tsx';
import { addExportPages } from './export-routes.tsx';
import { addHoldPages } from './hold-routes.tsx';
import { addIncidentPages } from './incident-routes.tsx';
import { addMatterPages } from './matter-routes.tsx';
import { LedgerPage, MailPage, PoliciesPage } from './others.tsx';
import { OverviewPage } from './overview.tsx';
import { addAlarmPages, addPeoplePages } from './people-routes.tsx';
import { addRequestPages } from './request-routes.tsx';
import { addRetentionPages } from './retention-routes.tsx';
import { addSignInPages } from './sign-in-routes.tsx';

export interface ConsoleOptions {
  readonly nextBell: (rule: string) => Temporal.Instant | null;
  /** The client's network address, IPv6 by its /64; null where it is not known. */
  readonly networkOf: (c: Context) => string | null;
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
  /**
   * A refusal that asks for a second proof leads there and back. @param back the page to come back to; without it the
   * address that was posted to, which for approvals is a page of its own
   */
  stepUpFor(c: Context, refusal: Refusal, back?: string): Response | null;
}

/** Pages for staff. */
export function consoleRoutes(office: Office, options: ConsoleOptions): Hono {
  const app: ConsoleApp = new Hono();
  const { organization } = office.policy;
  const { signIn } = office;
  app.use(async (c, next) => {
    await next();
    c.header('Cache-Control', 'private, no-store');
    c.header('X-Robots-Tag', 'noindex');
  });
  addSignInPages(app, office, options);

  app.use(async (c, next) => {
    const session = await signIn.session(c.req.raw.headers);
    if (!session) {
      const door = (await signIn.halfSession(c.req.raw.headers)) ? 'second-factor' : 'sign-in';
      return c.redirect(`/console/${door}?next=${encodeURIComponent(new URL(c.req.url).pathname)}`, 303);
    }
    await seePerson(office, session.person.id);
    const caller = await authenticateSession(office, session);
    c.set('visit', {
      caller,
      frame: {
        organization: organization.name,
        session,
        demonstration: office.demonstration,
        zone: organization.zone,
        lent: caller.actor.lent ?? null,
        may: (permission) => mayNow(office.policy.roles, caller.actor, permission),
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
    stepUpFor(c, refusal, back) {
      const here = back ?? new URL(c.req.url).pathname;
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
  addIncidentPages(desk);
  addHoldPages(desk);
  addMatterPages(desk);
  addCustodianPages(desk);
  addRetentionPages(desk);
  addExportPages(desk);
  addAccountPages(desk);
  addPeoplePages(desk);
  addAlarmPages(desk);
  addAccessPages(desk);
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
}
