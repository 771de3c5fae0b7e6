import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { approveRelease, liftHold, requestRelease } from '../../src/flows/release-hold.ts';
import type { WrittenHoldScope } from '../../src/policy/hold.ts';
import { done, hold, officer, openWorld, second, start } from './world.ts';

const messages = 20_000;

/** What a scope covers, said once more and independently of the engine, over a table that remembers what there was. */
const scopes: readonly { readonly name: string; readonly scope: WrittenHoldScope; readonly covered: string }[] = [
  {
    name: 'by conversation',
    scope: { keys: { 'app.conversations': [{ id: '7' }, { id: '8' }] } },
    covered: 'conversation_id IN (7, 8)',
  },
  {
    name: 'by message column',
    scope: { keys: { 'app.messages': [{ conversation_id: '9' }] } },
    covered: 'conversation_id = 9',
  },
  {
    name: 'by person',
    scope: { subjects: [{ kind: 'email', value: 'u5@example.com' }] },
    // Their own, and all of the conversations they are a member of.
    covered: 'sender_id = 5 OR conversation_id IN (5, 15)',
  },
  {
    name: 'by range',
    scope: { datasets: ['app.messages'], from: '2019-01-05T00:00:00Z', to: '2019-01-06T23:59:59Z' },
    covered: `sent_at BETWEEN '2019-01-05T00:00:00Z' AND '2019-01-06T23:59:59Z'`,
  },
];

const people = `
  INSERT INTO users SELECT n, 'u' || n || '@example.com' FROM generate_series(1, 20) n;
  INSERT INTO conversations SELECT n, '2019-01-01Z', 'c' FROM generate_series(1, 40) n;
  INSERT INTO members SELECT c, u FROM generate_series(1, 20) u, unnest(ARRAY[u, u + 10]) c;`;

const chat = `
  TRUNCATE messages CASCADE;
  INSERT INTO messages SELECT n, 1 + (n * 7919) % 40, 1 + (n * 1049) % 20, NULL,
    '2019-01-01Z'::timestamptz + n * interval '30 seconds', 'm' || n FROM generate_series(1, ${messages}) n;
  INSERT INTO attachments SELECT n, n, NULL, '2019-01-01Z' FROM generate_series(1, ${messages}, 10) n;
  INSERT INTO reactions SELECT n, n, 1 + n % 20, 'x' FROM generate_series(1, ${messages}, 15) n;
  ANALYZE;`;

const rounds = 3;

describe('holds that race a run', () => {
  it('I1 placed from another house at any moment of it, lose nothing that they said they cover', async () => {
    await using world = await openWorld();
    await using desk = await world.another();
    const { app, office } = world;
    await app.sql.unsafe(people);
    for (let round = 0; round < rounds; round++) {
      await app.sql.unsafe(chat);
      const run = await start(office);
      expect(run.state).toBe('running');
      const working = executeRun(office, run.id, { rowsPerBatch: 1000, triesPerBatch: 8, pauseMs: 20 });
      // The first of a round comes before the first batch, the others fall between later ones.
      const placed = await Promise.all(
        scopes.map(async ({ name, scope, covered }, n) => {
          await pause(((n + round) % scopes.length) * (40 + 35 * round));
          return { name, covered, hold: await hold(desk.house.office, scope) };
        }),
      );
      const whilePlacing = done(await lookUpRun(office, run.id)).parts[0]?.destroyed ?? 0;
      await working;

      for (const { name, covered, hold: one } of placed) {
        expect(one.state).toBe('active');
        const said = one.coverage.find(({ dataset }) => dataset === 'app.messages')?.count;
        const [left] = await app.sql.unsafe(`SELECT count(*)::int AS n FROM messages WHERE ${covered}`);
        expect([name, left?.n]).toEqual([name, said]);
      }
      // One that comes when all is over covers what is left of what it names, and says so.
      const late = await hold(desk.house.office, { subjects: [{ kind: 'email', value: 'u6@example.com' }] });
      const saidLate = late.coverage.find(({ dataset }) => dataset === 'app.messages')?.count ?? 0;
      const [leftLate] =
        await app.sql`SELECT count(*)::int AS n FROM messages WHERE sender_id = 6 OR conversation_id IN (6, 16)`;
      expect(leftLate?.n).toBe(saidLate);
      const all = placed.map(({ covered }) => `(${covered})`).join(' OR ');
      const [free] = await app.sql.unsafe(
        `SELECT count(*)::int AS n FROM messages m WHERE NOT (${all}) AND NOT EXISTS (SELECT 1 FROM reactions r WHERE r.message_id = m.id AND r.user_id = 5)`,
      );
      const finished = done(await lookUpRun(office, run.id));
      expect(finished).toMatchObject({ state: 'completed', refusal: null });
      expect(free?.n).toBe(0);
      const [left] = await app.sql`SELECT count(*)::int AS n FROM messages`;
      expect(finished.parts[0]).toMatchObject({ destroyed: messages - left?.n, held: left?.n });
      // Otherwise the round proves nothing: something went, and something went after a hold was in place.
      expect(finished.parts[0]?.destroyed).toBeGreaterThan(whilePlacing);
      for (const one of [late, ...placed.map((each) => each.hold)]) {
        done(await requestRelease(office, officer, one.id));
        done(await approveRelease(office, second, one.id));
        await liftHold(office, one.id);
      }
    }
  }, 120_000);
});
