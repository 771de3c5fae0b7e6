import postgres from 'postgres';
import { backUp, openGate } from '../invariants/world.ts';
import { type Program, runUntil } from '../support/crash.ts';
import { emptyDatabase } from '../support/database.ts';
import { waitUntil } from '../support/wait.ts';
import { sourceConformance } from './conformance.ts';
import { atApp, type EngineWorld } from './engine-world.ts';
import { rulesConformance } from './rules-conformance.ts';

sourceConformance('PostgreSQL', openPostgresWorld);
rulesConformance('PostgreSQL', openPostgresWorld);

async function openPostgresWorld(): Promise<EngineWorld> {
  const database = await emptyDatabase();
  // A pool of its own and not the database's: a restore throws everybody out.
  const sql = postgres(database.url, { max: 2, onnotice: () => {} });
  const reader = `${new URL(database.url).pathname.slice(1)}_reader`;
  const doors: AsyncDisposable[] = [];
  return {
    written: { kind: 'postgres', url: atApp },
    place: database.url,
    table: (name) => `public.${name}`,
    types: { int: 'int', text: 'text', time: 'timestamptz' },
    time: (instant) => `'${instant}'`,
    async run(...statements) {
      for (const statement of statements) await sql.unsafe(statement.replaceAll('\\\\', '\\'));
    },
    rows: async (query) =>
      (await sql.unsafe(query).values()).map((row) =>
        (row as (string | number | null)[]).map((value) => (value === null ? null : String(value))),
      ),
    journal: 'muniment.journal',
    async readOnly() {
      await sql.unsafe(`CREATE ROLE ${reader} LOGIN PASSWORD 'reader'; GRANT USAGE ON SCHEMA public, muniment TO ${reader};
        GRANT SELECT ON ALL TABLES IN SCHEMA public, muniment TO ${reader}`);
      const url = new URL(database.url);
      url.username = reader;
      url.password = 'reader';
      return url.href;
    },
    async door() {
      const gate = await openGate(database.url);
      doors.push(gate);
      return { place: gate.url, shut: gate.shut, open: gate.open };
    },
    backUp: () => backUp(database),
    killAtCommit: (program, when) => killAtCommit({ ...program, databases: { APP: database.url } }, when),
    async grasp(table, id) {
      const held = Promise.withResolvers<void>();
      const over = Promise.withResolvers<void>();
      const transaction = sql.begin(async (tx) => {
        await tx.unsafe(`SELECT 1 FROM ${table} WHERE id = ${id} FOR UPDATE`);
        held.resolve();
        await over.promise;
      });
      await held.promise;
      return async () => {
        over.resolve();
        await transaction;
      };
    },
    waiting: (count) =>
      waitUntil(async () => {
        const [row] = await sql`SELECT count(*)::int AS n FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`;
        return row?.n >= count;
      }).then(() => {}),
    async [Symbol.asyncDispose]() {
      for (const door of doors) await door[Symbol.asyncDispose]();
      await sql.unsafe(`DROP OWNED BY ${reader}; DROP ROLE ${reader}`).catch(() => {});
      await sql.end({ timeout: 1 });
      await database.drop();
    },
  };
}

/** The commit that ends the transaction with the journal row, by its number. */
async function killAtCommit(program: Program, when: 'before' | 'after') {
  // The installation of Muniment's schema is there already, so the batch is the program's first and only transaction.
  return runUntil(program, { on: 'statement', fits: /^\s*commit\b/i, nth: 2, when });
}
