import { raw } from 'hono/html';
import type { Child } from 'hono/jsx';
import type { Lent, Session } from '../core/actor.ts';
import type { Permission } from '../policy/roles.ts';
import { styleSheet } from './assets.ts';
import { Icon, type IconName, Mark } from './components/icons.tsx';
import { Time } from './components/parts.tsx';

function Document({
  title,
  lang = 'en',
  children,
}: {
  readonly title: string;
  readonly lang?: string;
  readonly children: Child;
}) {
  return (
    <>
      {raw('<!doctype html>')}
      <html lang={lang}>
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="referrer" content="same-origin" />
          <title>{title}</title>
          <link rel="icon" href="/assets/mark.svg" type="image/svg+xml" />
          <link rel="stylesheet" href={styleSheet} />
        </head>
        <body>
          <a class="skip" href="#main">
            Skip to the content
          </a>
          {children}
        </body>
      </html>
    </>
  );
}

export interface PortalProps {
  readonly title: string;
  readonly organization: string;
  readonly children: Child;
}

/** A page for the public: one column, one question or one answer. */
export function PortalPage({ title, organization, children }: PortalProps) {
  return (
    <Document title={`${title} · ${organization}`}>
      <header class="portal-head">
        <div class="inner">
          <a class="brand" href="/">
            <Mark />
            {organization}
          </a>
          <nav class="portal-nav" aria-label="Your data">
            <a href="/">Make a request</a>
            <a href="/status">See where it stands</a>
            <a href="/retention">What we keep</a>
          </nav>
        </div>
      </header>
      <main id="main" class="portal-main stack">
        {children}
      </main>
      <footer class="portal-foot">
        <a href="/legal">Legal process</a>
        <a href="/transparency">Transparency</a>
        <a href="/verify">Check a package</a>
        <a href="/console">For staff</a>
      </footer>
    </Document>
  );
}

const rail: readonly {
  readonly href: string;
  readonly name: string;
  readonly icon: IconName;
  /** Absent: everybody who is signed in. */
  readonly needs?: Permission;
  readonly demoOnly?: boolean;
}[] = [
  { href: '/console', name: 'Overview', icon: 'overview' },
  { href: '/console/requests', name: 'Requests', icon: 'requests', needs: 'requests.read' },
  { href: '/console/demands', name: 'Demands', icon: 'demands', needs: 'demands.read' },
  { href: '/console/incidents', name: 'Incidents', icon: 'incidents', needs: 'incidents.read' },
  { href: '/console/holds', name: 'Holds', icon: 'holds', needs: 'holds.read' },
  { href: '/console/retention', name: 'Retention', icon: 'retention', needs: 'runs.read' },
  { href: '/console/exports', name: 'Exports', icon: 'exports', needs: 'exports.read' },
  { href: '/console/ledger', name: 'Ledger', icon: 'ledger', needs: 'ledger.read' },
  { href: '/console/alarms', name: 'Alarms', icon: 'alarms', needs: 'alarms.read' },
  { href: '/console/settings/reviews', name: 'Access reviews', icon: 'access', needs: 'access.read' },
  { href: '/console/policies', name: 'Policies', icon: 'policies', needs: 'policies.read' },
  { href: '/console/mail', name: 'Mail', icon: 'mail', demoOnly: true },
  { href: '/console/settings', name: 'People and keys', icon: 'settings', needs: 'people.manage' },
];

/** What every console page knows. */
export interface Frame {
  readonly organization: string;
  readonly session: Session;
  readonly demonstration: boolean;
  readonly zone: string;
  /** The role this person took in an emergency, while it lasts. */
  readonly lent: Lent | null;
  /** What this person may see and do now: a page offers nothing else. */
  may(permission: Permission): boolean;
}

/** A page for staff: the rail, then the thing itself. */
export function ConsolePage({
  title,
  frame,
  here,
  children,
}: {
  readonly title: string;
  readonly frame: Frame;
  readonly here: string;
  readonly children: Child;
}) {
  return (
    <Document title={`${title} · Muniment`}>
      <div class="console">
        <div class="rail">
          <a class="brand" href="/console">
            <Mark />
            Muniment
          </a>
          <nav aria-label="Console">
            <ul>
              {rail
                .filter(({ demoOnly, needs }) => (!demoOnly || frame.demonstration) && (!needs || frame.may(needs)))
                .map(({ href, name, icon }) => (
                  <li>
                    <a href={href} {...(href === here ? { 'aria-current': 'page' as const } : {})}>
                      <Icon name={icon} />
                      {name}
                    </a>
                  </li>
                ))}
            </ul>
          </nav>
          <div class="who">
            <a href="/console/account" {...(here === '/console/account' ? { 'aria-current': 'page' as const } : {})}>
              {frame.session.person.name}
            </a>
            <div class="muted">{frame.session.person.title ?? frame.session.person.role}</div>
            <form method="post" action="/console/sign-out" class="inline">
              <button type="submit" class="secondary">
                Sign out
              </button>
            </form>
          </div>
        </div>
        <main id="main" class="console-main">
          {frame.lent ? <LentBanner frame={frame} lent={frame.lent} /> : null}
          {children}
        </main>
      </div>
    </Document>
  );
}

/** On every page while another role is held. */
function LentBanner({ frame, lent }: { readonly frame: Frame; readonly lent: Lent }) {
  return (
    <aside class="notice warn lent" aria-label="Another role is held">
      <p>
        <strong>
          {frame.session.person.name} holds the role {lent.role}, in an emergency,
        </strong>{' '}
        until <Time at={lent.until} zone={frame.zone} />. It approves nothing. Somebody else will review what was done.
      </p>
      <form method="post" action={`/console/account/break-glass/${lent.id}/end`} class="inline">
        <button type="submit" class="secondary">
          Give it back now
        </button>
      </form>
    </aside>
  );
}

/** A console page that says what is not possible, and where to go on. */
export function ConsoleMessage({
  title,
  frame,
  children,
}: {
  readonly title: string;
  readonly frame: Frame;
  readonly children: Child;
}) {
  return (
    <ConsolePage title={title} frame={frame} here="">
      <h1>{title}</h1>
      {children}
      <p>
        Go to the <a href="/console">overview</a>.
      </p>
    </ConsolePage>
  );
}
