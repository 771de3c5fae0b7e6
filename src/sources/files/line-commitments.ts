import { createHmac, type Hmac, hash } from 'node:crypto';
import type { OnPiece } from './line-cutter.ts';

const blockBytes = 64;
/** Longer lines are hashed as they stream past. */
const shortBytes = 64 * 1024;

/**
 * What the record of lines' going says of each: HMAC-SHA-256(run key, dataset, line break, the line's bytes with the
 * end it has). The same as `hmacSha256` computes, with the key's blocks laid out once: a log has millions of lines.
 */
export class LineCommitments {
  readonly #key: Uint8Array;
  readonly #prefix: Buffer;
  /** The inner block, the prefix, and room for a line. */
  readonly #inner: Buffer;
  readonly #outer: Buffer;
  readonly #lineAt: number;
  #leaves = Buffer.alloc(32 * 1024);
  #count = 0;
  #long: Hmac | null = null;

  constructor(runKey: Uint8Array, dataset: string) {
    this.#key = runKey;
    this.#prefix = Buffer.from(`${dataset}\n`);
    this.#lineAt = blockBytes + this.#prefix.length;
    this.#inner = Buffer.alloc(this.#lineAt + shortBytes, 0x36);
    this.#outer = Buffer.alloc(blockBytes + 32, 0x5c);
    for (const [index, byte] of runKey.entries()) {
      this.#inner[index] = byte ^ 0x36;
      this.#outer[index] = byte ^ 0x5c;
    }
    this.#prefix.copy(this.#inner, blockBytes);
  }

  get count(): number {
    return this.#count;
  }

  readonly add: OnPiece = (bytes, start, end, isFirst, isLast) => {
    if (isFirst && isLast && end - start <= shortBytes) {
      bytes.copy(this.#inner, this.#lineAt, start, end);
      hash('sha256', this.#inner.subarray(0, this.#lineAt + end - start), 'buffer').copy(this.#outer, blockBytes);
      this.#push(hash('sha256', this.#outer, 'buffer'));
      return;
    }
    if (isFirst) this.#long = createHmac('sha256', this.#key).update(this.#prefix);
    this.#long?.update(bytes.subarray(start, end));
    if (isLast && this.#long) this.#push(this.#long.digest());
  };

  /** The leaves since the last time, sorted; fewer than 2^20. */
  take(): Uint8Array {
    const sorted = sortLeaves(this.#leaves.subarray(0, this.#count * 32));
    this.#count = 0;
    return sorted;
  }

  #push(leaf: Buffer): void {
    if (this.#count * 32 === this.#leaves.length) this.#leaves = Buffer.concat([this.#leaves], this.#leaves.length * 2);
    leaf.copy(this.#leaves, this.#count * 32);
    this.#count += 1;
  }
}

/**
 * Leaves of 32 bytes each in order, by their first four bytes as numbers first: comparing millions of buffers is slow.
 * @param leaves fewer than 2^20
 */
export function sortLeaves(leaves: Buffer): Buffer {
  const count = leaves.length / 32;
  const keys = new Float64Array(count);
  for (let index = 0; index < count; index++) keys[index] = leaves.readUInt32BE(index * 32) * 2 ** 20 + index;
  keys.sort();
  const sorted = Buffer.alloc(leaves.length);
  for (let at = 0; at < count; at++) {
    const from = ((keys[at] ?? 0) % 2 ** 20) * 32;
    // Where the four bytes are the same, the rest decides; equal ones stay where they are.
    let to = at * 32;
    while (to > 0 && leaves.compare(sorted, to - 32, to, from, from + 32) < 0) {
      sorted.copyWithin(to, to - 32, to);
      to -= 32;
    }
    leaves.copy(sorted, to, from, from + 32);
  }
  return sorted;
}
