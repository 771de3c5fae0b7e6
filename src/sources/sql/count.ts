import { sha256Stream, toHex } from '../../core/hash.ts';
import type { Coverage } from '../../disposition/hold.ts';
import type { Census } from '../../disposition/run.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import type { Due } from '../../policy/due.ts';
import { type SourceShape, type SqlEngine, typeOf } from './dialect.ts';
import { blockedByChildren, type HeldGroups, heldConditions, holdsBeneath } from './held.ts';
import { dueConditions, keptBeneath, selectionSql } from './select.ts';

/**
 * What of one dataset a hold covers now: the count, and a digest over the sorted keys that names exactly which.
 * @param stream reads within the transaction that placed the hold
 */
export async function cover(
  stream: SqlEngine['stream'],
  shape: SourceShape,
  dataset: TableDataset,
  groups: HeldGroups,
  hold: string,
): Promise<Coverage> {
  const types = shape.types.get(dataset.id);
  const ways = types ? heldConditions(shape, dataset, 't', groups, hold) : [];
  const digest = sha256Stream();
  digest.update(Buffer.from(`${dataset.id}\n`));
  let count = 0;
  if (types && ways.length > 0) {
    const { keyDigest, table } = shape.dialect;
    const key = keyDigest(dataset, types, 't');
    const rows = stream<{ d: Uint8Array }>(
      `${eachWay(ways, (way) => `SELECT ${key} AS d FROM ${table(dataset)} t WHERE ${way}`)} ORDER BY 1`,
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
 * Count one dataset as a rule sees it: all that it selects, due, due and held (by which hold), due and restricted. The same
 * predicates as the destruction's own, so that a preview and a run cannot disagree on what a hold means.
 * @param groupsOf what holds name now: one, or (null) any
 */
export async function takeCensus(
  engine: SqlEngine,
  groupsOf: (hold: string | null) => Promise<HeldGroups>,
  dataset: TableDataset,
  asked: Due,
  holds: readonly string[],
): Promise<Census> {
  const shape = await engine.shape();
  const { name, table, isBefore } = engine.dialect;
  const types = shape.types.get(dataset.id);
  if (!types || dataset.time === null)
    throw new Error(`${dataset.id} cannot be counted; the drift check must run first`);
  const groups = await groupsOf(null);
  const selected = selectionSql(shape, dataset, 't', asked.where);
  const due = [
    isBefore(`t.${name(dataset.time)}`, typeOf(types, dataset.time), asked.cutoff),
    ...dueConditions(shape, dataset, 't', asked),
  ].join(' AND ');
  const children =
    asked.act === 'mask'
      ? { held: holdsBeneath(shape, dataset, 't', groups), restricted: [] }
      : blockedByChildren(shape, dataset, 't', groups, undefined, (child, alias) =>
          keptBeneath(shape, child, alias, asked),
        );
  const held = [...heldConditions(shape, dataset, 't', groups), ...children.held];
  // What no condition holds is counted, and what is held is the rest: by NOT EXISTS after NOT EXISTS the planner joins.
  const without = (conditions: readonly string[]) =>
    `(SELECT count(*) FROM ${table(dataset)} t WHERE ${[due, ...conditions.map((condition) => `NOT ${condition}`)].join(' AND ')})`;
  const [row] = await engine.rows<{ total: unknown; due: unknown; unheld: unknown; free: unknown }>(
    `SELECT (SELECT count(*) FROM ${table(dataset)} t WHERE ${selected}) AS total, ${without([])} AS due,
       ${without(held)} AS unheld, ${without([...held, ...children.restricted])} AS free`,
  );
  if (!row) throw new Error('a count answered no row');
  const unheld = Number(row.unheld);
  const heldBy: Record<string, number> = {};
  if (unheld < Number(row.due))
    for (const hold of holds) {
      const ways = heldConditions(shape, dataset, 't', await groupsOf(hold), hold);
      if (ways.length === 0) continue;
      const key = dataset.key.map((column) => `t.${name(column)}`).join(', ');
      const [counted] = await engine.rows<{ n: unknown }>(
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
