import type { Link, TableDataset } from '../../policy/data-map.ts';
import { type Condition, type MailMatch, type SourceShape, type SqlEngine, typeOf } from './dialect.ts';
import { type KeyValues, keyText } from './keys.ts';

/** A row that the walk reached: its key, and the columns by which it links on. */
export interface ReachedRow {
  readonly key: KeyValues;
  readonly columns: Readonly<Record<string, string | null>>;
}

/** Rows by dataset: the person's own, and those that concern them because they take part in what holds them. */
export interface Reached {
  readonly own: ReadonlyMap<string, readonly ReachedRow[]>;
  readonly shared: ReadonlyMap<string, readonly ReachedRow[]>;
}

export interface Identifier {
  readonly kind: string;
  readonly value: string;
}

type Standing = 'own' | 'shared';
const chunk = 1000;

/**
 * Walk the data map as a graph from verified identifiers. Access, erasure and holds all use this one walk, so what a
 * person is shown, what is destroyed and what is protected cannot differ.
 *
 * Own: rows that carry an identifier; rows whose `owner` link leads to one; rows hanging on an own row, unless they
 * have another owner or are another person; what an own row `owns`.
 * Shared: what an own row is a `member` of, and what hangs beneath. Nothing else is reached: a row that only refers to
 * an own row through somebody else's is left alone.
 */
export async function findSubject(
  engine: SqlEngine,
  identifiers: readonly Identifier[],
  mail: MailMatch,
): Promise<Reached> {
  const walk = new Walk(engine, await engine.shape());
  for (const dataset of engine.source.datasets) await walk.byIdentifiers(dataset, identifiers, mail);
  await walk.follow();
  return { own: walk.rowsOf('own'), shared: walk.rowsOf('shared') };
}

class Walk {
  readonly #engine: SqlEngine;
  readonly #shape: SourceShape;
  readonly #reached: Record<Standing, Map<string, Map<string, ReachedRow>>> = { own: new Map(), shared: new Map() };
  #queue: { dataset: TableDataset; rows: ReachedRow[]; standing: Standing }[] = [];

  constructor(engine: SqlEngine, shape: SourceShape) {
    this.#engine = engine;
    this.#shape = shape;
  }

  rowsOf(standing: Standing): ReadonlyMap<string, readonly ReachedRow[]> {
    return new Map([...this.#reached[standing]].map(([id, rows]) => [id, [...rows.values()]]));
  }

  async byIdentifiers(dataset: TableDataset, identifiers: readonly Identifier[], mail: MailMatch): Promise<void> {
    for (const [kind, column] of Object.entries(dataset.identifiers)) {
      const wanted = identifiers.filter((identifier) => identifier.kind === kind).map(({ value }) => value.trim());
      if (wanted.length === 0) continue;
      const type = typeOf(this.#shape.types.get(dataset.id) ?? {}, column);
      const here = `t.${this.#engine.dialect.name(column)}`;
      const same = this.#engine.dialect.identified(here, type, kind, wanted, mail);
      this.#reach('own', dataset, await this.#select(dataset, same));
    }
  }

  async follow(): Promise<void> {
    for (let step = this.#queue.shift(); step; step = this.#queue.shift()) {
      for (const link of step.dataset.links) await this.#up(step.dataset, link, step.rows, step.standing);
      for (const child of this.#engine.source.datasets)
        for (const link of child.links)
          if (link.to.dataset === step.dataset.id)
            await this.#down(step.dataset, child, link, step.rows, step.standing);
    }
  }

  /** From a row to what it links to: what it owns is own, what it is a member of is shared, anything else is not followed. */
  async #up(from: TableDataset, link: Link, rows: readonly ReachedRow[], standing: Standing): Promise<void> {
    if (standing !== 'own' || (!link.owns && !link.member)) return;
    const parent = this.#engine.source.datasets.find(({ id }) => id === link.to.dataset);
    if (!parent) return;
    const found = await this.#linked(
      parent,
      link.to.columns,
      valuesOf(rows, link.columns),
      this.#typesOf(from, link.columns),
    );
    this.#reach(link.owns ? 'own' : 'shared', parent, found);
  }

  /** From a row to those that link to it. */
  async #down(
    parent: TableDataset,
    child: TableDataset,
    link: Link,
    rows: readonly ReachedRow[],
    standing: Standing,
  ): Promise<void> {
    const theirs = this.#typesOf(parent, link.to.columns);
    const isPerson = Object.keys(child.identifiers).length > 0;
    if (standing === 'own' && link.owner) {
      this.#reach('own', child, await this.#linked(child, link.columns, valuesOf(rows, link.to.columns), theirs));
      return;
    }
    // An owner link seen from a shared row would lead to that other person's own rows.
    if (link.owner || link.owns || isPerson) return;
    const found = await this.#linked(child, link.columns, valuesOf(rows, link.to.columns), theirs);
    if (standing === 'shared') this.#reach('shared', child, found);
    else
      this.#reach(
        'own',
        child,
        found.filter((row) => !this.#hasAnotherOwner(child, row)),
      );
  }

  #hasAnotherOwner(dataset: TableDataset, row: ReachedRow): boolean {
    return dataset.links.some((link) => {
      if (!link.owner) return false;
      const values = link.columns.map((column) => row.columns[column] ?? null);
      if (values.some((value) => value === null)) return false;
      const owners = this.#reached.own.get(link.to.dataset);
      return ![...(owners?.values() ?? [])].some((owner) =>
        link.to.columns.every((column, i) => owner.columns[column] === values[i]),
      );
    });
  }

  #reach(standing: Standing, dataset: TableDataset, rows: readonly ReachedRow[]): void {
    const known = this.#reached[standing].get(dataset.id) ?? new Map<string, ReachedRow>();
    const own = this.#reached.own.get(dataset.id);
    const fresh: ReachedRow[] = [];
    for (const row of rows) {
      const key = keyText(row.key);
      if (known.has(key) || (standing === 'shared' && own?.has(key))) continue;
      known.set(key, row);
      fresh.push(row);
      if (standing === 'own') this.#reached.shared.get(dataset.id)?.delete(key);
    }
    this.#reached[standing].set(dataset.id, known);
    if (fresh.length > 0) this.#queue.push({ dataset, rows: fresh, standing });
  }

  async #linked(
    dataset: TableDataset,
    columns: readonly string[],
    values: readonly KeyValues[],
    from: readonly string[],
  ): Promise<ReachedRow[]> {
    const types = this.#shape.types.get(dataset.id) ?? {};
    const found: ReachedRow[] = [];
    for (let start = 0; start < values.length; start += chunk) {
      const part = values.slice(start, start + chunk);
      found.push(
        ...(await this.#select(dataset, this.#engine.dialect.among(dataset, types, columns, part, 't', from))),
      );
    }
    return found;
  }

  async #select(dataset: TableDataset, { condition, parameters }: Condition): Promise<ReachedRow[]> {
    const { name, table, text } = this.#engine.dialect;
    const types = this.#shape.types.get(dataset.id) ?? {};
    const columns = this.#columnsOf(dataset);
    const list = columns
      .map((column) => `${text(`t.${name(column)}`, typeOf(types, column))} AS ${name(column)}`)
      .join(', ');
    const rows = await this.#engine.rows<Record<string, string | null>>(
      `SELECT ${list} FROM ${table(dataset)} t WHERE ${condition}`,
      parameters,
    );
    return rows.map((row) => ({ key: dataset.key.map((column) => row[column] ?? ''), columns: { ...row } }));
  }

  #typesOf(dataset: TableDataset, columns: readonly string[]): readonly string[] {
    const types = this.#shape.types.get(dataset.id) ?? {};
    return columns.map((column) => typeOf(types, column));
  }

  /** Key columns, columns that link on, and columns that others link to. */
  #columnsOf(dataset: TableDataset): readonly string[] {
    const targets = this.#engine.source.datasets.flatMap((other) =>
      other.links.filter((link) => link.to.dataset === dataset.id).flatMap((link) => link.to.columns),
    );
    return [...new Set([...dataset.key, ...dataset.links.flatMap((link) => link.columns), ...targets])];
  }
}

function valuesOf(rows: readonly ReachedRow[], columns: readonly string[]): readonly KeyValues[] {
  const seen = new Map<string, KeyValues>();
  for (const row of rows) {
    const values = columns.map((column) => row.columns[column] ?? null);
    if (values.every((value) => value !== null)) seen.set(keyText(values), values);
  }
  return [...seen.values()];
}
