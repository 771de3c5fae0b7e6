import { type SqlDialect, typeOf } from '../sql/dialect.ts';
import { unfitForMask, unmaskedSql } from './mask.ts';
import { isBefore, utcOf, utcText } from './times.ts';
import { affinityOf, classOf, comparablePair, formOf, literal, name, table, text, timeForm } from './words.ts';

const isNumber = (value: string) => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value);
const isBytes = (value: string) => /^\\x([0-9a-f]{2})*$/.test(value);

/** SQLite knows no truths, and writes them as numbers. */
export const truths: Readonly<Record<string, string>> = { true: '1', false: '0' };

const isOneOf: SqlDialect['isOneOf'] = (expression, type, written, from = type) => {
  const kind = classOf(type);
  const list = (constants: readonly string[]) => `IN (${constants.join(', ')})`;
  if (kind === classOf(from)) {
    const number = (one: string) => truths[one] ?? (isNumber(one) ? one : literal(one));
    if (kind === 'number') return `${expression} ${list(written.map(number))}`;
    if (kind === 'blob')
      return `${expression} ${list(written.map((one) => (isBytes(one) ? `x'${one.slice(2)}'` : literal(one))))}`;
    if (kind === 'text') return `${expression} ${list(written.map(literal))}`;
  }
  return `${text(expression)} ${list(written.map(literal))}`;
};

const among: SqlDialect['among'] = (dataset, types, columns, values, alias, from, first = 1) => {
  if (columns.length === 0) throw new Error(`${dataset.id}: no columns to look a row up by`);
  const pairs = columns.map((column, i) => {
    const type = typeOf(types, column);
    const kind = classOf(type);
    const [ours, theirs] = [`${alias}.${name(column)}`, `json_extract(j.value, '$[${i}]')`];
    if (kind === 'none' || kind !== classOf(from?.[i] ?? type)) return [text(ours), theirs];
    const bytes = `CASE WHEN ${theirs} GLOB '\\x*' THEN unhex(substr(${theirs}, 3)) ELSE ${theirs} END`;
    return [ours, kind === 'blob' ? bytes : theirs];
  });
  const list = (side: 0 | 1) => pairs.map((pair) => pair[side]).join(', ');
  const ours = columns.length === 1 ? list(0) : `(${list(0)})`;
  return {
    condition: `${ours} IN (SELECT ${list(1)} FROM json_each(:p${first}) j)`,
    parameters: [values.map((row) => JSON.stringify(columns.map((_, i) => row[i] ?? '')))],
  };
};

const identified: SqlDialect['identified'] = (expression, type, kind, values, mail) => {
  const same = (how: (text: string) => string, here = text(expression)) =>
    `${how(here)} IN (SELECT ${how('j.value')} FROM json_each(:p1) j)`;
  const parameters = [values];
  if (kind !== 'email') {
    // Not as the column sorts: with NOCASE, ABC would be abc.
    const here = classOf(type) === 'text' ? `${expression} COLLATE BINARY` : text(expression);
    return { condition: same((one) => one, here), parameters };
  }
  // SQLite's own lower() is for A to Z alone, and what an application has an index for.
  if (mail === 'proven') return { condition: same((one) => `lower(${one})`, expression), parameters };
  return { condition: same((one) => `muniment_lower(${one})`), parameters };
};

export const sqliteDialect: SqlDialect = {
  name,
  literal,
  table,
  text,
  sameValue: (a, typeA, b, typeB) => comparablePair(a, typeA, b, typeB).join(' = '),
  isOneOf,
  among,
  identified,
  unfitForMask,
  unmasked: unmaskedSql,
  // A number that a column keeps as text is compared as text: '9' would be later than '1577836800'.
  isTimeType: (type) => formOf(type) !== null && (formOf(type) === 'text' || affinityOf(type) !== 'text'),
  timeConstant: (instant) => literal(utcOf(instant)),
  isBefore: (expression, type, instant) => isBefore(expression, timeForm(type), instant),
  shownTime: (expression, type) => [utcText(expression, timeForm(type), 'noon'), 'text'],
  instantText: (expression, type) => `${utcText(expression, timeForm(type), 'start')} || 'Z'`,
  keyDigest: (dataset, _types, alias) =>
    `muniment_sha256(${dataset.key.map((column) => text(`${alias}.${name(column)}`)).join(' || char(31) || ')})`,
  jsonRows(dataset, types, condition) {
    const pairs = Object.keys(types).map((column) => `${literal(column)}, ${text(`a.${name(column)}`)}`);
    const order = dataset.key.map((column) => `a.${name(column)}`);
    return `SELECT json_group_array(json_object(${pairs.join(', ')}) ORDER BY ${order.join(', ')}) FROM ${table(dataset)} a WHERE ${condition}`;
  },
  held: {
    table: 'main.muniment_held h',
    names: (columns) => `h.cols = ${literal(columnsText(columns))}`,
    within: (dataset) =>
      `(h.within_datasets IS NULL OR EXISTS (SELECT 1 FROM json_each(h.within_datasets) w WHERE w.value = ${literal(dataset)}))`,
    value(i, anchorType, expression, type) {
      const theirs = heldValue(i);
      // Numbers are written alike, but for the whole ones of a column of reals.
      const isReal = [anchorType, type].some((each) => affinityOf(each) === 'real');
      return isReal && classOf(anchorType) === classOf(type)
        ? `CAST(${theirs} AS NUMERIC) = ${expression}`
        : `${theirs} = ${text(expression)}`;
    },
    address(i, expression) {
      const theirs = i === 0 ? 'h.first_lower' : `muniment_lower(${heldValue(i)})`;
      return `${theirs} = muniment_lower(${text(expression)})`;
    },
    isBefore: (expression, type) => `${utcText(expression, timeForm(type), 'end')} < h.from_at`,
    isAfter: (expression, type) => `${utcText(expression, timeForm(type), 'start')} > h.to_at`,
  },
};

/** Columns as `muniment_held` names them. */
export function columnsText(columns: readonly string[]): string {
  return JSON.stringify(columns);
}

/** The first of a hold's values has a column of its own, and an index; in small letters, another. */
function heldValue(i: number): string {
  return i === 0 ? 'h.first_value' : `json_extract(h.vals, '$[${i}]')`;
}
