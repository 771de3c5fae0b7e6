import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Role, roles } from '../../src/core/actor.ts';
import { parsePeriod } from '../../src/core/periods.ts';
import { authenticateToken } from '../../src/flows/authenticate.ts';
import { disablePerson, revokeToken } from '../../src/flows/change-people.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { receiveRequest } from '../../src/flows/receive-request.ts';
import { httpApp } from '../../src/http/app.ts';
import { may } from '../../src/policy/roles.ts';
import { webApp } from '../../src/web/app.tsx';
import { chatSources, done, hold, officer, openWorld, type World } from '../invariants/world.ts';
import {
  type DescribedCall,
  type Description,
  hostileStrings,
  reader,
  resolved,
  spoiledBytes,
  spoiledExample,
  spoiledMultipart,
  spoiledValue,
} from '../support/fuzz.ts';
import { tokenFor } from '../support/people.ts';
import { rawZip } from '../support/raw-zip.ts';
import { shared } from '../support/tools.ts';

/**
 * Every call that /openapi.json lists and every page that is open to everybody, with input that is almost right. The
 * walk is over the lists themselves: what is added later is attacked as well. FUZZ_RUNS says how often per route,
 * FUZZ_SEED where the chance begins.
 */
const runs = Number(process.env.FUZZ_RUNS ?? 24);
const seed = Number(process.env.FUZZ_SEED ?? 20261127);

let world: World;
let app: Hono;
let routes: ReturnType<typeof httpApp>['routes'];
let document: Description;
let renewCallers: () => Promise<void>;
let pages: ReturnType<typeof webApp>;
/** Who calls: the header that says so. */
const callers = new Map<string, string>();
/** Ids of things that are there, so that what is asked of them is reached. */
const ids: string[] = [];
const faults: string[] = [];
let columns: RegExp;

const subjects = [{ kind: 'email', value: 'ada@example.com' }];
/** Bodies that are right, for the calls that begin something and those that go on with it. What has none is made up. */
const examples: Readonly<Record<string, unknown>> = {
  '/requests': {
    type: 'access',
    channel: 'mail',
    receivedAt: '2026-11-01T09:00:00Z',
    subject: { name: 'Ada', identifiers: subjects },
    details: 'A word.',
  },
  '/requests/{id}/{move}': { kinds: ['email'], outcome: 'granted', reason: 'A word.', event: 'identity' },
  '/holds': { matter: 'M-1', reason: 'A word.', scope: { subjects, datasets: ['app.messages'], from: '2026-01-01' } },
  '/disposition/runs': { rules: ['messages'], dryRun: false },
  '/demands': {
    type: 'civil_subpoena',
    instrumentNumber: '1',
    issuer: { name: 'A court', country: 'US', court: 'District' },
    requester: { name: 'A', agency: 'B', role: 'C', email: 'a@example.com' },
    channel: 'mail',
    receivedAt: '2026-11-20T10:00:00Z',
    dueAt: '2026-12-20T10:00:00Z',
    issuedAt: '2026-11-01',
    orderedPeriod: 'P90D',
    targets: subjects,
    scope: { dataClasses: ['content'], from: '2019-01-01', to: '2026-10-31' },
    caption: 'A v. B',
    notes: 'A word.',
  },
  '/demands/{id}/{move}': { note: 'A word.', by: 'court', newDueAt: '2027-01-01' },
  '/incidents': {
    title: 'A word.',
    awareAt: '2026-11-20T10:00:00Z',
    nature: 'A word.',
    scope: { datasets: ['app.users'] },
    people: 3,
  },
  '/incidents/{id}/describe': { title: 'A word.', consequences: 'A word.' },
  '/incidents/{id}/count': { scope: { datasets: ['app.users'] }, people: 3 },
  '/incidents/{id}/assess': { risk: 'high', reason: 'A word.' },
  '/exports': {
    purpose: 'legal_production',
    matter: 'M-1',
    scope: { subjects },
    formats: ['pdf', 'ndjson'],
    timezone: 'Europe/Vilnius',
  },
  '/people': { name: 'A', email: 'new@example.com', role: 'legal', title: 'B' },
  '/people/{id}/role': { role: 'auditor' },
  '/tokens': { name: 'A', role: 'auditor', expires: 'P30D' },
  '/access/break-glass': { role: 'compliance', reason: 'A word.', minutes: 5 },
};

beforeAll(async () => {
  world = await openWorld({ sources: chatSources() });
  const { office } = world;
  await world.app.sql`INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bob@example.com')`;
  let [calls, people] = [0, 0];
  // A network for each call: the limits for people outside have tests of their own.
  const networkOf = () => `network ${calls++}`;
  const report = (what: string, error: unknown) => {
    faults.push(`${what}: ${error instanceof Error ? error.stack : typeof error}`);
  };
  const http = httpApp(office, {
    sessionOf: (headers) => office.signIn.session(headers),
    metrics: async () => '',
    metricsToken: 'm',
    networkOf,
    report,
  });
  ({ app, routes } = http);
  document = http.openApi() as unknown as Description;
  pages = webApp(office, { nextBell: () => null, networkOf, report });
  app.route('/', pages);

  const short = parsePeriod('P1D');
  if ('kind' in short) throw new Error('P1D is a period');
  const made = async (name: string, role: Role, expires: typeof short | null = null) => {
    const token = await tokenFor(office, { name, role, expires });
    const caller = await authenticateToken(office, token);
    if (!caller) throw new Error('the token just made is not known');
    return { token, actor: caller.actor.id };
  };
  renewCallers = async () => {
    // What is sent here also takes tokens away from people, and people from the house.
    for (const role of roles) {
      const held = callers.get(role)?.replace('Bearer ', '') ?? '';
      if (!(await authenticateToken(office, held)))
        callers.set(role, `Bearer ${(await made(`The ${role} ${people++}`, role)).token}`);
    }
  };
  callers.set('nobody', '').set('nonsense', 'Bearer mun_x').set('another scheme', 'Basic YTpi');
  await renewCallers();
  const [expired, revoked, disabled] = [
    await made('Expired', 'admin', short),
    await made('Revoked', 'admin'),
    await made('Disabled', 'admin'),
  ];
  const tokenOf = async ({ actor }: { actor: string }) => {
    const [row] = await office.store.db.sql`SELECT id FROM tokens WHERE actor_id = ${actor}`;
    return String(row?.id);
  };
  await revokeToken(office, officer, await tokenOf(revoked), true);
  await disablePerson(office, officer, disabled.actor);
  world.clock.advance('P2D');
  for (const [name, { token }] of Object.entries({ expired, revoked, disabled })) callers.set(name, `Bearer ${token}`);

  const spare = await made('Somebody', 'privacy');
  const request = await receiveRequest(office, officer, {
    type: 'access',
    regime: null,
    channel: 'portal',
    receivedAt: null,
    subject: { name: 'Ada', identifiers: [{ kind: 'email', value: 'ada@example.com' }] },
    details: null,
  });
  const run = await planDisposition(office, officer, { rules: [], dryRun: true });
  ids.push(spare.actor, await tokenOf(spare), done(request).id, done(run).id);
  ids.push((await hold(office, { subjects: [{ kind: 'email', value: 'bob@example.com' }] })).id);
  for (const word of ['req', 'hld', 'run', 'dem', 'exp']) ids.push(`${word}_01jdq4v7m8abcdefghjkmnpqrs`);
  const names = await office.store.db.sql<{ name: string }[]>`
    SELECT DISTINCT column_name AS name FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name LIKE '%\\_%'`;
  columns = new RegExp(`\\b(${names.map(({ name }) => name).join('|')})\\b`);
}, 120_000);
afterAll(async () => world?.[Symbol.asyncDispose]());

/**
 * Everything that is recorded, but for counts of tries, kept answers, and when somebody was here last: where each row
 * stands and which transaction wrote it, which is quicker than what it says.
 */
async function recorded(): Promise<string> {
  const { sql } = world.office.store.db;
  recordedBy ??= await sql<{ name: string; seen: boolean }[]>`
    SELECT t.tablename AS name, bool_or(c.column_name IN ('last_used_at', 'last_seen_at')) AS seen
    FROM pg_tables t JOIN information_schema.columns c ON c.table_schema = t.schemaname AND c.table_name = t.tablename
    WHERE t.schemaname = 'public' AND t.tablename NOT IN ('throttles', 'idempotency_keys') GROUP BY 1 ORDER BY 1`;
  const each = recordedBy.map(({ name, seen }) => {
    const row = seen ? "(to_jsonb(t) - 'last_used_at' - 'last_seen_at')::text" : 't.ctid::text || t.xmin::text';
    return `(SELECT concat(count(*), ' ', sum(hashtextextended(${row}, 0))) FROM "${name}" t)`;
  });
  const [row] = await sql.unsafe(`SELECT concat_ws('/', ${each.join()}, (SELECT count(*) FROM pgboss.job)) AS all`);
  return String(row?.all);
}
let recordedBy: readonly { readonly name: string; readonly seen: boolean }[] | undefined;

/** Words that only the inside of a program says. */
const inside =
  /\bat \S+ \(|\.[jt]sx?:\d|node_modules|file:\/\/|\/src\/|\/work\/|\/tmp\/|postgres|drizzle|pgboss|pg_\w|\bzod\b|\bhono\b|\b(select|insert into|update|delete from) "|\brelation "|violates|invalid input syntax|invalid byte sequence|syntax error|\b(Type|Range|Syntax|Reference|Postgres)Error\b|Unexpected token|Cannot read prop|is not a function|\bundefined\b|\[object Object\]|ECONN|ENOENT|\b[EX]?[0-9]{2}P0[0-9]\b/i;

/** What was sent and taken: it may be shown again. */
let taken = '';

/** What an answer says of the inside, unless this caller wrote it, or an earlier one. */
function leak(text: string, sent: string): string | null {
  const found = (inside.exec(text)?.[0] ?? columns.exec(text)?.[0])?.toLowerCase();
  return found === undefined || sent.toLowerCase().includes(found) || taken.includes(found) ? null : `says ${found}`;
}

/** Ids that calls of a collection gave, newest last: what is asked of one of its things is asked of one that is there. */
const given = new Map<string, string[]>();
/** The calls that somebody was answered as they wished. */
const reached = new Set<string>();
const collectionOf = (path: string) => path.split('/{')[0] ?? path;

interface Call {
  readonly method: string;
  readonly route: string;
  readonly address: string;
  readonly caller: string;
  readonly type: string | null;
  readonly lengthSaid: boolean;
  readonly key: string | null;
  readonly bytes: Uint8Array | null;
}

const strings = fc.constantFrom(...hostileStrings());
const encoded = (text: string) => encodeURIComponent(text.toWellFormed());
const types = fc.oneof(
  { weight: 12, arbitrary: fc.constant('application/json') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      null,
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/json',
      'application/json; charset=utf-16',
      'application/problem+json',
      'application/json, text/html',
      'x',
    ),
  },
);

/** Archives that are none, lie, or are far larger than they look. */
function archives(): readonly Uint8Array[] {
  const zeros = Buffer.alloc(30 * 2 ** 20);
  const text = Buffer.from('{"a":1}\n');
  return [
    rawZip([{ name: 'a.txt', body: zeros, method: 8 }]),
    rawZip([{ name: 'p/manifest.json', body: zeros.subarray(0, 2 ** 20), method: 8, size: 10 }]),
    rawZip(Array.from({ length: 3000 }, (_, i) => ({ name: `p/${i}`, body: text }))),
    rawZip([{ name: '../../etc/passwd', body: text }]),
    rawZip([{ name: 'p/data/records/tree.ndjson', body: Buffer.alloc(20 * 2 ** 20, 'ab{"0":'), method: 8 }]),
    rawZip(
      ['bagit.txt', 'manifest.json', 'data/records/tree.ndjson', 'data/records/a.ndjson', 'manifest-sha256.txt'].map(
        (name) => ({ name: `p/${name}`, body: Buffer.from('\u0000\ud800{"__proto__":[[[[') }),
      ),
    ),
    rawZip([{ name: 'p/manifest.json', body: Buffer.from(`${'['.repeat(200_000)}`) }]),
  ];
}

/** Files as they are posted to /verify and to demands: none at all, hostile archives, and PDFs that people made. */
function files(): readonly Uint8Array[] {
  const folder = shared('data/pdf');
  const pdfs =
    folder === null ? [] : readdirSync(folder).map((name) => new Uint8Array(readFileSync(join(folder, name))));
  return [
    new Uint8Array(0),
    Buffer.from('PK\u0005\u0006'.padEnd(22, '\u0000')),
    Buffer.from('%PDF-1.7'),
    ...archives(),
    ...pdfs,
  ];
}

/** Calls of one route, as its description has them, and a little beside it. */
function callsOf(method: string, path: string, call: DescribedCall): fc.Arbitrary<Call> {
  const access = routes.find((route) => route.path === path && route.method === method)?.access;
  const able = roles.filter((role) => access && access !== 'public' && may(world.office.policy.roles, role, access));
  const caller = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...(able.length > 0 ? able : roles)) },
    { weight: 1, arbitrary: fc.constantFrom(...callers.keys()) },
  );
  const part = (name: string) => {
    const schema = call.parameters?.find((one) => one.name === name && one.in === 'path')?.schema ?? {};
    const there = (given.get(collectionOf(path)) ?? []).slice(-6);
    const usual = schema.enum
      ? fc.constantFrom(...schema.enum.map(String))
      : fc.oneof(
          { weight: 4, arbitrary: fc.constantFrom(...(there.length > 0 ? there : ids)) },
          fc.constantFrom(...ids),
        );
    return fc.oneof(
      { weight: 6, arbitrary: usual },
      { weight: 1, arbitrary: strings.map((text) => encoded(text) || '%20') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '%00',
          '%ff',
          '%zz',
          '..%2f..',
          '%2e%2e',
          '__proto__',
          'a;b',
          '%C0%AE',
          'x'.repeat(9000),
        ),
      },
    );
  };
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const address = fc
    .tuple(...names.map(part))
    .map((parts) => names.reduce((all, name, at) => all.replace(`{${name}}`, parts[at] ?? ''), path));
  const asked = (call.parameters ?? []).filter((one) => one.in === 'query').map((one) => one.name);
  const value = fc.oneof(
    fc.constantFrom(
      '1',
      '0',
      '-1',
      '200',
      '1e99',
      'o9',
      'o999999999',
      'i9',
      'i999999999999999',
      '9007199254740993',
      '',
      '1.5',
      '0x10',
    ),
    strings.map(encoded),
    fc.constantFrom('%00', '%ff', '%'),
  );
  const pairs = fc.oneof(
    fc.tuple(...asked.map((name) => fc.tuple(fc.constant(name), fc.constantFrom('1', '2', '0')))),
    fc.array(fc.tuple(fc.constantFrom(...asked, ...asked, ...asked, '__proto__', 'limit[]', 'none'), value), {
      maxLength: 3,
    }),
  );
  const query = pairs.map((all) => (all.length === 0 ? '' : `?${all.map(([name, to]) => `${name}=${to}`).join('&')}`));
  const content = call.requestBody?.content ?? {};
  const json = content['application/json']?.schema;
  const example = examples[path.replace('/api/v1', '')];
  const nothing = fc.constant({ type: null, bytes: null });
  const body = json
    ? fc
        .tuple(
          example === undefined
            ? spoiledValue(resolved(document, json, false), strings, ids)
            : fc.oneof(
                { weight: 3, arbitrary: spoiledExample(example, strings) },
                { weight: 1, arbitrary: spoiledValue(resolved(document, json, false), strings, ids) },
              ),
          types,
        )
        .chain(([one, type]) => spoiledBytes(JSON.stringify(one)).map((bytes) => ({ type, bytes })))
    : content['multipart/form-data']
      ? spoiledMultipart(files())
      : method === 'POST'
        ? fc.oneof(
            nothing,
            types.chain((type) => spoiledBytes('{}').map((bytes) => ({ type, bytes }))),
          )
        : nothing;
  const key = fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, fc.constantFrom('a key', 'k', 'x'.repeat(300)));
  return fc
    .tuple(address, query, caller, fc.boolean(), key, body)
    .map(([where, more, who, lengthSaid, once, { type, bytes }]) => ({
      method,
      route: path,
      address: `${where}${more}`,
      caller: who,
      type,
      lengthSaid,
      key: once,
      bytes,
    }));
}

async function send(call: Call): Promise<{ status: number; type: string; text: string }> {
  const response = await app.request(`http://localhost:3000${call.address}`, {
    method: call.method,
    headers: {
      ...(callers.get(call.caller) ? { Authorization: callers.get(call.caller) ?? '' } : {}),
      ...(call.type === null ? {} : { 'Content-Type': call.type }),
      ...(call.key === null ? {} : { 'Idempotency-Key': call.key }),
      ...(call.lengthSaid && call.bytes ? { 'Content-Length': String(call.bytes.length) } : {}),
      'Sec-Fetch-Site': 'same-origin',
    },
    ...(call.bytes === null ? {} : { body: new Blob([new Uint8Array(call.bytes)]).stream(), duplex: 'half' }),
  });
  const text = await response.text();
  const known = given.get(collectionOf(call.route)) ?? [];
  if (response.ok) {
    const isJson = /^application\/json(;|$)/.test(response.headers.get('Content-Type') ?? '');
    for (const id of isJson ? idsIn(text) : []) if (!known.includes(id)) known.push(id);
    given.set(collectionOf(call.route), known);
    reached.add(`${call.method} ${call.route}`);
  }
  return { status: response.status, type: response.headers.get('Content-Type') ?? '', text };
}

/** The ids of what an answer is about: one thing, or a list of them. */
function idsIn(text: string): readonly string[] {
  const { id, items } = JSON.parse(text) as { id?: unknown; items?: readonly { id?: unknown }[] };
  return [id, ...(items ?? []).map((item) => item.id)].filter((one) => typeof one === 'string');
}

const unescaped = (text: string) =>
  Buffer.from(
    text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString();
const shown = (text: string) => JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text);
const wrote = ({ caller, method, address, type, bytes }: Call) =>
  `${caller}: ${method} ${address.slice(0, 200)} ${type ?? ''} ${bytes ? shown(Buffer.from(bytes.subarray(0, 400)).toString()) : ''}`;

/** Does an answer fit what the document says of this call? */
function answerReader(call: DescribedCall) {
  const readers = new Map<string, ReturnType<typeof reader>>();
  return ({ status, type, text }: Awaited<ReturnType<typeof send>>): string | null => {
    const listed = call.responses[String(status)];
    if (!listed) return `${status} is not listed`;
    const [media = ''] = type.split(';');
    const described = listed.content?.[type] ?? listed.content?.[media];
    if (!described) return `${status} as ${type} is not listed`;
    if (!media.endsWith('json')) return null;
    const key = `${status} ${media}`;
    const read = readers.get(key) ?? reader(document, described.schema, status < 400);
    readers.set(key, read);
    const value: unknown = JSON.parse(text);
    if (status >= 400 && (value as { status: unknown }).status !== status) return 'the problem has another status';
    return read(value);
  };
}

/** Send calls one after the other; what was wrong with the answers, one line for each kind. */
async function complaintsOf(
  calls: readonly Call[],
  read: ReturnType<typeof answerReader> | null,
): Promise<Map<string, string>> {
  const wrong = new Map<string, string>();
  let before = await recorded();
  for (const call of calls) {
    const answer = await send(call);
    const after = await recorded();
    const { status, text, type } = answer;
    const sent = `${call.address} ${unescaped(call.address)} ${Buffer.from(call.bytes ?? []).toString()}`;
    if (status < 400 && call.method === 'POST') taken += sent.slice(0, 20_000).toLowerCase();
    const readable = /json|text/.test(type);
    const found = [
      status >= 500 ? `${status}: ${faults.at(-1)?.slice(0, 700)}` : null,
      readable ? leak(text, sent) : null,
      status >= 400 && after !== before ? `${status}, yet something changed` : null,
      status < 500 && read ? read(answer) : null,
    ];
    for (const what of found)
      if (what !== null && !wrong.has(what)) wrong.set(what, `${wrote(call)} -> ${status} ${shown(text)}`);
    before = after;
  }
  return wrong;
}

describe('input that is almost right', () => {
  it(`never breaks a call that /openapi.json lists, and every answer is as it says (${runs} times each)`, async () => {
    const wrong: Record<string, Record<string, string>> = {};
    const answers = { calls: 0 };
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, call] of Object.entries(methods)) {
        await renewCallers();
        const calls = fc.sample(callsOf(method.toUpperCase(), path, call), { seed, numRuns: runs });
        const found = await complaintsOf(calls, answerReader(call));
        answers.calls += calls.length;
        if (found.size > 0) wrong[`${method} ${path}`] = Object.fromEntries(found);
      }
    // What is never answered as wished was attacked no deeper than its front door: most calls are.
    expect(routes.filter(({ method, path }) => reached.has(`${method} ${path}`)).length).toBeGreaterThan(
      routes.length / 2,
    );
    expect(wrong).toEqual({});
    expect(answers.calls).toBeGreaterThanOrEqual(routes.length * runs);
  }, 1_000_000);

  it(`never breaks a page or a form that is open to everybody (${runs} times each)`, async () => {
    const fields = new Set(['file', '__proto__', 'none']);
    const wrong: Record<string, Record<string, string>> = {};
    const open = pages.routes.filter(({ method, path }) => method !== 'ALL' && !/^\/(console|assets)|\*/.test(path));
    expect(open.length).toBeGreaterThan(12);
    // Every page, then every form, with whatever fields any form has.
    for (const { method, path } of open.toSorted((a, b) => (a.method < b.method ? -1 : 1))) {
      const page = await app.request(`http://localhost:3000${path}`);
      for (const [, name = ''] of (await page.text()).matchAll(/ name="(\w+)"/g)) fields.add(name);
      const found = await complaintsOf(fc.sample(visitsOf(method, path, [...fields]), { seed, numRuns: runs }), null);
      if (found.size > 0) wrong[`${method} ${path}`] = Object.fromEntries(found);
    }
    expect([...fields]).toEqual(expect.arrayContaining(['email', 'details', 'reference']));
    expect(wrong).toEqual({});
  }, 1_000_000);
});

function visitsOf(method: string, path: string, fields: readonly string[]): fc.Arbitrary<Call> {
  const secret = fc.oneof(
    strings.map((text) => encoded(text) || '%20'),
    fc.constantFrom('%00', '%ff', '%zz', 'abc'),
  );
  const address = secret.map((one) => path.replace(/:\w+/, one));
  const usual = fc.constantFrom('access', 'erasure', 'ada@example.com', 'R-ABCD-EFGH', '12345678', 'Ada');
  const form = fc
    .array(fc.tuple(fc.constantFrom(...fields), fc.oneof(usual, strings)), { maxLength: 8 })
    .map((pairs) => new URLSearchParams([['type', 'access'], ['email', 'ada@example.com'], ...pairs]).toString());
  const urlencoded = form.chain((text) =>
    spoiledBytes(text).map((bytes) => ({ type: 'application/x-www-form-urlencoded', bytes })),
  );
  const body: fc.Arbitrary<{ type: string | null; bytes: Uint8Array | null }> =
    method === 'POST'
      ? fc.oneof(urlencoded, urlencoded, spoiledMultipart(files()))
      : fc.constant({ type: null, bytes: null });
  return fc.tuple(address, body, fc.boolean(), strings).map(([where, { type, bytes }, lengthSaid, text]) => ({
    method,
    route: path,
    address: method === 'GET' ? `${where}?reference=${encoded(text)}` : where,
    caller: 'nobody',
    type,
    lengthSaid,
    key: null,
    bytes,
  }));
}
