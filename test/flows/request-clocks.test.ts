import { readFileSync } from 'node:fs';
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemActor } from '../../src/core/actor.ts';
import { moveRequestClock } from '../../src/flows/move-request.ts';
import { placeHold } from '../../src/flows/place-hold.ts';
import { recountDeadlines } from '../../src/flows/recount-deadlines.ts';
import { approveRelease, liftHold } from '../../src/flows/release-hold.ts';
import { httpApp } from '../../src/http/app.ts';
import { chatSources, done, lawyer, officer, openWorld, second, type World } from '../invariants/world.ts';
import { tokenFor } from '../support/people.ts';
import { messagesRetention, policiesFolder } from '../support/policies.ts';

const regimes = readFileSync('policies/regimes.yaml', 'utf8');
/** The book with working days for the GDPR; nothing else is another than what ships. */
function bookWith(version: string, holidays: readonly string[]): string {
  return policiesFolder({
    'sources.yaml': chatSources(),
    'retention.yaml': messagesRetention,
    'regimes.yaml': regimes
      .replace(
        'calendars: {}',
        `calendars:\n  here: { version: "${version}", weekend: [sat, sun], holidays: [${holidays.join(', ')}] }`,
      )
      .replace('(EU) }', '(EU), calendar: here }'),
  });
}

let world: World;
let doors: Hono;
const tokens = new Map<string, string>();

beforeAll(async () => {
  world = await openWorld({ at: '2026-03-02T09:00:00.000Z' });
  await world.app.sql.unsafe(`INSERT INTO users VALUES (1, 'ada@example.com');
    INSERT INTO conversations VALUES (1, '2026-01-01Z', 'one');
    INSERT INTO messages VALUES (1, 1, 1, NULL, '2026-01-02Z', 'm')`);
  for (const role of ['privacy', 'legal'] as const) {
    const expires = { years: 1, months: 0, weeks: 0, days: 0 };
    tokens.set(role, await tokenFor(world.office, { name: `Pat ${role}`, role, expires }));
  }
  doors = httpApp(world.office, {
    sessionOf: async () => null,
    metrics: async () => '',
    metricsToken: 'm',
    networkOf: () => null,
    report: () => {},
  }).app as unknown as Hono;
});
afterAll(() => world?.[Symbol.asyncDispose]());

interface Answer {
  readonly [name: string]: unknown;
  readonly id: string;
}

const bearer = (path: string) => `Bearer ${tokens.get(path.startsWith('/requests') ? 'privacy' : 'legal')}`;

async function api(method: string, path: string, body?: unknown): Promise<{ status: number; body: Answer }> {
  const response = await doors.request(`/api/v1${path}`, {
    method,
    headers: { Authorization: bearer(path), 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answer };
}

async function ok(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await api(method, path, body);
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

async function receive(regime: string): Promise<string> {
  const subject = { identifiers: [{ kind: 'phone', value: '+1 503 555 0100' }] };
  return (await ok('POST', '/requests', { type: 'access', regime, subject })).id;
}

const deadline = (id: string) => ok('GET', `/requests/${id}/deadline`);
const dueOnOf = ({ clocks }: Answer, rule: string) =>
  (clocks as { rule: string; dueOn: string | null }[]).find((clock) => clock.rule === rule)?.dueOn;

/** Refuse a request, as its answer. */
async function refuseRequest(id: string): Promise<void> {
  await world.office.store.db.sql`UPDATE requests SET state = 'review' WHERE id = ${id}`;
  await ok('POST', `/requests/${id}/decide`, { outcome: 'refused', reason: 'unfounded' });
}

describe('an appeal', () => {
  it('runs on the clocks of appeals from the day it came, and goes on so when it is extended', async () => {
    world.clock.set('2026-03-02T18:00:00.000Z');
    const id = await receive('CO-CPA');
    await ok('POST', `/requests/${id}/extend`, { reason: 'complexity' });
    expect(dueOnOf(await deadline(id), 'US-45D')).toBe('2026-05-31');
    await refuseRequest(id);

    world.clock.set('2026-04-10T18:00:00.000Z');
    for (const receivedAt of ['2026-04-11T00:00:00Z', '2026-03-01T00:00:00Z'])
      expect((await api('POST', `/requests/${id}/appeal`, { receivedAt })).body).toMatchObject({
        code: 'invalid',
        errors: [{ pointer: '/receivedAt' }],
      });
    const appealed = await ok('POST', `/requests/${id}/appeal`, { receivedAt: '2026-04-08T18:00:00Z' });
    expect(appealed).toMatchObject({ appealedAt: '2026-04-08T18:00:00.000Z', clock: 'running', dueOn: '2026-05-08' });
    const first = await deadline(id);
    expect(dueOnOf(first, 'US-APPEAL-45D')).toBe('2026-05-23');
    // The clock of the request itself is over, and its extension does not count again.
    expect(dueOnOf(first, 'US-45D')).toBe(undefined);

    const extended = await ok('POST', `/requests/${id}/extend`, { reason: 'many records' });
    expect(extended).toMatchObject({ dueOn: '2026-07-22', refuseBy: '2026-05-24T06:00:00.000Z' });
    expect(dueOnOf(await deadline(id), 'US-APPEAL-45D')).toBe('2026-07-22');
    await refuseRequest(id);
    const reopened = await ok('POST', `/requests/${id}/reopen`);
    expect(reopened).toMatchObject({ appealedAt: '2026-04-08T18:00:00.000Z', dueOn: '2026-07-22' });
  });
});

describe('a request and its deadline', () => {
  it('says how it stands, and by when a refusal is due although it is extended', async () => {
    world.clock.set('2026-03-02T18:00:00.000Z');
    const id = await receive('GDPR');
    expect(await ok('GET', `/requests/${id}`)).toMatchObject({ standing: 'in_time', dueOn: '2026-04-01' });
    await ok('POST', `/requests/${id}/extend`, { reason: 'complexity' });
    const first = await deadline(id);
    expect(first).toMatchObject({ dueOn: '2026-06-02', late: false, later: null });
    const { dueAt, refuseBy } = first as unknown as { dueAt: string; refuseBy: string };
    expect(refuseBy.slice(0, 8)).toBe('2026-04-');

    world.clock.set(
      Temporal.Instant.from(dueAt)
        .subtract({ hours: 7 * 24 })
        .toString(),
    );
    expect(await ok('GET', `/requests/${id}`)).toMatchObject({ standing: 'due_soon' });
    world.clock.set(Temporal.Instant.from(dueAt).subtract({ milliseconds: 1 }).toString());
    expect(await deadline(id)).toMatchObject({ late: false });
    world.clock.set(dueAt);
    expect(await deadline(id)).toMatchObject({ late: true });
    expect(await ok('GET', `/requests/${id}`)).toMatchObject({ standing: 'late' });
    await refuseRequest(id);
    expect(await ok('GET', `/requests/${id}`)).toMatchObject({ standing: null, clock: 'stopped' });
  });

  it('whose month waits for proof of identity can go on when the proof is there', async () => {
    world.clock.set('2026-03-02T18:00:00.000Z');
    const id = await receive('UK-GDPR');
    expect(await ok('POST', `/requests/${id}/pause`, { event: 'identity' })).toMatchObject({ clock: 'not_started' });
    world.clock.set('2026-03-09T18:00:00.000Z');
    expect(await ok('POST', `/requests/${id}/resume`, { event: 'identity' })).toMatchObject({ clock: 'running' });
    expect(dueOnOf(await deadline(id), 'UK-12A')).toBe('2026-04-09');
  });
});

describe('what a deadline was counted with', () => {
  it('is kept with it; new holidays move it earlier by themselves and later only by a person', async () => {
    // Of 1 February the month ends before our own 30 days, so the statute's calendar decides.
    world.clock.set('2027-02-01T12:00:00.000Z');
    await using first = await world.another(bookWith('1', []));
    const id = await receive('GDPR');
    const { office } = first.house;
    // The house without a calendar received it; the one with a calendar counts the same day.
    expect(await deadline(id)).toMatchObject({ dueOn: '2027-03-01' });
    expect(await recountDeadlines(office, systemActor)).toMatchObject({ waiting: 0 });
    const counted = await deadline(id);
    expect(counted).toMatchObject({
      dueOn: '2027-03-01',
      countedWith: [
        { rule: 'SVC-30D', version: '1' },
        { rule: 'GDPR-12.3', version: '1', calendar: 'here', calendarVersion: '1', tzdb: process.versions.tz },
      ],
    });
    expect(process.versions.tz).toMatch(/^20/);

    await using second = await world.another(bookWith('2', ['2027-03-01']));
    expect(await recountDeadlines(second.house.office, systemActor)).toEqual({ taken: 0, waiting: 1 });
    expect(await ok('GET', `/requests/${id}`)).toMatchObject({ dueOn: '2027-03-01' });
    const app = httpApp(second.house.office, {
      sessionOf: async () => null,
      metrics: async () => '',
      metricsToken: 'm',
      networkOf: () => null,
      report: () => {},
    }).app as unknown as Hono;
    const headers = { Authorization: bearer('/requests') };
    const seen = await app.request(`/api/v1/requests/${id}/deadline`, { headers });
    expect(await seen.json()).toMatchObject({ dueOn: '2027-03-01', later: { dueOn: '2027-03-02' } });

    // A person moves the clock: now it is counted with what there is. Then a holiday less moves it back by itself.
    const order = { move: 'pause', reason: null, basis: 'art12_6_reasonable_doubt', event: 'identity' } as const;
    done(await moveRequestClock(second.house.office, officer, id, order));
    done(await moveRequestClock(second.house.office, officer, id, { ...order, move: 'resume' }));
    expect(await ok('GET', `/requests/${id}`)).toMatchObject({ dueOn: '2027-03-02' });
    await using third = await world.another(bookWith('3', []));
    expect(await recountDeadlines(third.house.office, systemActor)).toEqual({ taken: 1, waiting: 0 });
    const moved = await ok('GET', `/requests/${id}`);
    expect(moved).toMatchObject({ dueOn: '2027-03-01' });
    expect((moved.history as { move: string }[]).at(-1)?.move).toBe('recount');
    expect(await recountDeadlines(third.house.office, systemActor)).toEqual({ taken: 0, waiting: 0 });
    const [told] = await office.store.db.sql`
      SELECT count(*)::int AS n FROM ledger_pending WHERE kind = 'request.moved' AND convert_from(bytes, 'UTF8') LIKE '%recount%'`;
    expect(told?.n).toBe(1);
  });
});

describe('a receipt', () => {
  const subject = { identifiers: [{ kind: 'phone', value: '+1 503 555 0100' }] };
  const paper = {
    requests: { type: 'access', regime: 'GDPR', subject },
    demands: { type: 'civil_subpoena', issuer: { name: 'District Court', country: 'US' } },
  };

  it('is never in the future, by which a deadline would be later; a clock a little ahead of ours counts as now', async () => {
    const now = world.clock.now();
    for (const kind of ['requests', 'demands'] as const) {
      const receive = (at: Temporal.Instant) =>
        api('POST', `/${kind}`, { ...paper[kind], receivedAt: at.toString({ smallestUnit: 'millisecond' }) });
      const stored = async ({ body }: { body: Answer }) =>
        (await ok('GET', `/${kind}/${body.id}`)).receivedAt as string;
      for (const ahead of [{ minutes: 5, milliseconds: 1 }, { hours: 720 }, { hours: 24 * 365 * 50 }])
        expect(await receive(now.add(ahead))).toMatchObject({
          status: 422,
          body: { code: 'invalid', errors: [{ pointer: '/receivedAt', code: 'time_invalid' }] },
        });
      expect(await stored(await receive(now.add({ minutes: 5 })))).toBe(now.toString({ smallestUnit: 'millisecond' }));
      const before = now.subtract({ hours: 30 });
      expect(await stored(await receive(before))).toBe(before.toString({ smallestUnit: 'millisecond' }));
    }
  });
});

describe('the clocks of a demand', () => {
  const issuer = { name: 'District Court', country: 'US' };
  const serve = (type: string, more: object = {}) =>
    ok('POST', '/demands', { type, issuer, receivedAt: '2026-03-02T18:00:00Z', ...more });

  it('count from the date of the order where the law does, and wait while nobody has entered it', async () => {
    world.clock.set('2026-03-02T18:00:00.000Z');
    expect(await serve('nondisclosure_2705b')).toMatchObject({
      keep: { until: null, byPerson: true },
      clocks: [{ rule: 'US-2705B', dueAt: null, waitingFor: ['issued_at'] }],
    });
    expect(await serve('nondisclosure_2705b', { issuedAt: '2026-02-20', orderedPeriod: 'P1Y' })).toMatchObject({
      issuedAt: '2026-02-20',
      keep: { byPerson: false },
      clocks: [{ rule: 'US-2705B', dueOn: '2027-02-20', countedWith: { tzdb: process.versions.tz } }],
    });
    world.clock.set('2026-09-01T10:30:00.000Z');
    const emergency = await serve('EPOC', {
      emergency: true,
      issuedAt: '2026-09-01T10:00:00+02:00',
      receivedAt: '2026-09-01T10:30:00Z',
    });
    const validated = (emergency.clocks as { rule: string; dueAt: string }[]).find(({ rule }) => /VALIDATE/.test(rule));
    expect(validated?.dueAt).toBe('2026-09-03T08:00:00.000Z');
    for (const [name, value] of [
      ['issuedAt', '2026-02-30'],
      ['issuedAt', '2026-02-20T10:00:00'],
      ['orderedPeriod', 'PT3M'],
    ] as const)
      expect(
        (
          await api('POST', '/demands', {
            type: 'nondisclosure_2705b',
            issuer,
            receivedAt: '2026-03-02T18:00:00Z',
            [name]: value,
          })
        ).body,
      ).toMatchObject({ code: 'invalid', errors: [{ pointer: `/${name}` }] });
  });

  it('I1 of a preservation keep the hold it was placed for, renewed once, until the last day is over', async () => {
    world.clock.set('2026-03-02T18:00:00.000Z');
    const { id } = await serve('preservation_2703f');
    const scope = { subjects: [{ kind: 'email', value: 'ada@example.com' }] };
    const hold = done(
      await placeHold(world.office, lawyer, { matter: 'M', reason: 'R', scope, demandId: id, requestId: null }),
    );
    expect(await ok('GET', `/demands/${id}`)).toMatchObject({
      keep: { byPerson: false },
      clocks: [{ dueOn: '2026-05-31' }],
    });

    expect((await api('POST', `/demands/${id}/extend`, { by: 'issuer', newDueAt: '2027-01-01' })).body).toMatchObject({
      code: 'not_allowed',
    });
    expect(await ok('POST', `/demands/${id}/renew`, { note: 'letter of today' })).toMatchObject({
      state: 'received',
      keep: { byPerson: false },
      clocks: [{ dueOn: '2026-08-29' }],
    });
    world.clock.set('2026-07-01T18:00:00.000Z');
    const early = await api('POST', `/holds/${hold.id}/release`);
    expect([early.status, early.body.code]).toEqual([409, 'not_ready']);
    // A second renewal is not counted, but from then on no machine may end it.
    expect(await ok('POST', `/demands/${id}/renew`)).toMatchObject({
      keep: { byPerson: true },
      clocks: [{ dueOn: '2026-08-29' }],
    });
    const { clocks } = (await ok('GET', `/demands/${id}`)) as unknown as { clocks: { dueAt: string }[] };
    world.clock.set(
      Temporal.Instant.from(clocks[0]?.dueAt ?? '')
        .subtract({ milliseconds: 1 })
        .toString(),
    );
    expect((await api('POST', `/holds/${hold.id}/release`)).status).toBe(409);
    world.clock.set(clocks[0]?.dueAt ?? '');
    expect(await ok('POST', `/holds/${hold.id}/release`)).toMatchObject({ state: 'release_requested' });
  });

  it('I1 of a preservation keep the hold although its release was asked for, or agreed to, before it was renewed', async () => {
    const scope = { subjects: [{ kind: 'email', value: 'ada@example.com' }] };
    const placed = async () => {
      world.clock.set('2026-03-02T18:00:00.000Z');
      const { id } = await serve('preservation_2703f');
      const order = { matter: 'M', reason: 'R', scope, demandId: id, requestId: null };
      const hold = done(await placeHold(world.office, lawyer, order));
      world.clock.set('2026-06-02T09:00:00.000Z');
      expect(await ok('POST', `/holds/${hold.id}/release`)).toMatchObject({ state: 'release_requested' });
      return { demand: id, hold: hold.id };
    };
    const asked = await placed();
    await ok('POST', `/demands/${asked.demand}/renew`, { note: 'letter of today' });
    expect(await approveRelease(world.office, second, asked.hold)).toMatchObject({ code: 'not_ready' });
    expect(await ok('GET', `/holds/${asked.hold}`)).toMatchObject({ state: 'release_requested' });

    const agreed = await placed();
    done(await approveRelease(world.office, second, agreed.hold));
    await ok('POST', `/demands/${agreed.demand}/renew`, { note: 'letter of today' });
    const inSource = async () => (await world.app.sql`SELECT 1 FROM muniment.held WHERE hold = ${agreed.hold}`).length;
    const before = await inSource();
    expect(before).toBeGreaterThan(0);
    await liftHold(world.office, agreed.hold);
    expect(await inSource()).toBe(before);
    // Looked at again when the preservation ends.
    const later = await world.office.store.db.sql<{ day: string }[]>`SELECT to_char(start_after, 'YYYY-MM') AS day
      FROM pgboss.job WHERE name = 'lift-hold' AND data->>'hold' = ${agreed.hold} ORDER BY start_after`;
    expect(later.map(({ day }) => day)).toContain('2026-09');
    world.clock.set('2026-09-02T09:00:00.000Z');
    await liftHold(world.office, agreed.hold);
    expect(await inSource()).toBe(0);
  });

  it('let a hold go at once when the issuer has withdrawn', async () => {
    world.clock.set('2026-03-02T18:00:00.000Z');
    const { id } = await serve('preservation_2703f');
    const scope = { subjects: [{ kind: 'email', value: 'ada@example.com' }] };
    const hold = done(
      await placeHold(world.office, lawyer, { matter: 'M', reason: 'R', scope, demandId: id, requestId: null }),
    );
    // Never linked: the hold alone names the demand.
    expect((await api('POST', `/holds/${hold.id}/release`)).status).toBe(409);
    await ok('POST', `/demands/${id}/withdraw`);
    const late = await api('POST', `/demands/${id}/renew`);
    expect([late.status, late.body.code]).toEqual([409, 'move_not_allowed']);
    expect(await ok('POST', `/holds/${hold.id}/release`)).toMatchObject({ state: 'release_requested' });
  });

  it('move with what the issuer or a court grants, and with nothing of our own', async () => {
    world.clock.set('2026-03-02T18:00:00.000Z');
    const { id } = await serve('search_warrant', { dueAt: '2026-03-20T17:00:00Z' });
    const ask = (body: object) => api('POST', `/demands/${id}/extend`, body);
    expect((await ask({ newDueAt: '2026-04-20' })).body).toMatchObject({ code: 'not_allowed' });
    expect((await ask({ by: 'issuer' })).body).toMatchObject({ code: 'not_allowed' });
    expect((await ask({ by: 'issuer', newDueAt: '2026-03-19' })).body).toMatchObject({ code: 'not_allowed' });
    expect((await ask({ by: 'issuer', newDueAt: '2026-04-20' })).body).toMatchObject({
      clocks: [{ rule: 'LD-FACE-DATE', dueOn: '2026-04-20', late: false }],
    });
    world.clock.set('2026-05-01T00:00:00.000Z');
    expect(await ok('GET', `/demands/${id}`)).toMatchObject({ clocks: [{ late: true }] });
  });
});
