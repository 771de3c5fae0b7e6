import type { Coverage, HoldClause } from '../../disposition/hold.ts';
import { cover } from '../sql/count.ts';
import { type SqliteConnection, streamWithin } from './connection.ts';
import { columnsText } from './dialect.ts';
import { installJournal, isInstalled, readEpoch, readHeldGroups } from './journal.ts';
import type { RemoteSession } from './sessions.ts';
import { utcOf } from './times.ts';

/**
 * Put a hold in place: what is held, the next epoch, the count of what it caught, in one transaction that has the file's
 * right to write from its beginning. When this returns, no batch that was running can still take a covered record, and
 * none that starts later will. Placing the same hold again adds only what is new and is otherwise a no-op.
 * @returns the epoch from which the hold is in force, and per dataset what it covers
 */
export async function placeHold(
  connection: SqliteConnection,
  hold: string,
  clauses: readonly HoldClause[],
): Promise<{ epoch: number; coverage: readonly Coverage[] }> {
  await installJournal(connection);
  const shape = await connection.shape();
  // The hold's own name, on no dataset: that it is in place shows even where it names no record of this source yet.
  const inPlace: HoldClause = { dataset: '', columns: [], values: [], within: null, from: null, to: null };
  const rows = [inPlace, ...clauses].map(({ dataset, columns, values, within, from, to }) => ({
    dataset,
    cols: columnsText(columns),
    vals: JSON.stringify(values),
    first: values[0] ?? '',
    within: within === null ? null : JSON.stringify(within),
    from: from === null ? null : utcOf(from),
    to: to === null ? null : utcOf(to),
  }));
  return await connection.transaction('hold', async (tx) => {
    const added = await tx.run(
      `INSERT OR IGNORE INTO main.muniment_held
         (hold, dataset, cols, vals, first_value, first_lower, within_datasets, from_at, to_at)
       SELECT :hold, value ->> 'dataset', value ->> 'cols', value ->> 'vals', value ->> 'first',
         muniment_lower(value ->> 'first'), value ->> 'within', value ->> 'from', value ->> 'to' FROM json_each(:rows)`,
      { hold, rows: JSON.stringify(rows) },
    );
    if (added > 0) await raise(tx);
    const groups = await readHeldGroups(tx, hold);
    const coverage: Coverage[] = [];
    for (const dataset of connection.source.datasets)
      coverage.push(await cover((query, most) => streamWithin(tx, query, most), shape, dataset, groups, hold));
    return { epoch: (await readEpoch(tx)) ?? 0, coverage };
  });
}

/** Take a released hold out of the source. The epoch rises: a release is a change of what is held, too. */
export async function liftHold(connection: SqliteConnection, hold: string): Promise<number> {
  await installJournal(connection);
  return await connection.transaction('hold', async (tx) => {
    const gone = await tx.run('DELETE FROM main.muniment_held WHERE hold = :hold', { hold });
    if (gone > 0) await raise(tx);
    return (await readEpoch(tx)) ?? 0;
  });
}

async function raise(tx: RemoteSession): Promise<void> {
  await tx.run('UPDATE main.muniment_state SET epoch = epoch + 1');
}

/** After a restore: the holds are in place again, and from this epoch on batches are taken again. */
export async function raiseEpoch(connection: SqliteConnection, atLeast: number): Promise<void> {
  await connection.transaction('hold', (tx) =>
    tx.run('UPDATE main.muniment_state SET epoch = max(epoch, :atLeast)', { atLeast }),
  );
}

/** Which holds the source has now: what was lost in a restore shows as missing here. */
export async function holdsInPlace(session: RemoteSession): Promise<ReadonlySet<string>> {
  if (!(await isInstalled(session))) return new Set();
  const rows = await session.all<{ hold: string }>('SELECT DISTINCT hold FROM main.muniment_held');
  return new Set(rows.map(({ hold }) => hold));
}
