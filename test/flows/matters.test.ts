import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clockActor } from '../../src/core/actor.ts';
import { alarmsPage } from '../../src/flows/alarms.ts';
import { lookUpHold } from '../../src/flows/look-up.ts';
import { closeMatter, lookUpMatter, openMatter, reopenMatter } from '../../src/flows/matters.ts';
import type { Office } from '../../src/flows/office.ts';
import { placeHold } from '../../src/flows/place-hold.ts';
import { receiveDemand } from '../../src/flows/receive-demand.ts';
import { approveRelease } from '../../src/flows/release-hold.ts';
import { keepHold, reviewHold } from '../../src/flows/review-hold.ts';
import { watchHolds } from '../../src/flows/watch-holds.ts';
import {
  chatTables,
  done,
  ids,
  lawyer,
  officer,
  openWorld,
  purge,
  refusalCode,
  second,
  type World,
} from '../invariants/world.ts';

const rows = `
  INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bea@example.com'), (3, 'cem@example.com');
  INSERT INTO conversations VALUES (1, '2019-01-01Z', 'one');
  INSERT INTO messages SELECT n, 1, 1 + n % 3, NULL, '2019-01-01Z'::timestamptz + n * interval '1 day', 'm' FROM generate_series(1, 6) n;`;
const of = (value: string) => ({ subjects: [{ kind: 'email', value }] });

let world: World;
let office: Office;
// A night looks at every hold there is: each group of tests has holds of its own.
const ownWorld = () => {
  beforeAll(async () => {
    world = await openWorld({ tables: chatTables + rows, at: '2026-11-27T09:30:00.000Z' });
    office = world.office;
  });
  afterAll(async () => world?.[Symbol.asyncDispose]());
};

const place = async (matter: string, email: string, more: object = {}) =>
  done(
    await placeHold(office, lawyer, {
      matter,
      reason: 'R',
      scope: of(email),
      demandId: null,
      requestId: null,
      ...more,
    }),
  );
const stateOf = async (id: string) => done(await lookUpHold(office, id)).state;
const reminders = async () =>
  (await alarmsPage(office, { limit: 200, offset: 0 }))
    .filter(({ kind }) => kind === 'hold_review_due')
    .map(({ facts }) => facts);
const watch = () => watchHolds(office, clockActor, world.clock.now().toString());

describe('a matter', () => {
  ownWorld();

  it('has the holds placed under its name, its reference or its id, and is opened by a name that none has', async () => {
    const first = await place('Smith v. Jones', 'ada@example.com');
    const { matter } = done(await lookUpMatter(office, first.matterId ?? ''));
    expect(matter.reference).toMatch(/^M-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    const others = [await place('Smith v. Jones', 'bea@example.com'), await place(matter.reference, 'cem@example.com')];
    others.push(await place(matter.id, 'cem@example.com'));
    expect(others.map(({ matterId }) => matterId)).toEqual([matter.id, matter.id, matter.id]);
    expect(others.map((hold) => hold.matter.reveal())).toEqual(Array(3).fill('Smith v. Jones'));
    expect((await place('Smith v. Jones II', 'ada@example.com')).matterId).not.toBe(matter.id);
    // Two at once, by a name that is new to both.
    const [a, b] = await Promise.all([place('New', 'ada@example.com'), place('New', 'bea@example.com')]);
    expect(a.matterId).toBe(b.matterId);
    // More of them than Muniment has connections.
    const rush = await Promise.all(Array.from({ length: 15 }, () => place('Rush', 'ada@example.com')));
    expect(new Set(rush.map(({ matterId }) => matterId)).size).toBe(1);
    const mistyped = {
      matter: 'M-0000-0000',
      reason: 'R',
      scope: of('ada@example.com'),
      demandId: null,
      requestId: null,
    };
    expect(refusalCode(await placeHold(office, officer, mistyped))).toBe('not_found');
  });

  it('proposes the release of its holds when it is closed, and releases none: each waits for a second person', async () => {
    const matter = done(await openMatter(office, officer, { name: 'Closing', docket: 'CV-1' }));
    const [ada, bea] = [await place(matter.id, 'ada@example.com'), await place(matter.id, 'bea@example.com')];
    const preservation = done(
      await receiveDemand(office, officer, {
        type: 'preservation_2703f',
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
          targets: [],
          scope: null,
          caption: null,
          notes: null,
        },
      }),
    );
    const kept = await place(matter.id, 'cem@example.com', { demandId: preservation.id });
    const closed = done(await closeMatter(office, officer, matter.id));
    expect(closed).toMatchObject({ matter: { state: 'closed' }, kept: [kept.id] });
    expect([await stateOf(ada.id), await stateOf(bea.id), await stateOf(kept.id)]).toEqual([
      'release_requested',
      'release_requested',
      'active',
    ]);
    await purge(office);
    expect(await ids(world.app, 'messages')).toEqual([1, 2, 3, 4, 5, 6]);
    // Whoever closed it asked for the releases, and so approves none of them.
    expect(refusalCode(await approveRelease(office, officer, ada.id))).toBe('second_person_needed');
    expect(done(await approveRelease(office, second, ada.id)).state).toBe('released');
    expect(done(await keepHold(office, second, bea.id))).toMatchObject({ state: 'active', releaseRequestedBy: null });
    expect(refusalCode(await keepHold(office, second, bea.id))).toBe('move_not_allowed');
    expect(refusalCode(await closeMatter(office, officer, matter.id))).toBe('move_not_allowed');
    const again = {
      matter: matter.reference,
      reason: 'R',
      scope: of('ada@example.com'),
      demandId: null,
      requestId: null,
    };
    expect(refusalCode(await placeHold(office, officer, again))).toBe('move_not_allowed');
    // Somebody is reminded of the hold that goes on without need; of the one that the demand keeps nobody is.
    await watch();
    expect(await reminders()).toEqual([{ hold: bea.id, because: 'matter_closed' }]);
    expect(done(await reopenMatter(office, officer, matter.id)).state).toBe('open');
    expect(done(await placeHold(office, officer, again)).matterId).toBe(matter.id);
  });
});

describe('the review of a hold', () => {
  ownWorld();

  it('is reminded of on its day and every week until somebody looks, and never releases', async () => {
    world.clock.set('2026-12-01T09:30:00Z');
    const hold = await place('Reviewed', 'ada@example.com', { reviewOn: '2026-12-10' });
    const ofHold = async () => (await reminders()).filter((facts) => facts.hold === hold.id).length;
    const counts: number[] = [];
    for (const day of ['2026-12-09', '2026-12-10', '2026-12-11', '2026-12-16', '2026-12-17', '2026-12-18']) {
      world.clock.set(`${day}T20:00:00Z`);
      await watch();
      counts.push(await ofHold());
    }
    expect(counts).toEqual([0, 1, 1, 1, 2, 2]);
    expect(await stateOf(hold.id)).toBe('active');
    const looked = done(
      await reviewHold(office, second, hold.id, { note: 'The appeal is pending.', reviewOn: '2027-06-01' }),
    );
    expect(looked.reviewOn).toBe('2027-06-01');
    expect(looked.reviews.reveal()).toMatchObject([
      { by: second.id, note: 'The appeal is pending.', next: '2027-06-01' },
    ]);
    world.clock.set('2026-12-30T20:00:00Z');
    await watch();
    expect(await ofHold()).toBe(2);
  });

  it('is on a day to come: another one, and what is no day, changes nothing', async () => {
    const order = { matter: 'Days', reason: 'R', scope: of('ada@example.com'), demandId: null, requestId: null };
    for (const reviewOn of ['2026-12-30', '2026-01-01', '2027-02-30', '+0027-01-01', 'soon'])
      expect(refusalCode(await placeHold(office, officer, { ...order, reviewOn })), reviewOn).toBe('invalid');
    const hold = await place('Days', 'ada@example.com', { reviewOn: '2026-12-31' });
    expect(refusalCode(await reviewHold(office, officer, hold.id, { note: 'n', reviewOn: '2026-12-30' }))).toBe(
      'invalid',
    );
    expect(done(await lookUpHold(office, hold.id))).toMatchObject({
      reviewOn: '2026-12-31',
      version: hold.version + 1,
    });
  });
});
