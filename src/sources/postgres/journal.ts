import type postgres from 'postgres';
import type { JournalRow } from '../../disposition/batch.ts';
import type { HeldColumns, HeldGroups } from '../sql/held.ts';
import type { SqlConnection } from './connection.ts';

/**
 * Muniment's own schema in the source: what is held, the hold epoch, and the journal of what went. It lives in the
 * source so that a destruction and its record commit together, and a hold and its epoch are restored together.
 */
const installation = `
CREATE SCHEMA IF NOT EXISTS muniment;
CREATE TABLE IF NOT EXISTS muniment.state (one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL DEFAULT 0);
INSERT INTO muniment.state DEFAULT VALUES ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS muniment.held (
  hold text NOT NULL, dataset text NOT NULL, cols text[] NOT NULL, vals text[] NOT NULL,
  within text[], from_at timestamptz, to_at timestamptz,
  CHECK (cardinality(cols) = cardinality(vals)),
  UNIQUE NULLS NOT DISTINCT (hold, dataset, cols, vals, within, from_at, to_at)
);
CREATE INDEX IF NOT EXISTS held_by_dataset ON muniment.held (dataset, cols);
CREATE TABLE IF NOT EXISTS muniment.journal (
  batch text PRIMARY KEY, run text NOT NULL, dataset text NOT NULL, seq integer NOT NULL,
  act text NOT NULL CHECK (act IN ('destroy', 'mask')),
  counts jsonb NOT NULL, count bigint NOT NULL, leaves bytea NOT NULL, cutoff timestamptz, policy text NOT NULL,
  epoch bigint NOT NULL, destroyed_at timestamptz NOT NULL DEFAULT clock_timestamp(), copied_at timestamptz,
  up_to text,
  UNIQUE (run, dataset, act, seq)
);
CREATE INDEX IF NOT EXISTS journal_not_copied ON muniment.journal (batch) WHERE copied_at IS NULL;
CREATE TABLE IF NOT EXISTS muniment.files_leaving (batch text NOT NULL, path text NOT NULL, PRIMARY KEY (batch, path));
ALTER TABLE muniment.files_leaving ADD COLUMN IF NOT EXISTS dataset text NOT NULL DEFAULT '';
ALTER TABLE muniment.files_leaving DROP CONSTRAINT files_leaving_pkey, ADD PRIMARY KEY (batch, dataset, path);
ALTER TABLE muniment.journal ADD COLUMN IF NOT EXISTS keys bytea NOT NULL DEFAULT '';
`;
// UNIQUE NULLS NOT DISTINCT is PostgreSQL 15 and later; decisions/0006 says why older servers are not supported.

/** Create the schema `muniment` in the source when it is not there. Several at once wait for each other. */
export async function installJournal(connection: SqlConnection): Promise<void> {
  await connection.sql.begin(async (tx) => {
    await tx`SELECT pg_advisory_xact_lock(7165, 0)`;
    const [there] = await tx`SELECT EXISTS (SELECT 1 FROM pg_attribute
      WHERE attrelid = to_regclass('muniment.journal') AND attname = 'keys') AS there`;
    if (!there?.there) await tx.unsafe(installation);
  });
}

/** The hold epoch of the source, or null where Muniment's schema is not there. */
export async function readEpoch(sql: postgres.Sql | postgres.TransactionSql): Promise<number | null> {
  const [installed] = await sql<{ there: boolean }[]>`SELECT to_regclass('muniment.state') IS NOT NULL AS there`;
  if (!installed?.there) return null;
  const [row] = await sql<{ epoch: string }[]>`SELECT epoch FROM muniment.state`;
  return row ? Number(row.epoch) : null;
}

/**
 * The groups of columns that holds name now. Read it under the lock: it must be as new as the deletion's snapshot.
 * @param only of this hold; absent: of all
 */
export async function readHeldGroups(
  sql: postgres.Sql | postgres.TransactionSql,
  only: string | null = null,
): Promise<HeldGroups> {
  const rows = await sql<{ dataset: string; cols: string[]; limited: boolean; dated: boolean; undated: boolean }[]>`
    SELECT dataset, cols, bool_or(within IS NOT NULL) AS limited,
      bool_or(from_at IS NOT NULL OR to_at IS NOT NULL) AS dated,
      bool_or(from_at IS NULL AND to_at IS NULL) AS undated
    FROM muniment.held WHERE ${only}::text IS NULL OR hold = ${only} GROUP BY dataset, cols`;
  const groups = new Map<string, HeldColumns[]>();
  for (const { dataset, cols, limited, dated, undated } of rows)
    groups.set(dataset, [
      ...(groups.get(dataset) ?? []),
      { columns: cols, narrow: limited || dated, ranges: [...(undated ? [false] : []), ...(dated ? [true] : [])] },
    ]);
  return groups;
}

interface JournalColumns {
  batch: string;
  run: string;
  dataset: string;
  seq: number;
  act: JournalRow['act'];
  counts: Record<string, number>;
  count: string;
  leaves: Uint8Array;
  keys: Uint8Array;
  cutoff: string | null;
  policy: string;
  epoch: string;
  destroyed_at: string;
  up_to: string | null;
}

function toJournalRow(row: JournalColumns): JournalRow {
  return {
    batch: row.batch,
    run: row.run,
    dataset: row.dataset,
    seq: row.seq,
    act: row.act,
    counts: row.counts,
    count: Number(row.count),
    leaves: row.leaves,
    keys: row.keys,
    cutoff: row.cutoff === null ? null : Temporal.Instant.from(row.cutoff),
    policy: row.policy,
    epoch: Number(row.epoch),
    way: 'source',
    destroyedAt: Temporal.Instant.from(row.destroyed_at),
  };
}

/** The journal row of one batch and where its slice of time ended (null: at the cutoff), or null when that batch did not happen. */
export async function readJournal(
  sql: postgres.Sql | postgres.TransactionSql,
  batch: string,
): Promise<{ journal: JournalRow; upTo: string | null } | null> {
  const [row] = await sql<JournalColumns[]>`SELECT * FROM muniment.journal WHERE batch = ${batch}`;
  return row ? { journal: toJournalRow(row), upTo: row.up_to } : null;
}

/** Batches that went and are not yet known to be in Muniment's database, oldest first, `most` at a time. */
export async function uncopiedBatches(sql: postgres.Sql, most: number): Promise<readonly JournalRow[]> {
  const rows = await sql<JournalColumns[]>`
    SELECT * FROM muniment.journal WHERE copied_at IS NULL ORDER BY destroyed_at, batch LIMIT ${most}`;
  return rows.map(toJournalRow);
}

/**
 * Say that a batch is in Muniment's database. From here the source keeps the row without its leaves and keys: the proof lives
 * in one place, and the application's database does not grow with what it lost.
 */
export async function markCopied(sql: postgres.Sql, batch: string): Promise<void> {
  await sql`UPDATE muniment.journal SET copied_at = clock_timestamp(), leaves = '', keys = '' WHERE batch = ${batch} AND copied_at IS NULL`;
}
