import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Role, roles } from '../../src/core/actor.ts';
import { openIncident } from '../../src/flows/open-incident.ts';
import { receiveDemand } from '../../src/flows/receive-demand.ts';
import { receiveRequest } from '../../src/flows/receive-request.ts';
import { httpApp } from '../../src/http/app.ts';
import { may } from '../../src/policy/roles.ts';
import { webApp } from '../../src/web/app.tsx';
import { chatSources, done, hold, lawyer, officer, openWorld, type World } from '../invariants/world.ts';
import { type Described, type Description, oddYears, resolved } from '../support/fuzz.ts';
import { tokenFor } from '../support/people.ts';
import { firstSignIn, newMember, type SignedIn } from '../support/staff.ts';

/**
 * Days and times of years that no database takes, or at the edge of those, in every place of every call and form that
 * takes one: what cannot be kept is refused at the edge, and what is counted from the last of days is no fault either.
 */
let world: World;
let app: Hono;
let routes: ReturnType<typeof httpApp>['routes'];
let web: ReturnType<typeof webApp>;
let document: Description;
const tokens = new Map<Role, string>();
const staff = new Map<Role, SignedIn>();
const faults: string[] = [];
const ids = new Map<string, string>();

beforeAll(async () => {
  world = await openWorld({ sources: chatSources() });
  const { office } = world;
  await world.app.sql`INSERT INTO users VALUES (1, 'ada@example.com')`;
  let calls = 0;
  const networkOf = () => `network ${calls++}`;
  const report = (what: string, error: unknown) => {
    faults.push(`${what}: ${error instanceof Error ? error.stack : typeof error}`);
  };
  const http = httpApp(office, {
    sessionOf: async () => null,
    metrics: async () => '',
    metricsToken: 'm',
    networkOf,
    report,
  });
  ({ app, routes } = http);
  document = http.openApi() as unknown as Description;
  web = webApp(office, { nextBell: () => null, networkOf, report });
  for (const role of roles) tokens.set(role, await tokenFor(office, { name: `The ${role}`, role }));
  for (const role of ['privacy', 'legal'] as const) {
    const { email } = await newMember(office, role, `${role}@example.com`);
    staff.set(role, await firstSignIn(web, email));
  }
  const now = office.now();
  ids.set('holds', (await hold(office, { subjects: [{ kind: 'email', value: 'ada@example.com' }] })).id);
  const request = await receiveRequest(office, officer, {
    type: 'access',
    regime: null,
    channel: 'portal',
    receivedAt: null,
    subject: { name: 'Ada', identifiers: [{ kind: 'email', value: 'ada@example.com' }] },
    details: null,
  });
  ids.set('requests', done(request).id);
  const paper = {
    instrumentNumber: null,
    issuer: { name: 'A court', country: 'US', court: null },
    requester: null,
    targets: [],
    scope: null,
    caption: null,
    notes: null,
  };
  const demand = await receiveDemand(office, lawyer, {
    type: 'civil_subpoena',
    channel: 'mail',
    receivedAt: now.subtract({ hours: 48 }),
    dueAt: now.add({ hours: 480 }),
    emergency: false,
    issuedAt: null,
    orderedPeriod: null,
    paper,
  });
  ids.set('demands', done(demand).id);
  const story = { title: 'T', nature: '', consequences: '', measures: '', advice: '' };
  const report2 = { story, awareAt: now.subtract({ hours: 4 }), scope: null, people: null };
  ids.set('incidents', done(await openIncident(office, officer, report2)).id);
}, 120_000);
afterAll(async () => world?.[Symbol.asyncDispose]());

/** Names under which a day or a time is taken. */
const isTime = (field: string) => /(At|On|from|to|expires)$/.test(field);

const bodies: Readonly<Record<string, Record<string, unknown>>> = {
  '/requests': { type: 'access', subject: { identifiers: [{ kind: 'email', value: 'ada@example.com' }] } },
  '/requests/{id}/{move}': { outcome: 'granted', reason: 'A word.', event: 'identity' },
  '/holds': { matter: 'M', reason: 'R', scope: { datasets: ['app.messages'] } },
  '/holds/{id}/review': { note: 'A word.', reviewOn: null },
  '/demands': {
    type: 'civil_subpoena',
    issuer: { name: 'A court', country: 'US' },
    receivedAt: '2026-11-20T10:00:00Z',
    orderedPeriod: 'P9999Y',
    scope: { dataClasses: ['content'] },
  },
  '/demands/{id}/{move}': { note: 'A word.', by: 'court' },
  '/incidents': { title: 'A word.', awareAt: '2026-11-20T10:00:00Z', scope: { datasets: ['app.users'] } },
  '/incidents/{id}/count': { scope: { datasets: ['app.users'] } },
  '/incidents/{id}/{move}': { reason: 'OVERLOOKED', note: 'A word.', risk: 'risk' },
  '/exports': { purpose: 'legal_production', matter: 'M', scope: { datasets: ['app.messages'] }, formats: ['ndjson'] },
};

describe('days and times of years that cannot be kept', () => {
  it('never break a call', async () => {
    const wrong: string[] = [];
    let calls = 0;
    for (const { method, path, access } of routes) {
      const role = roles.find((one) => access !== 'public' && may(world.office.policy.roles, one, access)) ?? 'admin';
      const call = document.paths[path]?.[method.toLowerCase()];
      const schema = call?.requestBody?.content['application/json']?.schema;
      const described = schema ? resolved(document, schema, false) : {};
      const good = bodies[path.replace('/api/v1', '')] ?? { note: 'A word.' };
      const fields = (one: Described | undefined) => Object.keys(one?.properties ?? {}).filter(isTime);
      const asked = (call?.parameters ?? []).filter((one) => one.in === 'query' && isTime(one.name));
      const sent = (odd: string): readonly { query?: string; body?: object }[] => [
        ...asked.map(({ name }) => ({ query: `?${name}=${encodeURIComponent(odd)}` })),
        ...fields(described).map((field) => ({ body: { ...good, [field]: odd } })),
        ...fields(described.properties?.scope).map((field) => ({
          body: { ...good, scope: { ...(good.scope as object), [field]: odd } },
        })),
      ];
      const where = path.replace('{id}', ids.get(path.split('/')[3] ?? '') ?? 'x');
      const moves = call?.parameters?.find(({ name }) => name === 'move')?.schema.enum?.map(String) ?? [''];
      for (const move of moves)
        for (const { odd, query = '', body } of oddYears.flatMap((one) =>
          sent(one).map((more) => ({ odd: one, ...more })),
        )) {
          const reply = await app.request(`http://localhost:3000${where.replace('{move}', move)}${query}`, {
            method,
            headers: { Authorization: `Bearer ${tokens.get(role)}`, 'Content-Type': 'application/json' },
            ...(body ? { body: JSON.stringify(body) } : {}),
          });
          calls += 1;
          // What a paper says of its period is kept as it says it.
          const isWords = path.includes('{move}') || (body && 'scope' in body && path.endsWith('/demands'));
          if (reply.ok && !isWords && /^([+-]|\d{5})/.test(odd))
            wrong.push(`${method} ${where} took ${JSON.stringify(body)}`);
          if (reply.status >= 500)
            wrong.push(`${method} ${where} ${move} ${query} ${JSON.stringify(body)}: ${faults.at(-1)?.slice(0, 300)}`);
        }
    }
    expect(wrong).toEqual([]);
    expect(calls).toBeGreaterThan(oddYears.length * 10);
  }, 1_000_000);

  it('never break a form of the console', async () => {
    const wrong: string[] = [];
    const good: Record<string, string> = {
      type: 'civil_subpoena',
      issuerName: 'A',
      issuerCountry: 'US',
      receivedAt: '2026-11-20T10:00',
      awareAt: '2026-11-20T10:00',
      title: 'A word.',
      note: 'A word.',
      matter: 'M',
      reason: 'A word.',
      datasets: 'app.messages',
      'class-content': 'yes',
      purpose: 'legal_production',
    };
    const forms = [
      ['legal', '/demands/new', ['receivedAt', 'dueAt', 'issuedAt', 'from', 'to']],
      ['legal', '/holds/new', ['reviewOn', 'from', 'to']],
      ['legal', `/holds/${ids.get('holds')}/review`, ['reviewOn']],
      ['legal', '/exports/new', ['from', 'to']],
      ['privacy', '/incidents/new', ['awareAt', 'from', 'to']],
      ['privacy', `/incidents/${ids.get('incidents')}/count`, ['from', 'to']],
      ['privacy', `/incidents/${ids.get('incidents')}/notify_authority`, ['notifiedAt']],
      ['privacy', `/incidents/${ids.get('incidents')}/notify_persons`, ['notifiedAt']],
    ] as const;
    const collections = ['demands', 'holds', 'exports', 'incidents'];
    let right = 0;
    for (const [role, form, fields] of forms) {
      const visitor = staff.get(role)?.visitor;
      if (!visitor) throw new Error(`nobody is ${role}`);
      for (const field of fields)
        for (const odd of oddYears) {
          const { status } = await visitor.post(`/console${form}`, { ...good, [field]: odd });
          if (status >= 500) wrong.push(`${form} ${field} ${odd}: ${faults.at(-1)?.slice(0, 300)}`);
          if (status === 303) right += 1;
        }
    }
    for (const collection of collections) {
      const role = collection === 'incidents' ? 'privacy' : 'legal';
      const page = await staff.get(role)?.visitor.get(`/console/${collection}`);
      if (page?.status !== 200) wrong.push(`${collection}: ${page?.status}, ${faults.at(-1)?.slice(0, 300)}`);
      for (const field of ['from', 'to'])
        for (const odd of collection === 'incidents' ? oddYears : []) {
          const path = `/console/incidents/${ids.get('incidents')}/ledger?${field}=${encodeURIComponent(odd)}`;
          const ledger = await staff.get(role)?.visitor.get(path);
          if (ledger === undefined || ledger.status >= 500) wrong.push(`${path}: ${faults.at(-1)?.slice(0, 300)}`);
        }
    }
    expect(wrong).toEqual([]);
    // Some of the first and last days are days like any other, so the forms were read to their end.
    expect(right).toBeGreaterThan(0);
  }, 1_000_000);
});
