import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { type CrashPoint, runUntil } from '../support/crash.ts';
import { openCutter, victimOf } from './cutter.ts';
import { done, hold, officer, openWorld, resume, start, type World } from './world.ts';

const sources = (root: string) => `sources:
  disk:
    kind: files
    root: ${root}
    datasets:
      access: { folder: access, match: "access-{date}.log*", unit: line, format: combined }
`;
const retention = `rules:
  access: { datasets: [disk.access], keep: P18M, dispose: destroy, schedule: "15 2 * * *", authority: test }
`;
const line = (day: string, says: string) => `192.0.2.1 - - [${day}:10:00:00 +0000] "GET /${says} HTTP/1.1" 200 1\n`;
const old = (says: string) => line('01/Jan/2020', says);
const young = line('01/Jan/2026', 'young');

/** Three rows of the journal in the first file, one in each of the others. */
const rows = 1000;
const many = Array.from({ length: 3000 }, (_, n) => old(`${n}-${'x'.repeat(120)}`)).join('');
const ada = old('user=ada');
const longAgo = new Date('2026-02-03T04:05:06Z');
const lost = 3000 + 2 + 1;

interface Folder extends AsyncDisposable {
  readonly world: World;
  readonly access: string;
  /** @param person a line of theirs, which is due, in two of the files */
  layOut(person?: string): void;
  /** What stands in the folder: names, and lines that are not young. */
  left(): Readonly<Record<string, string>>;
}

async function folder(): Promise<Folder> {
  const root = mkdtempSync(join(tmpdir(), 'muniment-logs-'));
  const access = join(root, 'access');
  mkdirSync(access);
  const world = await openWorld({ tables: '', sources: sources(root), retention });
  return {
    world,
    access,
    layOut(person = ada) {
      const files = {
        'access-20200101.log': young + many + person + young,
        'access-20200102.log': old('a') + old('b'),
        'access-20200103.log.gz': gzipSync(old('c') + person + young),
        'notes.txt': 'not ours\n',
      };
      for (const [name, content] of Object.entries(files)) {
        writeFileSync(join(access, name), content);
        utimesSync(join(access, name), longAgo, longAgo);
      }
    },
    left: () =>
      Object.fromEntries(
        readdirSync(access)
          .sort()
          .map((name) => {
            const bytes = readFileSync(join(access, name));
            return [name, (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()];
          }),
      ),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

const whatStays = {
  'access-20200101.log': young + ada + young,
  'access-20200103.log.gz': ada + young,
  'notes.txt': 'not ours\n',
};
/** Statements that say what is intended, or that it is done. */
const said = /^\s*(insert|update|delete)\b[\s\S]*disposition_intents\b/i;
const pace = { rowsPerBatch: rows, triesPerBatch: 1, pauseMs: 1 };

async function tracesOf({ office }: World, run: string) {
  const { sql } = office.store.db;
  const [batches] = await sql`SELECT coalesce(sum(count), 0)::int AS lost, count(*)::int AS n,
    coalesce(sum(length(leaves)), 0)::int / 32 AS leaves FROM disposition_batches WHERE run_id = ${run}`;
  const [entries] =
    await sql`SELECT count(*)::int AS n, coalesce(sum((bytes->'facts'->>'count')::int), 0)::int AS lost FROM (
    SELECT convert_from(bytes, 'UTF8')::jsonb AS bytes FROM ledger_entries WHERE kind = 'batch.destroyed') e
    WHERE bytes->'facts'->>'run' = ${run}`;
  const [open] = await sql`SELECT count(*)::int AS n FROM disposition_intents WHERE confirmed_at IS NULL`;
  return {
    lost: [batches?.lost, batches?.leaves, entries?.lost],
    batches: [batches?.n, entries?.n],
    open: open?.n,
  };
}

describe('a purge of log lines that dies', () => {
  it('I2 at any word of its journal is finished with one record of each line, and takes no other', async () => {
    await using it = await folder();
    const { world } = it;
    const { office } = world;
    await hold(office, { subjects: [{ kind: 'account', value: 'user=ada' }], datasets: ['disk.access'] });
    let cuts = 0;
    for (let nth = 1; ; nth++) {
      it.layOut();
      const run = await start(office);
      await using cutter = await openCutter([world.own.url], nth, 'after', said);
      const victim = victimOf(world, cutter);
      const cut = await Promise.race([executeRun(victim.office, run.id, pace).then(() => null), cutter.cut]);
      if (cut === null) {
        await victim.close();
        break;
      }
      cuts += 1;
      await resume(office, run.id);
      await bringLedgerUpToDate(office);
      const where = `${nth}: ${cut.slice(0, 60)}`;
      expect(it.left(), where).toEqual(whatStays);
      const { lost: counts, open, batches } = await tracesOf(world, run.id);
      expect([counts, open], where).toEqual([[lost, lost, lost], 0]);
      expect(batches[0], where).toBe(batches[1]);
      expect(done(await lookUpRun(office, run.id)), where).toMatchObject({
        state: 'completed',
        parts: [{ total: 3008, due: lost + 2, held: 2, destroyed: lost }],
      });
    }
    expect(cuts).toBeGreaterThan(8);
    expect(await verifyLedger(office, null)).toMatchObject({ ok: true });
  }, 120_000);

  it('I2 killed at any step of the file system, has lost nothing without a record at the next start', async () => {
    const points: readonly CrashPoint[] = [
      { on: 'open', path: /\.muniment-/, when: 'after' },
      { on: 'rename', when: 'after' },
      { on: 'rm', path: /access-20200102/, when: 'after' },
    ];
    await using it = await folder();
    const { world } = it;
    const { office } = world;
    for (const [index, point] of points.entries()) {
      const person = old(`user=p${index}.`);
      it.layOut(person);
      const run = await start(office);
      const ending = await runUntil(
        {
          script: new URL('./resume-program.ts', import.meta.url),
          args: [run.id, String(rows)],
          env: {
            MUNIMENT_DATA: world.folder,
            MUNIMENT_POLICIES: world.policies,
            MUNIMENT_MASTER_KEY: '11'.repeat(32),
            DATABASE_URL: world.own.url,
          },
        },
        point,
      );
      const where = JSON.stringify(point);
      expect(ending.crashed, where).toBe(true);
      // Held from here on: what still stands stays, and what went has its record.
      const countOf = () => Object.values(it.left()).join('').split(person).length - 1;
      const stood = countOf();
      expect(stood, where).toBe(index === 0 ? 2 : 1);
      const placed = await hold(office, {
        subjects: [{ kind: 'account', value: `user=p${index}.` }],
        datasets: ['disk.access'],
      });
      expect(placed.coverage, where).toMatchObject([{ dataset: 'disk.access', count: stood }]);
      await resume(office, run.id);
      await bringLedgerUpToDate(office);
      expect(countOf(), where).toBe(stood);
      const left = it.left();
      expect(Object.keys(left), where).toEqual(Object.keys(whatStays));
      expect(left['access-20200101.log']?.replace(person, ''), where).toBe(young + young);
      const gone = lost + 2 - stood;
      expect(await tracesOf(world, run.id), where).toMatchObject({ lost: [gone, gone, gone], open: 0 });
      expect(done(await lookUpRun(office, run.id)), where).toMatchObject({
        state: 'completed',
        parts: [{ destroyed: gone, held: stood }],
      });
    }
    expect(await verifyLedger(office, null)).toMatchObject({ ok: true });
  }, 120_000);

  it('I4 of a folder whose times it cannot read is refused by name, and a dry run counts lines and changes nothing', async () => {
    await using it = await folder();
    const { office } = it.world;
    it.layOut();
    const before = it.left();
    const dry = done(await planDisposition(office, officer, { rules: [], dryRun: true }));
    expect(dry.parts).toMatchObject([{ total: 3008, due: lost + 2, held: 0 }]);
    expect(it.left()).toEqual(before);
    writeFileSync(join(it.access, 'access-20200101.log'), 'no time in it\n');
    writeFileSync(join(it.access, 'access-20200102.log'), '');
    writeFileSync(join(it.access, 'access-20200103.log.gz'), gzipSync(''));
    for (const name of Object.keys(before)) utimesSync(join(it.access, name), longAgo, longAgo);
    expect(done(await planDisposition(office, officer, { rules: [], dryRun: false }))).toMatchObject({
      state: 'refused',
      refusal: { code: 'source_drift', detail: expect.stringContaining('access-20200101.log') },
    });
    expect(statSync(join(it.access, 'access-20200101.log')).size).toBe(14);
  });
});
