import fc from 'fast-check';
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/core/hash.ts';
import { makeId } from '../../src/core/ids.ts';
import { listNotices } from '../../src/db/notices.ts';
import { addGrant } from '../../src/db/requests.ts';
import { lookUpRequest } from '../../src/flows/look-up.ts';
import type { Office } from '../../src/flows/office.ts';
import { httpApp } from '../../src/http/app.ts';
import { webApp } from '../../src/web/app.tsx';
import { done } from '../invariants/world.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { tokenFor } from '../support/people.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { Visitor } from '../support/staff.ts';
import { waitUntil } from '../support/wait.ts';

/**
 * I10 over the whole table of routes: somebody with a request, a package, a code, a link and a visit of their own tries
 * everything they hold, and everything of others that can be guessed, in every place of every route. FUZZ_RUNS says how
 * often per route, FUZZ_SEED where the chance begins.
 */
const runs = Number(process.env.FUZZ_RUNS ?? 16);
const seed = Number(process.env.FUZZ_SEED ?? 20261127);
const origin = 'http://localhost:3000';

interface Person {
  readonly email: string;
  readonly reference: string;
  readonly id: string;
  readonly exportId: string;
  /** The secret of the link to their package. */
  readonly link: string;
  /** The secret of a visit. */
  readonly visit: string;
  /** What nobody else may ever see. */
  readonly marks: readonly string[];
}

let database: TestDatabase;
let opened: TestHouse;
let office: Office;
let app: Hono;
let eve: Person;
let others: readonly Person[];
let ahead = Temporal.Duration.from({ seconds: 0 });
let calls = 0;

beforeAll(async () => {
  database = await emptyDatabase();
  await database.sql.unsafe(`CREATE TABLE users (id int PRIMARY KEY, email text, name text);
    CREATE TABLE messages (id int PRIMARY KEY, sender_id int REFERENCES users, sent_at timestamptz, body text);
    INSERT INTO users SELECT n, (ARRAY['anna', 'bob', 'eve'])[n] || '@example.com', 'x' FROM generate_series(1, 3) n;
    INSERT INTO messages SELECT n, 1 + n % 3, now() - n * interval '1 hour', 'message ' || n FROM generate_series(1, 30) n;`);
  opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    env: { APP: database.url },
    now: () => Temporal.Now.instant().round('millisecond').add(ahead),
    working: true,
  });
  office = opened.house.office;
  // A network for each call: the limits have tests of their own.
  const networkOf = () => `network ${calls++}`;
  const http = httpApp(office, {
    sessionOf: (headers) => office.signIn.session(headers),
    metrics: async () => '',
    metricsToken: 'm',
    networkOf,
    report: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  app = http.app;
  app.route('/', webApp(office, { nextBell: () => null, networkOf, report: () => {} }));
  const tokens = {
    preparer: await tokenFor(office, { name: 'Pat Preparer', role: 'privacy' }),
    approver: await tokenFor(office, { name: 'Alex Approver', role: 'privacy' }),
  };
  const [anna, bob, self] = await Promise.all(['anna', 'bob', 'eve'].map((name) => personWithPackage(name, tokens)));
  if (!anna || !bob || !self) throw new Error('three people were asked for');
  [eve, others] = [self, [anna, bob]];
}, 120_000);
afterAll(async () => {
  await opened?.close();
  await database?.drop();
});

/** Somebody who asked for a copy, proved who they are, and was given it. */
async function personWithPackage(name: string, tokens: { preparer: string; approver: string }): Promise<Person> {
  const email = `${name}@example.com`;
  const visitor = new Visitor(app);
  const form = { type: 'access', email, name: `Name of ${name}`, details: `Details of ${name}` };
  const received = await visitor.post('/', form);
  const reference = /R-[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(received.text)?.[0] ?? '';
  const api = async (token: string, path: string, body?: object) => {
    const answer = await app.request(`/api/v1${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const { items } = (await api(tokens.preparer, '/requests?limit=50')).body as { items: Record<string, string>[] };
  const id = items.find((one) => one.reference === reference)?.id ?? '';
  const letter = (template: string) =>
    waitUntil(async () => {
      const all = await listNotices(office.store, 200);
      return all.find((one) => one.template === template && one.caseId === id)?.letter.reveal().text;
    }, 30_000);
  const inState = (state: string) =>
    waitUntil(
      async () => ((await api(tokens.preparer, `/requests/${id}`)).body.state === state ? true : undefined),
      30_000,
    );
  const code = /code is (\d{8})/.exec(await letter('identity-code'))?.[1] ?? '';
  await visitor.post('/status/code', { reference, code });
  await inState('review');
  expect((await api(tokens.preparer, `/requests/${id}/decide`, { outcome: 'granted' })).status).toBe(200);
  await waitUntil(
    async () => ((await api(tokens.approver, `/requests/${id}/approve`, {})).status === 200 ? true : undefined),
    30_000,
  );
  await inState('closed');
  const link = /\/package\/([\w-]+)/.exec(await letter('package-ready'))?.[1] ?? '';
  const { exportId } = done(await lookUpRequest(office, id));
  const visit = `visit of ${name}`;
  await grantVisit(id, visit, office.now().add({ hours: 48 }));
  return {
    email,
    reference,
    id,
    exportId: exportId ?? '',
    link,
    visit,
    marks: [email, form.name, form.details, id, exportId ?? '-', link, `Request ${reference}`],
  };
}

/** A visit that lasts as long as the test. */
async function grantVisit(requestId: string, secret: string, expiresAt: Temporal.Instant): Promise<void> {
  const createdAt = office.now().subtract({ hours: 1 });
  await addGrant(office.store.db.orm, {
    id: makeId('grant', createdAt, office.random(10)),
    requestId,
    kind: 'session',
    secretHash: sha256Hex(secret),
    createdAt,
    expiresAt,
    usedAt: null,
    attempts: 0,
  });
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly values: Readonly<Record<string, string | undefined>>;
  readonly cookie: string;
}

async function send({ method, path, values, cookie }: Call): Promise<{ status: number; text: string; all: string }> {
  // Time goes on, so that what is limited by the hour is tried again and again.
  ahead = ahead.add({ seconds: 30 });
  const posts = method === 'POST';
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) form.set(name, value);
  const isApi = path.startsWith('/api');
  const answer = await app.request(`${origin}${path}${posts ? '' : `?${form.toString()}`}`, {
    method,
    headers: {
      origin,
      'sec-fetch-site': 'same-origin',
      cookie: `muniment_visit=${encodeURIComponent(cookie)}`,
      authorization: `Bearer ${cookie}`,
      ...(posts && isApi ? { 'content-type': 'application/json' } : {}),
    },
    ...(posts ? { body: isApi ? JSON.stringify(values) : form } : {}),
  });
  const text = Buffer.from(await answer.arrayBuffer()).toString('latin1');
  const headers = [...answer.headers].filter(([name]) => name !== 'retry-after');
  return { status: answer.status, text, all: JSON.stringify([answer.status, headers, text]) };
}

/** Every route with somebody's word in the place of every parameter. */
function routes(): readonly { readonly method: string; readonly path: string }[] {
  const known = app.routes.filter(({ method, path }) => method !== 'ALL' && !path.startsWith('/assets'));
  return [...new Map(known.map(({ method, path }) => [`${method} ${path}`, { method, path }])).values()];
}
const hasPlace = (path: string) => /:\w+|\*/.test(path);
const filled = (path: string, word: string) => path.replaceAll(/:\w+(\{[^}]*\})?|\*/g, encodeURIComponent(word));

/** What opened, or left, for one of the others. */
async function traces(): Promise<string> {
  const { sql } = office.store.db;
  const ids = others.map(({ id }) => id);
  const [row] = await sql`SELECT
    (SELECT count(*) FROM grants WHERE kind = 'session' AND request_id IN ${sql(ids)}) AS visits,
    (SELECT string_agg(id || version, ' ' ORDER BY id) FROM requests WHERE id IN ${sql(ids)}) AS moved,
    (SELECT count(*) FROM (SELECT kind, bytes FROM ledger_entries UNION ALL SELECT kind, bytes FROM ledger_pending) e
      WHERE kind IN ('request.downloaded', 'export.downloaded')
      AND convert_from(bytes, 'UTF8') ~ ${ids.join('|')}) AS fetched`;
  return JSON.stringify(row);
}

const fields = ['reference', 'code', 'email', 'secret', 'id', 'request', 'requestId'] as const;
const fakes = {
  reference: 'R-ABCD-EFGH',
  id: 'req_01jdq4v7m8abcdefghjkmnpqrs',
  exportId: 'exp_01jdq4v7m8abcdefghjkmnpqrs',
};

describe('I10 somebody with a request of their own', () => {
  it('reaches their own package, so that what follows says something', async () => {
    const own = await send({ method: 'GET', path: '/status/package', values: {}, cookie: eve.visit });
    expect([own.status, own.text.slice(0, 2)]).toEqual([200, 'PK']);
    expect((await send({ method: 'GET', path: '/status', values: {}, cookie: eve.visit })).text).toContain(
      eve.reference,
    );
  });

  it(`never reaches what is another's, whatever they hold is put where (${runs} times per route)`, async () => {
    await grantVisit(eve.id, 'visit that is over', office.now().subtract({ minutes: 1 }));
    const codes = (await listNotices(office.store, 200))
      .filter(({ caseId }) => caseId === eve.id)
      .flatMap(({ letter }) => /code is (\d{8})/.exec(letter.reveal().text)?.[1] ?? []);
    const hers = [eve.reference, eve.id, eve.exportId, eve.link, eve.visit, eve.email, ...codes];
    const guessed = others.flatMap(({ reference, id, exportId }) => [reference, id, exportId, reference.toLowerCase()]);
    const made = [...Object.values(fakes), '', '00000000', `${eve.link}/../${others[0]?.id}`, 'visit that is over'];
    const word = fc.constantFrom(...hers, ...guessed, ...guessed, ...made);
    const cookie = fc.oneof(fc.constant(eve.visit), word);
    const before = await traces();
    const wrong: string[] = [];
    let sent = 0;
    for (const { method, path } of routes()) {
      const values = fc.record(Object.fromEntries(fields.map((name) => [name, word])), { requiredKeys: [] });
      const tries = fc.record({
        method: fc.constant(method),
        path: word.map((one) => filled(path, one)),
        values,
        cookie,
      });
      for (const call of fc.sample(tries, { seed, numRuns: runs })) {
        const { status, text } = await send(call);
        sent++;
        const said = JSON.stringify(call);
        const leaked = others
          .flatMap(({ marks }) => marks)
          .filter((mark) => text.includes(mark) && !said.includes(mark));
        if (
          leaked.length > 0 ||
          (status >= 500 && path !== '/readyz') ||
          (text.startsWith('PK') && call.cookie !== eve.visit)
        )
          wrong.push(`${said} -> ${status} ${leaked.join()}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(sent).toBeGreaterThan(100 * runs);
    expect(await traces()).toBe(before);
  }, 300_000);

  it("cannot tell another's request from one that is not there, on any route", async () => {
    const [anna] = others;
    if (!anna) throw new Error('nobody else is here');
    const wrong: string[] = [];
    for (const { method, path } of routes())
      for (const kind of ['reference', 'id', 'exportId'] as const) {
        // What passkeys are asked to sign is another thing each time.
        if ((!hasPlace(path) && kind !== 'reference') || path.startsWith('/console/sign-in/passkey')) continue;
        const ask = async (one: string) => {
          const values = { reference: one, code: '00000000', email: eve.email, id: one };
          const { all } = await send({ method, path: filled(path, one), values, cookie: eve.visit });
          return all.replaceAll(one, 'WORD').replaceAll(encodeURIComponent(one), 'WORD');
        };
        const [theirs, nothing] = [await ask(anna[kind]), await ask(fakes[kind])];
        if (theirs !== nothing)
          wrong.push(`${method} ${path} (${kind}): ${theirs.slice(0, 300)} / ${nothing.slice(0, 300)}`);
      }
    expect(wrong).toEqual([]);
  }, 300_000);

  it('cannot tell it by trying codes, even while one is on its way', async () => {
    const [, bob] = others;
    if (!bob) throw new Error('nobody else is here');
    await new Visitor(app).post('/status', { reference: bob.reference, email: bob.email });
    const tried = async (reference: string) => {
      const all: string[] = [];
      for (let i = 0; i < 8; i++) {
        const begun = performance.now();
        const answer = await send({
          method: 'POST',
          path: '/status/code',
          values: { reference, code: '0' },
          cookie: '',
        });
        all.push(answer.all.replaceAll(reference, 'WORD'));
        expect(performance.now() - begun).toBeGreaterThan(190);
      }
      return all;
    };
    expect(await tried(bob.reference)).toEqual(await tried(fakes.reference));
  });

  it('leaves, and what opened their visit opens nothing any more', async () => {
    await grantVisit(eve.id, 'visit to leave', office.now().add({ minutes: 20 }));
    const visitor = new Visitor(app);
    visitor.setCookie('muniment_visit', encodeURIComponent('visit to leave'));
    expect((await visitor.get('/status')).text).toContain(eve.reference);
    await visitor.post('/status/leave');
    expect(visitor.cookie('muniment_visit')).toBeUndefined();
    visitor.setCookie('muniment_visit', encodeURIComponent('visit to leave'));
    expect((await visitor.get('/status')).text).not.toContain(eve.reference);
    expect((await visitor.get('/status/package')).status).toBe(410);
  });
});
