import type { Drift } from '../../disposition/drift.ts';
import type { SqlSource, TableDataset } from '../../policy/data-map.ts';
import { errorCode } from '../fault.ts';
import type { SqlConnection } from './connection.ts';
import { isTimeType } from './dialect.ts';
import { childLinks } from './held.ts';

/**
 * Compare the source's schema with the data map (I11): every table is mapped or exempted by name, every mapped column
 * is there, keys are unique, time columns are times, every foreign key that points at a dataset is declared.
 * An unreachable source is one finding, never an exception.
 */
export async function checkSource(connection: SqlConnection): Promise<readonly Drift[]> {
  const { source, sql } = connection;
  const found: Drift[] = [];
  const report = (subject: string, code: Drift['code'], detail: string, level: Drift['level'] = 'drift') =>
    found.push({ source: source.name, subject, code, detail, level });
  try {
    await connection.reach();
  } catch (error) {
    report(
      source.name,
      'unreachable',
      `Cannot reach the database: ${reasonOf(error)}. Check the url and that it accepts connections.`,
    );
    return found;
  }
  // A materialized view is a copy: it keeps what was destroyed where it was copied from.
  const tables = await sql<{ schema: string; name: string }[]>`
    SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'm') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'muniment') AND n.nspname NOT LIKE 'pg\\_toast%'
    ORDER BY 1, 2`;
  const mapped = new Set(source.datasets.map(({ table }) => `${table.schema}.${table.name}`));
  const present = new Set(tables.map(({ schema, name }) => `${schema}.${name}`));
  for (const table of present)
    if (!mapped.has(table) && source.exempt[table] === undefined)
      report(
        table,
        'table_unmapped',
        `Table ${table} is neither in the data map nor exempted. Map it, or exempt it by name with a reason.`,
      );
  const shape = await connection.shape();
  for (const dataset of source.datasets) {
    const table = `${dataset.table.schema}.${dataset.table.name}`;
    const types = shape.types.get(dataset.id);
    if (!types) {
      report(dataset.id, 'table_missing', `Table ${table} is in the data map but not in the source.`);
      continue;
    }
    const columns = new Set([
      ...dataset.key,
      ...(dataset.time === null ? [] : [dataset.time]),
      ...Object.values(dataset.identifiers),
      ...dataset.links.flatMap((link) => link.columns),
      ...Object.keys(dataset.fields),
      ...(dataset.file ? [dataset.file.column] : []),
    ]);
    for (const column of columns)
      if (types[column] === undefined)
        report(dataset.id, 'column_missing', `Column ${column} of ${table} is in the data map but not in the source.`);
    const timeType = dataset.time === null ? undefined : types[dataset.time];
    if (timeType !== undefined && !isTimeType(timeType))
      report(
        dataset.id,
        'time_not_a_time',
        `${table}.${dataset.time} is ${timeType}; a retention window needs a timestamp or a date.`,
      );
    const [unique] = await sql<{ ok: boolean }[]>`
      SELECT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = ${quotedName(dataset.table)}::regclass AND i.indisunique
        AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
        AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text COLLATE "C") FROM pg_attribute a
          WHERE a.attrelid = i.indrelid AND a.attnum = ANY((i.indkey::int2[])[0:i.indnkeyatts - 1])) = ${[...dataset.key].sort()}::text[]) AS ok`;
    if (!unique?.ok)
      report(
        dataset.id,
        'key_not_unique',
        `${table} has no unique index on (${dataset.key.join(', ')}): that key does not name one row.`,
      );
  }
  found.push(...(await undeclaredReferences(connection)), ...(await missingRights(connection)));
  return found;
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
    const called = `${dataset.table.schema}.${dataset.table.name}`;
    if (table && !table.may)
      found.push(report(dataset.id, `This user may not read and delete rows of ${called}. Grant SELECT and DELETE.`));
    if (table && !table.sees)
      found.push(report(dataset.id, `Row-level security hides rows of ${called} from this user. Grant it BYPASSRLS.`));
  }
  return found;
}

/** Foreign keys that point at a dataset and that the data map does not say what to do with. */
async function undeclaredReferences({ source, sql }: SqlConnection): Promise<readonly Drift[]> {
  const keys = await sql<{ child: string; parent: string; constraint: string; columns: string[] }[]>`
    SELECT cn.nspname || '.' || cc.relname AS child, pn.nspname || '.' || pc.relname AS parent, k.conname AS constraint,
      (SELECT array_agg(a.attname::text) FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)) AS columns
    FROM pg_constraint k JOIN pg_class cc ON cc.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = cc.relnamespace
      JOIN pg_class pc ON pc.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = pc.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY 1, 2, 3`;
  const disposed = disposedDatasets(source);
  return keys.flatMap(({ child, parent, constraint, columns }): Drift[] => {
    const parentDataset = source.datasets.find(({ table }) => `${table.schema}.${table.name}` === parent);
    if (!parentDataset) return [];
    // Each key for itself: of two (a sender and a recipient) the one that is not declared would act on its own.
    const declared = childLinks(source, parentDataset).some(
      ({ child: { table }, link }) =>
        `${table.schema}.${table.name}` === child &&
        link.columns.length === columns.length &&
        link.columns.every((column) => columns.includes(column)),
    );
    if (declared) return [];
    return [
      {
        source: source.name,
        subject: parentDataset.id,
        code: 'reference_undeclared',
        detail: `${child} (${columns.join(', ')}) references ${parent} (${constraint}) and the data map does not say what becomes of those rows: add a link there and onDispose: cascade, restrict or unlink here.`,
        level: disposed.has(parentDataset.id) ? 'drift' : 'warning',
      },
    ];
  });
}

/** Datasets a run can destroy rows of: those with a window, and what goes with them. */
function disposedDatasets(source: SqlSource): ReadonlySet<string> {
  const disposed = new Set<string>();
  const visit = (dataset: TableDataset) => {
    if (disposed.has(dataset.id)) return;
    disposed.add(dataset.id);
    for (const { child, onDispose } of childLinks(source, dataset)) if (onDispose === 'cascade') visit(child);
  };
  for (const dataset of source.datasets) if (dataset.time !== null) visit(dataset);
  return disposed;
}

function quotedName({ schema, name }: { schema: string; name: string }): string {
  return `"${schema.replaceAll('"', '""')}"."${name.replaceAll('"', '""')}"`;
}

function reasonOf(error: unknown): string {
  // The driver's message may quote the url; its code does not.
  return errorCode(error) || 'no answer';
}
