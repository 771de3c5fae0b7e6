/**
 * artifacts/pdf/ promises the record of messages as a PDF that prints every character as stored or says visibly which
 * one it could not, that a reader can search, and that is the same bytes for the same input. Pages are written as they
 * are laid out; nothing here may keep a document in memory, transliterate a text, or look at a clock.
 */
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { sha256Stream } from '../../core/hash.ts';
import type { Sink } from '../sink.ts';

const deflated = promisify(deflate);

/** A PDF file being written: objects go out at once, the table of their places at the end (ISO 32000-1, 7.5). */
export class PdfFile {
  readonly #sink: Sink;
  readonly #digest = sha256Stream();
  readonly #places: number[] = [0];
  #bytes = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** SHA-256 of all bytes, once `end` has returned. */
  sha256(): string {
    return this.#digest.digestHex();
  }

  async begin(): Promise<void> {
    // The comment of high bytes tells transfer programs that this is not text.
    await this.#write(Buffer.from('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n', 'latin1'));
  }

  /** A number for an object that is written later. */
  reserve(): number {
    this.#places.push(0);
    return this.#places.length - 1;
  }

  /** Write an object. @param body its text, in PDF syntax */
  async object(body: string, id = this.reserve()): Promise<number> {
    this.#places[id] = this.#bytes;
    await this.#write(Buffer.from(`${id} 0 obj\n${body}\nendobj\n`, 'latin1'));
    return id;
  }

  /** Write a stream, deflated unless `plain`. @param dictionary members besides Length and Filter */
  async stream(dictionary: string, content: Uint8Array, id = this.reserve(), plain = false): Promise<number> {
    const bytes = plain ? content : await deflated(content, { level: 6 });
    this.#places[id] = this.#bytes;
    const filter = plain ? '' : ' /Filter /FlateDecode';
    await this.#write(
      Buffer.from(`${id} 0 obj\n<<${dictionary}${filter} /Length ${bytes.length}>>\nstream\n`, 'latin1'),
    );
    await this.#write(bytes);
    await this.#write(Buffer.from('\nendstream\nendobj\n', 'latin1'));
    return id;
  }

  /** Write the cross-reference table and the trailer. The file's identity is made of all bytes before them. */
  async end(root: number, info: number): Promise<void> {
    const start = this.#bytes;
    const identity = this.#digest.soFarHex().slice(0, 32);
    const lines = this.#places.map((place, id) =>
      id === 0 ? '0000000000 65535 f \n' : `${String(place).padStart(10, '0')} 00000 n \n`,
    );
    await this.#write(Buffer.from(`xref\n0 ${this.#places.length}\n${lines.join('')}`, 'latin1'));
    await this.#write(
      Buffer.from(
        `trailer\n<</Size ${this.#places.length} /Root ${root} 0 R /Info ${info} 0 R /ID [<${identity}> <${identity}>]>>\nstartxref\n${start}\n%%EOF\n`,
        'latin1',
      ),
    );
    await this.#flush();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#digest.update(bytes);
    this.#bytes += bytes.length;
    this.#pending.push(Buffer.from(bytes));
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= 256 * 1024) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    if (bytes.length > 0) await this.#sink.write(bytes);
  }
}

/** A PDF text string: ASCII as it is, anything else in UTF-16 with its mark (7.9.2.2). */
export function pdfText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return `(${text.replace(/[\\()]/g, '\\$&')})`;
  return `<FEFF${Buffer.from(text, 'utf16le').swap16().toString('hex').toUpperCase()}>`;
}

/** A number in PDF syntax: at most three decimals, no exponent. */
export function pdfNumber(value: number): string {
  const rounded = Math.round(value * 1000) / 1000;
  return Object.is(rounded, -0) ? '0' : String(rounded);
}
