import type { Sink } from '../sink.ts';
import { printable } from './characters.ts';
import { FontBook, hex4, type Style, type UsedFont } from './fonts.ts';
import { breakLines, type Line } from './lines.ts';
import { sRgbProfile, xmp } from './metadata.ts';
import { PdfFile, pdfNumber, pdfText } from './objects.ts';
import { directionMarks, type Run } from './shaping.ts';

/** A4 in points, and the room that text has. */
export const paper = { width: 595.28, height: 841.89, left: 62, right: 62, top: 84, bottom: 66 } as const;
export const textWidth = paper.width - paper.left - paper.right;

/** Colours of LOOK.md on white paper, as PDF operands. */
export const ink = {
  text: '0.106 0.137 0.188',
  muted: '0.345 0.38 0.443',
  line: '0.863 0.843 0.796',
  seal: '0.541 0.173 0.212',
} as const;
export type Ink = (typeof ink)[keyof typeof ink];

const pagesPerNode = 64;

export interface TextOptions {
  readonly size: number;
  readonly style?: Style;
  readonly color?: Ink;
  readonly leading?: number;
  readonly x?: number;
  readonly width?: number;
}

/** What stands on every page, given its number; drawn when the page is begun. */
export type Furniture = (pages: PageWriter, number: number) => void;

/** Lays out text from top to bottom, page after page, and writes each page as soon as it is full. */
export class PageWriter {
  readonly file: PdfFile;
  readonly #fonts: FontBook;
  readonly #furniture: Furniture;
  readonly #resources: number;
  readonly #total: number;
  readonly #tree: { id: number; kids: number[] }[] = [];
  readonly #root: number;
  #content: string[] = [];
  #count = 0;
  #y = 0;
  #marked = 0;

  constructor(sink: Sink, furniture: Furniture) {
    this.file = new PdfFile(sink);
    this.#fonts = new FontBook(this.file);
    this.#furniture = furniture;
    this.#resources = this.file.reserve();
    this.#total = this.file.reserve();
    this.#root = this.file.reserve();
  }

  get pages(): number {
    return this.#count;
  }

  /** Code points shown as [U+XXXX] so far. */
  get marked(): number {
    return this.#marked;
  }

  /** Points from the bottom of the page at which the next line stands. */
  get y(): number {
    return this.#y;
  }

  async begin(): Promise<void> {
    await this.file.begin();
    this.#startPage();
  }

  #startPage(): void {
    this.#count += 1;
    this.#content = [];
    this.#furniture(this, this.#count);
    this.#y = paper.height - paper.top;
  }

  async #finishPage(): Promise<void> {
    const content = Buffer.from(this.#content.join('\n'), 'latin1');
    const contentId = await this.file.stream('', content);
    let node = this.#tree.at(-1);
    if (!node || node.kids.length === pagesPerNode) {
      node = { id: this.file.reserve(), kids: [] };
      this.#tree.push(node);
    }
    node.kids.push(
      await this.file.object(
        `<</Type /Page /Parent ${node.id} 0 R /MediaBox [0 0 ${paper.width} ${paper.height}] /Resources ${this.#resources} 0 R /Contents ${contentId} 0 R>>`,
      ),
    );
  }

  async newPage(): Promise<void> {
    await this.#finishPage();
    this.#startPage();
  }

  /** Make sure that so much room is left on this page; begin a new one where it is not, and say so. */
  async need(points: number): Promise<boolean> {
    if (this.#y - points >= paper.bottom) return false;
    await this.newPage();
    return true;
  }

  space(points: number): void {
    this.#y -= points;
  }

  /** Text that flows down the page, over as many pages as it needs. */
  async text(source: string, options: TextOptions): Promise<void> {
    const {
      size,
      leading = size * 1.42,
      x = paper.left,
      width = textWidth,
      color = ink.text,
      style = 'regular',
    } = options;
    for (const line of this.lines(source, style, size, width)) {
      await this.need(leading);
      this.#y -= leading;
      const left = line.rightToLeft ? x + width - (line.width * size) / 1000 : x;
      this.draw(line, left, this.#y, size, color);
    }
  }

  /** The lines of a text at a size and width. Characters that cannot be shown are counted once, here. */
  lines(source: string, style: Style, size: number, width: number): readonly Line[] {
    const { text, marked } = printable(source, style);
    this.#marked += marked;
    return breakLines(text, style, (width * 1000) / size);
  }

  /** Whether a text stands on one line of a width, so that `label` would not cut it. */
  fits(source: string, style: Style, size: number, width: number): boolean {
    return breakLines(printable(source, style).text, style, (width * 1000) / size).length <= 1;
  }

  /** One line at a place; what is too wide is cut off with an ellipsis. For headers and short labels; with
   * `isContent` it says a record's own words: marks are counted, spaces stay as they are. */
  label(
    source: string,
    x: number,
    y: number,
    size: number,
    options: { style?: Style; color?: Ink; width?: number; align?: 'left' | 'right'; isContent?: boolean } = {},
  ): number {
    const { style = 'regular', color = ink.text, width = textWidth, align = 'left' } = options;
    const { text, marked } = printable(options.isContent ? source : source.replaceAll(/\s+/g, ' '), style);
    if (options.isContent) this.#marked += marked;
    const [first, ...more] = breakLines(text, style, (width * 1000) / size);
    if (!first) return 0;
    const line =
      more.length > 0 ? { ...first, runs: [...first.runs, ...(breakLines('…', style, 5000)[0]?.runs ?? [])] } : first;
    const drawn = (line.width * size) / 1000;
    this.draw(line, align === 'right' ? x - drawn : x, y, size, color);
    return drawn;
  }

  rule(y: number, from: number = paper.left, to: number = paper.width - paper.right, color: Ink = ink.line): void {
    this.#content.push(`${color} RG 0.6 w ${pdfNumber(from)} ${pdfNumber(y)} m ${pdfNumber(to)} ${pdfNumber(y)} l S`);
  }

  /** The number of all pages, which is known only at the end: a form that is written last. */
  total(x: number, y: number): void {
    this.#content.push(`q 1 0 0 1 ${pdfNumber(x)} ${pdfNumber(y)} cm /Total Do Q`);
  }

  /** All ink that says nothing comes before what is found: a reader meets the line's words one after the other. */
  draw(line: Line, x: number, y: number, size: number, color: Ink): void {
    const found: string[] = [];
    let at = x;
    for (const run of line.runs) {
      const glyphs = run.glyphs.length > 0 ? this.#glyphs(run, at, y, size, color) : '';
      if (run.layer === null) found.push(glyphs);
      else {
        // The glyphs say nothing to a reader; the layer beneath, as wide as they are, says it all.
        if (glyphs !== '') this.#content.push(`/Span <</ActualText <FEFF>>> BDC ${glyphs} EMC`);
        if (run.layer !== '') found.push(this.#layerOperators(run.layer, run.width, at, y, size));
      }
      at += (run.width * size) / 1000;
    }
    this.#content.push(...found);
  }

  #glyphs(run: Run, x: number, y: number, size: number, color: Ink): string {
    const font = this.#fonts.use(run.face);
    const place = `1 0 0 1 ${pdfNumber(x)} ${pdfNumber(y)} Tm`;
    return `BT /${font.key} ${pdfNumber(size)} Tf ${color} rg ${place} ${glyphOperators(run, font, size)} ET`;
  }

  #layerOperators(text: string, width: number, x: number, y: number, size: number): string {
    const layer = this.#fonts.layer();
    const empty = layer.face.font.nominalGlyph(0x20) ?? 0;
    const each = 500;
    const isMark = (character: string) =>
      character === directionMarks.leftToRight || character === directionMarks.rightToLeft;
    const characters = [...text];
    const hex = characters.map((character) => hex4(layer.cid(empty, character, isMark(character) ? 0 : each))).join('');
    const wide = characters.filter((character) => !isMark(character)).length;
    const stretch = wide === 0 ? 100 : (width / (wide * each)) * 100;
    return `BT 3 Tr /${layer.key} ${pdfNumber(size)} Tf ${pdfNumber(stretch)} Tz 1 0 0 1 ${pdfNumber(x)} ${pdfNumber(y)} Tm <${hex}> Tj 100 Tz 0 Tr ET`;
  }

  /** Write what is left: the last page, fonts, the page tree, metadata, the table of objects. */
  async end(document: { readonly title: string }): Promise<void> {
    await this.#finishPage();
    const [totalLine] = this.lines(String(this.#count), 'regular', 8, 200);
    this.#content = [];
    if (totalLine) this.draw(totalLine, 0, 0, 8, ink.muted);
    const total = Buffer.from(this.#content.join('\n'), 'latin1');
    const fonts = await this.#fonts.write();
    await this.file.stream(
      `/Type /XObject /Subtype /Form /BBox [0 -4 60 12] /Resources <</Font ${fonts}>>`,
      total,
      this.#total,
    );
    await this.file.object(`<</Font ${fonts} /XObject <</Total ${this.#total} 0 R>>>>`, this.#resources);
    for (const { id, kids } of this.#tree)
      await this.file.object(
        `<</Type /Pages /Parent ${this.#root} 0 R /Count ${kids.length} /Kids [${kids.map((kid) => `${kid} 0 R`).join(' ')}]>>`,
        id,
      );
    await this.file.object(
      `<</Type /Pages /Count ${this.#count} /Kids [${this.#tree.map(({ id }) => `${id} 0 R`).join(' ')}]>>`,
      this.#root,
    );
    const facts = { title: document.title, producer: 'Muniment', creator: 'Muniment' };
    const metadata = await this.file.stream('/Type /Metadata /Subtype /XML', xmp(facts), this.file.reserve(), true);
    const profile = await this.file.stream('/N 3', sRgbProfile());
    const catalog = await this.file.object(
      `<</Type /Catalog /Pages ${this.#root} 0 R /Metadata ${metadata} 0 R /Lang (en) /ViewerPreferences <</DisplayDocTitle true>> /OutputIntents [<</Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) /Info (sRGB) /DestOutputProfile ${profile} 0 R>>]>>`,
    );
    const info = await this.file.object(
      `<</Title ${pdfText(facts.title)} /Producer ${pdfText(facts.producer)} /Creator ${pdfText(facts.creator)}>>`,
    );
    await this.file.end(catalog, info);
  }
}

/** Glyphs with the corrections between them; one that stands off the line is placed by itself. */
function glyphOperators(run: Run, font: UsedFont, size: number): string {
  const parts: string[] = [];
  let array = '';
  const flush = () => {
    if (array !== '') parts.push(`[${array}] TJ`);
    array = '';
  };
  for (const glyph of run.glyphs) {
    const cid = hex4(font.cid(glyph.id, glyph.text, glyph.width));
    if (glyph.dy !== 0) {
      flush();
      parts.push(`${pdfNumber((glyph.dy * size) / 1000)} Ts`);
    }
    const before = glyph.dx === 0 ? '' : `${pdfNumber(-glyph.dx)} `;
    const after = glyph.advance - glyph.width - glyph.dx;
    array += `${before}<${cid}>${Math.abs(after) < 0.01 ? '' : ` ${pdfNumber(-after)} `}`;
    if (glyph.dy !== 0) {
      flush();
      parts.push('0 Ts');
    }
  }
  flush();
  return parts.join(' ').replaceAll('><', '');
}
