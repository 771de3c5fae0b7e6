import type { Drift } from '../../disposition/drift.ts';
import { calledTable } from '../../policy/data-map.ts';
import type { Catalog, Reference } from '../sql/check.ts';
import type { SqlConnection } from './connection.ts';
import { missingGuards } from './guard.ts';

/**
 * What PostgreSQL says of its tables, keys and references, and of what this user may do there.
 * @param isGuarded whether the source itself is to refuse to delete what is held
 */
export async function readCatalog(connection: SqlConnection, isGuarded: boolean): Promise<Catalog> {
  const { sql } = connection;
  // A materialized view is a copy: it keeps what was destroyed where it was copied from.
  const tables = await sql<{ called: string }[]>`
    SELECT n.nspname || '.' || c.relname AS called FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'm') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'muniment') AND n.nspname NOT LIKE 'pg\\_toast%'
    ORDER BY n.nspname, c.relname`;
  const unique = await sql<{ called: string; columns: string[] }[]>`
    SELECT n.nspname || '.' || c.relname AS called,
      (SELECT array_agg(a.attname::text ORDER BY a.attname::text COLLATE "C") FROM pg_attribute a
        WHERE a.attrelid = i.indrelid AND a.attnum = ANY((i.indkey::int2[])[0:i.indnkeyatts - 1])) AS columns
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'muniment') AND n.nspname NOT LIKE 'pg\\_toast%'`;
  const references = await sql<Reference[]>`
    SELECT cn.nspname || '.' || cc.relname AS child, pn.nspname || '.' || pc.relname AS parent, k.conname AS constraint,
      (SELECT array_agg(a.attname::text) FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)) AS columns
    FROM pg_constraint k JOIN pg_class cc ON cc.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = cc.relnamespace
      JOIN pg_class pc ON pc.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = pc.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY 1, 2, 3`;
  const uniqueKeys = Map.groupBy(unique, ({ called }) => called);
  return {
    tables: tables.map(({ called }) => called),
    uniqueKeys: new Map([...uniqueKeys].map(([called, keys]) => [called, keys.map(({ columns }) => columns)])),
    references,
    more: [...(await missingRights(connection)), ...(isGuarded ? await missingGuards(connection) : [])],
  };
}

/**
 * What this user may not do. Warnings: a source that is only read from needs none of it; a run on the dataset is refused.
 * Row-level security counts: a user who does not see every row would report "nothing due" of those it cannot see (I4).
 */
async function missingRights({ source, sql }: SqlConnection): Promise<readonly Drift[]> {
  const report = (subject: string, detail: string): Drift => ({
    source: source.name,
    subject,
    code: 'cannot_write',
    detail,
    level: 'warning',
  });
  const [whole] = await sql<{ readOnly: boolean; own: boolean }[]>`
    SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS "readOnly",
      CASE WHEN to_regnamespace('muniment') IS NULL THEN has_database_privilege(current_database(), 'CREATE')
        ELSE has_schema_privilege('muniment', 'USAGE') AND NOT EXISTS (SELECT 1 FROM pg_class c
          WHERE c.relnamespace = to_regnamespace('muniment') AND c.relkind = 'r'
            AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))) END AS own`;
  const found: Drift[] = [];
  if (whole?.readOnly)
    found.push(report(source.name, 'The database is read-only for this user. Nothing can be destroyed or held there.'));
  if (whole?.own === false)
    found.push(
      report(source.name, 'This user may not write in a schema "muniment" of its own. Grant CREATE on the database.'),
    );
  const tables = await sql<{ schema: string; name: string; may: boolean; sees: boolean }[]>`
    SELECT n.nspname AS schema, c.relname AS name,
      has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'DELETE') AS may,
      NOT row_security_active(c.oid) AS sees
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')`;
  for (const dataset of source.datasets) {
    const table = tables.find(({ schema, name }) => schema === dataset.table.schema && name === dataset.table.name);
    const called = calledTable(dataset);
    if (table && !table.may)
      found.push(report(dataset.id, `This user may not read and delete rows of ${called}. Grant SELECT and DELETE.`));
    if (table && !table.sees)
      found.push(report(dataset.id, `Row-level security hides rows of ${called} from this user. Grant it BYPASSRLS.`));
  }
  return found;
}
