import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { approveRelease, liftHold, requestRelease } from '../../src/flows/release-hold.ts';
import type { WrittenHoldScope } from '../../src/policy/hold.ts';
import { done, hold, officer, openWorld, second, start, type World } from './world.ts';

/** Who takes part in which conversation; fixed, so that the model is as simple as the promise. */
const members: Readonly<Record<number, readonly number[]>> = { 1: [1, 2], 2: [2, 3], 3: [] };
const minuteOf = (id: number) =>
  `2019-01-01T${String(Math.floor(id / 60)).padStart(2, '0')}:${String(id % 60).padStart(2, '0')}:00Z`;

interface Message {
  readonly id: number;
  readonly conversation: number;
  readonly sender: number;
  readonly isOld: boolean;
  readonly replyTo: number | null;
  readonly reactions: readonly number[];
}

type Scope =
  | { readonly by: 'person' | 'conversation' | 'message'; readonly of: number }
  | { readonly by: 'range'; readonly of: number; readonly from: number; readonly to: number };

type Command =
  | {
      readonly do: 'write';
      readonly conversation: number;
      readonly sender: number;
      readonly isOld: boolean;
      readonly answers: number;
    }
  | { readonly do: 'react'; readonly to: number; readonly user: number }
  | { readonly do: 'age'; readonly message: number }
  | { readonly do: 'hold'; readonly scope: Scope }
  | { readonly do: 'release'; readonly hold: number }
  | { readonly do: 'run'; readonly rows: number };

function covers(scope: Scope, message: Message): boolean {
  switch (scope.by) {
    case 'person':
      return message.sender === scope.of || (members[message.conversation] ?? []).includes(scope.of);
    case 'conversation':
      return message.conversation === scope.of;
    case 'message':
      return message.id === scope.of;
    case 'range':
      return message.conversation === scope.of && message.isOld && message.id >= scope.from && message.id <= scope.to;
  }
}

/** The promise in a few lines: a message goes if it is old, and nothing holds it or what would go or change with it. */
class Model {
  messages: readonly Message[] = [];
  holds: readonly { readonly id: string; readonly scope: Scope }[] = [];
  written = 0;

  isCovered(message: Message): boolean {
    return this.holds.some(({ scope }) => covers(scope, message));
  }

  stays(message: Message): boolean {
    const hasHeldReaction = message.reactions.some((user) =>
      this.holds.some(({ scope }) => scope.by === 'person' && scope.of === user),
    );
    const hasHeldAnswer = this.messages.some((other) => other.replyTo === message.id && this.isCovered(other));
    return !message.isOld || this.isCovered(message) || hasHeldReaction || hasHeldAnswer;
  }

  run(): number {
    const staying = this.messages.filter((message) => this.stays(message));
    const gone = this.messages.length - staying.length;
    this.messages = staying.map((message) =>
      staying.some(({ id }) => id === message.replyTo) ? message : { ...message, replyTo: null },
    );
    return gone;
  }
}

function written(scope: Scope): WrittenHoldScope {
  switch (scope.by) {
    case 'person':
      return { subjects: [{ kind: 'email', value: `u${scope.of}@example.com` }] };
    case 'conversation':
      return { keys: { 'app.conversations': [{ id: scope.of }] } };
    case 'message':
      return { keys: { 'app.messages': [{ id: scope.of }] } };
    case 'range':
      return { keys: { 'app.conversations': [{ id: scope.of }] }, from: minuteOf(scope.from), to: minuteOf(scope.to) };
  }
}

const nth = fc.nat({ max: 20 });
const one = fc.integer({ min: 1, max: 3 });
const scope: fc.Arbitrary<Scope> = fc.oneof(
  fc.record({ by: fc.constantFrom('person' as const, 'conversation' as const), of: one }),
  fc.record({ by: fc.constant('message' as const), of: fc.integer({ min: 1, max: 12 }) }),
  fc.record({
    by: fc.constant('range' as const),
    of: one,
    from: fc.integer({ min: 1, max: 6 }),
    to: fc.integer({ min: 6, max: 12 }),
  }),
);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      conversation: one,
      sender: one,
      isOld: fc.boolean(),
      answers: nth,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('react' as const), to: nth, user: one }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('age' as const), message: nth }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hold' as const), scope }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), hold: nth }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('run' as const), rows: fc.integer({ min: 1, max: 4 }) }) },
);

async function empty({ app, office }: World): Promise<void> {
  await app.sql.unsafe(`TRUNCATE messages, attachments, reactions; DELETE FROM muniment.held`);
  await office.store.db.sql`UPDATE holds SET state = 'released'`;
}

async function carryOut(world: World, model: Model, step: Command): Promise<void> {
  const { app, office } = world;
  const pick = <T>(list: readonly T[], n: number): T | undefined =>
    list.length === 0 ? undefined : list[n % list.length];
  switch (step.do) {
    case 'write': {
      const answered = step.answers % 3 === 0 ? undefined : pick(model.messages, step.answers);
      model.written += 1;
      const message: Message = {
        id: model.written,
        conversation: step.conversation,
        sender: step.sender,
        isOld: step.isOld,
        replyTo: answered?.id ?? null,
        reactions: [],
      };
      model.messages = [...model.messages, message];
      await app.sql`INSERT INTO messages VALUES (${message.id}, ${step.conversation}, ${step.sender}, ${message.replyTo},
        ${step.isOld ? minuteOf(message.id) : '2099-01-01Z'}::text::timestamptz, 'm')`;
      await app.sql`INSERT INTO attachments VALUES (${message.id}, ${message.id}, NULL, NULL)`;
      return;
    }
    case 'react': {
      const message = pick(model.messages, step.to);
      if (!message) return;
      model.messages = model.messages.map((other) =>
        other === message ? { ...message, reactions: [...message.reactions, step.user] } : other,
      );
      await app.sql`INSERT INTO reactions SELECT coalesce(max(id), 0) + 1, ${message.id}, ${step.user}, 'x' FROM reactions`;
      return;
    }
    case 'age': {
      const message = pick(model.messages, step.message);
      if (!message) return;
      model.messages = model.messages.map((other) => (other === message ? { ...message, isOld: true } : other));
      await app.sql`UPDATE messages SET sent_at = ${minuteOf(message.id)}::text::timestamptz WHERE id = ${message.id}`;
      return;
    }
    case 'hold': {
      const placed = await hold(office, written(step.scope));
      model.holds = [...model.holds, { id: placed.id, scope: step.scope }];
      const said = placed.coverage.find(({ dataset }) => dataset === 'app.messages')?.count;
      expect(said).toBe(model.messages.filter((message) => covers(step.scope, message)).length);
      return;
    }
    case 'release': {
      const released = pick(model.holds, step.hold);
      if (!released) return;
      done(await requestRelease(office, officer, released.id));
      done(await approveRelease(office, second, released.id));
      await liftHold(office, released.id);
      model.holds = model.holds.filter(({ id }) => id !== released.id);
      return;
    }
    case 'run': {
      const gone = model.run();
      const run = await start(office);
      await executeRun(office, run.id, { rowsPerBatch: step.rows, triesPerBatch: 2, pauseMs: 1 });
      const ended = done(await lookUpRun(office, run.id));
      expect(ended).toMatchObject({ state: 'completed', parts: [{ destroyed: gone }] });
      expect(ended.parts[0]?.held).toBe(model.messages.filter(({ isOld }) => isOld).length);
      await compare(world, model);
    }
  }
}

async function compare({ app }: World, model: Model): Promise<void> {
  const messages = await app.sql`SELECT id, reply_to FROM messages ORDER BY id`;
  expect(messages.map(({ id, reply_to }) => [id, reply_to])).toEqual(
    model.messages.map(({ id, replyTo }) => [id, replyTo]),
  );
  const attachments = await app.sql`SELECT id FROM attachments ORDER BY id`;
  expect(attachments.map(({ id }) => id)).toEqual(model.messages.map(({ id }) => id));
  const reactions = await app.sql`SELECT message_id || ' ' || user_id AS r FROM reactions ORDER BY message_id, id`;
  expect(reactions.map(({ r }) => r)).toEqual(
    model.messages.flatMap(({ id, reactions: users }) => users.map((user) => `${id} ${user}`)),
  );
}

describe('any order of writing, ageing, holding, releasing and running', () => {
  it('I1 I3 leaves exactly what the promise leaves', async () => {
    await using world = await openWorld();
    await world.app.sql.unsafe(`INSERT INTO users SELECT n, 'u' || n || '@example.com' FROM generate_series(1, 3) n;
      INSERT INTO conversations SELECT n, '2019-01-01Z', 'c' FROM generate_series(1, 3) n;
      INSERT INTO members VALUES (1, 1), (1, 2), (2, 2), (2, 3)`);
    await hold(world.office, { datasets: ['app.reactions'] });
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 4, maxLength: 25 }), async (commands) => {
        await empty(world);
        const model = new Model();
        for (const step of commands) await carryOut(world, model, step);
        await carryOut(world, model, { do: 'run', rows: 3 });
      }),
      { numRuns: Number(process.env.MODEL_RUNS ?? 60) },
    );
  }, 300_000);
});
