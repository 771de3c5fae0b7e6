import { formatInstant } from '../../core/instants.ts';
import type { TableDataset } from '../../policy/data-map.ts';

/** A quoted identifier. Names come from the checked data map, and are quoted all the same. */
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

/** SQL types of a dataset's columns as Postgres writes them (`bigint`, `timestamp with time zone`, …). */
export type ColumnTypes = Readonly<Record<string, string>>;

/** The column's type. A column that is not there was refused by the drift check long before: this is a fault. */
export function typeOf(types: ColumnTypes, column: string): string {
  const type = types[column];
  if (type === undefined) throw new Error(`column ${column} has no known type; the drift check must run first`);
  return type;
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
