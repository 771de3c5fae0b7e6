import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as hb from 'harfbuzzjs';
import { type PdfFile, pdfNumber } from './objects.ts';
import { subsetFont } from './subset.ts';

/** In the order in which they are asked for a character: the first that has it prints it. */
const fontFiles = [
  'NotoSans-Regular',
  'NotoSansArabic-Regular',
  'NotoSansHebrew-Regular',
  'NotoSansDevanagari-Regular',
  'NotoSansBengali-Regular',
  'NotoSansGurmukhi-Regular',
  'NotoSansGujarati-Regular',
  'NotoSansOriya-Regular',
  'NotoSansTamil-Regular',
  'NotoSansTelugu-Regular',
  'NotoSansKannada-Regular',
  'NotoSansMalayalam-Regular',
  'NotoSansSinhala-Regular',
  'NotoSansThai-Regular',
  'NotoSansLao-Regular',
  'NotoSansKhmer-Regular',
  'NotoSansMyanmar-Regular',
  'NotoSansArmenian-Regular',
  'NotoSansGeorgian-Regular',
  'NotoSansEthiopic-Regular',
  'NotoSansSC-Regular',
  'NotoSansJP-Regular',
  'NotoSansKR-Regular',
  'NotoEmoji-Regular',
  'NotoSansSymbols-Regular',
  'NotoSansSymbols2-Regular',
  'NotoSansMath-Regular',
] as const;
const boldFile = 'NotoSans-SemiBold';

export type Style = 'regular' | 'bold';

/** One font of the book, opened when it is first needed. */
export interface Face {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly font: hb.Font;
  readonly unitsPerEm: number;
  has(codePoint: number): boolean;
  readonly ascender: number;
  readonly descender: number;
}

const opened = new Map<string, Face>();

function open(name: string): Face {
  const known = opened.get(name);
  if (known) return known;
  const bytes = new Uint8Array(readFileSync(fileURLToPath(new URL(`./fonts/${name}.ttf`, import.meta.url))));
  const face = new hb.Face(new hb.Blob(bytes));
  const font = new hb.Font(face);
  const coverage = new Set(face.collectUnicodes());
  const extents = font.hExtents();
  const made: Face = {
    name,
    bytes,
    font,
    unitsPerEm: face.upem,
    has: (codePoint) => coverage.has(codePoint),
    ascender: extents?.ascender ?? face.upem,
    descender: extents?.descender ?? 0,
  };
  opened.set(name, made);
  return made;
}

/** By character, style and wish: the same few characters are asked for again and again. */
const found = new Map<string, Face | null>();
const mostFound = 50_000;

/** The first font that has every one of these characters; null when none does. Emoji presentation asks for emoji first. */
export function faceFor(codePoints: readonly number[], style: Style, wantsEmoji: boolean): Face | null {
  if (codePoints.length > 8) return findFace(codePoints, style, wantsEmoji);
  const key = `${style}${wantsEmoji ? '!' : ''}${codePoints.join()}`;
  const known = found.get(key);
  if (known !== undefined) return known;
  const face = findFace(codePoints, style, wantsEmoji);
  if (found.size >= mostFound) found.clear();
  found.set(key, face);
  return face;
}

function findFace(codePoints: readonly number[], style: Style, wantsEmoji: boolean): Face | null {
  const names: readonly string[] = [
    ...(wantsEmoji ? ['NotoEmoji-Regular'] : []),
    ...(style === 'bold' ? [boldFile] : []),
    ...fontFiles,
  ];
  for (const name of names) {
    const face = open(name);
    if (codePoints.every((codePoint) => face.has(codePoint))) return face;
  }
  return null;
}

/** The font of plain text in a style. */
export function plainFace(style: Style): Face {
  return open(style === 'bold' ? boldFile : fontFiles[0]);
}

interface UsedGlyph {
  readonly cid: number;
  readonly glyph: number;
  readonly text: string;
  readonly width: number;
}

/** A font as one document uses it: numbers of its own for each pair of glyph and source text, so that a reader is never in doubt what a glyph says. */
export class UsedFont {
  readonly key: string;
  readonly face: Face;
  readonly id: number;
  readonly #isLayer: boolean;
  readonly #used = new Map<string, UsedGlyph>();

  /** @param isLayer the invisible layer of text: every number draws the empty glyph of a space */
  constructor(key: string, face: Face, id: number, isLayer: boolean) {
    this.key = key;
    this.face = face;
    this.id = id;
    this.#isLayer = isLayer;
  }

  /** The number (CID) of a glyph that says `text`; `width` in thousandths of an em is its nominal advance. */
  cid(glyph: number, text: string, width: number): number {
    const key = `${glyph}/${text}`;
    const known = this.#used.get(key);
    if (known) return known.cid;
    const made = { cid: this.#used.size + 1, glyph, text, width };
    if (made.cid > 0xffff) throw new RangeError('a volume uses more than 65,535 different glyphs of one font');
    this.#used.set(key, made);
    return made.cid;
  }

  /** Write the font into the document, with only the glyphs that were used. */
  async write(file: PdfFile): Promise<void> {
    const used = [...this.#used.values()];
    const { face } = this;
    const scale = 1000 / face.unitsPerEm;
    const glyphs = new Set(used.map(({ glyph }) => glyph));
    const program = subsetFont(face.bytes, glyphs);
    const tag = tagOf(this.id);
    const name = `${tag}+${face.name}${this.#isLayer ? 'Layer' : ''}`;
    const programId = await file.stream(`/Length1 ${program.length}`, program);
    // CIDs 1 to n are used, and 0 must be present; the first CID is the highest bit (ISO 19005-1, 6.3.5).
    const set = Buffer.alloc((used.length >> 3) + 1);
    for (let cid = 0; cid <= used.length; cid++) set[cid >> 3] = (set[cid >> 3] ?? 0) | (0x80 >> (cid & 7));
    const setId = await file.stream('', set);
    const descriptor = await file.object(
      `<</Type /FontDescriptor /FontName /${name} /Flags 4 /FontBBox [-1000 ${pdfNumber(face.descender * scale)} 3000 ${pdfNumber(face.ascender * scale)}] /ItalicAngle 0 /Ascent ${pdfNumber(face.ascender * scale)} /Descent ${pdfNumber(face.descender * scale)} /CapHeight 714 /StemV 80 /FontFile2 ${programId} 0 R /CIDSet ${setId} 0 R>>`,
    );
    const map = Buffer.alloc((used.length + 1) * 2);
    for (const { cid, glyph } of used) map.writeUInt16BE(glyph, cid * 2);
    const mapId = await file.stream('', map);
    const widths = used.map(({ width }) => pdfNumber(width)).join(' ');
    const descendant = await file.object(
      `<</Type /Font /Subtype /CIDFontType2 /BaseFont /${name} /CIDSystemInfo <</Registry (Adobe) /Ordering (Identity) /Supplement 0>> /FontDescriptor ${descriptor} 0 R /DW 0 /W [1 [${widths}]] /CIDToGIDMap ${mapId} 0 R>>`,
    );
    // Where the layer says it all there is nothing to map, and a map of nothing is read as if numbers were characters.
    const says = used.some(({ text }) => text !== '');
    const unicode = says ? ` /ToUnicode ${await file.stream('', Buffer.from(toUnicode(used), 'latin1'))} 0 R` : '';
    await file.object(
      `<</Type /Font /Subtype /Type0 /BaseFont /${name} /Encoding /Identity-H /DescendantFonts [${descendant} 0 R]${unicode}>>`,
      this.id,
    );
  }
}

/** The six letters that mark a subset, from the object's number: the same input gives the same letters. */
function tagOf(id: number): string {
  let rest = id;
  let tag = '';
  for (let at = 0; at < 6; at++) {
    tag = String.fromCharCode(65 + (rest % 26)) + tag;
    rest = Math.floor(rest / 26);
  }
  return tag;
}

/** What each number says, for search, copy and screen readers (9.10.3). */
function toUnicode(used: readonly UsedGlyph[]): string {
  const lines = used
    .filter(({ text }) => text !== '')
    .map(({ cid, text }) => `<${hex4(cid)}> <${Buffer.from(text, 'utf16le').swap16().toString('hex').toUpperCase()}>`);
  const blocks: string[] = [];
  for (let at = 0; at < lines.length; at += 100) {
    const part = lines.slice(at, at + 100);
    blocks.push(`${part.length} beginbfchar\n${part.join('\n')}\nendbfchar`);
  }
  return `/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
${blocks.join('\n')}
endcmap
CMapName currentdict /CMap defineresource pop
end
end`;
}

export function hex4(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, '0');
}

/** Every font that one document uses. */
export class FontBook {
  readonly #file: PdfFile;
  readonly #fonts = new Map<string, UsedFont>();

  constructor(file: PdfFile) {
    this.#file = file;
  }

  use(face: Face): UsedFont {
    return this.#get(face.name, face, false);
  }

  /** The invisible layer. */
  layer(): UsedFont {
    return this.#get('layer', plainFace('regular'), true);
  }

  #get(key: string, face: Face, isLayer: boolean): UsedFont {
    const known = this.#fonts.get(key);
    if (known) return known;
    const made = new UsedFont(`F${this.#fonts.size + 1}`, face, this.#file.reserve(), isLayer);
    this.#fonts.set(key, made);
    return made;
  }

  /** Write all fonts; the answer is the Font dictionary of the pages' resources. */
  async write(): Promise<string> {
    for (const font of this.#fonts.values()) await font.write(this.#file);
    return `<<${[...this.#fonts.values()].map(({ key, id }) => `/${key} ${id} 0 R`).join(' ')}>>`;
  }
}
