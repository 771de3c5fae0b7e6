import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clockActor } from '../../src/core/actor.ts';
import { alarmsPage } from '../../src/flows/alarms.ts';
import {
  acknowledge,
  askCustodians,
  custodiansPage,
  lookUpCustodianLink,
  releaseCustodian,
  remindCustodian,
} from '../../src/flows/custodians.ts';
import type { Office } from '../../src/flows/office.ts';
import { approveRelease, liftHold, requestRelease } from '../../src/flows/release-hold.ts';
import { watchHolds } from '../../src/flows/watch-holds.ts';
import { taskHandlers } from '../../src/jobs/handlers.ts';
import { chatTables, done, hold, officer, openWorld, refusalCode, second, type World } from '../invariants/world.ts';
import { type MailServer, startMailServer } from '../support/mail.ts';
import { waitUntil } from '../support/wait.ts';

let world: World;
let office: Office;
let mail: MailServer;
beforeAll(async () => {
  mail = await startMailServer();
  world = await openWorld({
    tables: `${chatTables} INSERT INTO users VALUES (1, 'ada@example.com');`,
    at: '2026-11-27T09:30:00.000Z',
    env: { SMTP_URL: mail.url },
  });
  office = world.office;
  await office.store.tasks.work(taskHandlers(office));
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await mail?.close();
});

const ada = { subjects: [{ kind: 'email', value: 'ada@example.com' }] };
const ask = async (id: string, ...emails: readonly string[]) =>
  askCustodians(office, officer, id, {
    people: emails.map((email) => ({ name: `The ${email}`, email })),
    instructions: 'Notes of the call of 3 May.',
  });
const lettersTo = (email: string) => mail.received().filter(({ to }) => to.includes(email));
/** The link of the nth letter to somebody, once it has come. */
async function linkOf(email: string, nth = 0): Promise<string> {
  const letter = await waitUntil(async () => lettersTo(email)[nth] ?? null, 10_000);
  return /\/custodian\/([A-Za-z0-9_-]{43})/.exec(letter.mail.text ?? '')?.[1] ?? '';
}
const viewOf = async (id: string, email: string) => {
  const view = done(await custodiansPage(office, id)).custodians.find(
    ({ custodian }) => custodian.email.reveal() === email,
  );
  if (!view) throw new Error(`${email} is no custodian of the hold`);
  return view.custodian;
};
const only = async (id: string) => {
  const [view] = done(await custodiansPage(office, id)).custodians;
  if (!view) throw new Error('the hold has no custodian');
  return view;
};
const saidOf = async (id: string) => (await only(id)).custodian.history.map(({ what }) => what);

describe('a custodian', () => {
  it('is told by mail what to keep, and confirms once through a link without an account', async () => {
    const { id } = await hold(office, ada);
    const [asked] = done(await ask(id, 'kim@example.com'));
    const secret = await linkOf('kim@example.com');
    const text = lettersTo('kim@example.com')[0]?.mail.text ?? '';
    for (const words of ['The kim@example.com,', 'matter "M"', 'Notes of the call of 3 May.', 'until 25 February 2027'])
      expect(text).toContain(words);
    // Programs that read mail open links: looking changes nothing.
    expect(done(await lookUpCustodianLink(office, secret)).custodian.id).toBe(asked?.id);
    expect((await only(id)).custodian.state).toBe('asked');
    // Pressed twice at once: it is said once.
    const both = await Promise.all([acknowledge(office, secret), acknowledge(office, secret)]);
    expect(both.map(refusalCode).toSorted()).toEqual(['link_expired', null]);
    expect(refusalCode(await acknowledge(office, secret))).toBe('link_expired');
    expect(refusalCode(await lookUpCustodianLink(office, secret))).toBe('link_expired');
    expect(refusalCode(await acknowledge(office, 'x'.repeat(43)))).toBe('link_expired');
    expect(await saidOf(id)).toEqual(['asked', 'acknowledged']);
    await waitUntil(async () => (await only(id)).letter?.state === 'sent', 5000);
    const grants = await office.store.db.sql`SELECT secret_hash FROM grants`;
    expect(JSON.stringify(grants)).not.toContain(secret);
  });

  it('who is asked already is not asked twice, and then nobody is', async () => {
    const { id } = await hold(office, ada);
    done(await ask(id, 'lou@example.com'));
    expect(refusalCode(await ask(id, 'new@example.com', 'LOU@example.com'))).toBe('conflict');
    expect(refusalCode(await ask(id, 'two@example.com', 'two@example.com'))).toBe('conflict');
    expect(done(await custodiansPage(office, id)).custodians).toHaveLength(1);
    expect(lettersTo('new@example.com')).toHaveLength(0);
  });

  it('who does not answer is reminded by the nightly look three times; then staff are told, once', async () => {
    world.clock.set('2027-03-01T09:30:00Z');
    const { id } = await hold(office, ada);
    const [asked] = done(await ask(id, 'moe@example.com'));
    const alarms = async () =>
      (await alarmsPage(office, { limit: 200, offset: 0 })).filter(
        ({ kind, facts }) => kind === 'custodian_silent' && facts.custodian === asked?.id,
      ).length;
    const nights: string[] = [];
    for (const day of [6, 7, 8, 14, 21, 22, 28, 35]) {
      world.clock.set('2027-03-01T09:30:00Z');
      world.clock.advance(`P${day}D`);
      await watchHolds(office, clockActor, world.clock.now().toString());
      nights.push(`${day}: ${(await saidOf(id)).length - 1} ${await alarms()}`);
    }
    expect(nights).toEqual(['6: 0 0', '7: 1 0', '8: 1 0', '14: 2 0', '21: 3 0', '22: 3 0', '28: 3 1', '35: 3 1']);
    // The link of any letter works while it has not run out, and the first to be used ends all of them.
    const [first, last] = [await linkOf('moe@example.com', 0), await linkOf('moe@example.com', 3)];
    expect(first).not.toBe(last);
    done(await acknowledge(office, first));
    expect(refusalCode(await acknowledge(office, last))).toBe('link_expired');
    await watchHolds(office, clockActor, 'much later');
    expect((await saidOf(id)).at(-1)).toBe('acknowledged');
  });

  it('a link runs out after ninety days', async () => {
    const { id } = await hold(office, ada);
    done(await ask(id, 'ray@example.com'));
    const secret = await linkOf('ray@example.com');
    world.clock.advance('P89D');
    done(await lookUpCustodianLink(office, secret));
    world.clock.advance('P1D');
    expect(refusalCode(await acknowledge(office, secret))).toBe('link_expired');
  });

  it('is told when the hold has ended, once, and their link opens nothing from then on', async () => {
    const { id } = await hold(office, ada);
    done(await ask(id, 'sam@example.com', 'tom@example.com'));
    const [sam, tom] = [await linkOf('sam@example.com'), await linkOf('tom@example.com')];
    done(await acknowledge(office, sam));
    done(await releaseCustodian(office, officer, (await viewOf(id, 'sam@example.com')).id));
    done(await requestRelease(office, officer, id));
    done(await approveRelease(office, second, id));
    world.clock.advance('P30D');
    await liftHold(office, id);
    await liftHold(office, id);
    await waitUntil(async () => lettersTo('tom@example.com').length === 2, 10_000);
    expect(lettersTo('tom@example.com')[1]?.mail.text).toContain('That is over');
    expect(refusalCode(await acknowledge(office, tom))).toBe('link_expired');
    const said = async (email: string) => (await viewOf(id, email)).history.map(({ what }) => what);
    expect(await said('sam@example.com')).toEqual(['asked', 'acknowledged', 'released']);
    expect(await said('tom@example.com')).toEqual(['asked', 'released']);
    expect(refusalCode(await ask(id, 'una@example.com'))).toBe('move_not_allowed');
  });

  it('of a hold that ended untold, by a crash or while the letters were written, is told by the nightly look', async () => {
    const { id } = await hold(office, ada);
    const [asked] = done(await ask(id, 'vic@example.com'));
    const secret = await linkOf('vic@example.com');
    await office.store.db.sql`UPDATE holds SET state = 'released' WHERE id = ${id}`;
    expect(refusalCode(await remindCustodian(office, officer, asked?.id ?? ''))).toBe('move_not_allowed');
    for (const night of ['one', 'two']) await watchHolds(office, clockActor, `untold ${night}`);
    expect(await saidOf(id)).toEqual(['asked', 'released']);
    await waitUntil(async () => lettersTo('vic@example.com').length === 2, 10_000);
    expect(refusalCode(await acknowledge(office, secret))).toBe('link_expired');
  });
});
