import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Drift } from '../../disposition/drift.ts';
import { calledTable, type TableDataset } from '../../policy/data-map.ts';
import type { Catalog, Reference } from '../sql/check.ts';
import { typeOf } from '../sql/dialect.ts';
import { columnsOf, primaryKey, type SqliteConnection, type SqliteShape } from './connection.ts';
import { sqliteDialect } from './dialect.ts';
import { ownTables } from './journal.ts';
import type { RemoteSession } from './sessions.ts';
import { utcText } from './times.ts';
import { classOf, formOf, name, table, text } from './words.ts';

/** What a SQLite file says of its tables, keys and references, of what its times hold, and whether it may be written. */
export async function readCatalog(connection: SqliteConnection): Promise<Catalog> {
  const shape = await connection.shape();
  return await connection.reading(async (session) => {
    // A shadow table is its virtual table's own storage, and told by it.
    const rows = await session.all<{ name: string }>(
      `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`,
    );
    const tables = rows.map((row) => row.name).filter((called) => !ownTables.has(called));
    const uniqueKeys = new Map<string, readonly (readonly string[])[]>();
    const references: Reference[] = [];
    for (const called of tables) {
      uniqueKeys.set(called, await uniqueKeysOf(session, called));
      references.push(...(await referencesOf(session, called, tables)));
    }
    const more = [
      ...(await missingRights(connection)),
      ...(await keysThatReadAlike(session, shape)),
      ...(await unreadableTimes(session, shape)),
    ];
    return { tables, uniqueKeys, references, more };
  });
}

/** Those of the primary key, which has no index of its own where it is the rowid, and those of unique indexes. */
async function uniqueKeysOf(session: RemoteSession, called: string): Promise<readonly (readonly string[])[]> {
  const own = primaryKey(await columnsOf(session, called)).toSorted();
  const indexed = await session.all<{ columns: string }>(
    `SELECT (SELECT json_group_array(c.name) FROM pragma_index_info(i.name, 'main') c) AS columns
     FROM pragma_index_list(:called, 'main') i WHERE i."unique" AND NOT i.partial`,
    { called },
  );
  // An index over an expression names no column there.
  const keys = indexed.map(({ columns }) => (JSON.parse(columns) as (string | null)[]).map((column) => column ?? ''));
  return [...(own.length > 0 ? [own] : []), ...keys.map((columns) => columns.toSorted())];
}

async function referencesOf(
  session: RemoteSession,
  child: string,
  tables: readonly string[],
): Promise<readonly Reference[]> {
  const rows = await session.all<{ id: number; parent: string; columns: string }>(
    `SELECT id, "table" AS parent, json_group_array("from") AS columns
     FROM pragma_foreign_key_list(:child, 'main') GROUP BY id ORDER BY id`,
    { child },
  );
  return rows.map(({ id, parent, columns }) => ({
    child,
    // A reference may write the name in other letters than the table has.
    parent: tables.find((called) => called.toLowerCase() === parent.toLowerCase()) ?? parent,
    constraint: `foreign key ${id + 1}`,
    columns: JSON.parse(columns) as string[],
  }));
}

/** A warning: a source that is only read from needs none of it; a run is refused. */
async function missingRights({ source, file }: SqliteConnection): Promise<readonly Drift[]> {
  const found = (detail: string): readonly Drift[] => [
    { source: source.name, subject: source.name, code: 'cannot_write', detail, level: 'warning' },
  ];
  if (file.isReadOnly) return found('The file is opened with mode=ro. Nothing can be destroyed or held there.');
  try {
    await access(file.path, constants.R_OK | constants.W_OK);
    await access(dirname(file.path), constants.W_OK);
    return [];
  } catch {
    return found(
      'This user may not write the file and its folder, where SQLite keeps its journal. Nothing can be destroyed or held there.',
    );
  }
}

/**
 * Records of which SQLite keeps the keys apart (1 and '1' in a column that takes either), and nobody who reads them can:
 * who asks for one would get the other, too.
 */
async function keysThatReadAlike(session: RemoteSession, shape: SqliteShape): Promise<readonly Drift[]> {
  const found: Drift[] = [];
  for (const dataset of shape.source.datasets) {
    const types = shape.types.get(dataset.id) ?? {};
    const mayHoldAnything = dataset.key.some((column) =>
      ['none', 'blob'].includes(classOf(types[column] ?? 'integer')),
    );
    if (!mayHoldAnything || dataset.key.some((column) => types[column] === undefined)) continue;
    const key = dataset.key.map((column) => text(`t.${name(column)}`)).join(', ');
    const alike = await session.all(
      `SELECT 1 AS alike FROM ${table(dataset)} t GROUP BY ${key} HAVING count(*) > 1 LIMIT 1`,
    );
    if (alike.length > 0)
      found.push({
        source: shape.source.name,
        subject: dataset.id,
        code: 'key_not_unique',
        detail: `${calledTable(dataset)} has rows whose keys differ in nothing but their type, such as 1 and '1'. Give ${dataset.key.join(', ')} a type, or mend those rows.`,
        level: 'drift',
      });
  }
  return found;
}

/** Records whose time is none as the data map says it is written: they would never be due, and nobody would hear of it. */
async function unreadableTimes(session: RemoteSession, shape: SqliteShape): Promise<readonly Drift[]> {
  const found: Drift[] = [];
  for (const dataset of shape.source.datasets) {
    const count = await countUnreadable(session, shape, dataset);
    if (count > 0)
      found.push({
        source: shape.source.name,
        subject: dataset.id,
        code: 'time_not_a_time',
        detail: `${count} of ${calledTable(dataset)} hold something in ${dataset.time} that is no time written as ${dataset.timeAs ?? 'text'}. They would never be due. Mend them, or say with timeAs how time is written there.`,
        level: 'drift',
      });
  }
  return found;
}

async function countUnreadable(session: RemoteSession, shape: SqliteShape, dataset: TableDataset): Promise<number> {
  const types = shape.types.get(dataset.id);
  if (!types || dataset.time === null || types[dataset.time] === undefined) return 0;
  const type = typeOf(types, dataset.time);
  const form = formOf(type);
  if (form === null || !sqliteDialect.isTimeType(type)) return 0;
  const time = `t.${name(dataset.time)}`;
  const [row] = await session.all<{ n: number }>(
    `SELECT count(*) AS n FROM ${table(dataset)} t WHERE ${time} IS NOT NULL AND ${utcText(time, form, 'start')} IS NULL`,
  );
  return row?.n ?? 0;
}
