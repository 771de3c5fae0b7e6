import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import type { BlobWriter } from '../artifacts/blobs.ts';
import { csvWriter } from '../artifacts/csv.ts';
import { recordsWriter } from '../artifacts/ndjson.ts';
import { writeDocument } from '../artifacts/pdf/document.ts';
import { type RecordItem, writeRecord } from '../artifacts/pdf/record.ts';
import type { Json } from '../core/canonical-json.ts';
import { hmacSha256, sha256Hex, sha256Stream } from '../core/hash.ts';
import { makeId } from '../core/ids.ts';
import { formatInstant } from '../core/instants.ts';
import { writeProgress } from '../db/exports.ts';
import type { Export, ExportCounts, RenderedFile, Rendering } from '../evidence/export.ts';
import type { FileRole } from '../evidence/manifest.ts';
import type { RecordView } from '../evidence/record-view.ts';
import type { TableDataset } from '../policy/data-map.ts';
import type { Besides } from '../sources/sql/beside.ts';
import type { Office } from './office.ts';

/** One record on its way out: as stored, and how it reads as a message, where it does. */
export interface OutgoingRecord {
  readonly key: string;
  readonly stored: Readonly<Record<string, string | null>>;
  readonly message: RecordItem | null;
  readonly attachments: readonly OutgoingAttachment[];
  readonly redacted: boolean;
}

export interface OutgoingAttachment {
  readonly name: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Where its bytes are; null where they must not or cannot be given. */
  readonly path: string | null;
  /** The folder that it must not lead out of. */
  readonly root: string;
}

/** One dataset of an export and its records, streamed once. */
export interface OutgoingDataset {
  readonly dataset: TableDataset;
  readonly columns: readonly string[];
  readonly records: AsyncIterable<OutgoingRecord>;
}

/** What a record's page needs beside its own columns: when, who, in which conversation, with which attachments. */
export function besidesOf(view: RecordView): Besides {
  const { sender, thread, attachments } = view;
  return {
    muniment_at: { kind: 'instant', column: view.time },
    muniment_sender: { kind: 'linked', link: sender.link, dataset: sender.person, column: sender.name },
    ...(thread
      ? { muniment_thread: { kind: 'linked', link: thread.link, dataset: thread.dataset, column: thread.subject } }
      : {}),
    ...(attachments ? { muniment_attachments: { kind: 'rows', ...attachments } } : {}),
  };
}

/** Read a stored row as an outgoing record. */
export function toOutgoing(
  dataset: TableDataset,
  view: RecordView | null,
  row: Readonly<Record<string, string | null>>,
): OutgoingRecord {
  const {
    muniment_at: at,
    muniment_sender: sender,
    muniment_thread: subject,
    muniment_attachments: files,
    ...stored
  } = row;
  const thread = view && !view.thread ? '' : subject;
  const key = `${dataset.id}/${dataset.key.map((column) => stored[column] ?? '').join('/')}`;
  const attachments = view?.attachments ? parseAttachments(view.attachments.dataset, files ?? '[]') : [];
  const message: RecordItem | null =
    view && at
      ? {
          id: dataset.key.map((column) => stored[column] ?? '').join('/'),
          at: toInstant(at),
          sender: sender ?? '(unknown sender)',
          thread: thread ?? '',
          text: stored[view.text] ?? '',
          attachments: attachments.map(({ name, mediaType, sizeBytes, sha256 }) => ({
            name,
            mediaType,
            sizeBytes,
            sha256,
          })),
          edited: stored.edited_at ? instantOrNull(stored.edited_at) : null,
        }
      : null;
  const named = {
    ...(sender === undefined ? {} : { sender_name: sender }),
    ...(thread === undefined ? {} : { conversation: thread }),
    ...(attachments.length > 0
      ? { attachments: attachments.map(({ name, sha256 }) => `${sha256} ${name}`).join('\n') }
      : {}),
  };
  return { key, stored: { ...stored, ...named }, message, attachments, redacted: false };
}

/** An instant as a source writes it; without a zone it is UTC, and without a time the beginning of its day. */
function toInstant(text: string): Temporal.Instant {
  const timed = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text;
  return Temporal.Instant.from(/:\d\d[^+Z-]*(Z|[+-][\d:]+)$/i.test(timed) ? timed : `${timed}Z`);
}

/** A column that no data map calls a time may hold anything under that name. */
function instantOrNull(text: string): Temporal.Instant | null {
  try {
    return toInstant(text);
  } catch {
    return null;
  }
}

/** Where a file really is, if it is a file, and beneath its folder whatever links lead there; null otherwise. */
async function readableWithin(root: string, path: string): Promise<string | null> {
  try {
    const [realRoot, real] = [await realpath(root), await realpath(path)];
    return real.startsWith(realRoot + sep) && (await stat(real)).isFile() ? real : null;
  } catch {
    return null;
  }
}

/** The digest of a file's bytes; null where they cannot be read. */
async function digestOf(path: string): Promise<string | null> {
  const digest = sha256Stream();
  try {
    for await (const chunk of createReadStream(path)) digest.update(chunk as Uint8Array);
  } catch {
    return null;
  }
  return digest.digestHex();
}

function parseAttachments(dataset: TableDataset, text: string): readonly OutgoingAttachment[] {
  const rows = JSON.parse(text) as Record<string, unknown>[];
  const root = dataset.file ? resolve(dataset.file.root) : null;
  return rows.map((row) => {
    const text = (column: string) =>
      typeof row[column] === 'string' || typeof row[column] === 'number' ? String(row[column]) : '';
    const stored = dataset.file ? text(dataset.file.column) : '';
    const path = root && stored ? resolve(root, stored) : null;
    return {
      name: text('file_name') || text('name') || stored,
      mediaType: text('media_type') || 'application/octet-stream',
      sizeBytes: Number(text('size_bytes') || 0),
      sha256: text('sha256'),
      // A stored path that leads out of its folder is not followed; the search report says the file is missing.
      path: path && root && path.startsWith(root + sep) ? path : null,
      root: root ?? '',
    };
  });
}

/**
 * Render an export into files of the blob store: each dataset as NDJSON (authoritative) and CSV, messages as a paged
 * PDF record, attachments as they are, and what was searched. Each record is read once and streams through all of
 * them; memory does not grow with the export.
 * @param expected about how many records will come, for the progress
 */
export async function renderExport(
  office: Office,
  wanted: Export,
  datasets: readonly OutgoingDataset[],
  expected: number,
): Promise<Rendering> {
  const out = new Out(office, wanted, expected);
  try {
    return await renderInto(out, office, wanted, datasets);
  } catch (fault) {
    await out.abort();
    throw fault;
  }
}

async function renderInto(
  out: Out,
  office: Office,
  wanted: Export,
  datasets: readonly OutgoingDataset[],
): Promise<Rendering> {
  await out.open();
  const messages = interleave(datasets.map((dataset) => out.datasetItems(dataset)));
  const wantsPdf = wanted.formats.includes('pdf');
  let bates: Rendering['bates'] = null;
  if (wantsPdf) {
    const file = await out.file('data/messages.pdf', 'application/pdf', 'rendered');
    const record = await writeRecord(
      {
        title: 'Record of messages',
        exportId: wanted.id,
        organization: office.policy.organization.name,
        timezone: wanted.timezone,
        bates: { prefix: 'MUN', start: 1, digits: 6 },
        cover: coverOf(wanted),
        items: messages,
      },
      file.sink,
    );
    await file.done();
    out.counts.pages = record.pages;
    out.counts.uncovered = record.uncovered;
    bates = { prefix: 'MUN', first: record.batesFirst, last: record.batesLast, digits: 6 };
  } else for await (const _ of messages);
  return out.finish(bates);
}

/** Datasets one after the other: their files are filled in path order, as the tree over the records asks. */
async function* interleave(parts: readonly AsyncIterable<RecordItem>[]): AsyncGenerator<RecordItem> {
  for (const part of parts) yield* part;
}

function coverOf(wanted: Export) {
  const scope = wanted.scope.reveal();
  const facts = [
    { label: 'Export', value: wanted.id },
    { label: 'Prepared for', value: wanted.matter.reveal() ?? purposeInWords[wanted.purpose] },
    ...(scope.subjects.length > 0
      ? [{ label: 'Persons', value: scope.subjects.map(({ value }) => value).join(', ') }]
      : []),
    ...(Object.keys(scope.keys).length > 0
      ? [
          {
            label: 'Selected by',
            value: Object.entries(scope.keys)
              .map(
                ([dataset, rows]) =>
                  `${dataset}: ${rows
                    .map((row) =>
                      Object.entries(row)
                        .map(([column, value]) => `${column} ${value}`)
                        .join(', '),
                    )
                    .join('; ')}`,
              )
              .join(' | '),
          },
        ]
      : []),
    { label: 'From', value: scope.from ?? 'the first record' },
    { label: 'To', value: scope.to ?? 'the last record' },
    { label: 'Times', value: `UTC, and local time in ${wanted.timezone}` },
    { label: 'Policy', value: wanted.policy },
  ];
  return {
    heading: 'Record of messages',
    facts,
    notes: [
      'The text is shown as stored. A character that cannot be printed is shown as [U+XXXX]; records/*.ndjson in this package has every character exactly and is authoritative.',
      'Who approved this export is stated in manifest.json and in the certificate of this package.',
    ],
  };
}

const purposeInWords = {
  dsar_access: 'the person the data is about',
  portability: 'the person the data is about',
  certified_export: 'certified export',
  legal_production: 'legal production',
  preservation_snapshot: 'preservation snapshot',
} as const;

class Out {
  readonly counts = { included: 0, redacted: 0, attachments: 0, pages: 0, uncovered: 0 };
  readonly #office: Office;
  readonly #wanted: Export;
  /** About how many records will come, for the progress; the sources may change meanwhile. */
  readonly #expected: number;
  readonly #files: RenderedFile[] = [];
  readonly #missing: { record: string; name: string; reason: string }[] = [];
  /** Given out under the digest of its bytes, which is not what the application recorded. */
  readonly #otherwise: { record: string; name: string; recorded: string; sha256: string }[] = [];
  readonly #searched: { dataset: string; records: number }[] = [];
  readonly #attachments = new Set<string>();
  #key: Uint8Array = new Uint8Array();
  #tree: Awaited<ReturnType<Out['file']>> | null = null;
  #records: ReturnType<typeof recordsWriter> | null = null;

  constructor(office: Office, wanted: Export, expected: number) {
    this.#office = office;
    this.#wanted = wanted;
    this.#expected = expected;
  }

  async open(): Promise<void> {
    this.#key = await this.#office.store.vault.caseKey(this.#wanted.caseId);
    this.#tree = await this.file('data/records/tree.ndjson', 'application/x-ndjson', 'tree');
  }

  /** A file of the package, written into a blob of its own. */
  async file(path: string, mediaType: string, role: FileRole) {
    const blob = makeId('blob', this.#office.now(), this.#office.random(10));
    const writer = await this.#office.blobs.create(blob, this.#key);
    this.#open.add(writer);
    const done = async () => {
      this.#open.delete(writer);
      const { bytes, sha256 } = await writer.commit();
      this.#files.push({ path, blob, bytes, sha256, mediaType, role });
      return sha256;
    };
    return { sink: writer, done };
  }

  /** Write one dataset's NDJSON and CSV as its records pass, and pass on how they read as messages. */
  async *datasetItems({ dataset, columns, records }: OutgoingDataset): AsyncGenerator<RecordItem> {
    const base = dataset.id.replace(/[^A-Za-z0-9_-]/g, '-');
    const ndjson = await this.file(`data/records/${base}.ndjson`, 'application/x-ndjson', 'record');
    const csv = this.#wanted.formats.includes('csv') ? await this.file(`data/${base}.csv`, 'text/csv', 'table') : null;
    const rows = csv ? csvWriter(csv.sink, columns) : null;
    if (this.#records) await this.#records.next(ndjson.sink);
    else this.#records = recordsWriter(ndjson.sink, this.#treeSink(), hmacSha256(this.#key, 'record salts'));
    let count = 0;
    for await (const record of records) {
      await this.#records.add(record.key, { dataset: dataset.id, ...record.stored } as Readonly<Record<string, Json>>);
      const waiting = rows?.row(columns.map((column) => record.stored[column] ?? null));
      if (waiting) await waiting;
      for (const attachment of record.attachments) await this.#attach(record.key, attachment);
      count += 1;
      this.counts.included += 1;
      if (record.redacted) this.counts.redacted += 1;
      if (count % 2000 === 0)
        await writeProgress(this.#office.store, this.#wanted.id, {
          done: this.counts.included,
          of: this.#expected,
          doing: `writing ${dataset.name}`,
        });
      if (record.message) yield record.message;
    }
    this.#searched.push({ dataset: dataset.id, records: count });
    this.#pendingNdjson.push(ndjson);
    if (rows && csv) {
      await rows.end();
      await csv.done();
    }
  }

  /** Files begun and not finished. */
  readonly #open = new Set<BlobWriter>();

  /** Forget what was begun: a failed rendering leaves no file behind, open or half-written. */
  async abort(): Promise<void> {
    for (const writer of this.#open) await writer.abort();
    for (const { blob } of this.#files) await this.#office.blobs.remove(blob);
  }

  readonly #pendingNdjson: Awaited<ReturnType<Out['file']>>[] = [];

  #treeSink() {
    if (!this.#tree) throw new Error('the rendering was not opened');
    return this.#tree.sink;
  }

  async #attach(record: string, attachment: OutgoingAttachment): Promise<void> {
    const { name, path, root, sha256: recorded } = attachment;
    const leaveOut = (reason: string) => void this.#missing.push({ record, name, reason });
    if (path === null) return leaveOut('withheld or not stored beneath its folder');
    const found = await readableWithin(root, path);
    if (found === null) return leaveOut('the file is not there, or leads out of its folder');
    // By its own bytes and not by what the application says of them: two files with one claim are two.
    const actual = await digestOf(found);
    if (actual === null) return leaveOut('the file cannot be read');
    if (actual !== recorded.toLowerCase()) this.#otherwise.push({ record, name, recorded, sha256: actual });
    if (this.#attachments.has(actual)) return;
    const extension = /\.([A-Za-z0-9]{1,8})$/.exec(name)?.[1]?.toLowerCase() ?? 'bin';
    const file = await this.file(`data/attachments/${actual}.${extension}`, attachment.mediaType, 'attachment');
    // It could be read a moment ago: a failure here, such as a full disk, fails the rendering and leaves nothing out.
    for await (const chunk of createReadStream(found)) await file.sink.write(chunk as Uint8Array);
    // Changed while it was read: under the digest of other bytes it would be a false name.
    if ((await file.done()) !== actual) throw new Error(`an attachment of ${record} changed while it was read`);
    this.#attachments.add(actual);
    this.counts.attachments += 1;
  }

  async finish(bates: Rendering['bates']): Promise<Rendering> {
    const recordsTree = this.#records ? await this.#records.end() : { root: sha256Hex(''), size: 0 };
    for (const ndjson of this.#pendingNdjson) await ndjson.done();
    await this.#tree?.done();
    const counts: ExportCounts = {
      // Each stream is of one moment and ends with an error or with its last row: what came is what matched then.
      matched: this.counts.included,
      included: this.counts.included,
      redacted: this.counts.redacted,
      withheld: 0,
      attachments: this.counts.attachments,
      pages: this.counts.pages,
      uncoveredCodePoints: this.counts.uncovered,
    };
    const collectedAt = formatInstant(this.#office.now());
    const report = await this.file('data/search-report.json', 'application/json', 'search_report');
    await report.sink.write(
      Buffer.from(
        `${JSON.stringify({ export: this.#wanted.id, searchedAt: collectedAt, datasets: this.#searched, counts, attachmentsNotIncluded: this.#missing, attachmentsWithOtherDigest: this.#otherwise }, null, 2)}\n`,
      ),
    );
    await report.done();
    const certificate = await this.file('data/certificate.pdf', 'application/pdf', 'certificate');
    await writeDocument(certificateDocument(this.#office, this.#wanted, counts, this.#files, bates), certificate.sink);
    await certificate.done();
    return {
      files: this.#files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
      counts,
      bates,
      recordsTree,
      collectedAt,
    };
  }
}

/** The custodian's certificate: facts filled from the system, opinion left to a human, never signed by the software. */
function certificateDocument(
  office: Office,
  wanted: Export,
  counts: ExportCounts,
  files: readonly RenderedFile[],
  bates: Rendering['bates'],
) {
  const { organization } = office.policy;
  return {
    title: 'Certificate of the custodian',
    organization: organization.name,
    exportId: wanted.id,
    watermark: 'draft – not executed',
    blocks: [
      { kind: 'heading' as const, text: 'Certificate of the custodian of records' },
      {
        kind: 'paragraph' as const,
        text: 'Draft – not executed. The facts below were filled in by the system that made this export. The declarant reads them, strikes what is not so, and signs; the software signs for nobody.',
      },
      {
        kind: 'facts' as const,
        rows: [
          { label: 'Custodian', value: `${organization.name}, ${organization.address.join(', ')}` },
          { label: 'Export', value: wanted.id },
          { label: 'Matter', value: wanted.matter.reveal() ?? '' },
          {
            label: 'Records',
            value: `${counts.included} of ${counts.matched} matching, ${counts.attachments} attachments, ${counts.pages} pages`,
          },
          ...(bates
            ? [
                {
                  label: 'Bates range',
                  value: `${bates.prefix}${String(bates.first).padStart(bates.digits, '0')} – ${bates.prefix}${String(bates.last).padStart(bates.digits, '0')}`,
                },
              ]
            : []),
          {
            label: 'Evidence root',
            value: `SHA-256 fingerprint of the root certificate: see README-VERIFY.txt and ${office.publicUrl}/.well-known/muniment/root.pem`,
          },
          { label: 'Software', value: `Muniment ${office.version}` },
        ],
      },
      { kind: 'heading' as const, text: 'Files' },
      {
        kind: 'table' as const,
        columns: ['File', 'Bytes', 'SHA-256'],
        widths: [0.3, 0.12, 0.58],
        rows: files.slice(0, 200).map((file) => [file.path, String(file.bytes), file.sha256]),
      },
      { kind: 'heading' as const, text: 'Declaration' },
      {
        kind: 'paragraph' as const,
        text: 'Name, title, employer, basis of knowledge: ______________________________________________',
      },
      {
        kind: 'paragraph' as const,
        text: 'The records listed were made at or near the time by, or from information transmitted by, persons with knowledge; were kept in the course of a regularly conducted activity; and making them was a regular practice of that activity (Fed. R. Evid. 803(6), 902(11)).  [ ] yes  [ ] no  [ ] as follows: ______________',
      },
      {
        kind: 'paragraph' as const,
        text: 'The records were produced by an electronic process that produces an accurate result, and copied with the digital identification given above (Fed. R. Evid. 902(13), 902(14)).  [ ] yes  [ ] no  [ ] as follows: ______________',
      },
      {
        kind: 'paragraph' as const,
        text: 'I declare under penalty of perjury under the laws of the United States of America that the foregoing is true and correct (28 U.S.C. 1746). Executed on ____________________   Signature ____________________',
      },
    ],
  };
}
