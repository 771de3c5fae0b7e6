import { describe, expect, it } from 'vitest';
import { observePackage, type PackageLimits } from '../../src/artifacts/read-package.ts';
import { defaultZipLimits, ZipRefused } from '../../src/artifacts/unzip.ts';
import { verifyPackage } from '../../src/artifacts/verify-package.ts';
import { rawZip } from '../support/raw-zip.ts';
import { makeInstallation } from './sample-package.ts';

const mib = 2 ** 20;
const limits: PackageLimits = { ...defaultZipLimits, ratio: 2000, tagBytes: mib, lineBytes: mib };
const text = (content: string) => Buffer.from(content);

/** An archive of one package, its files deflated. */
const packed = (files: Readonly<Record<string, Uint8Array>>) =>
  rawZip(Object.entries(files).map(([path, body]) => ({ name: `p/${path}`, body, method: 8 })));

async function refusal(files: Readonly<Record<string, Uint8Array>>): Promise<string | null> {
  try {
    await observePackage(packed(files), limits);
    return null;
  } catch (fault) {
    if (fault instanceof ZipRefused) return fault.code;
    throw fault;
  }
}

describe('a package that is small packed and large unpacked', () => {
  it('holds no more of our memory than its reader allowed, in one file or in many', async () => {
    expect(await refusal({ 'manifest-sha256.txt': Buffer.alloc(mib) })).toBeNull();
    expect(await refusal({ 'manifest-sha256.txt': Buffer.alloc(mib + 1) })).toBe('too_large');
    const many = Array.from({ length: 5 }, (_, at) => [`tags/${at}.txt`, Buffer.alloc(mib / 4)] as const);
    expect(await refusal(Object.fromEntries(many))).toBe('too_large');
    // Payload is read and forgotten, whatever its size.
    expect(await refusal({ 'data/x.bin': Buffer.alloc(20 * mib) })).toBeNull();
  });

  it('has no record that never ends', async () => {
    const tree = 'data/records/tree.ndjson';
    const salt = `{"salt":"${'0'.repeat(64)}"}\n`;
    const endless = Buffer.alloc(3 * mib, 'x');
    expect(await refusal({ [tree]: text(salt), 'data/records/a.ndjson': endless })).toBe('too_large');
    expect(await refusal({ [tree]: endless })).toBe('too_large');
    const lines = text(`${'x'.repeat(1000)}\n`.repeat(3000));
    expect(await refusal({ [tree]: text(salt.repeat(3000)), 'data/records/a.ndjson': lines })).toBeNull();
  });

  it('is judged in seconds when its texts are made to be searched back and forth', async () => {
    const { root } = await makeInstallation();
    const blanks = ' '.repeat(500_000);
    const files = {
      'bagit.txt': text('BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n'),
      'manifest-sha256.txt': text(`a${blanks}\u2028\n`),
      'tagmanifest-sha256.txt': text(`a${blanks}\u2028\n`),
      'certs/root.pem': text(`-----BEGIN CERTIFICATE-----${blanks}!`),
      'manifest.json': text('['.repeat(400_000)),
    };
    const begun = performance.now();
    const pem = `-----BEGIN CERTIFICATE-----${blanks}!`;
    const now = Temporal.Instant.from('2026-11-27T09:30:00Z');
    for (const rootPem of [root.pem, pem]) {
      const { ok, claims } = await verifyPackage(packed(files), {
        rootPem,
        now,
        limits: { ...limits, tagBytes: 8 * mib },
      });
      expect(ok).toBe(false);
      expect(claims.length).toBeGreaterThan(0);
    }
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
