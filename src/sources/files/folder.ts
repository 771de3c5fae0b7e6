import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { constants, type FileHandle, lstat, open, readdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { toHex } from '../../core/hash.ts';
import type { FilesSource, FolderDataset } from '../../policy/data-map.ts';
import { errorCode } from '../fault.ts';
import { joinPieces, LineCutter } from './line-cutter.ts';
import { MentionSearch } from './mentions.ts';

/**
 * A file of a folder dataset. `until`: the file holds nothing newer than this instant. `from`: nothing older, where that
 * is known: a rotated log may begin days before the day in its name, and a backup holds everything up to it.
 */
export interface DatedFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly from: Temporal.Instant | null;
  readonly until: Temporal.Instant;
}

/** What a folder holds: files the pattern names, and names it does not, which nobody touches. */
export interface FolderListing {
  readonly files: readonly DatedFile[];
  readonly unmatched: readonly string[];
}

/** A file whose name fits, or of backups a folder, as it stood a moment ago. `endOfDay`: of the day in its name, if any. */
export interface NamedFile {
  readonly name: string;
  readonly path: string;
  readonly stat: BigIntStats;
  readonly endOfDay: Temporal.Instant | null;
}

/** What is being made by us begins so; it is never a file of the dataset, whatever its pattern says. */
export const ownPrefix = '.muniment-';

/**
 * The plain files directly inside a folder whose names fit, by name; of backups folders as well. Links are never followed,
 * so that a planted one cannot lead a purge outside.
 * @throws what the file system says when the folder is not there
 */
export async function namedFiles(
  source: FilesSource,
  dataset: FolderDataset,
): Promise<{ folder: string; files: readonly NamedFile[]; unmatched: readonly string[] }> {
  const folder = await folderOf(source, dataset);
  const dayIn = nameReader(dataset.match);
  const files: NamedFile[] = [];
  const unmatched: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    if (name.startsWith(ownPrefix)) continue;
    const path = join(folder, name);
    const stat = await statOf(path);
    // Rotated away since the folder was read.
    if (stat === null) continue;
    const isOne = stat.isFile() || (dataset.backups && stat.isDirectory());
    const day = isOne ? dayIn(name) : undefined;
    const endOfDay = day ? endOfDayNamed(day) : null;
    if (day === undefined || (day !== null && endOfDay === null)) unmatched.push(name);
    else files.push({ name, path, stat, endOfDay });
  }
  return { folder, files, unmatched };
}

/** What stands at a path, without following a link; null where nothing does. */
export async function statOf(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return null;
  }
}

/** The folder of a dataset, without links on the way. @throws when it is not there, or lies outside the root */
export async function folderOf(source: FilesSource, dataset: FolderDataset): Promise<string> {
  const root = await realpath(source.root);
  const folder = await realpath(join(root, dataset.folder));
  if (folder !== root && !folder.startsWith(root + sep))
    throw new Error(`${dataset.id}: the folder lies outside its source's root`);
  return folder;
}

/** List a folder of whole files, oldest first. @throws what the file system says when the folder is not there */
export async function listFolder(source: FilesSource, dataset: FolderDataset): Promise<FolderListing> {
  const named = await namedFiles(source, dataset);
  const files: DatedFile[] = [];
  const unmatched = [...named.unmatched];
  for (const { name, path, stat, endOfDay } of named.files) {
    const span = await spanOf(dataset, endOfDay, path);
    if (span === null) unmatched.push(name);
    else files.push({ name, path, sizeBytes: Number(stat.size), ...span });
  }
  files.sort((a, b) => Temporal.Instant.compare(a.until, b.until) || (a.name < b.name ? -1 : 1));
  return { files, unmatched };
}

/**
 * Reads names by a pattern such as `access-{date}.log*`: `*` is any run of characters, `{date}` a day with or without
 * dashes, the last one that fits. Not by a regular expression: with many `*` one could take hours over a name.
 * @returns the day as written, null where the pattern has none; undefined for a name that does not fit
 */
function nameReader(pattern: string): (name: string) => string | null | undefined {
  const [before = [], after] = pattern.split('{date}').map((part) => part.split('*'));
  if (after === undefined) return (name) => (fits(name, before) ? null : undefined);
  return (name) =>
    [...name.matchAll(/(?=(\d{4}-?\d{2}-?\d{2}))/g)]
      .map(({ index, 1: date = '' }) => ({ index, date }))
      .findLast(({ index, date }) => fits(name.slice(0, index), before) && fits(name.slice(index + date.length), after))
      ?.date;
}

/** Whether a text is these parts in this order, with anything between them. Each is best found where it is first. */
function fits(text: string, [first = '', ...others]: readonly string[]): boolean {
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of others) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/**
 * When a file's lines were written. Its end is the end of the day in its name, or its newest line if that is later or
 * there is no day; null where neither says anything. Its beginning is its oldest line, as far as one can be read.
 */
async function spanOf(
  dataset: FolderDataset,
  endOfDay: Temporal.Instant | null,
  path: string,
): Promise<Pick<DatedFile, 'from' | 'until'> | null> {
  if (dataset.time === 'name') return endOfDay ? { from: null, until: endOfDay } : null;
  const times = await lineTimes(path);
  const until = [endOfDay, ...times.tail].reduce(later, null);
  return until ? { from: times.head.reduce(earlier, null), until } : null;
}

function endOfDayNamed(date: string): Temporal.Instant | null {
  const digits = date.replaceAll('-', '');
  try {
    const day = Temporal.PlainDate.from(
      { year: Number(digits.slice(0, 4)), month: Number(digits.slice(4, 6)), day: Number(digits.slice(6, 8)) },
      { overflow: 'reject' },
    );
    return day.add({ days: 1 }).toZonedDateTime('UTC').toInstant();
  } catch {
    return null;
  }
}

function later(a: Temporal.Instant | null, b: Temporal.Instant | null): Temporal.Instant | null {
  return a === null || (b !== null && Temporal.Instant.compare(b, a) > 0) ? b : a;
}

function earlier(a: Temporal.Instant | null, b: Temporal.Instant | null): Temporal.Instant | null {
  return a === null || (b !== null && Temporal.Instant.compare(b, a) < 0) ? b : a;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const clfTime = /\[(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-]\d{2})(\d{2})\]/;

const edgeBytes = 64 * 1024;

/** The times in the first and the last lines of a common or combined access log. Lines may be out of order. */
async function lineTimes(path: string): Promise<{ head: Temporal.Instant[]; tail: Temporal.Instant[] }> {
  if (packed(path)) return packedLineTimes(path);
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const edge = async (start: number) => {
      const buffer = Buffer.alloc(Math.min(size, edgeBytes));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
      return timesIn(buffer.subarray(0, bytesRead).toString('latin1'));
    };
    return { head: await edge(0), tail: await edge(Math.max(0, size - edgeBytes)) };
  } finally {
    await file.close();
  }
}

/** A packed file is read whole: its end cannot be reached otherwise. One that cannot be unpacked says nothing. */
async function packedLineTimes(path: string): Promise<{ head: Temporal.Instant[]; tail: Temporal.Instant[] }> {
  const head: Temporal.Instant[] = [];
  let newest: Temporal.Instant | null = null;
  const cutter = new LineCutter(
    joinPieces((bytes, start, end, isFirst) => {
      if (!isFirst) return;
      for (const at of timesIn(bytes.toString('latin1', start, Math.min(end, start + edgeBytes)))) {
        if (head.length < 100) head.push(at);
        newest = later(newest, at);
      }
    }),
  );
  await readThrough(path, (chunk) => cutter.cut(chunk));
  cutter.end();
  return { head, tail: newest === null ? [] : [newest] };
}

function timesIn(text: string): Temporal.Instant[] {
  const times: Temporal.Instant[] = [];
  for (const line of text.split('\n')) {
    const match = clfTime.exec(line);
    if (!match) continue;
    const [, dd = '', mon = '', year = '', h = '', m = '', s = '', oh = '', om = ''] = match;
    const month = String(months.indexOf(mon) + 1).padStart(2, '0');
    try {
      times.push(Temporal.Instant.from(`${year}-${month}-${dd}T${h}:${m}:${s}${oh}:${om}`));
    } catch {
      // No time after all: the line says nothing.
    }
  }
  return times;
}

/** SHA-256 of a file, streamed; of a folder, of a line for each file beneath it: its path and its digest, by path. */
export async function contentSha256(path: string): Promise<Uint8Array> {
  const digest = createHash('sha256');
  if ((await lstat(path)).isDirectory()) {
    for (const name of await filesBeneath(path))
      digest.update(`${name} ${toHex(await contentSha256(join(path, name)))}\n`);
    return digest.digest();
  }
  await using file = await openPlain(path);
  for await (const chunk of chunksOf(file, null)) digest.update(chunk);
  return digest.digest();
}

/** The plain files beneath a folder, at any depth, by their paths in it. */
export async function filesBeneath(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .sort();
}

/** Open a file to read; never through a link. */
export function openPlain(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
}

/** How a file is packed, by its name: read through, or not readable by us. */
export function packed(path: string): 'gzip' | 'zstd' | 'unknown' | null {
  if (/\.gz$/i.test(path)) return 'gzip';
  if (/\.zst$/i.test(path)) return 'zstd';
  return /\.(bz2|xz|lz4|lzma|zip|7z|br|z)$/i.test(path) ? 'unknown' : null;
}

const chunkBytes = 256 * 1024;

/**
 * The bytes of a file from its beginning, unpacked, chunk by chunk. A chunk is good until the next one is asked for.
 * @throws an error that `isUnreadable` knows when it is not what it is said to be packed as, or is cut off
 */
export async function* chunksOf(file: FileHandle, packing: 'gzip' | 'zstd' | null): AsyncGenerator<Buffer> {
  if (packing === null) {
    const chunk = Buffer.allocUnsafeSlow(chunkBytes);
    yield* bytesOf(file, () => chunk);
    return;
  }
  const options = { chunkSize: chunkBytes };
  const through = packing === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
  // What goes wrong on the way comes out of the last stream.
  pipeline(Readable.from(bytesOf(file, () => Buffer.allocUnsafeSlow(chunkBytes))), through, () => {});
  for await (const chunk of through) yield chunk as Buffer;
}

/** Not by a stream of the file's: the file could not be closed before the stream, which closes it. */
async function* bytesOf(file: FileHandle, room: () => Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; ; ) {
    const chunk = room();
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

/** @returns false when the file cannot be unpacked, or not to its end */
async function readThrough(path: string, onChunk: (chunk: Buffer) => void): Promise<boolean> {
  const packing = packed(path);
  if (packing === 'unknown') return false;
  await using file = await openPlain(path);
  try {
    for await (const chunk of chunksOf(file, packing)) onChunk(chunk);
    return true;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return false;
  }
}

/** A file that is packed by its name and is none, or is cut off. */
export function isUnreadable(error: unknown): boolean {
  return /^(Z_|ZSTD_|ERR_ZSTD)/.test(errorCode(error));
}

/**
 * Whether any line of the file holds any of these values (see `MentionSearch`). A file that cannot be read into is said
 * to hold them: what cannot be looked at is kept.
 */
export async function fileMentions(path: string, values: readonly string[]): Promise<boolean> {
  const search = new MentionSearch(values);
  let isFound = false;
  const cutter = new LineCutter(
    joinPieces((bytes, start, end, isFirst, isLast) => {
      isFound ||= search.look(bytes, start, end, isFirst, isLast);
    }),
  );
  const isWhole = await readThrough(path, (chunk) => cutter.cut(chunk));
  cutter.end();
  return isFound || !isWhole;
}
