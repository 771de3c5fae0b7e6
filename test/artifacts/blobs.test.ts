import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { BlobDamaged, blobStore } from '../../src/artifacts/blobs.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { once } from './sample-package.ts';

const folder = await mkdtemp(join(tmpdir(), 'blobs-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const store = blobStore(folder);
const key = Buffer.alloc(32, 9);
const path = (id: string) => join(folder, id.slice(-2), id);
const chunk = 64 * 1024;
const read = async (id: string, under: Uint8Array | null) => {
  const parts: Uint8Array[] = [];
  for await (const part of store.read(id, under)) parts.push(part);
  return Buffer.concat(parts);
};
const bytes = (length: number) => Buffer.from(Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff));

describe('a blob', () => {
  it.each([0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk])(
    'of %i bytes comes back, plain and encrypted',
    async (length) => {
      const body = bytes(length);
      for (const under of [null, key]) {
        const id = `blb_${length}${under ? 'key' : 'plain'}`;
        expect(await store.write(id, once(body), under)).toEqual({ bytes: length, sha256: sha256Hex(body) });
        expect((await read(id, under)).equals(body)).toBe(true);
      }
    },
  );

  it('comes back however it was cut while writing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: chunk + 10 }), { maxLength: 6 }), async (cuts) => {
        const writer = await store.create('blb_cuts', key);
        for (const cut of cuts) await writer.write(bytes(cut));
        await writer.commit();
        expect((await read('blb_cuts', key)).equals(Buffer.concat(cuts.map(bytes)))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('does not exist before its commit, and leaves nothing when aborted', async () => {
    const writer = await store.create('blb_draftxx', key);
    await writer.write(bytes(10));
    expect(await store.has('blb_draftxx')).toBe(false);
    await writer.abort();
    expect(await readdir(join(folder, 'xx'))).toEqual([]);
  });

  it('may be removed twice', async () => {
    await store.write('blb_gone', once(bytes(3)), null);
    await store.remove('blb_gone');
    await store.remove('blb_gone');
    expect(await store.has('blb_gone')).toBe(false);
  });

  it('is not read by a name that leaves the folder', () => {
    expect(() => store.read('../../etc/passwd', null)).toThrow(RangeError);
  });
});

describe('an encrypted blob', () => {
  const id = 'blb_secret';
  const body = bytes(2 * chunk + 100);
  const damaged = async (change: (stored: Buffer) => Buffer) => {
    await store.write(id, once(body), key);
    await writeFile(path(id), change(await readFile(path(id))));
    await expect(read(id, key)).rejects.toThrow(BlobDamaged);
  };

  it('holds none of the text', async () => {
    const text = 'my lawyer says '.repeat(100);
    await store.write(id, once(Buffer.from(text)), key);
    expect((await readFile(path(id))).includes('lawyer')).toBe(false);
  });
  it('does not open under another key or in another place', async () => {
    await store.write(id, once(body), key);
    await expect(read(id, Buffer.alloc(32, 8))).rejects.toThrow(BlobDamaged);
    await rename(path(id), path('blb_othret'));
    await expect(read('blb_othret', key)).rejects.toThrow(BlobDamaged);
  });
  it('notices any flipped bit', async () => {
    for (const at of [0, 5, 40, 36 + chunk, 36 + chunk + 16, 2 * chunk + 80])
      await damaged((stored) => {
        stored[at] = (stored[at] ?? 0) ^ 1;
        return stored;
      });
  });
  it('notices chunks cut off, at a boundary too', async () => {
    const sealed = chunk + 16;
    for (const kept of [0, 10, 36, 36 + sealed, 36 + 2 * sealed, 36 + 2 * sealed + 20])
      await damaged((stored) => stored.subarray(0, kept));
  });
  it('notices chunks swapped, repeated or appended', async () => {
    const sealed = chunk + 16;
    const part = (stored: Buffer, index: number) => stored.subarray(36 + index * sealed, 36 + (index + 1) * sealed);
    await damaged((stored) =>
      Buffer.concat([stored.subarray(0, 36), part(stored, 1), part(stored, 0), part(stored, 2)]),
    );
    await damaged((stored) =>
      Buffer.concat([stored.subarray(0, 36), part(stored, 0), part(stored, 0), part(stored, 2)]),
    );
    await damaged((stored) => Buffer.concat([stored, part(stored, 2)]));
  });
  it('shows no byte of a damaged chunk', async () => {
    await store.write(id, once(bytes(10)), key);
    const stored = await readFile(path(id));
    stored[40] = (stored[40] ?? 0) ^ 1;
    await writeFile(path(id), stored);
    await expect(buffer(store.read(id, key))).rejects.toThrow(BlobDamaged);
  });
});
