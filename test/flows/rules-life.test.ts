import { describe, expect, it } from 'vitest';
import { certifyRun } from '../../src/flows/certify-run.ts';
import { checkSources } from '../../src/flows/check-sources.ts';
import { executeRun } from '../../src/flows/execute-run.ts';
import { forecastRuns } from '../../src/flows/forecast-runs.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { moveDispositionRun } from '../../src/flows/move-run.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
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
  start,
} from '../invariants/world.ts';
import { policiesFolder } from '../support/policies.ts';
import { waitUntil } from '../support/wait.ts';

/** Ten messages of each kind, ten years old, and ten two years old. */
const tables = `${chatTables}
  INSERT INTO users VALUES (1, 'ada@example.com');
  INSERT INTO conversations VALUES (1, '2010-01-01Z', 'divorce'), (2, '2010-01-01Z', 'football');
  INSERT INTO messages SELECT n, 1 + n % 2, 1, NULL, now() - interval '10 years', 'said' FROM generate_series(1, 10) n;
  INSERT INTO messages SELECT n, 1 + n % 2, 1, NULL, now() - interval '2 years', 'said' FROM generate_series(11, 20) n;
  INSERT INTO messages SELECT n, 1 + n % 2, NULL, NULL, now() - interval '10 years', 'system' FROM generate_series(21, 30) n;
  INSERT INTO messages SELECT n, 1 + n % 2, NULL, NULL, now() - interval '2 years', 'system' FROM generate_series(31, 40) n;`;

const all = '{ datasets: [app.messages], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: test }';
const system =
  '{ datasets: [app.messages], where: { sender_id: null }, keep: P1Y, dispose: destroy, schedule: "15 2 * * *", authority: test }';
const court =
  '{ datasets: [app.messages], where: { conversation_id.subject: divorce }, keep: forever, dispose: retain, authority: a court }';
const rules = (named: Readonly<Record<string, string>>) =>
  `rules:\n${Object.entries(named)
    .map(([name, rule]) => `  ${name}: ${rule}\n`)
    .join('')}`;
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const slow = { rowsPerBatch: 3, triesPerBatch: 3, pauseMs: 5 };

describe('rules that share a dataset', () => {
  it('go in one run, each with its own cutoff, counts and batches, and what one keeps no other takes', async () => {
    await using world = await openWorld({ tables, retention: rules({ all, system, court }) });
    const { office } = world;
    expect(refusalCode(await planDisposition(office, officer, { rules: ['court'], dryRun: false }))).toBe('invalid');
    await hold(office, { keys: { 'app.messages': [{ id: '29' }] } });
    const run = await start(office);
    // The first conversation is about a divorce: a court keeps it from the rule for all, and from that for the system's own.
    expect(run.parts).toMatchObject([
      { rule: 'all', total: 40, due: 5, held: 0 },
      { rule: 'system', total: 20, due: 10, held: 1 },
    ]);
    await executeRun(office, run.id, slow);
    await certifyRun(office, run.id);
    const ended = done(await lookUpRun(office, run.id));
    expect(ended).toMatchObject({ state: 'completed', parts: [{ destroyed: 5 }, { destroyed: 9, held: 1 }] });
    const isKept = (n: number) => 1 + (n % 2) === 1;
    expect(await ids(world.app, 'messages')).toEqual(
      range(1, 40).filter((n) => isKept(n) || (n > 10 && n <= 20) || n === 29),
    );
    const batches = await office.store.db.sql<{ id: string; seq: number }[]>`
      SELECT id, seq FROM disposition_batches ORDER BY seq`;
    expect(batches.map(({ seq }) => seq)).toEqual(range(1, batches.length));
    expect(new Set(batches.map(({ id }) => id.split('/')[1]))).toEqual(new Set(['all', 'system']));
    expect(ended.certificate).not.toBeNull();
  });

  it('may mask after one time and destroy after another, and say which they did', async () => {
    const bare = '{ datasets: [app.messages], keep: P1Y, dispose: mask, schedule: "15 2 * * *", authority: test }';
    const sources = chatSources().replace('text: true }', 'text: true, mask: redact }');
    await using world = await openWorld({ tables, sources, retention: rules({ all, bare }) });
    const { office } = world;
    const run = await start(office);
    expect(run.parts).toMatchObject([
      { rule: 'all', act: 'destroy', due: 20 },
      { rule: 'bare', act: 'mask', due: 40 },
    ]);
    await executeRun(office, run.id, slow);
    await certifyRun(office, run.id);
    const ended = done(await lookUpRun(office, run.id));
    expect(ended).toMatchObject({ state: 'completed', parts: [{ destroyed: 20 }, { destroyed: 20, due: 20 }] });
    expect((await world.app.sql`SELECT DISTINCT body FROM messages ORDER BY body`).map(({ body }) => body)).toEqual([
      '████',
      '██████',
    ]);
    const kinds = await office.store.db.sql`SELECT kind, count(*)::int AS n FROM
      (SELECT kind FROM ledger_entries UNION ALL SELECT convert_from(bytes, 'UTF8')::jsonb->>'kind' FROM ledger_pending) e
      WHERE kind LIKE 'batch.%' GROUP BY kind ORDER BY kind`;
    expect(kinds.map(({ kind }) => kind)).toEqual(['batch.destroyed', 'batch.masked']);
    // Next time there is nothing left to do, though every message is as old as it was.
    const again = done(await planDisposition(office, officer, { rules: [], dryRun: true }));
    expect(again.parts).toMatchObject([{ due: 0 }, { due: 0 }]);
  });

  it('are not carried out when they say something else by then than what was approved', async () => {
    await using world = await openWorld({ tables, retention: rules({ all, system }) });
    const run = await start(world.office);
    // Between the approval and the run, somebody writes a rule that keeps what the plan would take.
    const changed = policiesFolder({ 'sources.yaml': chatSources(), 'retention.yaml': rules({ all, system, court }) });
    await using other = await world.another(changed);
    await executeRun(other.house.office, run.id, slow);
    expect(await ids(world.app, 'messages')).toEqual(range(1, 40));
    expect(done(await lookUpRun(world.office, run.id))).toMatchObject({
      state: 'failed',
      parts: [
        { rule: 'all', state: 'failed', refusal: { code: 'rule_changed' } },
        { rule: 'system', state: 'failed', refusal: { code: 'rule_changed' } },
      ],
    });
    // A new plan by the new rules asks a second person once more, and takes what they say.
    const again = done(await planDisposition(other.house.office, officer, { rules: [], dryRun: false }));
    expect(again).toMatchObject({ state: 'awaiting_approval', parts: [{ due: 5 }, { due: 10 }] });
  });

  it('work in their hours only, and stop at once when they are cancelled while they wait', async () => {
    // The sources' own clock is the machine's: the window begins in an hour.
    const at = Temporal.Now.instant().round('minute');
    const wall = (hours: number) => at.add({ hours }).toString().slice(11, 16);
    const paced = all.replace(' }', `, pace: { between: ["${wall(1)}", "${wall(5)}"], rowsPerSecond: 1 } }`);
    await using world = await openWorld({ tables, retention: rules({ all: paced }), at: at.toString() });
    const { office, clock } = world;
    const stride = { ...slow, lookMs: 5 };
    const run = await start(office);
    // Its worker is free for other runs until then: a task for the beginning of the window stands in the queue, once.
    for (const _ of [1, 2]) await executeRun(office, run.id, stride);
    expect([(await ids(world.app, 'messages')).length, done(await lookUpRun(office, run.id)).state]).toEqual([
      40,
      'running',
    ]);
    const tasks = await office.store.db.sql<{ at: string }[]>`
      SELECT start_after::text AS at FROM pgboss.job WHERE name = 'execute-run' AND start_after > ${at.add({ minutes: 30 }).toString()}::text::timestamptz`;
    expect(tasks.map((task) => Temporal.Instant.from(task.at).toString({ smallestUnit: 'millisecond' }))).toEqual([
      at.add({ hours: 1 }).toString({ smallestUnit: 'millisecond' }),
    ]);
    clock.advance('PT1H');
    const working = executeRun(office, run.id, stride);
    await waitUntil(async () => (await ids(world.app, 'messages')).length < 40);
    // One record a second: after the first twenty, all of one time, it rests, and a cancel is heard before that is over.
    const left = (await ids(world.app, 'messages')).length;
    done(await moveDispositionRun(office, officer, run.id, 'cancel'));
    await working;
    expect((await ids(world.app, 'messages')).length).toBe(left);
    expect([left, done(await lookUpRun(office, run.id)).state]).toEqual([20, 'cancelled']);
  });

  it('say what they will take by tomorrow and by the end of the month, as they then do, and change nothing', async () => {
    const at = '2026-11-27T09:30:00Z';
    // A message for each of 40 days around the cutoff of three years; one of the first conversation is held.
    const daily = `${chatTables}
      INSERT INTO conversations VALUES (1, '2010-01-01Z', 'one'), (2, '2010-01-01Z', 'two');
      INSERT INTO messages SELECT n, 1 + n % 2, NULL, NULL, '2023-11-17T09:00Z'::timestamptz + n * interval '1 day', 'm' FROM generate_series(0, 39) n;`;
    const bare = all.replace('dispose: destroy', 'dispose: mask').replace('P3Y', 'P2Y');
    const sources = chatSources().replace('text: true }', 'text: true, mask: redact }');
    await using world = await openWorld({ tables: daily, sources, retention: rules({ all, bare, court }), at });
    const { office, clock } = world;
    await hold(office, { keys: { 'app.messages': [{ id: '0' }] } });
    const seen = async () => {
      const { sql } = office.store.db;
      const [row] =
        await sql`SELECT (SELECT count(*)::int FROM disposition_runs) AS runs, (SELECT count(*)::int FROM alarms) AS alarms`;
      return { ...row, messages: (await ids(world.app, 'messages')).length };
    };
    const before = await seen();
    const today = await forecastRuns(office);
    expect(today).toEqual([
      {
        rule: 'all',
        title: 'all',
        act: 'destroy',
        dataset: 'app.messages',
        // Older than 27 November 2023, 09:30: those of 17 to 27 November at 9. The end of the month is midnight.
        going: { today: 10, tomorrow: 11, thisMonth: 13 },
        held: 1,
        problem: null,
      },
      expect.objectContaining({
        rule: 'bare',
        act: 'mask',
        going: { today: 39, tomorrow: 39, thisMonth: 39 },
        held: 1,
      }),
    ]);
    expect(await seen()).toEqual(before);
    clock.advance('PT24H');
    expect((await forecastRuns(office)).map(({ going }) => going?.today)).toEqual(
      today.map(({ going }) => going?.tomorrow),
    );
    await world.app.sql`ALTER TABLE messages DROP COLUMN body`;
    expect((await forecastRuns(office))[0]).toMatchObject({ going: null, problem: expect.stringMatching(/body/) });
  });

  it('keep what hangs beneath from going with what it hangs on', async () => {
    const talks =
      '{ datasets: [app.conversations], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: test }';
    await using world = await openWorld({ tables, retention: rules({ talks, court }) });
    const run = await purge(world.office);
    expect(run.parts).toMatchObject([{ due: 2, restricted: 1, destroyed: 1 }]);
    expect(await ids(world.app, 'conversations')).toEqual([1]);
  });

  it('are refused, by name, where a condition asks what the source does not have', async () => {
    const wrong = [
      [{ sent_by: 'ada' }, 'column_missing', /Rule some asks sent_by, and public\.messages has no column sent_by/],
      [{ sender_id: 'ada' }, 'value_unusable', /Rule some compares sender_id with "ada", which a column of type int/],
      [{ 'conversation_id.title': 'x' }, 'column_missing', /asks conversation_id\.title, and public\.conversations/],
    ] as const;
    for (const [where, code, detail] of wrong) {
      const some = `{ datasets: [app.messages], where: ${JSON.stringify(where)}, keep: P1Y, dispose: destroy, schedule: "15 2 * * *", authority: test }`;
      await using world = await openWorld({ tables, retention: rules({ all, some }) });
      expect(await checkSources(world.office)).toMatchObject([{ code, detail: expect.stringMatching(detail) }]);
      const run = done(await planDisposition(world.office, officer, { rules: [], dryRun: false }));
      expect(run.parts.map(({ refusal }) => refusal?.code)).toEqual(['source_drift', 'source_drift']);
      expect(await ids(world.app, 'messages')).toEqual(range(1, 40));
    }
  });
});
