import { createPublicKey, verify as edVerify } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openNote, parseVerifierKey, type VerifyEd25519 } from '../../src/ledger/note.ts';
import { verifyConsistency, verifyInclusion } from '../../src/ledger/proofs.ts';

const vectors = '../shared/data/merkle-rfc6962/testdata';
const notes = '../shared/data/tlog-note';
const wycheproof = '../shared/data/wycheproof/testvectors_v1/ed25519_test.json';

/** Node's own Ed25519 behind the parameter. */
export const nodeEd25519: VerifyEd25519 = (publicKey, message, signature) => {
  try {
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') },
      format: 'jwk',
    });
    return signature.length === 64 && edVerify(null, message, key, signature);
  } catch {
    return false;
  }
};

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile() && item.name.endsWith('.json'))
    .map((item) => join(item.parentPath, item.name));
}

const bytes = (text: string | null) => new Uint8Array(Buffer.from(text ?? '', 'base64'));

describe.skipIf(!existsSync(vectors))('RFC 6962 vectors', () => {
  const inclusion = existsSync(vectors) ? filesBelow(join(vectors, 'inclusion')) : [];
  const consistency = existsSync(vectors) ? filesBelow(join(vectors, 'consistency')) : [];

  it('has all 196', () => expect(inclusion.length + consistency.length).toBe(196));

  it.each(inclusion)('inclusion %s', (file) => {
    const vector = JSON.parse(readFileSync(file, 'utf8'));
    const proof = (vector.proof ?? []).map(bytes);
    const ok = verifyInclusion(
      { index: vector.leafIdx, size: vector.treeSize, leaf: bytes(vector.leafHash), root: bytes(vector.root) },
      proof,
    );
    expect(ok).toBe(!vector.wantErr);
  });

  it.each(consistency)('consistency %s', (file) => {
    const vector = JSON.parse(readFileSync(file, 'utf8'));
    const proof = (vector.proof ?? []).map(bytes);
    const ok = verifyConsistency(
      { from: vector.size1, to: vector.size2, fromRoot: bytes(vector.root1), toRoot: bytes(vector.root2) },
      proof,
    );
    expect(ok).toBe(!vector.wantErr);
  });
});

describe.skipIf(!existsSync(notes))('a signed note somebody else wrote', () => {
  it('opens with its key and with no other', async () => {
    const note = readFileSync(join(notes, 'peter-neumann.note'), 'utf8');
    const key = parseVerifierKey(readFileSync(join(notes, 'peter-neumann.vkey'), 'utf8'));
    if ('fault' in key) throw new Error(key.fault);
    expect(key.keyId).toBe('c74f20a3');
    expect(await openNote(note, key, nodeEd25519)).toMatchObject({ text: expect.stringContaining('cryptography') });
    expect(await openNote(note.replace('answer', 'Answer'), key, nodeEd25519)).toEqual({ fault: 'signature_wrong' });
  });
});

describe.skipIf(!existsSync(wycheproof))('Ed25519 vectors', () => {
  it('are judged as they should be', () => {
    const { testGroups } = JSON.parse(readFileSync(wycheproof, 'utf8'));
    let seen = 0;
    for (const group of testGroups)
      for (const test of group.tests) {
        const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
        expect(nodeEd25519(hex(group.publicKey.pk), hex(test.msg), hex(test.sig)), `case ${test.tcId}`).toBe(
          test.result === 'valid',
        );
        seen += 1;
      }
    expect(seen).toBeGreaterThan(100);
  });
});
