import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { emptyDatabase } from '../support/database.ts';
import {
  chatSources,
  chatTables,
  done,
  hold,
  ids,
  officer,
  openGate,
  openWorld,
  purge,
  start,
  type World,
} from './world.ts';

const chat = `${chatTables}
  INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bea@example.com');
  INSERT INTO conversations VALUES (1, '2019-01-01Z', 'one');
  INSERT INTO messages SELECT n, 1, 1 + n % 2, NULL, '2019-01-01Z'::timestamptz + n * interval '1 day', 'm' FROM generate_series(1, 6) n;
  INSERT INTO attachments SELECT n, n, NULL, '2019-01-01Z' FROM generate_series(1, 6) n;`;
const quick = { rowsPerBatch: 2, triesPerBatch: 2, pauseMs: 1 };
const all = [1, 2, 3, 4, 5, 6];

/** Whatever happened to the source, a run of everything is refused with this code, and nothing went. */
async function expectRefused(world: World, code: string): Promise<void> {
  const run = done(await planDisposition(world.office, officer, { rules: [], dryRun: false }));
  expect(run).toMatchObject({ state: 'refused', refusal: { code }, parts: [{ state: 'refused', destroyed: 0 }] });
  expect(await ids(world.app, 'messages')).toEqual(all);
  expect(await ids(world.app, 'attachments')).toEqual(all);
}

/** The same when it happens after the plan, between approval and the first batch. */
async function expectFailed(world: World, happens: string, code: string, left = all): Promise<void> {
  const run = await start(world.office);
  await world.app.sql.unsafe(happens);
  await executeRun(world.office, run.id, quick);
  const ended = done(await lookUpRun(world.office, run.id));
  expect(ended).toMatchObject({ state: 'failed', refusal: { code }, parts: [{ state: 'failed' }] });
  expect(await ids(world.app, 'messages')).toEqual(left);
}

const drifts = [
  ['a mapped column is dropped', 'ALTER TABLE attachments DROP COLUMN added_at'],
  ['a mapped table is dropped', 'DROP TABLE reactions'],
  ['a table nobody mapped appears', 'CREATE TABLE secrets (id int)'],
  [
    'a table nobody mapped refers to what cascades',
    'CREATE TABLE copies (id int REFERENCES attachments ON DELETE CASCADE)',
  ],
  [
    'a second reference of a mapped table is not declared',
    'ALTER TABLE messages ADD COLUMN forwarded_from int REFERENCES messages ON DELETE CASCADE',
  ],
  ['the key names no single row any more', 'ALTER TABLE reactions DROP CONSTRAINT reactions_pkey'],
  ['the time column holds no time', 'ALTER TABLE messages ALTER sent_at TYPE text'],
] as const;

describe('a run that cannot do its work', () => {
  it.each(drifts)('I4 is refused when %s', async (_, happens) => {
    await using world = await openWorld({ tables: chat });
    await world.app.sql.unsafe(happens);
    await expectRefused(world, 'source_drift');
  });

  it.each(drifts)('I4 fails by name when %s after it was planned', async (_, happens) => {
    await using world = await openWorld({ tables: chat });
    await expectFailed(world, happens, 'source_drift');
  });

  it('I4 fails by name when the source refuses the deletion, keeping the batches that went', async () => {
    await using world = await openWorld({ tables: chat });
    await expectFailed(
      world,
      `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF old.id = 3 THEN RAISE 'not this one'; END IF; RETURN old; END $$;
       CREATE TRIGGER no BEFORE DELETE ON messages FOR EACH ROW EXECUTE FUNCTION no()`,
      'source_drift',
      [3, 4, 5, 6],
    );
    const [run] = await world.office.store.db.sql`SELECT destroyed::int FROM disposition_run_parts`;
    expect(run?.destroyed).toBe(2);
  });

  it('I4 is refused, and fails by name, when the source does not answer', async () => {
    await using app = await emptyDatabase();
    await app.sql.unsafe(chat);
    await using gate = await openGate(app.url);
    await using world = await openWorld({ tables: '', env: { APP: gate.url } });
    const run = await start(world.office);
    await gate.shut();
    await executeRun(world.office, run.id, quick);
    expect(done(await lookUpRun(world.office, run.id))).toMatchObject({
      state: 'failed',
      refusal: { code: 'source_unreachable' },
    });
    const planned = done(await planDisposition(world.office, officer, { rules: [], dryRun: false }));
    expect(planned).toMatchObject({ state: 'refused', refusal: { code: 'source_unreachable' } });
    await gate.open();
    expect(await ids(app, 'messages')).toEqual(all);
    expect((await purge(world.office)).state).toBe('completed');
  });

  it('I4 is refused when something takes the connection and hangs up', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await using world = await openWorld({ tables: '', env: { APP: `postgres://nobody@127.0.0.1:${port}/app` } });
    const planned = done(await planDisposition(world.office, officer, { rules: [], dryRun: false }));
    expect(planned).toMatchObject({ state: 'refused', refusal: { code: 'source_unreachable' } });
    server.close();
  });

  it.each([
    ['may only read', 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO', 'source_drift'],
    ['may not make a schema', 'GRANT SELECT, DELETE, UPDATE ON ALL TABLES IN SCHEMA public TO', 'source_drift'],
  ])('I4 is refused when its user %s', async (_, grant, code) => {
    await using app = await emptyDatabase();
    const role = new URL(app.url).pathname.slice(1);
    await app.sql.unsafe(`${chat} CREATE ROLE "${role}" LOGIN PASSWORD 'x'; ${grant} "${role}"`);
    const url = new URL(app.url);
    url.username = role;
    url.password = 'x';
    try {
      await using world = await openWorld({ tables: '', env: { APP: url.href } });
      const planned = done(await planDisposition(world.office, officer, { rules: [], dryRun: false }));
      expect(planned).toMatchObject({ state: 'refused', refusal: { code } });
      const pending = await hold(world.office, { subjects: [{ kind: 'email', value: 'ada@example.com' }] });
      expect(pending).toMatchObject({ state: 'pending', placements: { app: { code: '42501' } } });
      expect(await ids(app, 'messages')).toEqual(all);
    } finally {
      await app.sql.unsafe(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
    }
  });

  it('I4 is refused when rows are hidden from its user', async () => {
    await using app = await emptyDatabase();
    const role = new URL(app.url).pathname.slice(1);
    await app.sql.unsafe(`${chat} CREATE ROLE "${role}" LOGIN PASSWORD 'x';
      GRANT ALL ON ALL TABLES IN SCHEMA public TO "${role}"; GRANT CREATE ON DATABASE "${role}" TO "${role}";
      ALTER TABLE messages ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON messages USING (false)`);
    const url = new URL(app.url);
    url.username = role;
    url.password = 'x';
    try {
      await using world = await openWorld({ tables: '', env: { APP: url.href } });
      const planned = done(await planDisposition(world.office, officer, { rules: [], dryRun: false }));
      expect(planned).toMatchObject({ state: 'refused', refusal: { code: 'source_drift' } });
      expect(await ids(app, 'messages')).toEqual(all);
    } finally {
      await app.sql.unsafe(`DROP OWNED BY "${role}" CASCADE; DROP ROLE "${role}"`);
    }
  });

  it('I4 is refused on a database that is read-only', async () => {
    await using world = await openWorld({ tables: chat });
    const name = new URL(world.app.url).pathname.slice(1);
    await world.app.sql.unsafe(`ALTER DATABASE "${name}" SET default_transaction_read_only = on`);
    await using other = await world.another();
    const planned = done(await planDisposition(other.house.office, officer, { rules: [], dryRun: false }));
    expect(planned).toMatchObject({ state: 'refused', refusal: { code: 'source_drift' } });
    expect(await ids(world.app, 'messages')).toEqual(all);
  });

  it('I4 a source that is away stops its own run and no other', async () => {
    await using other = await emptyDatabase();
    await other.sql.unsafe(chat);
    await using gate = await openGate(other.url);
    await using world = await openWorld({
      tables: chat,
      sources: `${chatSources()}${chatSources().replace('sources:\n', '').replace('app:', 'late:').replace('APP', 'LATE')}`,
      retention: `rules:
  here: { datasets: [app.messages], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: test }
  there: { datasets: [late.messages], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: test }
`,
      env: { LATE: gate.url },
    });
    await gate.shut();
    const both = await purge(world.office);
    expect(both).toMatchObject({ state: 'failed', refusal: { code: 'source_unreachable' } });
    expect(both.parts).toMatchObject([
      { dataset: 'app.messages', state: 'done', destroyed: 6 },
      { dataset: 'late.messages', state: 'refused', destroyed: 0 },
    ]);
    await gate.open();
    expect((await ids(other, 'messages')).length).toBe(6);
  });

  it('I4 of files is refused without the folder and fails by name when it goes away', async () => {
    const root = mkdtempSync(join(tmpdir(), 'muniment-i4-'));
    const folder = join(root, 'access');
    const fill = () => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'access-20200101.log'), 'x\n');
    };
    await using world = await openWorld({
      tables: '',
      sources: `sources:
  disk: { kind: files, root: ${root}, datasets: { access: { folder: access, match: "access-{date}.log", time: name } } }
`,
      retention: `rules:
  access: { datasets: [disk.access], keep: P18M, dispose: destroy, schedule: "15 2 * * *", authority: test }
`,
    });
    const planned = done(await planDisposition(world.office, officer, { rules: [], dryRun: false }));
    expect(planned).toMatchObject({ state: 'refused', refusal: { code: 'source_drift' } });
    fill();
    const run = await start(world.office);
    rmSync(folder, { recursive: true });
    await executeRun(world.office, run.id, quick);
    expect(done(await lookUpRun(world.office, run.id))).toMatchObject({
      state: 'failed',
      refusal: { code: 'source_drift' },
    });
    fill();
    expect((await purge(world.office)).state).toBe('completed');
  });
});
