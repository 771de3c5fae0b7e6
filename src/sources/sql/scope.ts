import type { InputProblem } from '../../core/refusal.ts';
import type { HoldClause } from '../../disposition/hold.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import type { HoldScope } from '../../policy/hold.ts';
import { type SqlEngine, typeOf } from './dialect.ts';
import { findSubject, type ReachedRow } from './find.ts';
import { keyText } from './keys.ts';

/**
 * Compile a hold's scope into clauses for this source. Clauses are predicates, not lists of what exists today: a person
 * is held by the row that names them, a conversation by its key, and everything that links there, now or later, is
 * covered through the links. Compiling again later adds what is new (a conversation joined since) and loses nothing.
 */
export async function compileScope(engine: SqlEngine, scope: HoldScope): Promise<readonly HoldClause[]> {
  const { from, to } = scope;
  const clauses: HoldClause[] = [];
  const named = (dataset: TableDataset) => scope.datasets.length === 0 || scope.datasets.includes(dataset.id);
  if (scope.subjects.length > 0) clauses.push(...(await subjectClauses(engine, scope)));
  for (const [dataset, keys] of Object.entries(scope.keys))
    if (engine.source.datasets.some(({ id }) => id === dataset))
      for (const key of keys) {
        const columns = Object.keys(key).sort();
        clauses.push({ dataset, columns, values: columns.map((column) => key[column] ?? ''), within: null, from, to });
      }
  if (scope.subjects.length === 0 && Object.keys(scope.keys).length === 0)
    // Each dataset by its own time: through links, whoever cannot be dated (a user) would hold all that is theirs.
    for (const dataset of engine.source.datasets)
      if (named(dataset))
        clauses.push({ dataset: dataset.id, columns: [], values: [], within: [dataset.id], from, to });
  const within = scope.datasets.length > 0 ? scope.datasets : null;
  return placeable(
    engine,
    clauses.map((clause) => ({ ...clause, within: clause.within ?? within })),
  );
}

/**
 * The clauses with their values as the columns write them. One whose value its column cannot hold names no record, now
 * or later, and is left out: in a statement it would fail every batch of the source.
 */
async function placeable(engine: SqlEngine, clauses: readonly HoldClause[]): Promise<readonly HoldClause[]> {
  const { types } = await engine.shape();
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
    const written = await engine.canonicalValues(type, given);
    canonical.set(type, new Map(given.map((value, i) => [value, written[i] ?? null])));
  }
  return clauses.flatMap((clause) => {
    const written = clause.values.map((value, i) => canonical.get(place(clause, i))?.get(value) ?? null);
    const known = written.filter((value) => value !== null);
    return known.length === written.length ? [{ ...clause, values: known }] : [];
  });
}

/** Values in a scope that their column cannot hold, such as a word for a number: pointers into the scope. */
export async function wrongKeys(engine: SqlEngine, scope: HoldScope): Promise<readonly InputProblem[]> {
  const { types } = await engine.shape();
  const wrong: InputProblem[] = [];
  for (const [dataset, rows] of Object.entries(scope.keys)) {
    const columns = types.get(dataset);
    if (!columns) continue;
    const cells = rows.flatMap((row, i) => Object.entries(row).map(([column, value]) => ({ i, column, value })));
    for (const column of new Set(cells.map((cell) => cell.column))) {
      const ofColumn = cells.filter((cell) => cell.column === column);
      const type = typeOf(columns, column);
      const written = await engine.canonicalValues(
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

async function subjectClauses(engine: SqlEngine, scope: HoldScope): Promise<readonly HoldClause[]> {
  const reached = await findSubject(engine, scope.subjects, 'any_case');
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
  for (const dataset of engine.source.datasets) {
    const identified = Object.keys(dataset.identifiers).length > 0;
    const roots = [
      ...(identified ? (reached.own.get(dataset.id) ?? []) : []),
      ...(isOwned(engine, dataset) ? (reached.own.get(dataset.id) ?? []) : []),
      ...(isMemberTarget(engine, dataset) ? (reached.shared.get(dataset.id) ?? []) : []),
    ];
    for (const row of roots) {
      hold(dataset, dataset.key, row);
      for (const columns of linkTargets(engine, dataset)) hold(dataset, columns, row);
    }
    // The identifier itself: a row written tomorrow with this address is covered, too.
    for (const [kind, column] of Object.entries(dataset.identifiers))
      for (const { value } of scope.subjects.filter((subject) => subject.kind === kind))
        hold(dataset, [column], { key: [], columns: { [column]: value.trim() } });
  }
  return [...clauses.values()];
}

function linksTo(engine: SqlEngine, dataset: TableDataset) {
  return engine.source.datasets.flatMap((other) => other.links.filter((link) => link.to.dataset === dataset.id));
}

function isMemberTarget(engine: SqlEngine, dataset: TableDataset): boolean {
  return linksTo(engine, dataset).some((link) => link.member);
}

function isOwned(engine: SqlEngine, dataset: TableDataset): boolean {
  return linksTo(engine, dataset).some((link) => link.owns);
}

function linkTargets(engine: SqlEngine, dataset: TableDataset): readonly (readonly string[])[] {
  return [...new Map(linksTo(engine, dataset).map((link) => [link.to.columns.join(), link.to.columns])).values()];
}
