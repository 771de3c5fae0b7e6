import bidiModule from 'bidi-js';
import { clusters } from './characters.ts';
import type { Style } from './fonts.ts';
import { directionMarks, type Run, shape, silentMark } from './shaping.ts';

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
    // Spaces hang over the end of a line, by a line at most: what is looked at of a line may take the square of its length.
    if (end > start && (isSpace ? lineWidth > width : lineWidth + piece.width > width)) emit();
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

/** What is longer is cut without being shaped as a whole, which takes some hundred bytes of memory a letter. */
const longestWord = 2000;

/** Unbreakable pieces of a text with their widths: words, spaces, and in scripts without spaces what a dictionary splits. */
function* pieces(text: string, style: Style, width: number): Generator<Piece> {
  for (const word of text.split(/( +)/)) {
    if (word === '') continue;
    for (const part of breaksInside.test(word) ? splitWithoutSpaces(word) : [word]) {
      const shaped = part.length <= longestWord ? shape(part, style, false) : null;
      if (shaped !== null && shaped.width <= width) yield { text: part, width: shaped.width };
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
  // Spaces at the end of a line have the paragraph's level (UAX #9, L1).
  const spaces = start + text.slice(start, end).trimEnd().length;
  const level = (at: number) => (at < spaces ? levelAt(levels, text, at, base) : base);
  const stretches: { text: string; level: number }[] = [];
  for (let at = start; at < end; ) {
    const here = level(at);
    let next = at + 1;
    while (next < end && level(next) === here) next += 1;
    stretches.push({ text: text.slice(at, next), level: here });
    at = next;
  }
  const drawn = reordered(stretches);
  const runs = drawn.flatMap((stretch, at) => runsOf(stretch, drawn[at - 1], drawn[at + 1], style));
  return { runs, width: runs.reduce((sum, run) => sum + run.width, 0), rightToLeft: isRightToLeft(base) };
}

type Stretch = { readonly text: string; readonly level: number };
const isRightToLeft = (level: number) => level % 2 === 1;

/**
 * The runs of a stretch between what is drawn at its left and right. Readers of a PDF guess from letters where a
 * direction ends, and take the spaces, brackets and vowel signs at the edge for the neighbour's: words that are apart
 * would be joined. Unicode's marks of direction, in the invisible layer only, say where the edge is.
 */
function runsOf(stretch: Stretch, left: Stretch | undefined, right: Stretch | undefined, style: Style): readonly Run[] {
  const { text } = stretch;
  if (isRightToLeft(stretch.level)) {
    const isApart = right && !(/^\p{L}/u.test(text) && /^[\p{L}\p{N}]/u.test(right.text));
    return bounded(shape(text, style, true).runs, left === undefined, Boolean(isApart));
  }
  const { runs } = shape(text, style, false);
  const word = text.search(/[\p{L}\p{N}]/u);
  if (!left || !isRightToLeft(left.level) || word < 0 || (word === 0 && /^\p{L}/u.test(left.text))) return runs;
  const [between, rest] = [text.slice(0, word), text.slice(word)];
  const mark = silentMark(directionMarks.rightToLeft, style);
  return [...shape(between, style, false).runs, mark, ...shape(rest, style, false).runs];
}

/**
 * The layer of a stretch from right to left, with the marks it needs.
 * @param isFirst nothing is drawn at its left: what comes before its first letter is its own
 * @param isApart between it and the stretch drawn at its right is something that is no letter
 */
function bounded(runs: readonly Run[], isFirst: boolean, isApart: boolean): readonly Run[] {
  const text = runs.map(({ layer }) => layer ?? '').join('');
  const marks = new Map<number, string>();
  const edge = (isFirst ? /^(?=\P{L})/u : /^[^\p{L}\p{M}]*(?=\p{M})/u).exec(text);
  if (edge) marks.set(edge[0].length, directionMarks.rightToLeft);
  // Readers take these for parts of a number: a direction of its own, which takes its neighbours' spaces and signs.
  for (const { index } of text.matchAll(/(?<=\P{L})(?=[+,./:،-])|(?<=[+,./:،-][^\p{L}\p{M}]*)(?=\p{M})/gu))
    marks.set(index, directionMarks.rightToLeft);
  for (const { index } of text.matchAll(/(?<=\p{L})(?=[^\p{L}\p{M}+,./:،-]+[+,./:،-])/gu))
    marks.set(index, directionMarks.leftToRight);
  const end = isApart ? /(?<=\p{L})(?=\P{L}*$)/u.exec(text) : null;
  if (end) marks.set(end.index, directionMarks.leftToRight);
  let at = 0;
  return runs.map((run) => {
    const start = at;
    at += run.layer?.length ?? 0;
    const own = [...marks].filter(([place]) => place >= start && (place < at || (place === at && at === text.length)));
    if (own.length === 0 || !run.layer) return run;
    let layer = '';
    let from = start;
    for (const [place, mark] of own.sort(([one], [other]) => one - other)) {
      layer += text.slice(from, place) + mark;
      from = place;
    }
    return { ...run, layer: layer + text.slice(from, at) };
  });
}

/** The level of a place. A low surrogate has its high one's. */
function levelAt(levels: Levels, text: string, at: number, base: number): number {
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
