import { createHash } from 'node:crypto';
import { refuse } from '../../core/refusal.ts';
import type { BatchResult } from '../../disposition/batch.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import type { SqlConnection } from './connection.ts';
import { commitmentSql, datasetsTouched, destructionSql, freeConditions, hmacPads, lockShared } from './destroy.ts';
import { name, table, typeOf } from './dialect.ts';
import type { ReachedRow } from './find.ts';
import { anyOf, blockedByChildren, heldConditions, heldPredicate } from './held.ts';
import { installJournal, readEpoch, readHeldGroups, readJournal } from './journal.ts';
import { among, keyText } from './keys.ts';

/** What would become of a person's own rows of one dataset, by key, as things stand now. */
export interface Preview {
  readonly free: readonly ReachedRow[];
  readonly held: readonly ReachedRow[];
  /** Somebody else's row still needs them. */
  readonly restricted: readonly ReachedRow[];
}

/** An order to erase or mask named rows of one dataset; the same batch asked again is answered from the journal. */
export interface EraseOrder {
  readonly batch: string;
  readonly request: string;
  readonly dataset: string;
  readonly seq: number;
  readonly policy: string;
  readonly runKey: Uint8Array;
  readonly rows: readonly ReachedRow[];
}

const chunk = 500;

/** Rows that go before others of the same erasure, by dataset. */
export type Going = ReadonlyMap<string, readonly ReachedRow[]>;

/**
 * Sort rows into free, held and restricted with the very predicates that guard their destruction.
 * @param going what the same erasure destroys before these rows: it restricts them no longer
 */
export async function previewErasure(
  connection: SqlConnection,
  dataset: TableDataset,
  rows: readonly ReachedRow[],
  act: 'destroy' | 'mask',
  going: Going,
): Promise<Preview> {
  const shape = await connection.shape();
  const types = shape.types.get(dataset.id) ?? {};
  const groups = (await readEpoch(connection.sql)) === null ? new Map() : await readHeldGroups(connection.sql);
  const goingKeys: string[][] = [];
  const staying = (child: TableDataset, alias: string): string => {
    const keysOf = (going.get(child.id) ?? []).map(({ key }) => key);
    if (keysOf.length === 0) return '';
    const ours = child.key.map((column) => `${alias}.${name(column)}::text`).join(', ');
    const theirs = child.key.map((_, i) => {
      goingKeys.push(keysOf.map((key) => key[i] ?? ''));
      return `$${dataset.key.length + goingKeys.length}::text[]`;
    });
    return `(${ours}) NOT IN (SELECT * FROM unnest(${theirs.join(', ')}))`;
  };
  const children =
    act === 'destroy' ? blockedByChildren(shape, dataset, 't', groups, staying) : { held: [], restricted: [] };
  const held = anyOf([...heldConditions(shape, dataset, 't', groups), ...children.held]) ?? 'false';
  const restricted = anyOf(children.restricted) ?? 'false';
  const result: { free: ReachedRow[]; held: ReachedRow[]; restricted: ReachedRow[] } = {
    free: [],
    held: [],
    restricted: [],
  };
  const keys = dataset.key.map((column) => `t.${name(column)}::text`).join(', ');
  for (let start = 0; start < rows.length; start += chunk) {
    const part = new Map(rows.slice(start, start + chunk).map((row) => [keyText(row.key), row]));
    const { condition, parameters } = among(
      dataset,
      types,
      dataset.key,
      [...part.values()].map((row) => row.key),
      't',
    );
    const answers = await connection.sql.unsafe<{ key: string[]; held: boolean; restricted: boolean }[]>(
      `SELECT ARRAY[${keys}] AS key, (${held}) AS held, ${restricted} AS restricted
       FROM ${table(dataset)} t WHERE ${condition}`,
      [...parameters, ...goingKeys],
    );
    for (const answer of answers) {
      const row = part.get(keyText(answer.key));
      if (row) result[answer.held ? 'held' : answer.restricted ? 'restricted' : 'free'].push(row);
    }
  }
  return result;
}

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
    await lockShared(tx, order.batch, datasetsTouched(connection, dataset));
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
    const conditions = act === 'destroy' ? freeConditions(shape, dataset, groups) : own ? [`NOT ${own}`] : [];
    const where = [condition, ...conditions].join(' AND ');
    const statement =
      act === 'destroy'
        ? destructionSql(shape, dataset, where, pads, order.batch)
        : maskingSql(dataset, where, pads, types);
    const [result] = await tx.unsafe<{ counts: Record<string, number>; leaves: Uint8Array }[]>(statement, [
      ...parameters,
    ]);
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

/** A digest that names exactly which rows were meant, whatever order they came in. */
export function rowsDigest(dataset: string, rows: readonly ReachedRow[]): string {
  const digest = createHash('sha256').update(`${dataset}\n`);
  for (const key of rows.map((row) => keyText(row.key)).sort()) digest.update(`${key}\n`);
  return digest.digest('hex');
}
