import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cliActor } from '../../src/cli/verb.ts';
import { openDatabase } from '../../src/db/connect.ts';
import { fileKeys } from '../../src/db/master-keys.ts';
import { connectionNameOf } from '../../src/db/master-versions.ts';
import { openVault } from '../../src/db/vault.ts';
import type { Office } from '../../src/flows/office.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { type Rotation, rotateKeys } from '../../src/flows/rotate-keys.ts';
import { changes, openCutter } from '../invariants/cutter.ts';
import { done, refusalCode } from '../invariants/world.ts';
import { type CrashPoint, runUntil } from '../support/crash.ts';
import { waitUntil } from '../support/wait.ts';
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
const later = (days: number) =>
  Temporal.Instant.from(begun)
    .add({ hours: 24 * days })
    .toString();

/** Rotate again, once the server has noticed that the one before is dead. */
function rotateAgain(office: Office): Promise<Rotation> {
  return waitUntil(async () => {
    const rotation = await rotateKeys(office, operator);
    return refusalCode(rotation) === 'already_running' ? null : done(rotation);
  }, 10_000);
}

/** Every version in the file is in the ledger once, but the first; and nothing else lies beside the file. */
async function expectInOrder({ database, folder, keyFile }: KeysWorld, where: string): Promise<void> {
  const lines = readFileSync(keyFile, 'utf8').trim().split('\n');
  const versions = lines.map((line) => (line.includes(' ') ? (line.split(' ')[0] ?? '') : 'generated')).reverse();
  const made = (await factsOf(database, 'key.master_made')).map(({ version }) => version);
  const destroyed = (await factsOf(database, 'key.master_destroyed')).map(({ version }) => version);
  expect(
    ['generated', ...made].filter((version) => !destroyed.includes(version)),
    where,
  ).toEqual(versions);
  expect(
    readdirSync(folder).filter((name) => name.startsWith('master.key')),
    where,
  ).toEqual(['master.key']);
  expect(statSync(keyFile).mode & 0o777, where).toBe(0o600);
}

/** Leave the newest version and the first, so that every rotation has the same steps. */
async function pare({ database, keyFile }: KeysWorld): Promise<void> {
  const lines = readFileSync(keyFile, 'utf8').trim().split('\n');
  writeFileSync(keyFile, `${lines[0]}\n${lines.at(-1)}\n`);
  await database.sql`DELETE FROM keys WHERE kid LIKE 'secret:erasures:%'`;
}

/** One kill -9 of the verb's own work, what it left, and the verb again. */
async function killAt(point: CrashPoint, days = 0): Promise<void> {
  const where = JSON.stringify({ ...point, fits: 'fits' in point ? point.fits?.source : undefined });
  await using world = await openKeysWorld();
  const first = await world.open(begun);
  const sealed = await fillOffice(first.office);
  if (days > 0) done(await rotateKeys(first.office, operator));
  await first.close();
  const { DATABASE_URL, ...env } = world.env;
  const program = {
    script: new URL('./rotate-keys-program.ts', import.meta.url),
    args: [later(days), '2'],
    env,
    databases: { DATABASE_URL: DATABASE_URL ?? '' },
  };
  const ending = await runUntil(program, point);
  expect(ending.crashed, `${where}: ${ending.stderr}`).toBe(true);

  const after = await world.open(later(days));
  try {
    await expectOpens(after.office, sealed, where);
    const { newest } = await rotateAgain(after.office);
    expect(await wrappers(after.office), where).toEqual([newest]);
    await expectOpens(after.office, sealed, where);
    await expectInOrder(world, where);
    await bringLedgerUpToDate(after.office);
    expect(await verifyLedger(after.office, null), where).toMatchObject({ ok: true });
    expect(readFileSync(world.keyFile, 'utf8').includes(formerKey), where).toBe(days === 0);
  } finally {
    await after.close();
  }
}

const key = /master\.key$/;
const draft = /master\.key\..*\.part$/;
const both = ['before', 'after'] as const;

describe('a rotation killed', () => {
  it('at a step of making a key leaves the old file or the new one, and all of it opens', async () => {
    for (const when of both) {
      await killAt({ on: 'open', path: draft, when });
      await killAt({ on: 'rename', path: key, when });
    }
    await killAt({ on: 'rm', path: draft, when: 'after' });
  }, 180_000);

  it('while it wraps anew leaves what either version wraps, and the next time finishes it', async () => {
    await killAt({ on: 'statement', fits: /^insert into "keys".*on conflict.*do update/is, when: 'after' });
    await killAt({ on: 'statement', fits: /^update "case_keys"/i, nth: 3, when: 'before' });
    await killAt({ on: 'statement', fits: /^update "keys"/i, nth: 2, when: 'after' });
    await killAt({ on: 'statement', fits: /^update "idempotency_keys"/i, when: 'after' });
  }, 180_000);

  it('at a step of destroying the old key leaves it or not, and the ledger says what is so', async () => {
    // The first rename makes the next key, the second leaves out the old one.
    for (const when of both) await killAt({ on: 'rename', path: key, nth: 2, when }, 91);
    await killAt({ on: 'statement', fits: /^update "keys" set "retired_at"/i, when: 'after' }, 91);
  }, 180_000);
});

describe('a rotation cut off at every change', () => {
  it('loses nothing, and counts in the ledger each secret that was wrapped anew, once', async () => {
    await using world = await openKeysWorld();
    const house = await world.open(begun);
    const { office } = house;
    try {
      const sealed = await fillOffice(office);
      const versions: string[] = [];
      let cuts = 0;
      for (const when of ['after', 'before'] as const)
        for (let nth = 1; ; nth++) {
          await using cutter = await openCutter([world.database.url], nth, when, changes);
          const { keys } = fileKeys(world.keyFile, office.now());
          const db = openDatabase(cutter.urls[0] ?? '', 10, connectionNameOf(keys));
          const victim: Office = { ...office, store: { ...office.store, db, vault: openVault(db, keys) } };
          const cut = await Promise.race([rotateKeys(victim, operator, 2).then(() => null), cutter.cut]);
          const where = `${when} ${nth}: ${cut?.slice(0, 60)}`;
          if (cut !== null) {
            await expectOpens(office, sealed, where);
            cuts += 1;
          } else await db.close();
          const { newest } = await rotateAgain(office);
          expect(await wrappers(office), where).toEqual([newest]);
          await expectOpens(office, sealed, where);
          const there = keys.current().map(({ version }) => version);
          versions.push(...there.slice(0, -1).reverse());
          await pare(world);
          if (cut === null) break;
        }
      expect((await factsOf(world.database, 'key.master_made')).map(({ version }) => version)).toEqual([
        ...new Set(versions),
      ]);
      const counted = new Map<unknown, number>();
      for (const { version, cases } of await factsOf(world.database, 'key.rewrapped'))
        counted.set(version, (counted.get(version) ?? 0) + Number(cases));
      // Every version of these wrapped all three cases anew: not one more, and none that no entry counts.
      expect([...counted.values()].every((cases) => cases === sealed.size)).toBe(true);
      expect(counted.size).toBeGreaterThan(cuts / 2);
      expect(cuts).toBeGreaterThan(40);
    } finally {
      await house.close();
    }
  }, 300_000);
});
