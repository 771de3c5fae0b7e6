import type postgres from 'postgres';
import type { BatchOrder, BatchResult } from '../../disposition/batch.ts';
import type { Link, TableDataset } from '../../policy/data-map.ts';
import type { BatchSurroundings } from '../source.ts';
import { type SourceShape, typeOf } from '../sql/dialect.ts';
import { freeConditions } from '../sql/held.ts';
import { childLinks, datasetsTouched } from '../sql/links.ts';
import { refuseBehind, refuseForgotten, refuseTimeless } from '../sql/refusals.ts';
import { dueConditions } from '../sql/select.ts';
import { commitmentSql, type HmacPads, hmacPads, keyCommitmentSql } from './commitment.ts';
import { lockSpace, type SqlConnection } from './connection.ts';
import { readEpoch, readHeldGroups, readJournal } from './journal.ts';
import { maskingSql } from './mask.ts';
import { comparablePair, isTimeType, literal, name, table, timeConstant } from './words.ts';

/**
 * Take the batch's locks, each in its own statement and before anything else is read: those of its datasets, shared, and
 * first its own, so that of two who were sent for the same batch the second finds the journal of the first.
 */
export async function lockShared(
  tx: postgres.TransactionSql,
  batch: string,
  datasets: readonly string[],
): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(${lockSpace + 1}::int, hashtext(${batch}))`;
  for (const dataset of datasets)
    await tx`SELECT pg_advisory_xact_lock_shared(${lockSpace}::int, hashtext(${dataset}))`;
}

/**
 * SQL that destroys the rows of `dataset` that meet `condition`, with everything that hangs on them, and answers one
 * row: count per dataset and the sorted commitments. Children go by `= ANY(ARRAY(…))`: a join would read the whole
 * child table for every batch.
 */
export function destructionSql(
  shape: SourceShape,
  dataset: TableDataset,
  condition: string,
  pads: HmacPads,
  batch: string,
): string {
  const ctes: string[] = [];
  const gone: { cte: string; dataset: TableDataset }[] = [];
  const unlinked = new Map<string, { child: TableDataset; links: { columns: readonly string[]; reached: string }[] }>();
  const destroy = (current: TableDataset, where: string, path: ReadonlySet<string>) => {
    const cte = `gone${gone.length}`;
    gone.push({ cte, dataset: current });
    ctes.push(`${cte} AS (DELETE FROM ${table(current)} t WHERE ${where} RETURNING t.*)`);
    for (const { child, link, onDispose } of childLinks(shape.source, current)) {
      if (onDispose === 'restrict') continue;
      const reached = reachedSql(shape, child, link, cte);
      if (onDispose === 'cascade') {
        // The data map has no cascade that comes back; should one slip in, it ends here.
        if (!path.has(child.id)) destroy(child, reached, new Set([...path, child.id]));
      } else {
        const known = unlinked.get(child.id) ?? { child, links: [] };
        known.links.push({ columns: link.columns, reached });
        unlinked.set(child.id, known);
      }
    }
  };
  destroy(dataset, condition, new Set([dataset.id]));
  for (const { child, links } of unlinked.values()) ctes.push(unlinkingSql(child, links, gone, ctes.length));
  const counts = gone
    .map(({ cte, dataset: { id } }) => `SELECT ${literal(id)} AS dataset, count(*) AS n FROM ${cte}`)
    .join(' UNION ALL ');
  const leaves = gone
    .map(({ cte, dataset: { id } }) => `SELECT ${commitmentSql(cte, pads, id)} AS leaf FROM ${cte}`)
    .join(' UNION ALL ');
  const keys = gone
    .map(({ cte, dataset }) => `SELECT ${keyCommitmentSql(cte, pads, dataset)} AS k FROM ${cte}`)
    .join(' UNION ALL ');
  const files = gone
    .flatMap(({ cte, dataset: { id, file } }) =>
      file
        ? [
            `SELECT ${literal(id)} AS dataset, ${name(file.column)}::text AS path FROM ${cte} WHERE ${name(file.column)} <> ''`,
          ]
        : [],
    )
    .join(' UNION ');
  if (files)
    ctes.push(
      `leaving AS (INSERT INTO muniment.files_leaving (batch, dataset, path) SELECT ${literal(batch)}, dataset, path FROM (${files}) f ON CONFLICT DO NOTHING)`,
    );
  return `WITH ${ctes.join(',\n')}
SELECT (SELECT coalesce(jsonb_object_agg(dataset, n), '{}') FROM (SELECT dataset, sum(n) AS n FROM (${counts}) c GROUP BY dataset HAVING sum(n) > 0) s) AS counts,
  (SELECT coalesce(string_agg(leaf, ''::bytea ORDER BY leaf), ''::bytea) FROM (${leaves}) l) AS leaves,
  (SELECT coalesce(string_agg(k, ''::bytea ORDER BY k), ''::bytea) FROM (${keys}) k) AS keys`;
}

/** SQL that is true for a row `t` of `child` whose link leads to a row that just went into `cte`. */
function reachedSql(shape: SourceShape, child: TableDataset, link: Link, cte: string): string {
  const types = shape.types.get(child.id) ?? {};
  const parentTypes = shape.types.get(link.to.dataset) ?? {};
  const pairs = link.columns.map((column, i) => {
    const target = link.to.columns[i] ?? '';
    return comparablePair(`t.${name(column)}`, typeOf(types, column), name(target), typeOf(parentTypes, target));
  });
  const ours = pairs.map(([our]) => our).join(', ');
  const theirs = pairs.map(([, their]) => their).join(', ');
  return pairs.length === 1
    ? `${ours} = ANY(ARRAY(SELECT ${theirs} FROM ${cte}))`
    : `(${ours}) IN (SELECT ${theirs} FROM ${cte})`;
}

/**
 * SQL that empties the links of rows that stay. One statement changes a row once, so all links of a dataset are emptied
 * by one UPDATE, which leaves out the rows that go.
 */
function unlinkingSql(
  child: TableDataset,
  links: readonly { readonly columns: readonly string[]; readonly reached: string }[],
  gone: readonly { readonly cte: string; readonly dataset: TableDataset }[],
  number: number,
): string {
  const columns = [...new Set(links.flatMap((link) => link.columns))];
  const changes = columns.map((column) => {
    const reached = links.filter((link) => link.columns.includes(column)).map((link) => `(${link.reached})`);
    return `${name(column)} = CASE WHEN ${reached.join(' OR ')} THEN NULL ELSE t.${name(column)} END`;
  });
  const going = gone
    .filter(({ dataset }) => dataset.id === child.id)
    .map(({ cte }) => ` AND NOT EXISTS (SELECT 1 FROM ${cte} g WHERE ${sameKey(child)})`);
  const reached = links.map((link) => `(${link.reached})`).join(' OR ');
  return `unlinked${number} AS (UPDATE ${table(child)} t SET ${changes.join(', ')} WHERE (${reached})${going.join('')})`;
}

function sameKey(dataset: TableDataset): string {
  return dataset.key.map((column) => `g.${name(column)} = t.${name(column)}`).join(' AND ');
}

async function missingHold(tx: postgres.TransactionSql, holds: readonly string[]): Promise<string | null> {
  if (holds.length === 0) return null;
  const [row] = await tx<{ id: string }[]>`
    SELECT id FROM unnest(${[...holds]}::text[]) AS id
    WHERE NOT EXISTS (SELECT 1 FROM muniment.held h WHERE h.hold = id) ORDER BY id LIMIT 1`;
  return row?.id ?? null;
}

/**
 * Destroy one batch: the next slice of time with about `order.rows` due rows. One transaction at READ COMMITTED: the
 * locks, the epoch, the deletion with its commitments, the journal row. A batch that already happened is answered from
 * the journal and nothing is touched, so trying again after a crash is always safe.
 * `from` is where the last batch ended (the text of the time column), so that held rows are not read again.
 * @returns the journal row; or `nothing_due`; or a refusal, and then nothing was destroyed
 */
export async function destroyBatch(
  connection: SqlConnection,
  order: BatchOrder,
  { knownEpoch, from, mustHold }: Pick<BatchSurroundings, 'knownEpoch' | 'from' | 'mustHold'>,
): Promise<BatchResult> {
  const dataset = connection.dataset(order.dataset);
  const shape = await connection.shape();
  const types = shape.types.get(dataset.id);
  if (!types || dataset.time === null || !isTimeType(typeOf(types, dataset.time))) return refuseTimeless(dataset.id);
  const time = name(dataset.time);
  const type = typeOf(types, dataset.time);
  const cutoff = timeConstant(order.due.cutoff, type);
  const pads = hmacPads(order.runKey);
  return await connection.sql.begin('ISOLATION LEVEL READ COMMITTED', async (tx): Promise<BatchResult> => {
    await tx.unsafe(`SET LOCAL lock_timeout = '${Math.trunc(order.lockSeconds)}s'`);
    await lockShared(tx, order.batch, datasetsTouched(connection.source, dataset));
    const done = await readJournal(tx, order.batch);
    if (done) return { kind: 'batch', ...done };
    const epoch = await readEpoch(tx);
    if (epoch === null || epoch < knownEpoch) return refuseBehind(connection.source.name, epoch, knownEpoch);
    const missing = await missingHold(tx, mustHold);
    if (missing !== null) return refuseForgotten(connection.source.name, missing);
    const groups = await readHeldGroups(tx);
    const and = (conditions: readonly string[]) => conditions.map((condition) => ` AND ${condition}`).join('');
    const isMasking = order.due.act === 'mask';
    const selected = and(dueConditions(shape, dataset, 't', order.due));
    const spared = `${selected}${and(freeConditions(shape, dataset, groups, order.due))}`;
    // Behind `from` nothing free was left a moment ago: rows under hold are looked at once a run, not once a batch.
    const after = from === null ? '' : ` AND t.${time} > ${literal(from)}::${type}`;
    const [first] = await tx.unsafe<{ t: string | null }[]>(
      `SELECT t.${time}::text AS t FROM ${table(dataset)} t WHERE t.${time} < ${cutoff}${after}${spared} ORDER BY t.${time} LIMIT 1`,
    );
    if (!first?.t) return { kind: 'nothing_due' };
    const low = `${literal(first.t)}::${type}`;
    const [last] = await tx.unsafe<{ t: string }[]>(
      `SELECT s.${time}::text AS t FROM (SELECT t.${time} FROM ${table(dataset)} t WHERE t.${time} >= ${low} AND t.${time} < ${cutoff}${selected} ORDER BY t.${time} OFFSET ${order.rows - 1} LIMIT 1) s`,
    );
    const upTo = last ? `t.${time} <= ${literal(last.t)}::${type}` : `t.${time} < ${cutoff}`;
    const condition = `t.${time} >= ${low} AND ${upTo} AND t.${time} < ${cutoff}${spared}`;
    const [result] = await tx.unsafe<{ counts: Record<string, number>; leaves: Uint8Array; keys: Uint8Array }[]>(
      isMasking
        ? maskingSql(dataset, condition, types, pads, hmacPads(order.pseudonyms))
        : destructionSql(shape, dataset, condition, pads, order.batch),
    );
    if (!result) throw new Error('the destruction answered no row');
    const count = result.leaves.length / 32;
    await tx`INSERT INTO muniment.journal (batch, run, dataset, seq, act, counts, count, leaves, keys, cutoff, policy, epoch, up_to)
      VALUES (${order.batch}, ${order.run}, ${order.dataset}, ${order.seq}, ${order.due.act}, ${tx.json(result.counts)}, ${count}, ${Buffer.from(result.leaves)}, ${Buffer.from(result.keys)},
        ${order.due.cutoff.toString()}::text::timestamptz, ${order.policy}, ${epoch}, ${last?.t ?? null})`;
    const written = await readJournal(tx, order.batch);
    if (!written) throw new Error('the journal row just written is not there');
    return { kind: 'batch', ...written };
  });
}
