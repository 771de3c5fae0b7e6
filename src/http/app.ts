import { z } from '@hono/zod-openapi';
import { type Context, Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { constantTimeEqual, sha256 } from '../core/hash.ts';
import { isRefusal, refuse } from '../core/refusal.ts';
import { limitTries, publicLimits } from '../flows/limit-tries.ts';
import type { Office } from '../flows/office.ts';
import { type HealthReport, readHealth } from '../flows/read-health.ts';
import { publishedKeys } from '../flows/read-keys.ts';
import { verifyUpload } from '../flows/verify-upload.ts';
import { addAccess } from './access.ts';
import { addCoverage } from './coverage.ts';
import { addCustodians } from './custodians.ts';
import { addDemands, uploadedFile } from './demands.ts';
import { Api, type RouteEntry, type SessionOf } from './endpoint.ts';
import { addExports } from './exports.ts';
import { addHolds } from './holds.ts';
import { addIncidents } from './incidents.ts';
import { addLedger, publicLedger } from './ledger.ts';
import { addMatters } from './matters.ts';
import { addPeople } from './people.ts';
import { replyProblem } from './problem.ts';
import { addRequests } from './requests.ts';
import { addRuns } from './runs.ts';

export interface HttpOptions {
  readonly sessionOf: SessionOf;
  readonly metrics: () => Promise<string>;
  /** Without a token metrics are for this machine only: the caller's address decides, in main.ts. */
  readonly metricsToken: string | null;
  readonly report: (what: string, error: unknown) => void;
  /** The client's network address (client-address.ts); null where it is not known. */
  readonly networkOf: (c: Context) => string | null;
}

/** Everything that is answered here and not by a page. */
const ownPaths = ['/api/*', '/ledger/*', '/.well-known/*', '/healthz', '/readyz', '/metrics', '/openapi.json', '/docs'];
/** Published for everybody: kept for a few minutes, so that new keys are seen soon. */
const published = 'public, max-age=300';

/** The API and the public endpoints. Pages are mounted beside it in main.ts. */
export function httpApp(
  office: Office,
  options: HttpOptions,
): { app: Hono; routes: readonly RouteEntry[]; openApi: () => object } {
  const api = new Api(office, options.sessionOf);
  addRequests(api, office);
  addHolds(api, office);
  addMatters(api, office);
  addCoverage(api, office);
  addCustodians(api, office);
  addRuns(api, office);
  addDemands(api, office);
  addIncidents(api, office);
  addExports(api, office);
  addLedger(api, office);
  addPeople(api, office);
  addAccess(api, office);
  api.add({
    method: 'post',
    path: '/verify',
    summary: 'Verify a package (multipart, field "file"); nothing of it is kept',
    tag: 'verify',
    access: 'public',
    multipart: true,
    answer: z.object({
      ok: z.boolean(),
      claims: z.array(z.object({ claim: z.string(), ok: z.boolean(), detail: z.string() })),
    }),
    handle: async ({ c }) => {
      const network = options.networkOf(c);
      const tooOften = await limitTries(office, publicLimits.verify(network));
      if (tooOften) return tooOften;
      return verifyUpload(office, network, async () => {
        const file = await uploadedFile(c.req.raw);
        return isRefusal(file) ? file : new Uint8Array(await file.arrayBuffer());
      });
    },
  });

  const openApi = made(() => {
    const document = api.app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Muniment',
        version: office.version,
        description: 'Retention, requests, legal demands and evidence, with proof.',
      },
      servers: [{ url: office.publicUrl }],
    });
    return {
      ...document,
      components: { ...document.components, securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    };
  });
  const openApiText = made(() => JSON.stringify(openApi()));

  const app = new Hono();
  app.onError((error, c) => {
    options.report(`${c.req.method} ${c.req.routePath}`, error);
    c.header('Content-Type', 'application/problem+json');
    const problem = {
      type: 'urn:muniment:problem:fault',
      title: 'Something went wrong on our side',
      status: 500,
      code: 'fault',
      detail:
        'Nothing more is known to have been changed. Try again; if it happens again, tell whoever runs this service the time.',
      errors: [],
    };
    return c.body(JSON.stringify(problem), 500);
  });
  const headers = secureHeaders({
    // /docs takes the style sheet; nothing else here is a page.
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      fontSrc: ["'self'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
    },
    referrerPolicy: 'no-referrer',
    xFrameOptions: 'DENY',
    strictTransportSecurity: office.publicUrl.startsWith('https:') ? 'max-age=31536000; includeSubDomains' : false,
  });
  for (const path of ownPaths)
    app.use(path, headers, async (c, next) => {
      await next();
      // What may be kept says so; everything else is somebody's, or true for this moment only.
      if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'private, no-store');
    });
  app.route('/api/v1', api.app);
  // What no call is, or not with that method: a program gets a problem, and never a page.
  app.all('/api/*', (c) =>
    replyProblem(
      c,
      refuse(
        'not_found',
        `There is no call ${c.req.method} ${c.req.path}. /openapi.json lists them; nothing was changed.`,
      ),
    ),
  );
  app.route('/ledger', publicLedger(office, options.sessionOf));
  app.get('/.well-known/jwks.json', async (c) =>
    c.json(await publishedKeys(office), 200, { 'Cache-Control': published }),
  );
  app.get('/.well-known/muniment/root.pem', (c) =>
    c.text(office.signers.rootPem, 200, { 'Content-Type': 'application/x-pem-file', 'Cache-Control': published }),
  );
  app.get('/healthz', (c) => c.json({ ok: true }));
  const healthNow = shared(() => readHealth(office), readyMs);
  app.get('/readyz', async (c) => {
    const health: HealthReport = await healthNow();
    return c.json(
      { ok: health.ok, checks: health.checks.map(({ name, ok }) => ({ name, ok })) },
      health.ok ? 200 : 503,
    );
  });
  app.get('/metrics', async (c) => {
    const [scheme, secret] = (c.req.header('Authorization') ?? '').split(' ');
    const isAllowed =
      options.metricsToken === null
        ? isLocal(options.networkOf(c), c.req.header('X-Forwarded-For'))
        : scheme === 'Bearer' && constantTimeEqual(sha256(secret ?? ''), sha256(options.metricsToken));
    if (!isAllowed)
      return replyProblem(c, refuse('unauthenticated', 'Metrics need METRICS_TOKEN, or a call from this machine.'));
    return c.text(await options.metrics(), 200, { 'Content-Type': 'text/plain; version=0.0.4' });
  });
  app.get('/openapi.json', (c) =>
    c.body(openApiText(), 200, { 'Content-Type': 'application/json', 'Cache-Control': published }),
  );
  app.get('/docs', (c) => c.html(docsPage(api.routes), 200, { 'Cache-Control': published }));
  return { app, routes: api.routes, openApi };
}

/** What does not change while we run, made when it is first asked for: the description of the calls takes 60 ms to make. */
function made<T extends object | string>(make: () => T): () => T {
  let kept: T | null = null;
  return () => {
    kept ??= make();
    return kept;
  };
}

/** How long an answer of /readyz serves everybody who asks: it costs a question to every source and the mail server. */
const readyMs = 2000;

/** One answer for all who ask while it is made, and for a time after it was begun. */
function shared<T>(ask: () => Promise<T>, ms: number): () => Promise<T> {
  let last: { readonly answer: Promise<T>; readonly until: number; done: boolean } | null = null;
  return () => {
    if (last === null || (last.done && performance.now() >= last.until)) {
      const made = { answer: ask(), until: performance.now() + ms, done: false };
      const done = () => {
        made.done = true;
      };
      made.answer.then(done, done);
      last = made;
    }
    return last.answer;
  };
}

/** Somebody on this machine, and not a proxy on it that brings somebody else. What the Host header says is theirs to say. */
function isLocal(network: string | null, forwarded: string | undefined): boolean {
  return forwarded === undefined && (network === '127.0.0.1' || network === '0:0:0:0::/64');
}

/** A plain list of calls: enough to find one, without a script from anywhere. */
function docsPage(routes: readonly RouteEntry[]): string {
  const rows = routes
    .map(
      ({ method, path, access }) =>
        `<tr><td><code>${method}</code></td><td><code>${path}</code></td><td>${access}</td></tr>`,
    )
    .join('');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Muniment API</title><link rel="stylesheet" href="/assets/site.css"><body><main><h1>The API</h1><p>Every call with its fields is described in <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1). Errors are problems (RFC 9457). POSTs accept <code>Idempotency-Key</code>; lists take <code>?limit=&amp;cursor=</code>.</p><table><thead><tr><th>Method</th><th>Path</th><th>Needs</th></tr></thead><tbody>${rows}</tbody></table></main></body></html>`;
}
