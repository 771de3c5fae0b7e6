import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { csrf } from 'hono/csrf';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import { refuse } from '../core/refusal.ts';
import type { Office } from '../flows/office.ts';
import { assetRoutes } from './assets.ts';
import { type ConsoleOptions, consoleRoutes } from './console/routes.tsx';
import { portalRoutes } from './portal/routes.tsx';
import { PortalMessage } from './portal/status.tsx';
import type { Html } from './reply.ts';

export interface WebOptions extends ConsoleOptions {
  readonly report: (what: string, error: unknown) => void;
}

/** The pages that may run our one script, for passkeys. No other page runs any. */
const asksForPasskey = /^\/console\/(sign-in\/passkey|second-factor|step-up|account)/;
/** The pages with the button of the company's provider. */
const asksToSignIn = /^\/console\/sign-in(\/company.*)?$/;
/** The forms that take a file. Whatever else is written in a form is text by hand. */
const takesFile = /^\/(verify|console\/demands\/[^/]+\/documents)$/;
/** Where looking is an event that is recorded: nobody asks there for the headers alone. */
const isRecorded = /^\/(console|status|package)(\/|$)/;
const maxFormBytes = 1024 * 1024;
const maxFileFormBytes = 64 * 1024 * 1024;

/** All pages, with their headers: nothing from anywhere else, nothing inline, and forms only from our own pages. */
export function webApp(office: Office, options: WebOptions): Hono {
  const app = new Hono();
  const origin = new URL(office.publicUrl).origin;
  // Chromium asks of where a form leads to, after every redirect as well: only the page with that button may.
  const company = office.company?.origin ?? null;
  const headers = (scripts: boolean, leadsTo: string | null) =>
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        fontSrc: ["'self'"],
        imgSrc: ["'self'"],
        ...(scripts ? { scriptSrc: ["'self'"] } : {}),
        formAction: ["'self'", ...(leadsTo === null ? [] : [leadsTo])],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
      referrerPolicy: 'same-origin',
      xFrameOptions: 'DENY',
      strictTransportSecurity: origin.startsWith('https:') ? 'max-age=31536000; includeSubDomains' : false,
    });
  const withoutScripts = headers(false, null);
  const withScripts = headers(true, null);
  const withCompany = headers(false, company);
  app.use((c, next) => {
    if (asksToSignIn.test(c.req.path)) return withCompany(c, next);
    return (asksForPasskey.test(c.req.path) ? withScripts : withoutScripts)(c, next);
  });
  app.use(async (c, next) => {
    await next();
    // An answer to a form says back what was written; a page that is not there may be there tomorrow.
    if ((c.req.method !== 'GET' || c.res.status >= 400) && !c.res.headers.has('Cache-Control'))
      c.header('Cache-Control', 'private, no-store');
  });
  app.use((c, next) =>
    c.req.method === 'HEAD' && isRecorded.test(c.req.path)
      ? Promise.resolve(c.body(null, 405, { Allow: 'GET' }))
      : next(),
  );
  app.use(csrf({ origin: (candidate, c) => candidate === origin || candidate === new URL(c.req.url).origin }));
  const [texts, files] = [bodyLimit({ maxSize: maxFormBytes }), bodyLimit({ maxSize: maxFileFormBytes })];
  app.use((c, next) => {
    if (!takesFile.test(c.req.path)) return texts(c, next);
    // Without its length the body would be ours to hold before anybody is known. Every browser says it.
    return c.req.header('transfer-encoding') === undefined
      ? files(c, next)
      : Promise.resolve(c.text('Send this form with its Content-Length. Nothing was changed.', 411));
  });
  app.use(async (c, next) => {
    const type = c.req.header('content-type') ?? '';
    if (c.req.method !== 'POST') return next();
    if (!/^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(type))
      return c.text('Send this as a form. Nothing was changed; programs use /api/v1.', 415);
    // A form that is cut off, has no boundary or holds NUL, which cannot be kept, is the sender's fault, and found only
    // where it is read.
    const read = c.req.formData.bind(c.req);
    c.req.formData = async () => {
      const form = await read().catch(() => null);
      if (form === null || [...form].flat().some((text) => typeof text === 'string' && text.includes('\u0000')))
        throw new HTTPException(400, { message: 'unreadable form' });
      return form;
    };
    return next();
  });
  app.onError((error, c) => {
    if (error instanceof HTTPException) {
      if (error.status !== 400) return error.getResponse();
      const unread = refuse('invalid', 'The form did not arrive whole. Nothing was changed; please send it again.');
      return c.html(
        (
          <PortalMessage organization={office.policy.organization} title="That did not work" refusal={unread} />
        ) as Html,
        400,
      );
    }
    options.report(`${c.req.method} ${c.req.routePath}`, error);
    const refusal = refuse(
      'not_ready',
      'Something went wrong on our side. Nothing more is known to have been changed; please try again in a moment.',
    );
    return c.html(
      (<PortalMessage organization={office.policy.organization} title="That did not work" refusal={refusal} />) as Html,
      500,
    );
  });
  app.route('/', assetRoutes());
  app.route('/console', consoleRoutes(office, options));
  app.route('/', portalRoutes(office, options.networkOf));
  app.get('*', (c) => {
    const refusal = refuse('not_found', 'There is no such page. The address may be mistyped, or the page has moved.');
    return c.html(
      (<PortalMessage organization={office.policy.organization} title="Not found" refusal={refusal} />) as Html,
      404,
    );
  });
  return app;
}
