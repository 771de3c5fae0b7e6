import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readConfig } from '../../../src/config.ts';
import { stopServer } from '../../../src/db/embedded/cluster.ts';
import { startEmbedded } from '../../../src/db/embedded/start.ts';
import { prepareDatabase } from '../../../src/db/migrate.ts';
import { migrateDatabase } from '../../../src/house.ts';

let data: string;
beforeEach(() => {
  data = realpathSync(mkdtempSync(join(tmpdir(), 'muniment-roles-')));
  chmodSync(data, 0o755);
});
afterEach(async () => {
  await stopServer(join(data, 'database', 'cluster'), 0);
  rmSync(data, { recursive: true, force: true, maxRetries: 5 });
});
const log = () => {};

async function ask(url: string, text: string): Promise<readonly postgres.Row[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe(text);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

it('a cluster from before there were roles is taken over at the next start, with all its rows', async () => {
  const before = await startEmbedded({ folder: join(data, 'database'), log });
  await before.ensureDatabase('muniment');
  await prepareDatabase(before.url('muniment'), null);
  await ask(
    before.url('muniment'),
    `INSERT INTO ledger_pending (kind, bytes) VALUES ('test', '\\x01'); CREATE VIEW seen AS SELECT 1 AS one;
     CREATE TYPE mood AS ENUM ('calm'); CREATE SCHEMA other; CREATE TABLE other.rows (id serial, at mood)`,
  );
  await before.stop();

  const config = readConfig({ MUNIMENT_DATA: data });
  expect((await migrateDatabase(config, log)).length).toBeGreaterThan(20);
  expect(await migrateDatabase(config, log)).toEqual([]);

  const now = await startEmbedded({ folder: join(data, 'database'), log });
  const left = await ask(
    now.url('muniment'),
    `SELECT 'relation' AS what, relname AS name FROM pg_class WHERE relowner = 10 AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'pgboss', 'other'))
     UNION ALL SELECT 'routine', proname FROM pg_proc WHERE proowner = 10 AND pronamespace::regnamespace::text IN ('public', 'pgboss')
     UNION ALL SELECT 'type', typname FROM pg_type WHERE typowner = 10 AND typnamespace::regnamespace::text IN ('public', 'pgboss', 'other')
     UNION ALL SELECT 'schema', nspname FROM pg_namespace WHERE nspowner = 10 AND nspname IN ('pgboss', 'other')
     UNION ALL SELECT 'database', datname FROM pg_database WHERE datdba = 10 AND datname = 'muniment'`,
  );
  expect(left).toEqual([]);
  const service = now.url('muniment', 'muniment_service');
  expect(await ask(service, 'SELECT kind FROM ledger_pending')).toEqual([{ kind: 'test' }]);
  await expect(ask(service, 'DELETE FROM ledger_pending')).rejects.toMatchObject({ code: '42501' });
  await expect(ask(service, 'ALTER TABLE ledger_entries DISABLE TRIGGER ALL')).rejects.toMatchObject({ code: '42501' });
  // Each password opens its own role only.
  for (const [from, to] of [
    ['muniment_service', 'muniment_owner'],
    ['muniment_service', 'muniment'],
    ['muniment_owner', 'muniment'],
  ] as const) {
    const url = new URL(now.url('muniment', from));
    url.username = to;
    await expect(ask(url.href, 'SELECT 1'), `${from} as ${to}`).rejects.toMatchObject({ code: '28P01' });
  }
  await now.stop();
});
