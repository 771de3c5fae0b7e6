import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable } from '../../../src/artifacts/pdf/characters.ts';
import { breakLines, type Line } from '../../../src/artifacts/pdf/lines.ts';
import { directionMarks, type Run } from '../../../src/artifacts/pdf/shaping.ts';
import { shared } from '../../support/tools.ts';

const isRightToLeft = (text: string) =>
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u.test(text);
const isMark = (character: string) => Object.values<string>(directionMarks).includes(character);

/** What a line of one direction says to a reader of the file. */
const readLine = (line: Line) => line.runs.map(said).join('');

function said(run: Run): string {
  if (run.layer === null) return run.glyphs.map(({ text }) => text).join('');
  return [...run.layer].filter((character) => !isMark(character)).join('');
}

const withoutSpaces = (text: string) => text.replaceAll(/[ \n]/g, '');

/** What the marks stand for, back in their place; the text must hold nothing that looks like a mark. */
const unmarked = (text: string) =>
  text.replaceAll(/\[U\+([0-9A-F]{4,6})\]/g, (_, hex: string) => {
    const codePoint = Number.parseInt(hex, 16);
    return codePoint >= 0xd800 && codePoint <= 0xdfff
      ? String.fromCharCode(codePoint)
      : String.fromCodePoint(codePoint);
  });

const normalized = (text: string) => text.replaceAll('\r\n', '\n').replaceAll('\t', '    ');

/** Any UTF-16, with the parts that break renderers more often than chance would bring them. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\ud800',
        '\udfff',
        '\u202e',
        '\u2067',
        '\u200d',
        '\ufe0f',
        '\u0000',
        '\r',
        '\r\n',
        '\t',
        '\u0301',
      ),
      fc.constantFrom(
        'שָׁלוֹם',
        'مُحَمَّدٌ',
        'ক্ষমা',
        'ஸ்ரீ',
        'น้ำ',
        '👩🏾‍💻',
        '🇮🇳',
        '1️⃣',
        'word ',
        '日本語',
        ' 12,5% ',
        '(',
        ')',
        '"',
      ),
      fc.integer({ min: 0, max: 0x10ffff }).map((codePoint) => String.fromCodePoint(codePoint)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''))
  .filter((text) => !text.includes('[U+'));

describe('text that was made printable', () => {
  it('is the text again when each mark is read as the character it names, whatever the text is', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const { text: printed, marked } = printable(text, 'regular');
        expect(unmarked(printed)).toBe(normalized(text));
        expect([...printed.matchAll(/\[U\+[0-9A-F]{4,6}\]/g)]).toHaveLength(marked);
      }),
      { numRuns: 400 },
    );
  });

  it('is said whole by its lines, each character once, whatever directions it mixes', () => {
    const sorted = (text: string) => [...withoutSpaces(text)].sort().join('');
    fc.assert(
      fc.property(hostile, fc.integer({ min: 4000, max: 60_000 }), (source, width) => {
        const { text } = printable(source, 'regular');
        expect(sorted(breakLines(text, 'regular', width).map(readLine).join(''))).toBe(sorted(text));
      }),
      { numRuns: 300 },
    );
  });

  it('fits the width, unless a single cluster is wider', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        for (const line of breakLines(printable(text, 'regular').text, 'regular', 40_000))
          if (!/[\u0590-\u08ff]/.test(readLine(line))) expect(line.width).toBeLessThan(40_000 + 6000);
      }),
      { numRuns: 100 },
    );
  });

  it('is cut where it is a word or a gap without end, which no line takes whole', () => {
    for (const text of [
      `${' '.repeat(20_000)}א`,
      `א${' '.repeat(20_000)}b`,
      `${'\u2003'.repeat(20_000)}א`,
      'א'.repeat(20_000),
    ])
      for (const { width } of breakLines(text, 'regular', 40_000)) expect(width).toBeLessThan(2 * 40_000 + 6000);
  });

  it('takes little memory, whatever words people make up', () => {
    const program = fileURLToPath(new URL('long-words-program.ts', import.meta.url));
    const lines = execFileSync(process.execPath, ['--max-old-space-size=120', '--import', 'tsx', program], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(Number(lines)).toBeGreaterThan(1000);
  });

  it.skipIf(shared('data/naughty/blns.json') === null)('is whole for every naughty string and every attack', () => {
    const naughty = JSON.parse(readFileSync(shared('data/naughty/blns.json') ?? '', 'utf8')) as string[];
    const fuzz = shared('data/fuzz') ?? '';
    const attacks = readdirSync(fuzz, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.txt'))
      .flatMap((name) => readFileSync(join(fuzz, name), 'latin1').split('\n').slice(0, 300));
    expect(attacks.length).toBeGreaterThan(500);
    for (const text of [...naughty, ...attacks]) {
      const { text: printed, marked } = printable(text, 'regular');
      expect(unmarked(printed)).toBe(normalized(text));
      const lines = breakLines(printed, 'regular', 40_000);
      if (!isRightToLeft(text)) expect(withoutSpaces(lines.map(readLine).join(''))).toBe(withoutSpaces(printed));
      expect(marked).toBeLessThanOrEqual(text.length);
    }
  });
});
