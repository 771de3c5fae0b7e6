import { setTimeout as pause } from 'node:timers/promises';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { guardTransactions } from '../core/lost-connections.ts';

/** Muniment's own database: typed queries in `orm`, bulk and special statements in `sql`, one pool under both. */
export interface Database {
  readonly sql: postgres.Sql;
  readonly orm: PostgresJsDatabase;
  close(): Promise<void>;
}

/** Either the pool or one transaction of it: what the queries of this folder run on. */
export type Queryable = Pick<PostgresJsDatabase, 'select' | 'insert' | 'update' | 'delete' | 'execute'>;

/**
 * Open the pool. Nothing is connected until the first query.
 * @param max connections at most; every statement is given up after a minute, so that nothing waits for ever
 * @param name what the server is told of who is connected (master-versions.ts)
 */
export function openDatabase(url: string, max = 10, name = 'muniment'): Database {
  const pool = postgres(url, {
    max,
    onnotice: () => {},
    connection: { application_name: name, TimeZone: 'UTC', statement_timeout: 60_000, lock_timeout: 20_000 },
  });
  const sql = guardTransactions(pool, pause);
  return { sql, orm: drizzle(sql), close: () => sql.end({ timeout: 5 }) };
}
