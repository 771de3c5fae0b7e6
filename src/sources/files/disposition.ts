import { lstat, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hmacSha256, toHex } from '../../core/hash.ts';
import type { Census } from '../../disposition/run.ts';
import type { FilesSource, FolderDataset } from '../../policy/data-map.ts';
import type { HoldScope } from '../../policy/hold.ts';
import type { RemovalIntent } from '../source.ts';
import { contentSha256, type DatedFile, fileMentions, listFolder } from './folder.ts';
import { faultOf, type SeenFaults } from './good-backup.ts';
import { madeName, removeMade } from './made.ts';

/** A hold as it touches files: its id, its scope, and what to look for inside. */
export interface FileHold {
  readonly id: string;
  readonly scope: HoldScope;
}

/** A file that would go, with the commitment that will prove it went. */
export interface LeavingFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly commitment: string;
}

/**
 * The newest good files (of backups: folders, too) of a folder, which stay however old they are. Where none is good all
 * stay: somebody may still find something in them.
 * @param files oldest first
 * @returns null: all stay
 */
async function newestGood(
  dataset: FolderDataset,
  files: readonly DatedFile[],
  seen: SeenFaults,
): Promise<ReadonlySet<string> | null> {
  const most = Math.max(dataset.keepLast, dataset.backups ? 1 : 0);
  const good = new Set<string>();
  for (const file of files.toReversed()) {
    if (good.size >= most) break;
    if ((await faultOf(file.path, seen)) === null) good.add(file.name);
  }
  return most > 0 && good.size === 0 ? null : good;
}

/** Backups newer than the newest good one: nobody can rely on them. @returns null where none at all is good */
export async function faultyBackups(
  source: FilesSource,
  dataset: FolderDataset,
  seen: SeenFaults,
): Promise<readonly string[] | null> {
  const { files } = await listFolder(source, dataset);
  const faulty: string[] = [];
  for (const file of files.toReversed()) {
    if ((await faultOf(file.path, seen)) === null) return faulty;
    faulty.push(file.name);
  }
  return files.length === 0 ? [] : null;
}

/**
 * Sort the due files of a folder: those that may go and those a hold keeps. A whole file is the unit here. A hold by
 * person keeps each log file in which one of their identifiers stands; of backups it keeps none unless it names the
 * dataset, since a backup holds everybody (docs/decisions/0009).
 * The newest good ones that always stay are neither due nor held.
 * @param seen null: none stays for that
 */
export async function sortFolder(
  source: FilesSource,
  dataset: FolderDataset,
  cutoff: Temporal.Instant | null,
  holds: readonly FileHold[],
  seen: SeenFaults | null,
): Promise<{ census: Census; free: readonly DatedFile[] }> {
  const { files } = await listFolder(source, dataset);
  const isOld = (file: DatedFile) => cutoff !== null && Temporal.Instant.compare(file.until, cutoff) < 0;
  // What is not old need not be looked into, unless something old would go.
  const staying = seen === null || !files.some(isOld) ? new Set<string>() : await newestGood(dataset, files, seen);
  const due = staying === null ? [] : files.filter((file) => isOld(file) && !staying.has(file.name));
  const free: DatedFile[] = [];
  const heldBy: Record<string, number> = {};
  for (const file of due) {
    const holding = await holdersOf(dataset, file, holds);
    for (const id of holding) heldBy[id] = (heldBy[id] ?? 0) + 1;
    if (holding.length === 0) free.push(file);
  }
  return {
    census: {
      dataset: dataset.id,
      total: files.length,
      due: due.length,
      held: due.length - free.length,
      restricted: 0,
      heldBy,
    },
    free,
  };
}

async function holdersOf(
  dataset: FolderDataset,
  file: DatedFile,
  holds: readonly FileHold[],
): Promise<readonly string[]> {
  const holding: string[] = [];
  for (const hold of holds) if (await isHeld(dataset, file, hold.scope)) holding.push(hold.id);
  return holding;
}

async function isHeld(dataset: FolderDataset, file: DatedFile, scope: HoldScope): Promise<boolean> {
  if (scope.datasets.length > 0 && !scope.datasets.includes(dataset.id)) return false;
  if (scope.from !== null && Temporal.Instant.compare(file.until, Temporal.Instant.from(scope.from)) < 0) return false;
  // Where its beginning is not known it may reach back into the range.
  if (scope.to !== null && file.from && Temporal.Instant.compare(file.from, Temporal.Instant.from(scope.to)) > 0)
    return false;
  const named = scope.datasets.includes(dataset.id);
  if (scope.subjects.length === 0) return named || Object.keys(scope.keys).length === 0;
  if (dataset.time === 'name') return named;
  return await fileMentions(
    file.path,
    scope.subjects.map(({ value }) => value),
  );
}

/** What a record of a file's going says of it: HMAC(run key, dataset, name, digest of its content). */
export async function describeLeaving(
  dataset: FolderDataset,
  runKey: Uint8Array,
  files: readonly DatedFile[],
): Promise<readonly LeavingFile[]> {
  const leaving: LeavingFile[] = [];
  for (const file of files) {
    const content = toHex(await contentSha256(file.path));
    const commitment = toHex(hmacSha256(runKey, `${dataset.id}\n${file.name}\n${content}`));
    leaving.push({ name: file.name, sizeBytes: file.sizeBytes, commitment });
  }
  return leaving;
}

/** Remove the named files of a folder. One that is gone already was removed by the try before this one. */
export async function removeFiles(
  source: FilesSource,
  dataset: FolderDataset,
  names: readonly string[],
): Promise<void> {
  const { files } = await listFolder(source, dataset);
  const byName = new Map(files.map((file) => [file.name, file.path]));
  for (const name of names) {
    const path = byName.get(name);
    if (path !== undefined) await remove(dataset, path);
  }
}

/** A folder goes at once or not at all: by another name first, which `removeMade` knows after a crash. */
async function remove(dataset: FolderDataset, path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) {
    await rm(path, { force: true });
    return;
  }
  const gone = join(dirname(path), madeName(dataset.id));
  await rename(path, gone);
  await rm(gone, { recursive: true, force: true });
}

/**
 * Finish a removal that a crash cut short. A file that is still there and is held by now stays; a hold placed after the
 * crash counted it as covered.
 * @returns the items that are gone, by this try or the one before
 */
export async function finishRemoval(
  source: FilesSource,
  dataset: FolderDataset,
  items: RemovalIntent['items'],
  holds: readonly FileHold[],
): Promise<RemovalIntent['items']> {
  const { files } = await listFolder(source, dataset);
  const byName = new Map(files.map((file) => [file.name, file]));
  const gone: RemovalIntent['items'][number][] = [];
  for (const item of items) {
    const file = byName.get(item.name);
    if (file && (await holdersOf(dataset, file, holds)).length > 0) continue;
    if (file) await remove(dataset, file.path);
    gone.push(item);
  }
  await removeMade(source, dataset);
  return gone;
}
