import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  certificateKeyId,
  certificateSha256,
  issueCertificate,
  issuedBy,
  readCertificate,
} from '../../src/artifacts/certificates.ts';
import { cmsOid, signCms, verifyCms } from '../../src/artifacts/cms.ts';
import { selfOperatedPolicy, stampTime, verifyStamp } from '../../src/artifacts/timestamp.ts';
import { hasTool } from '../support/tools.ts';
import { makeInstallation, sealedAt } from './sample-package.ts';

const folder = mkdtempSync(join(tmpdir(), 'signatures-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const keys = await makeInstallation();
const others = await makeInstallation();
const content = Buffer.from('{"manifest":true}\n');
const sign = () =>
  signCms({
    content,
    contentType: cmsOid.data,
    attached: false,
    signer: keys.seal.signer,
    certificates: [keys.seal.certificate, keys.root.pem],
    stamp: (signature) => stampTime(keys.tsa, signature, sealedAt, randomBytes(16)),
  });
const token = await stampTime(keys.tsa, content, sealedAt, randomBytes(16));
const signature = await sign();
const file = (name: string, body: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, body);
  return path;
};
const root = file('root.pem', keys.root.pem);
const seal = file('seal.pem', keys.seal.certificate);
const tsa = file('tsa.pem', keys.tsa.certificate);
const rc = (args: string[]) => spawnSync('openssl', args).status;
const openssl = !hasTool('openssl');

describe('a certificate', () => {
  it('is issued by the root it names, and by no other', async () => {
    const certificate = readCertificate(keys.seal.certificate);
    expect((await issuedBy(certificate, readCertificate(keys.root.pem), sealedAt)).ok).toBe(true);
    expect((await issuedBy(certificate, readCertificate(others.root.pem), sealedAt)).ok).toBe(false);
    expect(await certificateKeyId(certificate)).toBe(keys.seal.signer.kid);
  });
  it('is not good before it begins or after it ends', async () => {
    const [certificate, issuer] = [readCertificate(keys.seal.certificate), readCertificate(keys.root.pem)];
    for (const at of ['2025-12-31T23:59:59Z', '2056-01-01T00:00:01Z'])
      expect((await issuedBy(certificate, issuer, Temporal.Instant.from(at))).ok).toBe(false);
  });
  it('issued by a seal certificate, which may not issue, is refused', async () => {
    const forged = await issueCertificate({
      profile: 'seal',
      commonName: 'Forged',
      organization: 'Kinfolk Ltd',
      publicJwk: others.seal.signer.publicJwk,
      issuer: { signer: keys.seal.signer, certificate: keys.seal.certificate },
      notBefore: Temporal.Instant.from('2026-01-01T00:00:00Z'),
      notAfter: Temporal.Instant.from('2036-01-01T00:00:00Z'),
      serial: randomBytes(16),
    });
    expect((await issuedBy(readCertificate(forged), readCertificate(keys.root.pem), sealedAt)).ok).toBe(false);
    expect((await issuedBy(readCertificate(forged), readCertificate(keys.seal.certificate), sealedAt)).ok).toBe(false);
  });
  it.skipIf(openssl)('passes the strict rules of openssl (needs openssl)', () => {
    expect(rc(['verify', '-x509_strict', '-CAfile', root, seal, tsa])).toBe(0);
    expect(rc(['verify', '-purpose', 'timestampsign', '-CAfile', root, tsa])).toBe(0);
    const printed = execFileSync('openssl', ['x509', '-in', root, '-noout', '-fingerprint', '-sha256']).toString();
    expect(printed.trim().split('=')[1]?.replaceAll(':', '').toLowerCase()).toBe(certificateSha256(keys.root.pem));
  });
});

describe('a CMS signature', () => {
  it('holds for its bytes and names its certificate', async () => {
    const signed = await verifyCms(signature, cmsOid.data, content);
    expect(signed.ok && (await certificateKeyId(signed.certificate))).toBe(keys.seal.signer.kid);
  });
  it('does not hold for other bytes, nor as another kind of content', async () => {
    expect((await verifyCms(signature, cmsOid.data, Buffer.from('{}'))).ok).toBe(false);
    expect((await verifyCms(signature, '1.2.840.113549.1.9.16.1.4', content)).ok).toBe(false);
    expect((await verifyCms(signature, cmsOid.data, null)).ok).toBe(false);
  });
  it('notices a flipped bit in any byte of it that is not the chain or the time', async () => {
    // The root certificate inside and the token are judged by others: the root by the reader's own, the token by itself.
    const bare = await signCms({
      content,
      contentType: cmsOid.data,
      attached: false,
      signer: keys.seal.signer,
      certificates: [keys.seal.certificate],
    });
    for (let at = 0; at < bare.length; at++) {
      const flipped = Buffer.from(bare);
      flipped[at] = (flipped[at] ?? 0) ^ 4;
      const signed = await verifyCms(flipped, cmsOid.data, content);
      const trusted = signed.ok && (await issuedBy(signed.certificate, readCertificate(keys.root.pem), sealedAt)).ok;
      expect(trusted, `byte ${at}`).toBe(false);
    }
  });
  it.skipIf(openssl)('is CAdES to openssl, with and without a stated purpose (needs openssl)', () => {
    const [p7s, json] = [file('m.p7s', signature), file('m.json', content)];
    const args = [
      'cms',
      '-verify',
      '-cades',
      '-binary',
      '-inform',
      'DER',
      '-in',
      p7s,
      '-content',
      json,
      '-out',
      '/dev/null',
    ];
    expect(rc([...args, '-CAfile', root, '-purpose', 'any'])).toBe(0);
    expect(rc([...args, '-CAfile', root])).toBe(0);
    expect(rc([...args, '-CAfile', file('other.pem', others.root.pem)])).not.toBe(0);
    file('m.json', '{}');
    expect(rc([...args, '-CAfile', root])).not.toBe(0);
  });
});

describe('a timestamp', () => {
  it('says when, to the millisecond, and under which policy', async () => {
    const stamped = await verifyStamp(token, content, keys.root.pem);
    expect(stamped.ok && [stamped.at.toString(), stamped.policy]).toEqual([
      '2026-11-27T09:31:00.25Z',
      selfOperatedPolicy,
    ]);
  });
  it.each(['2026-11-27T00:00:00Z', '2026-11-27T10:00:00.1Z', '2026-11-27T10:10:10.999Z', '2049-12-31T23:59:59.01Z'])(
    'of %s reads back as that',
    async (text) => {
      const at = Temporal.Instant.from(text);
      const stamped = await verifyStamp(
        await stampTime(keys.tsa, content, at, randomBytes(16)),
        content,
        keys.root.pem,
      );
      expect(stamped.ok && stamped.at.equals(at)).toBe(true);
    },
  );
  it('does not hold for other bytes, under another root, or made with a certificate that may not stamp', async () => {
    expect((await verifyStamp(token, Buffer.from('x'), keys.root.pem)).ok).toBe(false);
    expect((await verifyStamp(token, content, others.root.pem)).ok).toBe(false);
    const bySeal = await stampTime({ ...keys.seal, root: keys.root.pem }, content, sealedAt, randomBytes(16));
    expect((await verifyStamp(bySeal, content, keys.root.pem)).detail).toMatch(/may not stamp/);
  });
  it('made while its certificate was good stays good after it ends; one made after does not', async () => {
    const short = await makeInstallation('2027-01-01T00:00:00Z');
    const late = await stampTime(short.tsa, content, Temporal.Instant.from('2028-01-01T00:00:00Z'), randomBytes(16));
    const early = await stampTime(short.tsa, content, sealedAt, randomBytes(16));
    expect((await verifyStamp(early, content, short.root.pem)).ok).toBe(true);
    expect((await verifyStamp(late, content, short.root.pem)).ok).toBe(false);
  });
  it('never has the serial of another, however many are made at once', async () => {
    const tokens = await Promise.all(
      Array.from({ length: 40 }, () => stampTime(keys.tsa, content, sealedAt, randomBytes(16))),
    );
    expect(new Set(tokens.map((made) => Buffer.from(made).toString('hex'))).size).toBe(40);
    expect(() => stampTime(keys.tsa, content, sealedAt, new Uint8Array(8))).toThrow(RangeError);
  });
  it.skipIf(openssl)('is good to openssl for these bytes and no others (needs openssl)', () => {
    const tst = file('m.tst', token);
    const args = ['ts', '-verify', '-in', tst, '-token_in', '-CAfile', root, '-data'];
    expect(rc([...args, file('s.json', content)])).toBe(0);
    expect(rc([...args, file('t.json', '{}')])).not.toBe(0);
  });
});
