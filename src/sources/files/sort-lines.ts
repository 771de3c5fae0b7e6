import type { LineTimer } from '../../policy/line-time.ts';
import { joinPieces, LineCutter } from './line-cutter.ts';
import { LineMarks } from './line-marks.ts';
import { MentionSearch } from './mentions.ts';

/** What a hold keeps of one dataset's lines: those within a range that mention one of these values. */
export interface LineHold {
  readonly id: string;
  /** Milliseconds since 1970, both included. */
  readonly from: number;
  readonly to: number;
  /** Null: every line of the range. */
  readonly values: readonly string[] | null;
}

/** How a file's lines are sorted. */
export interface LineOrder {
  readonly timer: LineTimer;
  /** A line without a time belongs to the one before it; otherwise it stays. */
  readonly continuation: boolean;
  /** Milliseconds since 1970. */
  readonly cutoff: number;
  readonly holds: readonly LineHold[];
}

/** What one file holds as seen from one cutoff, in lines. */
export interface LineCount {
  readonly lines: number;
  readonly due: number;
  readonly held: number;
  /** Due lines a hold keeps, by hold. */
  readonly heldBy: ReadonlyMap<string, number>;
  /** Lines that stay because nobody can say when they were written. */
  readonly undated: number;
}

export interface SortedLines extends LineCount {
  /** Which lines go: due, and not held. */
  readonly marks: LineMarks;
}

/**
 * Sort a file's lines. What a dated line and the lines after it without a time say belongs together, as a message and
 * its stack trace do: together they are due, and a hold that covers one of them keeps all. Lines before the first
 * dated one are never due, and without `continuation` no line without a time is.
 * @param onHeld told of each run of lines that a hold covers, due or not, by the number of its first line (from 1)
 */
export async function sortLines(
  chunks: AsyncIterable<Buffer>,
  { timer, continuation, cutoff, holds }: LineOrder,
  onHeld: (firstLine: number, lines: number) => void = () => {},
): Promise<SortedLines> {
  const marks = new LineMarks();
  const heldBy = new Map<string, number>();
  const searches = holds.map(({ values }) => (values === null ? null : new MentionSearch(values)));
  const mentioned = holds.map(() => false);
  let [lines, due, held, undated] = [0, 0, 0, 0];
  // The run of lines that belong together now: when, which line it began with, how many.
  let [time, begun, count] = [Number.NaN, 1, 0];

  const close = () => {
    if (count === 0) return;
    const isDue = time < cutoff;
    const holding = holds.filter(
      // What cannot be dated is within every range.
      ({ from, to }, index) => !(time < from) && !(time > to) && (searches[index] === null || mentioned[index]),
    );
    if (isDue) due += count;
    if (Number.isNaN(time)) undated += count;
    if (isDue && holding.length > 0) held += count;
    if (isDue) for (const { id } of holding) heldBy.set(id, (heldBy.get(id) ?? 0) + count);
    if (holding.length > 0) onHeld(begun, count);
    marks.add(count, isDue && holding.length === 0);
  };

  const cutter = new LineCutter(
    joinPieces((bytes, start, end, isFirst, isLast) => {
      if (isFirst) {
        const at = timer(bytes, lines === 0 ? afterMark(bytes, start, end) : start, end);
        lines += 1;
        if (!Number.isNaN(at) || !continuation) {
          close();
          [time, begun, count] = [at, lines, 0];
          mentioned.fill(false);
        }
        count += 1;
      }
      // What is dated and not due stays whoever stands in it.
      if (time >= cutoff) return;
      for (const [index, search] of searches.entries())
        if (search && !mentioned[index]) mentioned[index] = search.look(bytes, start, end, isFirst, isLast);
    }),
  );
  for await (const chunk of chunks) cutter.cut(chunk);
  cutter.end();
  close();
  return { lines, due, held, heldBy, undated, marks };
}

/** Where the first line begins behind the mark that some editors write before it (U+FEFF in UTF-8). */
function afterMark(bytes: Buffer, start: number, end: number): number {
  const isMarked = end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
  return isMarked ? start + 3 : start;
}
