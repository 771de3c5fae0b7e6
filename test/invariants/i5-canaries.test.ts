import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../src/core/actor.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { httpApp } from '../../src/http/app.ts';
import { webApp } from '../../src/web/app.tsx';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { type MailServer, startMailServer } from '../support/mail.ts';
import { tokenFor } from '../support/people.ts';
import { messagesRetention, policiesFolder, sourcesWithUsers } from '../support/policies.ts';
import { firstSignIn, newMember, staffPassword, Visitor } from '../support/staff.ts';
import { waitUntil } from '../support/wait.ts';

/** Words that nobody else would write: one in every field of every call. Where one turns up, that field leaked. */
const canaries = new Map<string, string>();
function plant(field: string): string {
  const known = canaries.get(field);
  if (known !== undefined) return known;
  const word = `kanari${createHash('sha256').update(field).digest('hex').slice(0, 10)}`;
  canaries.set(field, word);
  return word;
}

let app: TestDatabase;
let mail: MailServer;
let opened: TestHouse;
let doors: Hono;
let routes: ReturnType<typeof httpApp>['routes'];
const tokens = new Map<string, string>();
const logged: string[] = [];
const email = `${plant('email')}@example.com`;
const other = `${plant('other email')}@example.com`;

beforeAll(async () => {
  [app, mail] = await Promise.all([emptyDatabase(), startMailServer()]);
  await app.sql.unsafe(`CREATE TABLE users (id int PRIMARY KEY, email text, phone text, name text);
    CREATE TABLE messages (id int PRIMARY KEY, sender_id int REFERENCES users, sent_at timestamptz, body text);
    INSERT INTO users VALUES (1, '${email}', '+1${plant('phone')}', '${plant('name')}'), (2, '${other}', NULL, 'x');
    INSERT INTO messages SELECT n, 1 + n % 2, CASE WHEN n <= 10 THEN timestamptz '2019-01-01Z' ELSE now() END + n * interval '1 minute',
      '${plant('body')} ' || n FROM generate_series(1, 20) n;`);
  opened = await openTestHouse({
    policies: policiesFolder({
      'sources.yaml': sourcesWithUsers(
        'identifiers: { email: email, phone: phone }, fields: { name: { category: identity.name } }',
      ),
      'retention.yaml': messagesRetention,
    }),
    env: { APP: app.url, SMTP_URL: mail.url },
    working: true,
    demonstration: true,
    log: (...said) => logged.push(JSON.stringify(said)),
  });
  const report = (what: string, error: unknown) => logged.push(`${what} ${error instanceof Error ? error.name : ''}`);
  const http = httpApp(opened.house.office, {
    sessionOf: (headers) => opened.house.office.signIn.session(headers),
    metrics: async () => '',
    metricsToken: 'm',
    networkOf: () => null,
    report,
  });
  routes = http.routes;
  http.app.route('/', webApp(opened.house.office, { nextBell: () => null, networkOf: () => '192.0.2.1', report }));
  doors = http.app as unknown as Hono;
  for (const [name, role] of [
    [plant('privacy name'), 'privacy'],
    [plant('second name'), 'privacy'],
    [plant('legal name'), 'legal'],
    [plant('second legal name'), 'legal'],
    [plant('compliance name'), 'compliance'],
    [plant('second compliance name'), 'compliance'],
    [plant('admin name'), 'admin'],
  ] as readonly (readonly [string, Role])[])
    tokens.set(name, await tokenFor(opened.house.office, { name, role }));
});
afterAll(async () => {
  await opened?.close();
  await mail?.close();
  await app?.drop();
});

/** Every call and form that changes something, and those of them that the walk came to. */
const called = new Set<string>();
const routesThatChange = (): readonly string[] =>
  routes.filter(({ method }) => method === 'POST').map(({ path }) => path.replace(/^\/api\/v1/, ''));
/** Not walked here, each with the reason. */
const elsewhere: Readonly<Record<string, string>> = {
  '/verify': 'keeps nothing of what it is given (i8)',
  '/holds/{id}/settle': 'takes an id and nothing else',
  '/holds/{id}/reconcile': 'takes an id and nothing else',
};

function note(method: string, path: string): void {
  const pattern = (route: string) => new RegExp(`^${route.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
  if (method === 'POST') for (const route of routesThatChange()) if (pattern(route).test(path)) called.add(route);
}

async function api(who: string, method: string, path: string, body?: unknown) {
  note(method, path);
  const isForm = body instanceof FormData;
  const response = await doors.request(`/api/v1${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${tokens.get(plant(who))}`,
      // An answer that is kept to be given again speaks of people, too.
      ...(method === 'POST' ? { 'Idempotency-Key': randomUUID() } : {}),
      ...(isForm ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: (text.startsWith('{') ? JSON.parse(text) : {}) as { id: string; state: string },
  };
}

/** A call of somebody who is signed in, from one of our own pages. */
async function fromPage(visitor: Visitor, method: string, path: string, body: unknown = {}) {
  note(method, path);
  const response = await doors.request(`/api/v1${path}`, {
    method,
    headers: { cookie: visitor.jar, 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/json' },
    ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
  });
  const answer: unknown = await response.json();
  return { status: response.status, body: answer as { id: string; rows: { id: string }[] } };
}

async function inState(path: string, who: string, state: string): Promise<void> {
  let last = '';
  await waitUntil(async () => {
    const { body } = await api(who, 'GET', path);
    last = JSON.stringify(body);
    return body.state === state;
  }, 20_000).catch(() => {
    throw new Error(`not ${state}: ${last}`);
  });
}

async function everythingOnce(): Promise<void> {
  const ask = async (type: string) => {
    const made = await api('privacy name', 'POST', '/requests', {
      type,
      channel: 'mail',
      subject: {
        name: plant('subject name'),
        identifiers: [
          { kind: 'email', value: email },
          { kind: 'phone', value: `+1${plant('phone')}` },
        ],
      },
      details: plant('details'),
    });
    expect(made.status).toBe(201);
    const { id } = made.body;
    const { reference } = made.body as unknown as { reference: string };
    const letter = await mail.waitFor(
      ({ mail: one }) => (one.text ?? '').includes(reference) && (one.subject ?? '').startsWith('Your code'),
    );
    const code = /code is (\d{8})/.exec(letter.mail.text ?? '')?.[1] ?? '';
    await api('privacy name', 'POST', `/requests/${id}/verify`, { code: '00000000' });
    await api('privacy name', 'POST', `/requests/${id}/verify`, { code });
    await inState(`/requests/${id}`, 'privacy name', 'review');
    return id;
  };
  const hold = await api('legal name', 'POST', '/holds', {
    matter: plant('matter'),
    reason: plant('hold reason'),
    scope: { subjects: [{ kind: 'email', value: other }] },
  });
  expect(hold.body.state).toBe('active');
  const run = await api('compliance name', 'POST', '/disposition/runs', {});
  await inState(`/disposition/runs/${run.body.id}`, 'compliance name', 'completed');
  // Too late for each of them, and a refusal is written, too.
  for (const move of ['approve', 'cancel', 'pause', 'resume'])
    await api('second compliance name', 'POST', `/disposition/runs/${run.body.id}/${move}`, {});
  await everythingOfMatters(hold.body.id);
  await api('legal name', 'POST', `/holds/${hold.body.id}/release`, {});
  await api('second legal name', 'POST', `/holds/${hold.body.id}/approve`, {});

  const demand = await api('legal name', 'POST', '/demands', {
    type: 'civil_subpoena',
    instrumentNumber: plant('instrument'),
    issuer: { name: plant('issuer'), country: 'US', court: plant('court') },
    requester: {
      name: plant('requester'),
      agency: plant('agency'),
      role: plant('requester role'),
      email: `${plant('requester email')}@example.com`,
    },
    receivedAt: '2026-11-20T10:00:00Z',
    dueAt: '2026-12-20T10:00:00Z',
    targets: [{ kind: 'email', value: email }],
    scope: { dataClasses: ['content'], from: '2019-01-01', to: '2026-10-31' },
    caption: plant('caption'),
    notes: plant('notes'),
  });
  expect(demand.status, JSON.stringify(demand.body)).toBe(201);
  const paper = new FormData();
  paper.set('file', new File([`%PDF-1.4 ${plant('paper')}`], `${plant('file name')}.pdf`, { type: 'application/pdf' }));
  await api('legal name', 'POST', `/demands/${demand.body.id}/documents`, paper);
  await api('legal name', 'POST', `/demands/${demand.body.id}/authenticate`, { note: plant('move note') });
  const wanted = await api('legal name', 'POST', '/exports', {
    purpose: 'legal_production',
    demandId: demand.body.id,
    matter: plant('export matter'),
    scope: { subjects: [{ kind: 'email', value: email }] },
    formats: ['pdf', 'csv', 'ndjson'],
  });
  expect(wanted.status, JSON.stringify(wanted.body)).toBe(202);
  await inState(`/exports/${wanted.body.id}`, 'legal name', 'awaiting_approval');
  await api('legal name', 'POST', `/exports/${wanted.body.id}/submit`, {});
  await api('second legal name', 'POST', `/exports/${wanted.body.id}/approve`, {});
  await inState(`/exports/${wanted.body.id}`, 'legal name', 'sealed');
  expect((await api('legal name', 'GET', `/exports/${wanted.body.id}/package`)).status).toBe(200);

  const extended = await ask('access');
  await api('privacy name', 'POST', `/requests/${extended}/extend`, { reason: plant('extension reason') });
  await api('privacy name', 'POST', `/requests/${extended}/decide`, {
    outcome: 'refused',
    reason: plant('free reason'),
  });
  await api('privacy name', 'POST', `/requests/${extended}/decide`, { outcome: 'refused', reason: 'EXCESSIVE' });
  const erasure = await ask('erasure');
  await api('privacy name', 'POST', `/requests/${erasure}/decide`, { outcome: 'granted' });
  await api('second name', 'POST', `/requests/${erasure}/approve`, {});
  await inState(`/requests/${erasure}`, 'privacy name', 'closed');
}

/** What staff do about each other and themselves. Their own names and addresses stand in \`people\`, and nowhere else. */
async function everythingOfStaff(): Promise<void> {
  const admin = (path: string, body: unknown = {}) => api('admin name', 'POST', path, body);
  const invited = await admin('/people', {
    name: plant('invited name'),
    email: `${plant('invited email name')}@example.com`,
    role: 'legal',
    title: plant('title name'),
  });
  expect(invited.status, JSON.stringify(invited.body)).toBe(201);
  const id = (invited.body as unknown as { actor: string }).actor;
  await admin(`/people/${id}/invite`);
  await admin(`/people/${id}/role`, { role: 'privacy' });
  await admin(`/people/${id}/reset-second-factor`);
  await admin(`/people/${id}/disable`);
  await admin(`/people/${id}/enable`);
  const token = await admin('/tokens', { name: plant('service name'), role: 'auditor' });
  expect(token.status, JSON.stringify(token.body)).toBe(201);
  secrets.push((token.body as unknown as { token: string }).token);
  const [row] = await opened.house.office.store.db.sql`SELECT id FROM tokens ORDER BY created_at DESC LIMIT 1`;
  await admin(`/tokens/${String(row?.id)}/revoke`);
  const alarms = (await api('admin name', 'GET', '/alarms')).body as unknown as { items: { id: string }[] };
  await admin(`/alarms/${alarms.items[0]?.id}/seen`);

  // In the browser: wrong words, a password, a second factor, a token of one's own.
  const email = `${plant('member name')}@example.com`;
  await newMember(opened.house.office, 'legal', email);
  const stranger = new Visitor(doors);
  await stranger.post('/console/sign-in', {
    email: `${plant('wrong email')}@example.com`,
    password: plant('wrong password'),
  });
  const { visitor, secret, recovery } = await firstSignIn(doors, email);
  secrets.push(secret, ...recovery, visitor.cookie('muniment.session_token') ?? 'none');
  await visitor.post('/console/account/password', { old: staffPassword, new: plant('new password') });
  const made = await visitor.post('/console/account/tokens', { expires: 'P1D' });
  secrets.push(/mnt_[A-Za-z0-9_-]{43}/.exec(made.text)?.[0] ?? 'none');
  await everythingOfAccess(visitor);
}

/** A matter beside the one that the hold opened by its name; the hold is reviewed, given up, and kept after all. */
async function everythingOfMatters(hold: string): Promise<void> {
  const legal = (path: string, body: unknown = {}) => api('legal name', 'POST', path, body);
  const matter = await legal('/matters', { name: plant('matter'), docket: plant('docket') });
  expect(matter.status, JSON.stringify(matter.body)).toBe(201);
  const reviewed = await legal(`/holds/${hold}/review`, { note: plant('review note'), reviewOn: '2099-01-01' });
  expect(reviewed.status, JSON.stringify(reviewed.body)).toBe(200);
  const custodians = await legal(`/holds/${hold}/custodians`, {
    custodians: [{ name: plant('custodian'), email: `${plant('custodian email')}@example.com` }],
    instructions: plant('instructions'),
  });
  expect(custodians.status, JSON.stringify(custodians.body)).toBe(201);
  const [custodian] = (custodians.body as unknown as { items: { id: string }[] }).items;
  await legal(`/custodians/${custodian?.id}/remind`);
  await legal(`/custodians/${custodian?.id}/release`);
  const { body } = await api('legal name', 'GET', `/holds/${hold}`);
  const { matterId } = body as unknown as { matterId: string };
  await legal(`/matters/${matterId}/close`);
  await legal(`/matters/${matterId}/reopen`);
  expect((await legal(`/holds/${hold}/keep`)).body.state).toBe('active');
}

/** A breach, from the first word to the last. */
async function everythingOfIncidents(): Promise<void> {
  const opened = await api('privacy name', 'POST', '/incidents', {
    title: plant('incident title'),
    awareAt: new Date(Date.now() - 3_600_000).toISOString(),
    nature: plant('nature'),
    consequences: plant('consequences'),
    measures: plant('measures'),
    advice: plant('advice'),
    scope: { subjects: [{ kind: 'email', value: email }] },
  });
  expect(opened.status, JSON.stringify(opened.body)).toBe(201);
  const move = (who: string, name: string, body: object = {}) =>
    api(who, 'POST', `/incidents/${opened.body.id}/${name}`, body);
  await move('privacy name', 'describe', { nature: plant('nature again') });
  await move('privacy name', 'count', { scope: { subjects: [{ kind: 'email', value: other }] } });
  await move('privacy name', 'assess', { risk: 'high', note: plant('risk note') });
  await move('legal name', 'waive_authority', { note: plant('waive note') });
  await move('privacy name', 'notify_authority', { note: plant('authority note') });
  await move('legal name', 'waive_persons', { note: plant('persons waive note') });
  await move('privacy name', 'notify_persons', { note: plant('persons note') });
  await move('privacy name', 'close');
  await move('privacy name', 'reopen', { note: plant('reopen note') });
}

/** A role taken in an emergency and a review of everybody's access. */
async function everythingOfAccess(visitor: Visitor): Promise<void> {
  const lent = await fromPage(visitor, 'POST', '/access/break-glass', {
    role: 'compliance',
    reason: plant('emergency reason'),
    minutes: 5,
  });
  expect(lent.status, JSON.stringify(lent.body)).toBe(201);
  await fromPage(visitor, 'POST', `/access/break-glass/${lent.body.id}/end`);
  await api('admin name', 'POST', `/access/break-glass/${lent.body.id}/review`, {});
  const review = await api('admin name', 'POST', '/access/reviews', {});
  expect(review.status, JSON.stringify(review.body)).toBe(201);
  const { rows } = review.body as unknown as { rows: { id: string }[] };
  const choices = rows.map(({ id }) => ({ row: id, keep: true }));
  await api('admin name', 'POST', `/access/reviews/${review.body.id}/decide`, { choices });
  await api('admin name', 'POST', `/access/reviews/${review.body.id}/sign`, {});
}

/** What opens something, and stands nowhere but as a digest or encrypted. */
const secrets: string[] = [];

/** A word as it might stand somewhere: plain, in hex, in base64 at any offset. */
function forms(word: string): readonly string[] {
  const bytes = Buffer.from(word);
  const shifted = [0, 1, 2].map((pad) =>
    Buffer.concat([Buffer.alloc(pad), bytes])
      .toString('base64')
      .replaceAll('=', '')
      .slice(pad === 0 ? 0 : pad + 1, -2),
  );
  return [word, bytes.toString('hex'), ...shifted];
}

/** A digest without a key is as good as the address: whoever can guess it can look it up. */
function digestsOf(address: string): readonly string[] {
  return ['sha256', 'sha512', 'sha1', 'md5'].flatMap((algorithm) => {
    const digest = createHash(algorithm).update(address).digest();
    return [digest.toString('hex'), digest.toString('base64').replace(/=+$/, ''), digest.toString('base64url')];
  });
}

function leaksIn(where: string, text: string): readonly string[] {
  const low = text.toLowerCase();
  const planted = [...canaries].map(([field, word]) => [field, forms(word)] as const);
  const digests = [email, other, `+1${plant('phone')}`].map(
    (address, at) => [`digest ${at}`, digestsOf(address)] as const,
  );
  return [...planted, ...digests].flatMap(([field, words]) =>
    words.some((word) => text.includes(word) || low.includes(word.toLowerCase())) ? [`${field} in ${where}`] : [],
  );
}

describe('a word planted in every field of every flow', () => {
  it('is found by this test in each of its forms', () => {
    const word = plant('email');
    const written = [
      word,
      word.toUpperCase(),
      Buffer.from(word).toString('hex'),
      createHash('sha256').update(email).digest('hex'),
    ];
    for (const before of ['', 'a', 'ab', 'abc'])
      written.push(Buffer.from(`${before}${word}@example.com`).toString('base64'));
    for (const text of written) expect(leaksIn('it', `x${text}x`), text).not.toEqual([]);
    expect(leaksIn('it', 'nothing of anybody')).toEqual([]);
  });

  it('I5 is found nowhere but where it is sealed: not in the ledger, tasks, journal, logs or any plain column', async () => {
    await everythingOnce();
    await everythingOfIncidents();
    await everythingOfStaff();
    expect(routesThatChange().filter((route) => !called.has(route) && !(route in elsewhere))).toEqual([]);
    const { office } = opened.house;
    await bringLedgerUpToDate(office);
    expect(canaries.size).toBeGreaterThan(25);
    const { sql } = office.store.db;

    const entries = await sql<{ bytes: Uint8Array }[]>`SELECT bytes FROM ledger_entries ORDER BY index`;
    const ledger = entries.map(({ bytes }) => Buffer.from(bytes).toString('utf8')).join('\n');
    for (const kind of ['request.fulfilled', 'erasure.batch', 'batch.destroyed', 'export.sealed', 'demand.document'])
      expect(ledger, `the walk did not come to ${kind}`).toContain(kind);
    expect(leaksIn('the ledger', ledger)).toEqual([]);
    const tasks = await sql`SELECT data, output FROM pgboss.job`;
    expect(leaksIn('the tasks', JSON.stringify(tasks))).toEqual([]);
    expect(leaksIn('what was logged', logged.join('\n'))).toEqual([]);
    const [journal] = await app.sql`SELECT string_agg(j::text, ' ') AS text FROM muniment.journal j`;
    expect(leaksIn('the journal', String(journal?.text))).toEqual([]);
    // Papers, packages and answers lie in the folder too, each sealed with its case's key.
    const kept = readdirSync(opened.folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    expect(kept.map(({ name }) => name)).toContain('erasures.jsonl');
    expect(kept.length, 'the walk left no papers').toBeGreaterThan(2);
    for (const { parentPath, name } of kept) {
      const bytes = readFileSync(`${parentPath}/${name}`);
      expect(bytes.subarray(0, 4).toString('latin1'), name).not.toMatch(/^(PK|%PDF)/);
      expect(leaksIn(name, bytes.toString('latin1'))).toEqual([]);
    }
  }, 60_000);

  it('I5 stands in no column of Muniment’s own tables in the plain, but the names of staff and what an index needs', async () => {
    const { sql } = opened.house.office.store.db;
    const tables = await sql<{ name: string }[]>`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`;
    const leaks: string[] = [];
    for (const { name } of tables) {
      const [row] = await sql<{ text: string | null }[]>`SELECT string_agg(t::text, ' ') AS text FROM ${sql(name)} t`;
      leaks.push(...leaksIn(name, row?.text ?? ''));
    }
    // Staff are named: `people` is who may sign in and approve, a review says of whom it speaks, and a challenge for a
    // passkey, for five minutes, whose it will be.
    expect(leaks.filter((leak) => !/ name in (people|access_reviews|verifications)$/.test(leak))).toEqual([]);
    const everything = await Promise.all(
      tables.map(async ({ name }) => (await sql`SELECT string_agg(t::text, ' ') AS text FROM ${sql(name)} t`)[0]?.text),
    );
    expect(secrets.length).toBeGreaterThan(12);
    // A session stands there by its name; the cookie is that name with a signature, whose key the master key wraps.
    const text = everything.join(' ');
    expect(secrets.filter((secret) => text.includes(secret) || text.includes(decodeURIComponent(secret)))).toEqual([]);
  });

  it('I5 the chain holds after an erasure', async () => {
    expect(await verifyLedger(opened.house.office, null)).toMatchObject({ ok: true });
  });
});
