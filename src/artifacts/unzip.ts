import { open as openFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import yauzl from 'yauzl';
import { sha256Hex, sha256Stream } from '../core/hash.ts';
import { commentPrefix } from './zip.ts';

/** Why an archive is not read: each a name a reader can look up. */
const zipFaults = [
  'not_a_zip',
  'too_many_members',
  'too_large',
  'bomb',
  'path_forbidden',
  'duplicate_member',
  'member_kind',
  'encrypted',
  'method_unknown',
  'header_mismatch',
  'overlap',
  'size_lie',
  'corrupt_member',
  'trailing_bytes',
  'comment_unknown',
  'archive_changed',
] as const;
export type ZipFault = (typeof zipFaults)[number];

/** An archive that will not be read, or not further. */
export class ZipRefused extends Error {
  readonly code: ZipFault;
  constructor(code: ZipFault, detail: string) {
    super(detail);
    this.name = 'ZipRefused';
    this.code = code;
  }
}

/** What a reader is ready to take on. Sizes are of the unpacked bytes. */
export interface ZipLimits {
  readonly members: number;
  readonly totalBytes: number;
  /** Unpacked size over packed size, per member, once a member is larger than 1 MiB. Deflate can reach 1,032. */
  readonly ratio: number;
}

export const defaultZipLimits: ZipLimits = { members: 200_000, totalBytes: 64 * 2 ** 30, ratio: 200 };

/** A member as the archive lists it. */
export interface UnzippedMember {
  readonly path: string;
  readonly bytes: number;
}

/** An archive whose listing has been checked; members are read on demand and streamed. */
export interface OpenZip {
  readonly members: readonly UnzippedMember[];
  /**
   * `whole`: the comment's digest fits every byte before it. `repacked`: no comment; somebody packed the same files
   * again, so only the members themselves can be judged.
   */
  readonly container: 'whole' | 'repacked';
  /** The bytes of a member; ends with a ZipRefused where they are not what the listing promised. */
  read(path: string): AsyncIterable<Uint8Array>;
  close(): void;
}

/**
 * Open an archive that may be hostile, from a path or from bytes. Everything the listing says is checked before a
 * member is read: names, kinds, methods, sizes, headers twice told, overlaps, duplicates (letter case aside).
 * @throws ZipRefused, by name, for anything that does not fit
 */
export async function openZip(source: string | Uint8Array, limits: ZipLimits = defaultZipLimits): Promise<OpenZip> {
  const container = await checkContainer(source);
  const options = { lazyEntries: true, autoClose: false, strictFileNames: true, validateEntrySizes: true };
  const zip = await named('not_a_zip', () =>
    typeof source === 'string'
      ? yauzl.openPromise(source, options)
      : yauzl.fromBufferPromise(Buffer.from(source.buffer, source.byteOffset, source.byteLength), options),
  );
  try {
    const entries = await listEntries(zip, limits);
    const byPath = new Map(entries.map((entry) => [entry.fileName, entry]));
    return {
      container,
      members: entries.map((entry) => ({ path: entry.fileName, bytes: entry.uncompressedSize })),
      read: (path) => readMember(zip, byPath.get(path), path),
      close: () => zip.close(),
    };
  } catch (fault) {
    zip.close();
    throw fault;
  }
}

async function listEntries(zip: yauzl.ZipFile, limits: ZipLimits): Promise<readonly yauzl.Entry[]> {
  if (zip.entryCount > limits.members)
    throw new ZipRefused('too_many_members', `${zip.entryCount} members, at most ${limits.members} are read`);
  const files: yauzl.Entry[] = [];
  const extents: (readonly [number, number])[] = [];
  const seen = new Set<string>();
  let total = 0;
  const entries = zip.eachEntry();
  for (;;) {
    const next = await named(listingFault, () => entries.next());
    if (next.done) break;
    const entry: yauzl.Entry = next.value;
    checkEntry(entry, limits);
    const folded = entry.fileName.normalize('NFC').toLowerCase();
    if (seen.has(folded)) throw new ZipRefused('duplicate_member', `two members are called ${entry.fileName}`);
    seen.add(folded);
    total += entry.uncompressedSize;
    if (total > limits.totalBytes) throw new ZipRefused('too_large', `more than ${limits.totalBytes} bytes unpacked`);
    extents.push([entry.relativeOffsetOfLocalHeader, await dataEnd(zip, entry)]);
    if (!entry.fileName.endsWith('/')) files.push(entry);
  }
  // Members that share bytes are how a small archive holds a huge one, and how two programs read two contents.
  extents.sort(([a], [b]) => a - b);
  extents.reduce((end, [start, stop]) => {
    if (start < end) throw new ZipRefused('overlap', 'two members share the same bytes');
    return stop;
  }, 0);
  return files;
}

function checkEntry(entry: yauzl.Entry, limits: ZipLimits): void {
  const name = entry.fileName;
  const folder = name.endsWith('/');
  const segments = (folder ? name.slice(0, -1) : name).split('/');
  // Printable ASCII without the characters some system gives a meaning: nothing else is ever packed.
  const forbidden = segments.some(
    (segment) => segment === '' || segment === '.' || segment === '..' || !/^[A-Za-z0-9._ @+,()=-]+$/.test(segment),
  );
  if (forbidden || name.length > 400)
    throw new ZipRefused('path_forbidden', `a member's name is not allowed: ${JSON.stringify(name.slice(0, 80))}`);
  if (entry.isEncrypted()) throw new ZipRefused('encrypted', `${name} is encrypted`);
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8)
    throw new ZipRefused('method_unknown', `${name} is compressed by method ${entry.compressionMethod}`);
  // The upper half holds a Unix mode where the archive came from Unix; 0o12 is a symbolic link, 0o10 a file, 0o04 a folder.
  const kind = (entry.versionMadeBy >> 8 === 3 ? entry.externalFileAttributes >>> 28 : 0) & 0xf;
  if (kind !== 0 && kind !== (folder ? 4 : 8)) throw new ZipRefused('member_kind', `${name} is no ordinary file`);
  if (folder && entry.uncompressedSize !== 0) throw new ZipRefused('member_kind', `${name} is a folder with contents`);
  const inflated = entry.uncompressedSize > 2 ** 20 && entry.uncompressedSize > entry.compressedSize * limits.ratio;
  if (inflated) throw new ZipRefused('bomb', `${name} would unpack to more than ${limits.ratio} times its size`);
}

/** Compare the header beside the data with the listing; answers where the data ends. */
async function dataEnd(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<number> {
  const header = await named('header_mismatch', () => zip.readLocalFileHeaderPromise(entry));
  // With a data descriptor (bit 3) the header cannot know the sizes and says zero.
  const sizesLater = (header.generalPurposeBitFlag & 8) !== 0;
  const agrees =
    header.fileName.equals(entry.fileNameRaw) &&
    header.compressionMethod === entry.compressionMethod &&
    header.generalPurposeBitFlag === entry.generalPurposeBitFlag &&
    (sizesLater || isZip64(header.compressedSize) || header.compressedSize === entry.compressedSize) &&
    (sizesLater || isZip64(header.uncompressedSize) || header.uncompressedSize === entry.uncompressedSize) &&
    (sizesLater || header.crc32 === entry.crc32);
  if (!agrees) throw new ZipRefused('header_mismatch', `${entry.fileName} is described in two different ways`);
  return header.fileDataStart + entry.compressedSize;
}

const isZip64 = (size: number) => size === 0xffff_ffff;

async function* readMember(zip: yauzl.ZipFile, entry: yauzl.Entry | undefined, path: string) {
  if (!entry) throw new RangeError(`no member ${path}`);
  const stream: Readable = await named('header_mismatch', () => zip.openReadStreamPromise(entry));
  let bytes = 0;
  let sum = 0;
  try {
    for await (const chunk of stream) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('an archive stream gives bytes');
      bytes += chunk.length;
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (fault) {
    const lie = fault instanceof Error && /(too many|not enough) bytes/.test(fault.message);
    throw new ZipRefused(lie ? 'size_lie' : 'corrupt_member', `${path} does not unpack to what the listing says`);
  }
  if (bytes !== entry.uncompressedSize) throw new ZipRefused('size_lie', `${path} is not as long as the listing says`);
  if (sum >>> 0 !== entry.crc32 >>> 0) throw new ZipRefused('corrupt_member', `${path} fails its checksum`);
}

const endSignature = Buffer.from([0x50, 0x4b, 5, 6]);
const endRecordBytes = 22;

/** Look at the end record ourselves, and at every byte before its comment when that states a digest. */
async function checkContainer(source: string | Uint8Array): Promise<OpenZip['container']> {
  if (typeof source !== 'string') {
    const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
    const end = findEnd(bytes.subarray(-(endRecordBytes + 0xffff)));
    if (end.digest === null) return 'repacked';
    return whole(end.digest, sha256Hex(bytes.subarray(0, bytes.length - end.comment)));
  }
  const file = await named('not_a_zip', () => openFile(source, 'r'));
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, endRecordBytes + 0xffff));
    await file.read(tail, 0, tail.length, size - tail.length);
    const end = findEnd(tail);
    if (end.digest === null) return 'repacked';
    const digest = sha256Stream();
    const chunk = Buffer.alloc(2 ** 20);
    for (let at = 0; at < size - end.comment; ) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, size - end.comment - at), at);
      if (bytesRead === 0) throw new ZipRefused('archive_changed', 'the archive shrank while it was read');
      digest.update(chunk.subarray(0, bytesRead));
      at += bytesRead;
    }
    return whole(end.digest, digest.digestHex());
  } finally {
    await file.close();
  }
}

function findEnd(tail: Buffer): { readonly comment: number; readonly digest: string | null } {
  const start = tail.lastIndexOf(endSignature);
  const record = tail.subarray(start);
  if (start < 0 || record.length < endRecordBytes) throw new ZipRefused('not_a_zip', 'no end record of a ZIP archive');
  const comment = record.subarray(endRecordBytes);
  if (record.readUInt16LE(endRecordBytes - 2) !== comment.length)
    throw new ZipRefused('trailing_bytes', 'bytes after the end of the archive');
  if (comment.length === 0) return { comment: 0, digest: null };
  const digest = new RegExp(`^${commentPrefix}([0-9a-f]{64})$`).exec(comment.toString('latin1'))?.[1];
  if (!digest) throw new ZipRefused('comment_unknown', 'the archive bears a comment that packages do not have');
  return { comment: comment.length, digest };
}

function whole(stated: string, found: string): 'whole' {
  if (stated !== found)
    throw new ZipRefused('archive_changed', 'a byte of the archive has changed since it was packed');
  return 'whole';
}

/** yauzl checks names and stored sizes while it lists; its words are all it says. */
function listingFault(message: string): ZipFault {
  if (/fileName|relative path|absolute path/i.test(message)) return 'path_forbidden';
  return /size mismatch/i.test(message) ? 'size_lie' : 'not_a_zip';
}

async function named<T>(code: ZipFault | ((message: string) => ZipFault), act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (fault) {
    if (fault instanceof ZipRefused) throw fault;
    const message = fault instanceof Error ? fault.message : String(fault);
    throw new ZipRefused(typeof code === 'string' ? code : code(message), message);
  }
}
