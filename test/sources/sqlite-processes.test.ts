import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import type { SqliteSource } from '../../src/policy/data-map.ts';
import type { HoldScope } from '../../src/policy/hold.ts';
import { sourceFault } from '../../src/sources/fault.ts';
import { connectSqlite } from '../../src/sources/sqlite/connection.ts';
import { runUntil } from '../support/crash.ts';
import { waitUntil } from '../support/wait.ts';
import { datasetsOf, openApp, sourcesText, tablesOf } from './engine-world.ts';
import { destroy } from './orders.ts';
import { openSqliteWorld } from './sqlite-world.ts';

const ada: HoldScope = {
  subjects: [{ kind: 'email', value: 'ada@example.com' }],
  keys: {},
  datasets: [],
  from: null,
  to: null,
};
const script = new URL('./destroy-program.ts', import.meta.url);

/** Two messages of Ada's, the first with an attachment and answered by the last, which is not due. */
async function world(journal: 'wal' | 'delete') {
  const made = await openSqliteWorld({
    journal,
    types: { int: 'integer', text: 'text', time: 'text' },
    timeAs: 'text',
  });
  await made.run(
    ...tablesOf(made),
    `INSERT INTO people VALUES (1, 'ada@example.com', 'Ada');
     INSERT INTO messages VALUES (1, NULL, 1, NULL, '2018-01-01', 'm'), (2, NULL, 1, NULL, '2018-01-02', 'm'), (3, NULL, 1, 1, '2026-01-01', 'm');
     INSERT INTO attachments VALUES (1, 1, 'a.txt')`,
  );
  const text = sourcesText(made, datasetsOf(made, '/nowhere'));
  const app = openApp(text, made.place);
  onTestFinished(async () => {
    await app.close();
    await made[Symbol.asyncDispose]();
  });
  await app.placeHold({ id: 'other', scope: { ...ada, subjects: [{ kind: 'email', value: 'bea@example.com' }] } });
  const left = async () => [
    (await made.rows('SELECT id FROM messages ORDER BY id')).flat(),
    (await made.rows('SELECT count(*) FROM attachments')).flat(),
    (await made.rows('SELECT count FROM muniment_journal')).flat(),
    (await made.rows('SELECT path FROM muniment_files_leaving')).flat(),
    (await made.rows('SELECT reply_to FROM messages WHERE id = 3')).flat(),
  ];
  return { made, app, left, env: { SOURCES: text, APP: made.file, ORDER: '{}' } };
}

it('I2 a process killed before any of its writes leaves everything, and after the last one nothing is done twice', async () => {
  const whole = [['1', '2', '3'], ['1'], [], [], ['1']];
  const done = [['3'], ['0'], ['3'], ['a.txt'], [null]];
  const writes = [
    'INSERT OR IGNORE INTO main',
    'UPDATE main',
    'DELETE FROM main."attach',
    'DELETE FROM main."mess',
    'INSERT INTO main',
    'PRAGMA main',
  ];
  const crash = async (write: string, journal: 'wal' | 'delete') => {
    const { app, left, env } = await world(journal);
    const { crashed, stderr } = await runUntil(
      { script, env },
      { on: 'sqlite', fits: new RegExp(`^${write}`), when: 'before' },
    );
    expect([crashed, stderr]).toEqual([true, '']);
    expect(await left()).toEqual(write.startsWith('PRAGMA') ? done : whole);
    expect(await destroy(app)).toMatchObject({
      journal: { count: 3, counts: { 'app.messages': 2, 'app.attachments': 1 } },
    });
    expect(await left()).toEqual(done);
  };
  for (const [i, write] of writes.entries()) await crash(write, i % 2 === 0 ? 'wal' : 'delete');
});

it.each(['wal', 'delete'] as const)('I1 a hold of one process waits for the batch of another (%s)', async (journal) => {
  const { made, app, left, env } = await world(journal);
  // It has read what is held, and stands still before it names what goes.
  const program = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--import',
      fileURLToPath(new URL('../support/crash-in-sqlite.ts', import.meta.url)),
      fileURLToPath(script),
    ],
    { env: { ...process.env, ...env, CRASH_AT_SQL: '1:stop:^CREATE TABLE temp' }, stdio: 'ignore' },
  );
  onTestFinished(() => void program.kill('SIGKILL'));
  const ended = once(program, 'exit');
  await waitUntil(
    async () => readFileSync(`/proc/${program.pid}/stat`, 'utf8').split(') ')[1]?.startsWith('T') ?? false,
  );
  const source: SqliteSource = { kind: 'sqlite', name: 'app', path: made.file, datasets: [], exempt: {} };
  const other = connectSqlite(source, { batch: 50, hold: 50 });
  onTestFinished(() => other.close());
  expect(await other.transaction('hold', async () => 'placed').catch(sourceFault)).toBe('busy');
  const placing = app.placeHold({ id: 'late', scope: ada });
  program.kill('SIGCONT');
  expect(await ended).toEqual([0, null]);
  const covered = (await placing).coverage.find(({ dataset }) => dataset === 'app.messages')?.count;
  expect([covered, (await left())[0]]).toEqual([1, ['3']]);
});
