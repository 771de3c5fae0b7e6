import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../src/core/actor.ts';
import { alarmsPage } from '../../src/flows/alarms.ts';
import { watchIncident } from '../../src/flows/move-incident.ts';
import { openIncident } from '../../src/flows/open-incident.ts';
import { bringLedgerUpToDate } from '../../src/flows/read-ledger.ts';
import { httpApp } from '../../src/http/app.ts';
import { openWorld, type World } from '../invariants/world.ts';
import { tokenFor } from '../support/people.ts';

let world: World;
let doors: { request: (path: string, init: RequestInit) => Response | Promise<Response> };
const tokens = new Map<string, string>();
const logged: string[] = [];
const opened = '2026-11-27T09:30:00.000Z';

beforeAll(async () => {
  world = await openWorld({ at: opened });
  await world.app.sql.unsafe(`INSERT INTO users SELECT n, 'person' || n || '@example.com' FROM generate_series(1, 40) n;
    INSERT INTO conversations VALUES (1, now(), 'x');
    INSERT INTO messages SELECT n, 1, 1 + n % 40, NULL, timestamptz '2026-01-01Z' + n * interval '1 day', 'text' FROM generate_series(1, 120) n;`);
  const http = httpApp(world.office, {
    sessionOf: async () => null,
    metrics: async () => '',
    metricsToken: 'm',
    networkOf: () => null,
    report: (what, error) => logged.push(`${what} ${String(error)}`),
  });
  doors = http.app as unknown as typeof doors;
  for (const [name, role] of [
    ['Rosa', 'privacy'],
    ['Ben', 'privacy'],
    ['Ina', 'legal'],
    ['Uma', 'compliance'],
    ['Tom', 'admin'],
  ] as readonly (readonly [string, Role])[])
    tokens.set(name, await tokenFor(world.office, { name, role }));
  tokens.set('Ben without approval', await tokenFor(world.office, { name: 'Ben', role: 'privacy', canApprove: false }));
});
afterAll(() => world?.[Symbol.asyncDispose]());

async function call(who: string, method: string, path: string, body?: unknown) {
  const response = await doors.request(`/api/v1/incidents${path}`, {
    method,
    headers: { Authorization: `Bearer ${tokens.get(who)}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.endsWith('json') ?? false;
  return { status: response.status, text, body: (isJson ? JSON.parse(text) : {}) as unknown };
}

async function record(more: object = {}): Promise<string> {
  const made = await call('Rosa', 'POST', '', {
    title: 'kanari-title',
    awareAt: world.clock.now().toString(),
    nature: 'kanari-nature',
    ...more,
  });
  expect(made.status, made.text).toBe(201);
  return (made.body as { id: string }).id;
}

const alarms = async (id: string) =>
  (await alarmsPage(world.office, { limit: 100, offset: 0 })).filter(({ facts }) => facts.incident === id);

describe('a breach', () => {
  it('goes from the first suspicion to its end, counted by the data map, with its clock explained', async () => {
    const made = await call('Rosa', 'POST', '', {
      title: 'Backup left open',
      awareAt: opened,
      scope: { datasets: ['app.users', 'app.messages'] },
    });
    expect(made.status, made.text).toBe(201);
    const { id } = made.body as { id: string };
    expect(made.body).toMatchObject({
      state: 'open',
      risk: 'unassessed',
      clock: 'running',
      late: false,
      notifyBy: '2026-11-30T09:30:00.000Z',
      clocks: [
        { rule: 'GDPR-33-72H', dueAt: '2026-11-30T09:30:00.000Z', steps: [{}, { citation: 'GDPR art. 33(1)' }] },
      ],
      counts: {
        people: 40,
        datasets: [
          { dataset: 'app.users', count: 40 },
          { dataset: 'app.messages', count: 120 },
        ],
        categories: [{ category: 'communication.content', count: 120 }],
      },
      can: ['describe', 'count', 'assess'],
    });
    const early = await call('Rosa', 'POST', `/${id}/notify_authority`, {});
    expect([early.status, early.body]).toMatchObject([
      409,
      { code: 'move_not_allowed', state: 'open', allowed: ['describe', 'count', 'assess'] },
    ]);
    const counted = await call('Rosa', 'POST', `/${id}/count`, {
      scope: { subjects: [{ kind: 'email', value: 'person2@example.com' }] },
    });
    expect(counted.body).toMatchObject({
      counts: { people: 1, categories: [{ category: 'communication.content', count: 3 }] },
    });
    await call('Rosa', 'POST', `/${id}/describe`, {
      nature: 'A backup lay open for two days.',
      measures: 'Closed it.',
    });
    expect((await call('Ben', 'POST', `/${id}/assess`, { risk: 'high' })).body).toMatchObject({ state: 'assessed' });
    world.clock.advance('PT20H');
    const told = await call('Ben', 'POST', `/${id}/notify_authority`, { notifiedAt: world.clock.now().toString() });
    expect(told.body).toMatchObject({ state: 'authority_notified', clock: 'stopped', late: false });
    const notices = await call('Ina', 'GET', `/${id}/notices`);
    const { authority, persons } = notices.body as { authority: string; persons: string };
    for (const part of ['art. 33(3)(a)', '(b)', '(c)', '(d)', 'about 1 person', 'A backup lay open', 'privacy@'])
      expect(authority).toContain(part);
    expect(authority).toContain('[Not known yet: what it may mean for people]');
    expect(persons).toContain('What you can do');
    expect(persons).not.toMatch(/art\. 33|person2@/);
    expect((await call('Ben', 'POST', `/${id}/notify_persons`, { note: 'by mail' })).body).toMatchObject({
      state: 'persons_notified',
    });
    expect((await call('Ben', 'POST', `/${id}/close`, {})).body).toMatchObject({ state: 'closed', can: ['reopen'] });
    expect((await call('Ben', 'POST', `/${id}/reopen`, {})).body).toMatchObject({ state: 'open', risk: 'unassessed' });
  });

  it('takes no key that no record can have, and counts nothing for it', async () => {
    const id = await record();
    for (const scope of [{ keys: { 'app.messages': [{ id: 'x' }] } }, { datasets: ['app.nothing'] }, {}]) {
      const refused = await call('Rosa', 'POST', `/${id}/count`, { scope });
      expect([refused.status, JSON.stringify(scope)]).toEqual([422, JSON.stringify(scope)]);
    }
    expect((await call('Rosa', 'GET', `/${id}`)).body).toMatchObject({ counts: null });
    const counted = await call('Rosa', 'POST', `/${id}/count`, { scope: { keys: { 'app.messages': [{ id: 3 }] } } });
    expect(counted.body).toMatchObject({ counts: { categories: [{ category: 'communication.content', count: 1 }] } });
  });

  it('is a matter of roles: who may see, who may work, who may decide', async () => {
    const id = await record();
    for (const [who, seen] of [
      ['Rosa', 200],
      ['Ina', 200],
      ['Uma', 200],
      ['Tom', 403],
    ] as const)
      expect((await call(who, 'GET', `/${id}`)).status, who).toBe(seen);
    for (const who of ['Ina', 'Uma', 'Tom'])
      expect((await call(who, 'POST', `/${id}/assess`, { risk: 'none' })).status, who).toBe(403);
    expect((await call('Uma', 'POST', `/${id}/waive_authority`, { ground: 'UNLIKELY_RISK' })).status).toBe(403);
  });

  it('needs two people, and an approval, to be told to nobody', async () => {
    const id = await record();
    await call('Rosa', 'POST', `/${id}/assess`, { risk: 'none' });
    const waive = (who: string) => call(who, 'POST', `/${id}/waive_authority`, { ground: 'UNLIKELY_RISK' });
    expect((await waive('Rosa')).body).toMatchObject({ code: 'second_person_needed' });
    expect((await waive('Ben without approval')).body).toMatchObject({ code: 'approval_not_allowed' });
    const high = await call('Ina', 'POST', `/${id}/waive_authority`, { ground: 'NO_HIGH_RISK' });
    expect([high.status, high.body]).toMatchObject([422, { errors: [{ pointer: '/ground' }] }]);
    expect((await waive('Ina')).body).toMatchObject({ state: 'authority_not_required', clock: 'stopped' });
    await watchIncident(world.office, id, 0);
    expect((await alarms(id)).map(({ kind }) => kind)).not.toContain('incident_clock');
  });

  it('told late gives its reason, and an alarm went a day before the time was over', async () => {
    const id = await record();
    expect((await alarms(id)).map(({ kind }) => kind)).toEqual(['incident_opened']);
    const [task] = await world.office.store.db.sql<{ starts: number; data: unknown }[]>`
      SELECT extract(epoch FROM start_after)::float8 AS starts, data FROM pgboss.job WHERE name = 'watch-incident' AND data->>'incident' = ${id}`;
    expect(task?.data).toEqual({ incident: id, opening: 0 });
    expect(task?.starts).toBe(world.clock.now().add({ hours: 48 }).epochMilliseconds / 1000);
    await call('Rosa', 'POST', `/${id}/assess`, { risk: 'risk' });
    world.clock.advance('PT49H');
    for (let i = 0; i < 2; i++) await watchIncident(world.office, id, 0);
    expect((await alarms(id)).map(({ kind }) => kind).sort()).toEqual(['incident_clock', 'incident_opened']);
    world.clock.advance('PT24H');
    expect((await call('Rosa', 'GET', `/${id}`)).body).toMatchObject({ late: true });
    const without = await call('Rosa', 'POST', `/${id}/notify_authority`, {});
    expect([without.status, without.body]).toMatchObject([422, { errors: [{ code: 'late_reason_needed' }] }]);
    await call('Rosa', 'POST', `/${id}/notify_authority`, { reason: 'PROCESSOR_LATE' });
    expect((await call('Rosa', 'GET', `/${id}`)).body).toMatchObject({ state: 'authority_notified', late: false });
    const { body } = await call('Rosa', 'GET', `/${id}/notices`);
    expect(body).toMatchObject({ authority: expect.stringContaining('because our processor told us the facts late') });
  });

  it('of a source that cannot be reached is recorded all the same, and says what was not counted', async () => {
    const down = await openWorld({
      at: opened,
      env: { APP: 'postgres://nobody@127.0.0.1:1/nothing' },
    });
    try {
      const incident = await openIncident(
        down.office,
        { id: 'act_1', kind: 'token', role: 'privacy', approval: null },
        {
          story: { title: 'x', nature: '', consequences: '', measures: '', advice: '' },
          awareAt: down.clock.now(),
          scope: { datasets: ['app.messages'] },
          people: 12,
        },
      );
      expect(incident).toMatchObject({ counts: { people: 12, datasets: [{ dataset: 'app.messages', count: null }] } });
    } finally {
      await down[Symbol.asyncDispose]();
    }
  });

  it('I5 says nothing of what was written or who is concerned in ledger, alarms, tasks, logs or a plain column', async () => {
    const id = await record({
      consequences: 'kanari-consequences',
      measures: 'kanari-measures',
      advice: 'kanari-advice',
      scope: { subjects: [{ kind: 'email', value: 'kanari-subject@example.com' }] },
    });
    await call('Rosa', 'POST', `/${id}/describe`, { nature: 'kanari-later' });
    await call('Rosa', 'POST', `/${id}/count`, {
      scope: { subjects: [{ kind: 'email', value: 'kanari-other@example.com' }] },
    });
    await call('Rosa', 'POST', `/${id}/assess`, { risk: 'none', note: 'kanari-note' });
    await call('Ina', 'POST', `/${id}/waive_authority`, { ground: 'UNLIKELY_RISK', note: 'kanari-ground' });
    await call('Rosa', 'POST', `/${id}/notify_persons`, { note: 'kanari-persons', notifiedAt: 'kanari-time' });
    await call('Rosa', 'POST', `/${id}/close`, { note: 'kanari-close' });
    const { body } = await call('Rosa', 'GET', `/${id}`);
    expect(JSON.stringify(body)).toContain('kanari-note');
    await bringLedgerUpToDate(world.office);
    const { sql } = world.office.store.db;
    const tables = await sql<{ name: string }[]>`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`;
    expect(tables.map(({ name }) => name)).toContain('incidents');
    const hex = Buffer.from('kanari-').toString('hex');
    for (const { name } of tables) {
      const [row] = await sql<{ text: string | null }[]>`SELECT string_agg(t::text, ' ') AS text FROM ${sql(name)} t`;
      expect(row?.text ?? '', name).not.toMatch(new RegExp(`kanari-|${hex}`));
    }
    const tasks = JSON.stringify(await sql`SELECT data, output FROM pgboss.job`);
    expect(tasks).toContain(id);
    expect(tasks + logged.join('\n')).not.toContain('kanari-');
    // An address hashed without a key could be found by trying addresses.
    const [ledger] = await sql<{ text: string }[]>`
      SELECT string_agg(convert_from(bytes, 'UTF8'), ' ') AS text FROM ledger_entries`;
    expect(ledger?.text).toContain('incident.counted');
    const digest = createHash('sha256').update('kanari-subject@example.com').digest('hex');
    expect(ledger?.text).not.toContain(digest);
  });
});

/** RFC 6962, 2.1.1 and 2.1.3, written again from the text: what somebody without us would write. */
function rootOf(entry: string, index: number, size: number, proof: readonly string[]): string {
  const hash = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
  let node = hash(Buffer.from([0]), Buffer.from(entry, 'utf8'));
  let [at, last] = [index, size - 1];
  for (const step of proof) {
    const other = Buffer.from(step, 'base64');
    if (at % 2 === 1 || at === last) {
      node = hash(Buffer.from([1]), other, node);
      while (at % 2 === 0 && at !== 0) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
    } else node = hash(Buffer.from([1]), node, other);
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return node.toString('hex');
}

describe('the ledger of a breach', () => {
  it('is a download that anybody can check: each entry leads to the root of the checkpoint it names', async () => {
    const from = world.clock.now().toString({ smallestUnit: 'millisecond' });
    const id = await record();
    await call('Rosa', 'POST', `/${id}/assess`, { risk: 'risk' });
    const other = await record();
    world.clock.advance('PT1H');
    const until = world.clock.now().toString();
    world.clock.advance('PT1H');
    await call('Rosa', 'POST', `/${id}/notify_authority`, {});

    const read = async (who: string, query = '') => {
      const answer = await call(who, 'GET', `/${id}/ledger${query}`);
      expect(answer.status, answer.text).toBe(200);
      const [head, ...entries] = answer.text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      for (const { index, entry, proof, leafHash } of entries) {
        expect(rootOf(entry, index, head.size, proof)).toBe(head.root);
        expect(createHash('sha256').update(`\0${entry}`).digest('hex')).toBe(leafHash);
      }
      const [origin, size, root] = String(head.checkpoint).split('\n');
      expect([Number(size), Buffer.from(root ?? '', 'base64').toString('hex')]).toEqual([head.size, head.root]);
      expect(head.verifierKey.startsWith(`${origin}+`)).toBe(true);
      return {
        head,
        kinds: entries.map(({ entry }) => JSON.parse(entry)) as { kind: string; facts: { incident?: string } }[],
      };
    };
    const own = await read('Rosa');
    expect(own.head).toMatchObject({ incident: id, from, entries: 'of the incident' });
    expect(own.kinds.map(({ kind }) => kind)).toEqual(['incident.opened', 'incident.moved', 'incident.moved']);
    expect(own.kinds.every(({ facts }) => facts.incident === id)).toBe(true);
    const all = await read('Uma', `?from=${from}&to=${until}`);
    expect(all.head).toMatchObject({ entries: 'all' });
    expect(all.kinds.filter(({ facts }) => facts.incident === other)).toHaveLength(1);
    // The last move lies after the range.
    expect(all.kinds.filter(({ facts }) => facts.incident === id)).toHaveLength(2);
    // What a token was not given, its role does not give it.
    const scopes = ['incidents.read'];
    tokens.set('Uma narrowed', await tokenFor(world.office, { name: 'Uma', role: 'compliance', scopes }));
    expect((await read('Uma narrowed', `?from=${from}&to=${until}`)).head).toMatchObject({
      entries: 'of the incident',
    });
    expect((await call('Uma', 'GET', `/${id}/ledger?from=${until}&to=${from}`)).status).toBe(422);
    expect((await call('Tom', 'GET', `/${id}/ledger`)).status).toBe(403);
  });

  it('a changed entry, index or proof leads elsewhere', async () => {
    const id = await record();
    await call('Rosa', 'POST', `/${id}/assess`, { risk: 'risk' });
    const { text } = await call('Rosa', 'GET', `/${id}/ledger`);
    const [head, { entry, index, proof }] = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rootOf(entry, index, head.size, proof)).toBe(head.root);
    expect(rootOf(entry.replace('incident.opened', 'incident.closed'), index, head.size, proof)).not.toBe(head.root);
    expect(rootOf(entry, index - 1, head.size, proof)).not.toBe(head.root);
    expect(rootOf(entry, index, head.size, [...proof].reverse())).not.toBe(head.root);
  });
});
