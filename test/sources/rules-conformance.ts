import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatInstant } from '../../src/core/instants.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { dueOf } from '../../src/policy/due.ts';
import { resolveRetention, retentionSchema, ruleCutoff } from '../../src/policy/retention.ts';
import { Bench } from './conformance.ts';
import { dataMapOf, type EngineWorld, tablesOf } from './engine-world.ts';
import { destroy } from './orders.ts';

/** A rule as this file's own reading of the policy understands it. */
interface Rule {
  readonly name: string;
  readonly of: 'messages' | 'conversations';
  /** Days; null: for ever. */
  readonly keep: number | null;
  readonly dispose: 'destroy' | 'retain';
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
  dispose: fc.constantFrom('destroy', 'destroy', 'retain'),
  sender: fc.option(fc.uniqueArray(fc.constantFrom(1, 2, 3, null), { minLength: 1, maxLength: 2 })),
  isNot: fc.boolean(),
  subject: fc.option(fc.constantFrom('school', "o'clock")),
});
const world = fc.record({
  rules: fc.array(ruleSpec, { minLength: 1, maxLength: 5 }).map((specs) =>
    specs.map(
      (spec, i): Rule => ({
        ...spec,
        name: `rule${i}`,
        of: spec.of as Rule['of'],
        dispose: spec.keep === null ? 'retain' : (spec.dispose as Rule['dispose']),
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

const written = (rules: readonly Rule[]) =>
  retentionSchema.parse({
    rules: Object.fromEntries(
      rules.map(({ name, of, keep, dispose, sender, isNot, subject }) => [
        name,
        {
          datasets: [`app.${of}`],
          keep: keep === null ? 'forever' : `P${keep}D`,
          dispose,
          ...(dispose === 'destroy' ? { schedule: '0 2 * * *' } : {}),
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

  /** The rules with a say over a row: no more specific one is there for it. */
  over(row: Message | Conversation): readonly Rule[] {
    const all = this.rules.filter((rule) => this.selects(rule, row));
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

  /** Which rule takes the row, and whether it may. */
  takenBy(row: Message | Conversation): string | null {
    const over = this.over(row);
    if (over.some((rule) => this.keeps(rule, row))) return null;
    const [first] = over
      .filter(({ dispose }) => dispose === 'destroy')
      .toSorted((a, b) => (b.keep ?? 0) - (a.keep ?? 0) || (a.name < b.name ? -1 : 1));
    return first?.name ?? null;
  }

  /** Take what the rule takes. @returns the names of the rows that went */
  run(rule: Rule): readonly string[] {
    if (rule.dispose === 'retain') return [];
    const own = rule.of === 'messages' ? this.messages : this.conversations;
    const gone = own.filter((row) => this.takenBy(row) === rule.name);
    if (rule.of === 'messages') {
      for (const row of gone) this.messages.splice(this.messages.indexOf(row as Message), 1);
      return gone.map(({ id }) => `m${id}`);
    }
    // A conversation takes its messages with it, unless a rule of theirs keeps one of them.
    const free = gone.filter(
      ({ id }) =>
        !this.messages.some(
          (message) => message.conversation === id && this.over(message).some((one) => this.keeps(one, message)),
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
      const seen = { taken: 0, twoRules: 0, blocked: 0 };
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
          const model = new Model(rules, [...conversations], messages);
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
          for (const rule of rules) {
            const dataset = `app.${rule.of}`;
            const resolved = retention[rule.name];
            const due = resolved ? dueOf({ retention, dataMap }, resolved, dataset, cutoffs) : null;
            expect(due === null).toBe(rule.dispose === 'retain');
            if (due === null) continue;
            const before = await rows();
            const census = await app.census(dataset, due, []);
            seq += 1;
            const result = await destroy(app, { dataset, due, seq });
            if (isRefusal(result)) throw new Error(result.detail);
            const after = new Set(await rows());
            const gone = before.filter((id) => !after.has(id));
            expect(gone.toSorted()).toEqual([...model.run(rule)].toSorted());
            const own = gone.filter((id) => id.startsWith(rule.of === 'messages' ? 'm' : 'c'));
            expect(census.due - census.restricted).toBe(own.length);
            seen.taken += own.length;
            if (due.keptBy.length + due.not.length > 0) seen.twoRules += own.length;
            seen.blocked += census.restricted;
          }
        }),
        { numRuns: 80 },
      );
      // The worlds were not all empty ones.
      for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
    });
  });
}
