import { execFile } from 'node:child_process';
import { lstat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { sha256Hex } from '../../core/hash.ts';
import { chunksOf, filesBeneath, isUnreadable, openPlain, packed } from './folder.ts';

/** Why a backup is no good; null: it is good, as far as that can be seen without restoring it. */
export type Fault = 'empty' | 'unfinished' | 'broken';

/** What programs add to the name of what they are still writing. */
const unfinished = /\.(part|partial|incomplete|inprogress|tmp|temp)$/i;

/** How many bytes of a beginning and of an end are looked at. */
const headBytes = 512;
const tailBytes = 2048;

/** What was found in backups, by all that tells one from another: path, sizes, times. They are large, and looked at often. */
export type SeenFaults = Map<string, Fault | null>;

/**
 * Look at a backup, a file or a folder, the way a person with a minute does: it is not empty, nothing says that it is
 * unfinished, what it is packed as can be unpacked to its end, and what its beginning says it is ends as such a thing
 * ends. Archives of pg_dump are read by pg_restore where that is installed.
 */
export async function faultOf(path: string, seen: SeenFaults): Promise<Fault | null> {
  const files = await filesIn(path);
  const key = sha256Hex(JSON.stringify(files));
  const known = seen.get(key);
  if (known !== undefined) return known;
  const fault = await look(path, files);
  if (seen.size >= 10_000) seen.clear();
  seen.set(key, fault);
  return fault;
}

type FileSeen = readonly [path: string, size: string, times: string];

/** The plain files of a backup: itself, or all beneath it. Links are none. */
async function filesIn(path: string): Promise<readonly FileSeen[]> {
  const isFolder = (await lstat(path)).isDirectory();
  const paths = isFolder ? (await filesBeneath(path)).map((name) => join(path, name)) : [path];
  const files: FileSeen[] = [];
  for (const one of paths) {
    const { size, ino, mtimeNs, ctimeNs } = await lstat(one, { bigint: true });
    files.push([one, String(size), `${ino} ${mtimeNs} ${ctimeNs}`]);
  }
  return files;
}

async function look(path: string, files: readonly FileSeen[]): Promise<Fault | null> {
  if ([path, ...files.map(([file]) => file)].some((name) => unfinished.test(name))) return 'unfinished';
  if (files.every(([, size]) => size === '0')) return 'empty';
  const [first] = files;
  if (files.length === 1 && first?.[0] === path) return fileFault(path);
  // The folder format of pg_dump: its table of contents is written last.
  return files.some(([file]) => file === join(path, 'toc.dat')) ? pgRestoreFault(path) : null;
}

async function fileFault(path: string): Promise<Fault | null> {
  await using file = await openPlain(path);
  const packing = packed(path);
  let head: Buffer = Buffer.alloc(0);
  let tail: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of chunksOf(file, packing === 'unknown' ? null : packing)) {
      if (head.length < headBytes) head = Buffer.concat([head, chunk.subarray(0, headBytes - head.length)]);
      tail = Buffer.concat([tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes);
    }
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return 'broken';
  }
  if (head.length === 0) return 'empty';
  const ending = endings.find(({ begins }) => begins(head));
  if (ending && !ending.ends(tail)) return 'unfinished';
  if (extname(path) === '.zip' && !ending) return 'broken';
  return packing === null && head.subarray(0, 5).equals(pgDump) ? pgRestoreFault(path) : null;
}

const pgDump = Buffer.from('PGDMP');

/** How what begins like this ends when it is whole. */
const endings: readonly { begins(head: Buffer): boolean; ends(tail: Buffer): boolean }[] = [
  {
    begins: (head) => head.includes('\n-- PostgreSQL database '),
    ends: (tail) => /-- PostgreSQL database (cluster )?dump complete/.test(tail.toString('latin1')),
  },
  {
    begins: (head) => /^(\/\*.*\n)?-- (MySQL|MariaDB) dump /.test(head.toString('latin1')),
    ends: (tail) => tail.includes('-- Dump completed'),
  },
  // POSIX.1-1988: two blocks of zeros end an archive.
  {
    begins: (head) => head.toString('latin1', 257, 262) === 'ustar',
    ends: (tail) => tail.length >= 1024 && tail.subarray(-1024).every((byte) => byte === 0),
  },
  // APPNOTE.TXT 4.3.16: the end of the central directory; a comment may follow.
  { begins: (head) => head.toString('latin1', 0, 4) === 'PK\x03\x04', ends: (tail) => tail.includes('PK\x05\x06') },
];

/** Read a whole archive of pg_dump with pg_restore. Where that is not installed, or is too old for it, nothing is said. */
function pgRestoreFault(path: string): Promise<Fault | null> {
  const { promise, resolve } = Promise.withResolvers<Fault | null>();
  const call = ['LC_ALL=C', 'pg_restore', '--file=/dev/null', '--', path];
  execFile('env', call, { timeout: 3_600_000 }, (error, _, said) => {
    // env(1) ends with 127 when there is no such program.
    const isSilent =
      error === null || error.code === 127 || error.code === 'ENOENT' || said.includes('unsupported version');
    resolve(isSilent ? null : 'broken');
  });
  return promise;
}
