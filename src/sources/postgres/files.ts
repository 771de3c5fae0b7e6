import { lstat, realpath, unlink } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import type { TableDataset } from '../../policy/data-map.ts';
import { errorCode } from '../fault.ts';
import type { SqlConnection } from './connection.ts';
import { name, table } from './dialect.ts';
import { readEpoch } from './journal.ts';

interface LeavingRow {
  readonly batch: string;
  readonly dataset: string;
  readonly path: string;
}

const perRound = 1000;

/**
 * Remove the files of rows that went. Their names were written in the transaction that destroyed the rows, so a crash
 * in between leaves a list and never an orphan. A file that a row still names (one picture in two messages) stays and
 * goes with the last of them. One that cannot be removed, or would lie outside its folder, stays on the list.
 * @returns the batches that still have something on the list
 */
export async function removeLeavingFiles(connection: SqlConnection): Promise<readonly string[]> {
  if ((await readEpoch(connection.sql)) === null) return [];
  const left = new Set<string>();
  let last: LeavingRow = { batch: '', dataset: '', path: '' };
  for (;;) {
    const rows: LeavingRow[] = await connection.sql<LeavingRow[]>`
      SELECT batch, dataset, path FROM muniment.files_leaving
      WHERE (batch, dataset, path) > (${last.batch}, ${last.dataset}, ${last.path}) ORDER BY batch, dataset, path LIMIT ${perRound}`;
    const end = rows.at(-1);
    if (end === undefined) return [...left];
    last = end;
    const { needed, doubtful } = await stillNamed(connection, rows);
    const settled: LeavingRow[] = [];
    for (const row of rows) {
      const file = fileOf(row);
      if (needed.has(file) || (!doubtful.has(file) && (await removeOne(connection, row)))) settled.push(row);
      else left.add(row.batch);
    }
    await connection.sql`DELETE FROM muniment.files_leaving WHERE (batch, dataset, path) IN (SELECT * FROM unnest(
      ${settled.map((row) => row.batch)}::text[], ${settled.map((row) => row.dataset)}::text[], ${settled.map((row) => row.path)}::text[]))`;
  }
}

function fileOf({ dataset, path }: LeavingRow): string {
  return `${dataset}\n${path}`;
}

/**
 * The files that some row of the source still names, of whatever dataset and over whatever folder; and those of which it
 * cannot be told, since a folder on the way cannot be read: they stay on the list.
 */
async function stillNamed(connection: SqlConnection, rows: readonly LeavingRow[]) {
  const needed = new Set<string>();
  const doubtful = new Set<string>();
  const leaving = new Map<string, string[]>();
  const lasts = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, at: string, file: string) => map.set(at, [...(map.get(at) ?? []), file]);
  for (const row of rows) {
    const root = rootOf(connection, row.dataset);
    if (root === null) continue;
    const wanted = resolve(root, row.path);
    const places = await unlessUntold(placesOfName(wanted));
    if (places === null) doubtful.add(fileOf(row));
    for (const place of new Set(places)) add(leaving, place, fileOf(row));
    add(lasts, basename(wanted), fileOf(row));
  }
  for (const dataset of connection.source.datasets)
    for (const path of dataset.file ? await namedIn(connection, dataset, [...lasts.keys()]) : []) {
      const places = await unlessUntold(placesNamed(resolve(dataset.file?.root ?? ''), path));
      for (const place of places ?? []) for (const file of leaving.get(place) ?? []) needed.add(file);
      if (places === null)
        for (const part of path.split(sep)) for (const file of lasts.get(part) ?? []) doubtful.add(file);
    }
  return { needed, doubtful };
}

/** Null for what the system does not let us tell; a fault of our own is thrown. */
async function unlessUntold(places: Promise<readonly string[]>): Promise<readonly string[] | null> {
  try {
    return await places;
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return null;
  }
}

/** What rows name that may be one of these files: every spelling of a path has its last part in it somewhere. */
async function namedIn(
  connection: SqlConnection,
  dataset: TableDataset,
  lasts: readonly string[],
): Promise<readonly string[]> {
  const column = `t.${name(dataset.file?.column ?? '')}::text`;
  const found = await connection.sql.unsafe<{ path: string }[]>(
    `SELECT DISTINCT ${column} AS path FROM ${table(dataset)} t WHERE string_to_array(${column}, '/') && $1::text[]`,
    [[...lasts]],
  );
  return found.map(({ path }) => path);
}

/** Where a name is: as it is written, and where its folder really is. The name itself may be a link: that is what goes. */
async function placesOfName(wanted: string): Promise<readonly string[]> {
  const folder = await realPathOf(dirname(wanted));
  return folder === null ? [wanted] : [wanted, join(folder, basename(wanted))];
}

/**
 * Everywhere that a row's path may lead: `./a.jpg` and `a.jpg` are one file, and so are two ways through links, whether
 * whoever reads it takes `..` for the folder above the name or for that above where a link leads.
 */
async function placesNamed(root: string, path: string): Promise<readonly string[]> {
  const wanted = resolve(root, path);
  const asWritten = isAbsolute(path) ? path : `${root}${sep}${path}`;
  const real = [await realPathOf(wanted), path.includes('..') ? await realPathOf(asWritten) : null];
  return [...(await placesOfName(wanted)), ...real.filter((place) => place !== null)];
}

/** Where a path really leads; null where it leads nowhere. @throws when it cannot be told */
async function realPathOf(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (leadsNowhere.has(errorCode(error))) return null;
    throw error;
  }
}

const leadsNowhere: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

function rootOf(connection: SqlConnection, id: string): string | null {
  const file = connection.source.datasets.find((dataset) => dataset.id === id)?.file;
  return file ? resolve(file.root) : null;
}

/** Remove one file, never through a link that leads out of the folder. @returns whether it is gone */
async function removeOne(connection: SqlConnection, { dataset, path }: LeavingRow): Promise<boolean> {
  const root = rootOf(connection, dataset);
  if (root === null || path.includes('\0')) return false;
  const wanted = resolve(root, path);
  if (!wanted.startsWith(root + sep)) return false;
  try {
    const [realRoot, realFolder] = [await realpath(root), await realpath(dirname(wanted))];
    if (realFolder !== realRoot && !realFolder.startsWith(realRoot + sep)) return false;
    if ((await lstat(wanted)).isDirectory()) return false;
    await unlink(wanted);
    return true;
  } catch (error) {
    // Gone already (or its folder), by the try before this one; but a root that is not there is an outage, not a proof.
    if (errorCode(error) !== 'ENOENT') return false;
    return realpath(root).then(
      () => true,
      () => false,
    );
  }
}
