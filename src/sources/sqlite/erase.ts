import type { BatchResult } from '../../disposition/batch.ts';
import type { EraseOrder } from '../sql/erase.ts';
import { freeConditions } from '../sql/held.ts';
import { refuseErasureBehind } from '../sql/refusals.ts';
import { bound, type SqliteConnection } from './connection.ts';
import { sqliteDialect } from './dialect.ts';
import { destroyRows, maskRows } from './going.ts';
import { installJournal, readEpoch, readHeldGroups, readJournal, writeJournal } from './journal.ts';

/**
 * Destroy or mask the named rows that nothing holds, in one transaction with its journal row, under the same predicates as
 * a purge. Rows that became held since the preview are left.
 */
export async function eraseRows(
  connection: SqliteConnection,
  order: EraseOrder,
  act: 'destroy' | 'mask',
  knownEpoch: number,
): Promise<BatchResult> {
  await installJournal(connection);
  const dataset = connection.dataset(order.dataset);
  const shape = await connection.shape();
  const { condition, parameters } = sqliteDialect.among(
    dataset,
    shape.types.get(dataset.id) ?? {},
    dataset.key,
    order.rows.map((row) => row.key),
    't',
  );
  return await connection.transaction('batch', async (tx): Promise<BatchResult> => {
    const done = await readJournal(tx, order.batch);
    if (done) return { kind: 'batch', ...done };
    const epoch = await readEpoch(tx);
    if (epoch === null || epoch < knownEpoch) return refuseErasureBehind(connection.source.name);
    const groups = await readHeldGroups(tx);
    const free = freeConditions(shape, dataset, groups, null, act);
    const where = [condition, ...free].join(' AND ');
    const values = bound(parameters);
    const erased =
      act === 'destroy'
        ? await destroyRows(tx, shape, dataset, where, values, order)
        : await maskRows(tx, shape, dataset, where, values, order);
    const { batch, request, seq, policy } = order;
    const written = await writeJournal(tx, {
      batch,
      run: request,
      dataset: dataset.id,
      seq,
      act,
      policy,
      epoch,
      cutoff: null,
      upTo: null,
      ...erased,
    });
    return { kind: 'batch', ...written };
  });
}
