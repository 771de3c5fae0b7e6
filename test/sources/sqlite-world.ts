import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { runUntil } from '../support/crash.ts';
import { atApp, type EngineWorld } from './engine-world.ts';

/** How the application keeps its file, and what it writes into it. */
export interface SqliteWays {
  readonly journal: 'wal' | 'delete';
  readonly types: EngineWorld['types'];
  readonly timeAs: 'text' | 'seconds' | 'milliseconds';
}

export interface SqliteWorld extends EngineWorld {
  readonly file: string;
}

export async function openSqliteWorld({ journal, types, timeAs }: SqliteWays): Promise<SqliteWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'muniment-sqlite-'));
  const file = join(folder, 'the app’s #1?.db');
  const open = () => {
    const database = new DatabaseSync(file, { timeout: 5000, enableForeignKeyConstraints: false });
    // No power goes out in a test, and the application need not wait for the disk.
    database.exec('PRAGMA synchronous = OFF');
    return database;
  };
  const asApplication = <T>(work: (database: DatabaseSync) => T): T => {
    using database = open();
    return work(database);
  };
  asApplication((database) => database.exec(`PRAGMA journal_mode = ${journal}`));
  return {
    file,
    written: { kind: 'sqlite', path: atApp },
    place: file,
    table: (name) => name,
    types,
    writtenTime: timeAs === 'text' ? {} : { timeAs },
    time(instant) {
      const milliseconds = Temporal.Instant.from(instant).epochMilliseconds;
      return timeAs === 'text' ? `'${instant}'` : String(timeAs === 'seconds' ? milliseconds / 1000 : milliseconds);
    },
    run: async (...statements) =>
      asApplication((database) => {
        for (const statement of statements) database.exec(statement.replaceAll('\\\\', '\\'));
      }),
    rows: async (query) =>
      asApplication((database) => {
        const statement = database.prepare(query);
        statement.setReturnArrays(true);
        const rows = statement.all() as unknown as (string | number | null)[][];
        return rows.map((row) => row.map((value) => (value === null ? null : String(value))));
      }),
    journal: 'muniment_journal',
    readOnly: async () => `${pathToFileURL(file).href}?mode=ro`,
    async door() {
      const door = join(folder, 'door');
      symlinkSync(folder, door);
      return {
        place: join(door, 'the app’s #1?.db'),
        shut: async () => unlinkSync(door),
        open: async () => symlinkSync(folder, door),
      };
    },
    async backUp() {
      const copy = join(folder, 'copy.db');
      asApplication((database) => database.prepare('VACUUM INTO ?').run(copy));
      return async () => {
        for (const end of ['-wal', '-shm', '-journal']) rmSync(`${file}${end}`, { force: true });
        renameSync(copy, file);
      };
    },
    killAtCommit: (program, when) =>
      runUntil({ ...program, env: { ...program.env, APP: file } }, { on: 'sqlite', fits: /^COMMIT/, when }),
    async grasp(table, id) {
      const database = open();
      database.exec(`BEGIN IMMEDIATE; UPDATE ${table} SET id = id WHERE id = ${id}`);
      return async () => {
        database.exec('ROLLBACK');
        database.close();
      };
    },
    // SQLite knows nobody who waits: whoever finds the file taken asks again.
    waiting: async () => {},
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
