import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { moveDispositionRun } from '../../src/flows/move-run.ts';
import { placeHold } from '../../src/flows/place-hold.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { done, officer, resume, second } from '../invariants/world.ts';
import { type CrashPoint, type Program, runUntil } from '../support/crash.ts';
import { emptyDatabase, type TestDatabase, testDatabase } from '../support/database.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { messagesRetention, policiesFolder, sourcesWithUsers } from '../support/policies.ts';

const held = 20;
const free = 40;
const young = 5;

interface World {
  readonly program: Program;
  readonly run: string;
  readonly app: TestDatabase;
  reopen(): Promise<TestHouse>;
}

const toDrop: TestDatabase[] = [];
afterEach(async () => {
  for (const database of toDrop.splice(0)) await database.drop();
});

/** An application with held, free and young messages; a hold on one person; a run that may start. */
async function world(): Promise<World> {
  const app = await emptyDatabase();
  const own = await testDatabase();
  toDrop.push(app, own);
  await app.sql.unsafe(`CREATE TABLE users (id int PRIMARY KEY, email text);
    CREATE TABLE messages (id int PRIMARY KEY, sender_id int, sent_at timestamptz, body text);
    INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bea@example.com');
    INSERT INTO messages SELECT n, CASE WHEN n <= ${held} THEN 1 ELSE 2 END, '2019-01-01Z'::timestamptz + n * interval '1 hour', 'm' || n
      FROM generate_series(1, ${held + free}) n;
    INSERT INTO messages SELECT n, 2, now(), 'young' FROM generate_series(1000, ${999 + young}) n`);
  const policies = policiesFolder({
    'sources.yaml': sourcesWithUsers('identifiers: { email: email }, fields: { email: { category: identity.email } }'),
    'retention.yaml': messagesRetention,
  });
  const folder = mkdtempSync(join(tmpdir(), 'muniment-crash-'));
  const reopen = () => openTestHouse({ policies, folder, databaseUrl: own.url, env: { APP: app.url } });
  const opened = await reopen();
  const { office } = opened.house;
  const scope = { subjects: [{ kind: 'email', value: 'ada@example.com' }] };
  const hold = done(
    await placeHold(office, officer, { matter: 'M', reason: 'R', scope, demandId: null, requestId: null }),
  );
  expect(hold.state).toBe('active');
  const run = done(await planDisposition(office, officer, { rules: [], dryRun: false }));
  if (run.state === 'awaiting_approval') done(await moveDispositionRun(office, second, run.id, 'approve'));
  await opened.close();
  const program: Program = {
    script: new URL('./execute-run-program.ts', import.meta.url),
    args: [run.id],
    env: { MUNIMENT_DATA: folder, MUNIMENT_POLICIES: policies, MUNIMENT_MASTER_KEY: '11'.repeat(32) },
    databases: { DATABASE_URL: own.url, APP: app.url },
  };
  return { program, run: run.id, app, reopen };
}

async function counts(app: TestDatabase) {
  const [row] = await app.sql`SELECT count(*) FILTER (WHERE sender_id = 1)::int AS held,
    count(*) FILTER (WHERE sender_id = 2 AND sent_at < '2020-01-01Z')::int AS free,
    count(*) FILTER (WHERE id >= 1000)::int AS young FROM messages`;
  return row as { held: number; free: number; young: number };
}

/** Where a batch changes hands: destroyed, on disk there, copied here, on disk here. Each kill is at one of its sides. */
async function turningPoints(program: Program): Promise<readonly CrashPoint[]> {
  const whole = await runUntil(program);
  if (whole.code !== 0) throw new Error(`the program fails without any crash: ${whole.stderr}`);
  const destroyed = /INSERT INTO muniment\.journal\b/;
  const copied = /insert into "disposition_batches"/i;
  const commit = /^\s*commit\b/i;
  const commitOf = (change: RegExp): number => {
    const at = whole.statements.findIndex((statement) => change.test(statement));
    if (at < 0) throw new Error(`no statement is like ${change.source}`);
    return whole.statements.slice(0, at).filter((statement) => commit.test(statement)).length + 1;
  };
  return [
    { on: 'statement', fits: destroyed, when: 'after' },
    { on: 'statement', fits: commit, nth: commitOf(destroyed), when: 'before' },
    { on: 'statement', fits: commit, nth: commitOf(destroyed), when: 'after' },
    { on: 'statement', fits: copied, when: 'after' },
    { on: 'statement', fits: commit, nth: commitOf(copied), when: 'after' },
  ];
}

// The proof that a cut connection is what a server sees of a kill: i2-crash.test.ts cuts at every change.
describe('a run killed with -9 where its batch changes hands', () => {
  it('I1 I2 destroys nothing held, and every destruction once and with its entry', async () => {
    for (const point of await turningPoints((await world()).program)) {
      const { program, app, run, reopen } = await world();
      expect((await runUntil(program, point)).crashed).toBe(true);
      const left = await counts(app);
      expect(left).toMatchObject({ held, young });
      expect([0, free]).toContain(left.free);
      const opened = await reopen();
      try {
        const { office } = opened.house;
        await resume(office, run);
        await bringLedgerUpToDate(office);
        expect(await counts(app)).toEqual({ held, free: 0, young });
        const finished = done(await lookUpRun(office, run));
        expect(finished.state).toBe('completed');
        expect(finished.parts).toMatchObject([{ destroyed: free, held }]);
        expect(await verifyLedger(office, null)).toMatchObject({ ok: true });
        const [entries] = await office.store.db.sql`
          SELECT count(*)::int AS n FROM ledger_entries WHERE kind = 'batch.destroyed'`;
        expect(entries?.n).toBe(1);
      } finally {
        await opened.close();
      }
    }
  }, 120_000);
});
