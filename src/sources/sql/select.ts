import type { TableDataset } from '../../policy/data-map.ts';
import type { Due, Kept } from '../../policy/due.ts';
import type { Condition, Selection } from '../../policy/selection.ts';
import { joinSql, type SourceShape, typeOf } from './dialect.ts';

/** SQL that is true or false, never null, for a row `alias` that meets every condition. */
export function selectionSql(shape: SourceShape, dataset: TableDataset, alias: string, selection: Selection): string {
  return selection.length === 0
    ? 'true'
    : selection.map((condition) => conditionSql(shape, dataset, alias, condition)).join(' AND ');
}

function conditionSql(shape: SourceShape, dataset: TableDataset, alias: string, condition: Condition): string {
  const { value, type } = valueSql(shape, dataset, alias, condition);
  const wanted = condition.values.filter((one) => one !== null);
  const any = [
    ...(wanted.length > 0 ? [`(${shape.dialect.isOneOf(value, type, wanted)}) IS TRUE`] : []),
    ...(condition.values.includes(null) ? [`${value} IS NULL`] : []),
  ].join(' OR ');
  return condition.isNot ? `NOT (${any})` : `(${any})`;
}

/** The column's value, at the end of its links: null where they lead to no row. */
function valueSql(
  shape: SourceShape,
  dataset: TableDataset,
  alias: string,
  { through, column }: Condition,
): { readonly value: string; readonly type: string } {
  const { name, table } = shape.dialect;
  const [tables, joins]: [string[], string[]] = [[], []];
  let [at, here] = [dataset, alias];
  for (const link of through) {
    const parent = shape.source.datasets.find(({ id }) => id === link.to.dataset);
    if (!parent) throw new Error(`${link.to.dataset} is not in source ${shape.source.name}`);
    const there = `${here}w`;
    tables.push(`${table(parent)} ${there}`);
    joins.push(joinSql(shape, at, here, link, there));
    [at, here] = [parent, there];
  }
  const type = typeOf(shape.types.get(at.id) ?? {}, column);
  const value = `${here}.${name(column)}`;
  // Where a link led to several rows the statement would fail, and the run with it: which of them was meant?
  return tables.length === 0
    ? { value, type }
    : { value: `(SELECT ${value} FROM ${tables.join(', ')} WHERE ${joins.join(' AND ')})`, type };
}

/** SQL that is true for a row that this keeps: what it selects, and is not old enough for it, or has no time to tell. */
function keptSql(shape: SourceShape, dataset: TableDataset, alias: string, { where, not, before }: Kept): string {
  const conditions = [
    ...(where.length > 0 ? [selectionSql(shape, dataset, alias, where)] : []),
    ...not.map((one) => `NOT (${selectionSql(shape, dataset, alias, one)})`),
    ...(before === null || dataset.time === null ? [] : [`(${olderSql(shape, dataset, alias, before)}) IS NOT TRUE`]),
  ];
  return conditions.length === 0 ? 'true' : `(${conditions.join(' AND ')})`;
}

function olderSql(shape: SourceShape, dataset: TableDataset, alias: string, before: Temporal.Instant): string {
  const time = dataset.time ?? '';
  const { name, isBefore } = shape.dialect;
  return isBefore(`${alias}.${name(time)}`, typeOf(shape.types.get(dataset.id) ?? {}, time), before);
}

/** The conditions, beside its age, under which a row `alias` is due by the rule and by every other that has a say. */
export function dueConditions(shape: SourceShape, dataset: TableDataset, alias: string, due: Due): readonly string[] {
  const unmasked = () => shape.dialect.unmasked(dataset, shape.types.get(dataset.id) ?? {}, alias);
  return [
    ...(due.act === 'mask' ? [unmasked()] : []),
    ...(due.where.length > 0 ? [selectionSql(shape, dataset, alias, due.where)] : []),
    ...due.not.map((one) => `NOT (${selectionSql(shape, dataset, alias, one)})`),
    ...due.keptBy.map((kept) => `NOT ${keptSql(shape, dataset, alias, kept)}`),
  ];
}

/** SQL that is true for a row beneath, which would go too, that another rule keeps; null where none has a say. */
export function keptBeneath(shape: SourceShape, child: TableDataset, alias: string, due: Due): string | null {
  const kept = due.beneath[child.id];
  return kept ? `(${kept.map((one) => keptSql(shape, child, alias, one)).join(' OR ')})` : null;
}
