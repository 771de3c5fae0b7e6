import { toHex } from '../core/hash.ts';
import {
  canonicalRecord,
  disclosedLine,
  recordLeaf,
  recordSalt,
  type StoredRecord,
  withheldLine,
} from '../evidence/records.ts';
import { Frontier } from '../ledger/merkle.ts';
import { type Sink, textSink } from './sink.ts';

/** Where the records of a package go: one NDJSON file per sink, and the tree beside them. */
export interface RecordsWriter {
  /**
   * One record, in full. The files must be filled in path order, one after the other: the tree runs through them.
   * @param key what names the record, dataset and key, the same in every export of the scope
   */
  add(key: string, record: StoredRecord): Promise<void>;
  /** A record that stays out: its leaf alone goes into the tree. */
  withhold(key: string, record: StoredRecord): Promise<void>;
  /** Go on with the next record file. */
  next(records: Sink): Promise<void>;
  /** Everything written; the root (hex) and size for the manifest's `recordsTree`. */
  end(): Promise<{ readonly root: string; readonly size: number }>;
}

/**
 * Write records as NDJSON (one canonical JSON object per line, LF) and the salted tree over them: records/*.ndjson and
 * records/tree.ndjson. The NDJSON is authoritative (I9).
 * @param scopeKey 32 bytes, of the export's scope
 */
export function recordsWriter(records: Sink, tree: Sink, scopeKey: Uint8Array): RecordsWriter {
  const frontier = new Frontier();
  let out = textSink(records);
  const treeOut = textSink(tree);
  const leafOf = (key: string, line: string) => {
    const salt = recordSalt(scopeKey, key);
    const leaf = recordLeaf(salt, line);
    frontier.append(leaf);
    return { salt, leaf };
  };
  return {
    add: async (key, record) => {
      const line = canonicalRecord(record);
      await out.add(`${line}\n`);
      await treeOut.add(`${disclosedLine(leafOf(key, line).salt)}\n`);
    },
    withhold: async (key, record) => {
      await treeOut.add(`${withheldLine(leafOf(key, canonicalRecord(record)).leaf)}\n`);
    },
    next: async (sink) => {
      await out.flush();
      out = textSink(sink);
    },
    end: async () => {
      await out.flush();
      await treeOut.flush();
      return { root: toHex(frontier.root()), size: frontier.size };
    },
  };
}

/** The lines of a stream of LF-ended text, without their ends; an unended last line counts. Memory: the longest line. */
export async function* lines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const piece = chunk.subarray(start, end);
      yield held.length === 0 ? piece : Buffer.concat([...held, piece]);
      held = [];
      start = end + 1;
    }
    if (start < chunk.length) held.push(chunk.subarray(start));
  }
  if (held.length > 0) yield Buffer.concat(held);
}
