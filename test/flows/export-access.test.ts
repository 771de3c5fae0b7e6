import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../src/core/actor.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { approveExport } from '../../src/flows/approve-export.ts';
import { authenticateToken } from '../../src/flows/authenticate.ts';
import { createToken } from '../../src/flows/create-actor.ts';
import { readOverview } from '../../src/flows/read-overview.ts';
import { httpApp } from '../../src/http/app.ts';
import { may } from '../../src/policy/roles.ts';
import { webApp } from '../../src/web/app.tsx';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { type MailServer, startMailServer } from '../support/mail.ts';
import { tokenFor } from '../support/people.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { firstSignIn, newMember, Visitor } from '../support/staff.ts';
import { waitUntil } from '../support/wait.ts';

let app: TestDatabase;
let mail: MailServer;
let opened: TestHouse;
let doors: Hono;
const tokens = new Map<string, string>();
/** Pat and Alex: privacy; Lee and Lou: legal; Ari: auditor. */
const people: readonly (readonly [string, Role])[] = [
  ['Pat', 'privacy'],
  ['Alex', 'privacy'],
  ['Lee', 'legal'],
  ['Lou', 'legal'],
  ['Ari', 'auditor'],
];

beforeAll(async () => {
  [app, mail] = await Promise.all([emptyDatabase(), startMailServer()]);
  await app.sql.unsafe(`CREATE TABLE users (id int PRIMARY KEY, email text, name text);
    CREATE TABLE messages (id int PRIMARY KEY, sender_id int REFERENCES users, sent_at timestamptz, body text);
    INSERT INTO users VALUES (1, 'ada@example.com', 'Ada'), (2, 'bob@example.com', 'Bob');
    INSERT INTO messages SELECT n, 1 + n % 2, now() - n * interval '1 hour', 'message ' || n FROM generate_series(1, 6) n;`);
  opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    env: { APP: app.url, SMTP_URL: mail.url },
    working: true,
  });
  const { office } = opened.house;
  const http = httpApp(office, {
    sessionOf: (headers) => office.signIn.session(headers),
    metrics: async () => '',
    metricsToken: 'm',
    networkOf: () => null,
    report: () => {},
  });
  http.app.route('/', webApp(office, { nextBell: () => null, networkOf: () => null, report: () => {} }));
  doors = http.app as unknown as Hono;
  for (const [name, role] of people) tokens.set(name, await tokenFor(office, { name, role }));
}, 60_000);
afterAll(async () => {
  await opened?.close();
  await mail?.close();
  await app?.drop();
});

// biome-ignore lint/suspicious/noExplicitAny: answers of many kinds, each checked by what is expected of it
type Body = any;

async function api(who: string, method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }> {
  const response = await doors.request(`/api/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${tokens.get(who)}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = Buffer.from(await response.arrayBuffer()).toString();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}
const inState = (who: string, path: string, state: string): Promise<Body> =>
  waitUntil(async () => {
    const { body } = await api(who, 'GET', path);
    return body.state === state ? body : undefined;
  }, 30_000);
const scope = (email: string) => ({ subjects: [{ kind: 'email', value: email }] });
const matter = 'GJ-77 investigation of Ada';

/** A demand that is authenticated. */
async function demand(): Promise<string> {
  const made = await api('Lee', 'POST', '/demands', {
    type: 'grand_jury_subpoena',
    issuer: { name: 'Grand Jury', country: 'US' },
    receivedAt: Temporal.Now.instant().subtract({ hours: 48 }).toString({ smallestUnit: 'millisecond' }),
    targets: [{ kind: 'email', value: 'ada@example.com' }],
  });
  expect(made.status).toBe(201);
  await api('Lee', 'POST', `/demands/${made.body.id}/authenticate`, { note: 'called' });
  return made.body.id;
}

/** An export of legal's for a demand, which waits for approval. */
async function production(demandId: string): Promise<string> {
  const order = { purpose: 'legal_production', demandId, matter, scope: scope('ada@example.com') };
  const made = await api('Lee', 'POST', '/exports', order);
  expect(made.status).toBe(202);
  await inState('Lee', `/exports/${made.body.id}`, 'awaiting_approval');
  return made.body.id;
}

/** A request for a copy, granted by Pat, whose package waits for approval; and the browser of the person who asks. */
async function packaged() {
  const { body } = await api('Pat', 'POST', '/requests', {
    type: 'access',
    subject: { identifiers: [{ kind: 'email', value: 'bob@example.com' }] },
  });
  const { id, reference } = body;
  const code = await waitUntil(async () =>
    mail
      .received()
      .map(({ mail: letter }) => letter.text ?? '')
      .filter((text) => text.includes(reference))
      .map((text) => /code is (\d{8})/.exec(text)?.[1])
      .find((found) => found !== undefined),
  );
  const person = new Visitor(doors);
  expect((await person.post('/status/code', { reference, code: code ?? '' })).status).toBe(303);
  await inState('Pat', `/requests/${id}`, 'review');
  expect((await api('Pat', 'POST', `/requests/${id}/decide`, { outcome: 'granted' })).status).toBe(200);
  const exported: string = await waitUntil(
    async () => (await api('Pat', 'GET', `/requests/${id}`)).body.export ?? undefined,
    20_000,
  );
  await inState('Pat', `/exports/${exported}`, 'awaiting_approval');
  return { id: id as string, exported, person };
}

/** Signed outside of its request, as nobody can any more: what a crash between the two approvals leaves. */
async function sealAlone(id: string, exported: string): Promise<void> {
  const caller = await authenticateToken(opened.house.office, tokens.get('Alex') ?? '');
  if (!caller?.presence) throw new Error('the token may not approve');
  const done = await approveExport(opened.house.office, caller.actor, caller.presence, exported, id);
  if (isRefusal(done)) throw new Error(done.detail);
  await inState('Pat', `/exports/${exported}`, 'sealed');
  // Its delivery has been looked at by now: it found nothing to deliver.
  await waitUntil(async () => {
    const rows = await opened.house.office.store.db.sql`SELECT 1 FROM pgboss.job
      WHERE name = 'deliver-access-package' AND data->>'export' = ${exported} AND state = 'completed'`;
    return rows.length > 0 ? true : undefined;
  }, 20_000);
}

describe('an export that answers a demand', () => {
  it('is not there for whom the demand is not there, by any call, and cannot be linked by them', async () => {
    const demandId = await demand();
    const id = await production(demandId);
    expect((await api('Pat', 'GET', `/demands/${demandId}`)).status).toBe(403);
    const nothing = 'exp_01jdq4v7m8abcdefghjkmnpqrs';
    const calls = [
      ['GET', ''],
      ['POST', '/submit'],
      ['POST', '/approve'],
      ['GET', '/package'],
    ] as const;
    const compare = async (who: string) => {
      for (const [method, path] of calls) {
        const hidden = await api(who, method, `/exports/${id}${path}`);
        const absent = await api(who, method, `/exports/${nothing}${path}`);
        expect(hidden.status, `${method} ${path}`).toBe(404);
        const { instance: _, ...said } = hidden.body;
        const { instance: __, ...saidOfNothing } = absent.body;
        expect(JSON.stringify(said).replaceAll(id, nothing)).toBe(JSON.stringify(saidOfNothing));
      }
    };
    await compare('Pat');
    await compare('Alex');
    const own = { purpose: 'certified_export', scope: scope('bob@example.com') };
    const linked = await api('Pat', 'POST', '/exports', { ...own, demandId });
    expect(linked.status).toBe(404);
    expect((await api('Lee', 'GET', `/demands/${demandId}`)).body.exports).toEqual([id]);
    expect((await api('Lou', 'POST', `/exports/${id}/approve`)).status).toBe(200);
    await inState('Lee', `/exports/${id}`, 'sealed');
    await compare('Pat');
    expect((await api('Lee', 'GET', `/exports/${id}/package`)).status).toBe(200);
    expect((await api('Ari', 'GET', `/exports/${id}`)).body.matter).toBe(matter);
    expect((await api('Ari', 'GET', `/exports/${id}/package`)).status).toBe(403);
  }, 60_000);

  it('stands in no list, page or overview of theirs, while their own do', async () => {
    const id = await production(await demand());
    const mine = await api('Pat', 'POST', '/exports', { purpose: 'certified_export', scope: scope('bob@example.com') });
    expect(mine.status).toBe(202);
    await production(await demand());
    const seen = (await api('Pat', 'GET', '/exports')).body;
    expect(seen.items.map((one: Body) => one.id)).toContain(mine.body.id);
    expect(JSON.stringify(seen)).not.toContain(matter);
    // What is left out does not end the list before its end.
    const first = (await api('Pat', 'GET', '/exports?limit=1')).body;
    expect(first.items.map((one: Body) => one.id)).toEqual([mine.body.id]);
    expect((await api('Lee', 'GET', '/exports')).body.items.map((one: Body) => one.id)).toContain(id);
    const { office } = opened.house;
    const waiting = async (role: Role) => {
      const overview = await readOverview(office, (permission) => may(office.policy.roles, role, permission));
      return JSON.stringify(overview.waiting);
    };
    expect(await waiting('privacy')).not.toContain(matter);
    expect(await waiting('legal')).toContain(matter);
    const member = await newMember(office, 'privacy', 'paula@example.com');
    const { visitor } = await firstSignIn(doors, member.email);
    for (const path of [`/exports/${id}`, `/exports/${id}/approve`, `/exports/${id}/package`])
      expect((await visitor.get(`/console${path}`)).status, path).toBe(404);
    expect((await visitor.post(`/console/exports/${id}/approve`)).text).not.toContain(matter);
    for (const path of ['', '/exports']) expect((await visitor.get(`/console${path}`)).text).not.toContain(matter);
    expect((await visitor.get('/console/exports')).text).toContain(mine.body.id);
  }, 60_000);

  it('is not there for a token that was made without demands', async () => {
    const { office } = opened.house;
    const scopes = ['exports.read', 'exports.work', 'exports.approve', 'exports.download'];
    const order = { name: 'Scoped', role: 'legal', expires: null, canApprove: true } as const;
    const cli = { id: 'cli:test', kind: 'cli', role: 'admin', approval: null } as const;
    for (const [name, more] of [
      ['none', []],
      ['reads', ['demands.read']],
    ] as const) {
      const made = await createToken(office, cli, { ...order, scopes: [...scopes, ...more] });
      if (isRefusal(made)) throw new Error(made.detail);
      tokens.set(name, made.token);
    }
    const demandId = await demand();
    const id = await production(demandId);
    expect((await api('none', 'GET', `/exports/${id}`)).status).toBe(404);
    expect((await api('none', 'POST', `/exports/${id}/approve`)).status).toBe(404);
    expect((await api('reads', 'GET', `/exports/${id}`)).status).toBe(200);
    for (const [path, permission] of [
      ['submit', 'demands.work'],
      ['approve', 'demands.approve'],
    ])
      expect((await api('reads', 'POST', `/exports/${id}/${path}`)).body).toMatchObject({ status: 403, permission });
    const own = { purpose: 'certified_export', demandId, scope: scope('bob@example.com') };
    expect((await api('reads', 'POST', '/exports', own)).body).toMatchObject({ permission: 'demands.work' });
  }, 60_000);
});

describe('a hold for a demand', () => {
  it('is placed by who works on demands, and for others there is no such demand', async () => {
    const { office } = opened.house;
    const cli = { id: 'cli:test', kind: 'cli', role: 'admin', approval: null } as const;
    const order = { name: 'Holder', role: 'legal', expires: null, canApprove: false } as const;
    for (const [name, more] of [
      ['holds', []],
      ['holds and reads', ['demands.read']],
      ['holds and works', ['demands.read', 'demands.work']],
    ] as const) {
      const made = await createToken(office, cli, { ...order, scopes: ['holds.read', 'holds.place', ...more] });
      if (isRefusal(made)) throw new Error(made.detail);
      tokens.set(name, made.token);
    }
    const demandId = await demand();
    const hold = { matter: 'M', reason: 'R', scope: scope('ada@example.com') };
    const nothing = 'dem_01jdq4v7m8abcdefghjkmnpqrs';
    const [hidden, absent] = [
      await api('holds', 'POST', '/holds', { ...hold, demandId }),
      await api('holds', 'POST', '/holds', { ...hold, demandId: nothing }),
    ];
    expect([hidden.status, hidden.body]).toEqual([404, absent.body]);
    const barred = await api('holds and reads', 'POST', '/holds', { ...hold, demandId });
    expect(barred.body).toMatchObject({ status: 403, permission: 'demands.work' });
    expect((await api('Lee', 'GET', `/demands/${demandId}`)).body.holds).toEqual([]);
    const placed = await api('holds and works', 'POST', '/holds', { ...hold, demandId });
    expect((await api('Lee', 'GET', `/demands/${demandId}`)).body.holds).toEqual([placed.body.id]);
    // A hold of their own, for no demand, is theirs to place.
    expect((await api('holds', 'POST', '/holds', hold)).status).toBe(201);
  }, 60_000);
});

describe('a package that answers a request', () => {
  it('is approved with its request, and by nobody beside it', async () => {
    const { id, exported, person } = await packaged();
    expect((await api('Lee', 'POST', `/exports/${exported}/approve`)).body).toMatchObject({
      status: 403,
      permission: 'requests.approve',
    });
    const beside = await api('Alex', 'POST', `/exports/${exported}/approve`);
    expect(beside.status).toBe(403);
    expect(beside.body.detail).toContain('Approve the request');
    expect((await api('Pat', 'GET', `/exports/${exported}`)).body.state).toBe('awaiting_approval');
    expect((await person.get('/status/package')).status).toBe(403);
    expect((await api('Alex', 'POST', `/requests/${id}/approve`)).status).toBe(200);
    await inState('Pat', `/requests/${id}`, 'closed');
    expect((await person.get('/status/package')).status).toBe(200);
    // All that is kept of a person is for whoever works on their request, not for everybody who may look at it.
    expect((await api('Pat', 'GET', `/exports/${exported}/package`)).status).toBe(200);
    expect((await api('Lee', 'GET', `/exports/${exported}`)).status).toBe(200);
    expect((await api('Lee', 'GET', `/exports/${exported}/package`)).body).toMatchObject({
      status: 403,
      permission: 'requests.work',
    });
  }, 60_000);

  it('is approved as it was looked at, and not as it was decided anew meanwhile', async () => {
    const { office } = opened.house;
    const { id } = await packaged();
    const member = await newMember(office, 'privacy', 'looks@example.com');
    const { visitor } = await firstSignIn(doors, member.email);
    const page = `/console/requests/${id}/approve`;
    const seenOn = ({ text }: { text: string }) => /name="decidedAt" value="([^"]+)"/.exec(text)?.[1] ?? '';
    const before = seenOn(await visitor.get(page));
    const old = (await api('Pat', 'GET', `/requests/${id}`)).body;
    expect(before).toBe(old.decision.at);
    expect((await api('Pat', 'POST', `/requests/${id}/gather`)).status).toBe(200);
    await inState('Pat', `/requests/${id}`, 'review');
    const anew = { outcome: 'partly_granted', reason: 'OTHERS_RIGHTS' };
    expect((await api('Pat', 'POST', `/requests/${id}/decide`, anew)).status).toBe(200);
    const exported: string = await waitUntil(
      async () => (await api('Pat', 'GET', `/requests/${id}`)).body.export ?? undefined,
      20_000,
    );
    expect(exported).not.toBe(old.export);
    await inState('Pat', `/exports/${exported}`, 'awaiting_approval');
    const posted = await visitor.post(page, { decidedAt: before });
    expect([posted.status, posted.text.includes('decided anew')]).toEqual([409, true]);
    const called = await api('Alex', 'POST', `/requests/${id}/approve`, { decidedAt: before });
    expect(called.body).toMatchObject({ status: 409, code: 'conflict' });
    expect((await api('Pat', 'GET', `/exports/${exported}`)).body.state).toBe('awaiting_approval');
    expect((await visitor.post(page, { decidedAt: seenOn(await visitor.get(page)) })).status).toBe(303);
    await inState('Pat', `/requests/${id}`, 'closed');
  }, 60_000);

  it('is recorded as downloaded when it was, and not when somebody asks for the headers alone', async () => {
    const { id, exported, person } = await packaged();
    expect((await api('Alex', 'POST', `/requests/${id}/approve`)).status).toBe(200);
    await inState('Pat', `/requests/${id}`, 'closed');
    const { store } = opened.house.office;
    const recorded = async () => {
      const [row] = await store.db.sql`SELECT count(*)::int AS n FROM
        (SELECT kind, bytes FROM ledger_pending UNION ALL SELECT kind, bytes FROM ledger_entries) e
        WHERE kind IN ('request.downloaded', 'export.downloaded') AND position(${exported} IN convert_from(bytes, 'UTF8')) > 0`;
      return Number(row?.n);
    };
    const before = await recorded();
    const headers = { cookie: person.jar, authorization: `Bearer ${tokens.get('Pat')}` };
    for (const path of ['/status/package', `/api/v1/exports/${exported}/package`, '/status', '/console/exports']) {
      const reply = await doors.request(`http://localhost:3000${path}`, { method: 'HEAD', headers });
      expect([path, reply.status, reply.headers.get('allow')]).toEqual([path, 405, 'GET']);
    }
    expect(await recorded()).toBe(before);
    expect((await person.get('/status/package')).status).toBe(200);
    expect(await recorded()).toBe(before + 2);
    // The ledger keeps what it is told for ever: nobody outside may tell it as much as they like.
    const again = await Promise.all(Array.from({ length: 40 }, () => person.get('/status/package')));
    expect(again.filter(({ status }) => status === 200)).toHaveLength(29);
    expect(again.filter(({ status }) => status === 429)).toHaveLength(11);
    expect(await recorded()).toBe(before + 2 * 30);
  }, 60_000);

  it('does not go out with a request that was withdrawn, sealed or not', async () => {
    const { id, exported, person } = await packaged();
    await sealAlone(id, exported);
    expect((await api('Pat', 'POST', `/requests/${id}/withdraw`)).status).toBe(200);
    expect((await person.get('/status/package')).status).toBe(403);
    expect((await person.get('/status')).text).not.toContain('/status/package');
  }, 60_000);

  it('goes out when its request is approved after it was sealed', async () => {
    const { id, exported, person } = await packaged();
    await sealAlone(id, exported);
    expect((await api('Alex', 'POST', `/requests/${id}/approve`)).status).toBe(200);
    await inState('Pat', `/requests/${id}`, 'closed');
    expect((await person.get('/status/package')).status).toBe(200);
  }, 60_000);
});
