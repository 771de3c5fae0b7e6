import { once } from 'node:events';
import { Readable, Transform } from 'node:stream';
import { ZipArchive } from 'archiver';
import { sha256Stream } from '../core/hash.ts';

/** A file of an archive; `open` is called once, when its turn comes. */
export interface ZipMember {
  /** Path with forward slashes below the archive's root. */
  readonly path: string;
  /** True for what is compressed already (PDF, images): it is stored as it is. */
  readonly stored: boolean;
  open(): AsyncIterable<Uint8Array>;
}

/** 1980-01-01, the first day a ZIP can name: a package's bytes depend on what is in it, not on when it was packed. */
const fixedTime = new Date(Date.UTC(1980, 0, 1));
const endRecordBytes = 22;

/** The archive's comment begins with this; 64 hex digits follow. */
export const commentPrefix = 'sha256 of all bytes before this comment: ';

/**
 * A ZIP as a stream: members in path order, one time, one mode, deflate level 6 or stored: the same members give the
 * same bytes. The comment states the digest of every byte before it, so that a change of any byte is noticed, in
 * padding and headers too, where the members' own digests cannot see it. It protects nothing: the signatures do that.
 * A fault while a member is read destroys the stream.
 */
export function zipStream(members: readonly ZipMember[]): Readable {
  const archive = new ZipArchive({ zlib: { level: 6 }, forceLocalTime: false });
  const out = archive.pipe(digestComment());
  archive.once('error', (fault) => out.destroy(fault));
  const sorted = members.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  appendAll(archive, sorted).catch((fault: unknown) => {
    archive.abort();
    out.destroy(fault instanceof Error ? fault : new Error(String(fault)));
  });
  return out;
}

async function appendAll(archive: ZipArchive, members: readonly ZipMember[]): Promise<void> {
  // One after the other: appending all at once would open every attachment of an export at the same time.
  for (const member of members) {
    const source = Readable.from(member.open(), { objectMode: false });
    const done = Promise.race([once(archive, 'entry'), once(source, 'error').then(([fault]) => Promise.reject(fault))]);
    archive.append(source, { name: member.path, date: fixedTime, mode: 0o644, store: member.stored });
    await done;
  }
  await archive.finalize();
}

/** Passes an archive through and gives it a comment: the digest of every byte before the comment. */
function digestComment(): Transform {
  const digest = sha256Stream();
  let held = Buffer.alloc(0);
  const pass = (out: Transform, bytes: Buffer) => {
    digest.update(bytes);
    out.push(bytes);
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      // The last 22 bytes seen are always held back: at the end they are the end record. Large chunks are not copied.
      const joined = chunk.length < endRecordBytes ? Buffer.concat([held, chunk]) : chunk;
      if (joined === chunk) pass(this, held);
      const cut = Math.max(0, joined.length - endRecordBytes);
      pass(this, joined.subarray(0, cut));
      held = Buffer.from(joined.subarray(cut));
      done();
    },
    flush(done) {
      // The end record is all that is held now; its last two bytes say how long the comment is.
      held.writeUInt16LE(commentPrefix.length + 64, endRecordBytes - 2);
      digest.update(held);
      done(null, Buffer.concat([held, Buffer.from(commentPrefix + digest.digestHex(), 'ascii')]));
    },
  });
}
