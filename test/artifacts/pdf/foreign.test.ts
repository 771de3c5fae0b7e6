import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { asFile, printedDocument, printedRecord } from '../../support/printed-record.ts';
import { hasTool } from '../../support/tools.ts';

/** What Debian's PDFBox needs; its packages name only some of it. */
const jars = [
  'preflight',
  'pdfbox2',
  'pdfbox2-tools',
  'fontbox2',
  'xmpbox',
  'commons-logging',
  'commons-io',
  'javax.activation',
  'jaxb-api',
].map((name) => `/usr/share/java/${name}.jar`);
const hasPdfBox = hasTool('java') && jars.every((jar) => existsSync(jar));

/** Run one of PDFBox's programs on a file and give back what it prints; its exit code must be 0. */
const pdfBox = (program: string, bytes: Uint8Array, options: readonly string[] = []) =>
  asFile(bytes, (path) =>
    execFileSync('java', ['-cp', jars.join(':'), `org.apache.pdfbox.${program}`, ...options, path], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );

const texts = [
  'The children are with me on Saturday.',
  'Bengali আমি আজ স্কুল থেকে বাচ্চাদের নিয়ে আসব and Tamil குழந்தைகளை அழைத்து.',
  'Hindi मैं आज स्कूल से बच्चों को ले आऊँगा, Thai ที่โรงเรียน ขอบคุณครับ.',
  'I said שלום עולם to you, and مُحَمَّدٌ again.',
  'שלום לכולם, אני מגיע בשעה 17:30 עם Dana לבית הספר',
  'سأحضر الأطفال من المدرسة اليوم',
  '今天我会去学校接孩子。오늘 학교에서',
  '👍🏽 👩🏾‍💻 🇮🇳',
];

// PDFBox is what much of legal software reads PDF with. It knows no ActualText: what glyphs say must not be guessable.
describe.skipIf(!hasPdfBox)('PDFBox (needs java and libpdfbox2-java)', () => {
  it('finds a record and a document to be PDF/A-1b', async () => {
    const { bytes } = await printedRecord([...texts, 'a\u202eb', 'བོད་']);
    expect(pdfBox('preflight.Validator_A1b', bytes)).toContain('is a valid PDF/A-1b file');
    const document = await printedDocument([
      { kind: 'heading', text: 'Certificate of disposition' },
      { kind: 'facts', rows: [{ label: 'Approved by', value: 'दीया शर्मा, דנה' }] },
      { kind: 'table', columns: ['A', 'B'], widths: [0.5, 0.5], rows: [['1', 'মুনিমেন্ট']] },
    ]);
    expect(pdfBox('preflight.Validator_A1b', document.bytes)).toContain('is a valid PDF/A-1b file');
  });

  it('finds every message once, as it was written', async () => {
    const { bytes } = await printedRecord(texts);
    const found = pdfBox('tools.ExtractText', bytes, ['-console', '-encoding', 'UTF-8'])
      .replaceAll(/[\u200e\u200f]/g, '')
      .replaceAll(/[ \n]+/g, ' ');
    for (const text of texts) expect(found.split(text), text).toHaveLength(2);
    expect(found.match(/\p{Script=Bengali}+/gu)?.join(' ')).toBe('আমি আজ স্কুল থেকে বাচ্চাদের নিয়ে আসব');
  });
});
