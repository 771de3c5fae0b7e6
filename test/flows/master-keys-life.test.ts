import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cliActor } from '../../src/cli/verb.ts';
import { clockActor } from '../../src/core/actor.ts';
import { readHealth } from '../../src/flows/read-health.ts';
import { type Rotation, rotateKeys, tendKeys } from '../../src/flows/rotate-keys.ts';
import type { House } from '../../src/house.ts';
import { done } from '../invariants/world.ts';
import {
  begun,
  expectOpens,
  factsOf,
  fillOffice,
  formerKey,
  type KeysWorld,
  openKeysWorld,
  wrappers,
} from './keys-world.ts';

const operator = cliActor('test');
const on = (day: number) =>
  Temporal.Instant.from(begun)
    .add({ hours: 24 * day })
    .toString();
const [v1, v2] = [`v1:${'cd'.repeat(32)}`, `v2:${'ef'.repeat(32)}`];

async function within<T>(world: KeysWorld, day: number, masterKey: string, work: (house: House) => Promise<T>) {
  const house = await world.open(on(day), masterKey);
  try {
    return await work(house);
  } finally {
    await house.close();
  }
}

/** The nightly look of that day. */
const tend = (world: KeysWorld, day: number, masterKey = '') =>
  within(world, day, masterKey, async ({ office }) => (await tendKeys(office, clockActor, `night ${day}`)) as Rotation);

/** What `doctor` says of the keys. */
const doctor = (world: KeysWorld, day: number, masterKey: string) =>
  within(world, day, masterKey, async ({ office }) => {
    const found = (await readHealth(office)).checks.find(({ name }) => name === 'keys');
    return `${found?.ok ? 'good' : 'look'}: ${found?.detail}`;
  });

describe('the key file of an earlier release, which has no date', () => {
  it('is as old as what it wrapped first: replaced after 90 days, destroyed after 180, and the erasures stay readable', async () => {
    await using world = await openKeysWorld();
    const sealed = await within(world, 0, '', ({ office }) => fillOffice(office));
    expect(await tend(world, 89)).toMatchObject({ newest: 'generated', made: null });
    const second = await tend(world, 90);
    expect(second).toMatchObject({ made: expect.any(String), destroyed: [], kept: [{ version: 'generated' }] });
    expect(readFileSync(world.keyFile, 'utf8')).toContain(formerKey);
    const third = await tend(world, 180);
    expect(third).toMatchObject({ made: expect.any(String), destroyed: ['generated'] });
    expect(readFileSync(world.keyFile, 'utf8')).not.toContain(formerKey);
    expect((await tend(world, 270)).destroyed).toEqual([second.made]);

    // Also the line of the list of erasures, which was sealed under the first of them.
    await within(world, 270, '', ({ office }) => expectOpens(office, sealed, 'without the first two', false));
    expect((await factsOf(world.database, 'key.master_destroyed')).map(({ version }) => version)).toEqual([
      'generated',
      second.made,
    ]);
    expect(await factsOf(world.database, 'key.master_made')).toHaveLength(3);
  }, 60_000);
});

describe('an installation of an earlier release', () => {
  it('starts and rotates with an answer that was kept before answers were sealed', async () => {
    await using world = await openKeysWorld();
    const sealed = await within(world, 0, '', ({ office }) => fillOffice(office));
    await world.database
      .sql`INSERT INTO idempotency_keys VALUES ('act_1', 'k-0', 'print', 201, '{"id":"req_1"}', ${begun})`;
    await within(world, 0, '', async ({ office }) => {
      const { newest, rewrapped } = done(await rotateKeys(office, operator));
      expect(rewrapped.answers).toBe(1);
      expect(await wrappers(office)).toEqual([newest]);
      await expectOpens(office, sealed, 'with a plain answer');
    });
  }, 60_000);
});

describe('keys of the environment', () => {
  it('are said to be old after 90 days, and to wrap something still until they are rotated', async () => {
    await using world = await openKeysWorld();
    const sealed = await within(world, 0, v1, ({ office }) => fillOffice(office));
    expect(existsSync(`${world.folder}/root.pem`)).toBe(true);
    expect(await doctor(world, 90, v1)).toBe(
      'good: every case key can be opened; the master key is v1, 90 days old (since 2026-11-27)',
    );
    expect(await doctor(world, 91, v1)).toMatch(/^look: The master key v1 is 91 days old; 90 are meant\. Make one/);
    // The nightly look cannot make one.
    expect(await tend(world, 91, v1)).toMatchObject({ newest: 'v1', made: null });
    // Introduced behind the old one, a new key changes nothing yet.
    expect(await doctor(world, 92, `${v1},${v2}`)).toMatch(/^look: The master key v1 is 92 days old/);
    expect(await doctor(world, 92, `${v2},${v1}`)).toMatch(/^look: Older master keys still wrap something \(v1\)/);
    await within(world, 92, `${v2},${v1}`, async ({ office }) => {
      done(await rotateKeys(office, operator));
      expect(await wrappers(office)).toEqual(['v2']);
    });
    expect(await doctor(world, 93, `${v2},${v1}`)).toBe(
      'good: every case key can be opened; the master key is v2, 1 days old (since 2027-02-27); 1 older wrap nothing and are there for backups',
    );
    // The old one is removed: all is there, the list of erasures as well.
    await within(world, 94, v2, ({ office }) => expectOpens(office, sealed, 'without v1', false));
    expect(await factsOf(world.database, 'key.master_made')).toEqual([{ version: 'v2' }]);
    expect(await factsOf(world.database, 'key.master_destroyed')).toEqual([]);
  }, 60_000);

  it('that are not what their name stood for start nothing, and are mended by putting the former back', async () => {
    await using world = await openKeysWorld();
    const sealed = await within(world, 0, v1, ({ office }) => fillOffice(office));
    const mistaken = v1.replace('cd', 'dc');
    await expect(world.open(on(1), mistaken)).rejects.toThrow('The master key "v1" is not the one that wrapped');
    await expect(world.open(on(1), `${v2},${mistaken}`)).rejects.toThrow('is not the one that wrapped');
    await within(world, 1, v1, ({ office }) => expectOpens(office, sealed, 'mended'));
  }, 60_000);
});
