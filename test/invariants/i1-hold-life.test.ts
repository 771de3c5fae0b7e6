import { describe, expect, it } from 'vitest';
import { loadHold } from '../../src/db/holds.ts';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { moveDispositionRun } from '../../src/flows/move-run.ts';
import { settleHold } from '../../src/flows/place-hold.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { approveRelease, liftHold, requestRelease } from '../../src/flows/release-hold.ts';
import { emptyDatabase } from '../support/database.ts';
import { policiesFolder } from '../support/policies.ts';
import {
  backUp,
  chatSources,
  chatTables,
  done,
  hold,
  ids,
  officer,
  openGate,
  openWorld,
  purge,
  refusalCode,
  second,
  start,
} from './world.ts';

const three = `
  INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bea@example.com');
  INSERT INTO conversations VALUES (1, '2019-01-01Z', 'one');
  INSERT INTO messages SELECT n, 1, 1 + n % 2, NULL, '2019-01-01Z'::timestamptz + n * interval '1 day', 'm' FROM generate_series(1, 6) n;`;
const ada = { subjects: [{ kind: 'email', value: 'ada@example.com' }] };
const bea = { subjects: [{ kind: 'email', value: 'bea@example.com' }] };

async function behindGate() {
  const app = await emptyDatabase();
  await app.sql.unsafe(chatTables + three);
  const gate = await openGate(app.url);
  const world = await openWorld({ tables: '', env: { APP: gate.url } });
  return {
    app,
    gate,
    world,
    office: world.office,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await gate[Symbol.asyncDispose]();
      await app.drop();
    },
  };
}

describe('a hold from its placement to its release', () => {
  it('I1 a released hold lets go only after the second person', async () => {
    await using world = await openWorld({ tables: chatTables + three });
    const { office, app } = world;
    const { id } = await hold(office, ada);
    done(await requestRelease(office, officer, id));
    await purge(office);
    expect(await ids(app, 'messages')).toEqual([2, 4, 6]);
    expect(refusalCode(await approveRelease(office, officer, id))).toBe('second_person_needed');
    // Placing it again while somebody asks for its release changes nothing for it.
    expect(done(await settleHold(office, id)).state).toBe('release_requested');
    await purge(office);
    expect(await ids(app, 'messages')).toEqual([2, 4, 6]);
    done(await approveRelease(office, second, id));
    await liftHold(office, id);
    expect((await purge(office)).state).toBe('completed');
    expect(await ids(app, 'messages')).toEqual([]);
  });

  it('I1 a hold that a source has not acknowledged stops its purges, also while its release is only asked for', async () => {
    await using it = await behindGate();
    const { office, app, gate } = it;
    // Planned and approved before the hold: it must find the hold all the same.
    const run = done(await planDisposition(office, officer, { rules: [], dryRun: false }));
    expect(run.state).toBe('awaiting_approval');
    await gate.shut();
    const pending = await hold(office, ada);
    expect(pending.state).toBe('pending');
    done(await requestRelease(office, officer, pending.id));
    done(await moveDispositionRun(office, second, run.id, 'approve'));
    await executeRun(office, run.id, { rowsPerBatch: 2, triesPerBatch: 1, pauseMs: 1 });
    const failed = done(await lookUpRun(office, run.id));
    expect(failed).toMatchObject({ state: 'failed', refusal: { code: 'source_unreachable' } });
    await gate.open();
    // The next run reaches the source, places the hold before it counts, and spares what it covers.
    expect((await purge(office)).state).toBe('completed');
    expect(await ids(app, 'messages')).toEqual([2, 4, 6]);
    expect((await loadHold(office.store, pending.id))?.placements.app?.state).toBe('placed');
  });

  it('I1 a hold placed while its run waits for approval is kept by the run', async () => {
    await using world = await openWorld({ tables: chatTables + three });
    const { office, app } = world;
    const run = done(await planDisposition(office, officer, { rules: [], dryRun: false }));
    const { id } = await hold(office, ada);
    done(await moveDispositionRun(office, second, run.id, 'approve'));
    await executeRun(office, run.id);
    expect(await ids(app, 'messages')).toEqual([2, 4, 6]);
    // The certificate will say what was spared, not what the plan expected.
    expect(done(await lookUpRun(office, run.id)).parts).toMatchObject([
      { due: 6, destroyed: 3, held: 3, heldBy: { [id]: 3 } },
    ]);
  });

  it('I1 a source restored to before a hold is refused until the hold is in place again', async () => {
    await using world = await openWorld({ tables: chatTables + three });
    const { office, app } = world;
    // A hold that names nobody there yet, and one that was released since: both count in the epoch.
    const future = await hold(office, { subjects: [{ kind: 'email', value: 'cem@example.com' }] });
    const past = await hold(office, bea);
    done(await requestRelease(office, officer, past.id));
    done(await approveRelease(office, second, past.id));
    await liftHold(office, past.id);
    const restore = await backUp(app);
    const { id } = await hold(office, ada);
    const run = await start(office);
    await restore();
    await executeRun(office, run.id);
    expect(done(await lookUpRun(office, run.id))).toMatchObject({
      state: 'failed',
      refusal: { code: 'hold_epoch_behind' },
    });
    expect((await ids(app, 'messages')).length).toBe(6);
    // Another hold takes the source's epoch to what Muniment knows; the lost one is missed all the same.
    await hold(office, { keys: { 'app.messages': [{ id: '1' }] } });
    const refused = done(await planDisposition(office, officer, { rules: [], dryRun: false }));
    expect(refused).toMatchObject({ state: 'refused', refusal: { code: 'hold_epoch_behind' } });
    done(await settleHold(office, future.id));
    done(await settleHold(office, id));
    expect((await purge(office)).state).toBe('completed');
    expect(await ids(app, 'messages')).toEqual([1, 2, 4, 6]);
  });

  it('I1 a source restored far behind is purged again once every hold is in place', async () => {
    await using world = await openWorld({ tables: chatTables + three });
    const { office, app } = world;
    const restore = await backUp(app);
    const first = await hold(office, ada);
    for (const scope of [bea, bea]) {
      const { id } = await hold(office, scope);
      done(await requestRelease(office, officer, id));
      done(await approveRelease(office, second, id));
      await liftHold(office, id);
    }
    await restore();
    expect(done(await planDisposition(office, officer, { rules: [], dryRun: true }))).toMatchObject({
      state: 'refused',
      refusal: { code: 'hold_epoch_behind' },
    });
    done(await settleHold(office, first.id));
    expect((await purge(office)).state).toBe('completed');
    expect(await ids(app, 'messages')).toEqual([2, 4, 6]);
  });

  it('I1 a hold counts what is there, whatever isolation the source has by default', async () => {
    await using world = await openWorld({ tables: chatTables + three });
    const { app } = world;
    const database = new URL(app.url).pathname.slice(1);
    await app.sql.unsafe(`ALTER DATABASE "${database}" SET default_transaction_isolation = 'repeatable read'`);
    await using other = await world.another();
    await hold(other.house.office, { datasets: ['app.reactions'] });
    // A batch in hand: it has the lock, and its deletion is not committed yet.
    const batch = await app.sql.reserve();
    await batch`BEGIN ISOLATION LEVEL READ COMMITTED`;
    await batch`SELECT pg_advisory_xact_lock_shared(7165, hashtext('app.messages'))`;
    await batch`DELETE FROM messages WHERE id = 2`;
    const placing = hold(other.house.office, ada);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await batch`COMMIT`;
    batch.release();
    expect((await placing).coverage.find(({ dataset }) => dataset === 'app.messages')?.count).toBe(2);
  });

  it('I1 a source that came into the data map after the hold is held before it is purged', async () => {
    await using late = await emptyDatabase();
    await late.sql.unsafe(chatTables + three);
    await using world = await openWorld({ tables: chatTables + three, env: { LATE: late.url } });
    const { id } = await hold(world.office, ada);
    const both = policiesFolder({
      'sources.yaml': `${chatSources()}${chatSources().replace('sources:\n', '').replace('app:', 'late:').replace('APP', 'LATE')}`,
      'retention.yaml': `rules:
  late: { datasets: [late.messages], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: test }
`,
    });
    await using other = await world.another(both);
    expect((await purge(other.house.office)).state).toBe('completed');
    expect(await ids(late, 'messages')).toEqual([2, 4, 6]);
    expect((await loadHold(other.house.office.store, id))?.placements.late?.state).toBe('placed');
  });
});
