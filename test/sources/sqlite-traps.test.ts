import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SqliteSource } from '../../src/policy/data-map.ts';
import type { HoldScope } from '../../src/policy/hold.ts';
import { sourceFault } from '../../src/sources/fault.ts';
import { connectSqlite } from '../../src/sources/sqlite/connection.ts';
import { rowText } from '../../src/sources/sqlite/session.ts';
import { isBefore, utcText } from '../../src/sources/sqlite/times.ts';
import { openApp } from './engine-world.ts';
import { destroy, runKey } from './orders.ts';

const scope: HoldScope = { subjects: [], keys: {}, datasets: [], from: null, to: null };
const messages = { table: 'messages', key: ['id'], time: 'sent_at' };

/** A file with these statements run in it, and a source over it. */
function world(statements: string, datasets: Record<string, unknown> = { messages }) {
  const folder = mkdtempSync(join(tmpdir(), 'muniment-sqlite-'));
  const file = join(folder, 'app.db');
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  database.exec(statements);
  const app = openApp(JSON.stringify({ sources: { app: { kind: 'sqlite', path: file, datasets } } }), '');
  onTestFinished(async () => {
    await app.close();
    if (database.isOpen) database.close();
  });
  const column = (query: string) =>
    database
      .prepare(query)
      .all()
      .map((row) => Object.values(row)[0]);
  return { folder, file, database, app, column };
}

const countOf = async (taken: ReturnType<typeof destroy>) => {
  const result = await taken;
  return 'kind' in result && result.kind === 'batch' ? result.journal.count : result;
};

describe('a time in a column that may hold anything', () => {
  const newYear = '2020-01-01T00:00:00Z';
  it.each([
    ["'2019-12-31T23:59:59.999Z'", 'text', newYear, true],
    ["'2020-01-01T00:00:00Z'", 'text', newYear, false],
    ["'2020-01-01 01:30:00+02:00'", 'text', newYear, true],
    ["'2019-12-31 23:30:00-02:00'", 'text', newYear, false],
    ["'2019-12-31 23:59:59.999999'", 'text', newYear, true],
    ["'2020-01-01 00:00:00.000001'", 'text', newYear, false],
    // A day is over when the next begins, and a second, too.
    ["'2019-12-31'", 'text', '2019-12-31T12:00:00Z', false],
    ["'2019-12-31'", 'text', newYear, true],
    ['1577836799', 'seconds', newYear, true],
    ['1577836800', 'seconds', '2020-01-01T00:00:00.500Z', false],
    ['1577836799999', 'milliseconds', newYear, true],
    ['1577836800000', 'milliseconds', newYear, false],
    // The end of time, as some write it: in seconds, and read as that.
    ['253402300799', 'seconds', newYear, false],
    // What SQLite itself would take for a time.
    ["'now'", 'text', newYear, 'none'],
    ["'2451545.0'", 'text', newYear, 'none'],
    ['1500000000', 'text', newYear, 'none'],
    ["'2019-13-01'", 'text', newYear, 'none'],
    ["'2019-01-01'", 'seconds', newYear, 'none'],
  ] as const)('%s as %s, before %s: %s', (value, form, cutoff, expected) => {
    using database = new DatabaseSync(':memory:');
    database.exec(`CREATE TABLE t (at); INSERT INTO t VALUES (${value})`);
    const at = database
      .prepare(
        `SELECT ${isBefore('at', form, Temporal.Instant.from(cutoff))} AS due, ${utcText('at', form, 'start')} AS utc FROM t`,
      )
      .get();
    expect(at?.utc === null ? 'none' : at?.due === 1).toBe(expected);
    if (expected === 'none') expect(at?.due).not.toBe(1);
  });

  it('is told where it is none, and nothing is destroyed by it', async () => {
    const rows = "INSERT INTO messages VALUES (1, '2019-01-01'), (2, 'now')";
    const written = world(`CREATE TABLE messages (id INTEGER PRIMARY KEY, sent_at TEXT); ${rows}`);
    expect((await written.app.check({})).map(({ code, detail }) => `${code} ${detail.slice(0, 13)}`)).toEqual([
      'time_not_a_time 1 of messages',
    ]);
    expect(await countOf(destroy(written.app))).toBe(1);
    expect(written.column('SELECT id FROM messages')).toEqual([2]);
    // A number that a column keeps as text: 10000000000 would come before 1577836800.
    const number = world(
      'CREATE TABLE messages (id INTEGER PRIMARY KEY, sent_at TEXT); INSERT INTO messages VALUES (1, 9)',
      {
        messages: { ...messages, timeAs: 'seconds' },
      },
    );
    expect((await number.app.check({})).map(({ code }) => code)).toEqual(['time_not_a_time']);
    expect(await countOf(destroy(number.app))).toMatchObject({ code: 'source_drift' });
  });
});

describe('a SQLite file', () => {
  it('that is not there is not made, and one that is none is told', async () => {
    const { folder, file } = world('CREATE TABLE messages (id INTEGER PRIMARY KEY, sent_at TEXT)');
    const check = async (path: string) => {
      const app = openApp(JSON.stringify({ sources: { app: { kind: 'sqlite', path, datasets: { messages } } } }), '');
      onTestFinished(() => app.close());
      return (await app.check({})).map(({ code, detail }) => `${code} ${/SQLITE_\w+/.exec(detail)?.[0]}`);
    };
    expect(await check(join(folder, 'other.db'))).toEqual(['unreachable SQLITE_CANTOPEN']);
    expect(readdirSync(folder)).not.toContain('other.db');
    expect(await check(new URL(import.meta.url).pathname)).toEqual(['unreachable SQLITE_NOTADB']);
    expect(await check(file)).toEqual([]);
  });

  it('with a table that only the application can look into is told by name, whether it is in the data map or not', async () => {
    const { app, file, database } = world('CREATE TABLE messages (id INTEGER PRIMARY KEY, sent_at TEXT)');
    database.close();
    using raw = new DatabaseSync(file, { defensive: false });
    raw.exec(`PRAGMA writable_schema = ON;
      INSERT INTO sqlite_schema VALUES ('table', 'vectors', 'vectors', 0, 'CREATE VIRTUAL TABLE vectors USING of_the_app(a)')`);
    expect((await app.check({})).map(({ code, subject }) => `${code} ${subject}`)).toEqual(['table_unmapped vectors']);
    const text = { table: 'vectors', key: ['a'] };
    const mapped = openApp(
      JSON.stringify({ sources: { app: { kind: 'sqlite', path: file, datasets: { messages, text } } } }),
      '',
    );
    onTestFinished(() => mapped.close());
    expect((await mapped.check({})).map(({ code, subject }) => `${code} ${subject}`)).toContain(
      'column_missing app.text',
    );
  });

  it.each(['wal', 'delete'])('keeps no byte of what was destroyed, nor does its log (%s)', async (journal) => {
    const { app, file, database, column } = world(
      `PRAGMA journal_mode = ${journal}; PRAGMA secure_delete = ON;
      CREATE TABLE messages (id INTEGER PRIMARY KEY, sent_at TEXT, body TEXT);
      CREATE TABLE drafts (id INTEGER PRIMARY KEY)`,
      { messages, drafts: { table: 'drafts', key: 'id' } },
    );
    const insert = database.prepare("INSERT INTO messages VALUES (?, '2018-01-01', ?)");
    database.exec('BEGIN');
    for (let id = 0; id < 200; id++) insert.run(id, `the very secret ${id} ${'x'.repeat(100)}`);
    database.exec('COMMIT');
    const kept = () =>
      [file, `${file}-wal`].filter((path) => existsSync(path) && readFileSync(path).includes('very secret'));
    expect(kept().length).toBeGreaterThan(0);
    expect(await countOf(destroy(app))).toBe(200);
    expect(kept()).toEqual([]);
    expect(column('PRAGMA integrity_check')).toEqual(['ok']);
  });

  it('goes in whole batches where rows are named by a key of their own, by bytes, or by nothing declared', async () => {
    const { app, column } = world(
      `CREATE TABLE people (id BLOB NOT NULL PRIMARY KEY, email TEXT COLLATE NOCASE) WITHOUT ROWID;
       CREATE TABLE messages (id, sent_at TEXT, by BLOB, UNIQUE (id));
       CREATE TABLE notes (message, n, PRIMARY KEY (message, n)) WITHOUT ROWID;
       INSERT INTO people VALUES (x'0a', 'Ada@example.com'), (x'0b', 'bea@example.com');
       INSERT INTO messages VALUES (1, '2018-01-01', x'0a'), ('one', '2018-01-02', x'0b'), (2.5, '2018-01-03', x'0b');
       INSERT INTO notes VALUES (1, 1), ('one', 2), (2.5, 3)`,
      {
        people: { table: 'people', key: ['id'], identifiers: { email: 'email' }, onDispose: { messages: 'cascade' } },
        messages: { ...messages, links: { by: { to: 'people.id', owner: true } }, onDispose: { notes: 'cascade' } },
        notes: { table: 'notes', key: ['message', 'n'], links: { message: { to: 'messages.id' } } },
      },
    );
    expect(await app.check({})).toEqual([]);
    const { own } = await app.find([{ kind: 'email', value: 'ADA@example.com' }]);
    expect(own.get('app.people')?.map(({ key }) => key)).toEqual([['\\x0a']]);
    expect(own.get('app.messages')?.map(({ key }) => key)).toEqual([['1']]);
    await app.placeHold({ id: 'h', scope: { ...scope, keys: { 'app.people': [{ id: '\\x0a' }] } } });
    const read: unknown[] = [];
    for await (const row of app.readScope('app.messages', { ...scope, keys: { 'app.messages': [{ id: '2.5' }] } }))
      read.push(row.by);
    expect(read).toEqual(['\\x0b']);
    expect(await countOf(destroy(app))).toBe(4);
    expect(column('SELECT sent_at FROM messages')).toEqual(['2018-01-01']);
    expect(column('SELECT n FROM notes')).toEqual([1]);
  });

  it('whose keys differ in their type alone is told to have no key', async () => {
    const { app } = world(`CREATE TABLE messages (id UNIQUE, sent_at TEXT);
      INSERT INTO messages VALUES (1, '2018-01-01'), ('1', '2018-01-01')`);
    expect((await app.check({})).map(({ code }) => code)).toEqual(['key_not_unique']);
  });

  it('has its dates cut as they are written, and what is no date emptied', async () => {
    const dates = [
      '1990-05-17',
      '2018-03-31T23:30:00-02:00',
      '2018-03-31 10:00:00.5',
      '2018-03-31T10:00Z',
      'May',
      '2018-02-31x',
    ];
    const people = { table: 'people', key: ['id'], fields: { born: { category: 'identity.birth', mask: 'month' } } };
    const { app, column } = world(
      `CREATE TABLE people (id INTEGER PRIMARY KEY, born DATETIME); INSERT INTO people (born) VALUES (19900517)${dates.map((one) => `, ('${one}')`).join('')}`,
      { people },
    );
    const order = {
      batch: 'b',
      request: 'req_1',
      dataset: 'app.people',
      seq: 1,
      policy: 'p',
      runKey,
      pseudonyms: runKey,
      rows: [1, 2, 3, 4, 5, 6, 7].map((id) => ({ key: [String(id)], columns: {} })),
    };
    await app.erase(order, 'mask', 0);
    const cut = [
      null,
      '1990-05-01',
      '2018-04-01T00:00:00+00:00',
      '2018-03-01 00:00:00',
      '2018-03-01T00:00:00Z',
      null,
      null,
    ];
    expect(column('SELECT born FROM people ORDER BY id')).toEqual(cut);
    await app.erase({ ...order, batch: 'c', seq: 2 }, 'mask', 0);
    expect(column('SELECT born FROM people ORDER BY id')).toEqual(cut);
  });

  it('does what its own rules say: a key that restricts, and a trigger that keeps a row, stop the whole batch', async () => {
    const tables = `CREATE TABLE messages (id INTEGER PRIMARY KEY, sent_at TEXT);
      CREATE TABLE pins (id INTEGER PRIMARY KEY, message INTEGER REFERENCES messages (id));
      INSERT INTO messages VALUES (1, '2018-01-01'), (2, '2018-01-02'); INSERT INTO pins VALUES (1, 2);`;
    const fault = async (app: Parameters<typeof destroy>[0]) => destroy(app).then(() => 'nothing', sourceFault);
    const restricted = world(tables);
    expect((await restricted.app.check({})).map(({ code }) => code).toSorted()).toEqual([
      'reference_undeclared',
      'table_unmapped',
    ]);
    expect(await fault(restricted.app)).toBe('refused');
    const kept = world(
      `${tables} DROP TABLE pins; CREATE TRIGGER keep BEFORE DELETE ON messages WHEN old.id = 2 BEGIN SELECT RAISE(IGNORE); END`,
    );
    expect(await fault(kept.app)).toBe('refused');
    for (const { app, column } of [restricted, kept]) {
      expect(column('SELECT id FROM messages')).toEqual([1, 2]);
      expect(await app.uncopied(1)).toEqual([]);
    }
  });

  it('that the application does not let go of is busy, and nothing was done', async () => {
    const { file, database } = world('CREATE TABLE messages (id INTEGER PRIMARY KEY, sent_at TEXT)');
    const source: SqliteSource = { kind: 'sqlite', name: 'app', path: file, datasets: [], exempt: {} };
    const connection = connectSqlite(source, { batch: 50, hold: 50 });
    onTestFinished(() => connection.close());
    const write = () => connection.transaction('batch', (tx) => tx.run("INSERT INTO main.messages VALUES (1, '')"));
    database.exec('BEGIN IMMEDIATE');
    expect(await write().then(() => 'written', sourceFault)).toBe('busy');
    database.exec('ROLLBACK');
    // A reader does not keep us from beginning, and from committing without a log.
    database.exec('BEGIN; SELECT count(*) FROM messages');
    expect(await write().then(() => 'written', sourceFault)).toBe('busy');
    database.exec('ROLLBACK');
    expect(database.prepare('SELECT count(*) AS n FROM messages').get()?.n).toBe(0);
    expect(await write()).toBe(1);
  });

  it('a row is committed to by what it holds, type and all', () => {
    expect(rowText([1n, 1, 0.5, "it's", null, new Uint8Array([0, 255]), '1\0'])).toBe(
      "(1,1.0,0.5,'it''s',NULL,X'00FF','1\0')",
    );
  });
});
