import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { signDetached } from '../../src/artifacts/jws.ts';
import { prepareManifest } from '../../src/artifacts/package.ts';
import { openZip } from '../../src/artifacts/unzip.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { packageName } from '../../src/evidence/manifest.ts';
import { hasTool, shared } from '../support/tools.ts';
import { makeInstallation, newSigner, once, sampleFacts, samplePackage } from './sample-package.ts';

const folder = mkdtempSync(join(tmpdir(), 'package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const keys = await makeInstallation();
const zip = await samplePackage(keys);
const { facts, files } = await sampleFacts(keys);
const name = packageName(facts.exportId);
const rootPath = join(folder, 'trusted-root.pem');
writeFileSync(rootPath, keys.root.pem);
writeFileSync(join(folder, 'p.zip'), zip);
const unpacked = join(folder, name);
const unzip = hasTool('unzip');
if (unzip) execFileSync('unzip', ['-q', join(folder, 'p.zip'), '-d', folder]);

async function members(bytes: Uint8Array): Promise<Map<string, string>> {
  const open = await openZip(bytes);
  const found = new Map<string, string>();
  for (const { path } of open.members) {
    const digest = createHash('sha256');
    for await (const chunk of open.read(path)) digest.update(chunk);
    found.set(path.slice(name.length + 1), digest.digest('hex'));
  }
  return found;
}

describe('a sealed package', () => {
  it('is the same for the same input, signatures and timestamps aside', async () => {
    const [first, second] = [await members(zip), await members(await samplePackage(keys))];
    const differing = [...first].filter(([path, digest]) => second.get(path) !== digest).map(([path]) => path);
    // ECDSA draws a random number for every signature, and the tag list names the files that hold them.
    expect(differing.toSorted()).toEqual([
      'manifest-jws.json',
      'manifest.p7s',
      'manifest.tst',
      'tagmanifest-sha256.txt',
    ]);
    expect([...first.keys()]).toEqual([...second.keys()]);
  });

  it('is refused a seal when anything is not as it was approved', async () => {
    const stranger = await newSigner();
    const prepared = prepareManifest(facts, {
      root: keys.root.pem,
      sealCertificate: keys.seal.certificate,
      sealKid: keys.seal.signer.kid,
    });
    if (isRefusal(prepared)) throw new Error(prepared.detail);
    const payload = files.map((file) => ({ path: file.path, open: () => once(file.body) }));
    const publicJwk = keys.approver.publicJwk;
    const other = await makeInstallation();
    const attempts = {
      'a signature of somebody else': {
        approver: { publicJwk, signature: await signDetached(prepared.bytes, stranger) },
      },
      'the key of somebody else': {
        approver: { publicJwk: stranger.publicJwk, signature: await signDetached(prepared.bytes, stranger) },
      },
      'an approval of other bytes': {
        approver: { publicJwk, signature: await signDetached(Buffer.from('{}'), keys.approver) },
      },
      'a file less': { payload: payload.slice(1) },
      'a file more': { payload: [...payload, { path: 'data/x', open: () => once(Buffer.from('x')) }] },
      'another seal': { seal: other.seal },
      'another root': { tsa: other.tsa },
      'a manifest touched up': { manifest: prepared.text.replace('"withheld": 1', '"withheld": 0') },
    };
    for (const [what, change] of Object.entries(attempts))
      await expect(samplePackage(keys, {}, change), what).rejects.toThrow(/^conflict/);
  });

  it('cannot be finished when a file changed between approval and seal', async () => {
    const payload = files.map((file) => ({
      path: file.path,
      open: () => once(Buffer.concat([file.body, Buffer.from(' ')])),
    }));
    await expect(samplePackage(keys, {}, { payload })).rejects.toThrow(/no longer what was approved/);
  });

  it('is not prepared for one person alone (I6)', async () => {
    await expect(samplePackage(keys, { preparer: { ...facts.preparer, id: facts.approver.id } })).rejects.toThrow(
      /^second_person_needed/,
    );
  });
});

describe.skipIf(!unzip)('stock tools agree (needs unzip)', () => {
  it('unzip finds every checksum right', () => {
    expect(execFileSync('unzip', ['-tqq', join(folder, 'p.zip')]).toString()).toBe('');
  });
  it.skipIf(!hasTool('sha256sum'))('sha256sum finds every file unchanged (needs sha256sum)', () => {
    const args = ['--strict', '--quiet', '-c', 'manifest-sha256.txt', 'tagmanifest-sha256.txt'];
    expect(execFileSync('sha256sum', args, { cwd: unpacked }).toString()).toBe('');
  });
  it.skipIf(!hasTool('jose'))("jose verifies both signatures and prints the approver's kid (needs jose)", () => {
    for (const key of ['keys/system.jwk', 'keys/approver.jwk'])
      expect(
        spawnSync(
          'jose',
          ['jws', 'ver', '-i', 'manifest-jws.json', '-I', 'manifest.json', '-k', key, '-O', '/dev/null'],
          {
            cwd: unpacked,
          },
        ).status,
      ).toBe(0);
    expect(
      execFileSync('jose', ['jwk', 'thp', '-i', 'keys/approver.jwk', '-a', 'S256'], { cwd: unpacked }).toString(),
    ).toBe(keys.approver.kid);
  });

  const script = shared('reference/verify-package.sh');
  const missing = !script || ['bash', 'openssl', 'jose', 'jq', 'certutil', 'pdfsig'].some((tool) => !hasTool(tool));
  it.skipIf(missing)('the reference script passes 01 to 08 and 11 (needs openssl, jose, jq, certutil, pdfsig)', () => {
    const { stdout } = spawnSync('bash', [script ?? '', unpacked, rootPath], { encoding: 'utf8' });
    const failed = stdout.split('\n').filter((line) => line.startsWith('FAIL'));
    expect(stdout.match(/^(PASS|FAIL)/gm)).toHaveLength(11);
    // KNOWN GAP: no PDF bears a PAdES signature yet.
    expect(failed.map((line) => line.slice(5, 7))).toEqual(['09']);
  });

  const runnable = ['bash', 'openssl', 'jose', 'jq', 'basenc'].every(hasTool);
  it.skipIf(!runnable)('every command of README-VERIFY prints what the text promises (needs openssl, jose, jq)', () => {
    const readme = readFileSync(join(unpacked, 'README-VERIFY.txt'), 'utf8');
    // Commands are what stands indented by three spaces before the next "Expected" of its step.
    const steps = readme.split(/\n\n\n(?=\d\. )/).slice(1);
    const run = (command: string) =>
      spawnSync('bash', ['-c', command], { cwd: unpacked, encoding: 'utf8', env: { ...process.env, TMPDIR: folder } });
    const commands = (step: string) =>
      step
        .split('\n')
        .filter((line) => /^ {3}(?! |Expected|Failure|Compare|Windows|certutil|"NAME)/.test(line))
        .map((line) => line.slice(3))
        .filter((line) => /^(openssl|sha256sum|diff|jose|jq|b64u|N=|\{|H=|X=|Y=|printf)/.test(line));
    expect(steps).toHaveLength(8);
    const printed = steps.map((step) => {
      const result = run(commands(step).join('\n'));
      return `${result.stdout}${result.stderr}`;
    });
    expect(printed[0]).toContain(/Expected:\n {3}(.*)\n/.exec(steps[0] ?? '')?.[1] ?? 'nothing');
    expect(printed[1]).toBe('UNCHANGED\n');
    expect(printed[2]).toBe('COMPLETE\n');
    expect(printed[3]).toBe('SAME\n');
    expect(printed[4]).toContain('CAdES Verification successful');
    expect(printed[5]).toContain('Verification: OK');
    expect(printed[5]).toContain('Time stamp: Nov 27 09:31:00.25 2026 GMT');
    expect(printed[6]?.split('\n').slice(0, 2)).toEqual(['SEAL', 'APPROVER']);
    expect(printed[6]?.split(keys.approver.kid)).toHaveLength(3);
    expect(printed[6]).toContain('Verified OK');
    expect(printed[7]).toBe('keys/seal.pem: OK\n');
  });
});
