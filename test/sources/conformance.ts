import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRefusal } from '../../src/core/refusal.ts';
import { type BatchResult, keyCommitment } from '../../src/disposition/batch.ts';
import { coverageRoot } from '../../src/disposition/coverage.ts';
import { allTables, type Link, type TableDataset } from '../../src/policy/data-map.ts';
import type { HoldScope } from '../../src/policy/hold.ts';
import { sourceFault } from '../../src/sources/fault.ts';
import type { RecordSource } from '../../src/sources/source.ts';
import type { Besides } from '../../src/sources/sql/beside.ts';
import { dataMapOf, datasetsOf, type EngineWorld, openApp, sourcesText, tablesOf } from './engine-world.ts';
import { destroy, olderThan, runKey } from './orders.ts';

const nothing: HoldScope = { subjects: [], keys: {}, datasets: [], from: null, to: null };
const byMail = (value: string): HoldScope => ({ ...nothing, subjects: [{ kind: 'email', value }] });
const byKey = (dataset: string, ...rows: readonly Record<string, string>[]): HoldScope => ({
  ...nothing,
  keys: { [dataset]: rows },
});

/** A world with its tables, and a source over it. */
export class Bench implements AsyncDisposable {
  readonly world: EngineWorld;
  readonly files = mkdtempSync(join(tmpdir(), 'muniment-attachments-'));
  readonly #opened: RecordSource[] = [];

  constructor(world: EngineWorld) {
    this.world = world;
  }

  sources(change: (datasets: ReturnType<typeof datasetsOf>) => void = () => {}): string {
    const datasets = datasetsOf(this.world, this.files);
    change(datasets);
    return sourcesText(this.world, datasets);
  }

  open(place = this.world.place, text = this.sources()): RecordSource {
    const app = openApp(text, place);
    this.#opened.push(app);
    return app;
  }

  async ids(table: string): Promise<readonly string[]> {
    return (await this.world.rows(`SELECT id FROM ${table} ORDER BY id`)).map(([id]) => id ?? '');
  }

  async journaled(): Promise<number> {
    return (await this.world.rows(`SELECT batch FROM ${this.world.journal}`)).length;
  }

  people(...people: readonly (readonly [id: number, email: string])[]) {
    return this.world.run(...people.map(([id, email]) => `INSERT INTO people VALUES (${id}, '${email}', 'N${id}')`));
  }

  conversation(id: number, at: string, ...members: readonly number[]) {
    return this.world.run(
      `INSERT INTO conversations VALUES (${id}, ${this.world.time(at)}, 'subject ${id}')`,
      ...members.map((person) => `INSERT INTO members VALUES (${id}, ${person})`),
    );
  }

  message(id: number, of: { in?: number; by?: number; to?: number; at: string | null; says?: string }) {
    const at = of.at === null ? 'NULL' : this.world.time(of.at);
    return this.world.run(
      `INSERT INTO messages VALUES (${id}, ${of.in ?? 'NULL'}, ${of.by ?? 'NULL'}, ${of.to ?? 'NULL'}, ${at}, '${of.says ?? `m${id}`}')`,
    );
  }

  async [Symbol.asyncDispose]() {
    for (const app of this.#opened) await app.close().catch(() => {});
    await this.world[Symbol.asyncDispose]();
  }
}

function batch(result: BatchResult) {
  if (isRefusal(result)) throw new Error(`${result.code}: ${result.detail}`);
  if (result.kind !== 'batch') throw new Error(`no batch: ${result.kind}`);
  return result;
}

const leavesIn = (bytes: Uint8Array): readonly string[] => Buffer.from(bytes).toString('hex').match(/.{64}/g) ?? [];
const codeOf = (result: unknown) => (isRefusal(result) ? result.code : null);

/** How a call failed, as the flows read it; null when it did not. */
async function faultOf(call: Promise<unknown>): Promise<string | null> {
  try {
    await call;
    return null;
  } catch (error) {
    return sourceFault(error) ?? String(error);
  }
}

/** Ada and Bea talk in 1; Cem writes in 2. All of it is old, but for message 9. */
async function fill(bench: Bench) {
  await bench.people([1, 'Ada@Example.com'], [2, 'bea@example.com'], [3, 'cem@example.com']);
  await bench.conversation(1, '2018-01-01T00:00:00Z', 1, 2);
  await bench.conversation(2, '2018-01-01T00:00:00Z', 3);
  await bench.message(1, { in: 1, by: 1, at: '2018-03-01T10:00:00Z' });
  await bench.message(2, { in: 1, by: 2, to: 1, at: '2018-03-02T10:00:00Z' });
  await bench.message(3, { in: 2, by: 3, at: '2018-03-03T10:00:00Z' });
  await bench.message(4, { in: 2, by: 3, to: 3, at: '2018-03-04T10:00:00Z' });
  await bench.message(9, { in: 2, by: 3, to: 4, at: '2026-03-04T10:00:00Z' });
  await bench.world.run(
    "INSERT INTO attachments VALUES (1, 1, 'a1.txt')",
    "INSERT INTO attachments VALUES (3, 3, 'a3.txt')",
  );
  for (const name of ['a1.txt', 'a3.txt']) writeFileSync(join(bench.files, name), name);
}

/**
 * What every SQL source promises, whichever engine it is: each case is a promise of sources/source.ts. The engine's own
 * file says how its world is made.
 */
export function sourceConformance(engine: string, openWorld: () => Promise<EngineWorld>): void {
  async function bench(): Promise<Bench> {
    const world = await openWorld();
    await world.run(...tablesOf(world));
    return new Bench(world);
  }
  async function filled(): Promise<Bench> {
    const made = await bench();
    await fill(made);
    return made;
  }

  describe(`${engine}: the schema and the data map`, () => {
    it('are one, and every way of drifting apart is told by name', async () => {
      await using b = await bench();
      const { world } = b;
      expect(await b.open().check({})).toEqual([]);
      const codes = async (text = b.sources()) =>
        (await b.open(world.place, text).check({})).map(({ code, subject }) => `${code} ${subject}`);
      await world.run('CREATE TABLE newcomers (id int)');
      expect(await codes()).toEqual([`table_unmapped ${world.table('newcomers')}`]);
      await world.run('DROP TABLE newcomers');
      expect(
        await codes(
          b.sources((datasets) => {
            datasets.gone = { table: world.table('gone'), key: ['id'] };
          }),
        ),
      ).toEqual(['table_missing app.gone']);
      expect(
        await codes(
          b.sources(({ messages }) => {
            Object.assign(messages ?? {}, { fields: { text: { category: 'communication.content' } } });
          }),
        ),
      ).toEqual(['column_missing app.messages']);
      expect(
        await codes(
          b.sources(({ members }) => {
            Object.assign(members ?? {}, { key: ['conversation_id'] });
          }),
        ),
      ).toEqual(['key_not_unique app.members']);
      await b.message(1, { at: null });
      expect(
        await codes(
          b.sources(({ messages }) => {
            Object.assign(messages ?? {}, { time: 'body' });
          }),
        ),
      ).toContain('time_not_a_time app.messages');
      expect(
        await codes(
          b.sources(({ messages }) => {
            Object.assign(messages ?? {}, { onDispose: { messages: 'unlink', attachments: 'cascade' } });
          }),
        ),
      ).toEqual(['reference_undeclared app.messages']);
    });

    it('a value that no key can have is told, and never placed', async () => {
      await using b = await filled();
      const app = b.open();
      expect(await app.wrongKeys(byKey('app.messages', { id: '1' }, { id: 'first' }))).toMatchObject([
        { pointer: '/keys/app.messages/1/id', code: 'value_invalid' },
      ]);
      const { coverage } = await app.placeHold({ id: 'h', scope: byKey('app.messages', { id: 'first' }) });
      expect(coverage.map(({ count }) => count)).toEqual([0, 0, 0, 0, 0, 0]);
      expect(batch(await destroy(app)).journal.count).toBe(6);
    });
  });

  describe(`${engine}: a batch`, () => {
    it('takes what is due with all that hangs on it, frees what stays, and leaves the rest', async () => {
      await using b = await filled();
      const app = b.open();
      await b.message(7, { in: 2, by: 3, at: '2020-01-01T00:00:00Z' });
      await b.message(8, { in: 2, by: 3, at: null });
      expect(await app.census('app.messages', olderThan('2020-01-01T00:00:00Z'), [])).toMatchObject({
        total: 7,
        due: 4,
        held: 0,
        restricted: 0,
        heldBy: {},
      });
      const went = [
        ...['1', '2', '3', '4'].map((id) => ['app.messages', id] as const),
        ...(await b.ids('attachments')).map((id) => ['app.attachments', id] as const),
      ];
      const { journal, upTo } = batch(await destroy(app));
      const commitments = went.map(([dataset, id]) => keyCommitment(runKey, dataset, [id]));
      expect(Buffer.from(journal.keys)).toEqual(Buffer.concat(commitments.toSorted(Buffer.compare)));
      expect(journal).toMatchObject({
        batch: 'run_1/rule/app.messages/1',
        run: 'run_1',
        dataset: 'app.messages',
        seq: 1,
        act: 'destroy',
        counts: { 'app.messages': 4, 'app.attachments': 2 },
        count: 6,
        policy: 'p'.repeat(64),
        epoch: 0,
        way: 'source',
      });
      expect(journal.cutoff?.toString()).toBe('2020-01-01T00:00:00Z');
      expect(upTo).toBeNull();
      const leaves = leavesIn(journal.leaves);
      expect([new Set(leaves).size, leaves]).toEqual([6, leaves.toSorted()]);
      expect(await b.ids('messages')).toEqual(['7', '8', '9']);
      expect(await b.ids('attachments')).toEqual([]);
      expect(await b.world.rows('SELECT reply_to FROM messages WHERE id = 9')).toEqual([[null]]);
      expect(await destroy(app, { seq: 2 })).toEqual({ kind: 'nothing_due' });
    });

    it('goes in slices of time, oldest first, and takes what is of one moment together', async () => {
      await using b = await bench();
      for (const [id, day] of [1, 2, 2, 2, 3, 4].entries()) await b.message(id, { at: `2018-01-0${day}T00:00:00Z` });
      const app = b.open();
      const first = batch(await destroy(app, { rows: 2 }));
      expect(first.journal.count).toBe(4);
      expect(await b.ids('messages')).toEqual(['4', '5']);
      await b.message(9, { at: '2018-01-01T00:00:00Z' });
      const next = batch(await destroy(app, { rows: 1, seq: 2, from: first.upTo }));
      expect(next.journal.count).toBe(1);
      expect(await b.ids('messages')).toEqual(['5', '9']);
      expect(batch(await destroy(app, { rows: 5, seq: 3, from: next.upTo })).journal.count).toBe(1);
      expect(await destroy(app, { rows: 5, seq: 4, from: next.upTo })).toEqual({ kind: 'nothing_due' });
      // Behind the last slice: the one look from the start that ends a run finds it.
      expect(batch(await destroy(app, { seq: 4 })).journal.count).toBe(1);
    });

    it('commits to each record as it was: another key, another record, another leaf', async () => {
      const leavesOf = async (says: string) => {
        await using b = await bench();
        await b.message(1, { at: '2018-01-01T00:00:00Z', says });
        await b.message(2, { to: 1, at: '2018-01-02T00:00:00Z', says: 'the other' });
        return leavesIn(batch(await destroy(b.open())).journal.leaves);
      };
      const [one, same, other] = [await leavesOf('one'), await leavesOf('one'), await leavesOf('One')];
      expect(same).toEqual(one);
      expect(one.filter((leaf) => other.includes(leaf))).toHaveLength(1);
    });

    it('leaves a record that somebody still needs, and takes it when nobody does', async () => {
      await using b = await filled();
      const app = b.open();
      await b.world.run('INSERT INTO reports VALUES (1, 3)');
      expect(await app.census('app.messages', olderThan('2020-01-01T00:00:00Z'), [])).toMatchObject({
        due: 4,
        restricted: 1,
      });
      expect(batch(await destroy(app)).journal.counts).toEqual({ 'app.messages': 3, 'app.attachments': 1 });
      expect(await b.ids('messages')).toEqual(['3', '9']);
      // A conversation does not go past its restricted message either.
      expect(batch(await destroy(app, { dataset: 'app.conversations' })).journal.counts).toEqual({
        'app.conversations': 1,
        'app.members': 2,
      });
      await b.world.run('DELETE FROM reports');
      expect(batch(await destroy(app, { dataset: 'app.conversations', seq: 2 })).journal.counts).toEqual({
        'app.conversations': 1,
        'app.members': 1,
        'app.messages': 2,
        'app.attachments': 1,
      });
      expect(await b.ids('people')).toEqual(['1', '2', '3']);
    });

    it('is done once, however often and by whomever it is asked for', async () => {
      await using b = await filled();
      const [app, another] = [b.open(), b.open()];
      const results = await Promise.all([destroy(app), destroy(another), destroy(app)]);
      const journals = results.map((result) => batch(result).journal);
      expect(journals.map(({ count }) => count)).toEqual([6, 6, 6]);
      expect(await b.journaled()).toBe(1);
      // Asked again when other rows are due: the answer is what happened.
      await b.message(20, { at: '2018-01-01T00:00:00Z' });
      expect(batch(await destroy(another)).journal).toEqual(journals[0]);
      expect(await b.ids('messages')).toEqual(['9', '20']);
      expect((await app.uncopied(10)).map(({ batch: id, count }) => [id, count])).toEqual([
        ['run_1/rule/app.messages/1', 6],
      ]);
      await app.markCopied('run_1/rule/app.messages/1');
      expect(await app.uncopied(10)).toEqual([]);
      expect(batch(await destroy(app)).journal.count).toBe(6);
    });

    it('takes the files of its rows, and none that another row still names', async () => {
      await using b = await filled();
      await b.world.run("INSERT INTO attachments VALUES (9, 9, './a3.txt')");
      const app = b.open();
      batch(await destroy(app));
      expect(await app.removeLeavingFiles()).toEqual([]);
      expect(['a1.txt', 'a3.txt'].map((name) => existsSync(join(b.files, name)))).toEqual([false, true]);
    });
  });

  describe(`${engine}: a hold`, () => {
    it('on a person covers what is theirs and what they take part in, now and later', async () => {
      await using b = await filled();
      const app = b.open();
      const { epoch, coverage } = await app.placeHold({ id: 'h', scope: byMail('ada@EXAMPLE.com') });
      expect(epoch).toBe(1);
      expect(Object.fromEntries(coverage.map(({ dataset, count }) => [dataset, count]))).toEqual({
        'app.people': 1,
        'app.conversations': 1,
        'app.members': 2,
        'app.messages': 2,
        'app.attachments': 1,
        'app.reports': 0,
      });
      // Each covered record by its key, in the order in which the root takes them; and whether it is there.
      for (const { dataset, count, root } of coverage) {
        const keys = await Array.fromAsync(app.keysCovered?.('h', dataset) ?? []);
        const again = coverageRoot(dataset);
        for (const key of keys) again.add(key);
        expect(again.end()).toEqual({ dataset, count, root });
        const there = await app.keysThere?.(dataset, [...keys, ...keys.map((key) => key.map(() => '404'))]);
        expect(there?.size, dataset).toBe(count);
      }
      // Written after the hold: in a conversation she takes part in, and of an address that is hers.
      await b.message(10, { in: 1, by: 2, at: '2018-05-01T00:00:00Z' });
      await b.people([4, 'ADA@example.com']);
      await b.message(11, { by: 4, at: '2018-05-01T00:00:00Z' });
      const census = await app.census('app.messages', olderThan('2020-01-01T00:00:00Z'), [{ id: 'h', scope: nothing }]);
      expect(census).toMatchObject({ due: 6, held: 4, heldBy: { h: 4 } });
      expect(batch(await destroy(app)).journal.counts).toEqual({ 'app.messages': 2, 'app.attachments': 1 });
      expect(await b.ids('messages')).toEqual(['1', '2', '9', '10', '11']);
      expect(await destroy(app, { dataset: 'app.conversations', cutoff: '2018-02-01T00:00:00Z' })).toMatchObject({
        journal: { counts: { 'app.conversations': 1 } },
      });
      expect(await b.ids('conversations')).toEqual(['1']);
      // Placed again it finds what is new, says so by another epoch, and then nothing more.
      expect((await app.placeHold({ id: 'h', scope: byMail('ada@example.com') })).epoch).toBe(2);
      expect((await app.placeHold({ id: 'h', scope: byMail('ada@example.com') })).epoch).toBe(2);
      expect(await app.holdsInPlace()).toEqual(new Set(['h']));
      expect(await app.liftHold('h')).toBe(3);
      expect(await app.holdsInPlace()).toEqual(new Set());
      expect(batch(await destroy(app, { seq: 2 })).journal.counts['app.messages']).toBe(4);
    });

    it('by key covers the record, what hangs on it, and what it hangs on', async () => {
      await using b = await filled();
      const app = b.open();
      await app.placeHold({ id: 'a', scope: byKey('app.attachments', { id: '3' }) });
      await app.placeHold({ id: 'b', scope: byKey('app.messages', { conversation_id: '01' }, { id: '2' }) });
      expect(batch(await destroy(app)).journal.counts).toEqual({ 'app.messages': 1 });
      expect(await b.ids('messages')).toEqual(['1', '2', '3', '9']);
      expect(await destroy(app, { dataset: 'app.conversations' })).toEqual({ kind: 'nothing_due' });
    });

    it('by dates covers what is in the range, its ends and what has no date included', async () => {
      await using b = await filled();
      const app = b.open();
      const range = { from: '2018-03-02T10:00:00.000Z', to: '2018-03-03T10:00:00.000Z' };
      const scope = { ...nothing, datasets: ['app.messages'], ...range };
      const { coverage } = await app.placeHold({ id: 'h', scope });
      expect(coverage.filter(({ count }) => count > 0)).toMatchObject([{ dataset: 'app.messages', count: 2 }]);
      // 2 answers 1, and what is held keeps what it answers.
      expect(batch(await destroy(app)).journal.counts).toEqual({ 'app.messages': 1 });
      expect(await b.ids('messages')).toEqual(['1', '2', '3', '9']);
      await app.liftHold('h');
      await app.placeHold({ id: 'i', scope: { ...byMail('cem@example.com'), from: '2018-03-04T00:00:00.000Z' } });
      expect(batch(await destroy(app, { seq: 2 })).journal.counts).toEqual({ 'app.messages': 3, 'app.attachments': 2 });
      expect(await b.ids('messages')).toEqual(['9']);
    });

    it('is before a batch or after it, never in its middle', async () => {
      await using b = await bench();
      await b.people([1, 'ada@example.com']);
      const [app, another] = [b.open(), b.open()];
      for (let round = 1; round <= 12; round++) {
        for (let n = 0; n < 20; n++) await b.message(round * 100 + n, { by: 1, at: '2018-01-01T00:00:00Z' });
        const place = () => another.placeHold({ id: `h${round}`, scope: byMail('ada@example.com') });
        const take = () => destroy(app, { seq: round });
        const [taken, placed] =
          round % 2 === 0
            ? await Promise.all([take(), place()])
            : await Promise.all([place(), take()]).then(([second, first]) => [first, second] as const);
        const left = await b.ids('messages');
        expect(placed.coverage.find(({ dataset }) => dataset === 'app.messages')?.count).toBe(left.length);
        expect([0, 20]).toContain(left.length);
        expect('kind' in taken && taken.kind === 'batch').toBe(left.length === 0);
        await another.liftHold(`h${round}`);
        if (left.length > 0) batch(await destroy(app, { seq: round + 1000 }));
      }
    });

    it('waits for whoever writes, as the batch does, and one of the two has the record', async () => {
      await using b = await filled();
      const [app, another] = [b.open(), b.open()];
      await another.placeHold({ id: 'early', scope: byMail('cem@example.com') });
      const letGo = await b.world.grasp('messages', 1);
      const taking = destroy(app);
      await b.world.waiting(1);
      const placing = another.placeHold({ id: 'late', scope: byMail('ada@example.com') });
      await Promise.race([placing, b.world.waiting(2)]);
      await letGo();
      const [taken, placed] = await Promise.all([taking, placing]);
      const left = await b.ids('messages');
      const covered = placed.coverage.find(({ dataset }) => dataset === 'app.messages')?.count;
      if ('kind' in taken && taken.kind === 'batch') expect([left, covered]).toEqual([['3', '4', '9'], 0]);
      else expect([left, covered]).toEqual([['1', '2', '3', '4', '9'], 2]);
    });

    it('that a restored source has forgotten stops its batches until it is in place again', async () => {
      await using b = await filled();
      const first = b.open();
      await first.placeHold({ id: 'old', scope: byMail('cem@example.com') });
      await first.close();
      const restore = await b.world.backUp();
      const second = b.open();
      expect((await second.placeHold({ id: 'new', scope: byMail('ada@example.com') })).epoch).toBe(2);
      await second.close();
      await restore();
      const app = b.open();
      expect(codeOf(await destroy(app, { knownEpoch: 2 }))).toBe('hold_epoch_behind');
      expect(codeOf(await destroy(app, { mustHold: ['old', 'new'] }))).toBe('hold_epoch_behind');
      expect(codeOf(await erase(app, 'app.messages', ['1'], 'destroy', 2))).toBe('hold_epoch_behind');
      expect(await b.ids('messages')).toEqual(['1', '2', '3', '4', '9']);
      expect(await app.holdsInPlace()).toEqual(new Set(['old']));
      await app.placeHold({ id: 'new', scope: byMail('ada@example.com') });
      await app.raiseEpoch(3);
      expect(await destroy(app, { knownEpoch: 3, mustHold: ['old', 'new'] })).toEqual({ kind: 'nothing_due' });
    });
  });

  describe(`${engine}: what goes wrong`, () => {
    it.each(['before', 'after'] as const)('killed %s its commit, a batch is whole or not at all', async (when) => {
      await using b = await filled();
      const program = {
        script: new URL('./destroy-program.ts', import.meta.url),
        env: { SOURCES: b.sources(), ORDER: '{}' },
      };
      const app = b.open();
      await app.placeHold({ id: 'h', scope: byMail('ada@example.com') });
      const ending = await b.world.killAtCommit(program, when);
      expect([ending.crashed, ending.stderr]).toEqual([true, '']);
      const left = when === 'before' ? ['1', '2', '3', '4', '9'] : ['1', '2', '9'];
      expect(await b.ids('messages')).toEqual(left);
      expect((await app.uncopied(10)).map(({ count }) => count)).toEqual(when === 'before' ? [] : [3]);
      expect(batch(await destroy(app)).journal.counts).toEqual({ 'app.messages': 2, 'app.attachments': 1 });
      expect(await b.ids('messages')).toEqual(['1', '2', '9']);
      expect(await b.journaled()).toBe(1);
      await app.removeLeavingFiles();
      expect(existsSync(join(b.files, 'a3.txt'))).toBe(false);
    });

    it('whoever may only read destroys nothing, holds nothing, and is told so by name', async () => {
      await using b = await filled();
      await b.open().placeHold({ id: 'h', scope: byMail('ada@example.com') });
      const app = b.open(await b.world.readOnly());
      expect((await app.check({})).map(({ code }) => code)).toContain('cannot_write');
      expect((await app.check({})).filter(({ level }) => level === 'drift')).toEqual([]);
      expect(await faultOf(destroy(app))).toBe('forbidden');
      expect(await faultOf(app.placeHold({ id: 'i', scope: byMail('cem@example.com') }))).toBe('forbidden');
      expect(await faultOf(app.liftHold('h'))).toBe('forbidden');
      expect(await faultOf(erase(app, 'app.messages', ['3'], 'destroy', 0))).toBe('forbidden');
      expect(await b.ids('messages')).toEqual(['1', '2', '3', '4', '9']);
      // Looking is not writing.
      expect((await app.find([{ kind: 'email', value: 'cem@example.com' }])).own.get('app.people')).toHaveLength(1);
      expect(await app.countScope('app.messages', byMail('cem@example.com'))).toBe(3);
    });

    it('a source that is away is said to be, by every call, and nothing is made of its absence', async () => {
      await using b = await filled();
      const door = await b.world.door();
      const app = b.open(door.place);
      expect(await app.check({})).toEqual([]);
      await door.shut();
      expect((await app.check({})).map(({ code }) => code)).toEqual(['unreachable']);
      expect(await faultOf(destroy(app))).toBe('unreachable');
      expect(await faultOf(app.placeHold({ id: 'h', scope: byMail('ada@example.com') }))).toBe('unreachable');
      expect(await faultOf(app.find([{ kind: 'email', value: 'ada@example.com' }]))).toBe('unreachable');
      expect(await faultOf(app.countScope('app.messages', nothing))).toBe('unreachable');
      await door.open();
      expect(batch(await destroy(app)).journal.count).toBe(6);
      expect(await b.journaled()).toBe(1);
    });
  });

  describe(`${engine}: what is given out and what is erased`, () => {
    it('finds what is a person’s and reads it as stored, in the order in which it was asked for', async () => {
      await using b = await filled();
      const app = b.open();
      const says = `"'\\ ; DROP TABLE messages; -- %_$1 ?\u{1F600}\u0301é\n\tend`;
      await b.message(12, {
        in: 1,
        by: 1,
        at: '2019-01-01T00:00:00Z',
        says: says.replaceAll("'", "''").replaceAll('\\', '\\\\'),
      });
      const [[stored] = []] = await b.world.rows('SELECT body FROM messages WHERE id = 12');
      const reached = await app.find([{ kind: 'email', value: ' ada@example.COM ' }]);
      const keys = (rows: typeof reached.own) =>
        Object.fromEntries(
          [...rows].flatMap(([id, list]) =>
            list.length > 0 ? [[id, list.map(({ key }) => key.join('/')).sort()]] : [],
          ),
        );
      expect(keys(reached.own)).toEqual({
        'app.people': ['1'],
        'app.members': ['1/1'],
        'app.messages': ['1', '12'],
        'app.attachments': ['1'],
      });
      expect(keys(reached.shared)).toEqual({
        'app.conversations': ['1'],
        'app.members': ['1/2'],
        'app.messages': ['2'],
      });
      expect((await app.find([{ kind: 'email', value: "x' OR '1'='1" }])).own.get('app.people') ?? []).toEqual([]);
      const rows = (reached.own.get('app.messages') ?? []).toSorted((a, c) => Number(c.key[0]) - Number(a.key[0]));
      const read: (string | null | undefined)[][] = [];
      for await (const row of app.readRows('app.messages', rows))
        read.push([row.id, row.sender_id, row.reply_to, row.body]);
      expect(read).toEqual([
        ['12', '1', null, stored],
        ['1', '1', null, 'm1'],
      ]);
      await b.world.run('DELETE FROM messages WHERE id = 12');
      const gone = (async () => {
        for await (const _ of app.readRows('app.messages', rows));
      })();
      await expect(gone).rejects.toThrow('went away');
    });

    it('streams what a scope means, oldest first, and counts the same', async () => {
      await using b = await filled();
      const app = b.open();
      const read = async (scope: HoldScope) => {
        const ids: (string | null | undefined)[] = [];
        for await (const row of app.readScope('app.messages', scope)) ids.push(row.id);
        expect(await app.countScope('app.messages', scope)).toBe(ids.length);
        return ids;
      };
      await b.message(5, { in: 2, by: 3, at: '2017-01-01T00:00:00Z' });
      expect(await read({ ...nothing, datasets: ['app.messages'] })).toEqual(['5', '1', '2', '3', '4', '9']);
      expect(await read(byMail('CEM@example.com'))).toEqual(['5', '3', '4', '9']);
      expect(await read(byKey('app.conversations', { id: '1' }))).toEqual(['1', '2']);
      expect(
        await read({
          ...byMail('bea@example.com'),
          ...byKey('app.messages', { id: '2' }),
          subjects: [{ kind: 'email', value: 'bea@example.com' }],
        }),
      ).toEqual(['2']);
      const range = { from: '2018-03-02T10:00:00.000Z', to: '2018-03-03T10:00:00.000Z' };
      expect(await read({ ...nothing, datasets: ['app.messages'], ...range })).toEqual(['2', '3']);
      expect(await read({ ...nothing, datasets: ['app.messages'], ...range, to: '2018-03-03T09:59:59.000Z' })).toEqual([
        '2',
      ]);
      expect(await read(byMail('nobody@example.com'))).toEqual([]);
    });

    it('reads beside a record what its page needs: when, by whom, and what hangs on it', async () => {
      await using b = await filled();
      const app = b.open();
      await b.world.run("INSERT INTO attachments VALUES (2, 1, 'it''s.txt')");
      await b.message(12, { at: '2019-01-01T00:00:00Z' });
      const datasets = allTables(dataMapOf(b.sources(), b.world.place));
      const link = (of: string, column: string): [TableDataset, Link] => {
        const dataset = datasets.find(({ name }) => name === of);
        const found = dataset?.links.find(({ columns }) => columns[0] === column);
        if (!dataset || !found) throw new Error(`${of} has no link by ${column}`);
        return [dataset, found];
      };
      const [, sender] = link('messages', 'sender_id');
      const [attachments, message] = link('attachments', 'message_id');
      const person = datasets.find(({ name }) => name === 'people');
      if (!person) throw new Error('there are no people');
      const read: unknown[] = [];
      const besides: Besides = {
        at: { kind: 'instant', column: 'sent_at' },
        who: { kind: 'linked', link: sender, dataset: person, column: 'name' },
        files: { kind: 'rows', link: message, dataset: attachments },
      };
      for await (const { id, at, who, files } of app.readScope(
        'app.messages',
        byKey('app.messages', { id: '1' }, { id: '12' }),
        besides,
      ))
        read.push([
          id,
          Temporal.Instant.from(at ?? '').toString(),
          who,
          JSON.parse(files ?? '').map((row: { path: string }) => row.path),
        ]);
      expect(read).toEqual([
        ['1', '2018-03-01T10:00:00Z', 'N1', ['a1.txt', "it's.txt"]],
        ['12', '2019-01-01T00:00:00Z', null, []],
      ]);
    });

    it('previews an erasure by the predicates that guard it, destroys, masks, and spares what is held', async () => {
      await using b = await filled();
      const app = b.open();
      await b.message(21, { in: 1, by: 3, at: '2026-01-01T00:00:00Z' });
      await b.world.run('INSERT INTO reports VALUES (1, 4)');
      await app.placeHold({ id: 'h', scope: byKey('app.messages', { id: '3' }) });
      const own = (await app.find([{ kind: 'email', value: 'cem@example.com' }])).own;
      const messages = own.get('app.messages') ?? [];
      const sorted = async (act: 'destroy' | 'mask', dataset = 'app.messages', rows = messages, going = new Map()) => {
        const preview = await app.previewErasure(dataset, rows, act, going);
        return [preview.free, preview.held, preview.restricted].map((list) =>
          list.map(({ key }) => key.join('/')).sort(),
        );
      };
      expect(await sorted('destroy')).toEqual([['21', '9'], ['3'], ['4']]);
      expect(await sorted('mask')).toEqual([['21', '4', '9'], ['3'], []]);
      const person = own.get('app.people') ?? [];
      expect(await sorted('destroy', 'app.people', person)).toEqual([[], [], ['3']]);
      expect(await sorted('destroy', 'app.people', person, new Map([['app.messages', messages]]))).toEqual([
        ['3'],
        [],
        [],
      ]);
      const erased = batch(await erase(app, 'app.messages', ['3', '4', '9', '21'], 'destroy', 1));
      expect(erased.journal).toMatchObject({
        act: 'destroy',
        run: 'req_1',
        count: 2,
        counts: { 'app.messages': 2 },
        cutoff: null,
        epoch: 1,
      });
      expect(await b.ids('messages')).toEqual(['1', '2', '3', '4']);
      const masked = batch(await erase(app, 'app.messages', ['3', '4'], 'mask', 1));
      expect(masked.journal).toMatchObject({ act: 'mask', count: 1, counts: { 'app.messages': 1 } });
      expect(masked.journal.leaves).toHaveLength(32);
      expect(await b.world.rows('SELECT id, body FROM messages WHERE id IN (3, 4) ORDER BY id')).toEqual([
        ['3', 'm3'],
        ['4', 'erased-4'],
      ]);
      // The same order is answered from the journal, the masked row as it was before.
      expect(batch(await erase(app, 'app.messages', ['3', '4'], 'mask', 1)).journal).toEqual(masked.journal);
      expect(batch(await erase(app, 'app.people', ['2'], 'mask', 1)).journal.count).toBe(1);
      expect(await b.world.rows('SELECT email, name FROM people WHERE id = 2')).toEqual([['erased-2', null]]);
    });
  });
}

function erase(app: RecordSource, dataset: string, ids: readonly string[], act: 'destroy' | 'mask', epoch: number) {
  const rows = ids.map((id) => ({ key: [id], columns: {} }));
  return app.erase(
    {
      batch: `req_1/${act}/${dataset}/${ids.join()}`,
      request: 'req_1',
      dataset,
      seq: Number(ids[0]),
      policy: 'p',
      runKey,
      pseudonyms: new Uint8Array(32).fill(9),
      rows,
    },
    act,
    epoch,
  );
}
