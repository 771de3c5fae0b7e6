import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatInstant } from '../../src/core/instants.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { dueOf, ruleCutoff } from '../../src/policy/due.ts';
import { resolveRetention, retentionSchema } from '../../src/policy/retention.ts';
import { Bench } from './conformance.ts';
import { dataMapOf, type EngineWorld, tablesOf } from './engine-world.ts';
import { destroy, olderThan, runKey } from './orders.ts';

/** A rule as this file's own reading of the policy understands it. */
interface Rule {
  readonly name: string;
  readonly of: 'messages' | 'conversations';
  /** Days; null: for ever. */
  readonly keep: number | null;
  readonly dispose: 'destroy' | 'mask' | 'retain';
  readonly sender: readonly (number | null)[] | null;
  readonly isNot: boolean;
  readonly subject: string | null;
}

interface Message {
  readonly id: number;
  readonly conversation: number | null;
  readonly sender: number | null;
  /** Whole days before now, and half a day; null: nobody knows. */
  readonly age: number | null;
  masked?: boolean;
}

interface Conversation {
  readonly id: number;
  readonly subject: string;
  readonly age: number;
}

const now = Temporal.Instant.from('2026-11-27T12:00:00Z');
const daysAgo = (age: number) => now.subtract({ hours: age * 24 + 12 }).toString();

const ruleSpec = fc.record({
  of: fc.constantFrom('messages', 'messages', 'messages', 'conversations'),
  keep: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 6 }),
  dispose: fc.constantFrom('destroy', 'destroy', 'mask', 'retain'),
  sender: fc.option(fc.uniqueArray(fc.constantFrom(1, 2, 3, null), { minLength: 1, maxLength: 2 })),
  isNot: fc.boolean(),
  subject: fc.option(fc.constantFrom('school', "o'clock")),
});
const disposeOf = ({ keep, of, dispose }: { keep: number | null; of: string; dispose: string }): Rule['dispose'] => {
  if (keep === null) return 'retain';
  // Conversations have nothing to mask.
  return (of === 'conversations' && dispose === 'mask' ? 'destroy' : dispose) as Rule['dispose'];
};

const world = fc.record({
  rules: fc.array(ruleSpec, { minLength: 1, maxLength: 5 }).map((specs) =>
    specs.map(
      (spec, i): Rule => ({
        ...spec,
        name: `rule${i}`,
        of: spec.of as Rule['of'],
        dispose: disposeOf(spec),
        sender: spec.of === 'messages' ? spec.sender : null,
      }),
    ),
  ),
  conversations: fc.tuple(
    ...[1, 2, 3].map((id) =>
      fc.record({
        id: fc.constant(id),
        subject: fc.constantFrom('school', "o'clock", 'money'),
        age: fc.integer({ min: 0, max: 14 }),
      }),
    ),
  ),
  messages: fc
    .array(
      fc.record({
        conversation: fc.option(fc.constantFrom(1, 2, 3)),
        sender: fc.option(fc.constantFrom(1, 2, 3)),
        age: fc.option(fc.integer({ min: 0, max: 14 }), { freq: 8 }),
      }),
      { minLength: 1, maxLength: 14 },
    )
    .map((all) => all.map((one, i): Message => ({ ...one, id: i + 1 }))),
});

/** A rule that masks is more specific than one that keeps for ever; to be destroyed, the record is still kept. */
const maskedBesideRetained = {
  rules: [
    { of: 'messages', keep: 1, dispose: 'destroy', sender: null, isNot: false, subject: 'school', name: 'rule0' },
    { of: 'messages', keep: null, dispose: 'retain', sender: [1], isNot: true, subject: null, name: 'rule1' },
    { of: 'messages', keep: 1, dispose: 'mask', sender: [1], isNot: true, subject: 'school', name: 'rule2' },
  ] satisfies Rule[],
  conversations: [1, 2, 3].map((id) => ({ id, subject: 'school' as const, age: 0 })),
  messages: [{ id: 1, conversation: 3, sender: null, age: 1 }] satisfies Message[],
};

const written = (rules: readonly Rule[]) =>
  retentionSchema.parse({
    rules: Object.fromEntries(
      rules.map(({ name, of, keep, dispose, sender, isNot, subject }) => [
        name,
        {
          datasets: [`app.${of}`],
          keep: keep === null ? 'forever' : `P${keep}D`,
          dispose,
          ...(dispose === 'retain' ? {} : { schedule: '0 2 * * *' }),
          authority: 'a test',
          where: {
            ...(sender ? { sender_id: isNot ? { not: sender } : sender } : {}),
            ...(subject === null ? {} : { [of === 'messages' ? 'conversation_id.subject' : 'subject']: subject }),
          },
        },
      ]),
    ),
  });

/** The second opinion: which rule a row falls to, read from the words of the policy and not from its code. */
class Model {
  readonly rules: readonly Rule[];
  readonly conversations: readonly Conversation[];
  readonly messages: Message[];

  constructor(rules: readonly Rule[], conversations: readonly Conversation[], messages: readonly Message[]) {
    this.rules = rules;
    this.conversations = conversations;
    this.messages = [...messages];
  }

  selects(rule: Rule, row: Message | Conversation): boolean {
    const isMessage = 'sender' in row;
    if (isMessage !== (rule.of === 'messages')) return false;
    if (rule.sender && isMessage && rule.sender.includes(row.sender) === rule.isNot) return false;
    const conversation = isMessage ? this.conversations.find(({ id }) => id === row.conversation) : row;
    return rule.subject === null || conversation?.subject === rule.subject;
  }

  /** The rules with a say over whether that becomes of a row: no more specific one is there for it. */
  over(row: Message | Conversation, act: 'destroy' | 'mask'): readonly Rule[] {
    const all = this.rules.filter((rule) => [act, 'retain'].includes(rule.dispose) && this.selects(rule, row));
    const says = ({ sender, isNot, subject }: Rule) => [
      ...(sender ? [`sender ${isNot} ${sender.map(String).sort().join()}`] : []),
      ...(subject === null ? [] : [`subject ${subject}`]),
    ];
    return all.filter(
      (rule) =>
        !all.some((other) => {
          const [theirs, ours] = [says(other), says(rule)];
          return theirs.length > ours.length && ours.every((one) => theirs.includes(one));
        }),
    );
  }

  keeps(rule: Rule, row: Message | Conversation): boolean {
    return rule.keep === null || row.age === null || row.age < rule.keep;
  }

  /** Which rule does that to the row, and whether it may. */
  takenBy(row: Message | Conversation, act: 'destroy' | 'mask'): string | null {
    const over = this.over(row, act);
    if (over.some((rule) => this.keeps(rule, row))) return null;
    const [first] = over
      .filter(({ dispose }) => dispose === act)
      .toSorted((a, b) => (b.keep ?? 0) - (a.keep ?? 0) || (a.name < b.name ? -1 : 1));
    return first?.name ?? null;
  }

  /** Take what the rule takes. @returns the names of the rows that went */
  run(rule: Rule): readonly string[] {
    if (rule.dispose === 'retain') return [];
    const own = rule.of === 'messages' ? this.messages : this.conversations;
    const { dispose } = rule;
    const gone = own.filter((row) => this.takenBy(row, dispose) === rule.name);
    if (dispose === 'mask') {
      const left = gone.filter((row) => !(row as Message).masked);
      for (const row of left) (row as Message).masked = true;
      return left.map(({ id }) => `m${id} masked`);
    }
    if (rule.of === 'messages') {
      for (const row of gone) this.messages.splice(this.messages.indexOf(row as Message), 1);
      return gone.map(({ id }) => `m${id}`);
    }
    // A conversation takes its messages with it, unless a rule of theirs keeps one of them.
    const free = gone.filter(
      ({ id }) =>
        !this.messages.some(
          (message) =>
            message.conversation === id && this.over(message, 'destroy').some((one) => this.keeps(one, message)),
        ),
    );
    const ids = new Set(free.map(({ id }) => id));
    const beneath = this.messages.filter(({ conversation }) => conversation !== null && ids.has(conversation));
    for (const row of beneath) this.messages.splice(this.messages.indexOf(row), 1);
    for (const row of free)
      (this.conversations as Conversation[]).splice(this.conversations.indexOf(row as Conversation), 1);
    return [...free.map(({ id }) => `c${id}`), ...beneath.map(({ id }) => `m${id}`)];
  }
}

/** What a source promises of rules that share a dataset, whichever engine it is. */
export function rulesConformance(engine: string, openWorld: () => Promise<EngineWorld>): void {
  describe(`${engine}: several rules for one dataset`, () => {
    it('take what the policy says in words, no row more and none twice, whatever the rules and the rows', async () => {
      await using b = new Bench(await openWorld());
      await b.world.run(...tablesOf(b.world));
      await b.people([1, 'a@example.com'], [2, 'b@example.com'], [3, 'c@example.com']);
      const app = b.open();
      expect(await app.check({})).toEqual([]);
      const dataMap = dataMapOf(b.sources(), b.world.place);
      const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
      let seq = 0;
      const seen = { taken: 0, masked: 0, twoRules: 0, blocked: 0 };
      await fc.assert(
        fc.asyncProperty(world, async ({ rules, conversations, messages }) => {
          const { retention, issues } = resolveRetention(written(rules), dataMap);
          expect(issues).toEqual([]);
          await b.world.run(
            'DELETE FROM messages',
            'DELETE FROM conversations',
            ...conversations.map(
              ({ id, subject, age }) =>
                `INSERT INTO conversations VALUES (${id}, ${b.world.time(daysAgo(age))}, ${quoted(subject)})`,
            ),
            ...messages.map(
              ({ id, conversation, sender, age }) =>
                `INSERT INTO messages VALUES (${id}, ${conversation ?? 'NULL'}, ${sender ?? 'NULL'}, NULL, ${age === null ? 'NULL' : b.world.time(daysAgo(age))}, 'm')`,
            ),
          );
          const model = new Model(
            rules,
            [...conversations],
            messages.map((message) => ({ ...message })),
          );
          const cutoffs = Object.fromEntries(
            Object.values(retention).flatMap((rule): [string, string][] => {
              const cutoff = ruleCutoff(rule, now);
              return cutoff === null ? [] : [[rule.id, formatInstant(cutoff)]];
            }),
          );
          const rows = async () => [
            ...(await b.ids('messages')).map((id) => `m${id}`),
            ...(await b.ids('conversations')).map((id) => `c${id}`),
          ];
          const masked = async () =>
            (await b.world.rows("SELECT id FROM messages WHERE body <> 'm'")).map(([id]) => `m${id} masked`);
          for (const rule of rules) {
            const dataset = `app.${rule.of}`;
            const resolved = retention[rule.name];
            const due = resolved ? dueOf({ retention, dataMap }, resolved, dataset, cutoffs) : null;
            expect(due === null).toBe(rule.dispose === 'retain');
            if (due === null) continue;
            const before = await rows();
            const maskedBefore = await masked();
            const census = await app.census(dataset, due, []);
            seq += 1;
            const result = await destroy(app, { dataset, due, seq });
            if (isRefusal(result)) throw new Error(result.detail);
            const after = new Set(await rows());
            const gone = before.filter((id) => !after.has(id));
            const newlyMasked = (await masked()).filter((id) => !maskedBefore.includes(id));
            const done = [...gone, ...newlyMasked];
            expect(done.toSorted()).toEqual([...model.run(rule)].toSorted());
            const own = done.filter((id) => id.startsWith(rule.of === 'messages' ? 'm' : 'c'));
            expect(census.due - census.restricted).toBe(own.length);
            seen.taken += own.length;
            seen.masked += newlyMasked.length;
            if (due.keptBy.length + due.not.length > 0) seen.twoRules += own.length;
            seen.blocked += census.restricted;
          }
        }),
        { numRuns: 80, examples: [[maskedBesideRetained]] },
      );
      // The worlds were not all empty ones.
      for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
    });

    it('mask each value once, as its strategy says, and nothing that is held, newer or beneath', async () => {
      await using b = new Bench(await openWorld());
      await b.world.run(...tablesOf(b.world));
      await b.people([1, 'a@example.com']);
      const says = ['Meet at 8?', 'Meet at 8?', "l'été 会议 👩‍👩‍👧", '', null, 'p_not one of ours', 'erased-7', '   '];
      const strategies = ['null', 'fixed', 'pseudonym', 'redact'] as const;
      const bodies: Record<string, (string | null)[]> = {};
      for (const [turn, strategy] of strategies.entries()) {
        await b.world.run(
          'DELETE FROM attachments',
          'DELETE FROM messages',
          ...says.map(
            (text, i) =>
              `INSERT INTO messages VALUES (${i + 1}, NULL, 1, NULL, ${b.world.time('2018-03-01T10:00:00Z')}, ${text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`})`,
          ),
          `INSERT INTO messages VALUES (20, NULL, 1, NULL, ${b.world.time('2018-03-01T10:00:00Z')}, 'held')`,
          `INSERT INTO messages VALUES (21, NULL, 1, NULL, ${b.world.time('2026-03-01T10:00:00Z')}, 'new')`,
          "INSERT INTO attachments VALUES (1, 1, 'a1.txt')",
        );
        const app = b.open(
          b.world.place,
          b.sources(({ messages }) => {
            if (messages) messages.fields = { body: { category: 'communication.content', text: true, mask: strategy } };
          }),
        );
        const scope = { subjects: [], keys: { 'app.messages': [{ id: '20' }] }, datasets: [], from: null, to: null };
        const { epoch } = await app.placeHold({ id: `h${turn}`, scope });
        const due = { ...olderThan('2020-01-01T00:00:00Z'), act: 'mask' as const };
        const order = { due, knownEpoch: epoch, mustHold: [`h${turn}`], rows: 3 };
        const census = await app.census('app.messages', due, [{ id: `h${turn}`, scope }]);
        let [masked, from, seq]: [number, string | null, number] = [0, null, turn * 100];
        for (;;) {
          seq += 1;
          const result = await destroy(app, { ...order, from, seq });
          if (isRefusal(result)) throw new Error(result.detail);
          if (result.kind !== 'batch') break;
          expect(result.journal).toMatchObject({ act: 'mask', counts: { 'app.messages': result.journal.count } });
          masked += result.journal.count;
          from = result.upTo;
          // What was masked is due no more: a second look from the start finds nothing of it.
          if (from === null) break;
        }
        expect(await destroy(app, { ...order, seq: turn * 100 + 99 })).toEqual({ kind: 'nothing_due' });
        expect(census).toMatchObject({ due: masked + 1, held: 1, restricted: 0 });
        bodies[strategy] = (await b.world.rows('SELECT body FROM messages ORDER BY id')).map(([body]) => body ?? null);
        expect(await b.ids('attachments')).toEqual(['1']);
        await app.liftHold(`h${turn}`);
      }
      const ends = ['held', 'new'];
      expect(bodies.null).toEqual([...says.map(() => null), ...ends]);
      expect(bodies.fixed).toEqual([...says.map((_, i) => `erased-${i + 1}`), ...ends]);
      expect(bodies.redact).toEqual([
        '████ ██ ██',
        '████ ██ ██',
        `█████ ██ ${'█'.repeat(5)}`,
        '',
        null,
        '█████ ███ ██ ████',
        '████████',
        '   ',
        ...ends,
      ]);
      const pseudonyms = bodies.pseudonym ?? [];
      for (const [i, text] of says.entries())
        if (text === null) expect(pseudonyms[i]).toBeNull();
        else expect(pseudonyms[i]).toMatch(/^p_[0-9a-f]{32}$/);
      expect(pseudonyms[0]).toBe(pseudonyms[1]);
      expect(new Set(pseudonyms).size).toBe(says.length - 1 + ends.length);
    });

    it('mask no row by which a hold reaches what hangs on it, and so let nothing go that is held', async () => {
      await using b = new Bench(await openWorld());
      await b.world.run(...tablesOf(b.world));
      await b.people([1, 'a@example.com']);
      for (const id of [1, 2]) {
        await b.conversation(id, '2018-01-01T00:00:00Z', 1);
        await b.message(id, { in: id, by: 1, at: '2018-03-01T10:00:00Z' });
        await b.world.run(`INSERT INTO attachments VALUES (${id}, ${id}, NULL)`);
      }
      const app = b.open(
        b.world.place,
        b.sources(({ messages }) => {
          if (!messages) throw new Error('there are no messages');
          messages.fields = { conversation_id: { category: 'communication.metadata', mask: 'null' } };
          messages.erase = 'mask';
          messages.eraseGround = 'OTHERS_RECORDS';
        }),
      );
      // Of the conversation its attachments only: no message is held itself.
      const scope = {
        subjects: [],
        keys: { 'app.conversations': [{ id: '1' }] },
        datasets: ['app.attachments'],
        from: null,
        to: null,
      };
      const { epoch, coverage } = await app.placeHold({ id: 'h1', scope });
      expect(coverage.filter(({ count }) => count > 0)).toMatchObject([{ dataset: 'app.attachments', count: 1 }]);
      const order = { knownEpoch: epoch, mustHold: ['h1'] };
      const due = { ...olderThan('2020-01-01T00:00:00Z'), act: 'mask' as const };
      expect(await app.census('app.messages', due, [{ id: 'h1', scope }])).toMatchObject({ due: 2, held: 1 });
      expect(await destroy(app, { ...order, due, seq: 1 })).toMatchObject({ journal: { act: 'mask', count: 1 } });
      expect(await b.world.rows('SELECT conversation_id FROM messages ORDER BY id')).toEqual([['1'], [null]]);
      const rows = [{ key: ['1'], columns: { id: '1' } }];
      expect(await app.previewErasure('app.messages', rows, 'mask', new Map())).toMatchObject({ free: [], held: rows });
      const erasure = {
        batch: 'b',
        request: 'r',
        dataset: 'app.messages',
        seq: 0,
        policy: 'p',
        runKey,
        pseudonyms: runKey,
        rows,
      };
      expect(await app.erase(erasure, 'mask', epoch)).toMatchObject({ journal: { count: 0 } });
      // And so a run that destroys still knows that attachment 1 is held.
      await destroy(app, { ...order, due: olderThan('2020-01-01T00:00:00Z'), seq: 2 });
      expect(await b.ids('attachments')).toEqual(['1']);
      expect(await b.ids('messages')).toEqual(['1']);
    });
  });
}
