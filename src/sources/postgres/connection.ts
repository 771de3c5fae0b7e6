import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { guardTransactions } from '../../core/lost-connections.ts';
import type { PostgresSource } from '../../policy/data-map.ts';
import type { ColumnTypes, SourceShape, SqlEngine } from '../sql/dialect.ts';
import { postgresDialect } from './dialect.ts';
import { streamRows } from './stream.ts';
import { canonicalValues } from './values.ts';

/** First half of a dataset's advisory lock key (a batch's has the next number); the second is its name hashed by Postgres. */
export const lockSpace = 7165;

/** An open SQL source: its pool and, once read, the types of its columns. */
export interface SqlConnection extends SqlEngine {
  readonly sql: postgres.Sql;
  /**
   * Whether anybody answers.
   * @throws what went wrong, within `answerSeconds`: a proxy with nothing behind it takes a connection and closes it
   * again, and the driver would try for ever
   */
  reach(): Promise<void>;
  close(): Promise<void>;
}

/** How long the source may be kept busy or waiting by us, in milliseconds. */
export interface Patience {
  /** One statement: a count over the largest table takes minutes. */
  readonly statement: number;
  /** A transaction in which nothing happens: our process may be frozen, and its locks stop the application. */
  readonly idleTransaction: number;
}

const usualPatience: Patience = { statement: 30 * 60_000, idleTransaction: 10 * 60_000 };

/** Open a source's pool; nothing is connected until the first query. */
export function connectSource(source: PostgresSource, patience = usualPatience): SqlConnection {
  const pool = postgres(source.url, {
    max: 6,
    onnotice: () => {},
    connect_timeout: 10,
    connection: {
      application_name: 'muniment',
      TimeZone: 'UTC',
      DateStyle: 'ISO, YMD',
      // Rows that row-level security hides make a statement fail, instead of missing from "nothing due" (I4).
      row_security: 'off',
      statement_timeout: patience.statement,
      idle_in_transaction_session_timeout: patience.idleTransaction,
    },
    types: {
      // The driver's own Date would cut microseconds; times travel as the text Postgres writes.
      date: {
        to: 1184,
        from: [1082, 1114, 1184],
        serialize: (value: string) => value,
        parse: (value: string) => value,
      },
    },
  });
  const sql = guardTransactions(pool, pause);
  return {
    source,
    dialect: postgresDialect,
    sql,
    rows: (query, parameters = []) => sql.unsafe(query, parameters as string[][]),
    stream: (query, rowsAtOnce) => streamRows(sql, query, rowsAtOnce),
    canonicalValues: (type, values) => canonicalValues(sql, type, values),
    reach: () => reach(sql),
    shape: () => readShape(source, sql),
    dataset(id) {
      const found = source.datasets.find((dataset) => dataset.id === id);
      if (!found) throw new Error(`source ${source.name} has no dataset ${id}`);
      return found;
    },
    close: () => sql.end({ timeout: 5 }),
  };
}

const answerSeconds = 10;

async function reach(sql: postgres.Sql): Promise<void> {
  const query = sql`SELECT 1`;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    query.cancel();
    reject(Object.assign(new Error('the source did not answer in time'), { code: 'CONNECT_TIMEOUT' }));
  }, answerSeconds * 1000);
  try {
    await Promise.race([query, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function readShape(source: PostgresSource, sql: postgres.Sql): Promise<SourceShape> {
  const rows = await sql<{ schema: string; name: string; column: string; type: string }[]>`
    SELECT n.nspname AS schema, c.relname AS name, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'muniment')`;
  const types = new Map<string, ColumnTypes>();
  for (const dataset of source.datasets) {
    const columns = rows.filter((row) => row.schema === dataset.table.schema && row.name === dataset.table.name);
    if (columns.length > 0) types.set(dataset.id, Object.fromEntries(columns.map((row) => [row.column, row.type])));
  }
  return { source, types, dialect: postgresDialect };
}
