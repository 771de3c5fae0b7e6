import { StringDecoder } from 'node:string_decoder';

/** Small letters, and one way of writing an accent. */
function fold(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is all that needs no more than small letters
  return /^[\x00-\x7f]*$/.test(text) ? text.toLowerCase() : text.toLowerCase().normalize('NFC');
}

/** What is looked for: each value as it is written. Values that are blank are nobody's. */
function wantedOf(values: readonly string[]): readonly string[] {
  return [...new Set(values.map((value) => fold(value.trim())))].filter((value) => value !== '');
}

/**
 * Looks for values in bytes of a log: in any case, as UTF-8 or Latin-1, also where signs of them are written as a URL
 * writes them (`%40`, once or twice over) or as JSON and web servers do (`\u0040`, `\x40`).
 */
export class MentionSearch {
  readonly #wanted: readonly string[];
  readonly #overlap: number;
  #decoder = new StringDecoder('utf8');
  #tail = '';

  constructor(values: readonly string[]) {
    this.#wanted = wantedOf(values);
    // A sign takes nine at most when written out twice over (%2540 has five; its bytes in UTF-8, four of them).
    this.#overlap = 24 * Math.max(0, ...this.#wanted.map((value) => value.length));
  }

  /** One piece of a line; pieces of the same line follow each other. @returns whether a value ends in it */
  look(bytes: Buffer, start: number, end: number, isFirst: boolean, isLast: boolean): boolean {
    if (this.#wanted.length === 0) return false;
    if (isFirst && isLast) return this.#isIn(bytes.toString('utf8', start, end), bytes, start, end);
    if (isFirst) {
      this.#decoder = new StringDecoder('utf8');
      this.#tail = '';
    }
    const text = this.#tail + this.#decoder.write(bytes.subarray(start, end));
    this.#tail = text.slice(-this.#overlap);
    return this.#isIn(text, bytes, start, end);
  }

  #isIn(text: string, bytes: Buffer, start: number, end: number): boolean {
    if (this.#has(text)) return true;
    // Bytes that are no UTF-8: older programs write Latin-1.
    if (text.includes('\ufffd') && this.#has(bytes.toString('latin1', start, end))) return true;
    let plain = text;
    for (let round = 0; round < 2; round++) {
      const before = plain;
      if (plain.includes('%')) plain = withoutPercent(plain);
      if (plain.includes('\\')) plain = withoutEscapes(plain);
      if (plain === before) return false;
      if (this.#has(plain)) return true;
    }
    return false;
  }

  #has(text: string): boolean {
    const folded = fold(text);
    return this.#wanted.some((value) => folded.includes(value));
  }
}

/** Runs of %XX as the UTF-8 they stand for. */
function withoutPercent(text: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}

/** `\u0040`, `\x40` and `\/` as the signs they stand for. */
function withoutEscapes(text: string): string {
  return text
    .replace(/(?:\\x[0-9A-Fa-f]{2})+/g, (run) => Buffer.from(run.replaceAll('\\x', ''), 'hex').toString('utf8'))
    .replace(/\\u([0-9A-Fa-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll('\\/', '/');
}
