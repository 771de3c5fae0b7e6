import type { Sink } from '../sink.ts';
import { ink, PageWriter, paper, textWidth } from './pages.ts';
import { furniture, writeFact } from './record.ts';

/** A part of a document. */
export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'facts'; readonly rows: readonly { readonly label: string; readonly value: string }[] }
  | {
      readonly kind: 'table';
      readonly columns: readonly string[];
      /** Shares of the width; they add up to 1. */
      readonly widths: readonly number[];
      readonly rows: readonly (readonly string[])[];
    };

export interface TextDocument {
  readonly title: string;
  readonly organization: string;
  readonly exportId: string;
  readonly blocks: readonly Block[];
  /** Stands at the head of every page, such as "draft – not executed". */
  readonly watermark?: string;
}

/** Write a document of headings, paragraphs, facts and tables: certificates, in any script a name is written in. */
export async function writeDocument(document: TextDocument, sink: Sink): Promise<{ readonly pages: number }> {
  const base = furniture(document.organization, document.exportId, null);
  const pages = new PageWriter(sink, (writer, number) => {
    base(writer, number);
    if (document.watermark) writer.label(document.watermark, paper.left, 32, 9, { style: 'bold', color: ink.seal });
  });
  await pages.begin();
  for (const [index, block] of document.blocks.entries()) await writeBlock(pages, block, index);
  await pages.end({ title: document.title });
  return { pages: pages.pages };
}

async function writeBlock(pages: PageWriter, block: Block, index: number): Promise<void> {
  switch (block.kind) {
    case 'heading':
      await pages.need(60);
      pages.space(index === 0 ? 8 : 16);
      await pages.text(
        block.text,
        index === 0 ? { size: 20, style: 'bold', leading: 28 } : { size: 12.5, style: 'bold', leading: 18 },
      );
      pages.space(4);
      return;
    case 'paragraph':
      await pages.text(block.text, { size: 9.5 });
      pages.space(8);
      return;
    case 'facts':
      for (const { label, value } of block.rows) await writeFact(pages, label, value);
      return;
    case 'table':
      await writeTable(pages, block);
  }
}

async function writeTable(pages: PageWriter, table: Extract<Block, { kind: 'table' }>): Promise<void> {
  const head = () => writeRow(pages, table.columns, table.widths, null);
  await head();
  for (const row of table.rows) await writeRow(pages, row, table.widths, head);
  pages.space(8);
}

/** @param head writes the table's head again on every page that a row begins; null for the head itself */
async function writeRow(
  pages: PageWriter,
  cells: readonly string[],
  widths: readonly number[],
  head: (() => Promise<void>) | null,
): Promise<void> {
  const size = 8;
  const leading = 11;
  const style = head ? 'regular' : 'bold';
  const laid = cells.map((cell, at) => pages.lines(cell, style, size, (widths[at] ?? 0) * textWidth - 8));
  const rows = Math.max(1, ...laid.map((lines) => lines.length));
  // Line by line: a row may be taller than a page.
  for (let number = 0; number < rows; number++) {
    const begun = await pages.need(leading + (number === 0 ? 6 : 0));
    if (begun) await head?.();
    let x: number = paper.left;
    for (const [at, lines] of laid.entries()) {
      const line = lines[number];
      if (line) pages.draw(line, x, pages.y - leading, size, head ? ink.text : ink.muted);
      x += (widths[at] ?? 0) * textWidth;
    }
    pages.space(leading);
  }
  pages.space(4);
  pages.rule(pages.y);
  pages.space(3);
}
