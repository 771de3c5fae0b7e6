import type { SqlDialect } from '../sql/dialect.ts';
import { unfitForMask, unmaskedSql } from './mask.ts';
import { among, comparablePair, isTimeType, literal, name, sameValue, table, timeConstant } from './words.ts';

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
  text: (expression) => `${expression}::text`,
  sameValue,
  isOneOf(expression, type, written, from = type) {
    const pairs = written.map((one) => comparablePair(expression, type, `${literal(one)}::${from}`, from));
    return `${pairs[0]?.[0]} IN (${pairs.map(([, constant]) => constant).join(', ')})`;
  },
  among,
  identified,
  isTimeType,
  timeConstant,
  isBefore: (expression, type, instant) => `${expression} < ${timeConstant(instant, type)}`,
  // A date stands for its noon in UTC: an instant of that very day in nearly every zone that days were asked in.
  shownTime: (expression, type) =>
    type === 'date' ? [`(${expression} + time '12:00')`, 'timestamp without time zone'] : [expression, type],
  unfitForMask,
  unmasked: unmaskedSql,
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
    isBefore: (expression, type) => `${expression} < ${boundary('h.from_at', type)}`,
    isAfter: (expression, type) => `${expression} > ${boundary('h.to_at', type)}`,
  },
};

/** An end of a hold's range as a time column's type has it. */
function boundary(column: string, type: string): string {
  if (type.includes('without')) return `(${column} AT TIME ZONE 'UTC')`;
  if (type === 'date') return `(${column} AT TIME ZONE 'UTC')::date`;
  return column;
}
