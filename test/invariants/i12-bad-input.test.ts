import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Role, roles } from '../../src/core/actor.ts';
import { httpApp } from '../../src/http/app.ts';
import { may, type Permission } from '../../src/policy/roles.ts';
import { webApp } from '../../src/web/app.tsx';
import { tokenFor } from '../support/people.ts';
import { chatSources, openWorld, type World } from './world.ts';

let world: World;
let http: ReturnType<typeof httpApp>;
const faults: string[] = [];
const tokens = new Map<Role, string>();

beforeAll(async () => {
  world = await openWorld({ sources: chatSources() });
  http = httpApp(world.office, {
    sessionOf: async () => null,
    metrics: async () => '',
    metricsToken: 'm',
    networkOf: () => null,
    report: (what, error) => faults.push(`${what}: ${error instanceof Error ? error.stack : typeof error}`),
  });
  for (const role of roles) {
    tokens.set(role, await tokenFor(world.office, { name: `The ${role}`, role }));
    // From the first use on a token says when it was used last.
    await call('GET', '/api/v1/requests', role);
  }
});
afterAll(async () => world?.[Symbol.asyncDispose]());

/** Everything that is recorded, as one digest: of what a call that was refused may not have changed anything. */
async function recorded(): Promise<string> {
  const { sql } = world.office.store.db;
  const tables = await sql<{ name: string }[]>`
    SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`;
  const each = tables.map(({ name }) => `(SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM "${name}" t)`);
  const [row] = await sql.unsafe(`SELECT concat_ws('/', ${each.join()}, (SELECT count(*) FROM pgboss.job)) AS all`);
  const [held] = await world.app.sql`SELECT string_agg(s::text, '|') AS held FROM muniment.state s`.catch(() => []);
  return `${row?.all} ${held?.held}`;
}

/** What people, scripts and attackers write where something else was asked. */
const hostile: readonly unknown[] = [
  null,
  -1,
  [],
  {},
  '',
  '\u0000',
  'a\u0000b',
  '\ud800',
  "'; DROP TABLE holds; --",
  'x'.repeat(100_000),
  '9999-12-31T23:59:59Z',
  '-271821-04-20T00:00:00Z',
  '2026-02-30',
  '2026-11-27T25:00:00Z',
  'hld_01jdq4v7m8abcdefghjkmnpqrs',
];

/** Bodies that would be taken; each place of each is then spoiled. */
const nobody = 'dem_01jdq4v7m8abcdefghjkmnpqrs';
const scope = {
  subjects: [{ kind: 'email', value: 'ada@example.com' }],
  keys: { 'app.messages': [{ id: 1 }] },
  datasets: ['app.messages'],
  from: '2026-01-01',
  to: '2026-02-01',
};
const goodBodies: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  [
    '/api/v1/requests',
    {
      type: 'access',
      regime: 'EU-GDPR',
      channel: 'mail',
      receivedAt: '2026-11-01T09:00:00Z',
      subject: { name: 'Ada', identifiers: [{ kind: 'email', value: 'ada@example.com' }] },
      details: 'All of it, please.',
    },
  ],
  ['/api/v1/holds', { matter: 'Ada v. Bob', reason: 'A letter came.', scope }],
  ['/api/v1/holds', { matter: 'm', reason: 'r', scope: { datasets: ['app.messages'] }, demandId: nobody }],
  ['/api/v1/exports', { purpose: 'legal_production', scope: { datasets: ['app.messages'] }, demandId: nobody }],
  ['/api/v1/disposition/runs', { rules: ['messages'], dryRun: true }],
  [
    '/api/v1/demands',
    {
      type: 'civil_subpoena',
      instrumentNumber: '1',
      issuer: { name: 'A court', country: 'US', court: 'It' },
      requester: { name: 'A', agency: 'B', role: 'C', email: 'd@example.com' },
      channel: 'mail',
      receivedAt: '2026-11-20T10:00:00Z',
      dueAt: '2026-12-20T10:00:00Z',
      issuedAt: '2026-11-19',
      orderedPeriod: 'P90D',
      targets: [{ kind: 'email', value: 'ada@example.com' }],
      scope: { dataClasses: ['content'], from: '2026-01-01', to: '2026-02-01' },
      emergency: false,
      caption: 'c',
      notes: 'n',
    },
  ],
  [
    '/api/v1/incidents',
    {
      title: 't',
      awareAt: '2026-11-20T10:00:00Z',
      nature: 'n',
      consequences: 'c',
      measures: 'm',
      advice: 'a',
      scope,
      people: 3,
    },
  ],
  [
    '/api/v1/exports',
    {
      purpose: 'legal_production',
      matter: 'm',
      scope,
      formats: ['csv'],
      timezone: 'Europe/Vilnius',
    },
  ],
];

/** The body with one place of it, at any depth, exchanged for something else. */
function* spoiled(body: unknown): Generator<unknown> {
  if (typeof body !== 'object' || body === null) return;
  for (const [key, value] of Object.entries(body)) {
    const put = (other: unknown) => (Array.isArray(body) ? [other] : { ...body, [key]: other });
    for (const other of hostile) yield put(other);
    for (const other of spoiled(value)) yield put(other);
  }
}

function whoMay(access: Permission): Role {
  const role = roles.find((one) => may(world.office.policy.roles, one, access));
  if (!role) throw new Error(`nobody may ${access}`);
  return role;
}

async function call(method: string, path: string, role: Role, body?: string) {
  const response = await http.app.request(path, {
    method,
    headers: { Authorization: `Bearer ${tokens.get(role)}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, type: response.headers.get('Content-Type') ?? '', text: await response.text() };
}

/** Is it a problem as promised, and no fault of ours? The line says what is wrong; null says nothing is. */
function complaint({ status, type, text }: Awaited<ReturnType<typeof call>>): string | null {
  if (status < 400) return null;
  if (status >= 500) return `${status} ${faults.at(-1)?.slice(0, 600)}`;
  const problem = type.startsWith('application/problem+json') ? JSON.parse(text) : {};
  const { code, detail, errors } = problem;
  const isProblem =
    problem.status === status && typeof code === 'string' && detail?.length > 10 && Array.isArray(errors);
  return isProblem ? null : `${status} ${type} ${text.slice(0, 200)}`;
}

describe('I12 bad input gets a clear problem and changes nothing', () => {
  it.each(goodBodies)(
    'in any place of the body of POST %s',
    async (path, good) => {
      const access = http.routes.find((route) => route.method === 'POST' && route.path === path)?.access;
      if (access === undefined || access === 'public') throw new Error(`no route ${path}`);
      const wrong: string[] = [];
      let refused = 0;
      let before = await recorded();
      for (const body of spoiled(good)) {
        const answer = await call('POST', path, whoMay(access), JSON.stringify(body));
        const after = await recorded();
        const found =
          complaint(answer) ?? (answer.status >= 400 && after !== before ? `${answer.status}, yet changed` : null);
        if (answer.status >= 400) refused++;
        if (found !== null) wrong.push(`${JSON.stringify(body).slice(0, 400)} -> ${found}`);
        before = after;
      }
      expect(wrong).toEqual([]);
      expect(refused).toBeGreaterThan(20);
    },
    60_000,
  );

  it('in an id, a move, a query, or instead of a body', async () => {
    const ids = ['%00', '..%2f..', '%ff', '%zz', "'", 'req_', nobody, 'x'.repeat(5000), '%F0%9F%92%A9', '__proto__'];
    const queries = [
      'limit=0',
      'limit=-1',
      'limit=1e99',
      'limit=NaN',
      'cursor=%00',
      'cursor=o999999999',
      'index=-1&size=2',
    ];
    const more = ['index=0&size=99999999999999999999', 'from=5&to=1', 'from=%00&to=x', 'index=1.5&size=1e400'];
    const bodies = [
      '',
      '{',
      '[]',
      'null',
      '"x"',
      '1',
      '{"__proto__":{"a":1}}',
      '[['.repeat(20_000),
      '\u0000',
      '{"a":1,"a":2}',
    ];
    const wrong: string[] = [];
    for (const { method, path, access } of http.routes) {
      if (access === 'public') continue;
      const addresses = path.includes('{')
        ? ids.flatMap((id) => [`/${id}`]).map((id) => path.replace('/{id}', id).replace('{move}', 'close'))
        : [path];
      const moves = path.includes('{move}')
        ? ids.map((move) => path.replace('{id}', nobody).replace('{move}', move))
        : [];
      const asked = method === 'GET' ? ['', ...queries, ...more].map((query) => `?${query}`) : [''];
      for (const address of [...addresses, ...moves])
        for (const query of asked)
          for (const body of method === 'POST' ? bodies : [undefined]) {
            if (path.endsWith('/disposition/runs') && body === '') continue;
            const found = complaint(await call(method, address + query, whoMay(access), body));
            if (found !== null)
              wrong.push(`${method} ${address.slice(0, 120)}${query} ${body?.slice(0, 40)} -> ${found}`);
          }
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('on the pages that are open to everybody', async () => {
    const report = (what: string, error: unknown) =>
      faults.push(`${what}: ${error instanceof Error ? error.stack : typeof error}`);
    const pages = webApp(world.office, { nextBell: () => null, networkOf: () => null, report });
    const site = new URL(world.office.publicUrl).origin;
    const forms: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      ['/', { type: 'access', email: 'ada@example.com', name: 'Ada', details: 'd' }],
      ['/status', { reference: 'R-ABCD-EFGH' }],
      ['/status/code', { reference: 'R-ABCD-EFGH', code: '12345678' }],
      ['/package/abc', { any: '' }],
      ['/package/%00', { any: '' }],
      ['/verify', { file: '' }],
    ];
    const more = [
      '\u0000',
      'a\u0000@example.com',
      'a@example.com\r\nBcc: z@example.com',
      'x'.repeat(100_000),
      'é@例え.jp',
    ];
    const wrong: string[] = [];
    for (const [path, form] of forms)
      for (const key of Object.keys(form))
        for (const value of [...hostile.filter((one) => typeof one === 'string'), ...more]) {
          const body = new URLSearchParams({ ...form, [key]: value });
          const { status } = await pages.request(`${site}${path}`, { method: 'POST', headers: { Origin: site }, body });
          if (status >= 500) wrong.push(`${path} ${key}=${JSON.stringify(value).slice(0, 60)} -> ${faults.at(-1)}`);
        }
    for (const path of [
      '/package/%00',
      '/package/%ff',
      '/%zz',
      '/assets/..%2f..%2fpackage.json',
      '/console/requests/%00',
    ])
      for (const Cookie of ['', 'a=%00; b=%ff', 'a='.repeat(500)]) {
        const { status } = await pages.request(`${site}${path}`, { headers: { Cookie } });
        if (status >= 500 || status === 200) wrong.push(`${path} ${Cookie} -> ${status} ${faults.at(-1)}`);
      }
    expect(wrong).toEqual([]);
  }, 60_000);
});
