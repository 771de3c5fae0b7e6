import { formatInstant } from '../../core/instants.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import { type ColumnTypes, type Condition, typeOf } from '../sql/dialect.ts';

/** A quoted identifier. */
export function name(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A quoted string literal, safe whatever `standard_conforming_strings` says. */
export function literal(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '')}'`;
}

export function table(dataset: TableDataset): string {
  return `${name(dataset.table.schema)}.${name(dataset.table.name)}`;
}

/**
 * An instant as a constant of a time column's type. Constants, not parameters: the driver would cut a parameter to
 * milliseconds, and the planner needs to see the bound. A column without a zone is read as UTC, and a date as the
 * start of its day, so that a record is never taken earlier than it says.
 */
export function timeConstant(instant: Temporal.Instant | string, type: string): string {
  const text = typeof instant === 'string' ? instant : formatInstant(instant);
  if (type.startsWith('timestamp') && type.includes('without'))
    return `(timestamptz ${literal(text)} AT TIME ZONE 'UTC')`;
  if (type === 'date') return `(timestamptz ${literal(text)} AT TIME ZONE 'UTC')::date`;
  return `timestamptz ${literal(text)}`;
}

const timeTypes = ['timestamp with time zone', 'timestamp without time zone', 'date'] as const;

/** Whether a column of this type can tell when a record was made (precision, as in `timestamp(3) …`, aside). */
export function isTimeType(type: string): boolean {
  const plain = type.replace(/\(\d\)/, '');
  return timeTypes.some((known) => known === plain);
}

/** Types whose values Postgres compares with each other as they are, by an index where there is one. */
const families = [
  ['smallint', 'integer', 'bigint', 'numeric'],
  ['text', 'character varying'],
] as const;

function plainType(type: string): string {
  return type.replace(/\([\d,]+\)/, '');
}

/** Whether columns of these two types can be compared without turning both into text. */
function areComparable(a: string, b: string): boolean {
  const [plainA, plainB] = [plainType(a), plainType(b)];
  return plainA === plainB || families.some((family) => [plainA, plainB].every((x) => family.some((y) => x === y)));
}

/**
 * Two expressions as SQL can compare them. Links need no foreign key, so a text column may name a row by its number:
 * then both are compared as text, and a uuid without case, rather than failing in the middle of a run.
 */
export function comparablePair(a: string, typeA: string, b: string, typeB: string): readonly [string, string] {
  if (areComparable(typeA, typeB)) return [a, b];
  const asText = (expression: string) =>
    typeA === 'uuid' || typeB === 'uuid' ? `lower(${expression}::text)` : `${expression}::text`;
  return [asText(a), asText(b)];
}

/** SQL for "these are the same value". */
export function sameValue(a: string, typeA: string, b: string, typeB: string): string {
  return comparablePair(a, typeA, b, typeB).join(' = ');
}

/** SQL for "these columns are one of these value lists": one text array a column, cast to the columns' types. */
export function among(
  dataset: TableDataset,
  types: ColumnTypes,
  columns: readonly string[],
  values: readonly (readonly string[])[],
  alias: string,
  from: readonly string[] = columns.map((column) => typeOf(types, column)),
  first = 1,
): Condition {
  if (columns.length === 0) throw new Error(`${dataset.id}: no columns to look a row up by`);
  const parameters = columns.map((_, i) => values.map((value) => value[i] ?? ''));
  const pairs = columns.map((column, i) => {
    const type = typeOf(types, column);
    const theirs = from[i] ?? type;
    return comparablePair(`${alias}.${name(column)}`, type, `v${i}::${theirs}`, theirs);
  });
  const ours = pairs.map(([our]) => our);
  const list = columns.map((_, i) => `v${i}`).join(', ');
  const given = `unnest(${columns.map((_, i) => `$${i + first}::text[]`).join(', ')}) AS given (${list})`;
  const theirs = pairs.map(([, their]) => their).join(', ');
  const condition =
    columns.length === 1
      ? `${ours[0]} = ANY(ARRAY(SELECT ${theirs} FROM ${given}))`
      : `(${ours.join(', ')}) IN (SELECT ${theirs} FROM ${given})`;
  return { condition, parameters };
}
