import { setTimeout as pause } from 'node:timers/promises';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { guardTransactions } from '../core/lost-connections.ts';

/** Muniment's own database: typed queries in `orm`, bulk and special statements in `sql`, one pool under both. */
export interface Database {
  readonly sql: postgres.Sql;
  readonly orm: PostgresJsDatabase;
  /** Connections of their own for locks (locks.ts). */
  readonly locks: postgres.Sql;
  close(): Promise<void>;
}

/**
 * Who holds or waits for a lock has a connection all the while, and the work under it needs others: from one pool, as many
 * holders as it has connections would wait for each other for ever. More than all workers' locks together; they are opened
 * when they are needed, and not kept.
 */
const lockConnections = { max: 30, idle_timeout: 30 };

/** Either the pool or one transaction of it: what the queries of this folder run on. */
export type Queryable = Pick<PostgresJsDatabase, 'select' | 'insert' | 'update' | 'delete' | 'execute'>;

/**
 * Open the pool. Nothing is connected until the first query.
 * @param max connections at most; every statement is given up after a minute, so that nothing waits for ever
 * @param name what the server is told of who is connected (master-versions.ts)
 */
export function openDatabase(url: string, max = 10, name = 'muniment'): Database {
  const open = (size: { max: number; idle_timeout?: number }) =>
    guardTransactions(
      postgres(url, {
        ...size,
        onnotice: () => {},
        connection: { application_name: name, TimeZone: 'UTC', statement_timeout: 60_000, lock_timeout: 20_000 },
      }),
      pause,
    );
  const [sql, locks] = [open({ max }), open(lockConnections)];
  const close = async () => {
    await Promise.all([sql.end({ timeout: 5 }), locks.end({ timeout: 5 })]);
  };
  return { sql, orm: drizzle(sql), locks, close };
}
