import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority } from '../../src/artifacts/authority.ts';
import { verifyCertificate } from '../../src/artifacts/verify-certificate.ts';
import { certifyRun, readCertificate } from '../../src/flows/certify-run.ts';
import { publishedKeys } from '../../src/flows/read-keys.ts';
import { reportText, verifyFile } from '../../src/verify.ts';
import { chatTables, done, openWorld, purge, type World } from '../invariants/world.ts';

const retention = `rules:
  old: { datasets: [app.messages], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: test }
  system: { datasets: [app.messages], where: { sender_id: null }, keep: P1Y, dispose: destroy, schedule: "15 2 * * *", authority: test }
`;
let world: World;
let root: string;
let bytes: Buffer;
beforeAll(async () => {
  world = await openWorld({
    retention,
    tables: `${chatTables}
      INSERT INTO users VALUES (1, 'ada@example.com');
      INSERT INTO messages SELECT n, NULL, 1, NULL, now() - interval '10 years', 'said' FROM generate_series(1, 10) n;
      INSERT INTO messages SELECT n, NULL, NULL, NULL, now() - interval '2 years', 'system' FROM generate_series(11, 20) n;
      INSERT INTO attachments VALUES (1, 1, NULL, NULL);`,
  });
  const run = await purge(world.office);
  await certifyRun(world.office, run.id);
  const chunks = [];
  for await (const chunk of done(await readCertificate(world.office, run.id, 'json')).bytes) chunks.push(chunk);
  bytes = Buffer.concat(chunks);
  root = world.office.signers.rootPem;
});
afterAll(() => world?.[Symbol.asyncDispose]());

interface Envelope {
  certificate: string;
  jws: { signatures: { protected: string; signature: string }[] };
  sealCertificate: string;
  root: string;
}
interface Signed {
  run: string;
  root: string;
  rules: { rule: string; destroyed: number }[];
  batches: { id: string; count: number; root: string }[];
}

const changed = (change: (envelope: Envelope) => void): Buffer => {
  const envelope = JSON.parse(bytes.toString()) as Envelope;
  change(envelope);
  return Buffer.from(JSON.stringify(envelope));
};
/** Change what was signed, as somebody would who hopes that nobody checks the signature. */
const forged = (change: (signed: Signed) => void) =>
  changed((envelope) => {
    const signed = JSON.parse(envelope.certificate) as Signed;
    change(signed);
    envelope.certificate = JSON.stringify(signed);
  });
const wrongIn = async (of: Uint8Array, trusted: string | null = root) =>
  (await verifyCertificate(of, trusted)).claims.filter(({ ok }) => !ok).map(({ claim }) => claim);

describe('a certificate of disposition', () => {
  it('is good under the root of whoever wrote it, and unanchored without one', async () => {
    const { ok, claims } = await verifyCertificate(bytes, root);
    expect(claims.filter((claim) => !claim.ok)).toEqual([]);
    expect([ok, claims.length]).toEqual([true, 6]);
    expect(await wrongIn(bytes, null)).toEqual(['root']);
    const path = join(mkdtempSync(join(tmpdir(), 'muniment-certificate-')), 'certificate.json');
    writeFileSync(path, bytes);
    expect(reportText(await verifyFile(path, root))).toMatch(
      /^PASS form [\s\S]*PASS root[\s\S]*GOOD: every claim holds\n$/,
    );
    expect(reportText(await verifyFile(path, undefined))).toMatch(/UNANCHORED: give the root\n$/);
  });

  it('shows every change, and says which claim no longer holds', async () => {
    const { rules, batches } = JSON.parse((JSON.parse(bytes.toString()) as Envelope).certificate) as Signed;
    expect([rules.length, batches.length]).toEqual([2, 2]);
    const other = await makeAuthority('Somebody else', Temporal.Now.instant(), randomBytes);
    const cases: [string, Buffer, string[]][] = [
      [
        'a count of a rule',
        forged(({ rules: [rule] }) => void Object.assign(rule ?? {}, { destroyed: 15 })),
        ['signature', 'counts'],
      ],
      [
        'nothing taken',
        forged(({ rules: [rule] }) => void Object.assign(rule ?? {}, { destroyed: 0 })),
        ['signature', 'counts'],
      ],
      [
        'a count of a batch',
        forged(({ batches: [one] }) => void Object.assign(one ?? {}, { count: 99 })),
        ['signature', 'batches'],
      ],
      ['a batch left out', forged((signed) => signed.batches.pop()), ['signature', 'batches', 'counts']],
      ['a batch twice', forged((signed) => signed.batches.push(...signed.batches)), ['signature', 'batches']],
      [
        'a batch of another run',
        forged(({ batches: [one] }) => void Object.assign(one ?? {}, { id: `run_x/${one?.id}` })),
        ['signature', 'batches', 'counts'],
      ],
      ['another spelling of the same', forged(() => {}), ['signature']],
      ['no signature', changed(({ jws }) => void jws.signatures.pop()), ['form']],
      [
        'a header that names an algorithm',
        changed(({ jws: { signatures } }) => setHeader(signatures, 'none')),
        ['signature'],
      ],
      [
        'another root',
        changed((envelope) => void Object.assign(envelope, { root: other.root.certificate })),
        ['certificate', 'root'],
      ],
      [
        'another seal',
        changed((envelope) => void Object.assign(envelope, { sealCertificate: other.seal.certificate })),
        ['signature', 'certificate'],
      ],
      [
        'no certificate at all',
        changed((envelope) => void Object.assign(envelope, { sealCertificate: 'PEM' })),
        ['signature', 'certificate'],
      ],
      ['another document', Buffer.from('{"certificate":"{}"}'), ['form']],
      ['no JSON', Buffer.from('{'), ['form']],
    ];
    for (const [name, file, wrong] of cases) expect(await wrongIn(file), name).toEqual(wrong);
  });

  const hasTools = ['jose', 'openssl', 'jq'].every((tool) => spawnSync(tool, ['--version']).error === undefined);
  it.skipIf(!hasTools)('is verified by openssl, jose, jq and sha256sum as its page says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'muniment-certificate-'));
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    write('certificate.json', bytes.toString());
    write('root.pem', root);
    write('jwks.json', JSON.stringify(await publishedKeys(world.office)));
    const run = (command: string) => execFileSync('sh', ['-ec', command], { cwd: folder, encoding: 'utf8' });
    run('jq -j .certificate certificate.json > signed.json; jq .jws certificate.json > signed.jws');
    run('jq -r .sealCertificate certificate.json > seal.pem; openssl verify -CAfile root.pem seal.pem');
    run('jose jws ver -i signed.jws -I signed.json -k jwks.json');
    const sum = run(`jq -r '.batches[] | "\\(.id) \\(.count) \\(.root)"' signed.json | sha256sum`).slice(0, 64);
    expect(run('jq -r .root signed.json').trim()).toBe(sum);
    const { certificate } = JSON.parse(bytes.toString()) as Envelope;
    expect(run('sha256sum signed.json').slice(0, 64)).toBe(createHash('sha256').update(certificate).digest('hex'));
    write('signed.json', certificate.replace('"destroyed": 10', '"destroyed": 11'));
    expect(() => run('jose jws ver -i signed.jws -I signed.json -k jwks.json 2>/dev/null')).toThrow();
  });
});

function setHeader(signatures: Envelope['jws']['signatures'], alg: string) {
  const [one] = signatures;
  if (!one) throw new Error('no signature');
  const header = JSON.parse(Buffer.from(one.protected, 'base64url').toString()) as object;
  one.protected = Buffer.from(JSON.stringify({ ...header, alg })).toString('base64url');
}
