import type { Json } from '../core/canonical-json.ts';
import { fromHex, hmacSha256, toHex } from '../core/hash.ts';
import { Frontier, leafHash } from '../ledger/merkle.ts';

/** A record as it is exported: column or member name -> value as stored. */
export type StoredRecord = Readonly<Record<string, Json>>;

/**
 * A record's one line: JSON with members sorted by UTF-16 code units and no white space, as RFC 8785 writes it. It
 * departs from that RFC in one point: a lone surrogate, which the RFC refuses, is escaped (\udXXX), because what was
 * stored must come out, and because what can be written must be hashable (I9).
 */
export function canonicalRecord(record: StoredRecord): string {
  return canonical(record);
}

function canonical(value: Json): string {
  if (value === null || typeof value !== 'object') {
    if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`JSON has no ${value}`);
    return JSON.stringify(value);
  }
  if (isList(value)) return `[${value.map(canonical).join(',')}]`;
  let text = '';
  for (const name of Object.keys(value).sort()) {
    const member = value[name];
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonical(member)}`;
  }
  return `{${text}}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

const utf8 = new TextEncoder();

/**
 * The salt of a record: HMAC-SHA-256 under the key of the export's scope. The same record in a later export of the
 * same scope has the same salt, so a redacted and a full export share a root; nobody without the key can guess a
 * record from its leaf.
 * @param recordKey what names the record: dataset and key
 */
export function recordSalt(scopeKey: Uint8Array, recordKey: string): Uint8Array {
  return hmacSha256(scopeKey, recordKey);
}

/** Leaf of a record: SHA-256(0x00 ‖ salt ‖ its canonical line), the leaf hash of RFC 6962 over salt and line. */
export function recordLeaf(salt: Uint8Array, line: Uint8Array | string): Uint8Array {
  const bytes = typeof line === 'string' ? utf8.encode(line) : line;
  const salted = new Uint8Array(salt.length + bytes.length);
  salted.set(salt);
  salted.set(bytes, salt.length);
  return leafHash(salted);
}

/** A line of records/tree.ndjson for a record that is in the package. */
export function disclosedLine(salt: Uint8Array): string {
  return `{"salt":"${toHex(salt)}"}`;
}

/** A line of records/tree.ndjson for a record that is withheld or was redacted: its leaf, and no salt. */
export function withheldLine(leaf: Uint8Array): string {
  return `{"leaf":"${toHex(leaf)}"}`;
}

/** The tree as a verifier found it, or what was wrong with the lines. */
export type RecordsFound =
  | { readonly root: string; readonly size: number; readonly disclosed: number; readonly withheld: number }
  | { readonly problem: string };

/**
 * Rebuild the tree from the lines of the package: each line of tree.ndjson in order, a salt taking the next record, a
 * leaf standing for a withheld one. Flat memory.
 * @param tree lines of records/tree.ndjson without line ends
 * @param records lines of every record file, in path order, without line ends
 */
export async function rebuildTree(
  tree: AsyncIterable<Uint8Array>,
  records: AsyncIterator<Uint8Array>,
): Promise<RecordsFound> {
  const frontier = new Frontier();
  let disclosed = 0;
  let withheld = 0;
  for await (const line of tree) {
    const match = /^\{"(salt|leaf)":"([0-9a-f]{64})"\}$/.exec(new TextDecoder().decode(line));
    if (!match) return { problem: `line ${disclosed + withheld + 1} of the tree is neither a salt nor a leaf` };
    const value = fromHex(match[2] ?? '');
    if (match[1] === 'leaf') {
      withheld += 1;
      frontier.append(value);
      continue;
    }
    const record = await records.next();
    if (record.done) return { problem: 'the tree has more records than the package' };
    disclosed += 1;
    frontier.append(recordLeaf(value, record.value));
  }
  if (!(await records.next()).done) return { problem: 'the package has more records than the tree' };
  return { root: toHex(frontier.root()), size: disclosed + withheld, disclosed, withheld };
}
