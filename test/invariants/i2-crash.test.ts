import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { changes, openCutter, victimOf } from './cutter.ts';
import { chatSources, done, hold, ids, openWorld, resume, start, type World } from './world.ts';

const small = { rowsPerBatch: 3, triesPerBatch: 1, pauseMs: 1 };

/** Eight old messages, two of them held, each with a file; one young. */
async function layOut({ app }: World, files: string): Promise<void> {
  await app.sql.unsafe(`TRUNCATE users, conversations, members, messages, attachments, reactions, muniment.journal, muniment.files_leaving;
    INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bea@example.com');
    INSERT INTO conversations VALUES (1, '2019-01-01Z', 'one');
    INSERT INTO messages SELECT n, 1, CASE WHEN n IN (3, 6) THEN 1 ELSE 2 END, NULL, '2019-01-01Z'::timestamptz + n * interval '1 day', 'm' FROM generate_series(1, 8) n;
    INSERT INTO messages VALUES (9, 1, 2, NULL, now(), 'young');
    INSERT INTO attachments SELECT n, n, n || '.png', '2019-01-01Z' FROM generate_series(1, 9) n;`);
  for (let n = 1; n <= 9; n++) writeFileSync(join(files, `${n}.png`), 'x');
}

interface Traces {
  readonly journal: readonly string[];
  readonly batches: readonly string[];
  readonly entries: readonly string[];
}

/** Where a run's batches left a trace, each as "batch count". */
async function tracesOf({ app, office }: World, run: string): Promise<Traces> {
  const journal = await app.sql`SELECT batch || ' ' || count AS t FROM muniment.journal WHERE run = ${run} ORDER BY 1`;
  const { sql } = office.store.db;
  const batches = await sql`SELECT id || ' ' || count AS t FROM disposition_batches WHERE run_id = ${run} ORDER BY 1`;
  const entries = await sql`
    SELECT (bytes->>'batch') || ' ' || (bytes->>'count') AS t FROM (
      SELECT convert_from(bytes, 'UTF8')::jsonb->'facts' AS bytes FROM ledger_entries WHERE kind = 'batch.destroyed') e
    WHERE bytes->>'run' = ${run} ORDER BY 1`;
  const texts = (rows: readonly Record<string, unknown>[]) => rows.map(({ t }) => String(t));
  return { journal: texts(journal), batches: texts(batches), entries: texts(entries) };
}

describe('a run cut off at every change', () => {
  it('I2 leaves each lost record in one journal row, one batch and one entry, and takes its file and no other', async () => {
    const files = mkdtempSync(join(tmpdir(), 'muniment-files-'));
    await using world = await openWorld({ sources: chatSources(files) });
    await hold(world.office, { keys: { 'app.messages': [{ id: '3' }, { id: '6' }] } });
    let cuts = 0;
    // Whatever happens to files between two changes is there before the second one.
    for (const when of ['after', 'before'] as const)
      for (let nth = 1; ; nth++) {
        await layOut(world, files);
        const run = await start(world.office);
        await using cutter = await openCutter([world.own.url, world.app.url], nth, when, changes);
        const victim = victimOf(world, cutter);
        const cut = await Promise.race([executeRun(victim.office, run.id, small).then(() => null), cutter.cut]);
        if (cut === null) {
          await victim.close();
          break;
        }
        cuts += 1;
        const where = `${when} ${nth}: ${cut.slice(0, 60)}`;

        await resume(world.office, run.id);
        await bringLedgerUpToDate(world.office);
        expect(done(await lookUpRun(world.office, run.id)), where).toMatchObject({
          state: 'completed',
          parts: [{ destroyed: 6, held: 2, due: 8 }],
        });
        expect(await ids(world.app, 'messages'), where).toEqual([3, 6, 9]);
        expect(await ids(world.app, 'attachments'), where).toEqual([3, 6, 9]);
        expect(readdirSync(files).sort(), where).toEqual(['3.png', '6.png', '9.png']);
        const traces = await tracesOf(world, run.id);
        expect(traces.batches, where).toEqual(traces.journal);
        expect(traces.entries, where).toEqual(traces.journal);
        const lost = traces.journal.reduce((sum, trace) => sum + Number(trace.split(' ')[1]), 0);
        // A message and its attachment each.
        expect(lost, where).toBe(12);
      }
    expect(await verifyLedger(world.office, null)).toMatchObject({ ok: true });
    expect(cuts).toBeGreaterThan(60);
  }, 300_000);
});
