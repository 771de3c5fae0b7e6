import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefusal } from '../../src/core/refusal.ts';
import { listNotices } from '../../src/db/notices.ts';
import { bringLedgerUpToDate } from '../../src/flows/read-ledger.ts';
import { receiveRequest } from '../../src/flows/receive-request.ts';
import { httpApp } from '../../src/http/app.ts';
import { webApp } from '../../src/web/app.tsx';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { tokenFor } from '../support/people.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { firstSignIn, newMember } from '../support/staff.ts';

/** Every route of everything, mounted as the service mounts it, walked by everybody: what a browser is told each time. */

const origins = ['http://localhost:3000', 'https://muniment.example'] as const;

interface Place {
  readonly opened: TestHouse;
  readonly app: Hono;
  /** Headers of who comes by: nobody, an admin in a session, a token that may read everything. */
  readonly callers: Readonly<Record<string, Record<string, string>>>;
  readonly cookies: readonly string[];
}

async function open(origin: string): Promise<Place> {
  const opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    env: { APP: 'postgres://nobody@127.0.0.1:1/nothing' },
    publicUrl: origin,
  });
  const { office } = opened.house;
  let calls = 0;
  const networkOf = () => `192.0.2.${calls++}`;
  const { app } = httpApp(office, {
    sessionOf: (headers) => office.signIn.session(headers),
    metrics: async () => 'muniment_answers_total 1\n',
    metricsToken: 'of metrics',
    networkOf,
    report: () => {},
  });
  app.route('/', webApp(office, { nextBell: () => null, networkOf, report: () => {} }));
  const cookies: string[] = [];
  const watched = new Proxy(app, {
    get: (target, key) =>
      key === 'request'
        ? async (...asked: Parameters<Hono['request']>) => {
            const answer = await target.request(...asked);
            cookies.push(...answer.headers.getSetCookie());
            return answer;
          }
        : Reflect.get(target, key),
  });
  await newMember(office, 'admin', 'admin@example.com');
  const { visitor } = await firstSignIn(watched, 'admin@example.com', origin);
  await visitOf(watched, opened, origin);
  await bringLedgerUpToDate(office);
  return {
    opened,
    app,
    cookies,
    callers: {
      nobody: {},
      admin: { cookie: visitor.jar, 'sec-fetch-site': 'same-origin' },
      auditor: { authorization: `Bearer ${await tokenFor(office, { name: 'Auditor', role: 'auditor' })}` },
      metrics: { authorization: 'Bearer of metrics' },
    },
  };
}

/** Somebody outside looks at their request, for the cookie that gives them. */
async function visitOf(app: Hono, { house: { office } }: TestHouse, origin: string): Promise<void> {
  const email = 'ada@example.com';
  const request = await receiveRequest(
    office,
    { id: 'requester', kind: 'requester', role: null, approval: null },
    {
      type: 'access',
      regime: null,
      channel: 'portal',
      receivedAt: null,
      subject: { name: 'Ada', identifiers: [{ kind: 'email', value: email }] },
      details: null,
    },
  );
  if (isRefusal(request)) throw new Error(request.detail);
  const post = (path: string, form: Record<string, string>) =>
    app.request(`${origin}${path}`, { method: 'POST', headers: { origin }, body: new URLSearchParams(form) });
  await post('/status', { reference: request.reference, email });
  const letters = await listNotices(office.store, 50);
  const code = letters.map(({ letter }) => /code is (\d{8})/.exec(letter.reveal().text)?.[1]).find(Boolean) ?? '';
  expect((await post('/status/code', { reference: request.reference, code })).headers.get('location')).toBe('/status');
  await post('/status/leave', {});
}

const places = new Map<string, Place>();
beforeAll(async () => {
  for (const origin of origins) places.set(origin, await open(origin));
});
afterAll(async () => {
  for (const { opened } of places.values()) await opened.close();
});

function placeOf(origin: string): Place {
  const place = places.get(origin);
  if (!place) throw new Error(`nothing is open at ${origin}`);
  return place;
}

/** Every address there is, and some that there are not. */
function addresses(app: Hono): readonly { method: string; path: string }[] {
  const found = new Map<string, { method: string; path: string }>();
  for (const { method, path } of app.routes) {
    if (method === 'ALL' || /sign-out|sessions\/end/.test(path)) continue;
    const filled = path
      .replaceAll(/:\w+\{([\w-]+)[^}]*\}/g, '$1')
      .replace('/assets/:name', '/assets/site.css')
      .replace('/tile/*', '/tile/0/000.p/1')
      .replaceAll(/:\w+/g, 'xyz_00000000000000000000000000')
      .replace('*', 'nowhere');
    found.set(`${method} ${filled}`, { method, path: filled });
  }
  const more = ['/assets/passkey.js', '/assets/mark.svg', '/assets/none.js', '/ledger/tile/entries/000.p/1'];
  for (const path of [...more, '/ledger/none', '/.well-known/none', '/api/v1/none', '/api', '/api/none', '/%zz'])
    found.set(`GET ${path}`, { method: 'GET', path });
  for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'PURGE'])
    for (const path of ['/', '/docs', '/console', '/api/v1/requests', '/nowhere'])
      found.set(`${method} ${path}`, { method, path });
  return [...found.values()];
}

/** What is public, and the same for everybody: the only answers a cache may keep. */
const isPublic =
  /^\/(assets\/|favicon\.ico|ledger\/(key|tile\/\d)|\.well-known\/|openapi\.json$|docs$|$|retention$|legal$|transparency$|verify$)/;
const activeTypes = /html|xml|svg|javascript|pdf/;

/** What is wrong with the headers of an answer. */
function complaints(origin: string, path: string, method: string, { status, headers }: Response): string[] {
  const wrong: string[] = [];
  const check = (ok: boolean, what: string) => {
    if (!ok) wrong.push(what);
  };
  const value = (name: string) => headers.get(name) ?? '';
  const policy = new Map(
    value('content-security-policy')
      .split(';')
      .map((part): [string, string[]] => {
        const [name = '', ...sources] = part.trim().split(/\s+/);
        return [name, sources];
      }),
  );
  check(policy.get('default-src')?.join() === "'none'", 'CSP: default-src is not none');
  check(policy.get('frame-ancestors')?.join() === "'none'", 'CSP: frame-ancestors is not none');
  check(policy.has('base-uri') && policy.has('form-action'), 'CSP: base-uri or form-action is open');
  const sources = [...policy.values()].flat();
  check(
    sources.every((source) => source === "'none'" || source === "'self'"),
    `CSP: ${sources.join(' ')}`,
  );
  check(value('x-content-type-options') === 'nosniff', 'no nosniff');
  check(/^(no-referrer|same-origin)$/.test(value('referrer-policy')), `Referrer-Policy: ${value('referrer-policy')}`);
  check(value('x-frame-options') === 'DENY', 'X-Frame-Options');
  check(headers.has('strict-transport-security') === origin.startsWith('https:'), 'HSTS');
  check(!headers.has('server') && !headers.has('x-powered-by'), 'tells what it runs on');
  check(!headers.has('access-control-allow-origin'), 'lets other sites read it');
  const kept = value('cache-control');
  if (!isPublic.test(path) || method === 'POST' || status === 401 || status === 403)
    check(/no-store|no-cache/.test(kept), `Cache-Control: ${kept}`);
  if (path.startsWith('/console') || path.startsWith('/api') || path.startsWith('/status'))
    check(/no-store/.test(kept), `Cache-Control: ${kept}`);
  const type = value('content-type');
  const disposition = value('content-disposition');
  if (disposition !== '') check(/^attachment; filename="[\w.-]+"$/.test(disposition), disposition);
  if (type !== '' && activeTypes.test(type) && !disposition)
    check(type.startsWith('text/html') || path.startsWith('/assets/'), `${type} is shown, not saved`);
  if (type.startsWith('text/')) check(/charset=utf-8/i.test(type) || type.includes('version=0.0.4'), type);
  return wrong;
}

describe.each(origins)('at %s', (origin) => {
  it('every answer of every route says what a browser may do with it: nothing more than it needs', async () => {
    const { app, callers } = placeOf(origin);
    const wrong: string[] = [];
    let answers = 0;
    for (const { method, path } of addresses(app))
      for (const [who, headers] of Object.entries(callers)) {
        const body = method === 'POST' ? (path.startsWith('/api') ? '{}' : 'a=b') : null;
        const type = path.startsWith('/api') ? 'application/json' : 'application/x-www-form-urlencoded';
        const answer = await app.request(`${origin}${path}`, {
          method,
          body,
          headers: { ...headers, ...(body ? { 'content-type': type, origin } : {}) },
        });
        answers++;
        if (answer.status >= 500 && path !== '/readyz') wrong.push(`${who}: ${method} ${path}: ${answer.status}`);
        for (const what of complaints(origin, path, method, answer))
          wrong.push(`${who}: ${method} ${path} (${answer.status}): ${what}`);
        await answer.body?.cancel();
      }
    expect(wrong).toEqual([]);
    expect(answers).toBeGreaterThan(600);
  }, 120_000);

  it('every cookie is out of reach of scripts and other sites, and under https of sibling hosts', () => {
    const { cookies } = placeOf(origin);
    const names = new Set(cookies.map((cookie) => /^(?:__Host-)?([^=]+)=/.exec(cookie)?.[1]));
    expect([...names]).toEqual(expect.arrayContaining(['muniment_visit', 'muniment.session_token', 'muniment.device']));
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; HttpOnly/i);
      expect(cookie).toMatch(/; SameSite=(Lax|Strict)/i);
      expect(cookie).toMatch(/; Path=\/(;|$)/);
      expect(cookie).not.toMatch(/; Domain=/i);
      expect(/; Secure/i.test(cookie)).toBe(origin.startsWith('https:'));
      expect(cookie.startsWith('__Host-')).toBe(origin.startsWith('https:'));
    }
  });
});
