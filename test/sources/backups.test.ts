import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { HoldScope } from '../../src/policy/hold.ts';
import { resolveSources } from '../../src/policy/sources.ts';
import { sourcesSchema } from '../../src/policy/sources-file.ts';
import { contentSha256 } from '../../src/sources/files/folder.ts';
import { faultOf } from '../../src/sources/files/good-backup.ts';
import { madeName } from '../../src/sources/files/made.ts';
import { openFilesSource } from '../../src/sources/files/source.ts';
import type { RemovalIntent } from '../../src/sources/source.ts';
import { emptyDatabase } from '../support/database.ts';
import { destroy, olderThan } from './orders.ts';

type Tree = { readonly [name: string]: string | Uint8Array | Tree };

function layOut(at: string, tree: Tree): void {
  for (const [name, content] of Object.entries(tree)) {
    const path = join(at, name);
    if (typeof content === 'string' || content instanceof Uint8Array) writeFileSync(path, content);
    else {
      mkdirSync(path, { recursive: true });
      layOut(path, content);
    }
  }
}

function backups(tree: Tree, keepLast = 0) {
  const root = mkdtempSync(join(tmpdir(), 'muniment-backups-'));
  layOut(root, tree);
  const daily = { folder: '.', match: 'app-{date}*', unit: 'backup', keepLast };
  const { dataMap, issues } = resolveSources(
    sourcesSchema.parse({ sources: { vault: { kind: 'files', root, datasets: { daily } } } }),
  );
  if (issues[0] || dataMap.vault?.kind !== 'files') throw new Error(issues[0]?.detail);
  const source = openFilesSource(dataMap.vault);
  return {
    root,
    source,
    left: () => readdirSync(root).sort(),
    /** All that a rule of that cutoff takes; the answer is what was intended. */
    async purge(cutoff = '2026-01-01T00:00:00Z', scope: Partial<HoldScope> | null = null) {
      const intents: RemovalIntent['items'][number][] = [];
      const none: HoldScope = { subjects: [], keys: {}, datasets: [], from: null, to: null };
      await destroy(source, {
        dataset: 'vault.daily',
        cutoff,
        around: {
          holds: scope === null ? [] : [{ id: 'hld_1', scope: { ...none, ...scope } }],
          intend: async ({ items }) => void intents.push(...items),
        },
      });
      return intents;
    },
  };
}

describe('a set of backups', () => {
  it('loses what is due, files and whole folders, and never the newest good one however old it is', async () => {
    const it = backups({
      'app-2024-01-01.dump': 'one',
      'app-2024-01-02': { base: { a: 'two', b: 'x' }, log: {} },
      'app-2024-01-03.dump': 'three',
      'app-2024-01-04': { base: { a: '' } },
      'app-2024-01-05.dump': '',
      'app-2024-01-06.dump.partial': 'half',
      'other-2024-01-01.dump': 'not ours',
    });
    const due = olderThan('2026-01-01T00:00:00Z');
    expect(await it.source.census('vault.daily', due, [])).toMatchObject({ total: 6, due: 5, held: 0 });
    expect(await it.source.check({})).toMatchObject([
      { code: 'backup_faulty', level: 'warning', detail: expect.stringContaining('app-2024-01-06.dump.partial') },
      { code: 'file_unmatched' },
    ]);
    expect((await it.purge()).map(({ name }) => name).sort()).toEqual([
      'app-2024-01-01.dump',
      'app-2024-01-02',
      'app-2024-01-04',
      'app-2024-01-05.dump',
      'app-2024-01-06.dump.partial',
    ]);
    expect(it.left()).toEqual(['app-2024-01-03.dump', 'other-2024-01-01.dump']);
    expect(await it.purge()).toEqual([]);
  });

  it('keepLast counts good ones', async () => {
    const it = backups(
      {
        'app-2024-01-01': 'one',
        'app-2024-01-02': 'two',
        'app-2024-01-03': '',
        'app-2024-01-04': 'four',
        'app-2024-01-05.gz': gzipSync('five'.repeat(99)).subarray(0, 20),
      },
      2,
    );
    await it.purge();
    expect(it.left()).toEqual(['app-2024-01-02', 'app-2024-01-04']);
  });

  it('of which none is good stays as it is', async () => {
    const it = backups({ 'app-2024-01-01': '', 'app-2024-01-02': { empty: {} } });
    expect(await it.purge()).toEqual([]);
    expect(it.left()).toHaveLength(2);
    expect(await it.source.check({})).toMatchObject([
      { code: 'backup_faulty', detail: expect.stringContaining('All stay') },
    ]);
  });

  it('a newer good one lets the older go, and what is not old stays', async () => {
    const it = backups({ 'app-2024-01-01': 'one', 'app-2025-01-01': 'two' });
    await it.purge('2024-06-01T00:00:00Z');
    expect(it.left()).toEqual(['app-2025-01-01']);
  });

  it('I1 a hold that names them keeps them all', async () => {
    const it = backups({ 'app-2024-01-01': { a: 'one' }, 'app-2024-01-02': 'two', 'app-2025-01-01': 'three' });
    expect(await it.purge('2026-01-01T00:00:00Z', { datasets: ['vault.daily'] })).toEqual([]);
    expect(it.left()).toHaveLength(3);
  });

  it('a link in the place of a backup or inside one leads nowhere', async () => {
    const it = backups({ 'app-2024-01-01': { a: 'one' }, 'app-2024-01-03': 'three' });
    const outside = mkdtempSync(join(tmpdir(), 'muniment-outside-'));
    writeFileSync(join(outside, 'precious'), 'x');
    symlinkSync(outside, join(it.root, 'app-2024-01-02'));
    symlinkSync(outside, join(it.root, 'app-2024-01-01', 'link'));
    await it.purge();
    expect(it.left()).toEqual(['app-2024-01-02', 'app-2024-01-03']);
    expect(existsSync(join(outside, 'precious'))).toBe(true);
  });

  it('I2 a folder is all there under its name, or not at all, whenever somebody looks', async () => {
    const files = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`${n}`, 'x']));
    const it = backups({ 'app-2024-01-01': files, 'app-2024-01-02': 'two' });
    const seen = new Set<number>();
    const path = join(it.root, 'app-2024-01-01');
    let isOver = false;
    const purged = it.purge().finally(() => {
      isOver = true;
    });
    while (!isOver) {
      seen.add(existsSync(path) ? readdirSync(path).length : 0);
      await setImmediate();
    }
    await purged;
    expect([...seen].sort()).toEqual([0, 300]);
    expect(it.left()).toEqual(['app-2024-01-02']);
  });

  it('I2 a folder that a crash left on its way out is gone at the next start, and one that is held by then stays', async () => {
    const it = backups({ 'app-2024-01-01': { a: 'one' }, 'app-2024-01-02': { a: 'two' }, 'app-2024-01-03': 'three' });
    const items = ['app-2024-01-01', 'app-2024-01-02'].map((name) => ({ name, sizeBytes: 1, commitment: name }));
    // The first has its new name already, as the crash left it.
    const leaving = madeName('vault.daily');
    renameSync(join(it.root, 'app-2024-01-01'), join(it.root, leaving));
    // Another dataset's, which may be at work.
    mkdirSync(join(it.root, madeName('vault.weekly')));
    const none: HoldScope = { subjects: [], keys: {}, datasets: [], from: null, to: null };
    const held = { id: 'h', scope: { ...none, datasets: ['vault.daily'] } };
    expect(await it.source.finishRemoval?.('vault.daily', items, [held])).toMatchObject([{ name: 'app-2024-01-01' }]);
    expect(await it.source.finishRemoval?.('vault.daily', items, [])).toHaveLength(2);
    expect(it.left()).toEqual([expect.stringMatching(/^\.muniment-/), 'app-2024-01-03']);
    expect(existsSync(join(it.root, leaving))).toBe(false);
  });

  it('a folder is committed to by what is in it', async () => {
    const shaOf = async (tree: Tree) => {
      const at = mkdtempSync(join(tmpdir(), 'muniment-tree-'));
      layOut(at, tree);
      return Buffer.from(await contentSha256(at)).toString('hex');
    };
    const one = await shaOf({ a: { b: 'x' }, c: 'y' });
    expect(await shaOf({ c: 'y', a: { b: 'x' } })).toBe(one);
    expect(await shaOf({ a: { b: 'z' }, c: 'y' })).not.toBe(one);
    expect(await shaOf({ a: { c: 'x' }, c: 'y' })).not.toBe(one);
  });
});

describe('what is seen of a backup without restoring it', () => {
  const zeros = Buffer.alloc(1024);
  const tar = Buffer.concat([Buffer.alloc(257), Buffer.from('ustar\0'), Buffer.alloc(249), Buffer.from('x'), zeros]);
  const dump = '--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE t ();\n';
  const whole = `${dump}--\n-- PostgreSQL database dump complete\n--\n`;
  it.each([
    ['anything', 'a.dump', 'x', null],
    ['nothing', 'a.dump', '', 'empty'],
    ['nothing, packed', 'a.gz', gzipSync(''), 'empty'],
    ['what is being written', 'a.dump.part', 'x', 'unfinished'],
    ['a packed file', 'a.gz', gzipSync('x'.repeat(5000)), null],
    ['a packed file cut off', 'a.gz', gzipSync('x'.repeat(5000)).subarray(0, -9), 'broken'],
    ['a packed file cut off', 'a.zst', zstdCompressSync(Buffer.from('x'.repeat(5000))).subarray(0, -3), 'broken'],
    ['no packed file at all', 'a.gz', 'x', 'broken'],
    ['a dump in SQL', 'a.sql', whole, null],
    ['a dump in SQL cut off', 'a.sql', dump, 'unfinished'],
    ['a packed dump in SQL cut off', 'a.sql.gz', gzipSync(dump), 'unfinished'],
    ['a dump of MariaDB', 'a.sql', '-- MariaDB dump 10.19\nx\n-- Dump completed on 2024-01-01\n', null],
    ['a dump of MariaDB cut off', 'a.sql', '-- MariaDB dump 10.19\nx\n', 'unfinished'],
    ['a tar', 'a.tar', tar, null],
    ['a tar cut off', 'a.tar', tar.subarray(0, -1024), 'unfinished'],
    ['a zip cut off', 'a.zip', 'PK\x03\x04 and so on', 'unfinished'],
    ['no zip', 'a.zip', 'x', 'broken'],
  ] as const)('%s: %s', async (_, name, content, fault) => {
    const path = join(mkdtempSync(join(tmpdir(), 'muniment-one-')), name);
    writeFileSync(path, content);
    expect(await faultOf(path, new Map())).toBe(fault);
  });

  it('is looked at again when it is another, and not before', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'muniment-one-')), 'a.dump');
    const seen = new Map();
    writeFileSync(path, 'x');
    expect([await faultOf(path, seen), seen.size]).toEqual([null, 1]);
    await faultOf(path, seen);
    expect(seen.size).toBe(1);
    writeFileSync(path, '');
    expect(await faultOf(path, seen)).toBe('empty');
  });

  const hasTools = ['pg_dump', 'pg_restore'].every((tool) => {
    try {
      return execFileSync(tool, ['--version']).length > 0;
    } catch {
      return false;
    }
  });
  it.skipIf(!hasTools)(
    'archives of pg_dump are read whole (skips without pg_dump and pg_restore)',
    async ({ skip }) => {
      const database = await emptyDatabase();
      await database.sql`CREATE TABLE words AS SELECT md5(n::text) FROM generate_series(1, 20000) n`;
      const folder = mkdtempSync(join(tmpdir(), 'muniment-pg-dump-'));
      for (const format of ['custom', 'directory'])
        try {
          execFileSync('pg_dump', ['--format', format, '--file', join(folder, format), database.url], {
            stdio: 'pipe',
          });
        } catch (error) {
          if (/server version/.test(String(error))) skip('this pg_dump is older than the server');
          throw error;
        }
      const paths = ['custom', 'directory'].map((name) => join(folder, name));
      for (const path of paths) expect(await faultOf(path, new Map())).toBeNull();
      const [custom = '', directory = ''] = paths;
      truncateSync(custom, statSync(custom).size - 5000);
      expect(await faultOf(custom, new Map())).toBe('broken');
      const table = readdirSync(directory).find((name) => name.endsWith('.dat.gz')) ?? '';
      writeFileSync(join(directory, table), readFileSync(join(directory, table)).subarray(0, 100));
      expect(await faultOf(directory, new Map())).toBe('broken');
    },
  );
});
