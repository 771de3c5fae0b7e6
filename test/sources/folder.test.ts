import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { FilesSource, FolderDataset } from '../../src/policy/data-map.ts';
import type { HoldScope } from '../../src/policy/hold.ts';
import { sortFolder } from '../../src/sources/files/disposition.ts';
import { listFolder } from '../../src/sources/files/folder.ts';

const dataset: FolderDataset = {
  kind: 'folder',
  id: 'disk.access',
  source: 'disk',
  name: 'access',
  folder: 'access',
  match: 'access-{date}.log*',
  time: 'line',
  keepLast: 0,
};
const end = Temporal.Instant.from('2026-01-01T00:00:00Z');
const none: HoldScope = { subjects: [], keys: {}, datasets: [], from: null, to: null };
const line = (day: string, who = 'x') =>
  `192.0.2.1 - ${who} [${day}:10:00:00 +0000] "GET /?mail=${who} HTTP/1.1" 200 1\n`;

function folder(files: Readonly<Record<string, string | Uint8Array>>): FilesSource {
  const root = mkdtempSync(join(tmpdir(), 'muniment-folder-'));
  mkdirSync(join(root, 'access'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(root, 'access', name), content);
  return { kind: 'files', name: 'disk', root, datasets: [dataset] };
}

async function free(source: FilesSource, scope: Partial<HoldScope>, of = dataset): Promise<readonly string[]> {
  const sorted = await sortFolder(source, of, end, [{ id: 'hld_1', scope: { ...none, ...scope } }], new Map());
  return sorted.free.map(({ name }) => name);
}

describe('a folder of logs', () => {
  it('I1 a hold by person is looked for in packed files, in any case, and as URLs write it', async () => {
    const source = folder({
      'access-2020-01-01.log': line('01/Jan/2020', 'ADA@example.com'),
      'access-2020-01-02.log.gz': gzipSync(line('02/Jan/2020', 'ada@example.com')),
      'access-2020-01-03.log.zst': zstdCompressSync(Buffer.from(line('03/Jan/2020', 'ada@example.com'))),
      'access-2020-01-04.log': line('04/Jan/2020', 'ada%40example.com'),
      'access-2020-01-05.log': line('05/Jan/2020', 'bea@example.com'),
      'access-2020-01-06.log.gz': gzipSync(line('06/Jan/2020', 'bea@example.com')),
    });
    expect(await free(source, { subjects: [{ kind: 'email', value: 'ada@example.com' }] })).toEqual([
      'access-2020-01-05.log',
      'access-2020-01-06.log.gz',
    ]);
  });

  it('I1 a file that cannot be looked into is kept by a hold on a person', async () => {
    const cut = gzipSync(line('02/Jan/2020', 'ada@example.com'));
    const source = folder({
      'access-2020-01-01.log.xz': 'whatever',
      'access-2020-01-02.log.gz': cut.subarray(0, cut.length - 12),
      'access-2020-01-03.log.gz': 'no gzip at all',
    });
    expect(await free(source, { subjects: [{ kind: 'email', value: 'ada@example.com' }] })).toEqual([]);
  });

  it('I1 a log named by the day of its rotation is held by what its lines say', async () => {
    const week = [1, 2, 3, 4, 5, 6, 7].map((day) => line(`0${day}/Jan/2020`)).join('');
    const source = folder({ 'access-20200108.log': week, 'access-20200115.log.gz': gzipSync(line('12/Jan/2020')) });
    const range = { from: '2020-01-02T00:00:00.000Z', to: '2020-01-03T00:00:00.000Z' };
    expect(await free(source, range)).toEqual(['access-20200115.log.gz']);
  });

  it('I1 a backup made after the range holds what was there in it', async () => {
    const source = folder({ 'access-20200108.log': 'a dump' });
    const backups: FolderDataset = { ...dataset, time: 'name' };
    const range = { datasets: ['disk.access'], from: '2019-01-02T00:00:00.000Z', to: '2019-01-03T00:00:00.000Z' };
    expect(await free(source, range, backups)).toEqual([]);
  });

  it('a log goes by its newest line, with a day in its name or without', async () => {
    const source = folder({
      'access.log.1': line('01/Jan/2020') + line('05/Mar/2020'),
      'access.log.2': 'nothing dated in here',
      'access-20200101.log': line('01/Jan/2020') + line('09/Feb/2020'),
    });
    const listed = await listFolder(source, { ...dataset, match: 'access*' });
    expect(listed.unmatched).toEqual(['access.log.2']);
    expect(listed.files.map(({ name, until }) => [name, until.toString()])).toEqual([
      ['access-20200101.log', '2020-02-09T10:00:00Z'],
      ['access.log.1', '2020-03-05T10:00:00Z'],
    ]);
  });

  it('links, folders and impossible days are no files of the dataset', async () => {
    const source = folder({ 'access-20200230.log': '', 'access-20200201.log': '' });
    symlinkSync('/etc/passwd', join(source.root, 'access', 'access-20200101.log'));
    mkdirSync(join(source.root, 'access', 'access-20200102.log'));
    const listed = await listFolder(source, dataset);
    expect(listed.files.map(({ name }) => name)).toEqual(['access-20200201.log']);
    expect(listed.unmatched).toHaveLength(3);
  });

  it('a pattern of many stars is read in no time, and means what it says', async () => {
    const name = 'a'.repeat(250);
    const matched = async (match: string, names: readonly string[]) => {
      const source = folder(Object.fromEntries(names.map((one) => [one, ''])));
      const listed = await listFolder(source, { ...dataset, match, time: 'line' });
      return names.filter((one) => !listed.unmatched.includes(one));
    };
    const begun = performance.now();
    expect(await matched(`${'*a'.repeat(120)}*b`, [name])).toEqual([]);
    expect(await matched(`${'*a'.repeat(60)}*{date}${'*a'.repeat(60)}*b`, [`${'2026-01-01'.repeat(25)}`])).toEqual([]);
    expect(performance.now() - begun).toBeLessThan(2000);
    const names = ['x2026-01-01.log', 'x20260101.log.1', 'x.log', 'xx.log', 'a.b.c', 'x2026-01-01'];
    // Of a file that is empty only a day in its name says anything, so that only such are found at all.
    expect(await matched('x{date}.log', names)).toEqual(['x2026-01-01.log']);
    expect(await matched('x{date}*', names)).toEqual(['x2026-01-01.log', 'x20260101.log.1', 'x2026-01-01']);
    expect(await matched('*{date}*.*', names)).toEqual(['x2026-01-01.log', 'x20260101.log.1']);
    expect(await matched('{date}', names)).toEqual([]);
  });

  it('a folder that leads out of its root is refused', async () => {
    const source = folder({});
    symlinkSync('/etc', join(source.root, 'elsewhere'));
    await expect(listFolder(source, { ...dataset, folder: 'elsewhere' })).rejects.toThrow('outside');
  });
});
