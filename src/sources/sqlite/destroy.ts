import type { BatchOrder, BatchResult } from '../../disposition/batch.ts';
import type { BatchSurroundings } from '../source.ts';
import { typeOf } from '../sql/dialect.ts';
import { freeConditions } from '../sql/held.ts';
import { refuseBehind, refuseForgotten, refuseTimeless } from '../sql/refusals.ts';
import { dueConditions } from '../sql/select.ts';
import type { SqliteConnection } from './connection.ts';
import { sqliteDialect } from './dialect.ts';
import { destroyRows, maskRows } from './going.ts';
import { readEpoch, readHeldGroups, readJournal, writeJournal } from './journal.ts';
import type { RemoteSession } from './sessions.ts';
import { formOf, literal, name, table } from './words.ts';

async function missingHold(tx: RemoteSession, holds: readonly string[]): Promise<string | null> {
  const [row] = await tx.all<{ id: string }>(
    `SELECT value AS id FROM json_each(:holds)
     WHERE value NOT IN (SELECT hold FROM main.muniment_held) ORDER BY value LIMIT 1`,
    { holds: JSON.stringify(holds) },
  );
  return row?.id ?? null;
}

/** A time as the column has it, as a constant to compare it with. */
function storedTime(stored: string, type: string): string {
  if (formOf(type) === 'text') return literal(stored);
  const number = Number(stored);
  if (!Number.isFinite(number)) throw new Error('what a batch went up to is no number');
  return stored;
}

/**
 * Destroy one batch: the next slice of time with about `order.rows` due rows. One transaction that has the file's right to
 * write from its beginning, as a hold's has: the epoch, what is held, the deletion with its commitments, the journal row.
 * A batch that already happened is answered from the journal and nothing is touched, so trying again after a crash is
 * always safe. `from` is where the last batch ended (what the time column holds), so that held rows are not read again.
 * @returns the journal row; or `nothing_due`; or a refusal, and then nothing was destroyed
 */
export async function destroyBatch(
  connection: SqliteConnection,
  order: BatchOrder,
  { knownEpoch, from, mustHold }: Pick<BatchSurroundings, 'knownEpoch' | 'from' | 'mustHold'>,
): Promise<BatchResult> {
  const dataset = connection.dataset(order.dataset);
  const shape = await connection.shape();
  const types = shape.types.get(dataset.id);
  if (!types || dataset.time === null || !sqliteDialect.isTimeType(typeOf(types, dataset.time)))
    return refuseTimeless(dataset.id);
  const [time, type] = [`t.${name(dataset.time)}`, typeOf(types, dataset.time)];
  const { cutoff } = order.due;
  const due = [sqliteDialect.isBefore(time, type, cutoff), ...dueConditions(shape, dataset, 't', order.due)];
  return await connection.transaction('batch', async (tx): Promise<BatchResult> => {
    const done = await readJournal(tx, order.batch);
    if (done) return { kind: 'batch', ...done };
    const epoch = await readEpoch(tx);
    if (epoch === null || epoch < knownEpoch) return refuseBehind(connection.source.name, epoch, knownEpoch);
    const missing = await missingHold(tx, mustHold);
    if (missing !== null) return refuseForgotten(connection.source.name, missing);
    const free = freeConditions(shape, dataset, await readHeldGroups(tx), order.due);
    // Behind `from` nothing free was left a moment ago: rows under hold are looked at once a run, not once a batch.
    const after = from === null ? [] : [`${time} > ${storedTime(from, type)}`];
    const [first] = await tx.all<{ at: string }>(
      `SELECT CAST(${time} AS TEXT) AS at FROM ${table(dataset)} t WHERE ${[...due, ...after, ...free].join(' AND ')} ORDER BY ${time} LIMIT 1`,
    );
    if (!first) return { kind: 'nothing_due' };
    const low = `${time} >= ${storedTime(first.at, type)}`;
    const [last] = await tx.all<{ at: string }>(
      `SELECT CAST(${time} AS TEXT) AS at FROM ${table(dataset)} t WHERE ${[low, ...due].join(' AND ')} ORDER BY ${time} LIMIT 1 OFFSET :skipped`,
      { skipped: order.rows - 1 },
    );
    const high = last ? [`${time} <= ${storedTime(last.at, type)}`] : [];
    const condition = [low, ...high, ...due, ...free].join(' AND ');
    const { act } = order.due;
    const destroyed =
      act === 'mask'
        ? await maskRows(tx, shape, dataset, condition, {}, order)
        : await destroyRows(tx, shape, dataset, condition, {}, order);
    const written = await writeJournal(tx, {
      batch: order.batch,
      run: order.run,
      dataset: dataset.id,
      seq: order.seq,
      policy: order.policy,
      ...destroyed,
      act,
      cutoff,
      epoch,
      upTo: last?.at ?? null,
    });
    return { kind: 'batch', ...written };
  });
}
