import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Block, writeDocument } from '../../src/artifacts/pdf/document.ts';
import { type RecordItem, type WrittenRecord, writeRecord } from '../../src/artifacts/pdf/record.ts';

/** A record of these messages, each by "Sender" a minute after the last unless it says otherwise. */
export async function printedRecord(
  messages: readonly (string | Partial<RecordItem>)[],
): Promise<{ written: WrittenRecord; bytes: Buffer }> {
  const chunks: Uint8Array[] = [];
  const items = (async function* (): AsyncGenerator<RecordItem> {
    for (const [at, message] of messages.entries())
      yield {
        id: String(at + 1),
        at: Temporal.Instant.fromEpochMilliseconds(1_700_000_000_000 + at * 60_000),
        sender: 'Sender',
        thread: 'Thread',
        text: '',
        attachments: [],
        edited: null,
        ...(typeof message === 'string' ? { text: message } : message),
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

/** A document of these blocks. */
export async function printedDocument(
  blocks: readonly Block[],
  names: { readonly organization?: string; readonly watermark?: string } = {},
): Promise<{ pages: number; bytes: Buffer }> {
  const chunks: Uint8Array[] = [];
  const { pages } = await writeDocument(
    {
      title: 'Certificate',
      organization: names.organization ?? 'Kinfolk',
      exportId: 'run_1',
      watermark: names.watermark ?? '',
      blocks,
    },
    { write: async (chunk) => void chunks.push(Buffer.from(chunk)) },
  );
  return { pages, bytes: Buffer.concat(chunks) };
}

/** Do something with a PDF that only a file can be given to. */
export function asFile<T>(bytes: Uint8Array, use: (path: string, folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'muniment-pdf-'));
  try {
    const path = join(folder, 'record.pdf');
    writeFileSync(path, bytes);
    return use(path, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The text that poppler finds, page after page, without marks of direction: its own and those of the layer. */
export function extractedPages(bytes: Uint8Array): readonly string[] {
  return asFile(bytes, (path) =>
    execFileSync('pdftotext', [path, '-'], { encoding: 'utf8', maxBuffer: 2 ** 28 })
      .replace(/[\u200e\u200f\u202a-\u202e]/g, '')
      .split('\f')
      .slice(0, -1),
  );
}

export const extractedText = (bytes: Uint8Array): string => extractedPages(bytes).join('\n');

/** How many dark dots a page has between two heights, in points from its top. */
export function darkDots(bytes: Uint8Array, page: number, from: number, to: number): number {
  return asFile(bytes, (path, folder) => {
    execFileSync('pdftoppm', ['-r', '72', '-gray', '-singlefile', '-f', String(page), path, join(folder, 'page')]);
    const image = readFileSync(join(folder, 'page.pgm'));
    const header = /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(image.subarray(0, 40).toString('latin1'));
    const width = Number(header?.[1]);
    const dots = image.subarray(header?.[0].length ?? 0);
    return dots.subarray(from * width, to * width).filter((dot) => dot < 128).length;
  });
}
