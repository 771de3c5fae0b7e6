import type postgres from 'postgres';
import type { Coverage, HoldClause } from '../../disposition/hold.ts';
import { cover } from '../sql/count.ts';
import { lockSpace, type SqlConnection } from './connection.ts';
import { renewGuards } from './guard.ts';
import { installJournal, readEpoch, readHeldGroups } from './journal.ts';
import { streamWithin } from './stream.ts';

/**
 * Put a hold in place: the exclusive lock of every dataset of the source, what is held, the next epoch, the count of
 * what it caught. When this returns, no batch that was running can still take a covered record, and none that starts
 * later will. Placing the same hold again adds only what is new (conversations joined since) and is otherwise a no-op.
 * @returns the epoch from which the hold is in force, and per dataset what it covers
 */
export async function placeHold(
  connection: SqlConnection,
  hold: string,
  clauses: readonly HoldClause[],
): Promise<{ epoch: number; coverage: readonly Coverage[] }> {
  await connection.reach();
  await installJournal(connection);
  const shape = await connection.shape();
  return await connection.sql.begin(isolation, async (tx) => {
    await lockExclusive(tx, connection);
    // The hold's own name, on no dataset: that it is in place shows even where it names no record of this source yet.
    const inPlace = { dataset: '', columns: [], values: [], within: null, from: null, to: null };
    let added = 0;
    for (const clause of [inPlace, ...clauses]) {
      const result = await tx`INSERT INTO muniment.held (hold, dataset, cols, vals, within, from_at, to_at)
        VALUES (${hold}, ${clause.dataset}, ${[...clause.columns]}::text[], ${[...clause.values]}::text[],
          ${clause.within ? [...clause.within] : null}::text[], ${clause.from}::text::timestamptz, ${clause.to}::text::timestamptz) ON CONFLICT DO NOTHING`;
      added += result.count;
    }
    if (added > 0) await tx`UPDATE muniment.state SET epoch = epoch + 1`;
    if (added > 0) await renewGuards(tx, connection, shape);
    const groups = await readHeldGroups(tx, hold);
    const coverage: Coverage[] = [];
    for (const dataset of connection.source.datasets)
      coverage.push(await cover((query, most) => streamWithin(tx, query, most), shape, dataset, groups, hold));
    return { epoch: (await readEpoch(tx)) ?? 0, coverage };
  });
}

/** Take a released hold out of the source. The epoch rises: a release is a change of what is held, too. */
export async function liftHold(connection: SqlConnection, hold: string): Promise<number> {
  const shape = await connection.shape();
  return await connection.sql.begin(isolation, async (tx) => {
    await lockExclusive(tx, connection);
    const gone = await tx`DELETE FROM muniment.held WHERE hold = ${hold}`;
    if (gone.count > 0) {
      await tx`UPDATE muniment.state SET epoch = epoch + 1`;
      await renewGuards(tx, connection, shape);
    }
    return (await readEpoch(tx)) ?? 0;
  });
}

/** After a restore: the holds are in place again, and from this epoch on batches are taken again. */
export async function raiseEpoch(connection: SqlConnection, atLeast: number): Promise<void> {
  await connection.sql.begin(isolation, async (tx) => {
    await lockExclusive(tx, connection);
    await tx`UPDATE muniment.state SET epoch = greatest(epoch, ${atLeast})`;
  });
}

/** Whatever the source's default is: a snapshot taken before the lock would count what a batch took meanwhile. */
const isolation = 'ISOLATION LEVEL READ COMMITTED';

async function lockExclusive(tx: postgres.TransactionSql, connection: SqlConnection): Promise<void> {
  await tx.unsafe(`SET LOCAL lock_timeout = '60s'`);
  for (const id of connection.source.datasets.map((dataset) => dataset.id).sort())
    await tx`SELECT pg_advisory_xact_lock(${lockSpace}::int, hashtext(${id}))`;
}

/** Which holds the source has now: what was lost in a restore shows as missing here. */
export async function holdsInPlace(connection: SqlConnection): Promise<ReadonlySet<string>> {
  if ((await readEpoch(connection.sql)) === null) return new Set();
  const rows = await connection.sql<{ hold: string }[]>`SELECT DISTINCT hold FROM muniment.held`;
  return new Set(rows.map((row) => row.hold));
}
