import { asc, desc, eq, gte, sql } from 'drizzle-orm';
import type { StoredEntry } from '../ledger/audit.ts';
import { type Checkpoint, formatCheckpoint } from '../ledger/checkpoint.ts';
import { Frontier, nodeHash } from '../ledger/merkle.ts';
import { signNote } from '../ledger/note.ts';
import { type ReadNode, rangeRoot } from '../ledger/proofs.ts';
import { hashAt, hashesAtLevel, tileOfNode, tileWidth } from '../ledger/tile.ts';
import type { Database } from './connect.ts';
import { ledgerCheckpoints, ledgerEntries, ledgerPending } from './schema.ts';

/** Entries get their index this many at a time. */
const entriesPerBatch = 5000;

/** What signs checkpoints: the ledger's name and its Ed25519 key. */
export interface CheckpointSigner {
  readonly origin: string;
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/**
 * Give every waiting entry its gapless index, grow the tree and sign a checkpoint over it. One caller at a time works;
 * others wait for it. Everything of one batch stands or falls together: entries, tiles, checkpoint.
 * @returns the newest checkpoint's note, or null while the ledger is empty
 */
export async function sequenceLedger(
  db: Database,
  signer: CheckpointSigner,
  now: Temporal.Instant,
): Promise<string | null> {
  for (;;) {
    const [waiting] = await db.sql`SELECT 1 FROM ledger_pending LIMIT 1`;
    if (!waiting) return (await newestCheckpoint(db))?.note ?? null;
    await db.orm.transaction(async (tx) => {
      await tx.execute(sql`SELECT pg_advisory_xact_lock(7166)`);
      const rows = await tx.execute<{ first_index: string; leaf_hashes: Uint8Array }>(
        sql`SELECT first_index, leaf_hashes FROM sequence_entries(${entriesPerBatch})`,
      );
      const first = Number(rows[0]?.first_index ?? 0);
      const leaves = new Uint8Array(rows[0]?.leaf_hashes ?? []);
      const added = leaves.length / 32;
      if (added === 0) return;
      const read: ReadNode = cached(async (level, index) => readTile(tx, level, index));
      const frontier = await frontierOf(read, first);
      await checkContinues(tx, first, frontier.root());
      for (let at = 0; at < leaves.length; at += 32) frontier.append(leaves.subarray(at, at + 32));
      await growTiles(tx, first, leaves);
      const root = new Uint8Array(frontier.root());
      const text = formatCheckpoint({ origin: signer.origin, size: first + added, root });
      const note = signNote(text, signer.origin, signer.publicKey, signer.sign);
      await tx.insert(ledgerCheckpoints).values({ size: first + added, root, note, signedAt: now });
    });
  }
}

/**
 * What is signed next must continue what was signed last: a damaged tile would lead to a checkpoint that contradicts
 * the earlier ones, and a signature over that can never be taken back.
 * @throws Error naming the size; nothing was sequenced, the entries still wait
 */
async function checkContinues(tx: Transaction, size: number, root: Uint8Array): Promise<void> {
  if (size === 0) return;
  const [last] = await tx.select().from(ledgerCheckpoints).where(eq(ledgerCheckpoints.size, size));
  if (last && Buffer.compare(last.root, root) === 0) return;
  throw new Error(
    `The ledger's tiles at size ${size} do not agree with its signed checkpoint. Nothing was signed and the new entries wait: run "ledger verify", and restore the tiles from a backup.`,
  );
}

type Transaction = Parameters<Parameters<Database['orm']['transaction']>[0]>[0];
type ReadTile = (level: number, index: number) => Promise<Uint8Array>;

async function readTile(tx: Pick<Transaction, 'execute'>, level: number, index: number): Promise<Uint8Array> {
  const rows = await tx.execute<{ hashes: Uint8Array }>(
    sql`SELECT hashes FROM ledger_tiles WHERE level = ${level} AND index = ${index}`,
  );
  const [row] = rows;
  if (!row) throw new RangeError(`the ledger has no tile ${level}/${index}`);
  return row.hashes;
}

/** Nodes read through tiles, each tile read once. */
function cached(tile: ReadTile): ReadNode {
  const tiles = new Map<string, Promise<Uint8Array>>();
  const read = (level: number, index: number) => {
    const key = `${level}/${index}`;
    const known = tiles.get(key) ?? tile(level, index);
    tiles.set(key, known);
    return known;
  };
  return async (level, index) => {
    const place = tileOfNode(level, index);
    const bytes = await read(place.level, place.index);
    let hashes = Array.from({ length: place.count }, (_, i) => hashAt(bytes, place.first + i));
    while (hashes.length > 1) hashes = pairs(hashes);
    const [hash] = hashes;
    if (!hash) throw new RangeError('the tile is not that wide');
    return hash;
  };
}

function pairs(hashes: readonly Uint8Array[]): Uint8Array[] {
  const parents: Uint8Array[] = [];
  for (let at = 0; at + 1 < hashes.length; at += 2) {
    const [left, right] = [hashes[at], hashes[at + 1]];
    if (left && right) parents.push(nodeHash(left, right));
  }
  return parents;
}

async function frontierOf(read: ReadNode, size: number): Promise<Frontier> {
  const peaks: Uint8Array[] = [];
  let start = 0;
  for (let width = 2 ** Math.floor(Math.log2(Math.max(size, 1))); width >= 1 && start < size; width /= 2)
    if (size - start >= width) {
      peaks.push(await rangeRoot(read, start, start + width));
      start += width;
    }
  return new Frontier(size, peaks);
}

/** Add leaf hashes to the tiles of level 0, and to each level above the roots of the tiles that became full. */
async function growTiles(tx: Transaction, first: number, leaves: Uint8Array): Promise<void> {
  const size = first + leaves.length / 32;
  let hashes = leaves;
  for (let level = 0; hashes.length > 0; level++) {
    const from = hashesAtLevel(first, level);
    await appendHashes(tx, level, from, hashes);
    const fullFrom = Math.floor(from / tileWidth);
    const fullTo = Math.floor(hashesAtLevel(size, level) / tileWidth);
    const above: Uint8Array[] = [];
    // The tiles just written are read back whole: a full one may have begun long before this batch.
    for (let index = fullFrom; index < fullTo; index++) {
      const bytes = await readTile(tx, level, index);
      let row = Array.from({ length: tileWidth }, (_, i) => hashAt(bytes, i));
      while (row.length > 1) row = pairs(row);
      if (row[0]) above.push(row[0]);
    }
    hashes = new Uint8Array(Buffer.concat(above));
  }
}

async function appendHashes(tx: Transaction, level: number, from: number, hashes: Uint8Array): Promise<void> {
  let at = 0;
  for (let place = from; at < hashes.length; ) {
    const index = Math.floor(place / tileWidth);
    const room = tileWidth - (place % tileWidth);
    const part = hashes.subarray(at, at + room * 32);
    await tx.execute(sql`INSERT INTO ledger_tiles (level, index, hashes) VALUES (${level}, ${index}, ${Buffer.from(part)})
      ON CONFLICT (level, index) DO UPDATE SET hashes = ledger_tiles.hashes || excluded.hashes`);
    at += part.length;
    place += part.length / 32;
  }
}

export interface SignedCheckpoint extends Omit<Checkpoint, 'origin'> {
  readonly note: string;
  readonly signedAt: Temporal.Instant;
}

export async function newestCheckpoint(db: Database): Promise<SignedCheckpoint | null> {
  const [row] = await db.orm.select().from(ledgerCheckpoints).orderBy(desc(ledgerCheckpoints.size)).limit(1);
  return row ?? null;
}

/** Every checkpoint's size and root, ascending: what an audit recomputes through. */
export async function allCheckpoints(
  db: Database,
): Promise<readonly { size: number; root: Uint8Array; note: string }[]> {
  return await db.orm
    .select({ size: ledgerCheckpoints.size, root: ledgerCheckpoints.root, note: ledgerCheckpoints.note })
    .from(ledgerCheckpoints)
    .orderBy(asc(ledgerCheckpoints.size));
}

/** Nodes of the stored tree, for proofs. */
export function nodeReader(db: Database): ReadNode {
  return cached((level, index) => readTile(db.orm, level, index));
}

/** A tile as it is stored, however wide; null where there is none. For an audit. */
export async function storedTile(db: Database, level: number, index: number): Promise<Uint8Array | null> {
  const [row] = await db.sql<
    { hashes: Uint8Array }[]
  >`SELECT hashes FROM ledger_tiles WHERE level = ${level} AND index = ${index}`;
  return row?.hashes ?? null;
}

/** The bytes of a tile, or null when the tree is not that large. `width` cuts a partial tile to what was asked for. */
export async function tileBytes(db: Database, level: number, index: number, width: number): Promise<Uint8Array | null> {
  const hashes = await storedTile(db, level, index);
  return hashes && hashes.length >= width * 32 ? hashes.subarray(0, width * 32) : null;
}

/** The exact bytes of entries, for bundles. */
export async function entryRange(db: Database, from: number, count: number): Promise<readonly Uint8Array[]> {
  const rows = await db.orm
    .select({ bytes: ledgerEntries.bytes })
    .from(ledgerEntries)
    .where(gte(ledgerEntries.index, from))
    .orderBy(asc(ledgerEntries.index))
    .limit(count);
  return rows.map((row) => row.bytes);
}

/** Entries newest first, for reading. */
export async function listEntries(
  db: Database,
  limit: number,
  before: number | null,
): Promise<readonly { index: number; bytes: Uint8Array; leafHash: Uint8Array }[]> {
  const rows = await db.sql<{ index: string; bytes: Uint8Array; leaf_hash: Uint8Array }[]>`
    SELECT index, bytes, leaf_hash FROM ledger_entries WHERE ${before}::bigint IS NULL OR index < ${before} ORDER BY index DESC LIMIT ${limit}`;
  return rows.map((row) => ({ index: Number(row.index), bytes: row.bytes, leafHash: row.leaf_hash }));
}

/** All entries in order, streamed, each part by a query of its own: a lost connection is an error, never an early end. */
export async function* streamEntries(db: Database): AsyncGenerator<StoredEntry> {
  for (let after = -1; ; ) {
    const rows = await db.sql<{ index: string; bytes: Uint8Array; leaf_hash: Uint8Array }[]>`
      SELECT index, bytes, leaf_hash FROM ledger_entries WHERE index > ${after} ORDER BY index LIMIT 5000`;
    for (const row of rows) yield { index: Number(row.index), bytes: row.bytes, leafHash: row.leaf_hash };
    const last = rows.at(-1);
    if (!last) return;
    after = Number(last.index);
  }
}

/**
 * The entries of a range of time beneath a size, in order, each part by a query of its own.
 * @param range.from,range.to in the ledger's own form, both included: there the order of text is that of time
 * @param range.incident only the entries of this incident; null: all
 */
export async function* entriesBetween(
  db: Database,
  range: { readonly from: string; readonly to: string; readonly size: number; readonly incident: string | null },
): AsyncGenerator<StoredEntry> {
  for (let after = -1; ; ) {
    const rows = await db.sql<{ index: string; bytes: Uint8Array; leaf_hash: Uint8Array }[]>`
      SELECT index, bytes, leaf_hash FROM (
        SELECT index, bytes, leaf_hash, convert_from(bytes, 'UTF8')::jsonb AS entry FROM ledger_entries
        WHERE index > ${after} AND index < ${range.size}
      ) e
      WHERE entry->>'at' COLLATE "C" BETWEEN ${range.from} AND ${range.to}
        AND (${range.incident}::text IS NULL OR entry->'facts'->>'incident' = ${range.incident})
      ORDER BY index LIMIT 1000`;
    for (const row of rows) yield { index: Number(row.index), bytes: row.bytes, leafHash: row.leaf_hash };
    const last = rows.at(-1);
    if (!last) return;
    after = Number(last.index);
  }
}

export async function pendingCount(db: Database): Promise<number> {
  const rows = await db.orm.select({ count: sql<number>`count(*)::int` }).from(ledgerPending);
  return rows[0]?.count ?? 0;
}
