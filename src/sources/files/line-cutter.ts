/**
 * Called for each piece of each line, in order. A line that lies within one chunk is one piece; another begins in one
 * and ends in a later one, perhaps with an empty piece. Its end (`\n`, and a `\r` before it) belongs to it.
 */
export type OnPiece = (bytes: Buffer, start: number, end: number, isFirst: boolean, isLast: boolean) => void;

/** Cuts bytes that stream past into lines, without copying any. */
export class LineCutter {
  readonly #onPiece: OnPiece;
  #isOpen = false;

  constructor(onPiece: OnPiece) {
    this.#onPiece = onPiece;
  }

  cut(chunk: Buffer): void {
    for (let start = 0; start < chunk.length; ) {
      const found = chunk.indexOf(0x0a, start);
      const end = found < 0 ? chunk.length : found + 1;
      this.#onPiece(chunk, start, end, !this.#isOpen, found >= 0);
      this.#isOpen = found < 0;
      start = end;
    }
  }

  /** Nothing follows: a last line without an end is over. */
  end(): void {
    if (this.#isOpen) this.#onPiece(Buffer.alloc(0), 0, 0, false, true);
    this.#isOpen = false;
  }
}

/** The most of a line that is held in memory. What of a line lies behind it is looked into piece by piece. */
const longLineBytes = 16 * 1024 * 1024;

/** Joins the pieces of each line, so that only a line longer than `longLineBytes` comes in more than one. */
export function joinPieces(onPiece: OnPiece, longest = longLineBytes): OnPiece {
  let parts: Buffer[] = [];
  let length = 0;
  let hasBegun = false;
  return (bytes, start, end, isFirst, isLast) => {
    if (isFirst && isLast) {
      onPiece(bytes, start, end, true, true);
      return;
    }
    parts.push(Buffer.from(bytes.subarray(start, end)));
    length += end - start;
    if (!isLast && length < longest) return;
    const joined = Buffer.concat(parts, length);
    onPiece(joined, 0, length, !hasBegun, isLast);
    hasBegun = !isLast;
    parts = [];
    length = 0;
  };
}
