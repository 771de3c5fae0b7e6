import { canonicalJson, type Json } from '../core/canonical-json.ts';
import type { Entry } from './entry.ts';

/** An entry bundle gives each entry's length in two bytes (C2SP tlog-tiles). */
const maxEntryBytes = 65_535;
const utf8 = new TextEncoder();

/**
 * The exact bytes of an entry: its canonical JSON (RFC 8785) in UTF-8. These bytes are stored and hashed as they are.
 * @throws RangeError when there are more than 65,535: an entry holds facts, not documents
 */
export function entryBytes(entry: Entry): Uint8Array {
  const bytes = utf8.encode(canonicalJson(entry as unknown as Json));
  if (bytes.length > maxEntryBytes) throw new RangeError(`an entry of ${bytes.length} bytes does not fit the ledger`);
  return bytes;
}
