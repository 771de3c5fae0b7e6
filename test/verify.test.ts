import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { CompactSign } from 'jose';
import { afterAll, describe, expect, it } from 'vitest';
import { generalJws, signDetached } from '../src/artifacts/jws.ts';
import { jwkText } from '../src/artifacts/keys.ts';
import { stampTime } from '../src/artifacts/timestamp.ts';
import { openZip } from '../src/artifacts/unzip.ts';
import { zipStream } from '../src/artifacts/zip.ts';
import { sha256Hex } from '../src/core/hash.ts';
import { bagInfo, checksumList } from '../src/evidence/bagit.ts';
import { type Manifest, manifestSchema, manifestText, packageName } from '../src/evidence/manifest.ts';
import { reportText, verifyPackage } from '../src/verify.ts';
import { makeInstallation, newSigner, once, sampleFacts, samplePackage, sealedAt } from './artifacts/sample-package.ts';
import { hasTool, shared } from './support/tools.ts';

type Files = Map<string, Uint8Array>;

const folder = mkdtempSync(join(tmpdir(), 'verify-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const keys = await makeInstallation();
const attacker = await makeInstallation();
const rootPem = keys.root.pem;
const zip = await samplePackage(keys);
const name = packageName((await sampleFacts(keys)).facts.exportId);
const original = await unpack(zip);
const now = Temporal.Instant.from('2026-12-01T00:00:00Z');
const verify = (source: string | Uint8Array, root: string | undefined = rootPem, at = now) =>
  verifyPackage(source, { rootPem: root, now: at });

async function unpack(bytes: Uint8Array): Promise<Files> {
  const open = await openZip(bytes);
  const files: Files = new Map();
  for (const { path } of open.members) files.set(path.slice(name.length + 1), await buffer(open.read(path)));
  return files;
}

const pack = (files: Files, into = name) =>
  buffer(
    zipStream([...files].map(([path, body]) => ({ path: `${into}/${path}`, stored: false, open: () => once(body) }))),
  );

const text = (files: Files, path: string) => Buffer.from(files.get(path) ?? []).toString('utf8');

/** Rewrite the lists an attacker can rewrite: both checksum lists, from the files as they are now. */
function rehash(files: Files): Files {
  const digests = (payload: boolean) =>
    [...files]
      .filter(([path]) => path.startsWith('data/') === payload && path !== 'tagmanifest-sha256.txt')
      .map(([path, body]) => ({ path, sha256: sha256Hex(body) }));
  files.set('manifest-sha256.txt', Buffer.from(checksumList(digests(true))));
  files.set('tagmanifest-sha256.txt', Buffer.from(checksumList(digests(false))));
  return files;
}

/** Change the signed manifest as well, with everything in it that follows from the files. */
function editManifest(files: Files, change: (manifest: Manifest) => Manifest = (manifest) => manifest): Files {
  const manifest = manifestSchema.parse(JSON.parse(text(files, 'manifest.json')));
  const listed = manifest.files.map((file) => {
    const body = files.get(file.path) ?? new Uint8Array();
    return { ...file, bytes: body.length, sha256: sha256Hex(body) };
  });
  const edited = change({ ...manifest, files: listed });
  files.set('manifest.json', Buffer.from(manifestText(edited)));
  files.set('bag-info.txt', Buffer.from(bagInfo(edited)));
  return rehash(files);
}

const flip = (files: Files, path: string, at = 0): Files => {
  const body = Buffer.from(files.get(path) ?? []);
  body[at % body.length] = (body[at % body.length] ?? 0) ^ 1;
  return files.set(path, body);
};

async function failing(files: Files, root?: string): Promise<string[]> {
  const { ok, claims } = await verify(await pack(files), root);
  const failed = claims.filter((claim) => !claim.ok).map((claim) => claim.claim);
  expect(ok).toBe(failed.length === 0);
  return failed;
}
const copy = (): Files => new Map(original);

describe('a good package', () => {
  it('is good, with a line for every claim', async () => {
    const verification = await verify(zip);
    expect(verification.claims.filter((claim) => !claim.ok)).toEqual([]);
    expect(verification.ok).toBe(true);
    expect(reportText(verification)).toMatch(/^PASS container[\s\S]*GOOD: every claim holds\n$/);
  });
  it('is good by path, unpacked, and packed again by somebody else', async () => {
    const path = join(folder, 'good.zip');
    writeFileSync(path, zip);
    expect((await verify(path)).ok).toBe(true);
    expect((await verify(writeFolder('good', original))).ok).toBe(true);
    if (!hasTool('zip')) return;
    const again = join(folder, 'again.zip');
    execFileSync('zip', ['-qr', again, name], { cwd: writeParent('again', original) });
    const repacked = await verify(again);
    expect(repacked.claims.filter((claim) => !claim.ok)).toEqual([]);
    expect(repacked.claims[0]?.detail).toMatch(/packed again/);
  });
  it('is unanchored without a root, and not good', async () => {
    const { ok, claims } = await verifyPackage(zip, { now });
    const failed = claims.filter((claim) => !claim.ok);
    expect(ok).toBe(false);
    expect(failed.map((claim) => claim.claim)).toEqual(['root']);
    expect(failed[0]?.detail).toMatch(/^unanchored/);
  });
  it('is not good under another root', async () => {
    const failed = (await verify(zip, attacker.root.pem)).claims
      .filter((claim) => !claim.ok)
      .map((claim) => claim.claim);
    expect(failed).toEqual(['cms', 'timestamp', 'certificate', 'root']);
    expect((await verify(zip, 'not a certificate')).ok).toBe(false);
  });
  it('stays good when its certificates have ended since, because the time it was stamped is known', async () => {
    const short = await makeInstallation('2027-01-01T00:00:00Z');
    const sealed = await samplePackage(short);
    const later = Temporal.Instant.from('2040-01-01T00:00:00Z');
    const { ok, claims } = await verify(sealed, short.root.pem, later);
    expect(ok).toBe(true);
    expect(claims.find((claim) => claim.claim === 'certificate')?.detail).toMatch(/in force at 2026-11-27/);
  });
});

function writeParent(at: string, files: Files): string {
  for (const [path, body] of files) {
    const full = join(folder, at, name, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, body);
  }
  return join(folder, at);
}
const writeFolder = (at: string, files: Files) => join(writeParent(at, files), name);

describe('I8: any changed byte is noticed', () => {
  it('of the archive, wherever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: zip.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const changed = Buffer.from(zip);
        changed[at] = (changed[at] ?? 0) ^ bits;
        expect((await verify(changed)).ok).toBe(false);
      }),
      {
        numRuns: 200,
        examples: [
          [zip.length - 1, 1],
          [0, 1],
          [6, 8],
        ],
      },
    );
  });
  it('of the end record and its comment, every one', async () => {
    // The part no member's digest covers. It is short enough to try all of it.
    for (let at = zip.length - 127; at < zip.length; at++) {
      const changed = Buffer.from(zip);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect((await verify(changed)).ok, `byte ${at}`).toBe(false);
    }
  });
  it('of any member, packed again', async () => {
    const paths = [...original.keys()];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (path, at, bits) => {
          const body = Buffer.from(original.get(path) ?? []);
          body[at % body.length] = (body[at % body.length] ?? 0) ^ bits;
          expect(await failing(copy().set(path, body))).not.toEqual([]);
        },
      ),
      { numRuns: 80 },
    );
  });
  it('of any payload, manifest, signature or certificate, when the attacker rewrites both checksum lists', async () => {
    // Not README's white space or a PEM's line ends: of those only the meaning is signed for, and checked here too.
    const paths = [...original.keys()].filter((path) => !/^(keys\/|(tag)?manifest-sha256)/.test(path));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (path, at, bits) => {
          const body = Buffer.from(original.get(path) ?? []);
          body[at % body.length] = (body[at % body.length] ?? 0) ^ bits;
          expect(await failing(rehash(copy().set(path, body)))).not.toEqual([]);
        },
      ),
      { numRuns: 80 },
    );
  });
  it('even one bit more or less at the end of a member', async () => {
    for (const [path, body] of original) {
      expect(await failing(copy().set(path, body.subarray(0, -1))), path).not.toEqual([]);
      expect(await failing(copy().set(path, Buffer.concat([body, Buffer.from('\n')]))), path).not.toEqual([]);
    }
  });
});

describe('an attack is seen by the claim that is there to see it', () => {
  const csv = 'data/messages.csv';
  const ndjson = 'data/records/messages.ndjson';

  it('a flipped byte', async () => {
    expect(await failing(flip(copy(), csv, 40))).toEqual(['payload']);
  });
  it('a flipped byte and rewritten lists', async () => {
    expect(await failing(rehash(flip(copy(), csv, 40)))).toEqual(['payload', 'bag']);
  });
  it('a flipped byte, rewritten lists and an edited manifest', async () => {
    expect(await failing(editManifest(flip(copy(), csv, 40)))).toEqual(['seal', 'approver', 'cms', 'timestamp']);
  });
  it('a record changed, with everything an attacker without keys can rewrite', async () => {
    expect(await failing(editManifest(flip(copy(), ndjson, 30)))).toEqual([
      'seal',
      'approver',
      'cms',
      'timestamp',
      'records',
    ]);
  });
  it('a file added, dropped, renamed or swapped with another', async () => {
    expect(await failing(copy().set('data/extra.csv', Buffer.from('x')))).toEqual(['complete']);
    expect(await failing(rehash(copy().set('data/extra.csv', Buffer.from('x'))))).toEqual(['complete', 'bag']);
    expect(await failing(copy().set('IMPORTANT.txt', Buffer.from('pay here')))).toEqual(['layout', 'tags']);
    expect(await failing(rehash(copy().set('IMPORTANT.txt', Buffer.from('pay here'))))).toEqual(['layout']);
    const dropped = copy();
    dropped.delete(csv);
    expect(await failing(dropped)).toEqual(['payload', 'complete']);
    const renamed = copy().set('data/letters.csv', original.get(csv) ?? new Uint8Array());
    renamed.delete(csv);
    expect(await failing(renamed)).toEqual(['payload', 'complete']);
    const swapped = copy()
      .set(csv, original.get(ndjson) ?? new Uint8Array())
      .set(ndjson, original.get(csv) ?? new Uint8Array());
    expect(await failing(swapped)).toEqual(['payload', 'records']);
  });
  it.each(['manifest.tst', 'manifest.p7s', 'manifest-jws.json', 'keys/tsa.pem', 'README-VERIFY.txt', 'bagit.txt'])(
    'a package without %s',
    async (path) => {
      const files = copy();
      files.delete(path);
      expect(await failing(rehash(files))).toContain('layout');
    },
  );
  it('forged instructions', async () => {
    const forged = text(original, 'README-VERIFY.txt').replace(/Fingerprint=../, 'Fingerprint=00');
    expect(await failing(rehash(copy().set('README-VERIFY.txt', Buffer.from(forged))))).toEqual(['instructions']);
  });
  it("the approver's signature stripped, or replaced by the seal's", async () => {
    const [seal, approval] = await bothSignatures();
    for (const jws of [generalJws([seal]), generalJws([seal, seal]), generalJws([approval, seal])])
      expect(await failing(rehash(copy().set('manifest-jws.json', Buffer.from(jws))))).toContain('approver');
  });
  it("the approver's key swapped for another valid key that signed", async () => {
    const other = await newSigner();
    const content = original.get('manifest.json') ?? new Uint8Array();
    const [seal] = await bothSignatures();
    const files = copy()
      .set('keys/approver.jwk', Buffer.from(jwkText(other.publicJwk, other.kid)))
      .set('manifest-jws.json', Buffer.from(generalJws([seal, await signDetached(content, other)])));
    expect(await failing(rehash(files))).toEqual(['approver']);
    // And with the kid of the real approver claimed in the header:
    const lying = { ...other, kid: keys.approver.kid };
    files.set('manifest-jws.json', Buffer.from(generalJws([seal, await signDetached(content, lying)])));
    expect(await failing(rehash(files))).toEqual(['approver']);
  });
  it('one person in two roles, signed and sealed by keys that are good', async () => {
    const files = copy();
    const alone = text(files, 'manifest.json').replace('"id": "act_ben"', '"id": "act_ada"');
    files.set('manifest.json', Buffer.from(alone));
    files.set(
      'manifest-jws.json',
      Buffer.from(
        generalJws([
          await signDetached(Buffer.from(alone), keys.seal.signer),
          await signDetached(Buffer.from(alone), keys.approver),
        ]),
      ),
    );
    expect(await failing(rehash(files))).toContain('manifest');
  });
  it('algorithm confusion: an HMAC under the public key', async () => {
    const content = original.get('manifest.json') ?? new Uint8Array();
    const secret = original.get('keys/approver.jwk') ?? new Uint8Array();
    const compact = await new CompactSign(content)
      .setProtectedHeader({ alg: 'HS256', kid: keys.approver.kid })
      .sign(secret);
    const [header, , signature] = compact.split('.');
    const [seal] = await bothSignatures();
    const files = copy().set('manifest-jws.json', Buffer.from(generalJws([seal, `${header}..${signature}`])));
    expect(await failing(rehash(files))).toEqual(['approver']);
  });
  it('a timestamp of other bytes, of another authority, or from before the approval', async () => {
    const content = original.get('manifest.json') ?? new Uint8Array();
    const early = sealedAt.subtract({ hours: 24 });
    for (const token of [
      await stampTime(keys.tsa, Buffer.from('other'), sealedAt, randomBytes(16)),
      await stampTime(attacker.tsa, content, sealedAt, randomBytes(16)),
      await stampTime(keys.tsa, content, early, randomBytes(16)),
    ])
      expect(await failing(rehash(copy().set('manifest.tst', token)))).toEqual(['timestamp']);
  });
  it('a whole package made by somebody else under a root of their own', async () => {
    const forged = await samplePackage(attacker);
    const claims = (await verify(forged)).claims.filter((claim) => !claim.ok).map((claim) => claim.claim);
    expect(claims).toEqual(['cms', 'timestamp', 'certificate', 'root']);
  });
  it("a whole package made by somebody else who put this installation's root in", async () => {
    const files = await unpack(await samplePackage(attacker));
    expect(await failing(rehash(files.set('keys/root.pem', Buffer.from(rootPem))))).toEqual([
      'cms',
      'timestamp',
      'certificate',
    ]);
  });
  it('a manifest with a member told twice', async () => {
    const doubled = text(original, 'manifest.json').replace(
      '"fourEyes": true',
      '"fourEyes": false,\n  "fourEyes": true',
    );
    expect(await failing(rehash(copy().set('manifest.json', Buffer.from(doubled))))).toContain('manifest');
  });
  it('the package of another export under this name', async () => {
    const { claims } = await verify(await pack(original, 'EXP-another'));
    expect(claims.filter((claim) => !claim.ok).map((claim) => claim.claim)).toEqual(['layout']);
  });
  it('an archive with a member twice, a link in a folder, or no archive', async () => {
    const twice = Buffer.from(zip);
    const from = twice.lastIndexOf(`${name}/manifest.tst`);
    twice.write(`${name}/manifest.p7s`, from, 'latin1');
    for (const [what, source] of Object.entries({ twice, cut: zip.subarray(0, 5000), text: Buffer.from('hello') })) {
      const { ok, claims } = await verify(source);
      expect([ok, claims[0]?.ok], what).toEqual([false, false]);
      expect(claims).toHaveLength(16);
    }
    const at = writeFolder('linked', original);
    symlinkSync('/etc/hostname', join(at, 'data', 'linked'));
    expect((await verify(at)).claims[0]?.detail).toMatch(/^member_kind/);
  });

  const bothSignatures = async () => {
    const content = original.get('manifest.json') ?? new Uint8Array();
    return Promise.all([signDetached(content, keys.seal.signer), signDetached(content, keys.approver)]);
  };
});

const script = shared('reference/verify-package.sh');
const absent = !script || ['bash', 'openssl', 'jose', 'jq', 'certutil', 'pdfsig'].some((tool) => !hasTool(tool));

describe.skipIf(absent)('stock tools see the attacks too (needs openssl, jose, jq, certutil, pdfsig)', () => {
  const rootPath = join(folder, 'root.pem');
  writeFileSync(rootPath, rootPem);
  let at = 0;
  const stock = (files: Files, root = rootPath) => {
    const unpacked = writeFolder(`stock${at++}`, files);
    const { stdout } = spawnSync('bash', [script ?? '', unpacked, root], { encoding: 'utf8' });
    // 09 waits for PAdES.
    return [...stdout.matchAll(/^FAIL (\d\d)/gm)].map((match) => match[1]).filter((line) => line !== '09');
  };
  it('and pass a good package', () => {
    expect(stock(copy())).toEqual([]);
  });
  it('each by the check that is there to see it', async () => {
    const csv = 'data/messages.csv';
    const other = await newSigner();
    const dropped = copy();
    dropped.delete(csv);
    const stripped = generalJws([
      await signDetached(original.get('manifest.json') ?? new Uint8Array(), keys.seal.signer),
    ]);
    writeFileSync(join(folder, 'other.pem'), attacker.root.pem);
    expect({
      flipped: stock(flip(copy(), csv, 40)),
      rehashed: stock(rehash(flip(copy(), csv, 40))),
      edited: stock(editManifest(flip(copy(), csv, 40))),
      added: stock(copy().set('data/extra.csv', Buffer.from('x'))),
      dropped: stock(dropped),
      swappedKey: stock(rehash(copy().set('keys/approver.jwk', Buffer.from(jwkText(other.publicJwk, other.kid))))),
      stripped: stock(rehash(copy().set('manifest-jws.json', Buffer.from(stripped)))),
      otherTime: stock(
        rehash(copy().set('manifest.tst', await stampTime(keys.tsa, Buffer.from('x'), sealedAt, randomBytes(16)))),
      ),
      otherRoot: stock(copy(), join(folder, 'other.pem')),
    }).toEqual({
      flipped: ['01'],
      rehashed: ['03'],
      edited: ['04', '05', '06', '08'],
      added: ['02'],
      dropped: ['01', '02'],
      swappedKey: ['06', '07'],
      stripped: ['06'],
      otherTime: ['08'],
      otherRoot: ['04', '08', '11'],
    });
  });
});

describe('the program', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'src/verify.ts', ...args], { encoding: 'utf8' });
  it('answers by exit code, in lines or in JSON', () => {
    const [path, root] = [join(folder, 'cli.zip'), join(folder, 'cli-root.pem')];
    writeFileSync(path, zip);
    writeFileSync(root, rootPem);
    const good = run(path, '--root', root);
    expect([good.status, good.stdout.match(/^PASS/gm)?.length, good.stderr]).toEqual([0, 16, '']);
    const bare = run(path, '--json');
    const printed: { ok: boolean; claims: unknown[] } = JSON.parse(bare.stdout);
    expect([bare.status, printed.ok, printed.claims.length]).toEqual([1, false, 16]);
    expect(run().status).toBe(2);
    expect(run(join(folder, 'absent.zip')).status).toBe(2);
  });
});
