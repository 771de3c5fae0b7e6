import { refuse } from '../../core/refusal.ts';
import type { BatchResult } from '../../disposition/batch.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import { typeOf } from '../sql/dialect.ts';
import type { EraseOrder } from '../sql/erase.ts';
import { heldPredicate } from '../sql/held.ts';
import { datasetsTouched } from '../sql/links.ts';
import type { SqlConnection } from './connection.ts';
import { commitmentSql, destructionSql, freeConditions, hmacPads, lockShared } from './destroy.ts';
import { among, name, table } from './dialect.ts';
import { installJournal, readEpoch, readHeldGroups, readJournal } from './journal.ts';

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
    if (epoch === null || epoch < knownEpoch)
      return refuse(
        'hold_epoch_behind',
        `Source ${connection.source.name} was restored to a state before the holds Muniment knows. Nothing was erased; place the holds again first.`,
        { source: connection.source.name },
      );
    const groups = await readHeldGroups(tx);
    const own = heldPredicate(shape, dataset, 't', groups);
    const conditions = act === 'destroy' ? freeConditions(shape, dataset, groups, null) : own ? [`NOT ${own}`] : [];
    const where = [condition, ...conditions].join(' AND ');
    const statement =
      act === 'destroy'
        ? destructionSql(shape, dataset, where, pads, order.batch)
        : maskingSql(dataset, where, pads, types);
    const [result] = await tx.unsafe<{ counts: Record<string, number>; leaves: Uint8Array }[]>(statement, [
      ...parameters,
    ] as string[][]);
    if (!result) throw new Error('the erasure answered no row');
    await tx`INSERT INTO muniment.journal (batch, run, dataset, seq, act, counts, count, leaves, cutoff, policy, epoch)
      VALUES (${order.batch}, ${order.request}, ${order.dataset}, ${order.seq}, ${act}, ${tx.json(result.counts)},
        ${result.leaves.length / 32}, ${Buffer.from(result.leaves)}, NULL, ${order.policy}, ${epoch})`;
    const written = await readJournal(tx, order.batch);
    if (!written) throw new Error('the journal row just written is not there');
    return { kind: 'batch', ...written };
  });
}

/** Replace what the data map says to mask; the commitments are to the rows as they were before. */
function maskingSql(
  dataset: TableDataset,
  where: string,
  pads: { inner: string; outer: string },
  types: Readonly<Record<string, string>>,
): string {
  const changes = Object.entries(dataset.fields).flatMap(([column, field]) =>
    field.mask === null ? [] : [`${name(column)} = ${maskValue(column, field.mask, dataset, types)}`],
  );
  const keys = dataset.key.map((column) => `t.${name(column)} = before.${name(column)}`).join(' AND ');
  return `WITH before AS (SELECT * FROM ${table(dataset)} t WHERE ${where} FOR UPDATE),
masked AS (UPDATE ${table(dataset)} t SET ${changes.join(', ')} FROM before WHERE ${keys} RETURNING 1)
SELECT jsonb_build_object('${dataset.id.replaceAll("'", "''")}', (SELECT count(*) FROM masked)) AS counts,
  (SELECT coalesce(string_agg(leaf, ''::bytea ORDER BY leaf), ''::bytea) FROM (SELECT ${commitmentSql('before', pads, dataset.id)} AS leaf FROM before) l) AS leaves`;
}

/** "fixed" says openly that something was removed; where the key must stay unique the row's key is part of it. */
function maskValue(
  column: string,
  mask: 'null' | 'fixed',
  dataset: TableDataset,
  types: Readonly<Record<string, string>>,
): string {
  if (mask === 'null') return 'NULL';
  const type = typeOf(types, column);
  const key = dataset.key.map((keyColumn) => `t.${name(keyColumn)}::text`).join(` || '-' || `);
  return `('erased-' || ${key})::${type}`;
}
