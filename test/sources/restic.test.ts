import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ResticSource, SnapshotDataset } from '../../src/policy/data-map.ts';
import type { HoldScope } from '../../src/policy/hold.ts';
import { resolveSources } from '../../src/policy/sources.ts';
import { sourcesSchema } from '../../src/policy/sources-file.ts';
import { sourceFault } from '../../src/sources/fault.ts';
import { type Snapshot, snapshotsOf, sortSnapshots } from '../../src/sources/restic/snapshots.ts';
import { openResticSource } from '../../src/sources/restic/source.ts';
import type { HeldScope, RemovalIntent } from '../../src/sources/source.ts';
import { destroy, olderThan } from './orders.ts';

const none: HoldScope = { subjects: [], keys: {}, datasets: [], from: null, to: null };
const held = (scope: Partial<HoldScope>): readonly HeldScope[] => [{ id: 'hld_1', scope: { ...none, ...scope } }];
const app: SnapshotDataset = {
  kind: 'snapshots',
  id: 'vault.app',
  source: 'vault',
  name: 'app',
  host: null,
  tags: [],
  paths: [],
  keepLast: 0,
};
const snapshot = (time: string, about: Partial<Snapshot> = {}): Snapshot => ({
  id: time,
  tree: 't',
  at: Temporal.Instant.from(time),
  host: 'db1',
  tags: ['app'],
  paths: ['/var/lib/app'],
  ...about,
});
const days = ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04'].map((day) => snapshot(`${day}T10:00:00Z`));
const future = Temporal.Instant.from('2030-01-01T00:00:00Z');

async function free(
  dataset: Partial<SnapshotDataset>,
  holds: readonly HeldScope[] = [],
  good: readonly Snapshot[] = days,
) {
  const sorted = await sortSnapshots({ ...app, ...dataset }, days, future, holds, async (one) => good.includes(one));
  return sorted.free.map(({ at }) => at.toString().slice(8, 10));
}

describe('the snapshots of a repository', () => {
  it('go when they are old, and never the newest good one', async () => {
    expect(await free({})).toEqual(['01', '02', '03']);
    expect(await free({ keepLast: 3 })).toEqual(['01']);
    expect(await free({}, [], days.slice(0, 2))).toEqual(['01', '03', '04']);
    expect(await free({ keepLast: 2 }, [], days.slice(0, 2))).toEqual(['03', '04']);
    expect(await free({}, [], [])).toEqual([]);
  });

  it('I1 are held by a hold that names them, those after its range as well', async () => {
    expect(await free({}, held({ datasets: ['vault.app'] }))).toEqual([]);
    expect(await free({}, held({ datasets: ['vault.app'], from: '2024-01-02T10:00:00.000Z' }))).toEqual(['01']);
    expect(await free({}, held({ subjects: [{ kind: 'email', value: 'ada@example.com' }] }))).toEqual([
      '01',
      '02',
      '03',
    ]);
  });

  it('are those of the host, the tags and the paths that are named', () => {
    const all = [
      snapshot('2024-01-02T00:00:00Z', { tags: ['app', 'db'] }),
      snapshot('2024-01-01T00:00:00Z', { host: 'db2' }),
      snapshot('2024-01-03T00:00:00Z', { paths: ['/etc'] }),
    ];
    const times = (dataset: Partial<SnapshotDataset>) =>
      snapshotsOf({ ...app, ...dataset }, all).map(({ id }) => id.slice(8, 10));
    expect(times({})).toEqual(['01', '02', '03']);
    expect(times({ host: 'db1' })).toEqual(['02', '03']);
    expect(times({ tags: ['db', 'app'] })).toEqual(['02']);
    expect(times({ paths: ['/var/lib/app'] })).toEqual(['01', '02']);
  });

  const cases = '../shared/data/restic-policies/cases.json';
  it.skipIf(!existsSync(cases))("stay as restic's own keep-last has it (skips without ../shared/data)", async () => {
    const data = JSON.parse(readFileSync(cases, 'utf8'));
    const all: readonly Snapshot[] = data.input_snapshots.map(({ time }: { time: string }, index: number) =>
      snapshot(time.replace(' UTC', 'Z').replace(' ', 'T'), { id: String(index).padStart(3, '0') }),
    );
    const sorted = snapshotsOf(app, all);
    let tried = 0;
    for (const { policy, golden } of data.cases) {
      if (Object.keys(policy).join() !== 'Last') continue;
      tried += 1;
      const wanted = JSON.parse(readFileSync(join(cases, '..', golden), 'utf8')).keep;
      const { free: going } = await sortSnapshots(
        { ...app, keepLast: policy.Last },
        sorted,
        future,
        [],
        async () => true,
      );
      const staying = sorted.filter((one) => !going.includes(one)).map(({ at }) => at.toString());
      expect(staying.toReversed()).toEqual(
        wanted.map(({ time }: { time: string }) => Temporal.Instant.from(time).toString()),
      );
    }
    expect(tried).toBeGreaterThan(3);
  });
});

function isThere(program: string): boolean {
  try {
    return execFileSync(program, ['version']).length > 0;
  } catch {
    return false;
  }
}

function open(repository: string, datasets: Record<string, unknown> = { app: { tags: ['app'] } }) {
  const vault = { kind: 'restic', repository, password: 'secret', datasets };
  const { dataMap, issues } = resolveSources(sourcesSchema.parse({ sources: { vault } }));
  if (issues[0]) throw new Error(issues[0].detail);
  return openResticSource(dataMap.vault as ResticSource);
}

describe('a restic repository', () => {
  it.skipIf(!isThere('restic'))(
    'loses what is due, with its data, and what another dataset has not (skips without restic)',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'muniment-restic-'));
      const repository = join(folder, 'repository');
      const restic = (...args: readonly string[]) =>
        execFileSync('restic', ['--repo', repository, '--quiet', ...args], {
          input: 'secret\n',
          stdio: 'pipe',
        }).toString();
      restic('init');
      mkdirSync(join(folder, 'empty'));
      const backUp = (name: string, time: string, tag = 'app') => {
        mkdirSync(join(folder, name));
        if (name !== 'none') writeFileSync(join(folder, name, 'file'), `${name} ${'x'.repeat(1000)}`);
        restic('backup', '--time', `${time} 10:00:00`, '--tag', tag, join(folder, name));
      };
      backUp('one', '2024-01-01');
      backUp('two', '2024-01-02');
      backUp('none', '2024-01-03');
      backUp('else', '2024-01-01', 'other');
      const source = open(repository);
      const due = olderThan('2025-01-01T00:00:00Z');
      expect(await source.check({})).toMatchObject([{ subject: 'vault.app', code: 'backup_faulty', level: 'warning' }]);
      expect(await source.census('vault.app', due, [])).toMatchObject({ total: 3, due: 2, held: 0 });
      const { coverage } = await source.placeHold({ id: 'h', scope: { ...none, datasets: ['vault.app'] } });
      expect(coverage).toMatchObject([{ dataset: 'vault.app', count: 3 }]);
      const intents: RemovalIntent['items'][number][] = [];
      const order = {
        dataset: 'vault.app',
        cutoff: '2025-01-01T00:00:00Z',
        around: { intend: async ({ items }: RemovalIntent) => void intents.push(...items) },
      };
      const result = await destroy(source, order);
      expect(result).toMatchObject({ kind: 'batch', journal: { count: 2, way: 'intent', counts: { 'vault.app': 2 } } });
      expect(intents).toHaveLength(2);
      const left = JSON.parse(restic('--json', 'snapshots'));
      expect(left.map(({ paths }: { paths: string[] }) => paths[0]?.slice(folder.length + 1)).sort()).toEqual([
        'else',
        'two',
      ]);
      expect(
        restic('list', 'blobs')
          .split('\n')
          .filter((line) => line.startsWith('data')),
      ).toHaveLength(2);
      // Finishing what is finished changes nothing, and says that it went.
      expect(await source.finishRemoval?.('vault.app', intents, [])).toHaveLength(2);
      const item = {
        name: left.find(({ tags }: { tags: string[] }) => tags.includes('app')).id,
        sizeBytes: 0,
        commitment: '',
      };
      expect(await source.finishRemoval?.('vault.app', [item], held({ datasets: ['vault.app'] }))).toEqual([]);
    },
  );

  it.skipIf(!isThere('restic'))(
    'that is not there, or not ours to open, is a finding by name (skips without restic)',
    async () => {
      const gone = open(join(tmpdir(), 'muniment-no-repository'));
      expect(await gone.check({})).toMatchObject([{ code: 'unreachable', level: 'drift' }]);
      const fault = await destroy(gone, { dataset: 'vault.app' }).catch(sourceFault);
      expect(fault).toBe('unreachable');
    },
  );

  it('has one password, which never stands in an argument', () => {
    const parse = (about: Record<string, unknown>) =>
      resolveSources(
        sourcesSchema.parse({ sources: { vault: { kind: 'restic', repository: '/r', datasets: {}, ...about } } }),
      ).issues.map(({ code }) => code);
    expect(parse({})).toEqual(['password_one']);
    expect(parse({ password: 'a', passwordFile: '/b' })).toEqual(['password_one']);
    expect(parse({ passwordFile: '/b' })).toEqual([]);
  });
});
