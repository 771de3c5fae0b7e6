import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PDFDocument } from 'pdf-lib';
import { afterAll, describe, expect, it } from 'vitest';
import { writeDocument } from '../../../src/artifacts/pdf/document.ts';
import { type RecordItem, writeRecord } from '../../../src/artifacts/pdf/record.ts';
import { hasTool, shared } from '../../support/tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'muniment-pdf-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function record(texts: readonly string[]) {
  const chunks: Uint8Array[] = [];
  const items = (async function* (): AsyncGenerator<RecordItem> {
    for (const [at, text] of texts.entries())
      yield {
        id: String(at + 1),
        at: Temporal.Instant.fromEpochMilliseconds(1_700_000_000_000 + at * 60_000),
        sender: 'Sender',
        thread: 'Thread',
        text,
        attachments: [],
        edited: null,
      };
  })();
  const written = await writeRecord(
    {
      title: 'Record',
      exportId: 'exp_test',
      organization: 'Kinfolk',
      timezone: 'America/Los_Angeles',
      bates: { prefix: 'TST', start: 7, digits: 6 },
      cover: { heading: 'Record', facts: [], notes: [] },
      items,
    },
    { write: async (chunk) => void chunks.push(Buffer.from(chunk)) },
  );
  return { written, bytes: Buffer.concat(chunks) };
}

function extracted(bytes: Uint8Array, name: string): string {
  const path = join(folder, `${name}.pdf`);
  writeFileSync(path, bytes);
  // Extractors mark directions of their own; they are not the record's text.
  return execFileSync('pdftotext', [path, '-'], { encoding: 'utf8', maxBuffer: 2 ** 28 }).replace(
    /[\u200e\u200f\u202a-\u202e]/g,
    '',
  );
}

const scripts: Readonly<Record<string, string>> = {
  Latin: 'The children are with me on Saturday, and I paid the dentist: 320.50 dollars.',
  Vietnamese: 'Tiếng Việt có nhiều dấu thanh',
  Greek: 'Καλημέρα κόσμε τι κάνεις',
  Cyrillic: 'Діти сьогодні вдома, дякую',
  Hebrew: 'שלום עולם מה שלומך היום',
  Arabic: 'مرحبا بالعالم كيف حالك اليوم',
  Devanagari: 'नमस्ते दुनिया क्षत्रिय बच्चे',
};

describe('the record as a PDF', () => {
  it('numbers its pages and Bates numbers, and is the same bytes for the same input', async () => {
    const texts = Array.from({ length: 60 }, (_, at) => `Message ${at} ${'word '.repeat(60)}`);
    const first = await record(texts);
    const second = await record(texts);
    expect(first.bytes.equals(second.bytes)).toBe(true);
    const opened = await PDFDocument.load(first.bytes, { updateMetadata: false });
    expect(opened.getPageCount()).toBe(first.written.pages);
    expect(first.written).toMatchObject({
      batesFirst: 7,
      batesLast: 6 + first.written.pages,
      items: 60,
      uncovered: 0,
      bytes: first.bytes.length,
    });
  });

  it.skipIf(!hasTool('qpdf'))('has a structure that qpdf finds nothing wrong with', async () => {
    const { bytes } = await record(Object.values(scripts));
    const path = join(folder, 'check.pdf');
    writeFileSync(path, bytes);
    expect(execFileSync('qpdf', ['--check', path], { encoding: 'utf8' })).toContain(
      'No syntax or stream encoding errors',
    );
  });

  for (const [script, text] of Object.entries(scripts))
    it.skipIf(!hasTool('pdftotext'))(`gives every word of ${script} back to a reader`, async () => {
      const { bytes } = await record([text]);
      const found = extracted(bytes, script);
      for (const word of text.split(/[\s,:.]+/).filter(Boolean)) expect(found).toContain(word);
    });

  it.skipIf(!hasTool('pdftotext'))(
    'gives every character of scripts without spaces, and every emoji, back to a reader',
    async () => {
      const { bytes } = await record([
        '日本語のテキストと中文文本',
        '한국어 텍스트',
        'สวัสดีชาวโลก',
        '👍🏽 👩🏾‍💻 👨‍👩‍👧‍👦 🇩🇪 ❤️',
      ]);
      const found = extracted(bytes, 'cjk').replaceAll(/\s/g, '');
      for (const character of '日本語のテキストと中文文本한국어텍스트สวัสดีชาวโลก') expect(found).toContain(character);
      for (const codePoint of ['👍', '🏽', '👩', '🏾', '💻', '👨', '👧', '👦', '🇩', '🇪', '❤'])
        expect(found).toContain(codePoint);
    },
  );

  it.skipIf(!hasTool('pdftotext'))('shows what has no shape, and counts it', async () => {
    const { written, bytes } = await record([
      'a\u202eb',
      'c\u0000d',
      'e\ud800f',
      'g\u200bh',
      'i\u{12000}j',
      'k\u2066l',
    ]);
    const found = extracted(bytes, 'marks');
    for (const mark of ['[U+202E]', '[U+0000]', '[U+D800]', '[U+200B]', '[U+12000]', '[U+2066]'])
      expect(found).toContain(mark);
    expect(written.uncovered).toBe(6);
  });

  it.skipIf(!hasTool('pdftotext'))('survives hundreds of combining marks, and the words around them stay', async () => {
    // Poppler drops equal characters that stand on one spot, so the marks themselves cannot be counted with it.
    const { written, bytes } = await record([`before e${'\u0301'.repeat(300)} after`]);
    const found = extracted(bytes, 'zalgo');
    expect(found).toContain('before');
    expect(found).toContain('after');
    expect(written.uncovered).toBe(0);
  });

  it.skipIf(!hasTool('pdftoppm'))('puts ink where there is text, in every script', async () => {
    for (const [script, text] of Object.entries(scripts)) {
      const { bytes } = await record([text]);
      const path = join(folder, `ink-${script}.pdf`);
      writeFileSync(path, bytes);
      execFileSync('pdftoppm', ['-r', '72', '-gray', '-f', '2', '-l', '2', path, join(folder, `ink-${script}`)]);
      const image = readFileSync(join(folder, `ink-${script}-2.pgm`));
      // The first message's line stands about 160 points below the top; blank glyphs would leave it white.
      const header = /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(image.subarray(0, 40).toString('latin1'));
      const width = Number(header?.[1]);
      const pixels = image.subarray(header?.[0].length ?? 0);
      let dark = 0;
      for (let y = 150; y < 185; y++)
        for (let x = 0; x < width; x++) if ((pixels[y * width + x] ?? 255) < 128) dark += 1;
      expect(dark, script).toBeGreaterThan(60);
    }
  });

  it.skipIf(shared('data/naughty/blns.json') === null)(
    'takes every naughty string, and loses nothing of the printable ones',
    async () => {
      const strings = JSON.parse(readFileSync(shared('data/naughty/blns.json') ?? '', 'utf8')) as string[];
      const { written } = await record(strings);
      expect(written.items).toBe(strings.length);
    },
  );

  it.skipIf(shared('data/irc') === null)('takes hours of real chat', async () => {
    const lines = readFileSync(join(shared('data/irc') ?? '', '2004-11-15_03.raw.txt'), 'utf8')
      .split('\n')
      .slice(0, 800);
    const { written } = await record(lines);
    expect(written.items).toBe(lines.length);
    expect(written.uncovered).toBe(0);
  });

  it('writes a document with names in any script', async () => {
    const chunks: Uint8Array[] = [];
    const { pages } = await writeDocument(
      {
        title: 'Certificate',
        organization: 'משפחה',
        exportId: 'run_1',
        watermark: 'draft – not executed',
        blocks: [
          { kind: 'heading', text: 'Certificate' },
          { kind: 'facts', rows: [{ label: 'Approved by', value: 'दीया शर्मा' }] },
          {
            kind: 'table',
            columns: ['A', 'B'],
            widths: [0.5, 0.5],
            rows: Array.from({ length: 120 }, (_, at) => [String(at), '名前']),
          },
        ],
      },
      { write: async (chunk) => void chunks.push(Buffer.from(chunk)) },
    );
    expect(pages).toBeGreaterThan(1);
    expect((await PDFDocument.load(Buffer.concat(chunks))).getPageCount()).toBe(pages);
  });

  it('shows what tags and selectors would hide, and leaves a flag alone', async () => {
    const hidden = `a${[...'hidden'].map((letter) => String.fromCodePoint(0xe0000 + (letter.codePointAt(0) ?? 0))).join('')}`;
    expect((await record([hidden])).written.uncovered).toBe(6);
    expect((await record(['a\ufe01\ufe02\ufe03'])).written.uncovered).toBeGreaterThan(0);
    expect((await record(['❤️'])).written.uncovered).toBe(0);
  });

  it.skipIf(!hasTool('pdftotext'))('loses no word of a table row taller than a page', async () => {
    const words = Array.from({ length: 1500 }, (_, at) => `w${at}w`);
    const chunks: Uint8Array[] = [];
    const rows = [['1', words.join(' ')]];
    await writeDocument(
      {
        title: 'Certificate',
        organization: 'Kinfolk',
        exportId: 'run_2',
        watermark: '',
        blocks: [{ kind: 'table', columns: ['A', 'B'], widths: [0.3, 0.3], rows }],
      },
      { write: async (chunk) => void chunks.push(Buffer.from(chunk)) },
    );
    const found = new Set(extracted(Buffer.concat(chunks), 'tall').split(/\s+/));
    expect(words.filter((word) => !found.has(word))).toEqual([]);
  });
});
