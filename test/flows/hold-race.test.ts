import { afterAll, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/actor.ts';
import { isRefusal, type Refusal } from '../../src/core/refusal.ts';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { moveDispositionRun } from '../../src/flows/move-run.ts';
import { placeHold } from '../../src/flows/place-hold.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { emptyDatabase, type TestDatabase, testDatabase } from '../support/database.ts';
import { openTestHouse } from '../support/house.ts';
import { policiesFolder } from '../support/policies.ts';

const policies = policiesFolder({
  'sources.yaml': `sources:
  app:
    kind: postgres
    url: \${APP}
    datasets:
      users: { table: public.users, key: [id], identifiers: { email: email }, fields: { email: { category: identity.email } }, onDispose: { messages: restrict } }
      messages:
        table: public.messages
        key: [id]
        time: sent_at
        links: { sender_id: { to: users.id, owner: true } }
        fields: { body: { category: communication.content, text: true } }
`,
  'retention.yaml': `rules:
  messages: { datasets: [app.messages], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: test }
`,
});
const officer: Actor = { id: 'act_officer', kind: 'token', role: 'compliance', approval: 'token' };
const second: Actor = { id: 'act_second', kind: 'token', role: 'compliance', approval: 'token' };
const rows = 40_000;

const toDrop: TestDatabase[] = [];
afterAll(async () => {
  for (const database of toDrop) await database.drop();
});

function done<T>(result: T | Refusal): T {
  if (isRefusal(result)) throw new Error(`${result.code}: ${result.detail}`);
  return result as T;
}

describe('a hold placed from another process while a run destroys', () => {
  // Before the first batch, somewhere between two, and after the last: the delay only moves where it falls.
  it.each([0, 60, 150, 300, 600])(
    'I1 I4 keeps every record it said it covers (%i ms after the start)',
    async (ms) => {
      const app = await emptyDatabase();
      const own = await testDatabase();
      toDrop.push(app, own);
      await app.sql.unsafe(`CREATE TABLE users (id int PRIMARY KEY, email text);
      CREATE TABLE messages (id int PRIMARY KEY, sender_id int, sent_at timestamptz, body text);
      CREATE INDEX ON messages (sent_at);
      INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bea@example.com');
      INSERT INTO messages SELECT n, 1 + n % 2, '2019-01-01Z'::timestamptz + n * interval '1 minute', 'm' || n FROM generate_series(1, ${rows}) n`);
      const options = { policies, databaseUrl: own.url, env: { APP: app.url } };
      await using worker = await openTestHouse(options);
      await using desk = await openTestHouse(options);
      const run = done(await planDisposition(worker.house.office, officer, { rules: [], dryRun: false }));
      if (run.state === 'awaiting_approval')
        done(await moveDispositionRun(worker.house.office, second, run.id, 'approve'));

      const working = executeRun(worker.house.office, run.id);
      await new Promise((resolve) => setTimeout(resolve, ms));
      const scope = { subjects: [{ kind: 'email', value: 'ada@example.com' }] };
      const order = { matter: 'M', reason: 'R', scope, demandId: null, requestId: null };
      const hold = done(await placeHold(desk.house.office, officer, order));
      await working;

      expect(hold.state).toBe('active');
      const covered = hold.coverage.find(({ dataset }) => dataset === 'app.messages')?.count ?? 0;
      const [left] = await app.sql`SELECT count(*)::int AS held FROM messages WHERE sender_id = 1`;
      expect(left?.held).toBe(covered);
      // What went is what is gone, and a run says completed only when everything free went.
      const finished = done(await lookUpRun(worker.house.office, run.id));
      const destroyed = finished.parts.reduce((total, part) => total + part.destroyed, 0);
      const [all] =
        await app.sql`SELECT count(*)::int AS n, count(*) FILTER (WHERE sender_id = 2)::int AS free FROM messages`;
      expect(destroyed).toBe(rows - (all?.n ?? 0));
      expect(finished.state === 'completed').toBe(all?.free === 0);
    },
    60_000,
  );
});
