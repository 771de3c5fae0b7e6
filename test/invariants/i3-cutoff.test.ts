import { describe, expect, it } from 'vitest';
import { certifyRun, readCertificate } from '../../src/flows/certify-run.ts';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { moveDispositionRun } from '../../src/flows/move-run.ts';
import type { Office } from '../../src/flows/office.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { done, ids, officer, openWorld, purge, second } from './world.ts';

const oneTable = (type: string) => ({
  tables: `CREATE TABLE notes (id int PRIMARY KEY, made_at ${type}); CREATE INDEX ON notes (made_at)`,
  sources: `sources:
  app: { kind: postgres, url: "\${APP}", datasets: { notes: { table: public.notes, key: [id], time: made_at } } }
`,
  retention: `rules:
  notes: { datasets: [app.notes], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: test }
`,
});

describe('the cutoff of a run', () => {
  it.each([
    ['timestamptz', true],
    ['timestamptz(3)', false],
    ['timestamp', true],
    ['timestamp(6)', true],
  ])('I3 divides a %s column at the very microsecond', async (type, hasMicroseconds) => {
    await using world = await openWorld(oneTable(type));
    const { office, app } = world;
    const planned = done(await planDisposition(office, officer, { rules: [], dryRun: true }));
    const stored = planned.cutoffs.notes ?? '';
    const edge = `(timestamptz '${stored}' ${type.startsWith('timestamptz') ? '' : `AT TIME ZONE 'UTC'`})`;
    await app.sql.unsafe(`INSERT INTO notes VALUES
      (1, ${edge} - interval '1 millisecond'), (2, ${edge}), (3, ${edge} + interval '1 millisecond'), (4, NULL),
      (5, '-infinity'), (6, 'infinity')`);
    if (hasMicroseconds)
      await app.sql.unsafe(
        `INSERT INTO notes VALUES (7, ${edge} - interval '1 microsecond'), (8, ${edge} + interval '1 microsecond')`,
      );
    const run = await purge(office);
    expect(run.cutoffs.notes).toBe(stored);
    expect(run.state).toBe('completed');
    expect(await ids(app, 'notes')).toEqual(hasMicroseconds ? [2, 3, 4, 6, 8] : [2, 3, 4, 6]);
  });

  it('I3 leaves a day that the cutoff falls into', async () => {
    await using world = await openWorld(oneTable('date'));
    const { office, app } = world;
    const planned = done(await planDisposition(office, officer, { rules: [], dryRun: true }));
    const day = (planned.cutoffs.notes ?? '').slice(0, 10);
    await app.sql.unsafe(
      `INSERT INTO notes VALUES (1, date '${day}' - 1), (2, date '${day}'), (3, date '${day}' + 1), (4, NULL)`,
    );
    expect(await purge(office)).toMatchObject({ state: 'completed', parts: [{ due: 1, destroyed: 1 }] });
    expect(await ids(app, 'notes')).toEqual([2, 3, 4]);
  });

  it('I3 is the one that was planned, whatever the clock says at approval, execution and certificate', async () => {
    await using world = await openWorld(oneTable('timestamptz'));
    const { office, app, clock } = world;
    await app.sql`INSERT INTO notes VALUES (1, '2019-01-01Z'), (2, now() - interval '3 years' + interval '10 days')`;
    const planned = done(await planDisposition(office, officer, { rules: [], dryRun: false }));
    expect(planned).toMatchObject({ state: 'awaiting_approval', approvalReasons: ['rule_changed:notes'] });
    const cutoff = planned.cutoffs.notes ?? '';
    await app.sql.unsafe(`INSERT INTO notes VALUES (3, timestamptz '${cutoff}' - interval '1 microsecond')`);
    clock.advance('P20D');
    done(await moveDispositionRun(office, second, planned.id, 'approve'));
    clock.advance('P20D');
    await executeRun(office, planned.id);
    // One is due by the clock of today, and was not by the cutoff that was approved.
    expect(await ids(app, 'notes')).toEqual([2]);
    await certifyRun(office, planned.id);
    const run = done(await lookUpRun(office, planned.id));
    expect(run.cutoffs).toEqual({ notes: cutoff });
    const [batch] = await office.store.db.sql<{ same: boolean }[]>`
      SELECT cutoff = ${cutoff}::text::timestamptz AS same FROM disposition_batches WHERE run_id = ${run.id}`;
    expect(batch?.same).toBe(true);
    const [journal] = await app.sql<{ same: boolean }[]>`
      SELECT cutoff = ${cutoff}::text::timestamptz AS same FROM muniment.journal WHERE run = ${run.id}`;
    expect(journal?.same).toBe(true);
    const certificate = JSON.parse(await certificateText(office, run.id));
    expect(certificate.cutoffs).toEqual({ notes: cutoff });
    expect(certificate.rules).toMatchObject([{ due: 2, destroyed: 2, held: 0 }]);
  });
});

async function certificateText(office: Office, run: string): Promise<string> {
  const { bytes } = done(await readCertificate(office, run, 'json'));
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString('utf8')).certificate;
}
