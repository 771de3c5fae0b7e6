import { sha256 } from '../core/hash.ts';

/** The hash of a leaf: SHA-256 of 0x00 and the entry's bytes (RFC 6962 section 2.1). */
export function leafHash(bytes: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + bytes.length);
  input.set(bytes, 1);
  return sha256(input);
}

/** The hash of an inner node: SHA-256 of 0x01 and its two children. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(65);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 33);
  return sha256(input);
}

/** The root of a tree without leaves: SHA-256 of nothing. */
export const emptyRoot: Uint8Array = sha256('');

/** The right edge of a growing tree: all that is needed to add a leaf or tell the root, in logarithmic memory. */
export class Frontier {
  /** Roots of the complete subtrees, largest first; their sizes are the binary digits of `size`. */
  #peaks: Uint8Array[];
  #size: number;

  /** @param peaks as `peaks` gave them for a tree of `size` leaves */
  constructor(size = 0, peaks: readonly Uint8Array[] = []) {
    if (peaks.length !== digitCount(size)) throw new RangeError(`a tree of ${size} leaves has another number of peaks`);
    this.#size = size;
    this.#peaks = [...peaks];
  }

  get size(): number {
    return this.#size;
  }

  get peaks(): readonly Uint8Array[] {
    return this.#peaks;
  }

  append(leaf: Uint8Array): void {
    let hash = leaf;
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      const left = this.#peaks.pop();
      if (!left) throw new Error('a peak is missing');
      hash = nodeHash(left, hash);
    }
    this.#peaks.push(hash);
    this.#size += 1;
  }

  root(): Uint8Array {
    return this.#peaks.length === 0 ? emptyRoot : this.#peaks.reduceRight((right, left) => nodeHash(left, right));
  }
}

function digitCount(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/** The root over these leaf hashes. */
export function rootOf(leaves: Iterable<Uint8Array>): Uint8Array {
  const frontier = new Frontier();
  for (const leaf of leaves) frontier.append(leaf);
  return frontier.root();
}

/**
 * The root of a batch: the tree over its commitments, each a leaf (docs/formats/commitment.md).
 * @param commitments 32 bytes each, one after the other, sorted
 */
export function rootOfCommitments(commitments: Uint8Array): Uint8Array {
  if (commitments.length % 32 !== 0) throw new RangeError('commitments are 32 bytes each');
  const frontier = new Frontier();
  for (let at = 0; at < commitments.length; at += 32) frontier.append(leafHash(commitments.subarray(at, at + 32)));
  return frontier.root();
}
