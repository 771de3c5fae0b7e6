/**
 * Who may do what in Muniment's own database. One role owns the tables and appears only to migrate; the service's role
 * reads and writes rows and can alter nothing, so that what the ledger refuses stays refused to whoever gets hold of the
 * service's connection. It must never own a table, a function or a schema, nor write an entry past the sequencer.
 */
import type postgres from 'postgres';
import type { Database } from './connect.ts';

/** A table's right as GRANT writes it; with columns where not all may be written: `UPDATE (hashes)`. */
type Right = string;

const everyRow: readonly Right[] = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];

/** Tables that are not ordinary: what appending needs, and no more. */
const special: Readonly<Record<string, (columns: readonly string[]) => readonly Right[]>> = {
  'public.ledger_pending': () => ['SELECT', 'INSERT'],
  // sequence_entries writes here, in the owner's name.
  'public.ledger_entries': () => ['SELECT'],
  'public.ledger_tiles': () => ['SELECT', 'INSERT', 'UPDATE (hashes)'],
  'public.ledger_checkpoints': () => ['SELECT', 'INSERT'],
  'public.schema_migrations': () => ['SELECT'],
  // Statements that pg-boss runs later, as the owner: whoever could write here would be the owner.
  'pgboss.bam': () => ['SELECT'],
  // When which replica last did what; the number of the schema is the owner's.
  'pgboss.version': (columns) => ['SELECT', ...updatesBut(columns, 'version')],
  // Counts and times; an upgrade of pg-boss writes the name of a queue's table, unquoted, into statements of the owner's.
  'pgboss.queue': (columns) => ['SELECT', ...updatesBut(columns, 'name', 'policy', 'partition', 'table_name')],
};

function updatesBut(columns: readonly string[], ...kept: readonly string[]): readonly Right[] {
  return columns.filter((column) => !kept.includes(column)).map((column) => `UPDATE (${column})`);
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/**
 * Give a role what the service needs in `public` and `pgboss`, and take from it what it has beyond that.
 * @param sql the owner's connection
 * @returns the statements that were needed, in order; none the second time
 */
export async function grantRights(sql: postgres.Sql, role: string): Promise<readonly string[]> {
  return sql.begin(async (tx) => {
    const statements = [
      ...(await outerRights(tx, role)),
      ...(await tableRights(tx, role)),
      ...(await otherRights(tx, role)),
    ];
    for (const statement of statements) await tx.unsafe(statement);
    return statements;
  });
}

/** The database and the two schemas. PostgreSQL before 15 let everybody create in `public`; an upgraded one still does. */
async function outerRights(sql: postgres.TransactionSql, role: string): Promise<readonly string[]> {
  const [owner] = await sql<{ same: boolean; database: string; connects: boolean; creates: boolean }[]>`
    SELECT current_user = ${role} AS same, current_database() AS database,
      has_database_privilege(${role}, current_database(), 'CONNECT') AS connects,
      has_schema_privilege(${role}, 'public', 'CREATE') AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = ${role}) AS creates`;
  const schemas = await sql<{ name: string }[]>`
    SELECT name FROM unnest(ARRAY['public', 'pgboss']) AS name WHERE NOT has_schema_privilege(${role}, name, 'USAGE')`;
  return [
    ...(owner?.connects ? [] : [`GRANT CONNECT ON DATABASE ${quoted(owner?.database ?? '')} TO ${quoted(role)}`]),
    ...(owner?.creates && !owner.same ? [`REVOKE CREATE ON SCHEMA public FROM PUBLIC, ${quoted(role)}`] : []),
    ...schemas.map(({ name }) => `GRANT USAGE ON SCHEMA ${name} TO ${quoted(role)}`),
  ];
}

async function tableRights(sql: postgres.TransactionSql, role: string): Promise<readonly string[]> {
  const tables = await sql<{ schema: string; name: string; columns: string[]; has: string[] }[]>`
    SELECT n.nspname AS schema, c.relname AS name,
      ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum) AS columns,
      ARRAY(
        SELECT right_.privilege_type FROM aclexplode(c.relacl) AS right_ WHERE right_.grantee = r.oid
        UNION ALL
        SELECT right_.privilege_type || ' (' || a.attname || ')'
        FROM pg_attribute a, aclexplode(a.attacl) AS right_ WHERE a.attrelid = c.oid AND right_.grantee = r.oid
      ) AS has
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.rolname = ${role}
    WHERE n.nspname IN ('public', 'pgboss') AND c.relkind IN ('r', 'p') AND c.relowner <> r.oid
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;
  return tables.flatMap(({ schema, name, columns, has }) => {
    const wanted = special[`${schema}.${name}`]?.(columns) ?? everyRow;
    const on = `ON ${quoted(schema)}.${quoted(name)}`;
    const less = has.filter((right) => !wanted.includes(right));
    // REVOKE of a right on a table takes that right on its columns too.
    const left = has.filter((right) => !less.some((taken) => right.startsWith(`${taken} (`)));
    const more = wanted.filter((right) => !left.includes(right));
    return [
      ...(less.length > 0 ? [`REVOKE ${less.join(', ')} ${on} FROM ${quoted(role)}`] : []),
      ...(more.length > 0 ? [`GRANT ${more.join(', ')} ${on} TO ${quoted(role)}`] : []),
    ];
  });
}

/** Sequences that number rows the role inserts, and the functions it calls. */
async function otherRights(sql: postgres.TransactionSql, role: string): Promise<readonly string[]> {
  const sequences = await sql<{ id: string }[]>`
    SELECT format('%I.%I', n.nspname, c.relname) AS id FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'pgboss') AND c.relname <> 'schema_migrations_id_seq'
      -- In one CASE, because the planner asks in any order, and of a table the second question is an error.
      AND CASE WHEN c.relkind = 'S' THEN NOT has_sequence_privilege(${role}, c.oid, 'USAGE') ELSE false END ORDER BY 1`;
  const functions = await sql<{ id: string }[]>`
    SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS id
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE (n.nspname = 'pgboss' OR (n.nspname = 'public' AND p.proname = 'sequence_entries'))
      AND NOT has_function_privilege(${role}, p.oid, 'EXECUTE') ORDER BY 1`;
  return [
    ...sequences.map(({ id }) => `GRANT USAGE ON SEQUENCE ${id} TO ${quoted(role)}`),
    ...functions.map(({ id }) => `GRANT EXECUTE ON FUNCTION ${id} TO ${quoted(role)}`),
  ];
}

const everyExcess = [
  'superuser',
  'owner',
  'makes_roles',
  'replicates',
  'creates',
  'server_files',
  'ledger_rights',
] as const;
/** Why a role could rewrite the ledger or get more rights by itself. */
export type Excess = (typeof everyExcess)[number];

/** What the service's own connection could do beyond its work: nothing, where the roles are separated. */
export async function excessOfOwnRole(db: Database): Promise<{ role: string; excess: readonly Excess[] }> {
  const [row] = await db.sql<({ role: string } & Record<Excess, boolean>)[]>`
    SELECT r.rolname AS role, r.rolsuper AS superuser, r.rolcreaterole AS makes_roles, r.rolreplication AS replicates,
      EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'pgboss') AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'MEMBER'))
      OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND pg_has_role(proowner, 'MEMBER'))
      OR (SELECT pg_has_role(datdba, 'MEMBER') FROM pg_database WHERE datname = current_database()) AS owner,
      has_schema_privilege('public', 'CREATE') OR has_schema_privilege('pgboss', 'CREATE')
        OR has_database_privilege(current_database(), 'CREATE') AS creates,
      pg_has_role('pg_execute_server_program', 'MEMBER') OR pg_has_role('pg_write_server_files', 'MEMBER')
        OR pg_has_role('pg_read_server_files', 'MEMBER')
        OR has_parameter_privilege('session_replication_role', 'SET') AS server_files,
      has_table_privilege('public.ledger_entries', 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
        OR has_table_privilege('public.ledger_checkpoints', 'UPDATE, DELETE, TRUNCATE, TRIGGER')
        OR has_table_privilege('public.ledger_tiles', 'UPDATE, DELETE, TRUNCATE, TRIGGER')
        OR has_table_privilege('public.ledger_pending', 'UPDATE, DELETE, TRUNCATE, TRIGGER')
        OR has_table_privilege('pgboss.bam', 'INSERT, UPDATE, TRIGGER')
        OR has_table_privilege('pgboss.queue', 'INSERT, UPDATE, TRIGGER') AS ledger_rights
    FROM pg_roles r WHERE r.rolname = current_user`;
  if (!row) throw new Error('the connection has no role');
  return { role: row.role, excess: everyExcess.filter((kind) => row[kind]) };
}
