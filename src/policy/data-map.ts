/**
 * policy/ promises the rules as data: what is kept where and whose it is, how long, under which hold, by which clock,
 * and who may do what. Everything here is pure: text comes in, values and refusals go out. Nothing here may read a
 * file, a clock or the environment, and no rule may live outside a policy file.
 */

import { canonicalJson, type Json } from '../core/canonical-json.ts';

/** A dataset's full name: source, dot, dataset, such as `app.messages`. */
export type DatasetId = string;

/** What becomes of rows that point at a record when it is destroyed. */
export type OnDispose = 'cascade' | 'restrict' | 'unlink';

/**
 * How a row reaches another row: `columns` here hold the values of `to.columns` there, with or without a foreign key.
 * - `owner`: this row is that person's: shown to them and destroyed with them.
 * - `member`: whoever owns this row takes part in what it links to (a participant in a conversation): rows beneath
 *   that concern them too, so a hold on the person covers them and an access package may give them, but their
 *   erasure never destroys them.
 * - `owns`: what this row links to is its owner's (a customer's address): shown to them; destroyed with them only when
 *   nobody else's row of any dataset points at it.
 */
export interface Link {
  readonly columns: readonly string[];
  readonly to: { readonly dataset: DatasetId; readonly columns: readonly string[] };
  readonly owner: boolean;
  readonly member: boolean;
  readonly owns: boolean;
}

/**
 * What can replace a value:
 * - `null` empties it; `fixed` writes `erased-` and the row's key;
 * - `pseudonym` writes an HMAC of it, so that rows that had the same value still have the same, and nobody learns which;
 * - `month` and `year` cut a time to the beginning of its month or year, in UTC;
 * - `redact` blackens every character but spaces.
 */
export const maskStrategies = ['null', 'fixed', 'pseudonym', 'month', 'year', 'redact'] as const;
export type MaskStrategy = (typeof maskStrategies)[number];

/** What a column holds. `text`: free text, searched for identifiers and shown in exports. */
export interface Field {
  readonly category: string;
  readonly text: boolean;
  /** Where the row is masked and stays, by an erasure or a retention rule: what replaces the value. Null: it is left. */
  readonly mask: MaskStrategy | null;
}

/**
 * How a time is written where a column may hold anything: `text` as ISO 8601 writes it, in UTC where it names no zone; or
 * the number of seconds or milliseconds since 1970.
 */
export type TimeForm = 'text' | 'seconds' | 'milliseconds';

/** Rows of one table. */
export interface TableDataset {
  readonly kind: 'table';
  readonly id: DatasetId;
  readonly source: string;
  readonly name: string;
  readonly table: { readonly schema: string; readonly name: string };
  /** The columns that name a row. Never empty: a table without a key can't be purged row by row and is refused. */
  readonly key: readonly string[];
  /** The column the retention window counts from; null where the dataset has no window of its own. */
  readonly time: string | null;
  /** How `time` is written, where the source has no types that say it. */
  readonly timeAs?: TimeForm;
  /** kind of identifier (email, phone, …) -> column. */
  readonly identifiers: Readonly<Record<string, string>>;
  readonly links: readonly Link[];
  readonly fields: Readonly<Record<string, Field>>;
  /** Full name of a dataset of the same source -> what happens to its rows that link here. */
  readonly onDispose: Readonly<Record<DatasetId, OnDispose>>;
  /** What an owner's erasure does to their rows here: they go, they stay with fields masked, or they stay. */
  readonly erase: 'destroy' | 'mask' | 'keep';
  /** Why rows stay, where they do: a refusal code of the regime, such as LEGAL_CLAIMS. */
  readonly eraseGround: string | null;
  /** A column that names a file beneath `root`; the file goes with its row. */
  readonly file: { readonly column: string; readonly root: string } | null;
}

/** How a folder of logs goes line by line. */
export interface LineUnit {
  readonly format: 'common' | 'combined' | 'rfc5424' | 'rfc3164' | 'json' | 'pattern';
  /** The field of a JSON line that says when: its name, or a path with dots. Null for other formats. */
  readonly timeField: string | null;
  /** For `format: pattern`: what stands where a line begins, in strptime's directives. */
  readonly pattern: string | null;
  /** What a time without an offset means. */
  readonly zone: string;
  /** A file written to within so many minutes is left for another run. */
  readonly restMinutes: number;
  /** Whether a line without a time belongs to the one before it, as a stack trace does; otherwise such a line stays. */
  readonly continuation: boolean;
  /** The file being written: the newest one, a name, or none of those that match. It is never touched. */
  readonly current: { readonly kind: 'newest' | 'none' } | { readonly kind: 'name'; readonly name: string };
}

/** Files of one folder: rotated logs, backups. What goes is a whole file (of backups a folder, too), or with `lines` a line. */
export interface FolderDataset {
  readonly kind: 'folder';
  readonly id: DatasetId;
  readonly source: string;
  readonly name: string;
  /** Folder beneath the source's root. */
  readonly folder: string;
  /** A file name pattern with `*` and one `{date}` (YYYY-MM-DD or YYYYMMDD); what does not match is left alone and reported. */
  readonly match: string;
  /** Where a file's time comes from: the date in its name (the end of that UTC day), or its newest line. */
  readonly time: 'name' | 'line';
  /** Never fewer than this many of the newest files remain. 0: no such floor. */
  readonly keepLast: number;
  /** Absent: whole files go. */
  readonly lines?: LineUnit;
  /** Backups, files or whole folders: the newest good one always stays, and `keepLast` counts good ones. */
  readonly backups?: true;
}

/** What every database says of itself. */
export interface SqlSource {
  readonly kind: 'postgres' | 'sqlite';
  readonly name: string;
  readonly datasets: readonly TableDataset[];
  /** `schema.table`, or the table where there are no schemas -> why it is not in the data map (I11). */
  readonly exempt: Readonly<Record<string, string>>;
}

export interface PostgresSource extends SqlSource {
  readonly kind: 'postgres';
  readonly url: string;
  readonly enforceHolds: 'trigger' | 'none';
}

export interface SqliteSource extends SqlSource {
  readonly kind: 'sqlite';
  /** A path, or a `file:` URI with `mode=ro` or `mode=rw`. */
  readonly path: string;
}

export interface FilesSource {
  readonly kind: 'files';
  readonly name: string;
  readonly root: string;
  readonly datasets: readonly FolderDataset[];
}

/** Snapshots of a restic repository. The unit that goes is a snapshot; the newest good one always stays. */
export interface SnapshotDataset {
  readonly kind: 'snapshots';
  readonly id: DatasetId;
  readonly source: string;
  readonly name: string;
  /** Only those of this host; null: of any. */
  readonly host: string | null;
  /** Only those with all of these tags, and of all of these paths. */
  readonly tags: readonly string[];
  readonly paths: readonly string[];
  /** Never fewer than this many of the newest good ones remain. */
  readonly keepLast: number;
}

export interface ResticSource {
  readonly kind: 'restic';
  readonly name: string;
  /** As `restic --repo` takes it. */
  readonly repository: string;
  readonly password: { readonly file: string } | { readonly text: string };
  readonly datasets: readonly SnapshotDataset[];
}

export type Source = PostgresSource | SqliteSource | FilesSource | ResticSource;
export type Dataset = TableDataset | FolderDataset | SnapshotDataset;

/** Every system where records live, by name. */
export type DataMap = Readonly<Record<string, Source>>;

/** How the data map calls a dataset's table. */
export function calledTable({ table: { schema, name } }: Pick<TableDataset, 'table'>): string {
  return schema === '' ? name : `${schema}.${name}`;
}

/** Every dataset of the map, in the order of the files. */
export function allDatasets(map: DataMap): readonly Dataset[] {
  return Object.values(map).flatMap((source): readonly Dataset[] => source.datasets);
}

/** Every table of the map, in the order of the files. */
export function allTables(map: DataMap): readonly TableDataset[] {
  return allDatasets(map).filter((dataset) => dataset.kind === 'table');
}

/** The dataset of that full name, or undefined. */
export function findDataset(map: DataMap, id: DatasetId): Dataset | undefined {
  return allDatasets(map).find((dataset) => dataset.id === id);
}

/** Links as JSON says them, in an order that does not depend on the order in the file. */
export function linksJson(links: readonly Link[]): Json {
  return links
    .map(({ columns, to, owner, member, owns }): [string, Json] => {
      const link = { columns, to: { dataset: to.dataset, columns: to.columns }, owner, member, owns };
      return [canonicalJson(link), link];
    })
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, link]) => link);
}
