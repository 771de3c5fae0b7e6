import { createPublicKey, verify as edVerify } from 'node:crypto';
import { toHex } from '../core/hash.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import {
  allCheckpoints,
  entryRange,
  listEntries,
  newestCheckpoint,
  nodeReader,
  type SignedCheckpoint,
  sequenceLedger,
  storedTile,
  streamEntries,
  tileBytes,
} from '../db/ledger.ts';
import { type AuditResult, auditLedger, type KnownRoot } from '../ledger/audit.ts';
import { type Checkpoint, parseCheckpoint } from '../ledger/checkpoint.ts';
import { formatVerifierKey, openNote, parseVerifierKey, type VerifyEd25519 } from '../ledger/note.ts';
import { consistencyProof, inclusionProof } from '../ledger/proofs.ts';
import { formatEntryBundle, type Tile, tileWidth } from '../ledger/tile.ts';
import type { Office } from './office.ts';

/** Give waiting entries their place, sign a checkpoint, and keep a copy outside the database. */
export async function bringLedgerUpToDate(office: Office): Promise<SignedCheckpoint | null> {
  const note = await sequenceLedger(office.store.db, office.checkpointSigner, office.now());
  if (note !== null) await office.keepsake.saveCheckpoint(note);
  return newestCheckpoint(office.store.db);
}

/** The newest signed checkpoint. */
export const readCheckpoint = (office: Office) => newestCheckpoint(office.store.db);

/** The key with which foreign tools check the checkpoint. */
export const verifierKey = (office: Office): string =>
  formatVerifierKey(office.checkpointSigner.origin, office.checkpointSigner.publicKey);

/** Entries, newest first, as the JSON they are. */
export async function readEntries(office: Office, limit: number, before: number | null) {
  const rows = await listEntries(office.store.db, limit, before);
  return rows.map(({ index, bytes, leafHash }) => ({
    index,
    leafHash: toHex(leafHash),
    entry: JSON.parse(Buffer.from(bytes).toString('utf8')) as {
      kind: string;
      at: string;
      actor: string;
      facts: Record<string, unknown>;
    },
  }));
}

/** A tile's bytes: hashes, or the bundle of entries. */
export async function readTile(office: Office, tile: Tile): Promise<Uint8Array | Refusal> {
  const missing = () => refuse('not_found', 'The ledger has no such tile yet.');
  if (tile.level !== 'entries')
    return (await tileBytes(office.store.db, tile.level, tile.index, tile.width)) ?? missing();
  const entries = await entryRange(office.store.db, tile.index * tileWidth, tile.width);
  return entries.length < tile.width ? missing() : formatEntryBundle(entries);
}

/** Proof that an entry is in the ledger of that size. */
export async function proveInclusion(office: Office, index: number, size: number) {
  const newest = await newestCheckpoint(office.store.db);
  if (!newest || !(index >= 0 && index < size && size <= newest.size))
    return refuse(
      'invalid',
      `The ledger has ${newest?.size ?? 0} signed entries; index must be below size, and size at most that.`,
      { size: newest?.size ?? 0 },
    );
  const proof = await inclusionProof(nodeReader(office.store.db), index, size);
  return { index, size, proof: proof.map((hash) => Buffer.from(hash).toString('base64')) };
}

/** Proof that the ledger of size `to` begins with that of size `from`. */
export async function proveConsistency(office: Office, from: number, to: number) {
  const newest = await newestCheckpoint(office.store.db);
  if (!newest || !(from > 0 && from <= to && to <= newest.size))
    return refuse(
      'invalid',
      `The ledger has ${newest?.size ?? 0} signed entries; from must be at least 1 and at most to.`,
      { size: newest?.size ?? 0 },
    );
  const proof = await consistencyProof(nodeReader(office.store.db), from, to);
  return { from, to, proof: proof.map((hash) => Buffer.from(hash).toString('base64')) };
}

/** Ed25519 of this platform. */
const ed25519: VerifyEd25519 = (publicKey, message, signature) => {
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') },
    format: 'jwk',
  });
  return signature.length === 64 && edVerify(null, message, key, signature);
};

/**
 * Recompute the whole ledger: indices, leaves, tiles, every checkpoint's root and signature, and consistency with a
 * checkpoint that was kept elsewhere.
 */
export async function verifyLedger(office: Office, kept: string | null): Promise<AuditResult> {
  const { db } = office.store;
  const roots: KnownRoot[] = [];
  for (const { size, root, note } of await allCheckpoints(db)) {
    const signed = await openCheckpoint(office, note);
    if (typeof signed === 'string')
      return {
        ok: false,
        index: Math.max(size - 1, 0),
        reason: `the checkpoint of size ${size} is not good: ${signed}`,
      };
    if (signed.size !== size || toHex(signed.root) !== toHex(root))
      return {
        ok: false,
        index: Math.max(size - 1, 0),
        reason: `the checkpoint stored for size ${size} was signed for size ${signed.size} and the root ${toHex(signed.root)}`,
      };
    roots.push(signed);
  }
  if (kept !== null) {
    const signed = await openCheckpoint(office, kept);
    if (typeof signed === 'string')
      return { ok: false, index: 0, reason: `the checkpoint given is not one of this ledger: ${signed}` };
    roots.push(signed);
  }
  return auditLedger(streamEntries(db), roots, (level, index) => storedTile(db, level, index));
}

/** What a note says, if it is a checkpoint of this ledger and its key signed it; else what is wrong. */
async function openCheckpoint(office: Office, note: string): Promise<Checkpoint | string> {
  const key = parseVerifierKey(verifierKey(office));
  if ('fault' in key) throw new Error('the ledger has no usable key');
  const opened = await openNote(note, key, ed25519);
  if ('fault' in opened) return opened.fault.replaceAll('_', ' ');
  const checkpoint = parseCheckpoint(opened.text);
  if (!checkpoint) return 'it is no checkpoint';
  return checkpoint.origin === office.checkpointSigner.origin ? checkpoint : `it is of ${checkpoint.origin}`;
}
