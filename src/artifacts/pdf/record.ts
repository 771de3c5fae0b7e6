import type { Sink } from '../sink.ts';
import { type Furniture, ink, PageWriter, paper, textWidth } from './pages.ts';

/** A message as it is printed. */
export interface RecordItem {
  readonly id: string;
  readonly at: Temporal.Instant;
  readonly sender: string;
  readonly thread: string;
  readonly text: string;
  readonly attachments: readonly {
    readonly name: string;
    readonly mediaType: string;
    readonly sizeBytes: number;
    readonly sha256: string;
  }[];
  readonly edited: Temporal.Instant | null;
}

export interface MessageRecord {
  readonly title: string;
  readonly exportId: string;
  readonly organization: string;
  /** IANA name of the zone in which local times are given beside UTC. */
  readonly timezone: string;
  readonly bates: { readonly prefix: string; readonly start: number; readonly digits: number };
  readonly cover: {
    readonly heading: string;
    readonly facts: readonly { readonly label: string; readonly value: string }[];
    readonly notes: readonly string[];
  };
  readonly items: AsyncIterable<RecordItem>;
}

export interface WrittenRecord {
  readonly pages: number;
  readonly batesFirst: number;
  readonly batesLast: number;
  readonly bytes: number;
  readonly sha256: string;
  /** Code points shown as [U+XXXX]. */
  readonly uncovered: number;
  readonly items: number;
}

/**
 * Write messages as a record that people can read: cover, conversations, days, who said what when (UTC and local time
 * with its offset), attachments with their digests, a Bates number and "page N of M" on every page. Streams: memory
 * does not grow with the number of messages. The same record gives the same bytes.
 */
export async function writeRecord(record: MessageRecord, sink: Sink): Promise<WrittenRecord> {
  const pages = new PageWriter(sink, furniture(record.organization, record.exportId, record.bates));
  await pages.begin();
  await writeCover(pages, record);
  const items = await writeItems(pages, record);
  await pages.end({ title: `${record.title}, ${record.exportId}` });
  return {
    pages: pages.pages,
    batesFirst: record.bates.start,
    batesLast: record.bates.start + pages.pages - 1,
    bytes: pages.file.bytes,
    sha256: pages.file.sha256(),
    uncovered: pages.marked,
    items,
  };
}

/** Header and footer. Without Bates numbers (certificates) the footer has the page's number only. */
export function furniture(organization: string, exportId: string, bates: MessageRecord['bates'] | null): Furniture {
  return (pages, number) => {
    const right = paper.width - paper.right;
    const top = paper.height - 50;
    pages.label(organization, paper.left, top, 8, { color: ink.muted, width: textWidth * 0.45 });
    pages.label(exportId, right, top, 8, { color: ink.muted, align: 'right', width: textWidth * 0.5 });
    pages.rule(top - 8);
    pages.rule(46);
    if (bates)
      pages.label(`${bates.prefix}${String(bates.start + number - 1).padStart(bates.digits, '0')}`, paper.left, 32, 8, {
        style: 'bold',
        color: ink.text,
      });
    const slot = right - 30;
    pages.label(`Page ${number} of `, slot - 3, 32, 8, { color: ink.muted, align: 'right' });
    pages.total(slot, 32);
  };
}

async function writeCover(pages: PageWriter, { cover }: MessageRecord): Promise<void> {
  pages.space(40);
  await pages.text(cover.heading, { size: 24, style: 'bold', leading: 32 });
  pages.space(14);
  pages.rule(pages.y);
  pages.space(10);
  for (const { label, value } of cover.facts) await writeFact(pages, label, value);
  pages.space(18);
  for (const note of cover.notes) {
    await pages.text(note, { size: 9.5, color: ink.muted });
    pages.space(6);
  }
}

/** A label beside its value; the value may be long. */
export async function writeFact(pages: PageWriter, label: string, value: string): Promise<void> {
  const labelWidth = 110;
  await pages.need(16);
  const top = pages.y;
  pages.label(label, paper.left, top - 14, 9.5, { color: ink.muted, width: labelWidth });
  await pages.text(value === '' ? '–' : value, {
    size: 9.5,
    x: paper.left + labelWidth,
    width: textWidth - labelWidth,
    leading: 14,
  });
  pages.space(3);
}

async function writeItems(pages: PageWriter, record: MessageRecord): Promise<number> {
  let thread: string | null = null;
  let day: string | null = null;
  let count = 0;
  for await (const item of record.items) {
    if (count === 0) await pages.newPage();
    count += 1;
    const local = item.at.toZonedDateTimeISO(record.timezone);
    if (item.thread !== thread) {
      if (count > 1) pages.space(14);
      await pages.need(90);
      await pages.text(item.thread === '' ? 'Messages' : item.thread, { size: 14, style: 'bold', leading: 20 });
      pages.space(2);
      thread = item.thread;
      day = null;
    }
    const itemDay = local.toPlainDate().toString();
    if (itemDay !== day) {
      await pages.need(64);
      pages.space(10);
      pages.space(11);
      const width = pages.label(dayInWords(local), paper.left, pages.y, 8.5, { style: 'bold', color: ink.muted });
      pages.rule(pages.y + 3, paper.left + width + 10, paper.width - paper.right);
      pages.space(4);
      day = itemDay;
    }
    await writeMessage(pages, item, local);
  }
  if (count === 0) await pages.text('No messages.', { size: 10, color: ink.muted });
  return count;
}

async function writeMessage(pages: PageWriter, item: RecordItem, local: Temporal.ZonedDateTime): Promise<void> {
  // The head never stands alone at the foot of a page.
  await pages.need(48);
  pages.space(20);
  const when = `${inUtc(item.at)} · ${clock(local)}`;
  // What does not fit beside the time has lines of its own: a name or an id in evidence is never cut.
  const isShort = pages.fits(item.sender, 'bold', 9.5, textWidth * 0.36);
  if (!isShort) {
    await pages.text(item.sender, { size: 9.5, style: 'bold', leading: 13 });
    pages.space(11);
  }
  const width = isShort
    ? pages.label(item.sender, paper.left, pages.y, 9.5, { style: 'bold', width: textWidth * 0.36, isContent: true }) +
      10
    : 0;
  pages.label(when, paper.left + width, pages.y, 8, { color: ink.muted, width: textWidth * 0.58 });
  const id = `#${item.id}`;
  if (pages.fits(id, 'regular', 8, 90))
    pages.label(id, paper.width - paper.right, pages.y, 8, {
      color: ink.muted,
      align: 'right',
      width: 90,
      isContent: true,
    });
  else await pages.text(id, { size: 8, color: ink.muted, leading: 11 });
  await pages.text(item.text, { size: 9.5, leading: 13.6 });
  if (item.edited)
    await pages.text(`Edited ${inUtc(item.edited)}`, {
      size: 8,
      color: ink.muted,
      leading: 11,
    });
  for (const { name, mediaType, sizeBytes, sha256 } of item.attachments) {
    pages.space(2);
    await pages.text(`Attachment: ${name} (${mediaType}, ${sizeBytes.toLocaleString('en')} bytes)`, {
      size: 8.5,
      x: paper.left + 12,
      width: textWidth - 12,
      leading: 12,
    });
    await pages.text(`SHA-256 ${sha256}`, {
      size: 7.5,
      color: ink.muted,
      x: paper.left + 12,
      width: textWidth - 12,
      leading: 10.5,
    });
  }
}

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** "Friday 27 November 2026 (America/Los_Angeles)": in words of our own, since a locale's may change with Node. */
function dayInWords(local: Temporal.ZonedDateTime): string {
  return `${weekdays[local.dayOfWeek - 1]} ${local.day} ${months[local.month - 1]} ${local.year} (${local.timeZoneId})`;
}

/** "2026-11-27 09:30:00 UTC"; a year beyond 9999 has its sign and six digits (RFC 9557). */
function inUtc(instant: Temporal.Instant): string {
  return instant.toString({ smallestUnit: 'second' }).replace('T', ' ').replace('Z', ' UTC');
}

/** "01:30:00 (-08:00)": local time with its offset, so that the hour that daylight saving repeats is told apart. */
function clock(local: Temporal.ZonedDateTime): string {
  return `${local.toPlainTime().toString({ smallestUnit: 'second' })} (${local.offset})`;
}
