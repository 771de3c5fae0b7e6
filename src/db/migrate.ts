import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';

const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url));

/** Any constant: two services that start at once must not both migrate. */
const migrationLock = 7_165_000;

/**
 * Bring the database at `url` to this version's schema. A second start changes nothing; two at once wait for each other.
 * @throws what Postgres says, when a migration fails: each runs in a transaction, so nothing is half done.
 */
export async function migrate(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await sql`select pg_advisory_lock(${migrationLock})`;
    await applyMigrations(drizzle(sql), {
      migrationsFolder,
      migrationsSchema: 'public',
      migrationsTable: 'schema_migrations',
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}
