import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { sha256Stream } from '../core/hash.ts';
import type { ObservedPackage } from '../evidence/claims.ts';
import { type RecordsFound, rebuildTree } from '../evidence/records.ts';
import { lines } from './ndjson.ts';
import { defaultZipLimits, openZip, type ZipLimits, ZipRefused } from './unzip.ts';

/** What a reader of packages is ready to hold in memory, besides what an archive may be. */
export interface PackageLimits extends ZipLimits {
  /** Of all files that are not payload together: they are read whole. */
  readonly tagBytes: number;
  /** Of one record. */
  readonly lineBytes: number;
}

const defaultLimits: PackageLimits = { ...defaultZipLimits, tagBytes: 256 * 2 ** 20, lineBytes: 256 * 2 ** 20 };

/** A package opened for reading, from an archive or an unpacked folder. */
interface OpenPackage {
  readonly container: ObservedPackage['container'];
  readonly folder: string | null;
  readonly paths: readonly string[];
  read(path: string): AsyncIterable<Uint8Array>;
  close(): void;
}

/**
 * Read a package once through: digests of every member, the bytes of the small ones, the record tree. Memory does not
 * grow with the package. From a path (a ZIP or an unpacked folder) or from bytes (a ZIP).
 * @throws ZipRefused, by name, where it cannot be read safely
 */
export async function observePackage(
  source: string | Uint8Array,
  limits: PackageLimits = defaultLimits,
): Promise<ObservedPackage> {
  const open = await openPackage(source, limits);
  try {
    const tags = new Map<string, Uint8Array>();
    const files = [];
    let tagBytes = 0;
    for (const path of open.paths) {
      const digest = sha256Stream();
      const kept: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of open.read(path)) {
        digest.update(chunk);
        bytes += chunk.length;
        if (path.startsWith('data/')) continue;
        tagBytes += chunk.length;
        if (tagBytes > limits.tagBytes) throw new ZipRefused('too_large', `${path} is larger than such a file can be`);
        kept.push(chunk);
      }
      files.push({ path, bytes, sha256: digest.digestHex() });
      if (!path.startsWith('data/')) tags.set(path, Buffer.concat(kept));
    }
    return {
      container: open.container,
      folder: open.folder,
      files,
      tags,
      records: await readRecords(open, limits.lineBytes),
    };
  } finally {
    open.close();
  }
}

const treePath = 'data/records/tree.ndjson';

function readRecords(open: OpenPackage, lineBytes: number): Promise<RecordsFound> {
  if (!open.paths.includes(treePath)) return Promise.resolve({ problem: `${treePath} is missing` });
  // The record files in path order, one stream: the order in which the tree was built.
  const recordFiles = open.paths
    .filter((path) => /^data\/records\/[^/]+\.ndjson$/.test(path) && path !== treePath)
    .toSorted();
  return rebuildTree(shortLines(open, treePath, lineBytes), recordLines(open, recordFiles, lineBytes));
}

async function* recordLines(open: OpenPackage, paths: readonly string[], most: number): AsyncGenerator<Uint8Array> {
  for (const path of paths) yield* shortLines(open, path, most);
}

/** The lines of a member. One that does not end is not gathered in memory until it does. */
async function* shortLines(open: OpenPackage, path: string, most: number): AsyncGenerator<Uint8Array> {
  let since = 0;
  const watched = async function* () {
    for await (const chunk of open.read(path)) {
      since = chunk.includes(10) ? chunk.length - chunk.lastIndexOf(10) : since + chunk.length;
      if (since > most) throw new ZipRefused('too_large', `a line of ${path} is longer than a record can be`);
      yield chunk;
    }
  };
  yield* lines(watched());
}

async function openPackage(source: string | Uint8Array, limits?: ZipLimits): Promise<OpenPackage> {
  const folder = typeof source === 'string' && (await stat(source)).isDirectory() ? source : null;
  return folder === null ? openArchive(source, limits) : openFolder(folder);
}

async function openArchive(source: string | Uint8Array, limits?: ZipLimits): Promise<OpenPackage> {
  const zip = await openZip(source, limits);
  const folders = new Set(zip.members.map((member) => member.path.split('/', 1)[0] ?? ''));
  const [folder = ''] = folders;
  if (folders.size !== 1 || zip.members.some((member) => !member.path.startsWith(`${folder}/`))) {
    zip.close();
    throw new ZipRefused('path_forbidden', 'a package stands in one folder of its own');
  }
  return {
    container:
      zip.container === 'whole'
        ? { ok: true, detail: 'every byte as packed' }
        : { ok: true, detail: 'packed again by somebody else; the files inside are judged by themselves' },
    folder,
    paths: zip.members.map((member) => member.path.slice(folder.length + 1)),
    read: (path) => zip.read(`${folder}/${path}`),
    close: () => zip.close(),
  };
}

async function openFolder(folder: string): Promise<OpenPackage> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const strange = entries.find((entry) => !entry.isFile() && !entry.isDirectory());
  // A link could show a file of this machine as one of the package.
  if (strange) throw new ZipRefused('member_kind', `${strange.name} is no ordinary file`);
  return {
    container: { ok: true, detail: 'an unpacked folder' },
    folder: null,
    paths: entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .toSorted(),
    read: (path) => createReadStream(join(folder, path), { highWaterMark: 256 * 1024 }),
    close: () => {},
  };
}
