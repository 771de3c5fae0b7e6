import { createHmac } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HoldScope } from '../../src/policy/hold.ts';
import { resolveSources } from '../../src/policy/sources.ts';
import { sourcesSchema } from '../../src/policy/sources-file.ts';
import { sourceFault } from '../../src/sources/fault.ts';
import { sortLeaves } from '../../src/sources/files/line-commitments.ts';
import { openFilesSource } from '../../src/sources/files/source.ts';
import type { BatchSurroundings, HeldScope, RewriteIntent } from '../../src/sources/source.ts';
import { destroy, olderThan, runKey } from './orders.ts';

const due = olderThan('2020-01-01T00:00:00Z');
const longAgo = new Date('2024-02-03T04:05:06.789Z');
const none: HoldScope = { subjects: [], keys: {}, datasets: [], from: null, to: null };
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A line of an access log on a day. */
function access(day: string, says = 'x', end = '\n'): string {
  const [year, month, date] = day.split('-');
  return `192.0.2.1 - - [${date}/${months[Number(month) - 1]}/${year}:10:00:00 +0000] "GET /${says} HTTP/1.1" 200 1${end}`;
}
const old = (says?: string, end?: string) => access('2019-12-31', says, end);
const young = (says?: string, end?: string) => access('2020-01-02', says, end);

interface Logs {
  readonly folder: string;
  readonly source: ReturnType<typeof openFilesSource>;
  readonly intents: RewriteIntent[];
  /** Destroys what may go, file by file. @returns how many files were rewritten */
  purge(holds?: readonly HeldScope[], around?: Partial<BatchSurroundings>): Promise<number>;
  read(name: string): string;
}

/** A folder of logs, written to long ago, and a source over it that goes line by line. */
function logs(files: Readonly<Record<string, string | Uint8Array>>, settings: Record<string, unknown> = {}): Logs {
  const root = mkdtempSync(join(tmpdir(), 'muniment-lines-'));
  const folder = join(root, 'access');
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), content);
    utimesSync(join(folder, name), longAgo, longAgo);
  }
  const access = { folder: 'access', match: 'access*', unit: 'line', format: 'combined', current: 'none', ...settings };
  const { dataMap, issues } = resolveSources(
    sourcesSchema.parse({ sources: { disk: { kind: 'files', root, datasets: { access } } } }),
  );
  if (issues[0] || dataMap.disk?.kind !== 'files') throw new Error(issues[0]?.detail);
  const source = openFilesSource(dataMap.disk);
  const intents: RewriteIntent[] = [];
  return {
    folder,
    source,
    intents,
    read: (name) => readFileSync(join(folder, name), 'utf8'),
    async purge(holds = [], around = {}) {
      let from: string | null = null;
      for (let done = 0; ; done++) {
        const result = await destroy(source, {
          dataset: 'disk.access',
          from,
          around: {
            holds,
            intendRewrite: async (intent) => void intents.push(intent),
            withdraw: async () => void intents.splice(0),
            ...around,
          },
        });
        if (!('kind' in result) || result.kind !== 'intended') return done;
        from = result.upTo;
      }
    },
  };
}

const heldBy = (scope: Partial<HoldScope>): readonly HeldScope[] => [{ id: 'hld_1', scope: { ...none, ...scope } }];
const leavesOf = (intents: readonly RewriteIntent[]) =>
  intents.flatMap(({ leaves }) => Buffer.from(leaves).toString('hex').match(/.{64}/g) ?? []);
const leafOf = (line: string | Buffer) =>
  createHmac('sha256', runKey).update('disk.access\n').update(line).digest('hex');

describe('a folder of logs that go line by line', () => {
  it('loses the lines that are due, out of order or not, and keeps the others byte by byte', async () => {
    const rest = [young('a', '\r\n'), young('ä €😀 \xff'), young('c'), young('last', '')];
    const files = {
      'access.log.1': `${rest[0]}${old('1')}${rest[1]}${old('ü', '\r\n')}${rest[2]}${old('2')}${rest[3]}`,
      'access.log.2': old('3') + old('4', ''),
      'access.log.3': young('untouched'),
    };
    const it = logs(files);
    chmodSync(join(it.folder, 'access.log.1'), 0o640);
    utimesSync(join(it.folder, 'access.log.1'), longAgo, longAgo);
    const before = statSync(join(it.folder, 'access.log.3'));
    expect(await it.source.census('disk.access', due, [])).toMatchObject({ total: 10, due: 5, held: 0 });
    expect(await it.purge()).toBe(2);
    expect(readdirSync(it.folder).sort()).toEqual(['access.log.1', 'access.log.3']);
    expect(it.read('access.log.1')).toBe(rest.join(''));
    const { mode, mtimeMs, atimeMs } = statSync(join(it.folder, 'access.log.1'));
    expect([mode & 0o777, Math.round(mtimeMs)]).toEqual([0o640, longAgo.getTime()]);
    expect(Math.round(atimeMs)).toBeGreaterThanOrEqual(longAgo.getTime());
    expect(statSync(join(it.folder, 'access.log.3')).ino).toBe(before.ino);
    const gone = [old('1'), old('ü', '\r\n'), old('2'), old('3'), old('4', '')];
    expect(leavesOf(it.intents).sort()).toEqual(gone.map(leafOf).sort());
    expect(await it.source.census('disk.access', due, [])).toMatchObject({ total: 5, due: 0 });
  });

  it.each([
    ['gz', gzipSync, gunzipSync],
    ['zst', zstdCompressSync, zstdDecompressSync],
  ] as const)('packed as %s it is packed so again', async (ending, pack, unpack) => {
    const it = logs({ [`access.log.1.${ending}`]: pack(Buffer.from(old() + young('stays') + old())) });
    expect(await it.purge()).toBe(1);
    expect(unpack(readFileSync(join(it.folder, `access.log.1.${ending}`))).toString()).toBe(young('stays'));
  });

  it('owned by somebody else it stays theirs', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('only root may give files away');
    const it = logs({ 'access.log.1': old() + young() });
    const { chownSync } = await import('node:fs');
    chownSync(join(it.folder, 'access.log.1'), 1234, 2345);
    await it.purge();
    const { uid, gid } = statSync(join(it.folder, 'access.log.1'));
    expect([uid, gid]).toEqual([1234, 2345]);
  });

  it('keeps a line without a readable time, and says so', async () => {
    const odd = ['no time here\n', '\n', '192.0.2.1 - - [31/Feb/2019:10:00:00 +0000] "GET /" 200 1\n'];
    const it = logs({ 'access.log.1': odd[0] + old() + odd[1] + old() + odd[2] + young() });
    await it.purge();
    expect(it.read('access.log.1')).toBe(`${odd.join('')}${young()}`);
    const told = () => it.source.check({});
    expect(await told()).toMatchObject([
      { code: 'time_unreadable', level: 'warning', detail: expect.stringContaining('(3 seen)') },
    ]);
    // Behind the first thousand lines nobody looks, and a run counts them.
    writeFileSync(join(it.folder, 'access.log.1'), young().repeat(3000) + odd[0]);
    utimesSync(join(it.folder, 'access.log.1'), longAgo, longAgo);
    expect(await told()).toEqual([]);
    await it.source.census('disk.access', due, []);
    expect(await told()).toMatchObject([{ detail: expect.stringContaining('(1 seen)') }]);
  });

  it('refuses a folder of which it can read no time at all, instead of finding nothing due', async () => {
    const it = logs({ 'access.log.1': '{"time":"2019-01-01T00:00:00Z"}\n' });
    const [drift] = await it.source.check({});
    expect(drift).toMatchObject({ code: 'time_unreadable', level: 'drift', subject: 'disk.access' });
    expect(drift?.detail).toContain('access.log.1');
  });

  it('a stack trace goes or stays with the line it belongs to', async () => {
    const trace = 'java.lang.Error: ada@example.com\n\tat A.b(A.java:1)\n\nCaused by: x\n';
    const it = logs(
      { 'access.log.1': `lost head\n2019-01-01 00:00:00 due\n${trace}2020-01-02 00:00:00 stays\n${trace}` },
      { format: 'pattern', pattern: '%Y-%m-%d %H:%M:%S' },
    );
    const held = heldBy({ subjects: [{ kind: 'email', value: 'ada@example.com' }] });
    expect(await it.source.census('disk.access', due, held)).toMatchObject({ total: 11, due: 5, held: 5 });
    expect(await it.purge(held)).toBe(0);
    expect(await it.purge()).toBe(1);
    expect(it.read('access.log.1')).toBe(`lost head\n2020-01-02 00:00:00 stays\n${trace}`);
  });

  it('the mark that some editors write before a text hides no time', async () => {
    const it = logs({ 'access.log.1': '\ufeff{"at":"2019-01-01T00:00:00Z"}\n' }, { format: 'json', timeField: 'at' });
    expect(await it.source.census('disk.access', due, [])).toMatchObject({ total: 1, due: 1 });
  });

  it('I1 lines that a hold covers stay, and the rest go', async () => {
    const it = logs({
      'access.log.1': old('ada%40example.com') + old('bea') + old('ADA@EXAMPLE.com') + young('ada@example.com'),
      'access.log.2.gz': gzipSync(old('bea') + old('ada@example.com')),
    });
    const hold = { subjects: [{ kind: 'email', value: 'ada@example.com' }] };
    // Seen before the hold, and not to be taken for what is free with it.
    expect(await it.source.census('disk.access', due, [])).toMatchObject({ due: 5, held: 0 });
    const { coverage } = await it.source.placeHold({ id: 'hld_1', scope: { ...none, ...hold } });
    expect(coverage).toMatchObject([{ dataset: 'disk.access', count: 4 }]);
    expect(await it.source.census('disk.access', due, heldBy(hold))).toMatchObject({
      total: 6,
      due: 5,
      held: 3,
      heldBy: { hld_1: 3 },
    });
    await it.purge(heldBy(hold));
    expect(it.read('access.log.1')).toBe(old('ada%40example.com') + old('ADA@EXAMPLE.com') + young('ada@example.com'));
    expect(gunzipSync(readFileSync(join(it.folder, 'access.log.2.gz'))).toString()).toBe(old('ada@example.com'));
    expect(leavesOf(it.intents)).toEqual([leafOf(old('bea')), leafOf(old('bea'))]);
  });

  it('I1 a hold on a range of time keeps the lines of it, both ends included', async () => {
    const days = ['2019-03-01', '2019-03-02', '2019-03-03', '2019-03-04'];
    const it = logs({ 'access.log.1': days.map((day) => access(day)).join('') });
    await it.purge(heldBy({ datasets: ['disk.access'], from: '2019-03-02T10:00:00Z', to: '2019-03-03T10:00:00Z' }));
    expect(it.read('access.log.1')).toBe(access('2019-03-02') + access('2019-03-03'));
  });

  it('never touches the file being written, by whichever sign', async () => {
    const content = old() + young();
    const it = logs(
      { 'access.log': content, 'access.log.1': content, 'access.log.2': content, 'access.log.3': content },
      { current: 'access.log' },
    );
    utimesSync(join(it.folder, 'access.log.1'), new Date(), new Date());
    const writer = openSync(join(it.folder, 'access.log.2'), 'a');
    const reader = openSync(join(it.folder, 'access.log.3'), 'r');
    try {
      await it.purge();
      expect(['', '.1', '.2', '.3'].map((end) => it.read(`access.log${end}`) === content)).toEqual([
        true,
        true,
        existsSync('/proc/self/fdinfo'),
        false,
      ]);
    } finally {
      for (const fd of [writer, reader]) closeSync(fd);
    }
    const newest = logs({ 'access.log': content, 'access.log.1': content }, { current: 'newest' });
    utimesSync(join(newest.folder, 'access.log'), new Date('2024-05-01'), new Date('2024-05-01'));
    await newest.purge();
    expect([newest.read('access.log'), newest.read('access.log.1')]).toEqual([content, young()]);
    const today = Temporal.Now.plainDateISO('UTC').toString();
    const dated = logs(
      { [`access-${today}.log`]: content, 'access-2024-01-01.log': content },
      { match: 'access-{date}.log' },
    );
    await dated.purge();
    expect([dated.read(`access-${today}.log`), dated.read('access-2024-01-01.log')]).toEqual([content, young()]);
  });

  it('leaves a file that is written to while it is read', async () => {
    const it = logs({ 'access.log.1': old().repeat(3000) });
    const path = join(it.folder, 'access.log.1');
    const late = old('late');
    const intendRewrite = async (intent: RewriteIntent) => {
      it.intents.push(intent);
      if (it.intents.length === 1) writeFileSync(path, late, { flag: 'a' });
      utimesSync(path, longAgo, longAgo);
    };
    await it.purge([], { intendRewrite });
    expect(it.read('access.log.1')).toBe(old().repeat(3000) + late);
    expect(it.intents).toEqual([]);
    expect(readdirSync(it.folder)).toEqual(['access.log.1']);
  });

  it('follows no link, leaves a file with a second name or in an unknown packing, and says so', async () => {
    const it = logs({
      'access.log.1': old(),
      'access.log.2.xz': 'x',
      'access.log.3.gz': gzipSync(old().repeat(9)).subarray(0, 40),
    });
    const outside = join(it.folder, '..', 'outside.log');
    writeFileSync(outside, old());
    utimesSync(outside, longAgo, longAgo);
    symlinkSync(outside, join(it.folder, 'access.log.9'));
    linkSync(join(it.folder, 'access.log.1'), join(it.folder, '..', 'second'));
    expect(await it.purge()).toBe(0);
    expect([it.read('access.log.1'), readFileSync(outside, 'utf8')]).toEqual([old(), old()]);
    expect(lstatSync(join(it.folder, 'access.log.9')).isSymbolicLink()).toBe(true);
    const told = (await it.source.check({})).map(
      ({ code, level, detail }) => `${code} ${level} ${detail.slice(0, 15)}`,
    );
    expect(told.sort()).toEqual([
      'file_left warning access.log.1 in',
      'file_left warning access.log.2.xz',
      'file_left warning access.log.3.gz',
      'file_unmatched warning 1 files in acce',
    ]);
  });

  it('writes every line down before the first is gone, in rows of the size that was ordered', async () => {
    const lines = Array.from({ length: 5000 }, (_, n) => old(`${n}-${'x'.repeat(200)}`));
    const it = logs({ 'access.log.1': lines.join('') + young() });
    const seen: boolean[] = [];
    await it.purge([], {
      intendRewrite: async (intent) => {
        it.intents.push(intent);
        seen.push(it.read('access.log.1') === lines.join('') + young());
      },
    });
    expect(seen.length).toBeGreaterThan(2);
    expect(seen).not.toContain(false);
    expect(leavesOf(it.intents).sort()).toEqual(lines.map(leafOf).sort());
    expect(it.intents.map(({ last }) => last !== null)).toEqual([...seen.slice(1).map(() => false), true]);
  });

  it('where this user may not write it fails by name, and changes nothing', async () => {
    const it = logs({ 'access.log.1': old() + young() });
    chmodSync(join(it.folder, '..'), 0o755);
    chmodSync(it.folder, 0o555);
    const isRoot = process.getuid?.() === 0;
    // Root may write everywhere, and nobody nowhere.
    if (isRoot) process.seteuid?.(65_534);
    const fault = await it.purge().catch(sourceFault);
    if (isRoot) process.seteuid?.(0);
    expect([fault, it.intents]).toEqual(['forbidden', []]);
    expect([it.read('access.log.1'), readdirSync(it.folder)]).toEqual([old() + young(), ['access.log.1']]);
  });

  it('knows after a crash whether the new file took the place of the old', async () => {
    const it = logs({ 'access.log.1': old() + young() });
    const path = join(it.folder, 'access.log.1');
    const before = readFileSync(path);
    await it.purge();
    const intent = it.intents.at(-1);
    if (!intent) throw new Error('nothing was intended');
    const has = () => it.source.hasRewritten?.('disk.access', intent);
    expect(await has()).toBe(true);
    // Rotated on in the meantime.
    renameSync(path, `${path}.gone`);
    expect(await has()).toBe(true);
    // The new file still stands beside: it did not take place.
    writeFileSync(join(it.folder, intent.made), young());
    expect(await has()).toBe(false);
    await it.source.removeMade?.('disk.access');
    expect(readdirSync(it.folder)).toEqual(['access.log.1.gone']);
    // The old file was put back from a backup.
    writeFileSync(path, before);
    utimesSync(path, longAgo, longAgo);
    expect(await has()).toBe(false);
  });

  it('whatever the file, what stays is what a plain reading says, and what goes is committed to', async () => {
    const line = fc.tuple(
      fc.constantFrom(old, young, (says: string, end: string) => `${says}${end}`),
      fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll('\n', '')),
      fc.constantFrom('\n', '\r\n'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 40 }), fc.boolean(), async (parts, isCut) => {
        const lines = parts.map(([make, says, end]) => Buffer.from(make(says.replaceAll('"', ''), end)));
        const end = lines.at(-1);
        if (isCut && end) lines[lines.length - 1] = end.subarray(0, end.indexOf(0x0a));
        const isOld = (bytes: Buffer) => bytes.includes('[31/Dec/2019:10:00:00 +0000] "GET');
        const it = logs({ 'access.log.1': Buffer.concat(lines) });
        await it.purge();
        const path = join(it.folder, 'access.log.1');
        const staying = lines.filter((bytes) => !isOld(bytes));
        const left = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
        expect(left.equals(Buffer.concat(staying))).toBe(true);
        expect(leavesOf(it.intents).sort()).toEqual(lines.filter(isOld).map(leafOf).sort());
        rmSync(join(it.folder, '..'), { recursive: true });
      }),
      { numRuns: 40 },
    );
  });

  it('keeps memory flat: a line longer than all of it streams past', async () => {
    const long = Buffer.concat([Buffer.from(old('').slice(0, -1)), Buffer.alloc(20_000_000, 'x'), Buffer.from('\n')]);
    const it = logs({ 'access.log.1': Buffer.concat([long, Buffer.from(young())]) });
    await it.purge();
    expect(it.read('access.log.1')).toBe(young());
    expect(leavesOf(it.intents)).toEqual([leafOf(long)]);
  });

  it('leaves are in order, equal beginnings or not', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(0, 1), fc.uint8Array({ minLength: 2, maxLength: 2 }))), (seeds) => {
        const leaves = seeds.map(([first, rest]) => Buffer.concat([Buffer.alloc(30, first), rest]));
        expect(sortLeaves(Buffer.concat(leaves))).toEqual(Buffer.concat(leaves.toSorted(Buffer.compare)));
      }),
    );
  });
});

const real = '../shared/data/access-logs/apache_logs.first2000';
describe('a real access log', () => {
  it.skipIf(!existsSync(real))('is cut where grep would cut it (skips without ../shared/data)', async () => {
    const text = readFileSync(real, 'latin1');
    const lines = text.split(/(?<=\n)/);
    const isDue = (line: string) => line.includes('[17/May/2015:');
    const it = logs({ 'access.log.1': Buffer.from(text, 'latin1') });
    expect(await it.source.census('disk.access', olderThan('2015-05-18T00:00:00Z'), [])).toMatchObject({
      total: lines.length,
      due: lines.filter(isDue).length,
    });
    await destroy(it.source, {
      dataset: 'disk.access',
      cutoff: '2015-05-18T00:00:00Z',
      around: { intendRewrite: async (intent) => void it.intents.push(intent) },
    });
    expect(readFileSync(join(it.folder, 'access.log.1'), 'latin1')).toBe(lines.filter((line) => !isDue(line)).join(''));
    expect(leavesOf(it.intents)).toHaveLength(lines.filter(isDue).length);
  });
});
