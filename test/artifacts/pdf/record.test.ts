import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PDFDocument } from 'pdf-lib';
import { describe, expect, it } from 'vitest';
import {
  asFile,
  extractedPages,
  extractedText,
  printedDocument,
  printedRecord as record,
} from '../../support/printed-record.ts';
import { hasTool, shared } from '../../support/tools.ts';

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
    const { bytes } = await record(['plain', 'שלום and क्षमा', '👍🏽']);
    expect(asFile(bytes, (path) => execFileSync('qpdf', ['--check', path], { encoding: 'utf8' }))).toContain(
      'No syntax or stream encoding errors',
    );
  });

  it.skipIf(!hasTool('pdftotext'))('shows what has no shape, and counts it', async () => {
    const { written, bytes } = await record([
      'a\u202eb',
      'c\u0000d',
      'e\ud800f',
      'g\u200bh',
      'i\u{12000}j',
      'k\u2066l',
    ]);
    const found = extractedText(bytes);
    for (const mark of ['[U+202E]', '[U+0000]', '[U+D800]', '[U+200B]', '[U+12000]', '[U+2066]'])
      expect(found).toContain(mark);
    expect(written.uncovered).toBe(6);
  });

  it.skipIf(!hasTool('pdftotext'))('survives hundreds of combining marks, and the words around them stay', async () => {
    // Poppler drops equal characters that stand on one spot, so the marks themselves cannot be counted with it.
    const { written, bytes } = await record([`before e${'\u0301'.repeat(300)} after`]);
    const found = extractedText(bytes);
    expect(found).toContain('before');
    expect(found).toContain('after');
    expect(written.uncovered).toBe(0);
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

  it.skipIf(!hasTool('pdftotext'))(
    'writes a document with names in any script, and the head of its table on every page',
    async () => {
      const { pages, bytes } = await printedDocument(
        [
          { kind: 'heading', text: 'Certificate' },
          { kind: 'facts', rows: [{ label: 'Approved by', value: 'दीया शर्मा' }] },
          {
            kind: 'table',
            columns: ['Number', 'Name'],
            widths: [0.5, 0.5],
            rows: Array.from({ length: 120 }, (_, at) => [`row${at}`, '名前']),
          },
        ],
        { organization: 'משפחה', watermark: 'draft – not executed' },
      );
      expect(pages).toBeGreaterThan(1);
      expect((await PDFDocument.load(bytes)).getPageCount()).toBe(pages);
      const found = extractedPages(bytes);
      expect(found).toHaveLength(pages);
      for (const page of found) expect(page.match(/Number\s/g)).toHaveLength(1);
      for (const page of found) expect(page).toContain('draft – not executed');
      expect(found.join('')).toContain('दीया शर्मा');
      expect(found.join('').match(/row\d+/g)).toEqual(Array.from({ length: 120 }, (_, at) => `row${at}`));
    },
  );

  it('shows what tags and selectors would hide, and leaves a flag alone', async () => {
    const hidden = `a${[...'hidden'].map((letter) => String.fromCodePoint(0xe0000 + (letter.codePointAt(0) ?? 0))).join('')}`;
    expect((await record([hidden])).written.uncovered).toBe(6);
    expect((await record(['a\ufe01\ufe02\ufe03'])).written.uncovered).toBeGreaterThan(0);
    expect((await record(['❤️'])).written.uncovered).toBe(0);
  });

  it.skipIf(!hasTool('pdftotext'))('loses no word of a table row taller than a page', async () => {
    const words = Array.from({ length: 1500 }, (_, at) => `w${at}w`);
    const { bytes } = await printedDocument([
      { kind: 'table', columns: ['A', 'B'], widths: [0.3, 0.3], rows: [['1', words.join(' ')]] },
    ]);
    const found = new Set(extractedText(bytes).split(/\s+/));
    expect(words.filter((word) => !found.has(word))).toEqual([]);
  });

  it.skipIf(!hasTool('pdftotext'))('cuts no name, no id and no attachment, however long they are', async () => {
    const long = (word: string) => Array.from({ length: 60 }, (_, at) => `${word}${at}${word}`);
    const sender = long('s');
    const thread = long('t');
    const file = long('f');
    const id = long('i').join('-');
    const { bytes } = await record([
      {
        id,
        sender: sender.join(' '),
        thread: thread.join(' '),
        text: 'x'.repeat(500),
        attachments: [{ name: file.join(' '), mediaType: 'image/png', sizeBytes: 5, sha256: 'ab'.repeat(32) }],
      },
    ]);
    const found = extractedText(bytes);
    const words = new Set(found.split(/\s+/));
    expect([...sender, ...thread, ...file].filter((word) => !words.has(word))).toEqual([]);
    expect(found.replaceAll(/\s/g, '')).toContain(id);
    expect(found.replaceAll(/\s/g, '')).toContain('x'.repeat(500));
    expect(found.replaceAll(/\s/g, '')).toContain('ab'.repeat(32));
  });

  it.skipIf(!hasTool('pdftotext'))('keeps what stands beside each other apart, at its longest', async () => {
    const at = Temporal.Instant.from('+012026-11-27T09:30:00Z');
    const { bytes } = await record([{ id: '9'.repeat(17), sender: 'a name of common length', at, edited: at }]);
    const found = extractedText(bytes);
    expect(found).toContain('+012026-11-27 09:30:00 UTC · 01:30:00 (-08:00)');
    expect(found).toContain('Edited +012026-11-27 09:30:00 UTC');
    expect(found.split(/\s+/)).toContain(`#${'9'.repeat(17)}`);
  });

  it('has an identity of its own for every content, and the same for the same', async () => {
    const identity = async (text: string) =>
      /\/ID \[<([0-9a-f]{32})>/.exec((await record([text])).bytes.toString('latin1'))?.[1];
    const first = await identity('one');
    expect(first).toBeDefined();
    expect(await identity('one')).toBe(first);
    expect(await identity('two')).not.toBe(first);
  });
});
