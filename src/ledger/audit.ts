import { toHex } from '../core/hash.ts';
import { Frontier, leafHash, rootOf } from './merkle.ts';
import { tileWidth } from './tile.ts';

/** An entry as it is stored. */
export interface StoredEntry {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly leafHash: Uint8Array;
}

/** A checkpoint as it is stored or was kept by an auditor. */
export interface KnownRoot {
  readonly size: number;
  readonly root: Uint8Array;
}

export type AuditResult =
  | { readonly ok: true; readonly size: number; readonly root: Uint8Array; readonly checkpoints: number }
  | { readonly ok: false; readonly index: number; readonly reason: string };

/** The stored tile of hashes, as wide as it is; null where there is none. */
export type StoredTile = (level: number, index: number) => Promise<Uint8Array | null>;

type Wrong = Extract<AuditResult, { ok: false }>;
const wrong = (index: number, reason: string): Wrong => ({ ok: false, index, reason });

/**
 * Recompute the whole ledger: every index, every leaf, every hash of every tile, every checkpoint's root. Memory stays
 * flat: the tiles that are being filled, one a level.
 * @param roots in any order; a kept checkpoint among them proves consistency with what was seen then, since the tree is
 *   recomputed through that very size
 * @param storedTile what proofs are made from and foreign tools read: it must be what the entries say
 * @returns the size and root found, or the first index that is wrong and why
 */
export async function auditLedger(
  entries: AsyncIterable<StoredEntry>,
  roots: readonly KnownRoot[],
  storedTile: StoredTile,
): Promise<AuditResult> {
  const ascending = [...roots].sort((a, b) => a.size - b.size);
  const frontier = new Frontier();
  const tiles = new TileAudit(storedTile);
  let next = 0;
  const wrongRoot = (): Wrong | null => {
    for (; next < ascending.length && ascending[next]?.size === frontier.size; next++)
      if (toHex(ascending[next]?.root ?? new Uint8Array()) !== toHex(frontier.root()))
        return wrong(
          Math.max(frontier.size - 1, 0),
          `the checkpoint of size ${frontier.size} has another root: an entry at or before this index was changed`,
        );
    return null;
  };
  const early = wrongRoot();
  if (early) return early;
  for await (const entry of entries) {
    const index = frontier.size;
    if (entry.index < index) return wrong(entry.index, `entry ${entry.index} is there twice`);
    if (entry.index > index) return wrong(index, `entry ${index} is missing: the next one stored is ${entry.index}`);
    const hash = leafHash(entry.bytes);
    if (toHex(hash) !== toHex(entry.leafHash))
      return wrong(index, `entry ${index} is not what its leaf hash was made of`);
    frontier.append(hash);
    const found = (await tiles.append(hash)) ?? wrongRoot();
    if (found) return found;
  }
  const beyond = ascending[next];
  if (beyond)
    return wrong(
      frontier.size,
      `a checkpoint covers ${beyond.size} entries, and only ${frontier.size} are there: the end was cut off`,
    );
  const unlike = await tiles.end();
  if (unlike) return unlike;
  return { ok: true, size: frontier.size, root: frontier.root(), checkpoints: roots.length };
}

/** Fills the tiles anew from the leaves and compares each with the stored one. */
class TileAudit {
  readonly #stored: StoredTile;
  /** By level, the tile being filled. */
  readonly #filling: { index: number; hashes: Uint8Array[] }[] = [];

  constructor(stored: StoredTile) {
    this.#stored = stored;
  }

  async append(hash: Uint8Array, level = 0): Promise<Wrong | null> {
    const tile = this.#filling[level] ?? { index: 0, hashes: [] };
    this.#filling[level] = tile;
    tile.hashes.push(hash);
    if (tile.hashes.length < tileWidth) return null;
    const found = await this.#compare(level, tile);
    const root = rootOf(tile.hashes);
    this.#filling[level] = { index: tile.index + 1, hashes: [] };
    return found ?? this.append(root, level + 1);
  }

  /** The tiles that are not full yet, and that none is stored beyond them. */
  async end(): Promise<Wrong | null> {
    for (const [level, tile] of this.#filling.entries()) {
      const found = await this.#compare(level, tile);
      if (found) return found;
    }
    return (await this.#stored(this.#filling.length, 0)) === null
      ? null
      : wrong(0, `a tile of level ${this.#filling.length} is stored, and the ledger is not that large`);
  }

  async #compare(level: number, { index, hashes }: { index: number; hashes: Uint8Array[] }): Promise<Wrong | null> {
    const stored = (await this.#stored(level, index)) ?? new Uint8Array();
    const spans = tileWidth ** level;
    for (const [at, hash] of hashes.entries())
      if (toHex(stored.subarray(at * hash.length, (at + 1) * hash.length)) !== toHex(hash))
        return wrong(
          (index * tileWidth + at) * spans,
          `hash ${at} of the stored tile ${level}/${index} is not that of the entries`,
        );
    return stored.length === hashes.length * 32
      ? null
      : wrong(
          (index * tileWidth + hashes.length) * spans,
          `the stored tile ${level}/${index} is wider than the ledger is long`,
        );
  }
}
