import type { Sql } from 'postgres';
import { describe, expect, it } from 'vitest';
import { installJournal } from '../../src/sources/postgres/journal.ts';
import { emptyDatabase, testDatabase } from '../support/database.ts';
import { golden } from '../support/golden.ts';

/** Everything a schema holds, in words that are the same on PostgreSQL 15 to 18: nothing changes unseen. */
async function describeSchema(sql: Sql, schema: string): Promise<string> {
  const tables = await sql<{ name: string; kind: string }[]>`
    SELECT c.relname AS name, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' ELSE 'view' END AS kind
    FROM pg_class c WHERE c.relnamespace = ${schema}::regnamespace AND c.relkind IN ('r', 'p', 'S', 'v', 'm')
    ORDER BY c.relname COLLATE "C"`;
  const lines: string[] = [];
  for (const { name, kind } of tables) {
    lines.push(`${kind} ${name}`);
    if (kind !== 'table') continue;
    const id = `${schema}."${name}"`;
    const rows = await sql<{ line: string }[]>`
      SELECT line FROM (
        SELECT 1 AS part, a.attnum::text AS place, '  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
          || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
          || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') AS line
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = ${id}::regclass AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        -- Since PostgreSQL 18 NOT NULL is a constraint of its own ("n"); the column's line says it.
        SELECT 2, conname, '  constraint ' || conname || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE conrelid = ${id}::regclass AND contype <> 'n'
        UNION ALL
        SELECT 3, indexrelid::regclass::text, '  ' || pg_get_indexdef(indexrelid)
        FROM pg_index WHERE indrelid = ${id}::regclass
        UNION ALL
        SELECT 4, tgname, '  ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = ${id}::regclass AND NOT tgisinternal
      ) AS facts ORDER BY part, CASE part WHEN 1 THEN lpad(place, 6, '0') ELSE place END COLLATE "C"`;
    lines.push(...rows.map(({ line }) => line));
  }
  const functions = await sql<{ text: string }[]>`
    SELECT pg_get_functiondef(oid) AS text FROM pg_proc WHERE pronamespace = ${schema}::regnamespace ORDER BY proname`;
  return `${[...lines, ...functions.map(({ text }) => text.trimEnd())].join('\n')}\n`;
}

describe('the schema', () => {
  it('of the service is its golden file', async () => {
    await using database = await testDatabase();
    golden('schema.txt', await describeSchema(database.sql, 'public'));
  });

  it('that a source gets is its golden file, and making it twice makes it once', async () => {
    await using database = await emptyDatabase();
    const { sql } = database;
    const connection = { sql } as Parameters<typeof installJournal>[0];
    await Promise.all([installJournal(connection), installJournal(connection)]);
    await sql`UPDATE muniment.state SET epoch = 7`;
    await installJournal(connection);
    expect(await sql`SELECT epoch::int FROM muniment.state`).toEqual([{ epoch: 7 }]);
    golden('source-schema.txt', await describeSchema(database.sql, 'muniment'));
  });
});
