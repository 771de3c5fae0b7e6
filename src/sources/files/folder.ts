import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { FilesSource, FolderDataset } from '../../policy/data-map.ts';
import { errorCode } from '../fault.ts';

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

/**
 * List a folder, oldest first. Only plain files directly inside it count: links and folders are never followed, so
 * that a planted link cannot lead a purge outside.
 * @throws what the file system says when the folder is not there
 */
export async function listFolder(source: FilesSource, dataset: FolderDataset): Promise<FolderListing> {
  const root = await realpath(source.root);
  const folder = await realpath(join(root, dataset.folder));
  if (folder !== root && !folder.startsWith(root + sep))
    throw new Error(`${dataset.id}: the folder lies outside its source's root`);
  const dayIn = nameReader(dataset.match);
  const files: DatedFile[] = [];
  const unmatched: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    const stat = await lstat(path);
    const day = stat.isFile() ? dayIn(name) : undefined;
    const span = day === undefined ? null : await spanOf(dataset, day, path);
    if (span === null) unmatched.push(name);
    else files.push({ name, path, sizeBytes: stat.size, ...span });
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
  date: string | null,
  path: string,
): Promise<Pick<DatedFile, 'from' | 'until'> | null> {
  const endOfDay = date === null ? null : endOfDayNamed(date);
  if (date !== null && endOfDay === null) return null;
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
  const lines = linesOf(path);
  if (lines === null) return { head: [], tail: [] };
  const head: Temporal.Instant[] = [];
  let newest: Temporal.Instant | null = null;
  try {
    for await (const line of lines)
      for (const at of timesIn(line)) {
        if (head.length < 100) head.push(at);
        newest = later(newest, at);
      }
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { head: [], tail: newest === null ? [] : [newest] };
  }
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

/** SHA-256 of a file, streamed. */
export async function fileSha256(path: string): Promise<Uint8Array> {
  const digest = createHash('sha256');
  for await (const part of createReadStream(path)) digest.update(part as Uint8Array);
  return digest.digest();
}

/** How a file is packed, by its name: read through, or not readable by us. */
function packed(path: string): 'gzip' | 'zstd' | 'unknown' | null {
  if (/\.gz$/i.test(path)) return 'gzip';
  if (/\.zst$/i.test(path)) return 'zstd';
  return /\.(bz2|xz|lz4|lzma|zip|7z|br|z)$/i.test(path) ? 'unknown' : null;
}

/** The lines of a file, unpacked; null where we cannot unpack it. They are read one at a time. */
function linesOf(path: string): AsyncIterable<string> | null {
  const kind = packed(path);
  if (kind === 'unknown') return null;
  const file = createReadStream(path);
  const through = kind === 'gzip' ? createGunzip() : kind === 'zstd' ? createZstdDecompress() : null;
  if (through) file.on('error', (error) => through.destroy(error)).pipe(through);
  return createInterface({ input: through ?? file, crlfDelay: Number.POSITIVE_INFINITY });
}

/** A file that is packed by its name and is none, or is cut off. */
function isUnreadable(error: unknown): boolean {
  return /^(Z_|ZSTD_|ERR_ZSTD)/.test(errorCode(error));
}

/**
 * Whether any line of the file holds any of these values, in any case, also as a URL writes them (`%40`). A file that
 * cannot be read into is said to hold them: what cannot be looked at is kept.
 */
export async function fileMentions(path: string, values: readonly string[]): Promise<boolean> {
  const lines = linesOf(path);
  if (lines === null) return true;
  const wanted = [...new Set(values.flatMap((value) => [value.trim(), encodeURIComponent(value.trim())]))].map(
    (value) => value.toLowerCase(),
  );
  try {
    for await (const line of lines) {
      const lower = line.toLowerCase();
      if (wanted.some((value) => lower.includes(value))) return true;
    }
    return false;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return true;
  }
}
