import type { JournalRow } from '../../disposition/batch.ts';
import type { HeldColumns, HeldGroups } from '../sql/held.ts';
import type { SqliteConnection } from './connection.ts';
import type { RemoteSession } from './sessions.ts';

/** Muniment's own tables in the source's file; no data map names them. */
export const ownTables: ReadonlySet<string> = new Set([
  'muniment_state',
  'muniment_held',
  'muniment_journal',
  'muniment_files_leaving',
]);

/**
 * What is held, the hold epoch, and the journal of what went: in the source's own file, so that a destruction and its record
 * commit together, and a hold and its epoch are restored together. Plain tables: an application with an older SQLite could
 * not open the file any more if its schema had a word in it that came later.
 */
const installation = [
  'CREATE TABLE IF NOT EXISTS main.muniment_state (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL)',
  'INSERT OR IGNORE INTO main.muniment_state VALUES (1, 0)',
  `CREATE TABLE IF NOT EXISTS main.muniment_held (
    hold TEXT NOT NULL, dataset TEXT NOT NULL, cols TEXT NOT NULL, vals TEXT NOT NULL,
    first_value TEXT NOT NULL, first_lower TEXT NOT NULL, within_datasets TEXT, from_at TEXT, to_at TEXT)`,
  `CREATE UNIQUE INDEX IF NOT EXISTS main.muniment_held_once ON muniment_held
    (hold, dataset, cols, vals, coalesce(within_datasets, ''), coalesce(from_at, ''), coalesce(to_at, ''))`,
  'CREATE INDEX IF NOT EXISTS main.muniment_held_by_value ON muniment_held (dataset, cols, first_value)',
  'CREATE INDEX IF NOT EXISTS main.muniment_held_by_lower ON muniment_held (dataset, cols, first_lower)',
  `CREATE TABLE IF NOT EXISTS main.muniment_journal (
    batch TEXT NOT NULL PRIMARY KEY, run TEXT NOT NULL, dataset TEXT NOT NULL, seq INTEGER NOT NULL,
    act TEXT NOT NULL CHECK (act IN ('destroy', 'mask')),
    counts TEXT NOT NULL, count INTEGER NOT NULL, leaves BLOB NOT NULL, keys BLOB NOT NULL, cutoff TEXT, policy TEXT NOT NULL,
    epoch INTEGER NOT NULL, destroyed_at TEXT NOT NULL, copied_at TEXT, up_to TEXT,
    UNIQUE (run, dataset, act, seq))`,
  // Last, and what an installation is known by.
  `CREATE TABLE IF NOT EXISTS main.muniment_files_leaving (
    batch TEXT NOT NULL, dataset TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (batch, dataset, path))`,
];

export async function isInstalled(session: RemoteSession): Promise<boolean> {
  const rows = await session.all(`SELECT 1 AS there FROM main.sqlite_schema WHERE name = 'muniment_files_leaving'`);
  return rows.length > 0;
}

/** Create Muniment's tables in the source when they are not there. Several at once wait for each other. */
export async function installJournal(connection: SqliteConnection): Promise<void> {
  if (await connection.reading(isInstalled)) return;
  await connection.transaction('hold', async (tx) => {
    for (const statement of installation) await tx.run(statement);
  });
}

/** The hold epoch of the source, or null where Muniment's tables are not there. */
export async function readEpoch(session: RemoteSession): Promise<number | null> {
  if (!(await isInstalled(session))) return null;
  const [row] = await session.all<{ epoch: number }>('SELECT epoch FROM main.muniment_state');
  return row?.epoch ?? null;
}

/**
 * The groups of columns that holds name now, none where nothing is installed. Read it in the transaction of the batch.
 * @param only of this hold; absent: of all
 */
export async function readHeldGroups(session: RemoteSession, only: string | null = null): Promise<HeldGroups> {
  const groups = new Map<string, HeldColumns[]>();
  if (!(await isInstalled(session))) return groups;
  const rows = await session.all<{ dataset: string; cols: string; limited: 0 | 1; dated: 0 | 1; undated: 0 | 1 }>(
    `SELECT dataset, cols, max(within_datasets IS NOT NULL) AS limited,
       max(from_at IS NOT NULL OR to_at IS NOT NULL) AS dated, max(from_at IS NULL AND to_at IS NULL) AS undated
     FROM main.muniment_held WHERE :only IS NULL OR hold = :only GROUP BY dataset, cols`,
    { only },
  );
  for (const { dataset, cols, limited, dated, undated } of rows)
    groups.set(dataset, [
      ...(groups.get(dataset) ?? []),
      {
        columns: JSON.parse(cols) as string[],
        narrow: limited === 1 || dated === 1,
        ranges: [...(undated === 1 ? [false] : []), ...(dated === 1 ? [true] : [])],
      },
    ]);
  return groups;
}

interface JournalColumns {
  readonly batch: string;
  readonly run: string;
  readonly dataset: string;
  readonly seq: number;
  readonly act: JournalRow['act'];
  readonly counts: string;
  readonly count: number;
  readonly leaves: Uint8Array;
  readonly keys: Uint8Array;
  readonly cutoff: string | null;
  readonly policy: string;
  readonly epoch: number;
  readonly destroyed_at: string;
  readonly up_to: string | null;
}

function toJournalRow(row: JournalColumns): JournalRow {
  return {
    batch: row.batch,
    run: row.run,
    dataset: row.dataset,
    seq: row.seq,
    act: row.act,
    counts: JSON.parse(row.counts) as Record<string, number>,
    count: row.count,
    leaves: row.leaves,
    keys: row.keys,
    cutoff: row.cutoff === null ? null : Temporal.Instant.from(row.cutoff),
    policy: row.policy,
    epoch: row.epoch,
    way: 'source',
    destroyedAt: Temporal.Instant.from(row.destroyed_at),
  };
}

/** The journal row of one batch and where its slice of time ended (null: at the cutoff), or null when that batch did not happen. */
export async function readJournal(
  session: RemoteSession,
  batch: string,
): Promise<{ journal: JournalRow; upTo: string | null } | null> {
  const [row] = await session.all<JournalColumns>('SELECT * FROM main.muniment_journal WHERE batch = :batch', {
    batch,
  });
  return row ? { journal: toJournalRow(row), upTo: row.up_to } : null;
}

/** What a batch writes down beside what it did. */
export type JournalEntry = Pick<
  JournalRow,
  'batch' | 'run' | 'dataset' | 'seq' | 'act' | 'cutoff' | 'policy' | 'epoch'
> & {
  readonly counts: Readonly<Record<string, number>>;
  /** One a record, 32 bytes each. */
  readonly leaves: readonly Uint8Array[];
  /** One a record that went, 16 bytes each. */
  readonly keys: readonly Uint8Array[];
  readonly upTo: string | null;
};

/** Write a batch into the journal, in the transaction that did it. */
export async function writeJournal(
  tx: RemoteSession,
  entry: JournalEntry,
): Promise<{ journal: JournalRow; upTo: string | null }> {
  const { batch, run, dataset, seq, act, policy, epoch, upTo } = entry;
  await tx.run(
    `INSERT INTO main.muniment_journal (batch, run, dataset, seq, act, counts, count, leaves, keys, cutoff, policy, epoch, destroyed_at, up_to)
     VALUES (:batch, :run, :dataset, :seq, :act, :counts, :count, :leaves, :keys, :cutoff, :policy, :epoch,
       strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), :upTo)`,
    {
      batch,
      run,
      dataset,
      seq,
      act,
      policy,
      epoch,
      upTo,
      counts: JSON.stringify(entry.counts),
      count: entry.leaves.length,
      leaves: Buffer.concat(entry.leaves.toSorted(Buffer.compare)),
      keys: Buffer.concat(entry.keys.toSorted(Buffer.compare)),
      cutoff: entry.cutoff?.toString() ?? null,
    },
  );
  const written = await readJournal(tx, batch);
  if (!written) throw new Error('the journal row just written is not there');
  return written;
}

/** Batches that went and are not yet known to be in Muniment's database, oldest first, `most` at a time. */
export async function uncopiedBatches(session: RemoteSession, most: number): Promise<readonly JournalRow[]> {
  if (!(await isInstalled(session))) return [];
  const rows = await session.all<JournalColumns>(
    'SELECT * FROM main.muniment_journal WHERE copied_at IS NULL ORDER BY destroyed_at, batch LIMIT :most',
    { most },
  );
  return rows.map(toJournalRow);
}

/**
 * Say that a batch is in Muniment's database. From here the source keeps the row without its leaves and keys: the proof lives
 * in one place, and the application's file does not grow with what it lost.
 */
export async function markCopied(connection: SqliteConnection, batch: string): Promise<void> {
  await connection.transaction('batch', (tx) =>
    tx.run(
      `UPDATE main.muniment_journal SET copied_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), leaves = x'', keys = x''
       WHERE batch = :batch AND copied_at IS NULL`,
      { batch },
    ),
  );
}
