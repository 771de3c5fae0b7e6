import { describe, expect, it } from 'vitest';
import { clockActor } from '../../src/core/actor.ts';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { moveDispositionRun } from '../../src/flows/move-run.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { resumeWork, ringBell } from '../../src/flows/ring-bell.ts';
import { changes, openCutter, victimOf } from './cutter.ts';
import { done, ids, officer, openWorld, purge } from './world.ts';

const chat = `
  INSERT INTO users VALUES (1, 'ada@example.com');
  INSERT INTO conversations VALUES (1, '2019-01-01Z', 'one');
  INSERT INTO messages SELECT n, 1, 1, NULL, '2019-01-01Z'::timestamptz + n * interval '1 day', 'm' FROM generate_series(1, 6) n;`;

describe('a bell that dies', () => {
  it('I2 at any change of its plan rings once: one run of its slot, whole, with its entry', async () => {
    await using world = await openWorld();
    const { office } = world;
    const { sql } = office.store.db;
    await world.app.sql.unsafe(chat);
    let cuts = 0;
    let slots = 0;
    for (const when of ['after', 'before'] as const)
      for (let nth = 1; ; nth++) {
        const slot = `2026-11-27T02:15:${String(slots++).padStart(2, '0')}.000Z`;
        await using cutter = await openCutter([world.own.url, world.app.url], nth, when, changes);
        const victim = victimOf(world, cutter);
        const cut = await Promise.race([ringBell(victim.office, clockActor, 'messages', slot), cutter.cut]);
        if (typeof cut !== 'string') await victim.close();
        const where = typeof cut === 'string' ? `${when} ${nth}: ${cut.slice(0, 60)}` : 'whole';

        // Dead before it claimed the slot, it rings again; dead after, the next start finds it.
        world.clock.advance('PT2M');
        await ringBell(office, clockActor, 'messages', slot);
        await resumeWork(office, clockActor);
        await resumeWork(office, clockActor);
        const runs = await sql<{ id: string; due: number; entries: number }[]>`
          SELECT r.id, (SELECT sum(due)::int FROM disposition_run_parts p WHERE p.run_id = r.id) AS due,
            (SELECT count(*)::int FROM (SELECT kind, bytes FROM ledger_entries UNION ALL SELECT kind, bytes FROM ledger_pending) e
              WHERE kind = 'run.planned' AND convert_from(bytes, 'UTF8') LIKE '%' || r.id || '%') AS entries
          FROM disposition_runs r WHERE r.state = 'awaiting_approval'`;
        const [bell] = await sql`SELECT run_id, done_at IS NOT NULL AS done FROM bells WHERE slot = ${slot}`;
        expect(runs, where).toEqual([{ id: expect.any(String), due: 6, entries: 1 }]);
        expect(bell, where).toEqual({ run_id: runs[0]?.id, done: true });
        done(await moveDispositionRun(office, officer, runs[0]?.id ?? '', 'cancel'));
        if (where === 'whole') break;
        cuts += 1;
      }
    expect(await ids(world.app, 'messages')).toHaveLength(6);
    await bringLedgerUpToDate(office);
    expect(await verifyLedger(office, null)).toMatchObject({ ok: true });
    expect(cuts).toBeGreaterThan(10);
  }, 60_000);
});

describe('the same run twice', () => {
  it('I2 I4 a run right after another finds nothing due, and says so', async () => {
    await using world = await openWorld();
    await world.app.sql.unsafe(chat);
    const first = await purge(world.office);
    expect(first).toMatchObject({ state: 'completed', parts: [{ due: 6, destroyed: 6 }] });
    const again = await purge(world.office);
    expect(again).toMatchObject({ state: 'completed', parts: [{ due: 0, destroyed: 0, batches: 0, state: 'done' }] });
    expect(again.id).not.toBe(first.id);
    // And the first one, asked again, stays as it ended.
    await executeRun(world.office, first.id);
    expect(done(await lookUpRun(world.office, first.id))).toMatchObject({
      state: 'completed',
      parts: [{ destroyed: 6 }],
    });
  });
});
