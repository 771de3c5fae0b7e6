import type { Link, TableDataset } from '../../policy/data-map.ts';
import type { Due } from '../../policy/due.ts';
import { type ColumnTypes, joinSql, type SourceShape, type SqlDialect, typeOf } from './dialect.ts';
import { childLinks, linksInto } from './links.ts';
import { keptBeneath } from './select.ts';

/** Columns by which some hold names rows. */
export interface HeldColumns {
  readonly columns: readonly string[];
  /** One of those holds has a range or is limited to some datasets. */
  readonly narrow: boolean;
  /**
   * Whether there are holds without a range (false), with one (true), or both. They are asked separately: a range is of
   * the row that is asked about, and keeps the planner from joining what no range concerns.
   */
  readonly ranges: readonly boolean[];
}

/** Which columns some hold names, per dataset: what `muniment.held` has now, read under the lock. */
export type HeldGroups = ReadonlyMap<string, readonly HeldColumns[]>;

/**
 * SQL conditions of which any one is true for a row `alias` of the dataset when something held covers it, each an EXISTS of
 * its own: by its own columns, by whom or what it links to, or through its parents' own. None when no hold can touch the
 * dataset, so that the common case costs nothing. Holds are predicates over what is there at this moment: a later message
 * in a held conversation is held.
 * @param only restrict to these holds (for counting by hold); absent: any hold
 */
export function heldConditions(
  shape: SourceShape,
  dataset: TableDataset,
  alias: string,
  groups: HeldGroups,
  only?: string,
): readonly string[] {
  const covered = { dataset: dataset.id, times: [] };
  return ownWays(shape, dataset, covered, alias, groups, only, new Set([dataset.id])).map(existsSql);
}

/**
 * One way by which a row is held: the tables between it and the hold, and what joins them. It stays flat, one EXISTS over
 * a join and never one within another: a range is of the row that is asked about, and from two levels further in the
 * planner could not join by it any more.
 */
interface Way {
  readonly tables: readonly string[];
  readonly where: readonly string[];
}

function existsSql({ tables, where }: Way): string {
  return `EXISTS (SELECT 1 FROM ${tables.join(', ')} WHERE ${where.join(' AND ')})`;
}

/** The time of a row as SQL, and its type. */
interface RowTime {
  readonly sql: string;
  readonly type: string;
}

/**
 * The row that is asked about. A hold may be limited to some datasets and to a range of time: both are asked of this row,
 * wherever the hold's anchor is. A message is in the range by its own date, not by that of its conversation's beginning;
 * what has no date of its own goes by the nearest row it hangs on that has one.
 */
interface Covered {
  readonly dataset: string;
  /** The row's own first. */
  readonly times: readonly RowTime[];
}

function timesOf({ types, dialect }: SourceShape, dataset: TableDataset, alias: string): readonly RowTime[] {
  if (dataset.time === null) return [];
  return [{ sql: `${alias}.${dialect.name(dataset.time)}`, type: typeOf(types.get(dataset.id) ?? {}, dataset.time) }];
}

/** SQL that is true unless the row lies outside the range of `h`. What has no date anywhere cannot be said to. */
function inRange(dialect: SqlDialect, [at, ...further]: readonly RowTime[]): string {
  if (!at) return 'true';
  const { isBefore, isAfter } = dialect.held;
  const own = `(${isBefore(at.sql, at.type)}) IS NOT TRUE AND (${isAfter(at.sql, at.type)}) IS NOT TRUE`;
  return further.length === 0 ? own : `CASE WHEN ${at.sql} IS NULL THEN ${inRange(dialect, further)} ELSE ${own} END`;
}

function ownWays(
  shape: SourceShape,
  dataset: TableDataset,
  asked: Covered,
  alias: string,
  groups: HeldGroups,
  only: string | undefined,
  path: ReadonlySet<string>,
): readonly Way[] {
  const types = shape.types.get(dataset.id) ?? {};
  const covered = { ...asked, times: [...asked.times, ...timesOf(shape, dataset, alias)] };
  const direct = (groups.get(dataset.id) ?? []).flatMap(({ columns, ranges }) =>
    ranges.map((ranged) =>
      heldBy(shape.dialect, covered, ranged, dataset, columns, types, columns, types, alias, only),
    ),
  );
  const throughLinks = dataset.links.flatMap((link) =>
    linkWays(shape, dataset, covered, link, alias, groups, only, path),
  );
  return [...direct, ...throughLinks];
}

function linkWays(
  shape: SourceShape,
  dataset: TableDataset,
  covered: Covered,
  link: Link,
  alias: string,
  groups: HeldGroups,
  only: string | undefined,
  path: ReadonlySet<string>,
): readonly Way[] {
  const parent = shape.source.datasets.find((candidate) => candidate.id === link.to.dataset);
  if (!parent || path.has(parent.id)) return [];
  const types = shape.types.get(dataset.id) ?? {};
  const parentTypes = shape.types.get(parent.id) ?? {};
  const isLinkKey = ({ columns }: HeldColumns) => sameColumns(columns, link.to.columns);
  // The parent is named by the very columns this row carries: no need to visit the parent.
  const named = (groups.get(parent.id) ?? [])
    .filter(isLinkKey)
    .flatMap(({ columns, ranges }) =>
      ranges.map((ranged) =>
        heldBy(shape.dialect, covered, ranged, parent, columns, parentTypes, link.columns, types, alias, only),
      ),
    );
  const others: HeldGroups = new Map(
    [...groups].map(([id, lists]) => [id, id === parent.id ? lists.filter((list) => !isLinkKey(list)) : lists]),
  );
  const parentAlias = `${alias}p`;
  const parentWays = ownWays(shape, parent, covered, parentAlias, others, only, new Set([...path, parent.id]));
  const join = joinSql(shape, dataset, alias, link, parentAlias);
  return [
    ...named,
    ...parentWays.map(({ tables, where }) => ({
      tables: [`${shape.dialect.table(parent)} ${parentAlias}`, ...tables],
      where: [join, ...where],
    })),
  ];
}

/** The columns of a dataset that hold mail addresses of people. */
function mailColumnsOf(dataset: TableDataset): readonly string[] {
  return Object.entries(dataset.identifiers).flatMap(([kind, column]) => (kind === 'email' ? [column] : []));
}

/**
 * What is held for `anchor` on `anchorColumns`, compared with this row's `columns`. Values are what the anchor's columns
 * hold, so they are read as those types: as a narrower one of a link they might be no value at all.
 */
function heldBy(
  dialect: SqlDialect,
  covered: Covered,
  ranged: boolean,
  anchor: TableDataset,
  anchorColumns: readonly string[],
  anchorTypes: ColumnTypes,
  columns: readonly string[],
  types: ColumnTypes,
  alias: string,
  only: string | undefined,
): Way {
  const { held } = dialect;
  const mailColumns = mailColumnsOf(anchor);
  const values = columns.map((column, i) => {
    const anchorColumn = anchorColumns[i] ?? '';
    const [expression, type] = [`${alias}.${dialect.name(column)}`, typeOf(types, column)];
    // As a search finds people (find.ts): the same address written otherwise is the same person, held before it was written.
    if (mailColumns.includes(anchorColumn)) return held.address(i, expression, type);
    return held.value(i, typeOf(anchorTypes, anchorColumn), expression, type);
  });
  const where = [
    `h.dataset = ${dialect.literal(anchor.id)}`,
    held.names(anchorColumns),
    held.within(covered.dataset),
    ...(only === undefined ? [] : [`h.hold = ${dialect.literal(only)}`]),
    ...values,
    ...(ranged
      ? ['(h.from_at IS NOT NULL OR h.to_at IS NOT NULL)', inRange(dialect, covered.times)]
      : ['h.from_at IS NULL', 'h.to_at IS NULL']),
  ];
  return { tables: [held.table], where };
}

function sameColumns(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((column, i) => column === b[i]);
}

function narrowOnly(groups: HeldGroups): HeldGroups {
  return new Map(
    [...groups].flatMap(([id, lists]): [string, readonly HeldColumns[]][] => {
      const some = lists.filter(({ narrow }) => narrow);
      return some.length > 0 ? [[id, some]] : [];
    }),
  );
}

/**
 * SQL that is true for a row `alias` that may not go although nothing holds it itself: a row hanging on it is held
 * (it would cascade or be unlinked), or a `restrict` link still points at it. Each condition by itself is one reason.
 * @param staying SQL that is false for a child's row that goes before this one, and so is in nobody's way
 * @param kept SQL that is true for a child's row that would go too and that a rule of its own keeps; null: none does
 */
export function blockedByChildren(
  shape: SourceShape,
  dataset: TableDataset,
  alias: string,
  groups: HeldGroups,
  staying: (child: TableDataset, alias: string) => string = () => '',
  kept: (child: TableDataset, alias: string) => string | null = () => null,
): { held: readonly string[]; restricted: readonly string[] } {
  const held: string[] = [];
  const restricted: string[] = [];
  const narrow = narrowOnly(groups);
  for (const { child, link, onDispose } of childLinks(shape.source, dataset)) {
    const childAlias = `${alias}c`;
    const join = joinSql(shape, child, childAlias, link, alias);
    const exists = (condition: string) =>
      `EXISTS (SELECT 1 FROM ${shape.dialect.table(child)} ${childAlias} WHERE ${join}${condition ? ` AND ${condition}` : ''})`;
    if (onDispose === 'restrict') {
      restricted.push(exists(staying(child, childAlias)));
      continue;
    }
    // Seen from the child, what holds the parent is the parent's own business, asked above. Not so where a hold is
    // limited to the child's dataset, or to a range of time: it may cover the child through the parent that it spares.
    const covered = { dataset: child.id, times: [] };
    const dated = { ...covered, times: timesOf(shape, child, childAlias) };
    const own = [
      ...ownWays(shape, child, covered, childAlias, groups, undefined, new Set([child.id, dataset.id])),
      ...(narrow.size > 0
        ? linkWays(shape, child, dated, link, childAlias, narrow, undefined, new Set([child.id]))
        : []),
    ];
    held.push(
      ...own.map(({ tables, where }) =>
        existsSql({ tables: [`${shape.dialect.table(child)} ${childAlias}`, ...tables], where: [join, ...where] }),
      ),
    );
    if (onDispose === 'cascade' && child.id !== dataset.id) {
      const keptSql = kept(child, childAlias);
      if (keptSql !== null) restricted.push(exists(keptSql));
      const deeper = blockedByChildren(shape, child, childAlias, groups, staying, kept);
      held.push(...deeper.held.map(exists));
      restricted.push(...deeper.restricted.map(exists));
    }
  }
  return { held, restricted };
}

/**
 * SQL that is true for a row `alias` by which something beneath it is held, and no more once its masked columns say something
 * else: a hold that is limited to other datasets, or to a range of time, may reach them through a row that it spares.
 * Each condition by itself is one reason; none where no hold goes by what is masked here.
 */
export function holdsBeneath(
  shape: SourceShape,
  dataset: TableDataset,
  alias: string,
  groups: HeldGroups,
): readonly string[] {
  const narrow = narrowOnly(groups);
  const isMasked = (column: string) => (dataset.fields[column]?.mask ?? null) !== null;
  // The ways up that go by a masked column: what is held by this row's own, and where it links to.
  const changing = { ...dataset, links: dataset.links.filter(({ columns }) => columns.some(isMasked)) };
  const own = (narrow.get(dataset.id) ?? []).filter(({ columns }) => columns.some(isMasked));
  const byMasked: HeldGroups = new Map([...narrow, [dataset.id, own]]);
  const walk = (parent: TableDataset, parentAlias: string, down: Down): readonly string[] =>
    linksInto(shape.source, parent).flatMap(({ child, link }) => {
      if (down.path.has(child.id)) return [];
      const childAlias = `${parentAlias}c`;
      // By a masked column the child itself is found: then every way up from here is cut.
      const isCut = down.isCut || (parent === dataset && link.to.columns.some(isMasked));
      const here: Down = {
        tables: [...down.tables, `${shape.dialect.table(child)} ${childAlias}`],
        where: [...down.where, joinSql(shape, child, childAlias, link, parentAlias)],
        times: [...timesOf(shape, child, childAlias), ...down.times],
        path: new Set([...down.path, child.id]),
        isCut,
      };
      const asked = { dataset: child.id, times: here.times };
      const [from, by] = isCut ? [dataset, narrow] : [changing, byMasked];
      const ways = ownWays(shape, from, asked, alias, by, undefined, here.path).map(({ tables, where }) =>
        existsSql({ tables: [...here.tables, ...tables], where: [...here.where, ...where] }),
      );
      return [...ways, ...walk(child, childAlias, here)];
    });
  if (narrow.size === 0) return [];
  return walk(dataset, alias, { tables: [], where: [], times: [], path: new Set([dataset.id]), isCut: false });
}

/** How a row beneath is reached. */
interface Down extends Way {
  /** The nearest to the end first. */
  readonly times: readonly RowTime[];
  readonly path: ReadonlySet<string>;
  readonly isCut: boolean;
}

/** SQL that is true when any of the conditions is; null when there is none, and so nothing to ask. */
export function anyOf(conditions: readonly string[]): string | null {
  return conditions.length > 0 ? `(${conditions.join(' OR ')})` : null;
}

/**
 * SQL conditions under which a row `t` may go: nothing holds it, nothing that hangs on it is held, nothing restricts it. To
 * be masked, nothing has to hold the row itself, or anything beneath by what is masked: the rows stay.
 * @param due null for an erasure, which no retention rule keeps from anything
 */
export function freeConditions(
  shape: SourceShape,
  dataset: TableDataset,
  groups: HeldGroups,
  due: Due | null,
  act: 'destroy' | 'mask' = due?.act ?? 'destroy',
): readonly string[] {
  if (act === 'mask')
    return [...heldConditions(shape, dataset, 't', groups), ...holdsBeneath(shape, dataset, 't', groups)].map(
      (condition) => `NOT ${condition}`,
    );
  // One NOT EXISTS a condition, never NOT (… OR …): the planner makes an anti join of the one and a loop of the other.
  const children = blockedByChildren(
    shape,
    dataset,
    't',
    groups,
    undefined,
    (child, alias) => due && keptBeneath(shape, child, alias, due),
  );
  return [...heldConditions(shape, dataset, 't', groups), ...children.held, ...children.restricted].map(
    (condition) => `NOT ${condition}`,
  );
}
