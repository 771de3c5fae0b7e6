import bidiModule from 'bidi-js';
import { clusters } from './characters.ts';
import type { Style } from './fonts.ts';
import { type Run, shape } from './shaping.ts';

/** A line to draw: runs from left to right. Widths in thousandths of an em. */
export interface Line {
  readonly runs: readonly Run[];
  readonly width: number;
  /** Its paragraph reads from right to left, so the line stands at the right. */
  readonly rightToLeft: boolean;
}

// Its types describe an ES default export, its main file is CommonJS: under Node the import is the factory itself.
const bidi = (bidiModule as unknown as typeof bidiModule.default)();
const words = new Intl.Segmenter('und', { granularity: 'word' });
const mayBeRightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const breaksInside =
  /[\u0e00-\u0eff\u1780-\u17ff\u3000-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\u{20000}-\u{3ffff}]/u;
const closes = /^[\p{Pe}\p{Pf}\p{Po}\p{M}]/u;

/**
 * Break a printable text into lines no wider than `width`, and put each line's runs into the order in which they are
 * drawn (UAX #9: levels by paragraph, reordering by line).
 * @param width in thousandths of an em
 */
export function breakLines(text: string, style: Style, width: number): readonly Line[] {
  return text.split('\n').flatMap((paragraph) => breakParagraph(paragraph, style, width));
}

function breakParagraph(text: string, style: Style, width: number): readonly Line[] {
  if (text === '') return [{ runs: [], width: 0, rightToLeft: false }];
  const levels = mayBeRightToLeft.test(text) ? bidi.getEmbeddingLevels(text) : null;
  const lines: Line[] = [];
  let start = 0;
  let end = 0;
  let lineWidth = 0;
  const emit = () => {
    lines.push(
      levels
        ? mixedLine(text, levels, start, trimmed(text, start, end), style)
        : plainLine(text.slice(start, trimmed(text, start, end)), style),
    );
    start = end;
    lineWidth = 0;
  };
  for (const piece of pieces(text, style, width)) {
    const isSpace = piece.text.trim() === '';
    if (!isSpace && lineWidth + piece.width > width && end > start) emit();
    lineWidth += piece.width;
    end += piece.text.length;
  }
  if (end > start) emit();
  return lines;
}

/** Where the line's text ends without the spaces it was broken at. */
function trimmed(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && text.charCodeAt(at - 1) === 0x20) at -= 1;
  return at === start ? end : at;
}

interface Piece {
  readonly text: string;
  readonly width: number;
}

/** Unbreakable pieces of a text with their widths: words, spaces, and in scripts without spaces what a dictionary splits. */
function* pieces(text: string, style: Style, width: number): Generator<Piece> {
  for (const word of text.split(/( +)/)) {
    if (word === '') continue;
    for (const part of breaksInside.test(word) ? splitWithoutSpaces(word) : [word]) {
      const shaped = shape(part, style, false);
      if (shaped.width <= width) yield { text: part, width: shaped.width };
      else yield* splitAnywhere(part, style, width);
    }
  }
}

function splitWithoutSpaces(word: string): readonly string[] {
  const parts: string[] = [];
  for (const { segment } of words.segment(word))
    if (parts.length > 0 && closes.test(segment)) parts[parts.length - 1] += segment;
    else parts.push(segment);
  return parts;
}

/** A piece wider than a line is cut between clusters. */
function* splitAnywhere(text: string, style: Style, width: number): Generator<Piece> {
  let part = '';
  let partWidth = 0;
  for (const cluster of clusters(text)) {
    const clusterWidth = shape(cluster, style, false).width;
    if (part !== '' && partWidth + clusterWidth > width) {
      yield { text: part, width: partWidth };
      part = '';
      partWidth = 0;
    }
    part += cluster;
    partWidth += clusterWidth;
  }
  if (part !== '') yield { text: part, width: partWidth };
}

/** Words and the spaces between them are shaped one by one: a word met before costs nothing. */
function plainLine(text: string, style: Style): Line {
  const runs: Run[] = [];
  let width = 0;
  for (const part of /^[\x20-\x7e]*$/.test(text) ? [text] : text.split(/( +)/)) {
    if (part === '') continue;
    const shaped = shape(part, style, false);
    runs.push(...shaped.runs);
    width += shaped.width;
  }
  return { runs, width, rightToLeft: false };
}

type Levels = ReturnType<typeof bidi.getEmbeddingLevels>;

function mixedLine(text: string, levels: Levels, start: number, end: number, style: Style): Line {
  const base = levels.paragraphs[0]?.level ?? 0;
  const stretches: { text: string; level: number }[] = [];
  for (let at = start; at < end; ) {
    const level = levelAt(levels, text, at, end, base);
    let next = at + 1;
    while (next < end && levelAt(levels, text, next, end, base) === level) next += 1;
    stretches.push({ text: text.slice(at, next), level });
    at = next;
  }
  const runs = reordered(stretches).flatMap(({ text: part, level }) => shape(part, style, level % 2 === 1).runs);
  return { runs, width: runs.reduce((sum, run) => sum + run.width, 0), rightToLeft: base % 2 === 1 };
}

/** Spaces at the end of a line have the paragraph's level (UAX #9, L1). A low surrogate has its high one's. */
function levelAt(levels: Levels, text: string, at: number, end: number, base: number): number {
  if (text.slice(at, end).trim() === '') return base;
  const code = text.charCodeAt(at);
  return levels.levels[code >= 0xdc00 && code <= 0xdfff ? at - 1 : at] ?? base;
}

/** UAX #9, L2: from the highest level to the lowest odd one, reverse what stands at that level or above. */
function reordered<T extends { readonly level: number }>(stretches: readonly T[]): readonly T[] {
  const order = [...stretches];
  const highest = Math.max(0, ...order.map(({ level }) => level));
  for (let level = highest; level > 0; level--)
    for (let at = 0; at < order.length; at++) {
      if ((order[at]?.level ?? 0) < level) continue;
      let end = at;
      while (end + 1 < order.length && (order[end + 1]?.level ?? 0) >= level) end += 1;
      order.splice(at, end - at + 1, ...order.slice(at, end + 1).reverse());
      at = end;
    }
  return order;
}
