import { formatInstant } from '../../core/instants.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import { type ColumnTypes, type Condition, type SqlDialect, typeOf } from '../sql/dialect.ts';

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
function sameValue(a: string, typeA: string, b: string, typeB: string): string {
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

const identified: SqlDialect['identified'] = (expression, _type, kind, values, mail) => {
  const here = `${expression}::text`;
  // The first is what an application has an index for; "C" lowers A to Z and nothing else.
  const inAnyCase = `lower(${here}) = ANY(ARRAY(SELECT lower(w) FROM unnest($1::text[]) w))`;
  const inAsciiCase = `lower(${here} COLLATE "C") = ANY(ARRAY(SELECT lower(w COLLATE "C") FROM unnest($1::text[]) w))`;
  const address = mail === 'any_case' ? inAnyCase : `${inAnyCase} AND ${inAsciiCase}`;
  return { condition: kind === 'email' ? address : `${here} = ANY($1::text[])`, parameters: [values] };
};

export const postgresDialect: SqlDialect = {
  name,
  literal,
  table,
  value: (text, type) => `${literal(text)}::${type}`,
  text: (expression) => `${expression}::text`,
  sameValue,
  among,
  identified,
  isTimeType,
  timeConstant,
  isBefore: (expression, type, instant) => `${expression} < ${timeConstant(instant, type)}`,
  // A date stands for its noon in UTC: an instant of that very day in nearly every zone that days were asked in.
  shownTime: (expression, type) =>
    type === 'date' ? [`(${expression} + time '12:00')`, 'timestamp without time zone'] : [expression, type],
  instantText: (expression) => `${expression}::text`,
  keyDigest: (dataset, _types, alias) =>
    `sha256(convert_to(${dataset.key.map((column) => `${alias}.${name(column)}::text`).join(` || E'\\x1f' || `)}, 'UTF8'))`,
  jsonRows: (dataset, _types, condition) =>
    `SELECT coalesce(jsonb_agg(to_jsonb(a) ORDER BY ${dataset.key.map((column) => `a.${name(column)}`).join(', ')}), '[]')::text FROM ${table(dataset)} a WHERE ${condition}`,
  held: {
    table: 'muniment.held h',
    names: (columns) => `h.cols = ARRAY[${columns.map(literal).join(',')}]::text[]`,
    within: (dataset) => `(h.within IS NULL OR h.within @> ARRAY[${literal(dataset)}])`,
    value: (i, anchorType, expression, type) =>
      sameValue(`h.vals[${i + 1}]::${anchorType}`, anchorType, expression, type),
    address: (i, expression) => `lower(h.vals[${i + 1}]) = lower(${expression}::text)`,
    boundary(end, type) {
      const column = `h.${end}_at`;
      if (type.includes('without')) return `(${column} AT TIME ZONE 'UTC')`;
      if (type === 'date') return `(${column} AT TIME ZONE 'UTC')::date`;
      return column;
    },
  },
};
