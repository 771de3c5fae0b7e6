import type { BigIntStats } from 'node:fs';
import { constants, type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import type { BatchSurroundings, RewriteIntent } from '../source.ts';
import { chunksOf, type NamedFile, packed, statOf } from './folder.ts';
import { LineCommitments } from './line-commitments.ts';
import { LineCutter } from './line-cutter.ts';
import type { LineMarks } from './line-marks.ts';
import { madeName } from './made.ts';
import { writtenNow } from './rotated.ts';

/** What is needed of the order to take lines out of one file. */
export interface Rewriting {
  readonly dataset: string;
  readonly runKey: Uint8Array;
  /** Lines a row of the journal aims at. */
  readonly rows: number;
  readonly marks: LineMarks;
  /** How many of the file's lines stay. */
  readonly staying: number;
}

/** With what one chunk adds, the leaves of a row are still fewer than are sorted at once. */
const mostRows = 2 ** 19;

/**
 * Take the marked lines out of a file: what stays is copied into a new file beside it, byte by byte, which then takes its
 * place, with its owner, rights and times. Before that the lines' leaves are written down as intents; a crash at any
 * point leaves the old file or the new one, whole, and `hasRewritten` says which.
 * @param file as it was opened and sorted, with `handle` on it
 * @returns false when the file was written to in the meantime, and so was left as it is
 * KNOWN GAP: extended attributes and access lists of the old file are not those of the new one.
 */
export async function rewriteFile(
  file: NamedFile,
  handle: FileHandle,
  rewriting: Rewriting,
  around: Pick<BatchSurroundings, 'intendRewrite' | 'withdraw'>,
): Promise<boolean> {
  const folder = dirname(file.path);
  const made = madeName(rewriting.dataset);
  const path = join(folder, made);
  let isIntended = false;
  try {
    let part = 0;
    const leaves = new LineCommitments(rewriting.runKey, rewriting.dataset);
    const intent = (last: RewriteIntent['last']) => ({ file: file.name, made, leaves: leaves.take(), last });
    {
      await using out = await open(path, 'wx', 0o600);
      const onFull = async () => around.intendRewrite(intent(null), part++);
      await copyStaying(handle, out, file, rewriting, leaves, onFull);
      await dressAs(out, file.stat);
      await out.sync();
    }
    await syncFolder(folder);
    if (!(await isAsItWas(file, handle)) || writtenNow([file]).size > 0) {
      await around.withdraw();
      return false;
    }
    const there = await statOf(path);
    const last = {
      isEmpty: rewriting.staying === 0,
      made: String(there?.ino),
      was: { sizeBytes: String(file.stat.size), seconds: secondsOf(file.stat) },
    };
    await around.intendRewrite(intent(last), part);
    // From here on a crash is finished, or forgotten, at the next start: by what stands in the folder then.
    isIntended = true;
    await rename(path, file.path);
    await syncFolder(folder);
    if (rewriting.staying === 0) {
      await rm(file.path);
      await syncFolder(folder);
    }
    return true;
  } catch (error) {
    // Only what is certain is forgotten here: whether a file took another's place is looked at, not remembered.
    if (!isIntended) await around.withdraw();
    throw error;
  } finally {
    if (!isIntended) await rm(path, { force: true });
  }
}

/** Seconds since 1970: what copies and archives keep of a file's time. */
const secondsOf = ({ mtimeNs }: BigIntStats) => String(mtimeNs / 1_000_000_000n);

/** Nobody wrote to the file, and it still has its name. */
async function isAsItWas(file: NamedFile, handle: FileHandle): Promise<boolean> {
  const [open, named] = [await handle.stat({ bigint: true }), await statOf(file.path)];
  return isSameFile(open, file.stat) && named !== null && isSameFile(named, file.stat);
}

export function isSameFile(a: BigIntStats, b: BigIntStats): boolean {
  const parts = ['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs', 'nlink'] as const;
  return parts.every((part) => a[part] === b[part]);
}

async function copyStaying(
  handle: FileHandle,
  out: FileHandle,
  file: NamedFile,
  rewriting: Rewriting,
  leaves: LineCommitments,
  onFull: () => Promise<void>,
): Promise<void> {
  const packing = packed(file.name);
  if (packing === 'unknown') throw new Error('a file of this packing is not rewritten');
  const kept = stayingBytes(chunksOf(handle, packing), rewriting, leaves, onFull);
  const write = async (bytes: AsyncIterable<Buffer>) => {
    for await (const chunk of bytes) await writeAll(out, chunk);
  };
  // A file that is about to go is empty, not a packing of nothing.
  if (packing === null || rewriting.staying === 0) await write(kept);
  else await pipeline(Readable.from(kept), packing === 'gzip' ? createGzip() : createZstdCompress(), write);
}

async function writeAll(out: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await out.write(bytes, at)).bytesWritten;
}

/** The bytes of the lines that stay, in order; the others' are committed to. */
async function* stayingBytes(
  chunks: AsyncIterable<Buffer>,
  { marks, rows }: Rewriting,
  leaves: LineCommitments,
  onFull: () => Promise<void>,
): AsyncGenerator<Buffer> {
  const goesNext = marks.reader();
  let goes = false;
  let runs: Buffer[] = [];
  let [runFrom, runTo] = [0, 0];
  const cutter = new LineCutter((bytes, start, end, isFirst, isLast) => {
    if (isFirst) goes = goesNext();
    if (goes) leaves.add(bytes, start, end, isFirst, isLast);
    else if (runTo === start) runTo = end;
    else {
      runs.push(bytes.subarray(runFrom, runTo));
      [runFrom, runTo] = [start, end];
    }
  });
  for await (const chunk of chunks) {
    [runs, runFrom, runTo] = [[], 0, 0];
    cutter.cut(chunk);
    runs.push(chunk.subarray(runFrom, runTo));
    if (leaves.count >= Math.min(rows, mostRows)) await onFull();
    const kept = runs.filter(({ length }) => length > 0);
    if (kept.length > 0) yield kept.length === 1 && kept[0] ? kept[0] : Buffer.concat(kept);
  }
  cutter.end();
}

/** The new file is what the old one was to everybody else: owner, rights, times. @throws where this user may not */
async function dressAs(out: FileHandle, was: BigIntStats): Promise<void> {
  const now = await out.stat({ bigint: true });
  if (now.uid !== was.uid || now.gid !== was.gid) await out.chown(Number(was.uid), Number(was.gid));
  await out.chmod(Number(was.mode & 0o7777n));
  await out.utimes(Number(was.atimeNs) / 1e9, Number(was.mtimeNs) / 1e9);
}

/** A new name is only sure to be there after a power cut once its folder is on disk. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.sync();
}

/**
 * Whether a rewriting took place that was intended to its last row. The new file still beside it: it did not. The old one
 * is there, by size and time: somebody put it back, and it stays for another run. A file that was left empty goes.
 */
export async function hasRewritten(folder: string, intent: Omit<RewriteIntent, 'leaves'>): Promise<boolean> {
  const { file, made, last } = intent;
  if (last === null || (await statOf(join(folder, made))) !== null) return false;
  const path = join(folder, file);
  const there = await statOf(path);
  if (there === null) return true;
  const isNew = String(there.ino) === last.made;
  if (!isNew && String(there.size) === last.was.sizeBytes && secondsOf(there) === last.was.seconds) return false;
  if (isNew && last.isEmpty && there.size === 0n) {
    await rm(path, { force: true });
    await syncFolder(folder);
  }
  return true;
}
