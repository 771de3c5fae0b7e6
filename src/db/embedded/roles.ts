import { createHmac } from 'node:crypto';
import postgres from 'postgres';
import { demandPlainName } from './cluster.ts';
import { systemCode } from './fault.ts';

/**
 * A role's password, made from the superuser's: nothing more is to be kept, and who has this one does not have that one.
 */
export function rolePassword(superuserPassword: string, role: string): string {
  return createHmac('sha256', superuserPassword).update(`role ${role} 1`).digest('base64url');
}

/** Make the role if it is not there: it may connect, and nothing else. */
export async function ensureRole(url: string, role: string, password: string): Promise<void> {
  demandPlainName(role);
  if (!/^[\w-]+$/.test(password)) throw new RangeError('not a password of our own making');
  await connected(url, async (sql) => {
    const [there] = await sql`SELECT FROM pg_roles WHERE rolname = ${role}`;
    if (there !== undefined) return;
    // 42710 duplicate_object, or 23505 on pg_authid: another process made it between the two statements.
    await sql.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`).catch((error: unknown) => {
      if (!['42710', '23505'].includes(systemCode(error))) throw error;
    });
  });
}

/** Any constant: two starts must not both hand a database over. */
const handOverLock = 7_165_002;

/**
 * Make `owner` the owner of the database and of everything in it that is the superuser's, in one transaction. Nothing is
 * written where that is so already. (REASSIGN OWNED refuses the superuser that a cluster was made with.)
 * @param url the database, as the superuser
 */
export async function handOver(url: string, owner: string): Promise<void> {
  demandPlainName(owner);
  await connected(url, (sql) =>
    sql.begin(async (tx) => {
      await tx`SELECT pg_advisory_xact_lock(${handOverLock})`;
      const rows = await tx<{ what: string }[]>`
        WITH mine AS (SELECT oid FROM pg_roles WHERE rolname = current_user),
        rooms AS (SELECT oid, nspname, nspowner FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%')
        SELECT format('DATABASE %I', datname) AS what FROM pg_database, mine WHERE datname = current_database() AND datdba = mine.oid
        UNION ALL SELECT format('SCHEMA %I', nspname) FROM rooms, mine WHERE nspowner = mine.oid
        UNION ALL
        SELECT format('%s %I.%I', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, nspname, relname)
        FROM pg_class c JOIN rooms ON rooms.oid = relnamespace, mine
        WHERE relowner = mine.oid AND relkind IN ('r', 'p', 'v', 'm', 'S')
          -- A column's own sequence goes with its table.
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i'))
        UNION ALL
        SELECT format('ROUTINE %I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(p.oid))
        FROM pg_proc p JOIN rooms ON rooms.oid = pronamespace, mine WHERE proowner = mine.oid
        UNION ALL
        SELECT format('TYPE %I.%I', nspname, typname) FROM pg_type t JOIN rooms ON rooms.oid = typnamespace, mine
        WHERE typowner = mine.oid AND (typtype IN ('e', 'd', 'r')
          OR (typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = typrelid AND relkind = 'c')))`;
      for (const { what } of rows) await tx.unsafe(`ALTER ${what} OWNER TO ${owner}`);
    }),
  );
}

async function connected<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
