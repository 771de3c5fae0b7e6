import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { inject } from 'vitest';
import { sha256Hex } from '../../src/core/hash.ts';
import { ensureRole, handOver } from '../../src/db/embedded/roles.ts';
import { migrate } from '../../src/db/migrate.ts';
import { clusterOfRun } from './cluster.ts';

/** A database of a test's own. */
export interface TestDatabase extends AsyncDisposable {
  /** As the superuser who owns it. */
  readonly url: string;
  /** A small pool on it; ended by `drop`. Give code under test the URL, not this. */
  readonly sql: postgres.Sql;
  /** End the pool, cut off whoever is still connected, remove the database. A second call does nothing. */
  drop(): Promise<void>;
}

let made = 0;

/**
 * A new database with Muniment's schema (copied from a template that is migrated once a run, about 40 ms), or without
 * it. `await using database = await testDatabase()` drops it at the end of the scope; otherwise call `drop` in afterAll.
 */
export async function testDatabase({ migrated = true }: { migrated?: boolean } = {}): Promise<TestDatabase> {
  const admin = await adminUrl();
  const template = migrated ? await ensureTemplate(admin) : 'template0';
  made += 1;
  const name = `${prefixOfRun(inject('testRun'))}${process.pid}_${made}`;
  await withAdmin(admin, (sql) => sql`create database ${sql(name)} template ${sql(template)}`);
  const url = urlOf(admin, name);
  const sql = postgres(url, { max: 4, onnotice: () => {} });
  let dropped: Promise<void> | null = null;
  const drop = () => {
    dropped ??= (async () => {
      await sql.end({ timeout: 1 });
      await withAdmin(admin, async (on) => {
        await on`drop database if exists ${on(name)} with (force)`;
        for (const role of rolesOf(name)) await on`drop role if exists ${on(role)}`;
      });
    })();
    return dropped;
  };
  return { url, sql, drop, [Symbol.asyncDispose]: drop };
}

/** A new database with nothing in it: for sources, and for the migrations themselves. */
export function emptyDatabase(): Promise<TestDatabase> {
  return testDatabase({ migrated: false });
}

/** Who owns what is in a database, and who the service is, where a test separates them. */
const rolesOf = (database: string) => [`${database}_owner`, `${database}_service`] as const;

/** Give a test's database, with all that is in it, to a role of its own, and make one for the service. Twice is once. */
export async function separateRoles(url: string): Promise<{ ownerUrl: string; serviceUrl: string }> {
  const [owner, service] = rolesOf(new URL(url).pathname.slice(1));
  for (const role of [owner, service]) await ensureRole(url, role, 'test');
  await handOver(url, owner);
  return { ownerUrl: as(url, owner), serviceUrl: as(url, service) };
}

function as(url: string, role: string): string {
  const other = new URL(url);
  other.username = role;
  other.password = 'test';
  return other.href;
}

/** The maintenance URL of the server under test: TEST_DATABASE_URL, or the run's own cluster. */
export async function adminUrl(): Promise<string> {
  return process.env.TEST_DATABASE_URL ?? (await clusterOfRun(inject('testRun')));
}

/** For the teardown: on a foreign server nothing of this run may stay, apart from the template, which is used again. */
export async function dropDatabasesOfRun(runFolder: string): Promise<void> {
  const admin = process.env.TEST_DATABASE_URL;
  if (admin === undefined) return;
  await withAdmin(admin, async (sql) => {
    const rows = await sql<{ name: string }[]>`
      select datname as name from pg_database where starts_with(datname, ${prefixOfRun(runFolder)})`;
    for (const { name } of rows) await sql`drop database if exists ${sql(name)} with (force)`;
    const roles = await sql<{ name: string }[]>`
      select rolname as name from pg_roles where starts_with(rolname, ${prefixOfRun(runFolder)})`;
    for (const { name } of roles) await sql`drop role if exists ${sql(name)}`;
  });
}

function prefixOfRun(runFolder: string): string {
  return `t_${sha256Hex(basename(runFolder)).slice(0, 8)}_`;
}

let template: Promise<string> | null = null;

function ensureTemplate(admin: string): Promise<string> {
  template ??= makeTemplate(admin);
  return template;
}

/** Any constant: the processes of a run, and of other runs on the same server, must make the template once. */
const templateLock = 7_165_001;

/** The template's name holds the digest of the migrations, so that another schema is another template. */
async function makeTemplate(admin: string): Promise<string> {
  const name = `tpl_${migrationsDigest()}`;
  await withAdmin(admin, async (sql) => {
    await sql`select pg_advisory_lock(${templateLock})`;
    const [ready] = await sql`select 1 from pg_database where datname = ${name} and datistemplate`;
    if (ready !== undefined) return;
    await sql`drop database if exists ${sql(name)} with (force)`;
    await sql`create database ${sql(name)} template template0`;
    await migrate(urlOf(admin, name));
    // It counts as made from here on; nobody may connect to it, or it could not be copied.
    await sql`alter database ${sql(name)} with is_template true allow_connections false`;
  });
  return name;
}

function migrationsDigest(): string {
  const folder = fileURLToPath(new URL('../../src/db/migrations', import.meta.url));
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort() : [];
  const files = names.filter((name) => /\.(sql|json|ts)$/.test(name));
  const migrator = readFileSync(new URL('../../src/db/migrate.ts', import.meta.url), 'utf8');
  return sha256Hex(
    [migrator, ...files.map((name) => name + readFileSync(join(folder, name), 'utf8'))].join('\0'),
  ).slice(0, 12);
}

function urlOf(admin: string, database: string): string {
  const url = new URL(admin);
  url.pathname = `/${database}`;
  return url.href;
}

async function withAdmin<T>(admin: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(admin, { max: 1, onnotice: () => {} });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
