import { describe, expect, it } from 'vitest';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { done, ids, officer, openWorld, purge } from './world.ts';

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
});
