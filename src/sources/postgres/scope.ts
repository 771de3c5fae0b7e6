import type { InputProblem } from '../../core/refusal.ts';
import type { HoldClause } from '../../disposition/hold.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import type { HoldScope } from '../../policy/hold.ts';
import type { SqlConnection } from './connection.ts';
import { typeOf } from './dialect.ts';
import { findSubject, type ReachedRow } from './find.ts';
import { canonicalValues, keyText } from './keys.ts';

/**
 * Compile a hold's scope into clauses for this source. Clauses are predicates, not lists of what exists today: a person
 * is held by the row that names them, a conversation by its key, and everything that links there, now or later, is
 * covered through the links. Compiling again later adds what is new (a conversation joined since) and loses nothing.
 */
export async function compileScope(connection: SqlConnection, scope: HoldScope): Promise<readonly HoldClause[]> {
  const { from, to } = scope;
  const clauses: HoldClause[] = [];
  const named = (dataset: TableDataset) => scope.datasets.length === 0 || scope.datasets.includes(dataset.id);
  if (scope.subjects.length > 0) clauses.push(...(await subjectClauses(connection, scope)));
  for (const [dataset, keys] of Object.entries(scope.keys))
    if (connection.source.datasets.some(({ id }) => id === dataset))
      for (const key of keys) {
        const columns = Object.keys(key).sort();
        clauses.push({ dataset, columns, values: columns.map((column) => key[column] ?? ''), within: null, from, to });
      }
  if (scope.subjects.length === 0 && Object.keys(scope.keys).length === 0)
    // Each dataset by its own time: through links, whoever cannot be dated (a user) would hold all that is theirs.
    for (const dataset of connection.source.datasets)
      if (named(dataset))
        clauses.push({ dataset: dataset.id, columns: [], values: [], within: [dataset.id], from, to });
  const within = scope.datasets.length > 0 ? scope.datasets : null;
  return placeable(
    connection,
    clauses.map((clause) => ({ ...clause, within: clause.within ?? within })),
  );
}

/**
 * The clauses with their values as the columns write them. One whose value its column cannot hold names no record, now
 * or later, and is left out: in a statement it would fail every batch of the source.
 */
async function placeable(connection: SqlConnection, clauses: readonly HoldClause[]): Promise<readonly HoldClause[]> {
  const { types } = await connection.shape();
  const values = new Map<string, Set<string>>();
  const place = (clause: HoldClause, i: number) => {
    const type = typeOf(types.get(clause.dataset) ?? {}, clause.columns[i] ?? '');
    if (!values.has(type)) values.set(type, new Set());
    return type;
  };
  for (const clause of clauses)
    for (const [i, value] of clause.values.entries()) values.get(place(clause, i))?.add(value);
  const canonical = new Map<string, Map<string, string | null>>();
  for (const [type, set] of values) {
    const given = [...set];
    const written = await canonicalValues(connection.sql, type, given);
    canonical.set(type, new Map(given.map((value, i) => [value, written[i] ?? null])));
  }
  return clauses.flatMap((clause) => {
    const written = clause.values.map((value, i) => canonical.get(place(clause, i))?.get(value) ?? null);
    const known = written.filter((value) => value !== null);
    return known.length === written.length ? [{ ...clause, values: known }] : [];
  });
}

/** Values in a scope that their column cannot hold, such as a word for a number: pointers into the scope. */
export async function wrongKeys(connection: SqlConnection, scope: HoldScope): Promise<readonly InputProblem[]> {
  const { types } = await connection.shape();
  const wrong: InputProblem[] = [];
  for (const [dataset, rows] of Object.entries(scope.keys)) {
    const columns = types.get(dataset);
    if (!columns) continue;
    const cells = rows.flatMap((row, i) => Object.entries(row).map(([column, value]) => ({ i, column, value })));
    for (const column of new Set(cells.map((cell) => cell.column))) {
      const ofColumn = cells.filter((cell) => cell.column === column);
      const type = typeOf(columns, column);
      const written = await canonicalValues(
        connection.sql,
        type,
        ofColumn.map(({ value }) => value),
      );
      for (const [n, { i }] of ofColumn.entries())
        if (written[n] === null)
          wrong.push({
            pointer: `/keys/${dataset}/${i}/${column.replaceAll('~', '~0').replaceAll('/', '~1')}`,
            code: 'value_invalid',
            detail: `Column "${column}" of ${dataset} is ${type} and cannot hold this value. Write one that it can.`,
          });
    }
  }
  return wrong;
}

async function subjectClauses(connection: SqlConnection, scope: HoldScope): Promise<readonly HoldClause[]> {
  const reached = await findSubject(connection, scope.subjects, 'any_case');
  const clauses = new Map<string, HoldClause>();
  const hold = (dataset: TableDataset, columns: readonly string[], row: ReachedRow) => {
    const values = columns.map((column) => row.columns[column] ?? '');
    clauses.set(`${dataset.id} ${columns.join()} ${keyText(values)}`, {
      dataset: dataset.id,
      columns,
      values,
      within: null,
      from: scope.from,
      to: scope.to,
    });
  };
  for (const dataset of connection.source.datasets) {
    const identified = Object.keys(dataset.identifiers).length > 0;
    const roots = [
      ...(identified ? (reached.own.get(dataset.id) ?? []) : []),
      ...(isOwned(connection, dataset) ? (reached.own.get(dataset.id) ?? []) : []),
      ...(isMemberTarget(connection, dataset) ? (reached.shared.get(dataset.id) ?? []) : []),
    ];
    for (const row of roots) {
      hold(dataset, dataset.key, row);
      for (const columns of linkTargets(connection, dataset)) hold(dataset, columns, row);
    }
    // The identifier itself: a row written tomorrow with this address is covered, too.
    for (const [kind, column] of Object.entries(dataset.identifiers))
      for (const { value } of scope.subjects.filter((subject) => subject.kind === kind))
        hold(dataset, [column], { key: [], columns: { [column]: value.trim() } });
  }
  return [...clauses.values()];
}

function linksTo(connection: SqlConnection, dataset: TableDataset) {
  return connection.source.datasets.flatMap((other) => other.links.filter((link) => link.to.dataset === dataset.id));
}

function isMemberTarget(connection: SqlConnection, dataset: TableDataset): boolean {
  return linksTo(connection, dataset).some((link) => link.member);
}

function isOwned(connection: SqlConnection, dataset: TableDataset): boolean {
  return linksTo(connection, dataset).some((link) => link.owns);
}

function linkTargets(connection: SqlConnection, dataset: TableDataset): readonly (readonly string[])[] {
  return [...new Map(linksTo(connection, dataset).map((link) => [link.to.columns.join(), link.to.columns])).values()];
}
