import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../core/hash.ts';
import type { FilesSource, FolderDataset } from '../../policy/data-map.ts';
import { folderOf, ownPrefix } from './folder.ts';

/** What a dataset's own names begin with: another one may be in the same folder, and at work. */
const prefixOf = (dataset: string) => `${ownPrefix}${sha256Hex(dataset).slice(0, 8)}-`;

/** A name for what is ours in a folder for a moment: a new file that is being made, or a folder on its way out. */
export const madeName = (dataset: string) => `${prefixOf(dataset)}${randomBytes(8).toString('hex')}`;

/** Remove what is ours in a folder; while nothing is intended there. */
export async function removeMade(source: FilesSource, dataset: FolderDataset): Promise<void> {
  const folder = await folderOf(source, dataset);
  const prefix = prefixOf(dataset.id);
  for (const name of await readdir(folder))
    if (name.startsWith(prefix)) await rm(join(folder, name), { recursive: true, force: true });
}
