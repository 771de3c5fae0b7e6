import { lstat, realpath, unlink } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import type { SqlSource, TableDataset } from '../../policy/data-map.ts';
import { errorCode } from '../fault.ts';

/** A file whose row went: beneath the folder of its dataset. */
export interface LeavingRow {
  readonly batch: string;
  readonly dataset: string;
  readonly path: string;
}

/** The list of such files that the source keeps, and what its rows still name. */
export interface LeavingFiles {
  readonly source: SqlSource;
  /** So many after this one, in the order of their columns. */
  after(last: LeavingRow, most: number): Promise<readonly LeavingRow[]>;
  strike(rows: readonly LeavingRow[]): Promise<void>;
  /** What rows of a dataset name that has one of these texts between slashes; every spelling of a path has its last part. */
  naming(dataset: TableDataset, parts: readonly string[]): Promise<readonly string[]>;
}

const perRound = 1000;

/**
 * Remove the files of rows that went. Their names were written in the transaction that destroyed the rows, so a crash
 * in between leaves a list and never an orphan. A file that a row still names (one picture in two messages) stays and
 * goes with the last of them. One that cannot be removed, or would lie outside its folder, stays on the list.
 * @returns the batches that still have something on the list
 */
export async function removeLeavingFiles(list: LeavingFiles): Promise<readonly string[]> {
  const left = new Set<string>();
  let last: LeavingRow = { batch: '', dataset: '', path: '' };
  for (;;) {
    const rows = await list.after(last, perRound);
    const end = rows.at(-1);
    if (end === undefined) return [...left];
    last = end;
    const { needed, doubtful } = await stillNamed(list, rows);
    const settled: LeavingRow[] = [];
    for (const row of rows) {
      const file = fileOf(row);
      if (needed.has(file) || (!doubtful.has(file) && (await removeOne(list, row)))) settled.push(row);
      else left.add(row.batch);
    }
    await list.strike(settled);
  }
}

function fileOf({ dataset, path }: LeavingRow): string {
  return `${dataset}\n${path}`;
}

/**
 * The files that some row of the source still names, of whatever dataset and over whatever folder; and those of which it
 * cannot be told, since a folder on the way cannot be read: they stay on the list.
 */
async function stillNamed(list: LeavingFiles, rows: readonly LeavingRow[]) {
  const needed = new Set<string>();
  const doubtful = new Set<string>();
  const leaving = new Map<string, string[]>();
  const lasts = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, at: string, file: string) => map.set(at, [...(map.get(at) ?? []), file]);
  for (const row of rows) {
    const root = rootOf(list, row.dataset);
    if (root === null) continue;
    const wanted = resolve(root, row.path);
    const places = await unlessUntold(placesOfName(wanted));
    if (places === null) doubtful.add(fileOf(row));
    for (const place of new Set(places)) add(leaving, place, fileOf(row));
    add(lasts, basename(wanted), fileOf(row));
  }
  for (const dataset of list.source.datasets)
    for (const path of dataset.file ? await list.naming(dataset, [...lasts.keys()]) : []) {
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

function rootOf(list: LeavingFiles, id: string): string | null {
  const file = list.source.datasets.find((dataset) => dataset.id === id)?.file;
  return file ? resolve(file.root) : null;
}

/** Remove one file, never through a link that leads out of the folder. @returns whether it is gone */
async function removeOne(list: LeavingFiles, { dataset, path }: LeavingRow): Promise<boolean> {
  const root = rootOf(list, dataset);
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
