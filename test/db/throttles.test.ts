import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../src/db/commit.ts';
import { countTry, forgiveTry } from '../../src/db/throttles.ts';
import { openWorld, type World } from '../invariants/world.ts';
import type { TestHouse } from '../support/house.ts';

let world: World;
let beside: TestHouse;
let store: Store;
const now = Temporal.Instant.from('2026-11-27T09:00:00Z');
const later = (seconds: number) => now.add({ seconds });
const allowed = async (key: string, limit: number, at: Temporal.Instant) =>
  (await countTry(store, key, limit, 60, at)).allowed;

beforeAll(async () => {
  world = await openWorld({});
  beside = await world.another();
  store = world.office.store;
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

describe('a count of tries', () => {
  it('allows as many as the limit in a window that begins with the first, and more when it is over', async () => {
    const tries = [];
    for (const at of [0, 10, 20, 59]) tries.push(await countTry(store, 'a', 2, 60, later(at)));
    expect(tries.map((one) => one.allowed)).toEqual([true, true, false, false]);
    // Tries beyond the limit do not lengthen it.
    expect(new Set(tries.map(({ retryAt }) => retryAt.toString()))).toEqual(new Set([later(60).toString()]));
    expect(await allowed('a', 2, later(60))).toBe(true);
    expect((await countTry(store, 'a', 2, 60, later(70))).retryAt.toString()).toBe(later(120).toString());
    expect(await allowed('b', 2, later(70))).toBe(true);
  });

  it('misses none that come at once, on two machines', async () => {
    const stores = [store, beside.house.office.store];
    const tries = await Promise.all(
      Array.from({ length: 60 }, (_, i) => countTry(stores[i % 2] ?? store, 'at once', 7, 60, now)),
    );
    expect(tries.filter((one) => one.allowed)).toHaveLength(7);
    const [row] = await store.db.sql`SELECT count FROM throttles WHERE key = 'at once'`;
    expect(row?.count).toBe(60);
  });

  it('gives one back that turned out well, and never more than there were', async () => {
    expect(await allowed('c', 1, now)).toBe(true);
    await forgiveTry(store, 'c');
    await forgiveTry(store, 'c');
    await forgiveTry(store, 'nobody');
    expect(await allowed('c', 1, later(1))).toBe(true);
    expect(await allowed('c', 1, later(2))).toBe(false);
  });

  it('is gone when its window is over and somebody begins another', async () => {
    await allowed('old', 1, now);
    await allowed('new', 1, later(3600));
    expect(await store.db.sql`SELECT key FROM throttles WHERE key = 'old'`).toEqual([]);
  });
});
