import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openDatabase } from '../../src/db/connect.ts';
import { whileAlone, withLock } from '../../src/db/locks.ts';
import { emptyDatabase } from '../support/database.ts';

it('a lock outlives the limit that an operator sets for idle transactions, and ends with its work', async () => {
  await using database = await emptyDatabase();
  const name = new URL(database.url).pathname.slice(1);
  await database.sql.unsafe(`ALTER DATABASE "${name}" SET idle_in_transaction_session_timeout = '50ms'`);
  const db = openDatabase(database.url);
  try {
    const work = async () => {
      await pause(200);
      expect(await whileAlone(db, 'one', async () => 'a second')).toBeNull();
      return 'done';
    };
    expect(await whileAlone(db, 'one', work)).toBe('done');
    expect(await whileAlone(db, 'one', async () => 'again')).toBe('again');
    const held = () => withLock(db, 'exclusive', ['two'], 5, () => pause(200).then(() => 'held'));
    expect(await held()).toBe('held');
    await expect(
      withLock(db, 'shared', ['two'], 5, () => withLock(db, 'exclusive', ['two'], 0.1, async () => 'both')),
    ).rejects.toThrow('lock timeout');
  } finally {
    await db.close();
  }
});

it('who holds a lock or waits for one keeps no connection from the work under it', async () => {
  await using database = await emptyDatabase();
  const db = openDatabase(database.url, 2);
  const ask = async () => (await db.sql`SELECT 1`).length;
  try {
    const alone = ['one', 'two', 'three', 'four'].map((name) => whileAlone(db, name, ask));
    expect(await Promise.all(alone)).toEqual([1, 1, 1, 1]);
    const inTurn = Array.from({ length: 40 }, () => withLock(db, 'exclusive', ['five'], 30, ask));
    expect(new Set(await Promise.all(inTurn))).toEqual(new Set([1]));
  } finally {
    await db.close();
  }
});
