import type { Actor } from '../core/actor.ts';
import { toHex } from '../core/hash.ts';
import { formatInstant } from '../core/instants.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { loadIncident } from '../db/incidents.ts';
import { entriesBetween, nodeReader } from '../db/ledger.ts';
import { inclusionProof } from '../ledger/proofs.ts';
import { mayNow } from '../policy/roles.ts';
import type { Office } from './office.ts';
import { bringLedgerUpToDate, verifierKey } from './read-ledger.ts';

export interface LedgerRange {
  readonly fileName: string;
  /** JSON lines: the checkpoint with what was asked, then an entry a line with its proof. */
  readonly lines: AsyncIterable<Uint8Array>;
}

/**
 * The ledger of the time of an incident, to be checked by anybody without us (GDPR art. 33(5)). The first line names the
 * checkpoint; every other holds an entry's exact text, its index and leaf hash, and the proof (RFC 9162, 2.1.3) that it
 * stands under that checkpoint. Whoever may read the ledger gets every entry of the range, others those of the incident.
 * @param from,to both included; null: from when somebody was aware of it, until now
 */
export async function exportLedgerRange(
  office: Office,
  actor: Actor,
  id: string,
  from: Temporal.Instant | null,
  to: Temporal.Instant | null,
): Promise<LedgerRange | Refusal> {
  const incident = await loadIncident(office.store, id);
  if (!incident) return refuse('not_found', 'There is no such incident.');
  const range = { from: formatInstant(from ?? incident.awareAt), to: formatInstant(to ?? office.now()) };
  if (range.from > range.to)
    return refuse('invalid', 'The range ends before it begins. Exchange the two.', {}, [
      { pointer: '?/to', code: 'range_reversed', detail: 'The end comes before the beginning.' },
    ]);
  const checkpoint = await bringLedgerUpToDate(office);
  if (!checkpoint) return refuse('not_found', 'The ledger has no entry yet.');
  const only = mayNow(office.policy.roles, actor, 'ledger.read') ? null : id;
  const { size, note, root } = checkpoint;
  const { db } = office.store;
  async function* lines() {
    yield line({
      checkpoint: note,
      size,
      root: toHex(root),
      verifierKey: verifierKey(office),
      incident: id,
      ...range,
      entries: only === null ? 'all' : 'of the incident',
    });
    const read = nodeReader(db);
    for await (const { index, bytes, leafHash } of entriesBetween(db, { ...range, size, incident: only })) {
      const proof = await inclusionProof(read, index, size);
      yield line({
        index,
        leafHash: toHex(leafHash),
        entry: Buffer.from(bytes).toString('utf8'),
        proof: proof.map((hash) => Buffer.from(hash).toString('base64')),
      });
    }
  }
  return { fileName: `ledger-${incident.reference}.jsonl`, lines: lines() };
}

const line = (value: object) => Buffer.from(`${JSON.stringify(value)}\n`);
