import { canonicalJson, type Json } from '../core/canonical-json.ts';
import { sha256, sha256Hex, sha256Stream, toHex } from '../core/hash.ts';
import type { DatasetId } from '../policy/data-map.ts';
import type { Coverage } from './hold.ts';

/** A record that a hold covers: its dataset and its key, as the source writes it. */
export interface CoveredKey {
  readonly dataset: DatasetId;
  readonly key: readonly string[];
}

/** What a hold covered at a moment, as it is signed (docs/formats/coverage.md). */
export interface CoverageStatement {
  readonly statement: 'muniment coverage 1';
  readonly organization: string;
  readonly hold: string;
  /** The keyed digest of the hold's scope, as in its `hold.placed` entry. */
  readonly scope: string;
  readonly takenAt: string;
  /** Sorted by name. The roots of those with `keys` are over the list of keys that is kept beside the statement. */
  readonly datasets: readonly (Coverage & { readonly keys: boolean })[];
  /** SHA-256 of the statement before, and what had become of its records; null: this is the first. */
  readonly since: ({ readonly statement: string } & Reconciled) | null;
}

/** What became of the records of one statement until the next, in numbers. */
export interface Reconciled {
  /** Covered now, and not before: came since, or was matched since. */
  readonly added: number;
  /** There, and not covered any more: somebody changed what the hold goes by. */
  readonly moved: number;
  /** Gone, by an order of this installation. */
  readonly taken: number;
  /** Gone, and no order of this installation took it. */
  readonly vanished: number;
}

/** The exact text of a statement, which is what is signed. */
export function statementText(statement: CoverageStatement): string {
  return canonicalJson(statement as unknown as Json);
}

export const statementDigest = (text: string): string => sha256Hex(text);

/** The digest by which keys are sorted: SHA-256 of the key's values with U+001F between them. */
function digestOfKey(key: readonly string[]): Uint8Array {
  return sha256(key.join('\u001f'));
}

/** A running root over one dataset's keys, taken in the order of their digests. @returns as `Coverage` has it */
export function coverageRoot(dataset: DatasetId): {
  add(key: readonly string[]): void;
  end(): Coverage;
} {
  const digest = sha256Stream();
  digest.update(Buffer.from(`${dataset}\n`));
  let count = 0;
  return {
    add(key) {
      digest.update(digestOfKey(key));
      count += 1;
    },
    end: () => ({ dataset, count, root: toHex(digest.digest()) }),
  };
}

/** Datasets by name, keys by their digest: the order of a list of covered keys. */
function compareKeys(a: CoveredKey, b: CoveredKey): number {
  if (a.dataset !== b.dataset) return a.dataset < b.dataset ? -1 : 1;
  return Buffer.compare(digestOfKey(a.key), digestOfKey(b.key));
}

/**
 * Go through two lists of covered keys side by side, each in its order.
 * @param now is read to its end, whatever `before` is
 * @returns what only the one has, or only the other
 */
export async function* compareLists(
  before: AsyncIterable<CoveredKey>,
  now: AsyncIterable<CoveredKey>,
): AsyncGenerator<{ readonly kind: 'missing' | 'added'; readonly covered: CoveredKey }> {
  const [old, present] = [before[Symbol.asyncIterator](), now[Symbol.asyncIterator]()];
  let [left, right] = [await old.next(), await present.next()];
  while (!left.done || !right.done) {
    const order = left.done ? 1 : right.done ? -1 : compareKeys(left.value, right.value);
    if (order < 0 && !left.done) yield { kind: 'missing', covered: left.value };
    if (order > 0 && !right.done) yield { kind: 'added', covered: right.value };
    if (order <= 0) left = await old.next();
    if (order >= 0) right = await present.next();
  }
}
