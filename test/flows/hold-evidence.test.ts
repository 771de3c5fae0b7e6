import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clockActor } from '../../src/core/actor.ts';
import { alarmsPage } from '../../src/flows/alarms.ts';
import { gatherFindings } from '../../src/flows/gather-findings.ts';
import { holdsPage, lookUpDemand, lookUpRequest } from '../../src/flows/look-up.ts';
import { gatherAgain, withdrawRequest } from '../../src/flows/move-request.ts';
import type { Office } from '../../src/flows/office.ts';
import { placeHold } from '../../src/flows/place-hold.ts';
import { preserveDemand } from '../../src/flows/preserve-demand.ts';
import { receiveDemand } from '../../src/flows/receive-demand.ts';
import { receiveRequest } from '../../src/flows/receive-request.ts';
import { confirmByStaff } from '../../src/flows/verify-request.ts';
import { watchHolds } from '../../src/flows/watch-holds.ts';
import type { RequestType } from '../../src/requests/request.ts';
import { chatTables, done, ids, lawyer, officer, openWorld, purge, type World } from '../invariants/world.ts';

const rows = `
  INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bea@example.com');
  INSERT INTO messages SELECT n, NULL, 1 + n % 2, NULL, '2019-01-01Z'::timestamptz + n * interval '1 day', 'm' FROM generate_series(1, 4) n;`;

let world: World;
let office: Office;
beforeAll(async () => {
  world = await openWorld({ tables: chatTables + rows, at: '2026-11-27T03:00:00.000Z' });
  office = world.office;
});
afterAll(async () => world?.[Symbol.asyncDispose]());

const ask = async (type: RequestType, email: string, proven = true) => {
  const { id } = done(
    await receiveRequest(office, officer, {
      type,
      regime: null,
      channel: 'mail',
      receivedAt: null,
      subject: { name: null, identifiers: [{ kind: 'email', value: email }] },
      details: null,
    }),
  );
  if (proven) done(await confirmByStaff(office, officer, id, ['email']));
  await gatherFindings(office, id);
  return id;
};
const holdsOf = async (id: string) =>
  (await holdsPage(office, { limit: 200, offset: 0 })).filter((hold) => hold.requestId === id || hold.demandId === id);
const close = async (id: string) => done(await withdrawRequest(office, officer, id));
const night = () => watchHolds(office, clockActor, world.clock.advance('PT1H').toString());

describe('an open request', () => {
  it('keeps what it is about from a purge, from when its person is proven until it is closed', async () => {
    const unproven = await ask('access', 'bea@example.com', false);
    expect(await holdsOf(unproven)).toEqual([]);
    const id = await ask('access', 'ada@example.com');
    const [hold, ...others] = await holdsOf(id);
    expect([hold?.state, others.length]).toEqual(['active', 0]);
    await purge(office);
    expect(await ids(world.app, 'messages')).toEqual([2, 4]);
    // The search is repeated, and the night comes: nothing is held twice, and nothing is let go.
    done(await gatherAgain(office, officer, id));
    await gatherFindings(office, id);
    await night();
    expect((await holdsOf(id)).map(({ state }) => state)).toEqual(['active']);
    await close(id);
    await night();
    expect((await holdsOf(id)).map(({ state, releasedBy }) => [state, releasedBy])).toEqual([['released', 'system']]);
    // Nobody approved it, so that nobody did so at three in the morning.
    expect((await alarmsPage(office, { limit: 50, offset: 0 })).map(({ kind }) => kind)).not.toContain(
      'approval_outside_hours',
    );
    await purge(office);
    expect(await ids(world.app, 'messages')).toEqual([]);
  });

  it('to erase holds nothing, and is not held up by a request of the same person that is closed', async () => {
    await world.app.sql`INSERT INTO messages VALUES (10, NULL, 1, NULL, now(), 'm')`;
    const grounds = async (id: string) =>
      (done(await lookUpRequest(office, id)).findings ?? []).filter(({ ground }) => ground === 'LEGAL_HOLD');
    const access = await ask('access', 'ada@example.com');
    const early = await ask('erasure', 'ada@example.com');
    expect(await holdsOf(early)).toEqual([]);
    expect((await grounds(early)).map(({ dataset }) => dataset)).toContain('app.messages');
    await close(access);
    done(await gatherAgain(office, officer, early));
    await gatherFindings(office, early);
    expect(await grounds(early)).toEqual([]);
    expect((await holdsOf(access)).map(({ state }) => state)).toEqual(['released']);
  });
});

describe('a preservation demand', () => {
  const serve = async (type: 'preservation_2703f' | 'civil_subpoena', kind: string) => {
    const demand = done(
      await receiveDemand(office, officer, {
        type,
        channel: 'mail',
        receivedAt: world.clock.now(),
        dueAt: null,
        emergency: false,
        issuedAt: null,
        orderedPeriod: null,
        paper: {
          instrumentNumber: null,
          issuer: { name: 'Police', country: 'US', court: null },
          requester: null,
          targets: [{ kind, value: 'ada@example.com' }],
          scope: null,
          caption: null,
          notes: null,
        },
      }),
    );
    const [task] = await office.store.db.sql`
      SELECT 1 FROM pgboss.job WHERE name = 'preserve-demand' AND data->>'demand' = ${demand.id}`;
    return { id: demand.id, isQueued: task !== undefined };
  };
  const unheld = async (id: string) =>
    (await alarmsPage(office, { limit: 50, offset: 0 })).filter(
      ({ kind, facts }) => kind === 'demand_unheld' && facts.demand === id,
    );

  it('opens its hold by itself, once, to be looked at on the day its ninety days are over', async () => {
    const { id, isQueued } = await serve('preservation_2703f', 'email');
    expect(isQueued).toBe(true);
    await preserveDemand(office, id);
    await preserveDemand(office, id);
    const [hold, ...others] = await holdsOf(id);
    expect(others).toEqual([]);
    expect(hold).toMatchObject({ state: 'active', placedBy: 'system' });
    const days = world.clock
      .now()
      .toZonedDateTimeISO(office.policy.organization.zone)
      .toPlainDate()
      .until(hold?.reviewOn ?? '2000-01-01');
    expect([90, 91]).toContain(days.total('days'));
    expect(done(await lookUpDemand(office, id)).holdIds).toEqual([hold?.id]);
    expect(await unheld(id)).toEqual([]);
  });

  it('that somebody held already, or that preserves nothing, opens none; one that cannot be read raises an alarm', async () => {
    expect((await serve('civil_subpoena', 'email')).isQueued).toBe(false);
    const { id } = await serve('preservation_2703f', 'email');
    const scope = { subjects: [{ kind: 'email', value: 'ada@example.com' }] };
    const byHand = { matter: 'M', reason: 'R', scope, demandId: id, requestId: null };
    done(await placeHold(office, lawyer, byHand));
    await preserveDemand(office, id);
    expect(await holdsOf(id)).toHaveLength(1);
    const strange = await serve('preservation_2703f', 'account_number');
    await preserveDemand(office, strange.id);
    expect(await holdsOf(strange.id)).toEqual([]);
    expect(await unheld(strange.id)).toHaveLength(1);
  });
});
