import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/core/hash.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import {
  buildManifest,
  type ManifestFacts,
  manifestSchema,
  manifestText,
  packageName,
} from '../../src/evidence/manifest.ts';
import { newSigner, sampleFacts, unrefused } from '../artifacts/sample-package.ts';

const approver = await newSigner();
const { facts } = await sampleFacts({ approver });
const good: ManifestFacts = {
  ...facts,
  signing: { alg: 'ES256', sealKid: 'A'.repeat(43), certSha256: sha256Hex('certificate') },
  timestamps: [],
  instructionsVersion: 1,
  instructionsSha256: sha256Hex('instructions'),
};
const code = (changed: Partial<ManifestFacts>) => {
  const built = buildManifest({ ...good, ...changed });
  return isRefusal(built) ? built.code : 'built';
};

describe('I6: a manifest', () => {
  it('refuses one person as preparer and approver', () => {
    expect(code({ preparer: { ...good.preparer, id: good.approver.id } })).toBe('second_person_needed');
  });
  it('refuses to read one that says otherwise', () => {
    const manifest = unrefused(buildManifest(good));
    const forged = { ...manifest, preparer: { ...manifest.preparer, id: manifest.approver.id } };
    expect(manifestSchema.safeParse(forged).success).toBe(false);
  });
  it("refuses an approver whose key is the seal's", () => {
    expect(code({ approver: { ...good.approver, kid: good.signing.sealKid } })).toBe('invalid');
  });
});

describe('a manifest', () => {
  it('lists its files in path order whatever order they came in', () => {
    const paths = unrefused(buildManifest({ ...good, files: good.files.toReversed() })).files.map((file) => file.path);
    expect(paths).toEqual(paths.toSorted());
  });
  it('is the same text for the same facts, and reads back as itself', () => {
    const text = manifestText(unrefused(buildManifest(good)));
    expect(manifestText(unrefused(buildManifest({ ...good })))).toBe(text);
    expect(manifestText(manifestSchema.parse(JSON.parse(text)))).toBe(text);
  });
  it.each([
    'data/../../etc/passwd',
    '/data/a',
    'data/a b',
    'data/ä',
    'data/a\\b',
    'data//a',
    'data/.hidden',
    'data',
    'other/a',
    'data/a\nb',
  ])('refuses the path %j', (path) => {
    expect(code({ files: [{ path, bytes: 1, sha256: sha256Hex('a'), mediaType: 'text/plain', role: 'other' }] })).toBe(
      'invalid',
    );
  });
  it('refuses two paths that differ in letter case only', () => {
    const file = { bytes: 1, sha256: sha256Hex('a'), mediaType: 'text/plain', role: 'other' } as const;
    expect(code({ files: ['data/A', 'data/a'].map((path) => ({ ...file, path })) })).toBe('invalid');
  });
  it('refuses a field nobody knows', () => {
    const manifest = { ...unrefused(buildManifest(good)), note: 'approved by the court' };
    expect(manifestSchema.safeParse(manifest).success).toBe(false);
  });
  it('names the folder after the export', () => {
    expect(packageName('exp_01abc')).toBe('EXP-01abc');
  });
});
