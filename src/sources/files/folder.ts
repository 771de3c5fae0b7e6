import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { createInterface } from 'node:readline';
import type { FilesSource, FolderDataset } from '../../policy/data-map.ts';

/** A file of a folder dataset. `until`: the file holds nothing newer than this instant. */
export interface DatedFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
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
  const pattern = fileNamePattern(dataset.match);
  const files: DatedFile[] = [];
  const unmatched: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    const stat = await lstat(path);
    const date = pattern.exec(name)?.groups?.date;
    const until = date === undefined || !stat.isFile() ? null : await endOf(dataset, date, path);
    if (until === null) unmatched.push(name);
    else files.push({ name, path, sizeBytes: stat.size, until });
  }
  files.sort((a, b) => Temporal.Instant.compare(a.until, b.until) || (a.name < b.name ? -1 : 1));
  return { files, unmatched };
}

/** `access-{date}.log*` as a regular expression: `*` is any run of characters, `{date}` a day with or without dashes. */
function fileNamePattern(match: string): RegExp {
  const escaped = match
    .split(/(\*|\{date\})/)
    .map((part) =>
      part === '*'
        ? '[^/]*'
        : part === '{date}'
          ? '(?<date>\\d{4}-?\\d{2}-?\\d{2})'
          : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'),
    )
    .join('');
  return new RegExp(`^${escaped}$`);
}

/** The instant after which nothing in the file was written: the end of its day, or its newest line if that is later. */
async function endOf(dataset: FolderDataset, date: string, path: string): Promise<Temporal.Instant | null> {
  const digits = date.replaceAll('-', '');
  let day: Temporal.PlainDate;
  try {
    day = Temporal.PlainDate.from(
      { year: Number(digits.slice(0, 4)), month: Number(digits.slice(4, 6)), day: Number(digits.slice(6, 8)) },
      { overflow: 'reject' },
    );
  } catch {
    return null;
  }
  const endOfDay = day.add({ days: 1 }).toZonedDateTime('UTC').toInstant();
  if (dataset.time === 'name') return endOfDay;
  const newest = await newestLine(path);
  return newest && Temporal.Instant.compare(newest, endOfDay) > 0 ? newest : endOfDay;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const clfTime = /\[(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-]\d{2})(\d{2})\]/;

/** The newest time among the last lines of a common or combined access log. Lines may be out of order. */
async function newestLine(path: string): Promise<Temporal.Instant | null> {
  const tailBytes = 64 * 1024;
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    await file.read(buffer, 0, buffer.length, Math.max(0, size - buffer.length));
    let newest: Temporal.Instant | null = null;
    for (const line of buffer.toString('latin1').split('\n')) {
      const match = clfTime.exec(line);
      if (!match) continue;
      const [, dd = '', mon = '', year = '', h = '', m = '', s = '', oh = '', om = ''] = match;
      const month = String(months.indexOf(mon) + 1).padStart(2, '0');
      try {
        const at = Temporal.Instant.from(`${year}-${month}-${dd}T${h}:${m}:${s}${oh}:${om}`);
        if (newest === null || Temporal.Instant.compare(at, newest) > 0) newest = at;
      } catch {}
    }
    return newest;
  } finally {
    await file.close();
  }
}

/** SHA-256 of a file, streamed. */
export async function fileSha256(path: string): Promise<Uint8Array> {
  const digest = createHash('sha256');
  for await (const part of createReadStream(path)) digest.update(part as Uint8Array);
  return digest.digest();
}

/** Whether any line of the file holds any of these values. Lines are read one at a time. */
export async function fileMentions(path: string, values: readonly string[]): Promise<boolean> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines)
    if (values.some((value) => line.includes(value))) {
      lines.close();
      return true;
    }
  return false;
}
