import * as hb from 'harfbuzzjs';
import { clusters, faceOfCluster, mark, skinTones } from './characters.ts';
import { type Face, plainFace, type Style } from './fonts.ts';

/** A glyph with its place, in thousandths of an em. */
export interface Glyph {
  readonly id: number;
  /** What it says, where it says it alone; '' where the run's text is told by the layer beneath. */
  readonly text: string;
  readonly width: number;
  readonly advance: number;
  readonly dx: number;
  readonly dy: number;
}

/** Glyphs of one font in the order in which they are drawn, left to right. */
export interface Run {
  readonly face: Face;
  readonly glyphs: readonly Glyph[];
  readonly width: number;
  /** Null: each glyph says its own text. Otherwise the run's text, which the invisible layer carries, in drawing order. */
  readonly layer: string | null;
}

export interface Shaped {
  readonly runs: readonly Run[];
  readonly width: number;
}

/** Unicode's marks of direction: no shape, no width, and a say in what is on which side. */
export const directionMarks = { leftToRight: '\u200e', rightToLeft: '\u200f' } as const;

/** A run that draws nothing and only says a mark. */
export function silentMark(layer: string, style: Style): Run {
  return { face: plainFace(style), glyphs: [], width: 0, layer };
}

const simple = /^[\x20-\x7e\u00a0-\u00ac\u00ae-\u017f]*$/;
const longestToUnicode = 16;
const cacheSize = 20_000;
/** Longer pieces are not words that come again, and thousands of them would be gigabytes. */
const longestRemembered = 64;
const cache = new Map<string, Shaped>();
const widths = new Map<string, Map<number, { id: number; width: number }>>();

/**
 * Shape a piece of text of one direction. Latin text goes letter by letter through a table of widths; everything else
 * through HarfBuzz, once, and is remembered.
 */
export function shape(text: string, style: Style, rightToLeft: boolean): Shaped {
  if (!rightToLeft && simple.test(text)) return shapeSimple(text, style);
  const key = `${style}${rightToLeft ? '<' : '>'}${text}`;
  const known = cache.get(key);
  if (known) return known;
  const shaped = shapeFully(text, style, rightToLeft);
  if (text.length > longestRemembered) return shaped;
  if (cache.size >= cacheSize) cache.delete(cache.keys().next().value ?? '');
  cache.set(key, shaped);
  return shaped;
}

function shapeSimple(text: string, style: Style): Shaped {
  const face = plainFace(style);
  const table = widths.get(style) ?? new Map<number, { id: number; width: number }>();
  widths.set(style, table);
  const glyphs: Glyph[] = [];
  let width = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    let entry = table.get(code);
    if (!entry) {
      const id = face.font.nominalGlyph(code) ?? 0;
      entry = { id, width: (face.font.glyphHAdvance(id) * 1000) / face.unitsPerEm };
      table.set(code, entry);
    }
    glyphs.push({ id: entry.id, text: text.charAt(at), width: entry.width, advance: entry.width, dx: 0, dy: 0 });
    width += entry.width;
  }
  return { runs: glyphs.length > 0 ? [{ face, glyphs, width, layer: null }] : [], width };
}

/** A stretch of text that one font prints. `note`: what its glyphs cannot show, written out behind them. */
interface Item {
  readonly face: Face;
  text: string;
  /** What is drawn, where that is less than the text. */
  readonly drawn: string | null;
  readonly note: string;
}

/** Marks of one cluster that are drawn. Hundreds of them would tower over the lines above. */
const mostMarks = 6;

function itemize(text: string, style: Style): readonly Item[] {
  const items: Item[] = [];
  for (const cluster of clusters(text)) {
    const face = faceOfCluster(cluster, style) ?? plainFace(style);
    const marks = [...cluster].filter((character) => /\p{M}/u.test(character)).length;
    const drawn = marks > mostMarks ? withoutMarksAfter(cluster, mostMarks) : null;
    // The outline emoji has no skin: its tone stands beside it, visible, and only once in the text a reader finds.
    const note = `${skinTones(cluster).map(mark).join('')}${drawn === null ? '' : `[+${marks - mostMarks} marks]`}`;
    const last = items.at(-1);
    if (last?.face === face && last.note === '' && note === '') last.text += cluster;
    else items.push({ face, text: cluster, drawn, note });
  }
  return items;
}

function withoutMarksAfter(cluster: string, most: number): string {
  let seen = 0;
  return [...cluster].filter((character) => !/\p{M}/u.test(character) || ++seen <= most).join('');
}

function shapeFully(text: string, style: Style, rightToLeft: boolean): Shaped {
  const runs = itemize(text, style).flatMap((item): Run[] => {
    const run = shapeRun(item.face, item.drawn ?? item.text, rightToLeft);
    const whole =
      item.drawn === null
        ? run
        : {
            ...run,
            glyphs: run.glyphs.map((glyph) => ({ ...glyph, text: '' })),
            layer: layerOf(item.text, rightToLeft),
          };
    return item.note === '' ? [whole] : [whole, silent(shapeSimple(item.note, style))];
  });
  const drawn = rightToLeft ? runs.reverse() : runs;
  return { runs: drawn, width: drawn.reduce((sum, run) => sum + run.width, 0) };
}

/** A run that is seen and not found: an annotation of ours, not the source's text. */
function silent(shaped: Shaped): Run {
  const [run] = shaped.runs;
  if (!run) throw new Error('an annotation has letters');
  return { ...run, glyphs: run.glyphs.map((glyph) => ({ ...glyph, text: '' })), layer: '' };
}

function shapeRun(face: Face, text: string, rightToLeft: boolean): Run {
  const buffer = new hb.Buffer();
  buffer.addText(text);
  buffer.guessSegmentProperties();
  buffer.setDirection(rightToLeft ? hb.Direction.RTL : hb.Direction.LTR);
  buffer.setClusterLevel(hb.ClusterLevel.MONOTONE_GRAPHEMES);
  hb.shape(face.font, buffer);
  const infos = buffer.getGlyphInfos();
  const positions = buffer.getGlyphPositions();
  const scale = 1000 / face.unitsPerEm;
  const starts = [...new Set(infos.map(({ cluster }) => cluster))].sort((a, b) => a - b);
  const textOf = new Map(starts.map((start, at) => [start, text.slice(start, starts[at + 1] ?? text.length)]));
  const isOneToOne =
    !rightToLeft &&
    new Set(infos.map(({ cluster }) => cluster)).size === infos.length &&
    [...textOf.values()].every((part) => part.length <= longestToUnicode) &&
    positions.every(({ xOffset, yOffset }) => xOffset === 0 && yOffset === 0);
  const glyphs = infos.map((info, at): Glyph => {
    const position = positions[at];
    return {
      id: info.codepoint,
      text: isOneToOne ? (textOf.get(info.cluster) ?? '') : '',
      width: face.font.glyphHAdvance(info.codepoint) * scale,
      advance: (position?.xAdvance ?? 0) * scale,
      dx: (position?.xOffset ?? 0) * scale,
      dy: (position?.yOffset ?? 0) * scale,
    };
  });
  const width = glyphs.reduce((sum, glyph) => sum + glyph.advance, 0);
  return { face, glyphs, width, layer: isOneToOne ? null : layerOf(text, rightToLeft) };
}

/** Drawn right to left, the layer's characters stand in visual order: extractors turn them round again. */
function layerOf(text: string, rightToLeft: boolean): string {
  return rightToLeft ? [...text].reverse().join('') : text;
}
