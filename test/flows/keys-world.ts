import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { countWrapped } from '../../src/db/keys.ts';
import { claimIdempotencyKey, keepIdempotentAnswer } from '../../src/db/settings.ts';
import { openVault } from '../../src/db/vault.ts';
import type { Office } from '../../src/flows/office.ts';
import { type House, openHouse } from '../../src/house.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';

/** A database and a data folder whose master key is a file as earlier releases wrote it, with one of all it wraps. */
export interface KeysWorld extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly folder: string;
  readonly keyFile: string;
  readonly env: Readonly<Record<string, string>>;
  /** A process of Muniment on them. Without `masterKey` it reads the file. */
  open(at: string, masterKey?: string): Promise<House>;
}

export const begun = '2026-11-27T09:30:00Z';
export const formerKey = 'ab'.repeat(32);
const cases = ['case_1', 'case_2', 'case_3'];
const runKey = new Uint8Array(32).fill(7);
const erased = { request: 'req_1', rows: [{ dataset: 'app.messages', act: 'destroy', keys: [['1']] }] } as const;

export async function openKeysWorld(): Promise<KeysWorld> {
  const database = await testDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'muniment-keys-'));
  const keyFile = join(folder, 'master.key');
  writeFileSync(keyFile, `${formerKey}\n`, { mode: 0o600 });
  const env = {
    DATABASE_URL: database.url,
    MUNIMENT_DATA: folder,
    MUNIMENT_POLICIES: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    MUNIMENT_MASTER_KEY: '',
    APP: 'postgres://nobody@127.0.0.1:1/nothing',
  };
  const open = (at: string, masterKey = '') =>
    openHouse(readConfig({ ...env, MUNIMENT_MASTER_KEY: masterKey }), {
      demo: false,
      publicUrl: 'http://localhost:3000',
      log: () => {},
      report: () => {},
      now: () => Temporal.Instant.from(at),
    });
  return { database, folder, keyFile, env, open, [Symbol.asyncDispose]: () => database.drop() };
}

/** What master keys wrap, one or more of each kind, and a line of the list of erasures. */
export async function fillOffice({ store, erasures, now }: Office): Promise<ReadonlyMap<string, Uint8Array>> {
  const sealed = new Map<string, Uint8Array>();
  for (const id of cases) {
    await store.vault.newCase(id, now());
    sealed.set(id, await store.vault.seal(id, { said: id }));
  }
  for (const id of ['run_1', 'run_2'])
    await store.db
      .sql`INSERT INTO disposition_runs (id, state, dry_run, policy, planned_at, started_by, approval_reasons, cutoffs, run_key)
      VALUES (${id}, 'completed', false, '', now(), '', '[]', '{}', ${store.vault.wrap(runKey, `run:${id}`)})`;
  await claimIdempotencyKey(store, 'act_1', 'k-1', 'print', now());
  await keepIdempotentAnswer(store, 'act_1', 'k-1', 201, '{"said":"answer"}');
  await erasures.begin({ ...erased, at: now() });
  return sealed;
}

/**
 * All of that opens, for a process that has nothing in its memory yet.
 * @param hasAnswer whether it is the day of the kept answer still
 */
export async function expectOpens(
  office: Office,
  sealed: ReadonlyMap<string, Uint8Array>,
  where: string,
  hasAnswer = true,
) {
  const { db, vault } = office.store;
  const fresh = openVault(db, vault.masters);
  for (const [id, bytes] of sealed) expect((await fresh.open(id, bytes)).reveal(), where).toEqual({ said: id });
  for (const row of await db.sql`SELECT id, run_key FROM disposition_runs`)
    expect(fresh.unwrap(row.run_key as Uint8Array, `run:${row.id}`), where).toEqual(Buffer.from(runKey));
  const keys = await db.sql`SELECT kid, wrapped FROM keys WHERE wrapped IS NOT NULL`;
  expect(keys.length, where).toBeGreaterThanOrEqual(5);
  for (const { kid, wrapped } of keys) fresh.unwrap(wrapped as Uint8Array, `key:${kid}`);
  const again = await claimIdempotencyKey(office.store, 'act_1', 'k-1', 'print', Temporal.Instant.from(begun));
  if (hasAnswer) expect(again, where).toEqual({ kind: 'again', status: 201, body: '{"said":"answer"}' });
  expect(await office.erasures.read(), where).toMatchObject([erased]);
}

/** The versions that wrap something. */
export async function wrappers(office: Office): Promise<readonly string[]> {
  return (await countWrapped(office.store.db.orm)).map(({ version }) => version);
}

/** The facts of every entry of a kind, in the order they were written; also those that wait for their place. */
export async function factsOf(database: TestDatabase, kind: string): Promise<readonly Record<string, unknown>[]> {
  const rows = await database.sql<{ facts: Record<string, unknown> }[]>`
    SELECT convert_from(bytes, 'UTF8')::jsonb->'facts' AS facts FROM (
      SELECT bytes, index AS at, 0 AS part FROM ledger_entries WHERE kind = ${kind}
      UNION ALL SELECT bytes, id, 1 FROM ledger_pending WHERE kind = ${kind}) AS all_of_it ORDER BY part, at`;
  return rows.map(({ facts }) => facts);
}
