import { faceFor, type Style } from './fonts.ts';

/** A text as it will be printed: `text` has a visible mark wherever a character cannot be shown as itself. */
export interface Printable {
  readonly text: string;
  /** Code points shown as [U+XXXX]. */
  readonly marked: number;
}

/** `[U+202E]`: how a character that has no shape of its own is shown. */
export function mark(codePoint: number): string {
  return `[U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}]`;
}

// Format characters inside a cluster do their work there (joiners of scripts and emoji, one variation selector, the
// tags of a flag); anywhere else they would be hidden content, and are shown.
const joins = (codePoint: number) =>
  codePoint === 0x200c || codePoint === 0x200d || isSelector(codePoint) || isTag(codePoint);
const isSelector = (codePoint: number) => codePoint >= 0xfe00 && codePoint <= 0xfe0f;
const isTag = (codePoint: number) => codePoint >= 0xe0020 && codePoint <= 0xe007f;

/** Tags and selectors that do no work here could carry words nobody sees: a tag outside a flag, a second selector. */
function hidesContent(codePoints: readonly number[]): boolean {
  const isFlag = codePoints[0] === 0x1f3f4 && codePoints.at(-1) === 0xe007f;
  if (!isFlag && codePoints.some(isTag)) return true;
  return codePoints.some(
    (codePoint, at) =>
      isSelector(codePoint) && (at === 0 || isSelector(codePoints[at - 1] ?? 0) || isTag(codePoints[at - 1] ?? 0)),
  );
}

// Format characters, and those that Unicode defines to have no shape though they are called letters or marks.
const invisible = /^(?:\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\u115f|\u1160|\u3164|\uffa0|\u034f|\u17b4|\u17b5)$/u;
const isPlain = /^[\n\x20-\x7e\u00a0-\u00ac\u00ae-\u02ff]*$/;
const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/**
 * Make a text printable: nothing is dropped, replaced by a look-alike or reordered. Line ends become \n, a tab becomes
 * four spaces; controls, direction overrides, lone surrogates and characters no font has are written out.
 */
export function printable(source: string, style: Style): Printable {
  const text = source.replaceAll('\r\n', '\n').replaceAll('\t', '    ');
  if (isPlain.test(text)) return { text, marked: 0 };
  let out = '';
  let marked = 0;
  for (const { segment } of graphemes.segment(text)) {
    if (segment === '\n' || isPlain.test(segment)) {
      out += segment;
      continue;
    }
    const codePoints = [...segment].map((character) => character.codePointAt(0) ?? 0);
    const shown = codePoints.filter((codePoint) => !joins(codePoint));
    const whole =
      shown.length > 0 && shown.every(isVisible) && !hidesContent(codePoints) && faceOfCluster(segment, style) !== null;
    if (whole) {
      out += segment;
      continue;
    }
    for (const codePoint of codePoints) {
      const character = codePoint >= 0xd800 && codePoint <= 0xdfff ? '' : String.fromCodePoint(codePoint);
      if (character !== '' && !joins(codePoint) && isVisible(codePoint) && faceFor([codePoint], style, false))
        out += character;
      else {
        out += mark(codePoint);
        marked += 1;
      }
    }
  }
  return { text: out, marked };
}

function isVisible(codePoint: number): boolean {
  return !(codePoint >= 0xd800 && codePoint <= 0xdfff) && !invisible.test(String.fromCodePoint(codePoint));
}

/** The font that prints a whole cluster, or null. */
export function faceOfCluster(cluster: string, style: Style) {
  const codePoints = [...cluster].map((character) => character.codePointAt(0) ?? 0);
  const needed = codePoints.filter((codePoint) => !joins(codePoint));
  return faceFor(needed, style, wantsEmoji(cluster));
}

/** Whether a cluster asks to be shown as an emoji: by nature, by its selector, or as a sequence. */
function wantsEmoji(cluster: string): boolean {
  if (cluster.includes('\ufe0e')) return false;
  return cluster.includes('\ufe0f') || /\p{Emoji_Presentation}/u.test(cluster);
}

/** Skin tones, which an outline font cannot show: written out behind the emoji. */
export function skinTones(cluster: string): readonly number[] {
  return [...cluster].flatMap((character) => {
    const codePoint = character.codePointAt(0) ?? 0;
    return codePoint >= 0x1f3fb && codePoint <= 0x1f3ff ? [codePoint] : [];
  });
}

/** Clusters of a text in order. */
export function* clusters(text: string): Generator<string> {
  for (const { segment } of graphemes.segment(text)) yield segment;
}
