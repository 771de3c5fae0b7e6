import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultZipLimits, openZip, type ZipLimits, ZipRefused } from '../../src/artifacts/unzip.ts';
import { zipStream } from '../../src/artifacts/zip.ts';
import { rawZip } from '../support/raw-zip.ts';
import { hasTool } from '../support/tools.ts';
import { once } from './sample-package.ts';

const folder = mkdtempSync(join(tmpdir(), 'zip-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const member = (path: string, body: string | Uint8Array, stored = false) => ({
  path,
  stored,
  open: () => once(Buffer.from(body)),
});

async function refusal(bytes: Uint8Array, limits?: Partial<ZipLimits>): Promise<string> {
  try {
    const zip = await openZip(bytes, { ...defaultZipLimits, ...limits });
    for (const found of zip.members) for await (const _ of zip.read(found.path));
    return 'read';
  } catch (fault) {
    if (fault instanceof ZipRefused) return fault.code;
    throw fault;
  }
}

describe('a ZIP of ours', () => {
  const members = [member('E/b.csv', 'b'.repeat(100_000)), member('E/a.pdf', '%PDF', true), member('E/empty', '')];

  it('has the same bytes for the same members, in whatever order they come and whatever zone the machine is in', async () => {
    const first = await buffer(zipStream(members));
    expect((await buffer(zipStream(members.toReversed()))).equals(first)).toBe(true);
    const zone = process.env.TZ;
    process.env.TZ = 'Pacific/Auckland';
    try {
      expect((await buffer(zipStream(members))).equals(first)).toBe(true);
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });
  it('reads back in path order, whole', async () => {
    const zip = await openZip(await buffer(zipStream(members)));
    expect(zip.container).toBe('whole');
    expect(zip.members.map((found) => [found.path, found.bytes])).toEqual([
      ['E/a.pdf', 4],
      ['E/b.csv', 100_000],
      ['E/empty', 0],
    ]);
    expect((await buffer(zip.read('E/a.pdf'))).toString()).toBe('%PDF');
  });
  it('stores what is compressed already and deflates the rest', async () => {
    const body = 'abc'.repeat(10_000);
    const [stored, deflated] = await Promise.all([
      buffer(zipStream([member('E/a', body, true)])),
      buffer(zipStream([member('E/a', body)])),
    ]);
    expect(stored.includes(body)).toBe(true);
    expect(deflated.length).toBeLessThan(1000);
  });
  it('opens one member at a time', async () => {
    let [open, most] = [0, 0];
    const counted = Array.from({ length: 20 }, (_, index) => ({
      path: `E/${index}`,
      stored: false,
      async *open() {
        open += 1;
        most = Math.max(most, open);
        yield Buffer.alloc(200_000, index);
        open -= 1;
      },
    }));
    await buffer(zipStream(counted));
    expect(most).toBe(1);
  });
  it('fails as a stream when a member cannot be read', async () => {
    const broken = {
      path: 'E/c',
      stored: false,
      async *open(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('x');
        throw new Error('the blob is gone');
      },
    };
    await expect(buffer(zipStream([...members, broken]))).rejects.toThrow('the blob is gone');
  });
  it.skipIf(!hasTool('unzip'))('passes unzip -t (needs unzip)', async () => {
    const path = join(folder, 'ours.zip');
    writeFileSync(path, await buffer(zipStream(members)));
    expect(execFileSync('unzip', ['-tqq', path]).toString()).toBe('');
    expect(spawnSync('/usr/bin/python3', ['-m', 'zipfile', '-t', path], { encoding: 'utf8' }).stdout.trim()).toBe(
      'Done testing',
    );
  });
});

describe('a hostile archive is refused by name', () => {
  const body = Buffer.from('text');
  const ok = { name: 'E/a', body };

  it('but an honest one made elsewhere is read', async () => {
    expect(await refusal(rawZip([ok, { name: 'E/b', body, method: 8 }]))).toBe('read');
  });
  it.each([
    '../a',
    'E/../../a',
    '/etc/passwd',
    'C:/a',
    'E\\a',
    'E//a',
    'E/./a',
    'E/a\0b',
    'E/a\nb',
    'E/\u202egpj.exe',
    'E/CON:',
  ])('a path trick: %j', async (name) => {
    expect(await refusal(rawZip([{ name, body }]))).toBe('path_forbidden');
  });
  it('a name twice, in other letters too', async () => {
    expect(await refusal(rawZip([ok, ok]))).toBe('duplicate_member');
    expect(await refusal(rawZip([ok, { name: 'E/A', body }]))).toBe('duplicate_member');
  });
  it('a symbolic link, a device, a folder with contents', async () => {
    expect(await refusal(rawZip([{ ...ok, attributes: 0o120777 << 16 }]))).toBe('member_kind');
    expect(await refusal(rawZip([{ ...ok, attributes: 0o060644 << 16 }]))).toBe('member_kind');
    expect(await refusal(rawZip([{ name: 'E/d/', body, attributes: 0o040755 << 16 }]))).toBe('member_kind');
  });
  it('two headers that disagree about a name', async () => {
    expect(await refusal(rawZip([{ ...ok, localName: 'E/b' }]))).toBe('header_mismatch');
  });
  it('two members over the same bytes', async () => {
    expect(await refusal(rawZip([ok, { ...ok, name: 'E/a', localName: 'E/a', at: 0 }]))).toBe('duplicate_member');
    const twice = rawZip([
      { ...ok, name: 'E/a' },
      { ...ok, name: 'E/b', localName: 'E/b' },
    ]);
    // The second listing is pointed at the first member's header, as an overlapping bomb does.
    const at = twice.lastIndexOf('PK\x01\x02');
    twice.writeUInt32LE(0, at + 42);
    expect(await refusal(twice)).toBe('header_mismatch');
  });
  it('a size that is not true, and a checksum that is not true', async () => {
    expect(await refusal(rawZip([{ ...ok, size: 3 }]))).toBe('size_lie');
    expect(await refusal(rawZip([{ ...ok, method: 8, size: 3 }]))).toBe('size_lie');
    expect(await refusal(rawZip([{ ...ok, method: 8, size: 5 }]))).toBe('size_lie');
    expect(await refusal(rawZip([{ ...ok, method: 8, crc: 1 }]))).toBe('corrupt_member');
  });
  it('a bomb, by its promise and by its bytes', async () => {
    const zeros = Buffer.alloc(50 * 2 ** 20);
    expect(await refusal(rawZip([{ name: 'E/a', body: zeros, method: 8 }]))).toBe('bomb');
    expect(await refusal(rawZip([{ name: 'E/a', body: zeros, method: 8, size: 10 }]))).toBe('size_lie');
  });
  it('too many members, too many bytes', async () => {
    expect(await refusal(rawZip([ok, { name: 'E/b', body }]), { members: 1 })).toBe('too_many_members');
    expect(await refusal(rawZip([ok, { name: 'E/b', body }]), { totalBytes: 7 })).toBe('too_large');
  });
  it('encryption and methods nobody agreed on', async () => {
    expect(await refusal(rawZip([{ ...ok, method: 8, flags: 1 }]))).toBe('encrypted');
    expect(await refusal(rawZip([{ ...ok, method: 12 }]))).toBe('method_unknown');
  });
  it('bytes after the end, a comment, no archive at all', async () => {
    expect(await refusal(Buffer.concat([rawZip([ok]), Buffer.from('x')]))).toBe('trailing_bytes');
    expect(await refusal(rawZip([ok], 'hello'))).toBe('comment_unknown');
    expect(await refusal(Buffer.from('hello'))).toBe('not_a_zip');
    expect(await refusal(Buffer.alloc(0))).toBe('not_a_zip');
    expect(await refusal(rawZip([ok]).subarray(10))).not.toBe('read');
  });
});
