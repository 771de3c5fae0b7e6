import { lstat, realpath, unlink } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
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
    const needed = await stillNamed(connection, rows);
    const settled: LeavingRow[] = [];
    for (const row of rows) {
      if (needed.has(fileOf(row)) || (await removeOne(connection, row))) settled.push(row);
      else left.add(row.batch);
    }
    await connection.sql`DELETE FROM muniment.files_leaving WHERE (batch, dataset, path) IN (SELECT * FROM unnest(
      ${settled.map((row) => row.batch)}::text[], ${settled.map((row) => row.dataset)}::text[], ${settled.map((row) => row.path)}::text[]))`;
  }
}

function fileOf({ dataset, path }: LeavingRow): string {
  return `${dataset}\n${path}`;
}

/** The files that some row of their dataset, or of another one over the same folder, still names. */
async function stillNamed(connection: SqlConnection, rows: readonly LeavingRow[]): Promise<ReadonlySet<string>> {
  const needed = new Set<string>();
  for (const id of new Set(rows.map(({ dataset }) => dataset))) {
    const root = rootOf(connection, id);
    const paths = rows.filter(({ dataset }) => dataset === id).map(({ path }) => path);
    const sharing = connection.source.datasets.filter(({ file }) => file && root && resolve(file.root) === root);
    for (const dataset of sharing)
      for (const path of await namedIn(connection, dataset, root ?? '', paths))
        needed.add(fileOf({ batch: '', dataset: id, path }));
  }
  return needed;
}

/**
 * Which of the files some row still names, by where they are and not by how that is written: `./a.jpg` and `a.jpg` are
 * one file. Rows are found by the last part of the path, with which every
 * spelling ends.
 */
async function namedIn(
  connection: SqlConnection,
  dataset: TableDataset,
  root: string,
  paths: readonly string[],
): Promise<readonly string[]> {
  const column = `t.${name(dataset.file?.column ?? '')}::text`;
  const last = (path: string) => resolve(root, path).split(sep).at(-1) ?? '';
  const found = await connection.sql.unsafe<{ path: string }[]>(
    `SELECT DISTINCT ${column} AS path FROM ${table(dataset)} t
     WHERE ${column} = ANY($1::text[]) OR regexp_replace(${column}, '^.*/', '') = ANY($2::text[])`,
    [[...paths], paths.map(last)],
  );
  const places = new Set(found.map(({ path }) => resolve(root, path)));
  return paths.filter((path) => places.has(resolve(root, path)));
}

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
