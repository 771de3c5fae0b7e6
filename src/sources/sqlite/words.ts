import type { TableDataset, TimeForm } from '../../policy/data-map.ts';

/** What a column makes of a value that is put into it (https://www.sqlite.org/datatype3.html); `none` takes it as it is. */
export type Affinity = 'integer' | 'real' | 'numeric' | 'text' | 'blob' | 'none';

/** The affinity that a declared type gives (section 3.1 there), BLOB and no type at all kept apart. */
function affinityOfDeclared(declared: string): Affinity {
  const type = declared.toUpperCase();
  if (type.includes('INT')) return 'integer';
  if (/CHAR|CLOB|TEXT/.test(type)) return 'text';
  if (type.includes('BLOB')) return 'blob';
  if (type === '' || type === 'ANY') return 'none';
  return /REAL|FLOA|DOUB/.test(type) ? 'real' : 'numeric';
}

/** A column's type as the shape has it: its affinity, and for a dataset's time how it is written. */
export function columnType(declared: string, form: TimeForm | null): string {
  const affinity = affinityOfDeclared(declared);
  return form === null ? affinity : `${affinity} as ${form}`;
}

export function affinityOf(type: string): string {
  return type.split(' ')[0] ?? '';
}

export function formOf(type: string): TimeForm | null {
  const form = type.split(' as ')[1];
  return form === 'text' || form === 'seconds' || form === 'milliseconds' ? form : null;
}

/** @throws Error for a column that is not the time of its dataset: the drift check must run first */
export function timeForm(type: string): TimeForm {
  const form = formOf(type);
  if (form === null) throw new Error(`a column of type ${type} is no time`);
  return form;
}

/** Columns of one class hold one value in one way, so that they can be compared as they are, by an index. */
export function classOf(type: string): 'number' | 'text' | 'blob' | 'none' {
  const affinity = affinityOf(type);
  return affinity === 'text' || affinity === 'blob' || affinity === 'none' ? affinity : 'number';
}

/** A quoted identifier. */
export function name(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

export function literal(text: string): string {
  return `'${text.replaceAll('\0', '').replaceAll("'", "''")}'`;
}

export function table(dataset: TableDataset): string {
  return `main.${name(dataset.table.name)}`;
}

/** A value as text: bytes as `\x` and hexadecimal digits, anything else as SQLite writes it. */
export function text(expression: string): string {
  return `CASE typeof(${expression}) WHEN 'blob' THEN '\\x' || lower(hex(${expression})) ELSE CAST(${expression} AS TEXT) END`;
}

/** Two expressions as SQL can compare them: as they are where they are of one class, and otherwise both as text. */
export function comparablePair(a: string, typeA: string, b: string, typeB: string): readonly [string, string] {
  return classOf(typeA) === classOf(typeB) ? [a, b] : [text(a), text(b)];
}
