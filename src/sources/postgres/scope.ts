import type { HoldClause } from '../../disposition/hold.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import type { HoldScope } from '../../policy/hold.ts';
import type { SqlConnection } from './connection.ts';
import { findSubject, type ReachedRow } from './find.ts';
import { keyText } from './keys.ts';

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
    for (const dataset of connection.source.datasets)
      if (named(dataset)) clauses.push({ dataset: dataset.id, columns: [], values: [], within: null, from, to });
  const within = scope.datasets.length > 0 ? scope.datasets : null;
  return clauses.map((clause) => ({ ...clause, within }));
}

async function subjectClauses(connection: SqlConnection, scope: HoldScope): Promise<readonly HoldClause[]> {
  const reached = await findSubject(connection, scope.subjects);
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
        hold(dataset, [column], { key: [], columns: { [column]: value } });
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
