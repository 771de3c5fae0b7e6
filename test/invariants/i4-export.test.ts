import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { guardTransactions } from '../../src/core/lost-connections.ts';
import { collectExport } from '../../src/flows/collect-export.ts';
import { lookUpExport } from '../../src/flows/look-up.ts';
import { requestExport } from '../../src/flows/request-export.ts';
import { streamRows } from '../../src/sources/postgres/stream.ts';
import { emptyDatabase } from '../support/database.ts';
import { waitUntil } from '../support/wait.ts';
import { done, officer, openWorld, type World } from './world.ts';

const endBackends = (world: World) =>
  world.app.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'muniment' AND pid <> pg_backend_pid()`;

describe('a connection that is lost in the middle of a stream', () => {
  it('I4 ends it with an error, and never as if that had been all', async () => {
    await using database = await emptyDatabase();
    const sql = guardTransactions(
      postgres(database.url, { max: 2, onnotice: () => {}, connection: { application_name: 'streamer' } }),
      pause,
    );
    try {
      const read = async (afterFirst: () => Promise<unknown>) => {
        let count = 0;
        for await (const part of streamRows(sql, 'SELECT n FROM generate_series(1, 10000) n', 1000)) {
          if (count === 0) await afterFirst();
          count += part.length;
        }
        return count;
      };
      expect(await read(async () => {})).toBe(10_000);
      const end = () =>
        database.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'streamer'`;
      await expect(read(end)).rejects.toThrow();
      // The pool is whole again, and a stream that was left early leaves nothing open.
      for await (const _ of streamRows(sql, 'SELECT 1 FROM generate_series(1, 5000)', 10)) break;
      expect(await read(async () => {})).toBe(10_000);
    } finally {
      await sql.end({ timeout: 1 });
    }
  });

  it('I4 keeps an export from being approved with a part of its records; the next try has all', async () => {
    await using world = await openWorld();
    const { app, office } = world;
    const rows = 60_000;
    await app.sql.unsafe(`INSERT INTO users VALUES (1, 'a@example.com'); INSERT INTO conversations VALUES (1, now(), 's');
      INSERT INTO messages SELECT n, 1, 1, NULL, timestamptz '2026-01-01Z' + n * interval '1 second', 'message ' || n FROM generate_series(1, ${rows}) n`);
    const { id } = done(
      await requestExport(office, officer, {
        purpose: 'certified_export',
        demandId: null,
        requestId: null,
        matter: null,
        scope: { datasets: ['app.messages'] },
        formats: ['csv', 'ndjson'],
        timezone: null,
      }),
    );
    const first = collectExport(office, id).then(
      () => 'ended',
      () => 'failed',
    );
    await waitUntil(async () => (done(await lookUpExport(office, id)).progress?.done ?? 0) > 0);
    await endBackends(world);
    expect(await first).toBe('failed');
    expect(done(await lookUpExport(office, id)).state).toBe('collecting');
    await collectExport(office, id);
    expect(done(await lookUpExport(office, id))).toMatchObject({
      state: 'awaiting_approval',
      rendering: { counts: { matched: rows, included: rows } },
    });
  }, 60_000);
});
