import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/core/hash.ts';
import { formatCheckpoint } from '../../src/ledger/checkpoint.ts';
import { leafHash } from '../../src/ledger/merkle.ts';
import { formatVerifierKey, signNote } from '../../src/ledger/note.ts';
import { hasTool } from '../support/tools.ts';

/** The commands that docs/formats/ledger.md gives a reader who trusts none of our programs. */
const commands = /```bash\n([\s\S]*?)```/.exec(readFileSync('docs/formats/ledger.md', 'utf8'))?.[1] ?? '';

/** A ledger of one entry, its checkpoint signed with a new key. */
function oneEntry() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const bytes = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  const origin = 'ledger.example.com/one';
  const entry = Buffer.from('{"kind":"test"}');
  const text = formatCheckpoint({ origin, size: 1, root: leafHash(entry) });
  const note = signNote(text, origin, bytes, (message) => new Uint8Array(sign(null, message, privateKey)));
  return { entry, note, key: formatVerifierKey(origin, bytes) };
}

function runWith(files: { readonly checkpoint: string; readonly key: string; readonly entry: Uint8Array }): string {
  const folder = mkdtempSync(join(tmpdir(), 'muniment-ledger-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return execFileSync('bash', ['-e', '-c', commands], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe.skipIf(!hasTool('openssl') || !hasTool('bash'))('the commands of the format’s page (need openssl)', () => {
  // Base64 may hold a plus, which also separates a verifier key's parts: one key of several has one.
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('find a checkpoint signed and an entry beneath its root, with key %i', () => {
    const { note, key, entry } = oneEntry();
    const found = runWith({ checkpoint: note, key, entry });
    expect(found).toContain('Signature Verified Successfully');
    expect(found).toContain(toHex(leafHash(entry)));
  });

  it('find a changed checkpoint and another’s key wrong', () => {
    const { note, key, entry } = oneEntry();
    const changed = note.replace('\n1\n', '\n2\n');
    expect(() => runWith({ checkpoint: changed, key, entry })).toThrow('Command failed');
    expect(() => runWith({ checkpoint: note, key: oneEntry().key, entry })).toThrow('Command failed');
  });
});
