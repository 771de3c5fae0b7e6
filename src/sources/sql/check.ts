import type { Drift } from '../../disposition/drift.ts';
import { calledTable, type SqlSource, type TableDataset } from '../../policy/data-map.ts';
import type { Retention } from '../../policy/retention.ts';
import { errorCode } from '../fault.ts';
import type { SourceShape, SqlEngine } from './dialect.ts';
import { childLinks } from './links.ts';

/** A foreign key of the source. Tables by the names the data map calls them. */
export interface Reference {
  readonly child: string;
  readonly parent: string;
  readonly constraint: string;
  readonly columns: readonly string[];
}

/** What a source says of itself, tables by the names the data map calls them. */
export interface Catalog {
  readonly tables: readonly string[];
  /** The columns, sorted, of every unique index that names whole rows, by table. */
  readonly uniqueKeys: ReadonlyMap<string, readonly (readonly string[])[]>;
  readonly references: readonly Reference[];
  /** What only this engine looks at: rights, storage, what columns really hold. */
  readonly more: readonly Drift[];
}

/**
 * Compare the source's schema with the data map (I11): every table is mapped or exempted by name, every mapped column
 * is there, keys are unique, time columns are times, every foreign key that points at a dataset is declared. What the
 * conditions of retention rules ask about is there, too, and can have the values that they name.
 * An unreachable source is one finding, never an exception.
 */
export async function checkSource(
  engine: SqlEngine,
  reach: () => Promise<void>,
  readCatalog: () => Promise<Catalog>,
  retention: Retention,
): Promise<readonly Drift[]> {
  const { source, dialect } = engine;
  const found: Drift[] = [];
  const report = (subject: string, code: Drift['code'], detail: string, level: Drift['level'] = 'drift') =>
    found.push({ source: source.name, subject, code, detail, level });
  try {
    await reach();
  } catch (error) {
    report(
      source.name,
      'unreachable',
      `Cannot reach the database: ${reasonOf(error)}. Check where it is said to be and that it can be opened.`,
    );
    return found;
  }
  const catalog = await readCatalog();
  const mapped = new Set(source.datasets.map(calledTable));
  for (const table of catalog.tables)
    if (!mapped.has(table) && source.exempt[table] === undefined)
      report(
        table,
        'table_unmapped',
        `Table ${table} is neither in the data map nor exempted. Map it, or exempt it by name with a reason.`,
      );
  const shape = await engine.shape();
  for (const dataset of source.datasets) {
    const table = calledTable(dataset);
    const types = shape.types.get(dataset.id);
    if (!types) {
      report(dataset.id, 'table_missing', `Table ${table} is in the data map but not in the source.`);
      continue;
    }
    for (const column of mappedColumns(dataset))
      if (types[column] === undefined)
        report(dataset.id, 'column_missing', `Column ${column} of ${table} is in the data map but not in the source.`);
    const timeType = dataset.time === null ? undefined : types[dataset.time];
    if (timeType !== undefined && !dialect.isTimeType(timeType))
      report(
        dataset.id,
        'time_not_a_time',
        `${table}.${dataset.time} is ${timeType}; a retention window needs a timestamp or a date.`,
      );
    const key = [...dataset.key].sort().join('\n');
    if (!catalog.uniqueKeys.get(table)?.some((columns) => columns.join('\n') === key))
      report(
        dataset.id,
        'key_not_unique',
        `${table} has no unique index on (${dataset.key.join(', ')}): that key does not name one row.`,
      );
  }
  const conditions = await checkConditions(engine, shape, catalog, retention);
  for (const dataset of source.datasets.filter((one) => isMasked(one, retention)))
    for (const [column, { mask }] of Object.entries(dataset.fields)) {
      const type = shape.types.get(dataset.id)?.[column];
      const wanted = mask === null || type === undefined ? null : dialect.unfitForMask(type, mask);
      if (wanted !== null)
        report(
          dataset.id,
          'mask_unusable',
          `${calledTable(dataset)}.${column} is ${type}; mask: ${mask} needs ${wanted}. Choose another mask in sources.yaml.`,
        );
    }
  return [...found, ...conditions, ...undeclaredReferences(source, catalog.references), ...catalog.more];
}

/** Whether an erasure or a rule masks rows of this dataset. */
function isMasked(dataset: TableDataset, retention: Retention): boolean {
  return (
    dataset.erase === 'mask' ||
    Object.values(retention).some(({ datasets, dispose }) => dispose === 'mask' && datasets.includes(dataset.id))
  );
}

/** What is wrong with the conditions of rules, each thing once a rule. */
async function checkConditions(
  engine: SqlEngine,
  { source, types: all }: SourceShape,
  catalog: Catalog,
  retention: Retention,
): Promise<readonly Drift[]> {
  const found: Drift[] = [];
  const asked = Object.values(retention).flatMap(({ id, where }) =>
    source.datasets.flatMap((dataset) =>
      (where[dataset.id] ?? []).map((condition) => ({ rule: id, dataset, condition })),
    ),
  );
  for (const { rule, dataset, condition } of asked) {
    const report = (code: Drift['code'], detail: string) =>
      found.push({ source: source.name, subject: dataset.id, code, detail, level: 'drift' });
    let at = dataset;
    for (const { to } of condition.through) {
      const parent = source.datasets.find(({ id }) => id === to.dataset);
      if (!parent) throw new Error(`${to.dataset} is not in source ${source.name}`);
      at = parent;
      const columns = [...to.columns].sort().join('\n');
      if (!catalog.uniqueKeys.get(calledTable(at))?.some((key) => key.join('\n') === columns))
        report(
          'key_not_unique',
          `Rule ${rule} asks ${condition.path}, and ${calledTable(at)} has no unique index on (${to.columns.join(', ')}): it cannot be said which row is meant.`,
        );
    }
    const type = all.get(at.id)?.[condition.column];
    if (type === undefined) {
      report(
        'column_missing',
        `Rule ${rule} asks ${condition.path}, and ${calledTable(at)} has no column ${condition.column}.`,
      );
      continue;
    }
    const values = condition.values.filter((value) => value !== null);
    const known = await engine.canonicalValues(type, values);
    for (const value of values.filter((_, i) => known[i] === null))
      report(
        'value_unusable',
        `Rule ${rule} compares ${condition.path} with "${value}", which a column of type ${type} never has. Write a value of that type.`,
      );
  }
  return found;
}

/** Every column of its table that the data map names. */
function mappedColumns(dataset: TableDataset): ReadonlySet<string> {
  return new Set([
    ...dataset.key,
    ...(dataset.time === null ? [] : [dataset.time]),
    ...Object.values(dataset.identifiers),
    ...dataset.links.flatMap((link) => link.columns),
    ...Object.keys(dataset.fields),
    ...(dataset.file ? [dataset.file.column] : []),
  ]);
}

/** Foreign keys that point at a dataset and that the data map does not say what to do with. */
function undeclaredReferences(source: SqlSource, references: readonly Reference[]): readonly Drift[] {
  const disposed = disposedDatasets(source);
  return references.flatMap(({ child, parent, constraint, columns }): Drift[] => {
    const parentDataset = source.datasets.find((dataset) => calledTable(dataset) === parent);
    if (!parentDataset) return [];
    // Each key for itself: of two (a sender and a recipient) the one that is not declared would act on its own.
    const declared = childLinks(source, parentDataset).some(
      ({ child: dataset, link }) =>
        calledTable(dataset) === child &&
        link.columns.length === columns.length &&
        link.columns.every((column) => columns.includes(column)),
    );
    if (declared) return [];
    return [
      {
        source: source.name,
        subject: parentDataset.id,
        code: 'reference_undeclared',
        detail: `${child} (${columns.join(', ')}) references ${parent} (${constraint}) and the data map does not say what becomes of those rows: add a link there and onDispose: cascade, restrict or unlink here.`,
        level: disposed.has(parentDataset.id) ? 'drift' : 'warning',
      },
    ];
  });
}

/** Datasets a run can destroy rows of: those with a window, and what goes with them. */
function disposedDatasets(source: SqlSource): ReadonlySet<string> {
  const disposed = new Set<string>();
  const visit = (dataset: TableDataset) => {
    if (disposed.has(dataset.id)) return;
    disposed.add(dataset.id);
    for (const { child, onDispose } of childLinks(source, dataset)) if (onDispose === 'cascade') visit(child);
  };
  for (const dataset of source.datasets) if (dataset.time !== null) visit(dataset);
  return disposed;
}

function reasonOf(error: unknown): string {
  // A driver's message may quote the url; its code does not.
  return errorCode(error) || 'no answer';
}
