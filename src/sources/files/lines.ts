import { createHash } from 'node:crypto';
import { sha256Hex } from '../../core/hash.ts';
import type { BatchOrder, BatchResult } from '../../disposition/batch.ts';
import type { Drift } from '../../disposition/drift.ts';
import type { Coverage } from '../../disposition/hold.ts';
import type { Census } from '../../disposition/run.ts';
import type { FilesSource, FolderDataset, LineUnit } from '../../policy/data-map.ts';
import { lineTimer } from '../../policy/line-time.ts';
import type { BatchSurroundings, HeldScope } from '../source.ts';
import { chunksOf, isUnreadable, type NamedFile, openPlain, packed, statOf } from './folder.ts';
import { LineCutter } from './line-cutter.ts';
import { removeMade } from './made.ts';
import { isSameFile, rewriteFile } from './rewrite.ts';
import { type LeftWhy, rotatedFiles } from './rotated.ts';
import { type LineCount, type LineHold, type LineOrder, type SortedLines, sortLines } from './sort-lines.ts';

/** A folder of logs that go line by line. */
export interface LineFolder extends FolderDataset {
  readonly lines: LineUnit;
}

/**
 * What was seen in files, to be looked at again only when a file, the holds or the cutoff are others: a run looks at
 * every file when it is planned, when it is worked off, and once more at its end.
 */
export class SeenLines {
  #counts = new Map<string, LineCount>();
  #marks = new Map<string, SortedLines>();
  #marksBytes = 0;
  /** How many lines of a file have no readable time, whoever asked. */
  #undated = new Map<string, number>();

  count(key: string): LineCount | undefined {
    return this.#counts.get(key);
  }

  undated(file: NamedFile): number | undefined {
    return this.#undated.get(identityOf(file));
  }

  /** With the marks, which are only for the next to ask. */
  take(key: string): SortedLines | undefined {
    const sorted = this.#marks.get(key);
    if (sorted) this.#marksBytes -= sorted.marks.sizeBytes;
    this.#marks.delete(key);
    return sorted;
  }

  add(key: string, file: NamedFile, sorted: SortedLines): void {
    const { marks, ...count } = sorted;
    if (this.#undated.size >= mostSeen) this.#undated.clear();
    this.#undated.set(identityOf(file), count.undated);
    if (this.#counts.size >= mostSeen) this.#counts.clear();
    this.#counts.set(key, count);
    this.take(key);
    // Marks are a byte a line in the worst case; those that find no room are made again when they are needed.
    if (count.due === count.held || marks.sizeBytes > mostMarksBytes) return;
    if (this.#marksBytes + marks.sizeBytes > mostMarksBytes) {
      this.#marks.clear();
      this.#marksBytes = 0;
    }
    this.#marks.set(key, sorted);
    this.#marksBytes += marks.sizeBytes;
  }
}

const mostSeen = 20_000;
const mostMarksBytes = 32 * 1024 * 1024;

/** Count a folder's rotated lines as a cutoff sees them; with `null` none is due. */
export async function countLines(
  source: FilesSource,
  dataset: LineFolder,
  cutoff: Temporal.Instant | null,
  holds: readonly HeldScope[],
  seen: SeenLines,
): Promise<Census> {
  const { files } = await rotatedFiles(source, dataset, dataset.lines);
  const sum = { total: 0, due: 0, held: 0 };
  const heldBy: Record<string, number> = {};
  for (const file of files) {
    const count = await countFile(dataset, file, cutoff, holds, seen);
    if (count === null) continue;
    sum.total += count.lines;
    sum.due += count.due;
    sum.held += count.held;
    for (const [id, lines] of count.heldBy) heldBy[id] = (heldBy[id] ?? 0) + lines;
  }
  return { dataset: dataset.id, ...sum, restricted: 0, heldBy };
}

/** @returns null for a file that cannot be read to its end, or is gone: its lines stay, and are nobody's to count */
async function countFile(
  dataset: LineFolder,
  file: NamedFile,
  cutoff: Temporal.Instant | null,
  holds: readonly HeldScope[],
  seen: SeenLines,
): Promise<LineCount | null> {
  const key = keyOf(dataset, file, cutoff, holds);
  const known = seen.count(key);
  if (known) return known;
  await using opened = await openSame(file);
  const sorted = opened && (await sorting(dataset, file, opened.handle, cutoff, holds));
  if (sorted) seen.add(key, file, sorted);
  return sorted;
}

function identityOf({ path, stat }: NamedFile): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = stat;
  return [dev, ino, size, mtimeNs, ctimeNs, path].join(':');
}

function keyOf(
  dataset: LineFolder,
  file: NamedFile,
  cutoff: Temporal.Instant | null,
  holds: readonly HeldScope[],
): string {
  return sha256Hex(JSON.stringify([dataset.id, identityOf(file), String(cutoff), lineHolds(dataset, holds)]));
}

/** A file opened to read, if it is still the one that was listed. */
async function openSame(file: NamedFile) {
  if ((await statOf(file.path)) === null) return null;
  const handle = await openPlain(file.path);
  const isSame = isSameFile(await handle.stat({ bigint: true }), file.stat);
  if (!isSame) await handle.close();
  return isSame ? { handle, [Symbol.asyncDispose]: () => handle.close() } : null;
}

async function sorting(
  dataset: LineFolder,
  file: NamedFile,
  handle: Parameters<typeof chunksOf>[0],
  cutoff: Temporal.Instant | null,
  holds: readonly HeldScope[],
): Promise<SortedLines | null> {
  const packing = packed(file.name);
  if (packing === 'unknown') return null;
  try {
    return await sortLines(chunksOf(handle, packing), orderOf(dataset, file, cutoff, holds));
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return null;
  }
}

function orderOf(
  dataset: LineFolder,
  file: NamedFile,
  cutoff: Temporal.Instant | null,
  holds: readonly HeldScope[],
): LineOrder {
  return {
    timer: lineTimer(dataset.lines, notAfter(file)),
    continuation: dataset.lines.continuation,
    cutoff: cutoff?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
    holds: lineHolds(dataset, holds),
  };
}

/** 1990: before any log there is. A file said to be older has lost its time, as archives and builds do to files. */
const oldestFile = Date.UTC(1990);

/** What no line of the file can be later than: the end of the day in its name, or when it was last written to. */
function notAfter({ stat, endOfDay }: NamedFile): number {
  const written = Number(stat.mtimeMs);
  const latest = endOfDay === null ? written : Math.max(endOfDay.epochMilliseconds, written);
  return latest < oldestFile ? Number.NaN : latest;
}

/** The open holds as they touch the lines of one folder. */
function lineHolds(dataset: LineFolder, holds: readonly HeldScope[]): readonly LineHold[] {
  return holds.flatMap(({ id, scope }): LineHold[] => {
    const named = scope.datasets.includes(dataset.id);
    if (scope.datasets.length > 0 && !named) return [];
    // A hold on records of other datasets is none on a log.
    if (scope.subjects.length === 0 && !named && Object.keys(scope.keys).length > 0) return [];
    return [
      {
        id,
        from: scope.from === null ? Number.NEGATIVE_INFINITY : Temporal.Instant.from(scope.from).epochMilliseconds,
        to: scope.to === null ? Number.POSITIVE_INFINITY : Temporal.Instant.from(scope.to).epochMilliseconds,
        values: scope.subjects.length === 0 ? null : scope.subjects.map(({ value }) => value),
      },
    ];
  });
}

/**
 * Take what may go out of the next file that has any, in the order of their names.
 * @param after the name of the file before; null: from the first one on
 */
export async function destroyLines(
  source: FilesSource,
  dataset: LineFolder,
  order: Pick<BatchOrder, 'runKey' | 'rows'> & { readonly cutoff: Temporal.Instant | null },
  around: BatchSurroundings,
  seen: SeenLines,
): Promise<BatchResult> {
  // A crash before the first intent leaves no more than a copy. Where one is intended nobody comes here.
  if (around.from === null) await removeMade(source, dataset);
  const { files } = await rotatedFiles(source, dataset, dataset.lines);
  for (const file of files) {
    if (around.from !== null && file.name <= around.from) continue;
    const key = keyOf(dataset, file, order.cutoff, around.holds);
    const known = seen.count(key);
    if (known && known.due === known.held) continue;
    await using opened = await openSame(file);
    if (!opened) continue;
    const sorted = seen.take(key) ?? (await sorting(dataset, file, opened.handle, order.cutoff, around.holds));
    if (!sorted) continue;
    if (sorted.due === sorted.held) {
      seen.add(key, file, sorted);
      continue;
    }
    const going = sorted.due - sorted.held;
    const { runKey, rows } = order;
    const rewriting = { dataset: dataset.id, runKey, rows, marks: sorted.marks, staying: sorted.lines - going };
    if (await rewriteFile(file, opened.handle, rewriting, around)) return { kind: 'intended', upTo: file.name };
  }
  return { kind: 'nothing_due' };
}

/** What a hold covers in a folder: all its lines, the ones being written as well. */
export async function coverLines(source: FilesSource, dataset: LineFolder, hold: HeldScope): Promise<Coverage> {
  const { files, left } = await rotatedFiles(source, dataset, dataset.lines);
  const everything = Temporal.Instant.from('9999-12-31T00:00:00Z');
  const root = createHash('sha256').update(`${dataset.id}\n`);
  let count = 0;
  for (const file of [...files, ...left.map(({ file }) => file)].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const packing = packed(file.name);
    if (packing === 'unknown' || lineHolds(dataset, [hold]).length === 0) continue;
    await using handle = await openPlain(file.path);
    try {
      await sortLines(chunksOf(handle, packing), orderOf(dataset, file, everything, [hold]), (first, lines) => {
        count += lines;
        root.update(`${file.name} ${first} ${lines}\n`);
      });
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  return { dataset: dataset.id, count, root: root.digest('hex') };
}

const reasons: Readonly<Record<LeftWhy, string | null>> = {
  current: null,
  young: null,
  in_use: 'are open in a program that may write to them',
  linked: 'have a second name in the file system, which would keep what went',
  unreadable: 'are packed in a way that cannot be read here',
};

/** How much of the beginning of a file is looked at for times. */
const headLines = 1000;
const headBytes = 4 * 1024 * 1024;

/**
 * What is wrong with a folder of logs: files that are left, and times that cannot be read. Where no file has a readable
 * time in its first lines the format is the wrong one, and "nothing is due" would not be true.
 */
export async function checkLines(source: FilesSource, dataset: LineFolder, seen: SeenLines): Promise<readonly Drift[]> {
  const found: Drift[] = [];
  const { files, left } = await rotatedFiles(source, dataset, dataset.lines);
  const report = (code: Drift['code'], level: Drift['level'], detail: string) =>
    found.push({ source: source.name, subject: dataset.id, code, detail, level });
  for (const [why, reason] of Object.entries(reasons)) {
    const names = left.filter((file) => file.why === why).map(({ file }) => file.name);
    if (reason !== null && names.length > 0)
      report('file_left', 'warning', `${listed(names)} in ${dataset.folder} ${reason}, and are left as they are.`);
  }
  const broken: string[] = [];
  const undated: string[] = [];
  let [dated, without] = [0, 0];
  for (const file of files) {
    const head = await lookAtHead(dataset, file);
    if (head === null) broken.push(file.name);
    dated += head?.dated ?? 0;
    // What a run counted is all of them.
    const count = seen.undated(file) ?? head?.undated ?? 0;
    without += count;
    if (count > 0) undated.push(file.name);
  }
  if (broken.length > 0)
    report(
      'file_left',
      'warning',
      `${listed(broken)} in ${dataset.folder} cannot be unpacked, and are left as they are.`,
    );
  if (undated.length > 0 && dated === 0)
    report(
      'time_unreadable',
      'drift',
      `No line of ${listed(undated)} in ${dataset.folder} says when it was written in the format ${dataset.lines.format}. Mend format in sources.yaml.`,
    );
  else if (undated.length > 0)
    report(
      'time_unreadable',
      'warning',
      `${listed(undated)} in ${dataset.folder} have lines that do not say when they were written (${without} seen). They stay.`,
    );
  return found;
}

function listed(names: readonly string[]): string {
  const first = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${first} and ${names.length - 3} other files` : first;
}

/** @returns of the first lines, how many have a time and how many stay for the lack of one; null where it is unreadable */
async function lookAtHead(dataset: LineFolder, file: NamedFile): Promise<{ dated: number; undated: number } | null> {
  const packing = packed(file.name);
  if (packing === 'unknown') return null;
  await using opened = await openSame(file);
  if (!opened) return { dated: 0, undated: 0 };
  try {
    const { lines, undated } = await sortLines(
      firstLines(chunksOf(opened.handle, packing)),
      orderOf(dataset, file, null, []),
    );
    return { dated: lines - undated, undated };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return null;
  }
}

/** The beginning of a file, up to the end of a line. */
async function* firstLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let [lines, bytes] = [0, 0];
  for await (const chunk of chunks) {
    let end = 0;
    const cutter = new LineCutter((_, __, pieceEnd, ___, isLast) => {
      if (lines < headLines) end = pieceEnd;
      if (isLast) lines += 1;
    });
    cutter.cut(chunk);
    yield chunk.subarray(0, end);
    bytes += chunk.length;
    if (lines >= headLines || bytes >= headBytes) return;
  }
}
