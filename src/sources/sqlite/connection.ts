import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { SqliteSource, TableDataset } from '../../policy/data-map.ts';
import { errorCode } from '../fault.ts';
import type { ColumnTypes, Condition, SourceShape, SqlEngine } from '../sql/dialect.ts';
import { sqliteDialect } from './dialect.ts';
import type { Parameters } from './session.ts';
import { type RemoteSession, type Sessions, startSessions } from './sessions.ts';
import { canonicalValues } from './values.ts';
import { columnType } from './words.ts';

export interface SqliteShape extends SourceShape {
  /** The columns by which SQLite itself names a row: its rowid, or the primary key of a table without. By dataset. */
  readonly rowNames: ReadonlyMap<string, readonly string[]>;
}

/** An open SQLite source. Each piece of work has a connection of its own, so that a file put back in its place is seen. */
export interface SqliteConnection extends SqlEngine {
  readonly source: SqliteSource;
  /** The file, and whether it may be read and nothing else. */
  readonly file: { readonly uri: string; readonly path: string; readonly isReadOnly: boolean };
  shape(): Promise<SqliteShape>;
  /** @throws what went wrong when the file is not there or no database */
  reach(): Promise<void>;
  /** Read, each statement as of its own moment. */
  reading<T>(work: (session: RemoteSession) => Promise<T>): Promise<T>;
  /**
   * One transaction. It has the file's only right to write from its beginning, and so does every batch and every hold, of
   * whatever process: what it reads is what is there when it commits. It waits at most so long for others, twice: to
   * begin, and to commit while others read.
   */
  transaction<T>(how: keyof Patience, work: (session: RemoteSession) => Promise<T>): Promise<T>;
  /**
   * Move what is committed from the write-ahead log into the file, so that the log keeps no page of what was destroyed.
   * Whoever still reads an older page keeps it there until the next time, or until the application does it.
   */
  emptyLog(): Promise<void>;
  close(): Promise<void>;
}

/** How long others may keep us from the file, in milliseconds: a batch comes again, a hold does not give way. */
export interface Patience {
  readonly batch: number;
  readonly hold: number;
}

const usualPatience: Patience = { batch: 10_000, hold: 60_000 };
/** How long a statement that reads may be kept out by somebody's commit. */
const readPatienceMs = 10_000;

/** Open a source; nothing is reached until the first question. */
export function connectSqlite(source: SqliteSource, patience = usualPatience): SqliteConnection {
  const sessions = startSessions();
  const file = fileOf(source.path);
  const reading = <T>(work: (session: RemoteSession) => Promise<T>) => reads(sessions, file.uri, work);
  return {
    source,
    file,
    dialect: sqliteDialect,
    reading,
    rows: (query, parameters = []) => reading((session) => session.all(query, bound(parameters))),
    stream: (query, rowsAtOnce) => streamRows(sessions, file.uri, query, rowsAtOnce),
    canonicalValues: (type, values) => reading((session) => canonicalValues(session, type, values)),
    reach: () => reading(async (session) => void (await session.all('SELECT count(*) FROM main.sqlite_schema'))),
    shape: () => reading((session) => readShape(source, session)),
    transaction: (how, work) => transact(sessions, file.uri, patience[how], work),
    emptyLog: () => reading(async (session) => void (await session.all('PRAGMA main.wal_checkpoint(TRUNCATE)'))),
    dataset(id) {
      const found = source.datasets.find((dataset) => dataset.id === id);
      if (!found) throw new Error(`source ${source.name} has no dataset ${id}`);
      return found;
    },
    close: () => sessions.close(),
  };
}

/** A path as a URI; never one that makes the file when it is not there. */
function fileOf(path: string): SqliteConnection['file'] {
  const url = path.startsWith('file:') ? new URL(path) : pathToFileURL(resolve(path));
  const isReadOnly = url.searchParams.get('mode') === 'ro';
  url.searchParams.set('mode', isReadOnly ? 'ro' : 'rw');
  return { uri: url.href, path: decodeURIComponent(url.pathname), isReadOnly };
}

/** Parameters as the dialect numbers them: lists, which SQLite takes as JSON. */
export function bound(parameters: Condition['parameters']): Parameters {
  return Object.fromEntries(parameters.map((list, i) => [`p${i + 1}`, JSON.stringify(list)]));
}

/** Ask until nobody is in the way, or for so long. SQLite has no queue: whoever waits asks again. */
async function patiently<T>(patienceMs: number, ask: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  for (let wait = 1; ; wait = Math.min(wait * 2, 25)) {
    try {
      return await ask();
    } catch (error) {
      if (errorCode(error) !== 'SQLITE_BUSY' || performance.now() > giveUpAt) throw error;
    }
    await pause(wait);
  }
}

/** Work on a connection of its own, whose every statement waits for whoever is committing. */
async function reads<T>(sessions: Sessions, uri: string, work: (session: RemoteSession) => Promise<T>): Promise<T> {
  const session = await patiently(readPatienceMs, () => sessions.open(uri));
  try {
    return await work({
      ...session,
      all: (sql, parameters) => patiently(readPatienceMs, () => session.all(sql, parameters)),
      run: (sql, parameters) => patiently(readPatienceMs, () => session.run(sql, parameters)),
    });
  } finally {
    await session.close().catch(() => {});
  }
}

async function transact<T>(
  sessions: Sessions,
  uri: string,
  patienceMs: number,
  work: (session: RemoteSession) => Promise<T>,
): Promise<T> {
  const session = await patiently(readPatienceMs, () => sessions.open(uri));
  try {
    await patiently(patienceMs, () => session.run('BEGIN IMMEDIATE'));
    const result = await work(session);
    await patiently(patienceMs, () => session.run('COMMIT'));
    return result;
  } finally {
    // Closing takes back what was not committed.
    await session.close().catch(() => {});
  }
}

/**
 * The rows of a query, so many at a time, all of one moment. They are copied into a table of this connection's own first
 * (a temporary file that has no name): a reader that takes its time would keep the application from committing.
 */
async function* streamRows<T extends object>(
  sessions: Sessions,
  uri: string,
  query: string,
  rowsAtOnce: number,
): AsyncGenerator<readonly T[]> {
  const session = await patiently(readPatienceMs, () => sessions.open(uri));
  try {
    yield* streamWithin<T>(session, query, rowsAtOnce);
  } finally {
    await session.close().catch(() => {});
  }
}

/** The same on a connection that is open already. */
export async function* streamWithin<T extends object>(
  session: RemoteSession,
  query: string,
  rowsAtOnce: number,
): AsyncGenerator<readonly T[]> {
  await patiently(readPatienceMs, () => session.run(`CREATE TEMP TABLE muniment_found AS ${query}`));
  for (let after = 0; ; after += rowsAtOnce) {
    const rows = await session.all<T>(
      'SELECT * FROM temp.muniment_found WHERE rowid > :after AND rowid <= :upTo ORDER BY rowid',
      { after, upTo: after + rowsAtOnce },
    );
    if (rows.length > 0) yield rows;
    if (rows.length < rowsAtOnce) break;
  }
  await session.run('DROP TABLE temp.muniment_found');
}

/** A column as `table_xinfo` tells of it; `hidden` is 1 for a virtual table's own, 2 and 3 for generated ones. */
export interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
  readonly hidden: number;
}

/** The columns of a table; none of a virtual one whose module only the application has: nobody else can look into it. */
export async function columnsOf(session: RemoteSession, table: string): Promise<readonly ColumnInfo[]> {
  const all = `SELECT name, type, pk, hidden FROM pragma_table_xinfo(:table, 'main') ORDER BY cid`;
  try {
    return (await session.all<ColumnInfo>(all, { table })).filter(({ hidden }) => hidden !== 1);
  } catch (error) {
    if (errorCode(error) !== 'SQLITE_ERROR') throw error;
    return [];
  }
}

async function readShape(source: SqliteSource, session: RemoteSession): Promise<SqliteShape> {
  const types = new Map<string, ColumnTypes>();
  const rowNames = new Map<string, readonly string[]>();
  const tables = await session.all<{ name: string; wr: number }>(
    `SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')`,
  );
  for (const dataset of source.datasets) {
    const table = tables.find((each) => each.name === dataset.table.name);
    if (!table) continue;
    const columns = await columnsOf(session, table.name);
    types.set(
      dataset.id,
      Object.fromEntries(columns.map((column) => [column.name, columnType(column.type, formIn(dataset, column.name))])),
    );
    rowNames.set(dataset.id, table.wr === 1 ? primaryKey(columns) : [rowid(columns)]);
  }
  return { source, types, rowNames, dialect: sqliteDialect };
}

function formIn(dataset: TableDataset, column: string) {
  return column === dataset.time ? (dataset.timeAs ?? 'text') : null;
}

export function primaryKey(columns: readonly ColumnInfo[]): readonly string[] {
  return columns
    .filter(({ pk }) => pk > 0)
    .toSorted((a, b) => a.pk - b.pk)
    .map(({ name }) => name);
}

/** A name that the rowid still has: a column may have taken one of them. */
function rowid(columns: readonly ColumnInfo[]): string {
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  const free = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
  if (free === undefined) throw new Error('a table whose columns take every name of the rowid cannot be purged');
  return free;
}
