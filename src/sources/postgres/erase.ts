import type { BatchResult } from '../../disposition/batch.ts';
import type { EraseOrder } from '../sql/erase.ts';
import { freeConditions } from '../sql/held.ts';
import { datasetsTouched } from '../sql/links.ts';
import { refuseErasureBehind } from '../sql/refusals.ts';
import { hmacPads } from './commitment.ts';
import type { SqlConnection } from './connection.ts';
import { destructionSql, lockShared } from './destroy.ts';
import { installJournal, readEpoch, readHeldGroups, readJournal } from './journal.ts';
import { maskingSql } from './mask.ts';
import { among } from './words.ts';

/**
 * Destroy or mask the named rows that nothing holds, in one transaction with its journal row, under the same locks and
 * predicates as a purge. Rows that became held since the preview are left.
 */
export async function eraseRows(
  connection: SqlConnection,
  order: EraseOrder,
  act: 'destroy' | 'mask',
  knownEpoch: number,
): Promise<BatchResult> {
  await installJournal(connection);
  const dataset = connection.dataset(order.dataset);
  const shape = await connection.shape();
  const types = shape.types.get(dataset.id) ?? {};
  const pads = hmacPads(order.runKey);
  const { condition, parameters } = among(
    dataset,
    types,
    dataset.key,
    order.rows.map((row) => row.key),
    't',
  );
  return await connection.sql.begin('ISOLATION LEVEL READ COMMITTED', async (tx): Promise<BatchResult> => {
    await tx.unsafe(`SET LOCAL lock_timeout = '10s'`);
    await lockShared(tx, order.batch, datasetsTouched(connection.source, dataset));
    const done = await readJournal(tx, order.batch);
    if (done) return { kind: 'batch', ...done };
    const epoch = await readEpoch(tx);
    if (epoch === null || epoch < knownEpoch) return refuseErasureBehind(connection.source.name);
    const groups = await readHeldGroups(tx);
    const conditions = freeConditions(shape, dataset, groups, null, act);
    const where = [condition, ...conditions].join(' AND ');
    const statement =
      act === 'destroy'
        ? destructionSql(shape, dataset, where, pads, order.batch)
        : maskingSql(dataset, where, types, pads, hmacPads(order.pseudonyms));
    const [result] = await tx.unsafe<{ counts: Record<string, number>; leaves: Uint8Array; keys: Uint8Array }[]>(
      statement,
      [...parameters] as string[][],
    );
    if (!result) throw new Error('the erasure answered no row');
    await tx`INSERT INTO muniment.journal (batch, run, dataset, seq, act, counts, count, leaves, keys, cutoff, policy, epoch)
      VALUES (${order.batch}, ${order.request}, ${order.dataset}, ${order.seq}, ${act}, ${tx.json(result.counts)},
        ${result.leaves.length / 32}, ${Buffer.from(result.leaves)}, ${Buffer.from(result.keys)}, NULL, ${order.policy}, ${epoch})`;
    const written = await readJournal(tx, order.batch);
    if (!written) throw new Error('the journal row just written is not there');
    return { kind: 'batch', ...written };
  });
}
