import { describe, expect, it } from 'vitest';
import { hold, ids, openWorld, purge, type World } from './world.ts';

/** Everything is old: without a hold all of it would go. */
const chat = `
  INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bea@example.com'), (3, 'Cem@Example.com');
  INSERT INTO conversations VALUES (1, '2019-01-01Z', 'one'), (2, '2019-01-01Z', 'two'), (3, '2019-01-01Z', 'three');
  INSERT INTO members VALUES (1, 1), (1, 2), (2, 2), (2, 3), (3, 3);
  INSERT INTO messages VALUES
    (11, 1, 1, NULL, '2019-02-01T12:00Z', 'from ada'), (12, 1, 2, 11, '2019-02-02T12:00Z', 'from bea'),
    (21, 2, 2, NULL, '2019-02-01T12:00Z', 'from bea'), (22, 2, 3, 21, '2019-02-02T12:00Z', 'from cem'),
    (31, 3, 3, NULL, '2019-02-01T12:00Z', 'from cem'), (32, 3, 3, NULL, '2020-02-02Z', 'from cem');
  INSERT INTO attachments VALUES (211, 21, NULL, '2019-02-01T12:00Z'), (311, 31, NULL, NULL);
  INSERT INTO reactions VALUES (212, 21, 1, 'x'), (312, 31, 2, 'y');`;

const withConversations = `rules:
  messages: { datasets: [app.messages], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: test }
  conversations: { datasets: [app.conversations], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: test }
`;

async function old(options: Parameters<typeof openWorld>[0] = {}): Promise<World> {
  const world = await openWorld(options);
  await world.app.sql.unsafe(chat);
  return world;
}

describe('what a hold spares', () => {
  it('I1 a hold by person covers what others wrote in their conversations, and what is written there later', async () => {
    await using world = await old();
    const { office, app } = world;
    const placed = await hold(office, { subjects: [{ kind: 'email', value: 'ADA@example.com' }] });
    expect(placed.coverage.find(({ dataset }) => dataset === 'app.messages')?.count).toBe(2);
    await app.sql`INSERT INTO messages VALUES (13, 1, 2, NULL, '2019-03-01Z', 'written later, dated earlier')`;
    const run = await purge(office);
    expect(run.state).toBe('completed');
    // 21 stays because ada reacted to it, and 12 answers the held 11.
    expect(await ids(app, 'messages')).toEqual([11, 12, 13, 21]);
    expect(await ids(app, 'reactions')).toEqual([212]);
    expect(await ids(app, 'attachments')).toEqual([211]);
  });

  it('I1 a conversation joined after the hold was placed is covered by the next run', async () => {
    await using world = await old();
    await hold(world.office, { subjects: [{ kind: 'email', value: 'ada@example.com' }] });
    await world.app.sql`INSERT INTO members VALUES (3, 1)`;
    await purge(world.office);
    expect(await ids(world.app, 'messages')).toEqual([11, 12, 21, 31, 32]);
  });

  it('I1 a hold by key and range covers each message by its own time', async () => {
    await using world = await old();
    const keys = { 'app.messages': [{ conversation_id: '3' }] };
    const placed = await hold(world.office, { keys, from: '2020-01-01', to: '2020-12-31' });
    expect(placed.coverage.find(({ dataset }) => dataset === 'app.messages')?.count).toBe(1);
    await purge(world.office);
    expect(await ids(world.app, 'messages')).toEqual([32]);
  });

  it.each([
    [
      'by another column of the conversation',
      { keys: { 'app.conversations': [{ created_at: '2019-01-01T00:00:00Z' }] } },
    ],
    ['by a person who takes part', { subjects: [{ kind: 'email', value: 'cem@example.com' }] }],
  ])('I1 a hold %s and range covers each message by its own time, not by when it all began', async (_how, scope) => {
    await using world = await old();
    const placed = await hold(world.office, {
      ...scope,
      datasets: ['app.messages'],
      from: '2020-01-01',
      to: '2020-12-31',
    });
    expect(placed.coverage.find(({ dataset }) => dataset === 'app.messages')?.count).toBe(1);
    await purge(world.office);
    expect(await ids(world.app, 'messages')).toEqual([32]);
  });

  it('I1 a conversation goes with nothing of it that a hold limited by range covers', async () => {
    await using world = await old({ retention: withConversations });
    const keys = { 'app.conversations': [{ id: '3' }] };
    await hold(world.office, { keys, from: '2020-01-01', to: '2020-12-31' });
    await purge(world.office, ['conversations']);
    expect(await ids(world.app, 'conversations')).toEqual([3]);
    expect(await ids(world.app, 'messages')).toEqual([31, 32]);
  });

  it('I1 a conversation goes with nothing of it that a hold limited to messages covers', async () => {
    await using world = await old({ retention: withConversations });
    await hold(world.office, { keys: { 'app.conversations': [{ id: '3' }] }, datasets: ['app.messages'] });
    await purge(world.office, ['conversations']);
    expect(await ids(world.app, 'conversations')).toEqual([3]);
    expect(await ids(world.app, 'messages')).toEqual([31, 32]);
  });

  it('I1 what has no date is held by a range', async () => {
    await using world = await old();
    await hold(world.office, { datasets: ['app.attachments'], from: '2018-01-01', to: '2018-12-31' });
    await purge(world.office);
    expect(await ids(world.app, 'attachments')).toEqual([311]);
    expect(await ids(world.app, 'messages')).toEqual([31]);
  });

  it('I1 a range of time alone holds every dataset', async () => {
    await using world = await old();
    await hold(world.office, { from: '2019-02-02', to: '2019-02-02' });
    await purge(world.office);
    expect(await ids(world.app, 'messages')).toEqual([11, 12, 21, 22, 31]);
  });

  it('I1 a value that is no key of that type is refused and holds up nothing', async () => {
    await using world = await old();
    await expect(
      hold(world.office, { keys: { 'app.messages': [{ id: "x'); DROP TABLE messages; --" }] } }),
    ).rejects.toThrow('invalid');
    expect((await purge(world.office)).state).toBe('completed');
  });

  it('I1 an answer that stays no longer names the message that went, and a held one is not changed', async () => {
    await using world = await old();
    const { app, office } = world;
    await app.sql`UPDATE messages SET sent_at = now() WHERE id = 12`;
    await app.sql`INSERT INTO messages VALUES (14, 1, 2, 12, now(), 'answers a young one'), (15, 3, 3, 31, now(), 'young, and held')`;
    await hold(office, { keys: { 'app.messages': [{ id: '15' }] } });
    expect(await purge(office)).toMatchObject({ state: 'completed' });
    const left = await app.sql`SELECT id, reply_to FROM messages ORDER BY id`;
    expect(left.map(({ id, reply_to }) => [id, reply_to])).toEqual([
      [12, null],
      [14, 12],
      [15, 31],
      [31, null],
    ]);
  });
});
