import type { Drift } from '../../disposition/drift.ts';
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
    await sql`SELECT 1`;
  } catch (error) {
    report(
      source.name,
      'unreachable',
      `Cannot reach the database: ${reasonOf(error)}. Check the url and that it accepts connections.`,
    );
    return found;
  }
  const tables = await sql<{ schema: string; name: string }[]>`
    SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
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
        AND i.indpred IS NULL AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text) FROM pg_attribute a
          WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)) = ${[...dataset.key].sort()}::text[]) AS ok`;
    if (!unique?.ok)
      report(
        dataset.id,
        'key_not_unique',
        `${table} has no unique index on (${dataset.key.join(', ')}): that key does not name one row.`,
      );
  }
  found.push(...(await undeclaredReferences(connection)));
  return found;
}

/** Foreign keys that point at a dataset from a table the data map does not say what to do with. */
async function undeclaredReferences({ source, sql }: SqlConnection): Promise<readonly Drift[]> {
  const keys = await sql<{ child: string; parent: string; constraint: string }[]>`
    SELECT cn.nspname || '.' || cc.relname AS child, pn.nspname || '.' || pc.relname AS parent, k.conname AS constraint
    FROM pg_constraint k JOIN pg_class cc ON cc.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = cc.relnamespace
      JOIN pg_class pc ON pc.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = pc.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY 1, 2, 3`;
  return keys.flatMap(({ child, parent, constraint }): Drift[] => {
    const parentDataset = source.datasets.find(({ table }) => `${table.schema}.${table.name}` === parent);
    if (!parentDataset) return [];
    const declared = childLinks(source, parentDataset).some(
      ({ child: { table } }) => `${table.schema}.${table.name}` === child,
    );
    if (declared) return [];
    const isDisposed = parentDataset.time !== null;
    return [
      {
        source: source.name,
        subject: parentDataset.id,
        code: 'reference_undeclared',
        detail: `${child} references ${parent} (${constraint}) and the data map does not say what becomes of those rows: add a link there and onDispose: cascade, restrict or unlink here.`,
        level: isDisposed ? 'drift' : 'warning',
      },
    ];
  });
}

function quotedName({ schema, name }: { schema: string; name: string }): string {
  return `"${schema.replaceAll('"', '""')}"."${name.replaceAll('"', '""')}"`;
}

function reasonOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  // The driver's message may quote the url; its code does not.
  return code || 'no answer';
}
