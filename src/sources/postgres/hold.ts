import type postgres from 'postgres';
import { sha256Stream, toHex } from '../../core/hash.ts';
import type { Coverage, HoldClause } from '../../disposition/hold.ts';
import type { Census } from '../../disposition/run.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import { lockSpace, type SqlConnection } from './connection.ts';
import { name, table, timeConstant, typeOf } from './dialect.ts';
import { blockedByChildren, type HeldGroups, heldConditions, type SourceShape } from './held.ts';
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
    const groups = await readHeldGroups(tx, hold);
    const coverage: Coverage[] = [];
    for (const dataset of connection.source.datasets) coverage.push(await cover(tx, shape, dataset, groups, hold));
    return { epoch: (await readEpoch(tx)) ?? 0, coverage };
  });
}

/** Take a released hold out of the source. The epoch rises: a release is a change of what is held, too. */
export async function liftHold(connection: SqlConnection, hold: string): Promise<number> {
  return await connection.sql.begin(isolation, async (tx) => {
    await lockExclusive(tx, connection);
    const gone = await tx`DELETE FROM muniment.held WHERE hold = ${hold}`;
    if (gone.count > 0) await tx`UPDATE muniment.state SET epoch = epoch + 1`;
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

/** What of one dataset a hold covers now: the count, and a digest over the sorted keys that names exactly which. */
async function cover(
  tx: postgres.TransactionSql,
  shape: SourceShape,
  dataset: TableDataset,
  groups: HeldGroups,
  hold: string,
): Promise<Coverage> {
  const ways = shape.types.has(dataset.id) ? heldConditions(shape, dataset, 't', groups, hold) : [];
  const digest = sha256Stream();
  digest.update(Buffer.from(`${dataset.id}\n`));
  let count = 0;
  if (ways.length > 0) {
    const key = dataset.key.map((column) => `t.${name(column)}::text`).join(` || E'\\x1f' || `);
    const rows = streamWithin<{ d: Uint8Array }>(
      tx,
      `${eachWay(ways, (way) => `SELECT sha256(convert_to(${key}, 'UTF8')) AS d FROM ${table(dataset)} t WHERE ${way}`)} ORDER BY 1`,
      5000,
    );
    for await (const chunk of rows)
      for (const row of chunk) {
        digest.update(row.d);
        count += 1;
      }
  }
  return { dataset: dataset.id, count, root: toHex(digest.digest()) };
}

/**
 * Count one dataset as a cutoff sees it: all, due, due and held (by which hold), due and restricted. The same
 * predicates as the destruction's own, so that a preview and a run cannot disagree on what a hold means.
 */
export async function takeCensus(
  connection: SqlConnection,
  dataset: TableDataset,
  cutoff: Temporal.Instant,
  holds: readonly string[],
): Promise<Census> {
  const shape = await connection.shape();
  const types = shape.types.get(dataset.id);
  if (!types || dataset.time === null)
    throw new Error(`${dataset.id} cannot be counted; the drift check must run first`);
  const groups = (await readEpoch(connection.sql)) === null ? new Map() : await readHeldGroups(connection.sql);
  const due = `t.${name(dataset.time)} < ${timeConstant(cutoff, typeOf(types, dataset.time))}`;
  const children = blockedByChildren(shape, dataset, 't', groups);
  const held = [...heldConditions(shape, dataset, 't', groups), ...children.held];
  // What no condition holds is counted, and what is held is the rest: by NOT EXISTS after NOT EXISTS the planner joins.
  const without = (conditions: readonly string[]) =>
    `(SELECT count(*) FROM ${table(dataset)} t WHERE ${[due, ...conditions.map((condition) => `NOT ${condition}`)].join(' AND ')})`;
  const [row] = await connection.sql.unsafe<{ total: string; due: string; unheld: string; free: string }[]>(
    `SELECT (SELECT count(*) FROM ${table(dataset)}) AS total, ${without([])} AS due,
       ${without(held)} AS unheld, ${without([...held, ...children.restricted])} AS free`,
  );
  if (!row) throw new Error('a count answered no row');
  const unheld = Number(row.unheld);
  const heldBy: Record<string, number> = {};
  if (unheld < Number(row.due))
    for (const hold of holds) {
      const ways = heldConditions(shape, dataset, 't', await readHeldGroups(connection.sql, hold), hold);
      if (ways.length === 0) continue;
      const key = dataset.key.map((column) => `t.${name(column)}`).join(', ');
      const [counted] = await connection.sql.unsafe<{ n: string }[]>(
        `SELECT count(*) AS n FROM (${eachWay(ways, (way) => `SELECT ${key} FROM ${table(dataset)} t WHERE ${due} AND ${way}`)}) u`,
      );
      if (counted && Number(counted.n) > 0) heldBy[hold] = Number(counted.n);
    }
  return {
    dataset: dataset.id,
    total: Number(row.total),
    due: Number(row.due),
    held: Number(row.due) - unheld,
    restricted: unheld - Number(row.free),
    heldBy,
  };
}

/** Rows reached by any of several ways, each once. */
function eachWay(ways: readonly string[], select: (way: string) => string): string {
  return ways.map(select).join(' UNION ');
}

/** Which holds the source has now: what was lost in a restore shows as missing here. */
export async function holdsInPlace(connection: SqlConnection): Promise<ReadonlySet<string>> {
  if ((await readEpoch(connection.sql)) === null) return new Set();
  const rows = await connection.sql<{ hold: string }[]>`SELECT DISTINCT hold FROM muniment.held`;
  return new Set(rows.map((row) => row.hold));
}
