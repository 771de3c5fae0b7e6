import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { certifyKey, makeAuthority } from '../../src/artifacts/authority.ts';
import { certificateKeyId, issuedBy, readCertificate, stampsTime } from '../../src/artifacts/certificates.ts';
import { signerFrom } from '../../src/artifacts/keys.ts';
import { verifyPackage } from '../../src/verify.ts';
import { hasTool } from '../support/tools.ts';
import { samplePackage } from './sample-package.ts';

const folder = mkdtempSync(join(tmpdir(), 'authority-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = Temporal.Instant.from('2026-11-27T08:00:00.400Z');
const made = await makeAuthority('Kinfolk – “Zoë & Co.”', at, randomBytes);

describe('an authority made at set-up', () => {
  it('has a root that issued its seal and its timestamp authority, from the first second on', async () => {
    const root = readCertificate(made.root.certificate);
    for (const key of [made.seal, made.tsa]) {
      const certificate = readCertificate(key.certificate);
      expect((await issuedBy(certificate, root, at)).ok).toBe(true);
      expect((await issuedBy(certificate, root, at.add({ hours: 14 * 366 * 24 }))).ok).toBe(true);
      expect(await certificateKeyId(certificate)).toBe(key.kid);
    }
    expect([made.seal, made.tsa].map((key) => stampsTime(readCertificate(key.certificate)))).toEqual([false, true]);
  });
  it('certifies another seal under the same root at a rotation', async () => {
    const signer = await signerFrom(made.root.pkcs8);
    const next = await certifyKey('seal', 'Kinfolk', { signer, certificate: made.root.certificate }, at, randomBytes);
    expect(next.kid).not.toBe(made.seal.kid);
    expect((await issuedBy(readCertificate(next.certificate), readCertificate(made.root.certificate), at)).ok).toBe(
      true,
    );
  });
  it('seals a package that verifies', async () => {
    const [rootSigner, seal, tsa, approver] = await Promise.all(
      [made.root, made.seal, made.tsa, (await makeAuthority('x', at, randomBytes)).seal].map((key) =>
        signerFrom(key.pkcs8),
      ),
    );
    if (!rootSigner || !seal || !tsa || !approver) throw new Error('four signers');
    const zip = await samplePackage({
      root: { signer: rootSigner, pem: made.root.certificate },
      seal: { signer: seal, certificate: made.seal.certificate },
      tsa: { signer: tsa, certificate: made.tsa.certificate, root: made.root.certificate },
      approver,
    });
    expect((await verifyPackage(zip, { rootPem: made.root.certificate })).ok).toBe(true);
  });
  it.skipIf(!hasTool('openssl'))('passes the strict rules of openssl (needs openssl)', () => {
    const paths = Object.entries(made).map(([name, key]) => {
      const path = join(folder, `${name}.pem`);
      writeFileSync(path, key.certificate);
      return path;
    });
    expect(spawnSync('openssl', ['verify', '-x509_strict', '-CAfile', ...paths]).status).toBe(0);
  });
});
