import { rm } from 'node:fs/promises';
import { hmacSha256, toHex } from '../../core/hash.ts';
import type { Census } from '../../disposition/run.ts';
import type { FilesSource, FolderDataset } from '../../policy/data-map.ts';
import type { HoldScope } from '../../policy/hold.ts';
import type { RemovalIntent } from '../source.ts';
import { type DatedFile, fileMentions, fileSha256, listFolder } from './folder.ts';

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
 * Sort the due files of a folder: those that may go and those a hold keeps. A whole file is the unit here. A hold by
 * person keeps each log file in which one of their identifiers stands; of backups it keeps none unless it names the
 * dataset, since a backup holds everybody (docs/decisions/0009).
 * @param keepLast newest files that always stay are neither due nor held
 */
export async function sortFolder(
  source: FilesSource,
  dataset: FolderDataset,
  cutoff: Temporal.Instant | null,
  holds: readonly FileHold[],
): Promise<{ census: Census; free: readonly DatedFile[] }> {
  const { files } = await listFolder(source, dataset);
  const staying = dataset.keepLast === 0 ? files : files.slice(0, Math.max(0, files.length - dataset.keepLast));
  const due = cutoff === null ? [] : staying.filter((file) => Temporal.Instant.compare(file.until, cutoff) < 0);
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
    const content = toHex(await fileSha256(file.path));
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
    if (path !== undefined) await rm(path, { force: true });
  }
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
    if (file) await rm(file.path, { force: true });
    gone.push(item);
  }
  return gone;
}
