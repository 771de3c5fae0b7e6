import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { grantRights } from './roles.ts';
import { installTaskQueue } from './tasks.ts';
import { DatabaseUnprepared } from './unprepared.ts';

const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url));

/** Any constant: two services that start at once must not both migrate. */
const migrationLock = 7_165_000;

export interface Prepared {
  /** Statements that gave the service's role rights or took some: none where nothing was new. */
  readonly granted: readonly string[];
  /** Whether the service's role may alter the queue's tables: then nobody else does. */
  readonly ownsQueue: boolean;
}

/**
 * Bring the database to this version's schema, and the service's role to its rights. A second start changes nothing.
 * @param serviceUrl what the service works with
 * @param ownerUrl who owns the tables; null: the service itself, unless somebody else has prepared the database
 * @throws DatabaseUnprepared when these roles may not, and what Postgres says when a migration fails: each runs in a
 * transaction, so nothing is half done
 */
export async function prepareDatabase(serviceUrl: string, ownerUrl: string | null): Promise<Prepared> {
  const granted = ownerUrl === null ? [] : await prepareAsOwner(serviceUrl, ownerUrl);
  const found = await lookAt(serviceUrl);
  if (found.upToDate) return { granted, ownsQueue: found.ownsQueue };
  if (ownerUrl !== null)
    throw new DatabaseUnprepared(
      'MUNIMENT_MIGRATION_URL and DATABASE_URL do not name the same database: what the one prepared the other does not see. Nothing was started.',
    );
  await migrate(serviceUrl).catch((error: unknown) => {
    if (!isForbidden(error)) throw error;
    throw new DatabaseUnprepared(
      `The database is not at this version's schema, and the role ${found.role} may not change it. Nothing was started. Run the verb "migrate" with the owner's connection in MUNIMENT_MIGRATION_URL, or start with it.`,
    );
  });
  return { granted, ownsQueue: found.ownsQueue };
}

async function prepareAsOwner(serviceUrl: string, ownerUrl: string): Promise<readonly string[]> {
  const { role } = await lookAt(serviceUrl);
  try {
    await migrate(ownerUrl);
    await installTaskQueue(ownerUrl);
    return await asOwner(ownerUrl, (sql) => grantRights(sql, role));
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const { role: owner } = await lookAt(ownerUrl);
    throw new DatabaseUnprepared(
      `The role ${owner} of MUNIMENT_MIGRATION_URL may not change Muniment's tables: another role owns them, or the database. Nothing was started. docs/OPERATIONS.md, "Two roles", has the statements that hand them over.`,
    );
  }
}

/**
 * The migrations alone. Two at once wait for each other.
 * @throws what Postgres says, when one fails: all run in one transaction, so nothing is half done
 */
export function migrate(url: string): Promise<void> {
  return asOwner(url, (sql) =>
    applyMigrations(drizzle(sql), {
      migrationsFolder,
      migrationsSchema: 'public',
      migrationsTable: 'schema_migrations',
    }),
  );
}

/** One connection under the lock, whose unqualified names mean `public`, whatever schema a role has as its own. */
async function asOwner<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, connection: { search_path: 'public' } });
  try {
    await sql`SELECT pg_advisory_lock(${migrationLock})`;
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** What a connection is, and whether it sees this version's schema. */
async function lookAt(url: string): Promise<{ role: string; upToDate: boolean; ownsQueue: boolean }> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const [who] = await sql<{ role: string; owns: boolean; reads: boolean }[]>`
      SELECT current_user AS role,
        coalesce((SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'pgboss'), true) AS owns,
        coalesce(has_table_privilege(to_regclass('public.schema_migrations'), 'SELECT'), false)
          AND has_schema_privilege('public', 'USAGE') AS reads`;
    const upToDate = who?.reads === true && (await newestMigration(sql)) >= newestKnown();
    return { role: who?.role ?? '', upToDate, ownsQueue: who?.owns === true };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function newestMigration(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ at: string | null }[]>`SELECT max(created_at) AS at FROM public.schema_migrations`;
  return Number(row?.at ?? 0);
}

const newestKnown = () => Math.max(...readMigrationFiles({ migrationsFolder }).map(({ folderMillis }) => folderMillis));

/** 42501 insufficient_privilege; drizzle and pg-boss hand the driver's error on as they got it or as a cause. */
function isForbidden(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === '42501') || isForbidden(error.cause);
}
