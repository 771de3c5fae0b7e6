import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/actor.ts';
import { isRefusal, type Refusal } from '../../src/core/refusal.ts';
import { countWrapped, rewrapSome } from '../../src/db/keys.ts';
import { environmentKeys, fileKeys, type MasterKeys } from '../../src/db/master-keys.ts';
import { openVault } from '../../src/db/vault.ts';
import type { Office } from '../../src/flows/office.ts';
import { rotateKeys, tendKeys } from '../../src/flows/rotate-keys.ts';
import { webApp } from '../../src/web/app.tsx';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { tokenFor } from '../support/people.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { firstSignIn, newMember, nextCode, staffPassword, Visitor } from '../support/staff.ts';

const cli: Actor = { id: 'cli:test', kind: 'cli', role: 'admin', approval: null };

function good<T>(value: T | Refusal): T {
  if (isRefusal(value)) throw new Error(`${value.code}: ${value.detail}`);
  return value;
}

let opened: TestHouse;
let office: Office;
let now = Temporal.Instant.from('2026-11-27T09:30:00Z');
const day = 24 * 3600;

/** An office of the same database whose master keys come from somewhere else. */
function withKeys(masters: MasterKeys): Office {
  return { ...office, store: { ...office.store, vault: openVault(office.store.db, masters) } };
}
const hexKey = (digit: string) => new Uint8Array(Buffer.from(digit.repeat(64), 'hex'));
const v = (digit: string) => ({ version: `v${digit}`, key: hexKey(digit) });

/** Cases with something sealed in each, and runs and signing keys beside them. */
async function fill(some: Office, prefix: string, cases: number): Promise<ReadonlyMap<string, Uint8Array>> {
  const sealed = new Map<string, Uint8Array>();
  for (let i = 0; i < cases; i++) {
    const id = `${prefix}_${i}`;
    await some.store.vault.newCase(id, now);
    sealed.set(id, await some.store.vault.seal(id, { said: `${prefix} ${i}` }));
  }
  await some.store.db
    .sql`INSERT INTO disposition_runs (id, state, dry_run, policy, planned_at, started_by, approval_reasons, cutoffs, run_key)
    SELECT ${prefix} || n, 'completed', false, '', now(), '', '[]', '{}', ''::bytea FROM generate_series(1, 3) n`;
  for (let i = 1; i <= 3; i++)
    await some.store.db
      .sql`UPDATE disposition_runs SET run_key = ${some.store.vault.wrap(hexKey('7'), `run:${prefix}${i}`)} WHERE id = ${prefix + i}`;
  return sealed;
}

/** Everything that was sealed, opened by an office that has to unwrap it: its own memory is empty. */
async function opens(masters: MasterKeys, sealed: ReadonlyMap<string, Uint8Array>, runs: string): Promise<void> {
  const { store } = withKeys(masters);
  for (const [id, bytes] of sealed)
    expect((await store.vault.open(id, bytes)).reveal()).toEqual({ said: id.replace('_', ' ') });
  for (const { id, run_key: key } of await store.db
    .sql`SELECT id, run_key FROM disposition_runs WHERE id LIKE ${`${runs}%`}`)
    expect(store.vault.unwrap(key as Uint8Array, `run:${id}`)).toEqual(Buffer.from(hexKey('7')));
}

beforeAll(async () => {
  opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    env: { APP: 'postgres://nobody@127.0.0.1:1/nothing' },
    now: () => now,
  });
  office = opened.house.office;
});
afterAll(() => opened?.close());

const ofTest = { version: 'env', key: hexKey('1') };

describe('rotating the master key', () => {
  it('wraps everything anew under a key of the environment, and then the old one opens nothing', async () => {
    const before = withKeys(environmentKeys([ofTest]));
    const sealed = await fill(before, 'a', 5);
    const both = withKeys(environmentKeys([v('2'), ofTest]));
    const rotation = good(await rotateKeys(both, cli));
    expect(rotation).toMatchObject({
      newest: 'v2',
      made: null,
      destroyed: [],
      kept: [{ version: 'env', until: null }],
    });
    expect(rotation.rewrapped.cases).toBeGreaterThanOrEqual(5);
    expect(rotation.rewrapped.runs).toBeGreaterThanOrEqual(3);
    expect(rotation.rewrapped.keys).toBeGreaterThanOrEqual(5);
    expect((await countWrapped(office.store.db.orm)).map(({ version }) => version)).toEqual(['v2']);
    await opens(environmentKeys([v('2')]), sealed, 'a');
    await expect(opens(environmentKeys([ofTest]), sealed, 'a')).rejects.toThrow('not configured');
    expect(good(await rotateKeys(both, cli)).rewrapped).toEqual({ cases: 0, keys: 0, runs: 0, answers: 0 });
    good(await rotateKeys(withKeys(environmentKeys([ofTest, v('2')])), cli));
  });

  it('without a key that still wraps something changes nothing, and names it', async () => {
    const before = await countWrapped(office.store.db.orm);
    const refused = await rotateKeys(withKeys(environmentKeys([v('9')])), cli);
    expect(refused).toMatchObject({ kind: 'refusal', code: 'not_ready', detail: expect.stringContaining('env') });
    expect(await countWrapped(office.store.db.orm)).toEqual(before);
  });

  it('is one at a time; asks a person for a fresh proof', async () => {
    const both = withKeys(environmentKeys([v('3'), ofTest]));
    await fill(withKeys(environmentKeys([ofTest])), 'many', 450);
    const outcomes = await Promise.all([rotateKeys(both, cli), rotateKeys(both, cli), rotateKeys(both, cli)]);
    const cases = outcomes.map((outcome) => (isRefusal(outcome) ? outcome.code : outcome.rewrapped.cases));
    for (const outcome of cases) expect(outcome === 'already_running' || typeof outcome === 'number').toBe(true);
    const numbers = cases.filter((outcome) => typeof outcome === 'number');
    expect(numbers.reduce((total, n) => total + n, 0)).toBeGreaterThanOrEqual(450);
    const person: Actor = { id: 'act_1', kind: 'person', role: 'admin', approval: null };
    expect(await rotateKeys(both, person)).toMatchObject({ code: 'step_up_needed' });
    good(await rotateKeys(withKeys(environmentKeys([ofTest, v('3')])), cli));
  });

  it('cut off after any batch, everything opens, and the next time goes on', async () => {
    const sealed = await fill(withKeys(environmentKeys([ofTest])), 'cut', 420);
    const both = environmentKeys([v('4'), ofTest]);
    const { store } = withKeys(both);
    for (let batch = 0; batch < 3; batch++) {
      await opens(both, new Map([...sealed].filter((_, i) => i % 40 === 0)), 'cut');
      await store.db.orm.transaction((tx) => rewrapSome(tx, store.vault, 200));
      expect((await countWrapped(store.db.orm)).length).toBeGreaterThan(0);
    }
    good(await rotateKeys(withKeys(both), cli));
    await opens(environmentKeys([v('4')]), sealed, 'cut');
    good(await rotateKeys(withKeys(environmentKeys([ofTest, v('4')])), cli));
  });

  it('loses no case that is made, and revives none that is shredded, while it runs', async () => {
    const old = withKeys(environmentKeys([ofTest]));
    const sealed = new Map(await fill(old, 'busy', 600));
    const both = environmentKeys([v('5'), ofTest]);
    let isRunning = true;
    const rotation = rotateKeys(withKeys(both), cli).finally(() => {
      isRunning = false;
    });
    const shredded = new Set<string>();
    const made = new Map<string, Uint8Array>();
    for (let i = 0; isRunning || i < 20; i++) {
      const id = `busy_${(i * 37) % 600}`;
      await old.store.vault.shred(id, now);
      shredded.add(id);
      // A process that knows only the old key goes on wrapping with it: the next rotation finds that.
      await old.store.vault.newCase(`busy_new${i}`, now);
      made.set(`busy_new${i}`, await old.store.vault.seal(`busy_new${i}`, { said: `busy new${i}` }));
    }
    good(await rotation);
    good(await rotateKeys(withKeys(both), cli));
    for (const id of shredded) {
      sealed.delete(id);
      await expect(withKeys(both).store.vault.caseKey(id)).rejects.toThrow('destroyed');
    }
    await opens(environmentKeys([v('5')]), new Map([...sealed, ...made]), 'busy');
    good(await rotateKeys(withKeys(environmentKeys([ofTest, v('5')])), cli));
  });
});

describe('master keys of our own making', () => {
  it('are replaced after 90 days by themselves, and destroyed 90 days later, when no backup needs them', async () => {
    const start = now;
    const { keys } = fileKeys(join(opened.folder, 'own.key'), now);
    // Take everything over from the test's own key.
    const own: MasterKeys = { ...keys, current: () => [...keys.current(), { ...ofTest, madeAt: null }] };
    good(await rotateKeys(withKeys({ ...own, make: () => null }), cli));
    let leap = 0;
    const mine: Office = { ...withKeys(keys), clockJumpSeconds: () => leap };
    const sealed = await fill(mine, 'own', 3);
    const [first] = keys.current();
    expect(good((await tendKeys(mine, cli, 'night 1')) ?? ({} as Refusal))).toMatchObject({ made: null });
    expect(await tendKeys(mine, cli, 'night 1')).toBeNull();

    now = start.add({ seconds: 90 * day });
    const second = good((await tendKeys(mine, cli, 'night 2')) ?? ({} as Refusal));
    expect(second.made).not.toBeNull();
    expect(second.kept).toEqual([{ version: first?.version, until: '2027-05-26' }]);
    expect((await countWrapped(office.store.db.orm)).map(({ version }) => version)).toEqual([second.newest]);
    await opens(keys, sealed, 'own');
    // A backup of the database from before holds rows that the first version wraps: it is still there to open them.
    expect(keys.current()).toHaveLength(2);

    now = start.add({ seconds: 180 * day });
    leap = 90 * day;
    expect(await tendKeys(mine, cli, 'a night by a clock that has leapt')).toMatchObject({ destroyed: [] });
    leap = 0;
    const third = good((await tendKeys(mine, cli, 'night 3')) ?? ({} as Refusal));
    expect(third.destroyed).toEqual([first?.version]);
    expect(keys.current().map(({ version }) => version)).toEqual([third.newest, second.newest]);
    await opens(keys, sealed, 'own');
    now = start;
    // Back to the test's own key.
    good(
      await rotateKeys(
        withKeys({
          ...own,
          current: () => [{ ...ofTest, madeAt: null }, ...keys.current()],
          make: () => null,
          destroy: () => false,
        }),
        cli,
      ),
    );
  });
});

describe('a rotation beside a service', () => {
  it('signs nobody out, and what people set up goes on working after the next start', async () => {
    const app = webApp(office, { nextBell: () => null, networkOf: () => '192.0.2.1', report: () => {} });
    const { email } = await newMember(office, 'legal', 'stays@example.com');
    const { visitor, secret } = await firstSignIn(app, email);
    good(await rotateKeys(withKeys(environmentKeys([v('6'), ofTest])), cli));
    expect((await visitor.get('/console')).status).toBe(200);
    good(await rotateKeys(withKeys(environmentKeys([ofTest, v('6')])), cli));
    const again = new Visitor(app);
    await again.post('/console/sign-in', { email, password: staffPassword });
    expect((await again.post('/console/second-factor', { way: 'app', code: nextCode(secret) })).to).toBe('/console');
    await tokenFor(office, { name: 'after', role: 'legal' });
  });
});
