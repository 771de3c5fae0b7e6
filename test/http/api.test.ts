import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { roles } from '../../src/core/actor.ts';
import { httpApp } from '../../src/http/app.ts';
import { may } from '../../src/policy/roles.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { golden } from '../support/golden.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { tokenFor } from '../support/people.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';

let source: TestDatabase;
let opened: TestHouse;
let http: ReturnType<typeof httpApp>;
const tokens = new Map<string, string>();

beforeAll(async () => {
  source = await emptyDatabase();
  await source.sql.unsafe(`CREATE TABLE users (id int PRIMARY KEY, email text, name text); CREATE TABLE messages (id int PRIMARY KEY, sender_id int, sent_at timestamptz, body text);
    INSERT INTO users VALUES (1, 'ada@example.com', 'Ada'); INSERT INTO messages VALUES (1, 1, '2019-01-01Z', 'old'), (2, 1, now(), 'new');`);
  opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    env: { APP: source.url },
  });
  http = httpApp(opened.house.office, {
    sessionOf: async () => null,
    metrics: async () => '',
    metricsToken: 'm',
    networkOf: () => null,
    report: () => {},
  });
  for (const role of roles) {
    tokens.set(role, await tokenFor(opened.house.office, { name: `The ${role}`, role }));
  }
});
afterAll(async () => {
  await opened.close();
  await source.drop();
});

async function call(
  method: string,
  path: string,
  role: string | null,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const response = await http.app.request(path, {
    method,
    headers: {
      ...(role ? { Authorization: `Bearer ${tokens.get(role)}` } : {}),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('Content-Type') ?? '',
    body: text.startsWith('{') ? JSON.parse(text) : text,
  };
}

describe('the API', () => {
  it('has the routes of its golden list, each with who may call it', () => {
    const matrix = http.routes.map(({ method, path, access }) => {
      const who =
        access === 'public'
          ? 'everybody'
          : roles.filter((role) => may(opened.house.office.policy.roles, role, access)).join(' ');
      return `${method} ${path} | ${access} | ${who}`;
    });
    golden('routes.txt', `${matrix.join('\n')}\n`);
  });

  it('answers each role as the matrix says, at every route', async () => {
    for (const { method, path, access } of http.routes) {
      const address = path.replace('{id}', 'run_01jdq4v7m8abcdefghjkmnpqrs').replace('{move}', 'close');
      const none = await call(method, address, null, method === 'POST' ? {} : undefined);
      if (access === 'public') expect([401, 403], path).not.toContain(none.status);
      else expect(none.status, `${path} without a token`).toBe(401);
      if (access === 'public') continue;
      for (const role of roles) {
        const { status, body } = await call(method, address, role, method === 'POST' ? {} : undefined);
        const isForbidden = status === 403 && body.permission === access;
        expect(isForbidden, `${role} at ${method} ${path}`).toBe(!may(opened.house.office.policy.roles, role, access));
        expect(status, `${role} at ${method} ${path}`).toBeLessThan(500);
      }
    }
  });

  it('describes every route in OpenAPI', () => {
    const document = http.openApi() as { paths: Record<string, Record<string, unknown>> };
    for (const { method, path } of http.routes)
      expect(document.paths[path]?.[method.toLowerCase()], `${method} ${path}`).toBeDefined();
  });

  it('I12: answers bad input with a problem that names each place, and changes nothing', async () => {
    const before = await opened.house.office.store.db.sql`SELECT count(*)::int AS n FROM requests`;
    const bad = await call('POST', '/api/v1/requests', 'privacy', {
      type: 'acess',
      subject: { identifiers: [] },
      surprise: 1,
    });
    expect(bad.status).toBe(422);
    expect(bad.type).toContain('application/problem+json');
    golden('problem-invalid.json', `${JSON.stringify(bad.body, null, 2)}\n`);
    golden(
      'problem-unauthenticated.json',
      `${JSON.stringify((await call('GET', '/api/v1/requests', null)).body, null, 2)}\n`,
    );
    golden(
      'problem-forbidden.json',
      `${JSON.stringify((await call('GET', '/api/v1/requests', 'admin')).body, null, 2)}\n`,
    );
    golden(
      'problem-not-found.json',
      `${JSON.stringify((await call('GET', '/api/v1/requests/req_01jdq4v7m8abcdefghjkmnpqrs', 'privacy')).body, null, 2)}\n`,
    );
    const notJson = await http.app.request('/api/v1/requests', {
      method: 'POST',
      headers: { Authorization: `Bearer ${tokens.get('privacy')}`, 'Content-Type': 'application/json' },
      body: '{',
    });
    expect(notJson.status).toBe(422);
    const after = await opened.house.office.store.db.sql`SELECT count(*)::int AS n FROM requests`;
    expect(after[0]).toEqual(before[0]);
  });

  it('I12: refuses names with control characters, and a token for longer than a year', async () => {
    const person = { name: 'Nora', email: 'nora@example.com', role: 'legal' };
    const token = { name: 'nightly', role: 'legal' };
    for (const text of ['a\u0000b', 'svc\r\nBcc: x', 'bell\u0007', 'next\u0085line'])
      for (const [path, body] of [
        ['people', { ...person, name: text }],
        ['people', { ...person, title: text }],
        ['tokens', { ...token, name: text }],
      ] as const)
        expect((await call('POST', `/api/v1/${path}`, 'admin', body)).status, JSON.stringify(body)).toBe(422);
    for (const expires of ['P9000Y', 'P9999Y9999M9999W', 'P13M', 'P400D', 'P1Y1D']) {
      const { status, body } = await call('POST', '/api/v1/tokens', 'admin', { ...token, expires });
      expect([status, body.errors?.[0]], expires).toEqual([
        422,
        { pointer: '/expires', code: 'period_too_long', detail: 'Write P1Y or less, such as P90D.' },
      ]);
    }
    for (const expires of ['P1Y', 'P12M', 'P365D', 'P90D'])
      expect((await call('POST', '/api/v1/tokens', 'admin', { ...token, expires })).status, expires).toBe(201);
  });

  it('I12: answers a call that does not exist with a problem, whatever its method and body', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
      for (const path of ['/api/v1/nope', '/api/v2/requests', '/api/v1/requests/a/b/c/d']) {
        const response = await http.app.request(path, {
          method,
          ...(method === 'POST' ? { body: '{', headers: { 'Content-Type': 'multipart/form-data' } } : {}),
        });
        expect([response.status, response.headers.get('Content-Type')], `${method} ${path}`).toEqual([
          404,
          expect.stringContaining('application/problem+json'),
        ]);
      }
  });

  it('records a request with its deadline, and refuses a move that is not open with those that are', async () => {
    const made = await call('POST', '/api/v1/requests', 'privacy', {
      type: 'access',
      receivedAt: '2026-11-01T09:00:00Z',
      subject: { identifiers: [{ kind: 'email', value: 'ada@example.com' }] },
    });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      type: 'access',
      state: 'verifying',
      clock: 'running',
      receivedAt: '2026-11-01T09:00:00.000Z',
      dueOn: '2026-12-01',
    });
    const deadline = await call('GET', `/api/v1/requests/${made.body.id}/deadline`, 'auditor');
    expect(deadline.body.clocks[0].rule).toBe('SVC-30D');
    expect(deadline.body.dueAt).toBe(made.body.dueAt);
    const refused = await call('POST', `/api/v1/requests/${made.body.id}/decide`, 'privacy', { outcome: 'granted' });
    expect(refused.status).toBe(409);
    expect(refused.body.allowed).toEqual(made.body.can);
  });

  it('does a POST once per Idempotency-Key', async () => {
    const body = { matter: 'Once', reason: 'test', scope: { datasets: ['app.messages'] } };
    const first = await call('POST', '/api/v1/holds', 'legal', body, { 'Idempotency-Key': 'k-1' });
    const again = await call('POST', '/api/v1/holds', 'legal', body, { 'Idempotency-Key': 'k-1' });
    expect(first.status).toBe(201);
    expect(again.body.id).toBe(first.body.id);
    const other = await call(
      'POST',
      '/api/v1/holds',
      'legal',
      { ...body, matter: 'Twice' },
      { 'Idempotency-Key': 'k-1' },
    );
    expect(other.body.code).toBe('idempotency_mismatch');
    expect((await call('GET', '/api/v1/holds?limit=1', 'legal')).body.items).toHaveLength(1);
  });

  it('I6: lets nobody approve what they prepared, nor a token that was not made for it', async () => {
    const hold = await call('POST', '/api/v1/holds', 'legal', {
      matter: 'Two people',
      reason: 'test',
      scope: { datasets: ['app.messages'] },
    });
    expect((await call('POST', `/api/v1/holds/${hold.body.id}/release`, 'legal')).body.state).toBe('release_requested');
    const self = await call('POST', `/api/v1/holds/${hold.body.id}/approve`, 'legal');
    expect(self.status).toBe(403);
    expect(self.body.code).toBe('second_person_needed');
    const { office } = opened.house;
    tokens.set('weak', await tokenFor(office, { name: 'Weak Legal', role: 'legal', canApprove: false }));
    expect((await call('POST', `/api/v1/holds/${hold.body.id}/approve`, 'weak')).body.code).toBe(
      'approval_not_allowed',
    );
    tokens.set('second', await tokenFor(office, { name: 'Second Legal', role: 'legal' }));
    expect((await call('POST', `/api/v1/holds/${hold.body.id}/approve`, 'second')).body.state).toBe('released');
  });

  it('shows the checkpoint and hash tiles to everybody, entries to auditors only', async () => {
    const { bringLedgerUpToDate } = await import('../../src/flows/read-ledger.ts');
    const newest = await bringLedgerUpToDate(opened.house.office);
    expect((await call('GET', '/ledger/checkpoint', null)).body).toBe(newest?.note);
    const size = newest?.size ?? 0;
    expect((await http.app.request(`/ledger/tile/0/000.p/${size}`)).status).toBe(200);
    expect((await http.app.request(`/ledger/tile/entries/000.p/${size}`)).status).toBe(401);
    expect((await call('GET', `/ledger/tile/entries/000.p/${size}`, 'auditor')).status).toBe(200);
    expect((await call('GET', `/ledger/tile/entries/000.p/${size}`, 'privacy')).status).toBe(403);
  });

  it('gives figures to this machine, or for a token, and to nobody who only says that they are local', async () => {
    const ask = async (network: string | null, token: string | null, headers: Record<string, string>) => {
      const { app } = httpApp(opened.house.office, {
        sessionOf: async () => null,
        metrics: async () => 'figures',
        metricsToken: token,
        networkOf: () => network,
        report: () => {},
      });
      return (await app.request('http://localhost:3000/metrics', { headers })).status;
    };
    expect(await ask('127.0.0.1', null, {})).toBe(200);
    expect(await ask('0:0:0:0::/64', null, {})).toBe(200);
    expect(await ask('127.0.0.1', null, { 'X-Forwarded-For': '203.0.113.1' })).toBe(401);
    expect(await ask('203.0.113.1', null, { Host: 'localhost' })).toBe(401);
    expect(await ask(null, null, {})).toBe(401);
    expect(await ask('203.0.113.1', 'm', { Authorization: 'Bearer m' })).toBe(200);
    expect(await ask('127.0.0.1', 'm', {})).toBe(401);
    expect(await ask('127.0.0.1', 'm', { Authorization: 'Bearer n' })).toBe(401);
  });
});
