import type { HoldClause } from '../../disposition/hold.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import type { HoldScope } from '../../policy/hold.ts';
import type { SqlConnection } from './connection.ts';
import { literal, name, sameValue, table, timeConstant, typeOf } from './dialect.ts';
import type { ReachedRow } from './find.ts';
import type { SourceShape } from './held.ts';
import { among, keyText } from './keys.ts';
import { compileScope } from './scope.ts';
import { streamRows } from './stream.ts';

/** A record as stored: every column as the text Postgres writes, null where it is null. */
export type StoredRecord = Readonly<Record<string, string | null>>;

/**
 * Read named rows, a few hundred at a time, in the order of their keys as given.
 * @throws Error when one is not there any more: what was found and what is read must be the same
 * @param extra what to read besides, as SQL expressions over `t` by name
 */
export async function* readRows(
  connection: SqlConnection,
  dataset: TableDataset,
  rows: readonly ReachedRow[],
  extra: Readonly<Record<string, string>> = {},
): AsyncGenerator<StoredRecord> {
  const shape = await connection.shape();
  const types = shape.types.get(dataset.id) ?? {};
  const columns = [
    ...Object.keys(types).map((column) => `t.${name(column)}::text AS ${name(column)}`),
    ...Object.entries(extra).map(([as, expression]) => `(${expression})::text AS ${name(as)}`),
  ].join(', ');
  for (let start = 0; start < rows.length; start += 500) {
    const part = rows.slice(start, start + 500);
    const { condition, parameters } = among(
      dataset,
      types,
      dataset.key,
      part.map((row) => row.key),
      't',
    );
    const found = await connection.sql.unsafe<Record<string, string | null>[]>(
      `SELECT ${columns} FROM ${table(dataset)} t WHERE ${condition}`,
      [...parameters],
    );
    const byKey = new Map(found.map((record) => [keyText(dataset.key.map((column) => record[column] ?? '')), record]));
    for (const row of part) {
      const record = byKey.get(keyText(row.key));
      if (!record) throw new Error(`a record of ${dataset.id} went away after it was found`);
      yield { ...record };
    }
  }
}

/**
 * Stream what a scope covers of one dataset, oldest first, through a cursor: memory does not grow with the export.
 * @param columns what to read besides, as SQL expressions over `t` by name (a sender's name, a conversation's subject)
 */
export async function* readScope(
  connection: SqlConnection,
  dataset: TableDataset,
  scope: HoldScope,
  columns: Readonly<Record<string, string>> = {},
): AsyncGenerator<StoredRecord> {
  const shape = await connection.shape();
  const types = shape.types.get(dataset.id) ?? {};
  const condition = await scopeCondition(connection, dataset, scope, shape.types);
  if (condition === null) return;
  const own = Object.keys(types).map((column) => `t.${name(column)}::text AS ${name(column)}`);
  const extra = Object.entries(columns).map(([as, expression]) => `(${expression})::text AS ${name(as)}`);
  const order = [...(dataset.time === null ? [] : [dataset.time]), ...dataset.key].map((column) => `t.${name(column)}`);
  const parts = streamRows<Record<string, string | null>>(
    connection.sql,
    `SELECT ${[...own, ...extra].join(', ')} FROM ${table(dataset)} t WHERE ${condition} ORDER BY ${order.join(', ')}`,
    2000,
  );
  for await (const part of parts) for (const record of part) yield { ...record };
}

/** Count what `readScope` would stream. */
export async function countScope(connection: SqlConnection, dataset: TableDataset, scope: HoldScope): Promise<number> {
  const shape = await connection.shape();
  const condition = await scopeCondition(connection, dataset, scope, shape.types);
  if (condition === null) return 0;
  const [row] = await connection.sql.unsafe<{ n: string }[]>(
    `SELECT count(*) AS n FROM ${table(dataset)} t WHERE ${condition}`,
  );
  return Number(row?.n ?? 0);
}

/**
 * What a scope means for one dataset when records are given out: all that is asked for must be met. A person *and* a
 * conversation are that person's records in that conversation. (A hold covers either: it protects too much rather than
 * too little; a disclosure errs the other way.) Null: nothing here is meant.
 */
async function scopeCondition(
  connection: SqlConnection,
  dataset: TableDataset,
  scope: HoldScope,
  types: SourceShape['types'],
): Promise<string | null> {
  const parts: HoldScope[] = [];
  if (scope.subjects.length > 0) parts.push({ ...scope, keys: {} });
  if (Object.keys(scope.keys).length > 0) parts.push({ ...scope, subjects: [] });
  const conditions: string[] = [];
  for (const part of parts.length > 0 ? parts : [scope]) {
    const condition = anyClause(dataset, await compileScope(connection, part), types);
    if (condition === null) return null;
    conditions.push(`(${condition})`);
  }
  return conditions.join(' AND ');
}

/** Any of these clauses, on the dataset's own columns or those it links by. Constants: a cursor is planned with them. */
function anyClause(
  dataset: TableDataset,
  clauses: readonly HoldClause[],
  allTypes: SourceShape['types'],
): string | null {
  const types = allTypes.get(dataset.id) ?? {};
  const conditions = clauses.flatMap((clause) => {
    if (clause.within && !clause.within.includes(dataset.id)) return [];
    const columns = columnsFor(dataset, clause);
    if (columns === null) return [];
    const values = columns.map((column, i) => {
      const anchor = typeOf(allTypes.get(clause.dataset) ?? {}, clause.columns[i] ?? '');
      const value = `${literal(clause.values[i] ?? '')}::${anchor}`;
      return sameValue(`t.${name(column)}`, typeOf(types, column), value, anchor);
    });
    const range: string[] = [];
    if (dataset.time !== null) {
      const time = `t.${name(dataset.time)}`;
      const type = typeOf(types, dataset.time);
      // A date stands for its noon in UTC: an instant of that very day in nearly every zone that days were asked in.
      const [at, as] = type === 'date' ? [`(${time} + time '12:00')`, 'timestamp without time zone'] : [time, type];
      if (clause.from !== null) range.push(`${at} >= ${timeConstant(clause.from, as)}`);
      if (clause.to !== null) range.push(`${at} < ${timeConstant(nextMillisecond(clause.to), as)}`);
    }
    const all = [...values, ...range];
    return [all.length > 0 ? `(${all.join(' AND ')})` : 'true'];
  });
  return conditions.length > 0 ? conditions.join(' OR ') : null;
}

/** The end of a millisecond that is meant whole: columns count in microseconds. */
function nextMillisecond(instant: string): Temporal.Instant {
  return Temporal.Instant.from(instant).add({ milliseconds: 1 });
}

function columnsFor(dataset: TableDataset, clause: HoldClause): readonly string[] | null {
  if (clause.dataset === dataset.id) return clause.columns;
  if (clause.columns.length === 0) return null;
  const link = dataset.links.find(
    ({ to }) =>
      to.dataset === clause.dataset &&
      to.columns.length === clause.columns.length &&
      to.columns.every((column, i) => column === clause.columns[i]),
  );
  return link ? link.columns : null;
}
