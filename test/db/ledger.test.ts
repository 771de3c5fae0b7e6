import { generateKeyPairSync, sign } from 'node:crypto';
import { expect, it } from 'vitest';
import { openDatabase } from '../../src/db/connect.ts';
import { newestCheckpoint, sequenceLedger } from '../../src/db/ledger.ts';
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
