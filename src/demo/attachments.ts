import { crc32, deflateSync } from 'node:zlib';
import type { AttachmentKind } from './dialogues/dialogue.ts';
import type { Enclosure } from './family.ts';
import { createRandom, type Random } from './random.ts';

const mediaTypes: Readonly<Record<AttachmentKind, string>> = {
  receipt: 'application/pdf',
  letter: 'application/pdf',
  note: 'text/plain; charset=utf-8',
  drawing: 'image/png',
};

export function mediaTypeOf(kind: AttachmentKind): string {
  return mediaTypes[kind];
}

/** The bytes of an attached file: a real PDF, PNG or text file that any viewer opens. */
export function renderEnclosure(enclosure: Enclosure, seed: string): Uint8Array {
  if (enclosure.kind === 'drawing') return drawHouse(createRandom(seed));
  if (enclosure.kind === 'note') return Buffer.from(`${enclosure.title}\n\n${enclosure.lines.join('\n')}\n`);
  return printPage(enclosure.title, enclosure.lines);
}

/** One page in Helvetica, written by hand (PDF 1.4); what Helvetica can't print becomes a question mark. */
function printPage(title: string, lines: readonly string[]): Uint8Array {
  const escaped = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/[\\()]/g, (sign) => `\\${sign}`);
  const body = lines.map((line) => `0 -22 Td (${escaped(line)}) Tj`).join('\n');
  const content = `BT /F1 20 Tf 60 760 Td (${escaped(title)}) Tj /F1 12 Tf 0 -18 Td\n${body}\nET\n60 748 m 535 748 l S\n`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>',
    `<< /Length ${content.length} >>\nstream\n${content}endstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
  ];
  let text = '%PDF-1.4\n';
  const offsets = objects.map((object, i) => {
    const offset = text.length;
    text += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const start = text.length;
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries}`;
  text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(text, 'latin1');
}

const width = 240;
const height = 160;
/** Sky, grass, sun, wall, roof, door, window, ink, another wall. */
const crayons = [
  [0xbf, 0xe3, 0xf5],
  [0x86, 0xc0, 0x6c],
  [0xf7, 0xc9, 0x48],
  [0xe9, 0xb8, 0x8f],
  [0xb5, 0x45, 0x3c],
  [0x5b, 0x3a, 0x29],
  [0xfd, 0xf6, 0xd8],
  [0x2b, 0x2b, 0x38],
  [0x9f, 0xb4, 0xe0],
] as const;

/** Two houses, a sun and some people, the way a child draws them. */
function drawHouse(random: Random): Uint8Array {
  const pixels = new Uint8Array(width * height);
  const put = (x: number, y: number, colour: number) => {
    if (x >= 0 && x < width && y >= 0 && y < height) pixels[Math.floor(y) * width + Math.floor(x)] = colour;
  };
  const box = (left: number, top: number, wide: number, high: number, colour: number) => {
    for (let y = top; y < top + high; y++) for (let x = left; x < left + wide; x++) put(x, y, colour);
  };
  const disc = (centreX: number, centreY: number, radius: number, colour: number) => {
    for (let y = -radius; y <= radius; y++)
      for (let x = -radius; x <= radius; x++)
        if (x * x + y * y <= radius * radius) put(centreX + x, centreY + y, colour);
  };
  const house = (left: number, top: number, wall: number) => {
    box(left, top, 56, 46, wall);
    for (let row = 0; row < 26; row++) box(left + 28 - row - 4, top - 26 + row, row * 2 + 8, 1, 4);
    box(left + 22, top + 22, 12, 24, 5);
    box(left + 6, top + 8, 12, 12, 6);
    box(left + 38, top + 8, 12, 12, 6);
  };
  const person = (x: number, y: number, size: number) => {
    disc(x, y, Math.round(size / 3), 7);
    box(x, y, 2, size, 7);
    box(x - size / 2, y + size / 2, size, 2, 7);
    for (let leg = 0; leg < size / 2; leg++) {
      put(x - leg / 2, y + size + leg, 7);
      put(x + 1 + leg / 2, y + size + leg, 7);
    }
  };
  box(0, 112, width, 48, 1);
  disc(random.pick([26, 120, 214]), random.whole(18, 28), random.whole(12, 17), 2);
  house(random.whole(12, 30), random.whole(68, 76), 3);
  house(random.whole(150, 168), random.whole(68, 76), 8);
  const people = random.whole(3, 4);
  for (let i = 0; i < people; i++) person(92 + i * 16, random.whole(98, 108), random.pick([12, 14, 18]));
  return encodePng(pixels);
}

/** A palette PNG (ISO/IEC 15948) with unfiltered rows. */
function encodePng(pixels: Uint8Array): Uint8Array {
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(crayons.flat())),
    chunk('IDAT', deflateSync(rows, { level: 6 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(content.length, 0);
  framed.set(named, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}
