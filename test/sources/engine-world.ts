import type { DataMap } from '../../src/policy/data-map.ts';
import { resolveSources } from '../../src/policy/sources.ts';
import { sourcesSchema } from '../../src/policy/sources-file.ts';
import { openSources } from '../../src/sources/open.ts';
import type { RecordSource } from '../../src/sources/source.ts';
import type { Ending, Program } from '../support/crash.ts';

/** A database of one engine, with what a test does to it from outside: as its application, its operator, or bad luck. */
export interface EngineWorld extends AsyncDisposable {
  /** What sources.yaml says of the source besides its datasets: its kind, and `atApp` where it is. */
  readonly written: Readonly<Record<string, unknown>>;
  /** What the variable APP says. */
  readonly place: string;
  /** How the data map calls a table, and how a finding of the check does. */
  table(name: string): string;
  /** Types of columns in this engine. */
  readonly types: { readonly int: string; readonly text: string; readonly time: string };
  /** What a dataset with a time says of how it is written, where the engine has no types that do. */
  readonly writtenTime?: Readonly<Record<string, unknown>>;
  /** What a time column holds for this instant (RFC 3339), as a literal. */
  time(instant: string): string;
  /** Run statements as the application. */
  run(...statements: readonly string[]): Promise<void>;
  /** Rows of a query, their values as text. */
  rows(query: string): Promise<readonly (readonly (string | null)[])[]>;
  /** How many rows Muniment's own journal has in the source. */
  readonly journal: string;
  /** Where somebody reaches the database who may only read it. */
  readOnly(): Promise<string>;
  /** Where it is reached through a door that can be shut; shut, nobody comes in and whoever was inside is thrown out. */
  door(): Promise<{ readonly place: string; shut(): Promise<void>; open(): Promise<void> }>;
  /** Keep a copy as it is now. @returns puts it back in its place, once; sources opened before have to be opened again */
  backUp(): Promise<() => Promise<void>>;
  /** Run a program whose variable APP leads here, and kill it where the transaction that wrote the journal ends. */
  killAtCommit(program: Program, when: 'before' | 'after'): Promise<Ending>;
  /**
   * As the application, change this row and end it later: while it is open, whoever wants to destroy the row waits.
   * @returns ends it, leaving the row as it was
   */
  grasp(table: string, id: number): Promise<() => Promise<void>>;
  /** Until so many wait for locks, where the engine can say so. */
  waiting(count: number): Promise<void>;
}

/** The place of a source, as sources.yaml writes it. */
export const atApp = '$\u{7b}APP}';

/** The tables of every conformance test: people, what they said in conversations, and what hangs on it. */
export function tablesOf({ types: { int, text, time } }: EngineWorld): readonly string[] {
  return [
    `CREATE TABLE people (id ${int} NOT NULL PRIMARY KEY, email ${text}, name ${text})`,
    `CREATE TABLE conversations (id ${int} NOT NULL PRIMARY KEY, created_at ${time}, subject ${text})`,
    `CREATE TABLE members (conversation_id ${int} NOT NULL, person_id ${int} NOT NULL, PRIMARY KEY (conversation_id, person_id),
      FOREIGN KEY (conversation_id) REFERENCES conversations (id), FOREIGN KEY (person_id) REFERENCES people (id))`,
    `CREATE TABLE messages (id ${int} NOT NULL PRIMARY KEY, conversation_id ${int}, sender_id ${int}, reply_to ${int},
      sent_at ${time}, body ${text}, FOREIGN KEY (conversation_id) REFERENCES conversations (id),
      FOREIGN KEY (sender_id) REFERENCES people (id), FOREIGN KEY (reply_to) REFERENCES messages (id))`,
    `CREATE TABLE attachments (id ${int} NOT NULL PRIMARY KEY, message_id ${int}, path ${text}, FOREIGN KEY (message_id) REFERENCES messages (id))`,
    `CREATE TABLE reports (id ${int} NOT NULL PRIMARY KEY, message_id ${int}, FOREIGN KEY (message_id) REFERENCES messages (id))`,
    'CREATE INDEX messages_sent_at ON messages (sent_at)',
  ];
}

/** The same tables in the data map. */
export function datasetsOf(world: EngineWorld, files: string): Record<string, Record<string, unknown>> {
  return {
    people: {
      table: world.table('people'),
      key: ['id'],
      identifiers: { email: 'email' },
      fields: {
        name: { category: 'identity.name', mask: 'null' },
        email: { category: 'identity.email', mask: 'fixed' },
      },
      onDispose: { members: 'cascade', messages: 'restrict' },
    },
    conversations: {
      table: world.table('conversations'),
      key: ['id'],
      time: 'created_at',
      ...world.writtenTime,
      fields: { subject: { category: 'communication.content' } },
      onDispose: { members: 'cascade', messages: 'cascade' },
    },
    members: {
      table: world.table('members'),
      key: ['conversation_id', 'person_id'],
      links: { conversation_id: { to: 'conversations.id', member: true }, person_id: { to: 'people.id', owner: true } },
    },
    messages: {
      table: world.table('messages'),
      key: ['id'],
      time: 'sent_at',
      ...world.writtenTime,
      links: {
        conversation_id: { to: 'conversations.id' },
        sender_id: { to: 'people.id', owner: true },
        reply_to: { to: 'messages.id' },
      },
      fields: { body: { category: 'communication.content', text: true, mask: 'fixed' } },
      onDispose: { messages: 'unlink', attachments: 'cascade', reports: 'restrict' },
    },
    attachments: {
      table: world.table('attachments'),
      key: ['id'],
      links: { message_id: { to: 'messages.id' } },
      file: { column: 'path', root: files },
    },
    reports: { table: world.table('reports'), key: ['id'], links: { message_id: { to: 'messages.id' } } },
  };
}

/** What sources.yaml says, as JSON, which is YAML. */
export function sourcesText(world: EngineWorld, datasets: Record<string, Record<string, unknown>>): string {
  return JSON.stringify({ sources: { app: { ...world.written, datasets } } }, null, 2);
}

/** Read what sources.yaml says, with the place of the source put in. @throws Error with the first thing wrong with it */
export function dataMapOf(text: string, place: string): DataMap {
  const { dataMap, issues } = resolveSources(
    sourcesSchema.parse(JSON.parse(text.replaceAll(atApp, JSON.stringify(place).slice(1, -1)))),
  );
  if (issues[0]) throw new Error(`${issues[0].path.join('/')}: ${issues[0].detail}`);
  return dataMap;
}

export function openApp(text: string, place: string): RecordSource {
  const app = openSources(dataMapOf(text, place)).get('app');
  if (!app) throw new Error('there is no source "app"');
  return app;
}
