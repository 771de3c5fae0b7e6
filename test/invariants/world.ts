import { mkdtempSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { type Actor, systemActor } from '../../src/core/actor.ts';
import { isRefusal, type Refusal } from '../../src/core/refusal.ts';
import type { Hold } from '../../src/disposition/hold.ts';
import type { Run } from '../../src/disposition/run.ts';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { moveDispositionRun } from '../../src/flows/move-run.ts';
import type { Office } from '../../src/flows/office.ts';
import { placeHold } from '../../src/flows/place-hold.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { resumeWork } from '../../src/flows/ring-bell.ts';
import type { WrittenHoldScope } from '../../src/policy/hold.ts';
import { type FixedClock, fixedClock } from '../support/clock.ts';
import { adminUrl, emptyDatabase, type TestDatabase, testDatabase } from '../support/database.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { messagesRetention, policiesFolder } from '../support/policies.ts';
import { waitUntil } from '../support/wait.ts';

/** A small application, and a house beside it: what the tests of the invariants attack. */
export interface World extends AsyncDisposable {
  readonly app: TestDatabase;
  readonly own: TestDatabase;
  readonly folder: string;
  readonly policies: string;
  readonly clock: FixedClock;
  readonly opened: TestHouse;
  readonly office: Office;
  /** A second house on the same database: another machine. */
  another(policies?: string): Promise<TestHouse>;
}

export const officer: Actor = { id: 'act_officer', kind: 'token', role: 'compliance', approval: 'token' };
/** Who works on demands and places holds for them. */
export const lawyer: Actor = { id: 'act_lawyer', kind: 'token', role: 'legal', approval: null };
export const second: Actor = { id: 'act_second', kind: 'token', role: 'compliance', approval: 'token' };

/** Conversations, who takes part in them, messages that answer each other, and what hangs on messages. */
export const chatTables = `
  CREATE TABLE users (id int PRIMARY KEY, email text);
  CREATE TABLE conversations (id int PRIMARY KEY, created_at timestamptz, subject text);
  CREATE TABLE members (conversation_id int REFERENCES conversations, user_id int REFERENCES users, PRIMARY KEY (conversation_id, user_id));
  CREATE TABLE messages (id int PRIMARY KEY, conversation_id int REFERENCES conversations, sender_id int REFERENCES users,
    reply_to int REFERENCES messages, sent_at timestamptz, body text);
  CREATE TABLE attachments (id int PRIMARY KEY, message_id int REFERENCES messages, path text, added_at timestamptz);
  CREATE TABLE reactions (id int PRIMARY KEY, message_id int REFERENCES messages, user_id int REFERENCES users, emoji text);
  CREATE INDEX ON messages (sent_at); CREATE INDEX ON messages (conversation_id); CREATE INDEX ON messages (reply_to);
  CREATE INDEX ON attachments (message_id); CREATE INDEX ON reactions (message_id);`;

export const chatSources = (files = '/nowhere') => `sources:
  app:
    kind: postgres
    url: \${APP}
    datasets:
      users:
        table: public.users
        key: [id]
        identifiers: { email: email }
        onDispose: { members: cascade, messages: restrict, reactions: restrict }
      conversations:
        table: public.conversations
        key: [id]
        time: created_at
        onDispose: { members: cascade, messages: cascade }
      members:
        table: public.members
        key: [conversation_id, user_id]
        links:
          conversation_id: { to: conversations.id, member: true }
          user_id: { to: users.id, owner: true }
      messages:
        table: public.messages
        key: [id]
        time: sent_at
        links:
          conversation_id: { to: conversations.id }
          sender_id: { to: users.id, owner: true }
          reply_to: { to: messages.id }
        fields: { body: { category: communication.content, text: true } }
        onDispose: { messages: unlink, attachments: cascade, reactions: cascade }
      attachments:
        table: public.attachments
        key: [id]
        time: added_at
        links: { message_id: { to: messages.id } }
        file: { column: path, root: ${files} }
      reactions:
        table: public.reactions
        key: [id]
        links:
          message_id: { to: messages.id }
          user_id: { to: users.id, owner: true }
`;

export interface WorldOptions {
  /** SQL that lays out the application. */
  readonly tables?: string;
  readonly sources?: string;
  readonly retention?: string;
  readonly at?: string;
  /** The service works as a role that owns nothing in its database. */
  readonly separated?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const app = await emptyDatabase();
  const own = await testDatabase();
  await app.sql.unsafe(options.tables ?? chatTables);
  const policies = policiesFolder({
    'sources.yaml': options.sources ?? chatSources(),
    'retention.yaml': options.retention ?? messagesRetention,
  });
  const folder = mkdtempSync(join(tmpdir(), 'muniment-invariants-'));
  const clock = fixedClock(options.at ?? Temporal.Now.instant().round('millisecond').toString());
  const open = (other = policies) =>
    openTestHouse({
      policies: other,
      folder,
      databaseUrl: own.url,
      env: { APP: app.url, ...options.env },
      now: clock.now,
      ...(options.separated === undefined ? {} : { separated: options.separated }),
    });
  const opened = await open();
  return {
    app,
    own,
    folder,
    policies,
    clock,
    opened,
    office: opened.house.office,
    another: open,
    async [Symbol.asyncDispose]() {
      await opened.close();
      await own.drop();
      await app.drop();
    },
  };
}

/** The answer, or the refusal as an error. */
export function done<T>(result: T | Refusal): T {
  if (isRefusal(result)) throw new Error(`${result.code}: ${result.detail}`);
  return result;
}

/** The code of a refusal, or null when it was none. */
export function refusalCode(result: unknown): string | null {
  return isRefusal(result) ? result.code : null;
}

export async function hold(office: Office, scope: WrittenHoldScope): Promise<Hold> {
  return done(await placeHold(office, officer, { matter: 'M', reason: 'R', scope, demandId: null, requestId: null }));
}

/** Plan a run and let it start, with a second person where one is asked for. */
export async function start(office: Office, rules: readonly string[] = []): Promise<Run> {
  const run = done(await planDisposition(office, officer, { rules, dryRun: false }));
  return run.state === 'awaiting_approval' ? done(await moveDispositionRun(office, second, run.id, 'approve')) : run;
}

/** Plan, approve, execute; how it ended. */
export async function purge(office: Office, rules: readonly string[] = []): Promise<Run> {
  const run = await start(office, rules);
  if (run.state === 'running') await executeRun(office, run.id);
  return done(await lookUpRun(office, run.id));
}

/** Take up a run that a crash left, as a start does; the dead worker's session may outlive it for a moment. */
export async function resume(office: Office, run: string): Promise<Run> {
  return waitUntil(async () => {
    await resumeWork(office, systemActor);
    const now = done(await lookUpRun(office, run));
    return now.state === 'running' ? null : now;
  }, 10_000);
}

/** The ids in a table, in order. */
export async function ids(app: TestDatabase, table: string): Promise<readonly number[]> {
  const rows = await app.sql.unsafe<{ id: number }[]>(`SELECT id FROM ${table} ORDER BY id`);
  return rows.map(({ id }) => id);
}

/** A door in front of a server: while it is shut, connections are refused and whoever was inside is thrown out. */
export interface Gate extends AsyncDisposable {
  readonly url: string;
  shut(): Promise<void>;
  open(): Promise<void>;
}

export async function openGate(target: string): Promise<Gate> {
  const to = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const inner = connect(Number(to.port), to.hostname);
    for (const socket of [client, inner]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    client.pipe(inner).pipe(client);
  });
  let port = 0;
  const open = async () => {
    const listening = Promise.withResolvers<void>();
    server.listen(port, '127.0.0.1', () => listening.resolve());
    await listening.promise;
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  };
  const shut = async () => {
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    for (const socket of sockets) socket.destroy();
    await closed.promise;
  };
  await open();
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return { url: url.href, shut, open, [Symbol.asyncDispose]: shut };
}

/** Keep a copy of a database as it is now. @returns puts that copy back in its place, once: a restore */
export async function backUp(database: TestDatabase): Promise<() => Promise<void>> {
  const name = new URL(database.url).pathname.slice(1);
  const copy = `${name}_copy`;
  const admin = async (work: (sql: postgres.Sql) => Promise<unknown>) => {
    const sql = postgres(await adminUrl(), { max: 1, onnotice: () => {} });
    try {
      await work(sql);
    } finally {
      await sql.end({ timeout: 5 });
    }
  };
  const throwOut = (sql: postgres.Sql) =>
    sql`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = ${name}`;
  await admin(async (sql) => {
    await throwOut(sql);
    await sql`CREATE DATABASE ${sql(copy)} TEMPLATE ${sql(name)}`;
  });
  return () =>
    admin(async (sql) => {
      await sql`DROP DATABASE ${sql(name)} WITH (FORCE)`;
      await sql`ALTER DATABASE ${sql(copy)} RENAME TO ${sql(name)}`;
    });
}
