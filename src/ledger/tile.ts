/** Tiles are 256 hashes wide (C2SP tlog-tiles: height 8). */
export const tileWidth = 256;
const hashBytes = 32;

/** One tile: `level` 0 holds leaf hashes, level n the roots of 256^n leaves; `width` below 256 is a partial tile. */
export interface Tile {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** `x001/x234/067` for 1234067: three digits a part, all but the last marked with x. */
function formatIndex(index: number): string {
  const parts: string[] = [];
  let rest = index;
  do {
    parts.unshift(String(rest % 1000).padStart(3, '0'));
    rest = Math.floor(rest / 1000);
  } while (rest > 0);
  return parts.map((part, i) => (i < parts.length - 1 ? `x${part}` : part)).join('/');
}

/** The path of a tile beneath the ledger's prefix. */
export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${formatIndex(index)}${width < tileWidth ? `.p/${width}` : ''}`;
}

/** Read a tile's path; null when it is not exactly how one is written. */
export function parseTilePath(path: string): Tile | null {
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path);
  if (!match) return null;
  const [, level = '', written = '', partial] = match;
  const index = Number(written.replaceAll(/[x/]/g, ''));
  const width = partial === undefined ? tileWidth : Number(partial);
  const tile: Tile = { level: level === 'entries' ? 'entries' : Number(level), index, width };
  if (!Number.isSafeInteger(index) || (partial !== undefined && width >= tileWidth)) return null;
  if (typeof tile.level === 'number' && tile.level > 63) return null;
  return tilePath(tile) === path ? tile : null;
}

/** Where the root of a complete subtree of 2^level leaves stands: in which tile, and how it is made of its hashes. */
export function tileOfNode(
  level: number,
  index: number,
): { level: number; index: number; first: number; count: number } {
  const tileLevel = Math.floor(level / 8);
  const within = level % 8;
  const count = 2 ** within;
  const start = index * count;
  return { level: tileLevel, index: Math.floor(start / tileWidth), first: start % tileWidth, count };
}

/** How many complete hashes stand at a tile level in a tree of `size` leaves. */
export function hashesAtLevel(size: number, level: number): number {
  return Math.floor(size / tileWidth ** level);
}

/** Hash number `at` of a tile's bytes. */
export function hashAt(bytes: Uint8Array, at: number): Uint8Array {
  const hash = bytes.subarray(at * hashBytes, (at + 1) * hashBytes);
  if (hash.length !== hashBytes) throw new RangeError('the tile is not that wide');
  return hash;
}

/**
 * An entry bundle: each entry behind its length in two bytes, big-endian.
 * @throws RangeError when an entry is longer than two bytes can say, or there are more than 256
 */
export function formatEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length > tileWidth || entries.some(({ length }) => length > 0xffff))
    throw new RangeError('a bundle has at most 256 entries of at most 65,535 bytes');
  const bundle = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    bundle[at] = entry.length >> 8;
    bundle[at + 1] = entry.length & 0xff;
    bundle.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bundle;
}

/** Take an entry bundle apart; null when a length lies or there are more than 256 entries. */
export function parseEntryBundle(bundle: Uint8Array): readonly Uint8Array[] | null {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    const length = ((bundle[at] ?? 0) << 8) | (bundle[at + 1] ?? 0);
    if (at + 2 + length > bundle.length || entries.length === tileWidth) return null;
    entries.push(bundle.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}
