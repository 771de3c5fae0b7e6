/**
 * Which lines of a file go, as lengths of runs that stay and go by turns, the first of them staying: one byte for most
 * runs, so that a file of gigabytes is remembered in a few kilobytes, and in the worst case in a byte a line.
 */
export class LineMarks {
  #bytes = new Uint8Array(64);
  #length = 0;
  #run = 0;
  #goes = false;

  /** How much memory they take. */
  get sizeBytes(): number {
    return this.#bytes.length;
  }

  add(lines: number, goes: boolean): void {
    if (goes !== this.#goes) this.#close();
    this.#goes = goes;
    this.#run += lines;
  }

  /** @returns asked once a line, in order: does it go? */
  reader(): () => boolean {
    this.#close();
    this.#goes = !this.#goes;
    const bytes = this.#bytes.subarray(0, this.#length);
    let at = 0;
    let left = 0;
    let goes = true;
    return () => {
      while (left === 0 && at < bytes.length) {
        let scale = 1;
        for (let more = true; more; at++) {
          const byte = bytes[at] ?? 0;
          left += (byte & 0x7f) * scale;
          scale *= 128;
          more = byte >= 0x80;
        }
        goes = !goes;
      }
      // A line more than were marked stays.
      if (left === 0) return false;
      left -= 1;
      return goes;
    };
  }

  #close(): void {
    if (this.#length + 8 > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    let rest = this.#run;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = 0x80 | (rest % 128);
    this.#bytes[this.#length++] = rest;
    this.#run = 0;
  }
}
