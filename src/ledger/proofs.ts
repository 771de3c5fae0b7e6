import { nodeHash } from './merkle.ts';

/**
 * Reads the hash of a complete subtree: `level` 0 are leaves, level n spans 2^n of them; `index` counts from the left.
 */
export type ReadNode = (level: number, index: number) => Promise<Uint8Array>;

function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/** The root over the leaves from `start` up to (not including) `end`; `start` is a multiple of the size's power of two. */
export async function rangeRoot(read: ReadNode, start: number, end: number): Promise<Uint8Array> {
  const size = end - start;
  const level = Math.log2(size);
  if (Number.isInteger(level)) return read(level, start / size);
  const left = largestPowerBelow(size);
  return nodeHash(await rangeRoot(read, start, start + left), await rangeRoot(read, start + left, end));
}

/** Proof that leaf `index` is in the tree of `size` leaves (RFC 9162 section 2.1.3.1). @throws RangeError outside of it */
export async function inclusionProof(read: ReadNode, index: number, size: number): Promise<readonly Uint8Array[]> {
  if (!(index >= 0 && index < size)) throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`);
  const path = async (start: number, end: number): Promise<Uint8Array[]> => {
    if (end - start === 1) return [];
    const middle = start + largestPowerBelow(end - start);
    return index < middle
      ? [...(await path(start, middle)), await rangeRoot(read, middle, end)]
      : [...(await path(middle, end)), await rangeRoot(read, start, middle)];
  };
  return path(0, size);
}

/** Proof that the tree of `from` leaves is the beginning of that of `to` (RFC 9162 section 2.1.4.1). */
export async function consistencyProof(read: ReadNode, from: number, to: number): Promise<readonly Uint8Array[]> {
  if (!(from > 0 && from <= to)) throw new RangeError(`a tree of ${to} leaves has no beginning of ${from}`);
  const sub = async (start: number, end: number, whole: boolean): Promise<Uint8Array[]> => {
    if (from === end) return whole ? [] : [await rangeRoot(read, start, end)];
    const middle = start + largestPowerBelow(end - start);
    return from <= middle
      ? [...(await sub(start, middle, whole)), await rangeRoot(read, middle, end)]
      : [...(await sub(middle, end, false)), await rangeRoot(read, start, middle)];
  };
  return sub(0, to, true);
}

const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);
const areHashes = (list: readonly Uint8Array[]) => list.every((hash) => hash.length === 32);

/** Whether the proof shows that this leaf is number `index` in the tree with this root (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(
  claim: { readonly index: number; readonly size: number; readonly leaf: Uint8Array; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  const { index, size, leaf, root } = claim;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  if (!areHashes([leaf, root, ...proof])) return false;
  let node = BigInt(index);
  let last = BigInt(size) - 1n;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0n) return false;
    if (node % 2n === 1n || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2n === 0n && node !== 0n) {
        node /= 2n;
        last /= 2n;
      }
    } else hash = nodeHash(hash, sibling);
    node /= 2n;
    last /= 2n;
  }
  return last === 0n && equal(hash, root);
}

/**
 * Whether the proof shows that the tree of `from` leaves is the beginning of that of `to` (RFC 9162 section 2.1.4.2).
 * An empty tree is the beginning of anything and proves nothing: asking about it is an error, so it is false.
 */
export function verifyConsistency(
  claim: { readonly from: number; readonly to: number; readonly fromRoot: Uint8Array; readonly toRoot: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  const { from, to, fromRoot, toRoot } = claim;
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from <= 0 || from > to) return false;
  // Two trees of one size are one tree: its roots are compared as they are, whatever hash made them.
  if (from === to) return proof.length === 0 && fromRoot.length > 0 && equal(fromRoot, toRoot);
  if (!areHashes([fromRoot, toRoot, ...proof])) return false;
  const path = Number.isInteger(Math.log2(from)) ? [fromRoot, ...proof] : [...proof];
  const [first, ...rest] = path;
  if (!first || proof.length === 0) return false;
  let node = BigInt(from) - 1n;
  let last = BigInt(to) - 1n;
  while (node % 2n === 1n) {
    node /= 2n;
    last /= 2n;
  }
  let older = first;
  let newer = first;
  for (const sibling of rest) {
    if (last === 0n) return false;
    if (node % 2n === 1n || node === last) {
      older = nodeHash(sibling, older);
      newer = nodeHash(sibling, newer);
      while (node % 2n === 0n && node !== 0n) {
        node /= 2n;
        last /= 2n;
      }
    } else newer = nodeHash(newer, sibling);
    node /= 2n;
    last /= 2n;
  }
  return last === 0n && equal(older, fromRoot) && equal(newer, toRoot);
}
