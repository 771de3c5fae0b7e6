import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clockActor } from '../../src/core/actor.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { certifyRun } from '../../src/flows/certify-run.ts';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { moveDispositionRun } from '../../src/flows/move-run.ts';
import type { Office } from '../../src/flows/office.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { resumeWork, ringBell } from '../../src/flows/ring-bell.ts';
import {
  chatSources,
  chatTables,
  done,
  hold,
  ids,
  officer,
  openWorld,
  purge,
  refusalCode,
  second,
  start,
  type World,
} from '../invariants/world.ts';
import { messagesRetention, policiesFolder } from '../support/policies.ts';
import { waitUntil } from '../support/wait.ts';

const chat = (messages: number) => `${chatTables}
  INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bea@example.com');
  INSERT INTO conversations VALUES (1, '2019-01-01Z', 'one');
  INSERT INTO messages SELECT n, 1, 1 + n % 2, NULL, '2019-01-01Z'::timestamptz + n * interval '1 minute', 'm' FROM generate_series(1, ${messages}) n;`;
const slow = { rowsPerBatch: 10, triesPerBatch: 3, pauseMs: 5 };

async function plan(office: Office) {
  return done(await planDisposition(office, officer, { rules: [], dryRun: false }));
}

async function count({ app }: World): Promise<number> {
  const [row] = await app.sql`SELECT count(*)::int AS n FROM messages`;
  return row?.n;
}

/** What the journal says went, in all. */
async function journaled({ app }: World): Promise<number> {
  const [row] = await app.sql`SELECT coalesce(sum(count), 0)::int AS n FROM muniment.journal`;
  return row?.n;
}

describe('the life of a run', () => {
  it('the same run worked off twice, and by two workers at once, destroys once', async () => {
    await using world = await openWorld({ tables: chat(400) });
    await using other = await world.another();
    const run = await start(world.office);
    await Promise.all([
      executeRun(world.office, run.id, slow),
      executeRun(other.house.office, run.id, slow),
      executeRun(world.office, run.id, slow),
    ]);
    await executeRun(world.office, run.id, slow);
    const ended = done(await lookUpRun(world.office, run.id));
    expect(ended).toMatchObject({ state: 'completed', parts: [{ destroyed: 400, batches: 40 }] });
    expect(await journaled(world)).toBe(400);
    const [batches] = await world.office.store.db.sql`SELECT count(*)::int AS n FROM disposition_batches`;
    expect(batches?.n).toBe(40);
  });

  it('two plans at once make one run', async () => {
    await using world = await openWorld({ tables: chat(4) });
    await using other = await world.another();
    const offices = [world.office, other.house.office, world.office, other.house.office];
    const plans = await Promise.all(
      offices.map((office) => planDisposition(office, officer, { rules: [], dryRun: false })),
    );
    expect(plans.map((one) => (isRefusal(one) ? one.code : one.state)).sort()).toEqual([
      'already_running',
      'already_running',
      'already_running',
      'awaiting_approval',
    ]);
  });

  it('a run that is paused, resumed and cancelled between batches stops there and names every batch', async () => {
    await using world = await openWorld({ tables: chat(2000) });
    const { office } = world;
    const run = await start(office);
    const working = executeRun(office, run.id, slow);
    await waitUntil(async () => (await count(world)) < 1950);
    done(await moveDispositionRun(office, officer, run.id, 'pause'));
    await working;
    const paused = await count(world);
    expect(paused).toBeGreaterThan(0);
    await executeRun(office, run.id, slow);
    expect(await count(world)).toBe(paused);
    expect(refusalCode(await moveDispositionRun(office, officer, run.id, 'pause'))).toBe('move_not_allowed');

    done(await moveDispositionRun(office, officer, run.id, 'resume'));
    const again = executeRun(office, run.id, slow);
    await waitUntil(async () => (await count(world)) < paused - 50);
    done(await moveDispositionRun(office, officer, run.id, 'cancel'));
    const certifying = certifyRun(office, run.id);
    await again;
    await certifying;
    const left = await count(world);
    expect(left).toBeGreaterThan(0);
    const ended = done(await lookUpRun(office, run.id));
    expect(ended.state).toBe('cancelled');
    expect(ended.certificate).not.toBeNull();
    expect(ended.parts[0]?.destroyed).toBe(2000 - left);
    expect(await journaled(world)).toBe(2000 - left);
    await executeRun(office, run.id, slow);
    expect(await count(world)).toBe(left);
  });

  it('a run resumed while its worker is on its way out goes on', async () => {
    await using world = await openWorld({ tables: chat(600) });
    const { office } = world;
    const run = await start(office);
    const workers = [executeRun(office, run.id, slow)];
    for (let n = 0; n < 8; n++) {
      done(await moveDispositionRun(office, officer, run.id, 'pause'));
      done(await moveDispositionRun(office, officer, run.id, 'resume'));
      workers.push(executeRun(office, run.id, slow));
    }
    await Promise.all(workers);
    expect(done(await lookUpRun(office, run.id))).toMatchObject({ state: 'completed', parts: [{ destroyed: 600 }] });
  });

  it('a second bell of one slot rings nowhere, and another slot rings again', async () => {
    await using world = await openWorld({ tables: chat(4) });
    await using other = await world.another();
    const offices = [world.office, other.house.office, world.office, other.house.office];
    const slot = '2026-11-27T02:15:00.000Z';
    const rung = await Promise.all(offices.map((office) => ringBell(office, clockActor, 'messages', slot)));
    const runs = rung.filter((one) => one !== null);
    expect(runs).toHaveLength(1);
    const [first] = runs;
    if (!first || isRefusal(first)) throw new Error('the bell made no run');
    done(await moveDispositionRun(world.office, second, first.id, 'approve'));
    await executeRun(world.office, first.id);
    // A start long after finds the slot answered.
    world.clock.advance('PT1H');
    await resumeWork(world.office, clockActor);
    const [all] = await world.office.store.db.sql`SELECT count(*)::int AS n FROM disposition_runs`;
    expect(all?.n).toBe(1);
    expect(await ringBell(other.house.office, clockActor, 'messages', '2026-11-28T02:15:00.000Z')).toMatchObject({
      state: 'running',
    });
  });

  it('a bell whose process died before it planned is answered at a later start, by one of two', async () => {
    await using world = await openWorld({ tables: chat(4) });
    await using other = await world.another();
    const { sql } = world.office.store.db;
    await sql`INSERT INTO bells (name, slot, claimed_at) VALUES ('messages', '2026-11-27T02:15:00.000Z', ${world.clock.now().toString()}::text::timestamptz)`;
    world.clock.advance('PT2M');
    await Promise.all([resumeWork(world.office, clockActor), resumeWork(other.house.office, clockActor)]);
    const runs = await sql`SELECT id FROM disposition_runs`;
    const [bell] = await sql`SELECT run_id, done_at IS NOT NULL AS done FROM bells`;
    expect(runs).toHaveLength(1);
    expect(bell).toMatchObject({ run_id: runs[0]?.id, done: true });
  });

  it('a clock behind the last run, or a day away from the source, plans nothing', async () => {
    await using world = await openWorld({ tables: chat(4) });
    const { office, clock } = world;
    await plan(office).then((run) => moveDispositionRun(office, second, run.id, 'cancel'));
    clock.advance('-PT1S');
    expect(await plan(office)).toMatchObject({ state: 'refused', refusal: { code: 'clock_implausible' } });
    clock.advance('P2D');
    expect(await plan(office)).toMatchObject({ state: 'refused', refusal: { code: 'clock_implausible' } });
    clock.advance('-PT47H');
    expect(await plan(office)).toMatchObject({ state: 'awaiting_approval' });
    expect(await count(world)).toBe(4);
  });

  it('a changed rule, and one that would take more than its cap, wait for a second person', async () => {
    await using world = await openWorld({ tables: chat(10) });
    const { office, app } = world;
    const run = await plan(office);
    expect(run.approvalReasons).toEqual(['rule_changed:messages']);
    expect(refusalCode(await moveDispositionRun(office, officer, run.id, 'approve'))).toBe('second_person_needed');
    done(await moveDispositionRun(office, second, run.id, 'approve'));
    await executeRun(office, run.id);
    const refill = (old: number, young: number) =>
      app.sql.unsafe(`INSERT INTO messages SELECT n, 1, 1, NULL, '2019-01-01Z', 'm' FROM generate_series(1, ${old}) n;
        INSERT INTO messages SELECT n + 1000, 1, 1, NULL, now(), 'm' FROM generate_series(1, ${young}) n`);
    await refill(3, 7);
    const same = await purge(office);
    expect(same).toMatchObject({ state: 'completed', approvedBy: null, parts: [{ destroyed: 3 }] });

    const capped = policiesFolder({
      'sources.yaml': chatSources(),
      'retention.yaml': messagesRetention.replace('authority: test', 'authority: test, cap: { share: 0.25 }'),
    });
    await using other = await world.another(capped);
    await app.sql`TRUNCATE messages CASCADE`;
    await refill(25, 75);
    expect(await purge(other.house.office)).toMatchObject({ state: 'completed', parts: [{ destroyed: 25 }] });
    await app.sql`TRUNCATE messages CASCADE`;
    await refill(26, 74);
    expect(await plan(other.house.office)).toMatchObject({
      state: 'awaiting_approval',
      approvalReasons: ['cap_share:app.messages'],
    });

    const shorter = policiesFolder({
      'sources.yaml': chatSources(),
      'retention.yaml': messagesRetention.replace('P3Y', 'P2Y'),
    });
    await using third = await world.another(shorter);
    const [open] = await world.office.store.db.sql`SELECT id FROM disposition_runs WHERE state = 'awaiting_approval'`;
    done(await moveDispositionRun(office, officer, String(open?.id), 'cancel'));
    expect(await plan(third.house.office)).toMatchObject({ approvalReasons: ['rule_changed:messages'] });
  });

  it('rows of one instant, empty tables and links of other types are worked off', async () => {
    await using world = await openWorld({
      tables: `CREATE TABLE notes (id bigint PRIMARY KEY, made_at timestamptz, parent text);
        CREATE TABLE marks (id int PRIMARY KEY, note_id text, twin uuid);
        CREATE TABLE twins (id uuid PRIMARY KEY, note_id smallint);
        CREATE TABLE nothing (id int PRIMARY KEY, made_at date);
        INSERT INTO notes SELECT n, '2019-01-01Z', CASE WHEN n > 1 THEN (n - 1)::text END FROM generate_series(1, 50) n;
        INSERT INTO notes VALUES (3000000000, '2019-01-01Z', 'no number at all'), (60, now(), '7');
        INSERT INTO marks SELECT n, n::text, gen_random_uuid() FROM generate_series(1, 50) n;
        INSERT INTO marks VALUES (99, 'not a note', NULL), (98, NULL, NULL), (97, '3000000000', NULL);
        INSERT INTO twins SELECT gen_random_uuid(), n FROM generate_series(1, 50) n;`,
      sources: `sources:
  app:
    kind: postgres
    url: \${APP}
    datasets:
      notes: { table: public.notes, key: [id], time: made_at, links: { parent: { to: notes.id } }, onDispose: { notes: unlink, marks: cascade, twins: cascade } }
      marks: { table: public.marks, key: [id], links: { note_id: { to: notes.id }, twin: { to: twins.id } } }
      twins: { table: public.twins, key: [id], links: { note_id: { to: notes.id } }, onDispose: { marks: unlink } }
      nothing: { table: public.nothing, key: [id], time: made_at }
`,
      retention: `rules:
  all: { datasets: [app.notes, app.nothing], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: test }
`,
    });
    const { office, app } = world;
    const held = await hold(office, { keys: { 'app.notes': [{ id: '07' }, { id: '3000000000' }] } });
    expect(held.coverage.map(({ count: n }) => n)).toEqual([2, 2, 1, 0]);
    const run = await start(office);
    await executeRun(office, run.id, { ...slow, rowsPerBatch: 7 });
    expect(done(await lookUpRun(office, run.id))).toMatchObject({
      state: 'completed',
      parts: [
        { dataset: 'app.notes', destroyed: 48 },
        { dataset: 'app.nothing', destroyed: 0 },
      ],
    });
    const left = await app.sql`SELECT id::text, parent FROM notes ORDER BY notes.id`;
    // 6 goes nowhere: the held 7 names it as its parent, and a held row is not changed.
    expect(left.map(({ id, parent }) => [id, parent])).toEqual([
      ['6', null],
      ['7', '6'],
      ['60', '7'],
      ['3000000000', 'no number at all'],
    ]);
    expect(await ids(app, 'marks')).toEqual([6, 7, 97, 98, 99]);
  });
});

describe('files of rows that went', () => {
  it('go with their rows, and none else goes: not one that a row still names, nor one outside', async () => {
    const base = mkdtempSync(join(tmpdir(), 'muniment-files-'));
    const [root, outside] = [join(base, 'files'), join(base, 'outside')];
    for (const folder of [root, outside, join(root, 'deep')]) mkdirSync(folder);
    const names = ['1.png', 'shared.png', 'deep/2.png', 'young.png'];
    for (const name of names) writeFileSync(join(root, name), 'x');
    writeFileSync(join(outside, 'passwd'), 'x');
    symlinkSync(outside, join(root, 'link'));
    await using world = await openWorld({ tables: chat(8), sources: chatSources(root) });
    const { office, app } = world;
    await app.sql.unsafe(`INSERT INTO messages VALUES (9, 1, 1, NULL, now(), 'young');
      INSERT INTO attachments VALUES (1, 1, '1.png', NULL), (2, 2, 'deep/2.png', NULL), (3, 3, 'shared.png', NULL), (4, 4, 'gone-already.png', NULL),
        (5, 5, '', NULL), (6, 6, NULL, NULL), (9, 9, 'young.png', NULL), (10, 9, 'shared.png', NULL)`);
    expect((await purge(office)).state).toBe('completed');
    expect(readdirSync(root).sort()).toEqual(['deep', 'link', 'shared.png', 'young.png']);
    expect(readdirSync(join(root, 'deep'))).toEqual([]);

    await app.sql.unsafe(`INSERT INTO messages SELECT n, 1, 1, NULL, '2019-01-01Z', 'm' FROM generate_series(1, 4) n;
      INSERT INTO attachments VALUES (1, 1, '../outside/passwd', NULL), (2, 2, 'link/passwd', NULL), (3, 3, 'deep', NULL), (4, 4, '/etc/hostname', NULL)`);
    const run = await purge(office);
    expect(run).toMatchObject({ state: 'failed', refusal: { code: 'not_allowed' }, parts: [{ destroyed: 4 }] });
    expect(readdirSync(outside)).toEqual(['passwd']);
    const left = await app.sql`SELECT path FROM muniment.files_leaving ORDER BY path`;
    expect(left.map(({ path }) => path)).toEqual(['../outside/passwd', '/etc/hostname', 'deep', 'link/passwd']);
    // They are tried again with every run, and are no later run's failure.
    await app.sql`INSERT INTO messages VALUES (1, 1, 1, NULL, '2019-01-01Z', 'm')`;
    expect(await purge(office)).toMatchObject({ state: 'completed' });
  });
});
