import { generateKeyPairSync, sign } from 'node:crypto';
import type { Sql } from 'postgres';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/connect.ts';
import { newestCheckpoint, sequenceLedger } from '../../src/db/ledger.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { openWorld } from '../invariants/world.ts';
import { testDatabase } from '../support/database.ts';

const pair = generateKeyPairSync('ed25519');
const signer = {
  origin: 'example.com/ledger',
  publicKey: new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
  sign: (message: Uint8Array) => new Uint8Array(sign(null, message, pair.privateKey)),
};
const now = Temporal.Instant.from('2026-11-27T12:00:00Z');

it('signs nothing over a damaged tile, and goes on when the tile is whole again', async () => {
  await using database = await testDatabase();
  const db = openDatabase(database.url);
  try {
    const add = (text: string) =>
      db.sql`INSERT INTO ledger_pending (kind, bytes) VALUES ('test', ${Buffer.from(text)})`;
    for (const text of ['{"a":1}', '{"a":2}', '{"a":3}']) await add(text);
    const first = await sequenceLedger(db, signer, now);
    await add('{"a":4}');

    // The triggers let a tile only grow; its owner can switch them off, and a disk needs no permission.
    const flip = () =>
      database.sql.unsafe(`ALTER TABLE ledger_tiles DISABLE TRIGGER USER;
        UPDATE ledger_tiles SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE level = 0;
        ALTER TABLE ledger_tiles ENABLE TRIGGER USER`);
    await flip();
    await expect(sequenceLedger(db, signer, now)).rejects.toThrow('do not agree with its signed checkpoint');
    expect((await newestCheckpoint(db))?.note).toBe(first);
    const [waiting] = await db.sql`SELECT count(*)::int AS n FROM ledger_pending`;
    expect(waiting?.n).toBe(1);

    await flip();
    await sequenceLedger(db, signer, now);
    expect((await newestCheckpoint(db))?.size).toBe(4);
  } finally {
    await db.close();
  }
});

describe('I2 somebody with the owner’s own access to the database', () => {
  it('is refused, or found with the first index that is wrong', async () => {
    await using world = await openWorld();
    const { office } = world;
    const { sql } = world.own;
    for (let n = 0; n < 300; n++)
      await office.store.db.sql`INSERT INTO ledger_pending (kind, bytes) VALUES ('test', ${Buffer.from(`{"n":${n}}`)})`;
    const kept = (await bringLedgerUpToDate(office))?.note ?? '';
    await office.store.db.sql`INSERT INTO ledger_pending (kind, bytes) VALUES ('test', ${Buffer.from('{"n":"last"}')})`;
    await bringLedgerUpToDate(office);
    expect(await verifyLedger(office, kept)).toMatchObject({ ok: true });

    const refused = [
      'UPDATE ledger_entries SET kind = kind',
      'DELETE FROM ledger_entries WHERE index = 0',
      'TRUNCATE ledger_entries',
      "INSERT INTO ledger_entries (index, kind, bytes, leaf_hash) VALUES (1000000, 'x', '\\x00', sha256('\\x0000'))",
      'UPDATE ledger_checkpoints SET signed_at = signed_at',
      'DELETE FROM ledger_checkpoints',
      'TRUNCATE ledger_checkpoints',
      'DELETE FROM ledger_tiles',
      "UPDATE ledger_tiles SET hashes = '\\x00'",
      'TRUNCATE ledger_tiles',
    ];
    for (const statement of refused)
      await expect(sql.unsafe(statement).execute(), statement).rejects.toMatchObject({ code: '42501' });

    const attacks: readonly (readonly [string, string, number])[] = [
      ['a changed entry', `UPDATE ledger_entries SET bytes = '{"n":"x"}' WHERE index = 40`, 40],
      [
        'a changed entry with its leaf hash',
        `UPDATE ledger_entries SET bytes = '{"n":"x"}', leaf_hash = sha256('\\x00'::bytea || '{"n":"x"}'::bytea) WHERE index = 41`,
        41,
      ],
      ['a lost entry', 'DELETE FROM ledger_entries WHERE index = 7', 7],
      [
        'two entries in each other’s place',
        `UPDATE ledger_entries a SET bytes = b.bytes, leaf_hash = b.leaf_hash FROM ledger_entries b
         WHERE (a.index = 20 AND b.index = 21) OR (a.index = 21 AND b.index = 20)`,
        20,
      ],
      [
        'a changed leaf tile',
        'UPDATE ledger_tiles SET hashes = set_byte(hashes, 64, get_byte(hashes, 64) # 1) WHERE level = 0 AND index = 0',
        2,
      ],
      [
        'a changed upper tile',
        'UPDATE ledger_tiles SET hashes = set_byte(hashes, 3, get_byte(hashes, 3) # 1) WHERE level = 1',
        0,
      ],
      ['a lost tile', 'DELETE FROM ledger_tiles WHERE level = 1', 0],
      [
        'a changed root of a checkpoint',
        'UPDATE ledger_checkpoints SET root = sha256(root) WHERE size = (SELECT max(size) FROM ledger_checkpoints)',
        -1,
      ],
      [
        'a checkpoint signed by somebody else',
        `UPDATE ledger_checkpoints SET note = overlay(note PLACING 'A' FROM length(note) - 10 FOR 1)`,
        -1,
      ],
    ];
    for (const [name, statement, index] of attacks) {
      const undo = await backUpLedger(sql);
      await withoutTriggers(sql, statement);
      const found = await verifyLedger(office, null);
      expect(found.ok, name).toBe(false);
      if (!found.ok && index >= 0) expect(found.index, name).toBe(index);
      await undo();
      expect(await verifyLedger(office, kept), `after ${name} was undone`).toMatchObject({ ok: true });
    }
    // The whole end cut off, checkpoints and tiles and all: only who kept a checkpoint can know.
    await withoutTriggers(
      sql,
      `DELETE FROM ledger_entries WHERE index >= 5; DELETE FROM ledger_checkpoints WHERE size > 5;
       DELETE FROM ledger_tiles WHERE level > 0 OR index > 0; UPDATE ledger_tiles SET hashes = substring(hashes FROM 1 FOR 160)`,
    );
    expect(await verifyLedger(office, kept)).toMatchObject({ ok: false, index: 5 });
  }, 60_000);
});

describe('I2 somebody with the database and the key', () => {
  it('can write a ledger anew that agrees with itself, and not with a checkpoint that was kept', async () => {
    await using world = await openWorld();
    const { office } = world;
    const add = (text: string) =>
      office.store.db.sql`INSERT INTO ledger_pending (kind, bytes) VALUES ('test', ${Buffer.from(text)})`;
    for (let n = 0; n < 5; n++) await add(`{"n":${n}}`);
    const kept = await bringLedgerUpToDate(office);
    const size = kept?.size ?? 0;
    const before = await office.store.db.sql<{ bytes: Buffer }[]>`SELECT bytes FROM ledger_entries ORDER BY index`;
    expect(before.length).toBe(size);

    // The same entries but one, sequenced and signed with the ledger's own key, and grown beyond what was kept.
    await withoutTriggers(world.own.sql, ledgerTables.map((table) => `DELETE FROM ${table}`).join(';'));
    for (const [at, { bytes }] of before.entries()) await add(at === size - 2 ? '{"n":"other"}' : bytes.toString());
    await add('{"n":"more"}');
    expect((await bringLedgerUpToDate(office))?.size).toBe(size + 1);

    expect(await verifyLedger(office, null)).toMatchObject({ ok: true, size: size + 1 });
    expect(await verifyLedger(office, kept?.note ?? '')).toMatchObject({ ok: false, index: size - 1 });
    // Another's checkpoint, or one that was touched, is no checkpoint of this ledger.
    const touched = kept?.note.replace(`\n${size}\n`, `\n${size - 1}\n`) ?? '';
    expect(await verifyLedger(office, touched)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('not one of this ledger'),
    });
  });
});

const ledgerTables = ['ledger_entries', 'ledger_checkpoints', 'ledger_tiles'];

/** An owner can switch triggers off; the service's own statements never do. */
async function withoutTriggers(sql: Sql, statements: string): Promise<void> {
  const all = (what: string) => ledgerTables.map((table) => `ALTER TABLE ${table} ${what} TRIGGER USER;`).join('');
  await sql.unsafe(`${all('DISABLE')} ${statements}; ${all('ENABLE')}`);
}

async function backUpLedger(sql: Sql): Promise<() => Promise<void>> {
  for (const table of ledgerTables) await sql.unsafe(`CREATE TABLE copy_${table} AS TABLE ${table}`);
  return () =>
    withoutTriggers(
      sql,
      ledgerTables
        .map(
          (table) => `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM copy_${table}; DROP TABLE copy_${table}`,
        )
        .join(';'),
    );
}
