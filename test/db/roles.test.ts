import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/connect.ts';
import { prepareDatabase } from '../../src/db/migrate.ts';
import { excessOfOwnRole } from '../../src/db/roles.ts';
import { openTaskQueue } from '../../src/db/tasks.ts';
import { DatabaseUnprepared } from '../../src/db/unprepared.ts';
import { readHealth } from '../../src/flows/read-health.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { migrateDatabase } from '../../src/house.ts';
import { hold, ids, openWorld, purge, type World } from '../invariants/world.ts';
import { adminUrl, emptyDatabase, separateRoles, type TestDatabase, testDatabase } from '../support/database.ts';

async function withAdmin(work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  await using sql = connect(await adminUrl());
  await work(sql);
}

/** One session, ended at the end of the scope. */
function connect(url: string): postgres.Sql & AsyncDisposable {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  return Object.assign(sql, { [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) });
}

/** What somebody would try who got hold of the service's connection; `{owner}` and `{service}` are the roles. */
const attacks: Readonly<Record<string, readonly string[]>> = {
  'changing what the ledger says': [
    "UPDATE ledger_entries SET bytes = '\\x00'",
    'UPDATE ledger_entries SET kind = kind WHERE index = 0',
    'DELETE FROM ledger_entries',
    'TRUNCATE ledger_entries',
    "INSERT INTO ledger_entries (index, kind, bytes, leaf_hash) VALUES (9, 'x', '\\x00', sha256('\\x0000'))",
    'UPDATE ledger_checkpoints SET note = note',
    'DELETE FROM ledger_checkpoints',
    'TRUNCATE ledger_checkpoints',
    "UPDATE ledger_tiles SET hashes = '\\x00'",
    'UPDATE ledger_tiles SET hashes = substring(hashes FROM 1 FOR 32)',
    'UPDATE ledger_tiles SET index = index + 1',
    'DELETE FROM ledger_tiles',
    'TRUNCATE ledger_tiles',
    "UPDATE ledger_pending SET bytes = '\\x00'",
    'DELETE FROM ledger_pending',
    'TRUNCATE ledger_pending',
    'TRUNCATE ledger_entries, ledger_checkpoints, ledger_tiles, ledger_pending CASCADE',
    'BEGIN; LOCK TABLE ledger_entries IN ACCESS EXCLUSIVE MODE',
    "SELECT setval('ledger_pending_id_seq', 1)",
  ],
  'pretending to be the sequencer': [
    "SET muniment.sequencing = 'on'; DELETE FROM ledger_pending",
    "SET muniment.sequencing = 'on'; INSERT INTO ledger_entries (index, kind, bytes, leaf_hash) VALUES (9, 'x', '\\x00', sha256('\\x0000'))",
    'ALTER FUNCTION sequence_entries(integer) RESET search_path',
    'DROP FUNCTION sequence_entries(integer)',
  ],
  'taking its triggers away': [
    'DROP TRIGGER ledger_entries_append_only ON ledger_entries',
    'ALTER TABLE ledger_entries DISABLE TRIGGER ALL',
    'ALTER TABLE ledger_tiles DISABLE TRIGGER USER',
    'ALTER TRIGGER ledger_pending_kept ON ledger_pending RENAME TO other',
    'CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$',
    'CREATE OR REPLACE FUNCTION public.refuse_losing_pending() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$',
    'ALTER FUNCTION refuse_change() RENAME TO other',
    'DROP FUNCTION refuse_change() CASCADE',
    'SET session_replication_role = replica',
    "SELECT set_config('session_replication_role', 'replica', false)",
    'ALTER ROLE {service} SET session_replication_role = replica',
    'ALTER DATABASE {database} SET session_replication_role = replica',
  ],
  'altering its tables': [
    'ALTER TABLE ledger_entries ADD COLUMN x int',
    'ALTER TABLE ledger_entries OWNER TO {service}',
    'ALTER TABLE ledger_entries RENAME TO other',
    'ALTER TABLE ledger_entries ENABLE ROW LEVEL SECURITY',
    'DROP TABLE ledger_entries CASCADE',
    'DROP TABLE ledger_checkpoints',
    'DROP SCHEMA public CASCADE',
    'DROP SCHEMA pgboss CASCADE',
    'DROP DATABASE {database}',
    'CREATE TRIGGER more BEFORE INSERT ON ledger_entries FOR EACH ROW EXECUTE FUNCTION refuse_change()',
    'CREATE RULE more AS ON INSERT TO ledger_pending DO INSTEAD NOTHING',
    'CREATE INDEX ON ledger_entries (kind)',
    'UPDATE schema_migrations SET created_at = 0',
    'DELETE FROM schema_migrations',
  ],
  'becoming somebody else': [
    'SET ROLE {owner}',
    'SET SESSION AUTHORIZATION {owner}',
    'GRANT {owner} TO {service}',
    'ALTER ROLE {service} SUPERUSER',
    'ALTER ROLE {owner} PASSWORD NULL',
    'CREATE ROLE another LOGIN',
    'REASSIGN OWNED BY {owner} TO {service}',
    'DROP OWNED BY {owner}',
    'ALTER SYSTEM SET allow_system_table_mods = on',
    "UPDATE pg_catalog.pg_trigger SET tgenabled = 'D'",
  ],
  'leaving something that the owner would run': [
    "INSERT INTO pgboss.bam (name, version, status, table_name, command) VALUES ('x', 1, 'pending', 'job', 'DROP TABLE public.ledger_entries')",
    "UPDATE pgboss.bam SET command = 'DROP TABLE public.ledger_entries'",
    'UPDATE pgboss.version SET version = 1',
    "UPDATE pgboss.queue SET partition = true, table_name = 'x; DROP TABLE public.ledger_entries'",
    "INSERT INTO pgboss.queue SELECT 'other', policy, retry_limit, retry_delay, retry_backoff, retry_delay_max, expire_seconds, retention_seconds, deletion_seconds, null, true, 'x; DROP TABLE public.ledger_entries' FROM pgboss.queue LIMIT 1",
    'SELECT pgboss.create_queue(\'other\', \'{"policy": "standard"}\')',
    "SELECT pgboss.delete_queue('send-notice')",
    "SELECT pgboss.job_table_run_async('x', 1, 'DROP TABLE public.ledger_entries', 'job')",
    'CREATE TABLE public.shadow (x int)',
    'CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT $1 $$',
    'CREATE FUNCTION public.max(bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT 0::bigint $$',
    'CREATE OPERATOR public.|| (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = byteacat)',
    'CREATE FUNCTION pgboss.job_now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT now() $$',
    'CREATE SCHEMA {owner}',
    'CREATE SCHEMA other',
    'CREATE TYPE public.x AS ENUM ()',
    'CREATE EXTENSION pgcrypto',
    'CREATE EXTENSION file_fdw',
    'CREATE PUBLICATION p FOR ALL TABLES',
    "CREATE SUBSCRIPTION s CONNECTION 'host=localhost' PUBLICATION p",
    'CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION refuse_change()',
    'ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT ALL ON TABLES TO {service}',
  ],
  'leaving the database': [
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY ledger_pending (kind, bytes) FROM PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/muniment-attack'",
    "COPY ledger_pending (kind, bytes) FROM '/etc/passwd'",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(lo_from_bytea(0, '\\x00'), '/tmp/muniment-attack')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    'CREATE LANGUAGE plpython3u',
    "CREATE FUNCTION system(cstring) RETURNS int LANGUAGE c AS 'libc', 'system'",
    "LOAD '/tmp/attack.so'",
    'SELECT pg_reload_conf()',
  ],
};

describe('I2 somebody with the service’s own access to the database', () => {
  let world: World;
  let roles: { ownerUrl: string; serviceUrl: string };
  let kept = '';
  beforeAll(async () => {
    world = await openWorld({ separated: true });
    roles = await separateRoles(world.own.url);
    await add('{"n":1}');
    kept = (await bringLedgerUpToDate(world.office))?.note ?? '';
    await add('{"n":"waits"}');
  });
  afterAll(() => world?.[Symbol.asyncDispose]());
  const add = (text: string) =>
    world.office.store.db.sql`INSERT INTO ledger_pending (kind, bytes) VALUES ('test', ${Buffer.from(text)})`;

  /** All that an attack could have changed: the ledger, its tables and triggers, functions, roles and rights. */
  const everything = () =>
    world.own.sql`
      SELECT (SELECT json_agg(e ORDER BY index) FROM ledger_entries e) AS entries,
        (SELECT json_agg(c ORDER BY size) FROM ledger_checkpoints c) AS checkpoints,
        (SELECT json_agg(t ORDER BY level, index) FROM ledger_tiles t) AS tiles,
        (SELECT json_agg(p ORDER BY id) FROM ledger_pending p) AS pending,
        (SELECT json_agg(b) FROM pgboss.bam b) AS later,
        (SELECT json_agg((tgname, tgenabled) ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal) AS triggers,
        (SELECT json_agg((nspname, proname, prosrc, proowner, proconfig, proacl) ORDER BY p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname IN ('public', 'pgboss')) AS functions,
        (SELECT json_agg((relname, relowner, relacl, relkind) ORDER BY c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname IN ('public', 'pgboss')) AS tables,
        (SELECT json_agg((nspname, nspowner, nspacl) ORDER BY nspname) FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_t%') AS schemas,
        (SELECT json_agg(r ORDER BY rolname) FROM pg_roles r WHERE starts_with(rolname, current_database())) AS roles`;

  it.each(Object.entries(attacks))('is refused %s', async (_what, statements) => {
    const before = await everything();
    const named = (text: string) =>
      text
        .replaceAll('{owner}', new URL(roles.ownerUrl).username)
        .replaceAll('{service}', new URL(roles.serviceUrl).username)
        .replaceAll('{database}', new URL(roles.serviceUrl).pathname.slice(1));
    for (const statement of statements) {
      await using sql = connect(roles.serviceUrl);
      const answer = await sql
        .unsafe(named(statement))
        .simple()
        .then(
          () => 'done',
          (error: { code: string }) => error.code,
        );
      // 42501 insufficient_privilege; 0A000 and 58P01 where this server has no such extension or language at all.
      const refusals = /^CREATE (EXTENSION|LANGUAGE)/.test(statement) ? ['42501', '0A000', '58P01'] : ['42501'];
      expect(refusals, `${statement}: ${answer}`).toContain(answer);
    }
    expect(await everything()).toEqual(before);
  });

  it('does not mislead the sequencer by tables and functions of the same name', async () => {
    await using sql = connect(roles.serviceUrl);
    await sql.unsafe(`
      CREATE TEMP TABLE ledger_pending (id bigserial, kind text, bytes bytea);
      CREATE TEMP TABLE ledger_entries (index bigint, kind text, bytes bytea, leaf_hash bytea);
      CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT '\\x00'::bytea $$;
      INSERT INTO pg_temp.ledger_pending (kind, bytes) VALUES ('forged', '\\x00');
      INSERT INTO public.ledger_pending (kind, bytes) VALUES ('test', '\\x01')`);
    await sql.unsafe('SET search_path = pg_temp, public');
    // Undone at the end: entries without tile and checkpoint stop the sequencer, until somebody has looked.
    await sql.unsafe('BEGIN');
    await sql.unsafe('SELECT * FROM public.sequence_entries(100)');
    const moved = await sql.unsafe(
      'SELECT bytes, leaf_hash = pg_catalog.sha256($1::bytea || bytes) AS right FROM public.ledger_entries ORDER BY index DESC LIMIT 2',
      [Buffer.from([0])],
    );
    const [own] = await sql.unsafe('SELECT kind FROM pg_temp.ledger_pending');
    await sql.unsafe('ROLLBACK');
    expect(moved.map(({ bytes, right }) => [bytes.toString(), right])).toEqual([
      ['\u0001', true],
      ['{"n":"waits"}', true],
    ]);
    expect(own?.kind).toBe('forged');
  });

  it('leaves a service that works: holds, purges, tasks and the ledger', async () => {
    const { app, office } = world;
    await app.sql`INSERT INTO users SELECT n, 'u' || n || '@example.com' FROM generate_series(1, 3) n`;
    await app.sql`INSERT INTO conversations VALUES (1, now(), 's'), (2, now(), 's')`;
    await app.sql`INSERT INTO messages SELECT n, 1 + n % 2, 1, null, now() - interval '4 years', 'b' FROM generate_series(1, 20) n`;
    await hold(office, { keys: { 'app.messages': [{ conversation_id: '1' }] } });
    expect((await purge(office)).state).toBe('completed');
    expect(await ids(app, 'messages')).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
    await bringLedgerUpToDate(office);
    expect(await verifyLedger(office, kept)).toMatchObject({ ok: true });
    const health = await readHealth(office);
    expect(health.checks.find(({ name }) => name === 'database role')).toMatchObject({ ok: true });
  });

  it('finds at every further start that nothing is to be migrated and nothing to be granted', async () => {
    const written = () => world.own.sql`
      SELECT (SELECT json_agg((xmin, id)) FROM schema_migrations) AS migrations,
        (SELECT json_agg((xmin::text, relname) ORDER BY oid) FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'pgboss'::regnamespace) AND relkind <> 'i') AS tables,
        (SELECT json_agg((xmin::text, proname) ORDER BY oid) FROM pg_proc WHERE pronamespace IN ('public'::regnamespace, 'pgboss'::regnamespace)) AS functions`;
    const before = await written();
    const both = () => prepareDatabase(roles.serviceUrl, roles.ownerUrl);
    expect(await Promise.all([both(), both()])).toEqual([
      { granted: [], ownsQueue: false },
      { granted: [], ownsQueue: false },
    ]);
    // The service alone, as a deployment does that runs its migrations apart.
    expect(await prepareDatabase(roles.serviceUrl, null)).toEqual({ granted: [], ownsQueue: false });
    expect(await written()).toEqual(before);
  });

  it('loses at the next start what it was given by hand, and gets what it was taken', async () => {
    const service = new URL(roles.serviceUrl).username;
    await world.own.sql.unsafe(`
      GRANT DELETE, TRUNCATE ON ledger_entries TO ${service}; GRANT UPDATE ON ledger_tiles TO ${service};
      GRANT UPDATE (note) ON ledger_checkpoints TO ${service}; GRANT CREATE ON SCHEMA public TO PUBLIC;
      REVOKE DELETE ON requests FROM ${service}; REVOKE EXECUTE ON FUNCTION sequence_entries(integer) FROM ${service}`);
    const { excess } = await excessOfOwnRole(world.office.store.db);
    expect(excess).toEqual(['creates', 'ledger_rights']);
    const { granted } = await prepareDatabase(roles.serviceUrl, roles.ownerUrl);
    expect(granted).toEqual([
      `REVOKE CREATE ON SCHEMA public FROM PUBLIC, "${service}"`,
      `REVOKE UPDATE (note) ON "public"."ledger_checkpoints" FROM "${service}"`,
      expect.stringMatching(/^REVOKE (DELETE, TRUNCATE|TRUNCATE, DELETE) ON "public"."ledger_entries"/),
      `REVOKE UPDATE ON "public"."ledger_tiles" FROM "${service}"`,
      expect.stringMatching(/^GRANT UPDATE \(hashes\) ON "public"."ledger_tiles"/),
      `GRANT DELETE ON "public"."requests" TO "${service}"`,
      `GRANT EXECUTE ON FUNCTION public.sequence_entries(most integer) TO "${service}"`,
    ]);
    expect((await excessOfOwnRole(world.office.store.db)).excess).toEqual([]);
  });
});

describe('the roles of the database', () => {
  it('are one where only DATABASE_URL is given, and doctor says so', async () => {
    await using database = await emptyDatabase();
    const { ownerUrl } = await separateRoles(database.url);
    expect(await prepareDatabase(ownerUrl, null)).toEqual({ granted: [], ownsQueue: true });
    const db = openDatabase(ownerUrl);
    const excess = (await excessOfOwnRole(db)).excess;
    await db.close();
    expect(excess).toEqual(['owner', 'creates', 'ledger_rights']);

    await using world = await openWorld({ separated: false });
    const health = await readHealth(world.office);
    expect(health.checks.find(({ name }) => name === 'database role')).toMatchObject({
      ok: false,
      stopsWork: false,
      detail: expect.stringMatching(/is a superuser: .*MUNIMENT_MIGRATION_URL.*"Two roles"/),
    });
  });

  it('are refused when the service finds an older schema and may not change it', async () => {
    await using database = await testDatabase();
    const { ownerUrl, serviceUrl } = await separateRoles(database.url);
    await expect(prepareDatabase(serviceUrl, null)).rejects.toThrow('Run the verb "migrate"');
    await prepareDatabase(serviceUrl, ownerUrl);
    await database.sql`DELETE FROM schema_migrations WHERE created_at = (SELECT max(created_at) FROM schema_migrations)`;
    await expect(prepareDatabase(serviceUrl, null)).rejects.toThrow(DatabaseUnprepared);

    await database.sql`DELETE FROM pgboss.queue WHERE name = 'send-notice'`;
    await expect(openTaskQueue(serviceUrl, () => {}, false)).rejects.toThrow('The queues send-notice of this version');
  });

  it('may both be the same one, which then owns everything', async () => {
    await using database = await emptyDatabase();
    const { ownerUrl } = await separateRoles(database.url);
    expect(await prepareDatabase(ownerUrl, ownerUrl)).toEqual({ granted: [], ownsQueue: true });
  });

  it('are refused when the owner named owns nothing, or another database', async () => {
    await using database = await testDatabase();
    await using other = await testDatabase();
    const [here, there] = [await separateRoles(database.url), await separateRoles(other.url)];
    await expect(prepareDatabase(here.ownerUrl, here.serviceUrl)).rejects.toThrow('another role owns them');
    const elsewhere = new URL(there.ownerUrl);
    elsewhere.pathname = new URL(other.url).pathname;
    await expect(prepareDatabase(here.serviceUrl, elsewhere.href)).rejects.toThrow(DatabaseUnprepared);
  });

  it('come to a database that one role made before, with nothing lost', async () => {
    await using database: TestDatabase = await emptyDatabase();
    await prepareDatabase(database.url, null);
    await database.sql`INSERT INTO ledger_pending (kind, bytes) VALUES ('test', '\\x01')`;
    const { ownerUrl, serviceUrl } = await separateRoles(database.url);
    const folder = mkdtempSync(join(tmpdir(), 'roles-'));
    const config = readConfig({ DATABASE_URL: serviceUrl, MUNIMENT_MIGRATION_URL: ownerUrl, MUNIMENT_DATA: folder });
    expect((await migrateDatabase(config, () => {})).length).toBeGreaterThan(20);
    expect(await migrateDatabase(config, () => {})).toEqual([]);
    await using sql = connect(serviceUrl);
    expect(await sql`SELECT kind FROM ledger_pending`).toEqual([{ kind: 'test' }]);
    await expect(sql`DELETE FROM ledger_pending`).rejects.toMatchObject({ code: '42501' });
  });

  it('are made as docs/OPERATIONS.md says, for a new database and for one that is there', async () => {
    await using database = await emptyDatabase();
    const name = new URL(database.url).pathname.slice(1);
    const [fresh = '', taken = ''] = [
      ...readFileSync('docs/OPERATIONS.md', 'utf8').matchAll(/```sql\n([\s\S]*?)```/g),
    ].map(([, text = '']) =>
      text.replaceAll('muniment_', `${name}_`).replaceAll(/DATABASE muniment\b/g, `DATABASE ${name}`),
    );
    const as = (role: string, password: string) => {
      const url = new URL(database.url);
      [url.username, url.password] = [`${name}_${role}`, password];
      return url.href;
    };
    const passwords = (text: string) => [...text.matchAll(/PASSWORD '([^']+)'/g)].map(([, password = '']) => password);

    // Somebody who has one role that does everything, and makes the other.
    await database.sql.unsafe(
      `CREATE ROLE ${name}_owner LOGIN PASSWORD 'before'; ALTER DATABASE ${name} OWNER TO ${name}_owner`,
    );
    await prepareDatabase(as('owner', 'before'), null);
    await database.sql.unsafe(taken);
    const urls = [as('service', passwords(taken)[0] ?? ''), as('owner', 'before')] as const;
    expect((await prepareDatabase(...urls)).granted.length).toBeGreaterThan(20);

    // Somebody who begins.
    await withAdmin(async (admin) => {
      await database.sql.end();
      await admin.unsafe(`DROP DATABASE ${name}`);
      await admin.unsafe(`DROP ROLE ${name}_owner`);
      await admin.unsafe(`DROP ROLE ${name}_service`);
      for (const statement of fresh.split(';').filter((text) => text.trim() !== '')) await admin.unsafe(statement);
    });
    const [owner = '', service = ''] = passwords(fresh);
    expect((await prepareDatabase(as('service', service), as('owner', owner))).ownsQueue).toBe(false);
    const db = openDatabase(as('service', service));
    expect((await excessOfOwnRole(db)).excess).toEqual([]);
    await db.close();
  });

  it('may be named only beside a database', () => {
    expect(() => readConfig({ MUNIMENT_MIGRATION_URL: 'postgres://owner@localhost/x' })).toThrow('DATABASE_URL');
    expect(() => readConfig({ DATABASE_URL: 'postgres://x', MUNIMENT_MIGRATION_URL: 'mysql://x' })).toThrow(
      'MUNIMENT_MIGRATION_URL must begin with',
    );
  });
});
