import type { HoldClause } from '../../disposition/hold.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import type { HoldScope } from '../../policy/hold.ts';
import { type Besides, selectList } from './beside.ts';
import { type SourceShape, type SqlEngine, typeOf } from './dialect.ts';
import type { ReachedRow } from './find.ts';
import { keyText } from './keys.ts';
import { compileScope } from './scope.ts';

/** A record as stored: every column as the text the source writes, null where it is null. */
export type StoredRecord = Readonly<Record<string, string | null>>;

/**
 * Read named rows, a few hundred at a time, in the order of their keys as given.
 * @throws Error when one is not there any more: what was found and what is read must be the same
 */
export async function* readRows(
  engine: SqlEngine,
  dataset: TableDataset,
  rows: readonly ReachedRow[],
  besides: Besides = {},
): AsyncGenerator<StoredRecord> {
  const shape = await engine.shape();
  const types = shape.types.get(dataset.id) ?? {};
  const columns = selectList(shape, dataset, besides);
  for (let start = 0; start < rows.length; start += 500) {
    const part = rows.slice(start, start + 500);
    const { condition, parameters } = engine.dialect.among(
      dataset,
      types,
      dataset.key,
      part.map((row) => row.key),
      't',
    );
    const found = await engine.rows<Record<string, string | null>>(
      `SELECT ${columns} FROM ${engine.dialect.table(dataset)} t WHERE ${condition}`,
      parameters,
    );
    const byKey = new Map(found.map((record) => [keyText(dataset.key.map((column) => record[column] ?? '')), record]));
    for (const row of part) {
      const record = byKey.get(keyText(row.key));
      if (!record) throw new Error(`a record of ${dataset.id} went away after it was found`);
      yield { ...record };
    }
  }
}

/** Stream what a scope covers of one dataset, oldest first, through a cursor: memory does not grow with the export. */
export async function* readScope(
  engine: SqlEngine,
  dataset: TableDataset,
  scope: HoldScope,
  besides: Besides = {},
): AsyncGenerator<StoredRecord> {
  const shape = await engine.shape();
  const condition = await scopeCondition(engine, dataset, scope, shape);
  if (condition === null) return;
  const { name, table } = engine.dialect;
  const order = [...(dataset.time === null ? [] : [dataset.time]), ...dataset.key].map((column) => `t.${name(column)}`);
  const parts = engine.stream<Record<string, string | null>>(
    `SELECT ${selectList(shape, dataset, besides)} FROM ${table(dataset)} t WHERE ${condition} ORDER BY ${order.join(', ')}`,
    2000,
  );
  for await (const part of parts) for (const record of part) yield { ...record };
}

/** Count what `readScope` would stream. */
export async function countScope(engine: SqlEngine, dataset: TableDataset, scope: HoldScope): Promise<number> {
  const condition = await scopeCondition(engine, dataset, scope, await engine.shape());
  if (condition === null) return 0;
  const [row] = await engine.rows<{ n: unknown }>(
    `SELECT count(*) AS n FROM ${engine.dialect.table(dataset)} t WHERE ${condition}`,
  );
  return Number(row?.n ?? 0);
}

/**
 * What a scope means for one dataset when records are given out: all that is asked for must be met. A person *and* a
 * conversation are that person's records in that conversation. (A hold covers either: it protects too much rather than
 * too little; a disclosure errs the other way.) Null: nothing here is meant.
 */
async function scopeCondition(
  engine: SqlEngine,
  dataset: TableDataset,
  scope: HoldScope,
  shape: SourceShape,
): Promise<string | null> {
  const parts: HoldScope[] = [];
  if (scope.subjects.length > 0) parts.push({ ...scope, keys: {} });
  if (Object.keys(scope.keys).length > 0) parts.push({ ...scope, subjects: [] });
  const conditions: string[] = [];
  for (const part of parts.length > 0 ? parts : [scope]) {
    const condition = anyClause(dataset, await compileScope(engine, part), shape);
    if (condition === null) return null;
    conditions.push(`(${condition})`);
  }
  return conditions.join(' AND ');
}

/** Any of these clauses, on the dataset's own columns or those it links by. Constants: a cursor is planned with them. */
function anyClause(
  dataset: TableDataset,
  clauses: readonly HoldClause[],
  { types: allTypes, dialect }: SourceShape,
): string | null {
  const { name, timeConstant } = dialect;
  const types = allTypes.get(dataset.id) ?? {};
  const conditions = clauses.flatMap((clause) => {
    if (clause.within && !clause.within.includes(dataset.id)) return [];
    const columns = columnsFor(dataset, clause);
    if (columns === null) return [];
    const values = columns.map((column, i) => {
      const anchor = typeOf(allTypes.get(clause.dataset) ?? {}, clause.columns[i] ?? '');
      return dialect.isOneOf(`t.${name(column)}`, typeOf(types, column), [clause.values[i] ?? ''], anchor);
    });
    const range: string[] = [];
    if (dataset.time !== null) {
      const [at, as] = dialect.shownTime(`t.${name(dataset.time)}`, typeOf(types, dataset.time));
      if (clause.from !== null) range.push(`${at} >= ${timeConstant(clause.from, as)}`);
      if (clause.to !== null) range.push(`${at} < ${timeConstant(nextMillisecond(clause.to), as)}`);
    }
    const all = [...values, ...range];
    return [all.length > 0 ? `(${all.join(' AND ')})` : 'true'];
  });
  return conditions.length > 0 ? conditions.join(' OR ') : null;
}

/** The end of a millisecond that is meant whole: columns may count in microseconds. */
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
