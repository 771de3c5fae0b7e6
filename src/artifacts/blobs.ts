import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { hmacSha256, sha256Stream } from '../core/hash.ts';
import type { Sink } from './sink.ts';

/** What was stored: length and digest of the bytes as they were given, before any encryption. */
export interface StoredBytes {
  readonly bytes: number;
  readonly sha256: string;
}

/** A blob being written. Nothing of it is visible under its id until `commit`. */
export interface BlobWriter extends Sink {
  /** Bytes on disk, then the name: after this the blob survives a crash. */
  commit(): Promise<StoredBytes>;
  /** Forget what was written. Safe after a commit, too, when it does nothing. */
  abort(): Promise<void>;
}

/** Bytes at rest in a folder, by id. A key of 32 bytes encrypts them; null stores them as they are. */
export interface BlobStore {
  create(id: string, key: Uint8Array | null): Promise<BlobWriter>;
  write(id: string, source: AsyncIterable<Uint8Array>, key: Uint8Array | null): Promise<StoredBytes>;
  /** A whole blob by whoever writes into a sink. When that fails, nothing of it stays. */
  fill(id: string, key: Uint8Array | null, write: (sink: Sink) => Promise<void>): Promise<StoredBytes>;
  /** The bytes, streamed. Ends with a BlobDamaged where one is missing, moved or changed, or the key is another. */
  read(id: string, key: Uint8Array | null): AsyncIterable<Uint8Array>;
  has(id: string): Promise<boolean>;
  /** No error where there is none: removal may be tried again after a crash. */
  remove(id: string): Promise<void>;
  /** Bytes that can still be written. */
  freeBytes(): Promise<number>;
}

/** A blob that is not what was stored. */
export class BlobDamaged extends Error {
  constructor(id: string, what: string) {
    super(`blob ${id}: ${what}`);
    this.name = 'BlobDamaged';
  }
}

const magic = Buffer.from('MNB1', 'ascii');
const saltBytes = 32;
const headerBytes = magic.length + saltBytes;
const chunkBytes = 64 * 1024;
const tagBytes = 16;

/**
 * A blob store in a folder. A blob is written beside its place, synced and renamed into it, so that a crash leaves
 * either all of it or nothing.
 *
 * Encrypted blobs: `MNB1`, 32 random bytes, then chunks of 64 KiB, each AES-256-GCM with its tag. The key of a blob is
 * HMAC(key, salt and id), so that no nonce is ever used twice under one key and a blob put in another's place does not
 * open. The nonce is the chunk's number and whether it is the last (the STREAM construction of Hoang, Reyhanitabar,
 * Rogaway and Vizár, 2015): a chunk that was cut off, moved or repeated is noticed, and memory stays flat.
 */
export function blobStore(folder: string): BlobStore {
  const place = (id: string) => {
    if (!/^[A-Za-z0-9_-]{4,100}$/.test(id)) throw new RangeError('a blob id is letters, digits, dash and underscore');
    // Ids begin with their time; their end is random and spreads the files evenly.
    return join(folder, id.slice(-2).toLowerCase(), id);
  };
  const create = async (id: string, key: Uint8Array | null): Promise<BlobWriter> => {
    const path = place(id);
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
    const draft = `${path}.${randomBytes(6).toString('hex')}.part`;
    const file = await open(draft, 'wx', 0o600);
    const layer = key ? encryptingTo(file, blobKeyFor(id, key)) : plainTo(file);
    const digest = sha256Stream();
    let bytes = 0;
    let open_ = true;
    return {
      write: async (chunk) => {
        digest.update(chunk);
        bytes += chunk.length;
        await layer.write(chunk);
      },
      commit: async () => {
        await layer.end();
        await file.sync();
        await file.close();
        open_ = false;
        await rename(draft, path);
        // The rename itself is only durable once the folder is.
        await syncFolder(join(path, '..'));
        return { bytes, sha256: digest.digestHex() };
      },
      abort: async () => {
        if (!open_) return;
        open_ = false;
        await file.close();
        await rm(draft, { force: true });
      },
    };
  };
  const fill: BlobStore['fill'] = async (id, key, write) => {
    const writer = await create(id, key);
    try {
      await write(writer);
      return await writer.commit();
    } catch (fault) {
      await writer.abort();
      throw fault;
    }
  };
  return {
    create,
    fill,
    write: (id, source, key) =>
      fill(id, key, async (sink) => {
        for await (const chunk of source) await sink.write(chunk);
      }),
    read: (id, key) => (key ? decrypted(id, place(id), key) : plain(place(id))),
    has: (id) =>
      stat(place(id)).then(
        () => true,
        () => false,
      ),
    remove: (id) => rm(place(id), { force: true }),
    async freeBytes() {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
  };
}

interface Layer {
  write(chunk: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

function plainTo(file: FileHandle): Layer {
  return { write: (chunk) => writeAll(file, chunk), end: async () => {} };
}

type BlobKey = (salt: Uint8Array) => Uint8Array;

const blobKeyFor =
  (id: string, key: Uint8Array): BlobKey =>
  (salt) =>
    hmacSha256(key, Buffer.concat([Buffer.from('muniment blob 1\0'), salt, Buffer.from(id)]));

function encryptingTo(file: FileHandle, blobKey: BlobKey): Layer {
  const salt = randomBytes(saltBytes);
  const key = blobKey(salt);
  const chunk = Buffer.alloc(chunkBytes);
  let filled = 0;
  let number = 0;
  let begun = false;
  const flush = async (last: boolean) => {
    if (!begun) await writeAll(file, Buffer.concat([magic, salt]));
    begun = true;
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number, last));
    await writeAll(
      file,
      Buffer.concat([cipher.update(chunk.subarray(0, filled)), cipher.final(), cipher.getAuthTag()]),
    );
    number += 1;
    filled = 0;
  };
  return {
    write: async (bytes) => {
      for (let at = 0; at < bytes.length; ) {
        // A full chunk waits until more comes: only then is it known not to be the last.
        if (filled === chunkBytes) await flush(false);
        const taken = bytes.subarray(at, at + chunkBytes - filled);
        chunk.set(taken, filled);
        filled += taken.length;
        at += taken.length;
      }
    },
    end: () => flush(true),
  };
}

async function* plain(path: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) yield chunk;
}

async function* decrypted(id: string, path: string, key: Uint8Array): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const header = await readInto(file, Buffer.alloc(headerBytes));
    if (header.length < headerBytes || !header.subarray(0, magic.length).equals(magic))
      throw new BlobDamaged(id, 'it does not begin as a blob');
    const blobKey = blobKeyFor(id, key)(header.subarray(magic.length));
    // Two buffers in turn: one is read into while it is not yet known whether the other holds the last chunk.
    const buffers = [Buffer.alloc(chunkBytes + tagBytes), Buffer.alloc(chunkBytes + tagBytes)] as const;
    let chunk = await readInto(file, buffers[0]);
    for (let number = 0; ; number++) {
      const next = await readInto(file, buffers[number % 2 === 0 ? 1 : 0]);
      const bytes = openChunk(blobKey, nonceOf(number, next.length === 0), chunk);
      if (!bytes) throw new BlobDamaged(id, `chunk ${number} does not open: cut off, changed, or another key`);
      yield bytes;
      if (next.length === 0) return;
      chunk = next;
    }
  } finally {
    await file.close();
  }
}

function openChunk(key: Uint8Array, nonce: Uint8Array, chunk: Buffer): Uint8Array | null {
  if (chunk.length < tagBytes) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  decipher.setAuthTag(chunk.subarray(-tagBytes));
  try {
    const plain = decipher.update(chunk.subarray(0, -tagBytes));
    // GCM gives no bytes at its end; it says whether those it gave are the ones that were stored.
    decipher.final();
    return plain;
  } catch {
    return null;
  }
}

function nonceOf(number: number, last: boolean): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

async function readInto(file: FileHandle, buffer: Buffer): Promise<Buffer> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, null);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
