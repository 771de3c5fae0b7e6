import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PostgresSource } from '../../src/policy/data-map.ts';
import { sourceFault } from '../../src/sources/fault.ts';
import { connectSource } from '../../src/sources/postgres/connection.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';

let app: TestDatabase;
beforeAll(async () => {
  app = await emptyDatabase();
  await app.sql`CREATE TABLE t (id int)`;
});
afterAll(() => app?.drop());

const source = (): PostgresSource => ({
  kind: 'postgres',
  name: 'app',
  url: app.url,
  datasets: [],
  exempt: {},
  enforceHolds: 'none',
});
const fault = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) => sourceFault(error),
  );

describe('a source is kept waiting no longer than it may be', () => {
  it('by a statement that does not end', async () => {
    const connection = connectSource(source(), { statement: 200, idleTransaction: 60_000 });
    expect(await fault(connection.sql`SELECT pg_sleep(60)`)).toBe('busy');
    expect(await connection.sql`SELECT 1 AS one`).toEqual([{ one: 1 }]);
    await connection.close();
  });

  it('by a transaction in which nothing happens any more: its locks go with it', async () => {
    const connection = connectSource(source(), { statement: 60_000, idleTransaction: 200 });
    const over = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const held = connection.sql.begin(async (tx) => {
      await tx`LOCK TABLE t`;
      locked.resolve();
      await over.promise;
      await tx`SELECT 1`;
    });
    const outcome = fault(held);
    await locked.promise;
    // Ours to have only when the other's lock is gone.
    await app.sql.begin((tx) => tx`LOCK TABLE t`);
    over.resolve();
    expect(await outcome).toBe('unreachable');
    await connection.close();
  });
});
