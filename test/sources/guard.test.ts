import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSources } from '../../src/flows/check-sources.ts';
import { enforceHolds } from '../../src/flows/enforce-holds.ts';
import { approveRelease, liftHold, requestRelease } from '../../src/flows/release-hold.ts';
import {
  chatSources,
  chatTables,
  done,
  hold,
  ids,
  officer,
  openWorld,
  purge,
  second,
  type World,
} from '../invariants/world.ts';

const rows = `
  INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bea@example.com');
  INSERT INTO conversations VALUES (1, '2019-01-01Z', 'one'), (2, '2019-01-01Z', 'it''s \\ $guard$');
  INSERT INTO messages SELECT n, 1 + n % 2, 1, NULL, '2019-01-01Z'::timestamptz + n * interval '1 day', 'm' FROM generate_series(1, 6) n;`;

let world: World;
beforeAll(async () => {
  const sources = chatSources().replace('kind: postgres', 'kind: postgres\n    enforceHolds: trigger');
  world = await openWorld({ tables: chatTables + rows, sources });
});
afterAll(async () => world?.[Symbol.asyncDispose]());

/** The SQLSTATE with which the source refused; null when it did not. */
const refusedWith = async (statement: string) => {
  try {
    await world.app.sql.unsafe(statement);
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const unguarded = async () =>
  (await checkSources(world.office)).filter(({ code }) => code === 'holds_not_enforced').length;

describe('enforceHolds: trigger', () => {
  it('has the source refuse to take what is held, whoever asks, as long as it is held', async () => {
    const { office, app } = world;
    const { id } = await hold(office, { keys: { 'app.messages': [{ conversation_id: 1 }] } });
    expect(await unguarded()).toBe(6);
    expect(done(await enforceHolds(office))).toMatchObject([{ source: 'app' }]);
    expect(done(await enforceHolds(office))).toHaveLength(1);
    expect(await unguarded()).toBe(0);
    const refused = '23001';
    expect(await refusedWith('DELETE FROM messages WHERE id = 2')).toBe(refused);
    expect(await refusedWith('DELETE FROM messages')).toBe(refused);
    expect(await refusedWith('TRUNCATE messages CASCADE')).toBe(refused);
    expect(await refusedWith('UPDATE messages SET conversation_id = 2 WHERE id = 2')).toBe(refused);
    expect(await refusedWith('UPDATE messages SET id = 99 WHERE id = 2')).toBe(refused);
    // What is not held goes, and what a hold does not go by changes.
    expect(await refusedWith('DELETE FROM messages WHERE id = 1')).toBeNull();
    expect(await refusedWith("UPDATE messages SET body = 'n' WHERE id = 2")).toBeNull();
    expect(await refusedWith('UPDATE messages SET conversation_id = NULL WHERE id = 3')).toBeNull();
    // Ours are not in its way: the purge takes what is free.
    await purge(office);
    expect(await ids(app, 'messages')).toEqual([2, 4, 6]);
    // A hold placed afterwards is enforced from its placing on, and one that was lifted is not any more.
    const later = await hold(office, { keys: { 'app.users': [{ id: 2 }] } });
    expect(await refusedWith('DELETE FROM users WHERE id = 2')).toBe(refused);
    done(await requestRelease(office, officer, later.id));
    done(await approveRelease(office, second, later.id));
    await liftHold(office, later.id);
    expect(await refusedWith('DELETE FROM users WHERE id = 2')).toBeNull();
    expect(await refusedWith('DELETE FROM messages WHERE id = 2')).toBe(refused);
    done(await requestRelease(office, officer, id));
    done(await approveRelease(office, second, id));
    await liftHold(office, id);
    expect(await refusedWith('TRUNCATE messages CASCADE')).toBeNull();
  });

  it('that is switched off is drift, and by name', async () => {
    await world.app.sql`ALTER TABLE messages DISABLE TRIGGER muniment_holds`;
    expect(await unguarded()).toBe(1);
    await world.app.sql`ALTER TABLE messages ENABLE TRIGGER muniment_holds`;
    expect(await unguarded()).toBe(0);
  });
});
