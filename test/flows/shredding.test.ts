import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type postgres from 'postgres';
import { describe, expect, it, vi } from 'vitest';
import { blobStore } from '../../src/artifacts/blobs.ts';
import { cliActor } from '../../src/cli/verb.ts';
import { clockActor } from '../../src/core/actor.ts';
import { hmacSha256 } from '../../src/core/hash.ts';
import { fileKeys, type MasterKey } from '../../src/db/master-keys.ts';
import { claimIdempotencyKey, keepIdempotentAnswer } from '../../src/db/settings.ts';
import { decrypt, openVault } from '../../src/db/vault.ts';
import type { Office } from '../../src/flows/office.ts';
import { receiveRequest } from '../../src/flows/receive-request.ts';
import { rotateKeys, tendKeys } from '../../src/flows/rotate-keys.ts';
import { done, officer } from '../invariants/world.ts';
import { begun, openKeysWorld } from './keys-world.ts';

/**
 * Shredding, as somebody would test it who has everything: a copy of every table, the files, the master keys, and this
 * source. They try every key they can unwrap on every value there is.
 */

const planted = 'the heron nests behind the boathouse';
const operator = cliActor('test');

/** A copy of the whole database: every value of every column of every table. */
async function copyOf(sql: postgres.Sql): Promise<readonly unknown[]> {
  const tables = await sql<{ name: string }[]>`
    SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`;
  const values: unknown[] = [];
  for (const { name } of tables)
    for (const row of await sql.unsafe(`SELECT * FROM ${name}`)) values.push(...Object.values(row));
  expect(tables.length).toBeGreaterThan(40);
  return values;
}

/** As bytes, and as what they would be if they were hex or Base64. */
function bytesOf(value: unknown): readonly Uint8Array[] {
  if (value instanceof Uint8Array) return [value];
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return [Buffer.from(text), Buffer.from(text, 'base64'), Buffer.from(text, 'hex')];
}

/** Everything that can be read with these values, files and master keys. */
async function attack(values: readonly unknown[], folder: string, masters: readonly MasterKey[]): Promise<string> {
  const stored = values.flatMap(bytesOf).filter(({ length }) => length > 0);
  const names = new Set(values.flatMap((value) => (typeof value === 'string' && value.length < 100 ? [value] : [])));
  const contexts = [...names].flatMap((name) => ['sealed:', 'case:', 'key:', 'run:'].map((kind) => `${kind}${name}`));
  contexts.push('idempotency:act_1\nk-1', 'erasures:1');
  const read = [...stored];
  const keys: Uint8Array[] = masters.flatMap(({ key }) => [key, hmacSha256(key, 'erasure replay 1')]);
  // A wrapped secret says by which version; 29 bytes are nonce, tag and one more.
  const sealed = stored.flatMap((bytes) => [bytes, bytes.subarray(bytes.indexOf(0x0a) + 1)]).filter(isEncrypted);
  for (let i = 0; i < keys.length; i++)
    for (const bytes of sealed)
      for (const context of contexts) {
        const plain = openOrNull(keys[i] ?? new Uint8Array(), bytes, context);
        if (!plain) continue;
        read.push(plain);
        if (plain.length === 32) keys.push(plain);
      }
  for (const { parentPath, name } of filesIn(folder)) {
    read.push(readFileSync(join(parentPath, name)));
    if (parentPath.includes('/blobs')) read.push(...(await blobWith(keys, folder, basename(name))));
  }
  return read.map((bytes) => Buffer.from(bytes).toString('latin1')).join('\n');
}

/** Our ciphertexts are short here and not text; the rest need not be tried with every key. */
const isEncrypted = (bytes: Uint8Array) =>
  bytes.length >= 28 && bytes.length < 5000 && bytes.some((byte) => byte < 9 || byte > 126);

function openOrNull(key: Uint8Array, bytes: Uint8Array, context: string): Uint8Array | null {
  try {
    return decrypt(key, bytes, context);
  } catch {
    return null;
  }
}

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());

async function blobWith(keys: readonly Uint8Array[], folder: string, id: string): Promise<readonly Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for (const key of keys)
    try {
      for await (const part of blobStore(join(folder, 'blobs')).read(id, key)) parts.push(part);
    } catch {
      // Another key's.
    }
  return parts;
}

/** The text in a request, its letters and its papers, and in an answer that is kept for a day. */
async function plantIn(office: Office): Promise<string> {
  const subject = { name: planted, identifiers: [{ kind: 'email' as const, value: 'heron@example.com' }] };
  const order = { type: 'access' as const, regime: null, channel: 'test', receivedAt: null, subject, details: planted };
  const { caseId } = done(await receiveRequest(office, officer, order));
  const { store, blobs, now } = office;
  await blobs.write(
    'blob_planted',
    (async function* () {
      yield Buffer.from(planted);
    })(),
    await store.vault.caseKey(caseId),
  );
  await claimIdempotencyKey(store, 'act_1', 'k-1', 'print', now());
  await keepIdempotentAnswer(store, 'act_1', 'k-1', 201, JSON.stringify({ said: planted }));
  return caseId;
}

describe('a case whose key was destroyed', () => {
  it('cannot be read from the database, a copy of it, or the files, by whoever has every other key', async () => {
    await using world = await openKeysWorld();
    const house = await world.open(begun);
    const { office } = house;
    const { db, vault } = office.store;
    const caseId = await plantIn(office);
    const masters = vault.masters.current();
    // Whoever has everything does read it: the attack is a real one, and it reads this text in more than one place.
    const before = await copyOf(db.sql);
    const readBefore = await attack(before, world.folder, masters);
    expect(readBefore.split(planted).length - 1).toBeGreaterThan(3);

    await vault.shred(caseId, office.now());
    // Kept answers are nobody's case, and the master key's: they go by themselves, after a day. Until then that is all.
    const sameDay = await attack(await copyOf(db.sql), world.folder, masters);
    expect(sameDay.split(planted).length - 1).toBe(1);
    const nextNight = { ...office, now: () => office.now().add({ hours: 25 }) };
    expect(await tendKeys(nextNight, clockActor, 'night')).toMatchObject({ destroyed: [] });
    const copy = await copyOf(db.sql);
    expect(await attack(copy, world.folder, masters)).not.toContain(planted);
    await expect(openVault(db, vault.masters).caseKey(caseId)).rejects.toThrow('destroyed or never made');
    await house.close();
  }, 60_000);

  it('is closed within a minute to another process that had it open', async () => {
    await using world = await openKeysWorld();
    const house = await world.open(begun);
    const { db, vault } = house.office.store;
    await vault.newCase('case_1', house.office.now());
    const other = openVault(db, vault.masters);
    await other.caseKey('case_1');
    await vault.shred('case_1', house.office.now());
    await expect(vault.caseKey('case_1')).rejects.toThrow('destroyed');
    const later = performance.now() + 60_000;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => later);
    await expect(other.caseKey('case_1')).rejects.toThrow('destroyed');
    clock.mockRestore();
    await house.close();
  });

  it('is read from an older copy as long as the master key of that time is there, and not when it was destroyed', async () => {
    await using world = await openKeysWorld();
    const house = await world.open(begun);
    const { office } = house;
    const { db } = office.store;
    const caseId = await plantIn(office);
    const backup = await copyOf(db.sql);
    const [row] = await db.sql`SELECT wrapped, master_version FROM case_keys WHERE id = ${caseId}`;
    const [request] = await db.sql<{ sealed: Uint8Array }[]>`SELECT sealed FROM requests WHERE case_id = ${caseId}`;
    const sealed = request?.sealed ?? new Uint8Array();
    await office.store.vault.shred(caseId, office.now());

    done(await rotateKeys(office, operator));
    const mastersNow = () => fileKeys(world.keyFile, office.now()).keys;
    expect(await attack(backup, world.folder, mastersNow().current())).toContain(planted);
    /** The old row put back, as a restore does; then a process that has nothing in its memory. */
    const restoreAndOpen = async () => {
      await db.sql`UPDATE case_keys SET wrapped = ${row?.wrapped as Uint8Array}, master_version = ${String(row?.master_version)},
        destroyed_at = NULL WHERE id = ${caseId}`;
      try {
        return JSON.stringify((await openVault(db, mastersNow()).open(caseId, sealed)).reveal());
      } finally {
        await db.sql`UPDATE case_keys SET wrapped = NULL, destroyed_at = now() WHERE id = ${caseId}`;
      }
    };
    expect(await restoreAndOpen()).toContain(planted);

    const later: Office = { ...office, now: () => office.now().add({ hours: 24 * 91 }) };
    expect(done(await rotateKeys(later, operator)).destroyed).toEqual(['generated']);
    expect(await attack(backup, world.folder, mastersNow().current())).not.toContain(planted);
    await expect(restoreAndOpen()).rejects.toThrow('generated is not configured');
    await house.close();
  }, 60_000);
});
