import type { Link, TableDataset } from '../../policy/data-map.ts';
import { joinSql, type SourceShape, type SqlDialect, typeOf } from './dialect.ts';

/**
 * What is read beside a record's own columns, each under a name of its own:
 * - `linked`: a column of the row that a link leads to (a sender's name, a conversation's subject);
 * - `rows`: the rows of a dataset that link here, as the text of a JSON list of objects (attachments);
 * - `instant`: a time column as text that begins an RFC 3339 instant, whatever the source writes; without a zone it is UTC.
 */
export type Beside =
  | { readonly kind: 'linked'; readonly link: Link; readonly dataset: TableDataset; readonly column: string }
  | { readonly kind: 'rows'; readonly link: Link; readonly dataset: TableDataset }
  | { readonly kind: 'instant'; readonly column: string };

export type Besides = Readonly<Record<string, Beside>>;

/** The columns of a row `t` as text, and what is read beside them: a SELECT list. */
export function selectList(shape: SourceShape, dataset: TableDataset, besides: Besides): string {
  const { name, text } = shape.dialect;
  const types = shape.types.get(dataset.id) ?? {};
  return [
    ...Object.entries(types).map(([column, type]) => `${text(`t.${name(column)}`, type)} AS ${name(column)}`),
    ...Object.entries(besides).map(([as, beside]) => `(${besideSql(shape, dataset, beside)}) AS ${name(as)}`),
  ].join(', ');
}

function besideSql(shape: SourceShape, dataset: TableDataset, beside: Beside): string {
  const { dialect, types } = shape;
  switch (beside.kind) {
    case 'linked': {
      const type = typeOf(types.get(beside.dataset.id) ?? {}, beside.column);
      const found = dialect.text(`p.${dialect.name(beside.column)}`, type);
      return `SELECT ${found} FROM ${dialect.table(beside.dataset)} p WHERE ${joinSql(shape, dataset, 't', beside.link, 'p')} LIMIT 1`;
    }
    case 'rows': {
      const condition = joinSql(shape, beside.dataset, 'a', beside.link, 't');
      return dialect.jsonRows(beside.dataset, types.get(beside.dataset.id) ?? {}, condition);
    }
    case 'instant':
      return instantOf(dialect, beside.column, typeOf(types.get(dataset.id) ?? {}, beside.column));
  }
}

function instantOf(dialect: SqlDialect, column: string, type: string): string {
  return dialect.instantText(`t.${dialect.name(column)}`, type);
}
