/**
 * sql/ promises what every database has in common: how holds become predicates, how a person is looked for, what is read
 * and counted. It is written once, so that engines cannot come to differ in what a hold means. Each says in its dialect
 * how it writes names, values and comparisons; nothing here may be left to what an engine takes a value for by itself.
 */
import type { Link, MaskStrategy, SqlSource, TableDataset } from '../../policy/data-map.ts';
import type { KeyValues } from './keys.ts';

/** Types of a dataset's columns, in the engine's own words. */
export type ColumnTypes = Readonly<Record<string, string>>;

/** The column's type. A column that is not there was refused by the drift check long before: this is a fault. */
export function typeOf(types: ColumnTypes, column: string): string {
  const type = types[column];
  if (type === undefined) throw new Error(`column ${column} has no known type; the drift check must run first`);
  return type;
}

/** SQL that is true or not, with the values of its parameters. */
export interface Condition {
  readonly condition: string;
  readonly parameters: readonly (readonly string[])[];
}

/**
 * Which mail addresses are one person's. Every mail system in practice takes A for a; other letters it need not: `K`
 * (KELVIN SIGN) may be a mailbox of its own, and becomes k where Unicode lowers it.
 * - `proven`: those a code to one of them proves, the same but for the case of A to Z;
 * - `any_case`: every letter's case aside, for a hold, which rather covers too much.
 */
export type MailMatch = 'proven' | 'any_case';

/** How an engine writes what every engine has to say. Expressions come in as SQL, with the types of their columns. */
export interface SqlDialect {
  /** A quoted identifier. Names come from the checked data map, and are quoted all the same. */
  name(identifier: string): string;
  /** A text as a constant, safe whatever it says and however the server is set. */
  literal(text: string): string;
  table(dataset: TableDataset): string;
  /** A value as the text this engine writes. */
  text(expression: string, type: string): string;
  /** "These are the same value". */
  sameValue(a: string, typeA: string, b: string, typeB: string): string;
  /**
   * "This is one of the values that are written so."
   * @param from the type of the column that writes them so, where it is another
   */
  isOneOf(expression: string, type: string, written: readonly string[], from?: string): string;
  /**
   * "These columns of `alias` are one of these value lists", so that an index is used.
   * @param from the types of the columns the values were read from, where these are others
   * @param first the number of its first parameter
   */
  among(
    dataset: TableDataset,
    types: ColumnTypes,
    columns: readonly string[],
    values: readonly KeyValues[],
    alias: string,
    from?: readonly string[],
    first?: number,
  ): Condition;
  /** "This identifier is one of these values": exactly, but for the case of a mail address. */
  identified(expression: string, type: string, kind: string, values: readonly string[], mail: MailMatch): Condition;
  /** Whether a column of this type can tell when a record was made. */
  isTimeType(type: string): boolean;
  /** An instant as a constant of a time column's type; a record is never taken earlier than it says. */
  timeConstant(instant: Temporal.Instant | string, type: string): string;
  /** "This record's time is before the instant." False for what is no time at all. */
  isBefore(expression: string, type: string, instant: Temporal.Instant): string;
  /** A record's time and its type, as its range is asked about when it is given out. */
  shownTime(expression: string, type: string): readonly [expression: string, type: string];
  /** A record's time as text that begins an RFC 3339 instant; without a zone it is UTC. */
  instantText(expression: string, type: string): string;
  /** Why a column of this type cannot be masked so, or null: what it would have to be. */
  unfitForMask(type: string, strategy: MaskStrategy): string | null;
  /** "Something in this row is still to be masked." False once it was done. */
  unmasked(dataset: TableDataset, types: ColumnTypes, alias: string): string;
  /** SHA-256, 32 bytes, of the values of a row's key as text with U+001F between them. */
  keyDigest(dataset: TableDataset, types: ColumnTypes, alias: string): string;
  /** The rows of a dataset that meet a condition on `a`, as the text of a JSON list of objects, in the order of their keys. */
  jsonRows(dataset: TableDataset, types: ColumnTypes, condition: string): string;
  /** What is held, as the table `h`, and its columns. */
  readonly held: {
    readonly table: string;
    /** "h names rows by these columns." */
    names(columns: readonly string[]): string;
    /** "h covers this dataset, too, through links." */
    within(dataset: string): string;
    /** "The value that h has for its column `i`, of `anchorType`, is this one." */
    value(i: number, anchorType: string, expression: string, type: string): string;
    /** The same for a mail address, case aside. */
    address(i: number, expression: string, type: string): string;
    /** "This record's time is before h's range", null where there is none; a record at an end of the range is in it. */
    isBefore(expression: string, type: string): string;
    isAfter(expression: string, type: string): string;
  };
}

export interface SourceShape {
  readonly source: SqlSource;
  readonly types: ReadonlyMap<string, ColumnTypes>;
  readonly dialect: SqlDialect;
}

/** An open database, as far as looking into it goes. */
export interface SqlEngine {
  readonly source: SqlSource;
  readonly dialect: SqlDialect;
  /** Column types of every mapped table that exists, read afresh. */
  shape(): Promise<SourceShape>;
  dataset(id: string): TableDataset;
  rows<T extends Readonly<Record<string, unknown>>>(
    query: string,
    parameters?: Condition['parameters'],
  ): Promise<readonly T[]>;
  /** The rows of a query, so many at a time, all of one moment. Ends with an error when it could not read them all. */
  stream<T extends Readonly<Record<string, unknown>>>(query: string, rowsAtOnce: number): AsyncIterable<readonly T[]>;
  /** Values as a column of this type writes them, null where it cannot hold such a value. */
  canonicalValues(type: string, values: readonly string[]): Promise<readonly (string | null)[]>;
}

/** SQL that joins a row `alias` of `child` to the row `parentAlias` that its link names. */
export function joinSql(
  { types: all, dialect }: SourceShape,
  child: TableDataset,
  alias: string,
  link: Link,
  parentAlias: string,
): string {
  const types = all.get(child.id) ?? {};
  const parentTypes = all.get(link.to.dataset) ?? {};
  return link.columns
    .map((column, i) => {
      const target = link.to.columns[i] ?? '';
      const [theirs, ours] = [`${parentAlias}.${dialect.name(target)}`, `${alias}.${dialect.name(column)}`];
      return dialect.sameValue(theirs, typeOf(parentTypes, target), ours, typeOf(types, column));
    })
    .join(' AND ');
}
