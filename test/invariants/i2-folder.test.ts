import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { runUntil } from '../support/crash.ts';
import { openCutter, victimOf } from './cutter.ts';
import { done, hold, openWorld, resume, start, type World } from './world.ts';

const sources = (root: string) => `sources:
  disk:
    kind: files
    root: ${root}
    datasets:
      access: { folder: access, match: "access-{date}.log*", time: line }
`;
const retention = `rules:
  access: { datasets: [disk.access], keep: P18M, dispose: destroy, schedule: "15 2 * * *", authority: test }
`;
const old = ['access-20200101.log', 'access-20200102.log', 'access-20200103.log', 'access-20200104.log'];
const line = (day: string, who: string) => `192.0.2.1 - ${who} [${day}:10:00:00 +0000] "GET / HTTP/1.1" 200 1\n`;

interface Folder extends AsyncDisposable {
  readonly world: World;
  readonly root: string;
  layOut(): void;
  left(): readonly string[];
}

async function folder(): Promise<Folder> {
  const root = mkdtempSync(join(tmpdir(), 'muniment-logs-'));
  const access = join(root, 'access');
  mkdirSync(access);
  const world = await openWorld({ tables: '', sources: sources(root), retention });
  return {
    world,
    root,
    layOut() {
      for (const [n, name] of old.entries()) writeFileSync(join(access, name), line(`0${n + 1}/Jan/2020`, `user${n}`));
      writeFileSync(join(access, 'access-20990101.log'), line('01/Jan/2099', 'young'));
      writeFileSync(join(access, 'notes.txt'), 'not ours\n');
    },
    left: () => readdirSync(access).sort(),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

async function tracesOf({ office }: World, run: string) {
  const { sql } = office.store.db;
  const [batches] =
    await sql`SELECT coalesce(sum(count), 0)::int AS lost, count(*)::int AS n FROM disposition_batches WHERE run_id = ${run}`;
  const [entries] =
    await sql`SELECT count(*)::int AS n, coalesce(sum((bytes->'facts'->>'count')::int), 0)::int AS lost FROM (
    SELECT convert_from(bytes, 'UTF8')::jsonb AS bytes FROM ledger_entries WHERE kind = 'batch.destroyed') e
    WHERE bytes->'facts'->>'run' = ${run}`;
  const [open] = await sql`SELECT count(*)::int AS n FROM disposition_intents WHERE confirmed_at IS NULL`;
  return { lost: batches?.lost, batches: batches?.n, entries: entries?.n, entryLost: entries?.lost, open: open?.n };
}

describe('a purge of files that dies', () => {
  it('I2 at any statement is finished with one record of each file, and takes no other', async () => {
    await using it = await folder();
    const { world } = it;
    const { office } = world;
    await hold(office, { subjects: [{ kind: 'account', value: 'user2' }], datasets: ['disk.access'] });
    let cuts = 0;
    for (let nth = 1; ; nth++) {
      it.layOut();
      const run = await start(office);
      await using cutter = await openCutter([world.own.url], nth, 'after');
      const victim = victimOf(world, cutter);
      const cut = await Promise.race([executeRun(victim.office, run.id).then(() => null), cutter.cut]);
      if (cut === null) {
        await victim.close();
        break;
      }
      cuts += 1;
      await resume(office, run.id);
      await bringLedgerUpToDate(office);
      const where = `${nth}: ${cut.slice(0, 60)}`;
      expect(it.left(), where).toEqual(['access-20200103.log', 'access-20990101.log', 'notes.txt']);
      expect(await tracesOf(world, run.id), where).toEqual({ lost: 3, batches: 1, entries: 1, entryLost: 3, open: 0 });
      expect(done(await lookUpRun(office, run.id)).state, where).toBe('completed');
    }
    expect(cuts).toBeGreaterThan(20);
    expect(await verifyLedger(office, null)).toMatchObject({ ok: true });
  }, 120_000);

  it.each([
    ['before', 1],
    ['after', 1],
    ['before', 3],
    ['after', 3],
  ] as const)(
    'I2 killed %s removal %i, is finished at the next start, sparing what was held since',
    async (when, nth) => {
      await using it = await folder();
      const { world } = it;
      const { office } = world;
      it.layOut();
      const run = await start(office);
      const ending = await runUntil(
        {
          script: new URL('./resume-program.ts', import.meta.url),
          args: [run.id, '10'],
          env: {
            MUNIMENT_DATA: world.folder,
            MUNIMENT_POLICIES: world.policies,
            MUNIMENT_MASTER_KEY: '11'.repeat(32),
            DATABASE_URL: world.own.url,
          },
        },
        { on: 'rm', path: /access-/, nth, when },
      );
      expect(ending.crashed).toBe(true);
      const gone = when === 'before' ? nth - 1 : nth;
      expect(it.left()).toEqual([...old.slice(gone), 'access-20990101.log', 'notes.txt']);
      // The fourth file is still there, and from here on it is held.
      const placed = await hold(office, { datasets: ['disk.access'], from: '2020-01-04', to: '2020-01-04' });
      expect(placed.coverage).toMatchObject([{ dataset: 'disk.access', count: 1 }]);
      await resume(office, run.id);
      await bringLedgerUpToDate(office);
      expect(it.left()).toEqual(['access-20200104.log', 'access-20990101.log', 'notes.txt']);
      expect(await tracesOf(world, run.id)).toMatchObject({ lost: 3, entryLost: 3, open: 0 });
      expect(done(await lookUpRun(office, run.id))).toMatchObject({
        state: 'completed',
        parts: [{ destroyed: 3, held: 1 }],
      });
      expect(await verifyLedger(office, null)).toMatchObject({ ok: true });
    },
  );
});
