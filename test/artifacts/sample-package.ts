import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { issueCertificate } from '../../src/artifacts/certificates.ts';
import { csvWriter } from '../../src/artifacts/csv.ts';
import { signDetached } from '../../src/artifacts/jws.ts';
import { generateSigningKey, type Signer, signerFrom } from '../../src/artifacts/keys.ts';
import { recordsWriter } from '../../src/artifacts/ndjson.ts';
import { type PackageFacts, prepareManifest, type SealOrder, sealPackage } from '../../src/artifacts/package.ts';
import type { Sink } from '../../src/artifacts/sink.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { isRefusal, type Refusal } from '../../src/core/refusal.ts';
import type { FileRole } from '../../src/evidence/manifest.ts';

/** An installation's keys, made once for a test file. */
export interface Installation {
  readonly root: { readonly signer: Signer; readonly pem: string };
  readonly seal: { readonly signer: Signer; readonly certificate: string };
  readonly tsa: { readonly signer: Signer; readonly certificate: string; readonly root: string };
  readonly approver: Signer;
}

export async function makeInstallation(notAfter = '2056-01-01T00:00:00Z'): Promise<Installation> {
  const [rootKey, sealKey, tsaKey, approver] = await Promise.all([newSigner(), newSigner(), newSigner(), newSigner()]);
  const issue = (profile: 'root' | 'seal' | 'tsa', key: Signer, certificate: string | null) =>
    issueCertificate({
      profile,
      commonName: `Kinfolk ${profile}`,
      organization: 'Kinfolk Ltd',
      publicJwk: key.publicJwk,
      issuer: { signer: rootKey, certificate },
      notBefore: Temporal.Instant.from('2026-01-01T00:00:00Z'),
      notAfter: Temporal.Instant.from(notAfter),
      serial: randomBytes(16),
    });
  const root = await issue('root', rootKey, null);
  return {
    root: { signer: rootKey, pem: root },
    seal: { signer: sealKey, certificate: await issue('seal', sealKey, root) },
    tsa: { signer: tsaKey, certificate: await issue('tsa', tsaKey, root), root },
    approver,
  };
}

export async function newSigner(): Promise<Signer> {
  return signerFrom((await generateSigningKey()).pkcs8);
}

export interface SampleFile {
  readonly path: string;
  readonly body: Uint8Array;
  readonly mediaType: string;
  readonly role: FileRole;
}

const messages = [
  { id: '1', sender: 'ada@example.com', body: 'Can you pick up Mia at 4?\n"Yes"', sent_at: '2026-01-02T03:04:05.000Z' },
  { id: '2', sender: 'ben@example.com', body: 'שלום 👩🏾‍💻 नमस्ते', sent_at: '2026-01-02T03:05:05.000Z' },
  { id: '3', sender: 'ada@example.com', body: null, sent_at: '2026-01-02T03:06:05.000Z' },
  { id: '4', sender: 'ben@example.com', body: '', sent_at: '2026-01-02T03:07:05.000Z' },
] as const;

export function memorySink(): Sink & { bytes(): Uint8Array } {
  const chunks: Uint8Array[] = [];
  return { write: async (chunk) => void chunks.push(chunk), bytes: () => Buffer.concat(chunks) };
}

/** Payload files as an export renders them: table, records with one withheld, tree, an attachment. */
async function sampleFiles(): Promise<{
  files: readonly SampleFile[];
  tree: { root: string; size: number };
}> {
  const [table, records, tree] = [memorySink(), memorySink(), memorySink()];
  const columns = ['id', 'sender', 'body', 'sent_at'] as const;
  const csv = csvWriter(table, columns);
  const writer = recordsWriter(records, tree, Buffer.alloc(32, 7));
  for (const message of messages) {
    await csv.row(columns.map((column) => message[column]));
    await writer.add(`app.messages/${message.id}`, message);
  }
  await writer.withhold('app.messages/5', { id: '5', body: 'to my lawyer' });
  await csv.end();
  const root = await writer.end();
  const attachment = Buffer.from('%PDF-1.4 not really\n');
  return {
    tree: root,
    files: [
      { path: 'data/messages.csv', body: table.bytes(), mediaType: 'text/csv', role: 'table' },
      {
        path: 'data/records/messages.ndjson',
        body: records.bytes(),
        mediaType: 'application/x-ndjson',
        role: 'record',
      },
      { path: 'data/records/tree.ndjson', body: tree.bytes(), mediaType: 'application/x-ndjson', role: 'tree' },
      {
        path: `data/attachments/${sha256Hex(attachment)}.pdf`,
        body: attachment,
        mediaType: 'application/pdf',
        role: 'attachment',
      },
    ],
  };
}

export async function sampleFacts(
  { approver }: Pick<Installation, 'approver'>,
  changes: Partial<PackageFacts> = {},
): Promise<{ facts: PackageFacts; files: readonly SampleFile[] }> {
  const { files, tree } = await sampleFiles();
  return {
    files,
    facts: {
      exportId: 'exp_01kb2f4v7m8abcdefghjkmnpqr',
      createdAt: '2026-11-27T09:00:00.000Z',
      purpose: 'legal_production',
      demandId: 'dem_01kb2f4v7m8abcdefghjkmnpqr',
      scope: {
        subjects: ['sub_1'],
        datasets: ['app.messages'],
        keys: { 'app.messages': [{ conversation_id: '17' }] },
        from: null,
        to: null,
        timezone: 'America/Los_Angeles',
        dataClasses: ['content'],
        filters: [],
      },
      source: {
        service: 'Kinfolk',
        softwareVersion: '0.1.0',
        gitCommit: null,
        schemaVersion: null,
        snapshot: null,
        clock: { source: 'system', offsetMs: null, stratum: null },
      },
      counts: { matched: 5, included: 4, redacted: 0, withheld: 1, attachments: 1, pages: 0, uncoveredCodePoints: 0 },
      bates: null,
      files: files.map(({ path, body, mediaType, role }) => ({
        path,
        bytes: body.length,
        sha256: sha256Hex(body),
        mediaType,
        role,
      })),
      recordsTree: { alg: 'sha256', leaf: 'salted', ...tree },
      policyDigest: sha256Hex('policy'),
      ledger: { size: 12, root: sha256Hex('ledger'), checkpoint: null },
      preparer: { id: 'act_ada', name: 'Ada Preparer', role: 'legal' },
      approver: {
        id: 'act_ben',
        name: 'Ben Approver',
        title: 'Custodian of Records',
        kid: approver.kid,
        auth: { method: 'step_up', at: '2026-11-27T09:29:00.000Z' },
        statement: 'I have reviewed this export and approve its release.',
        approvedAt: '2026-11-27T09:30:00.000Z',
      },
      ...changes,
    },
  };
}

export const sealedAt = Temporal.Instant.from('2026-11-27T09:31:00.250Z');

/** Prepare, approve and seal the sample; the ZIP's bytes. */
export async function samplePackage(
  keys: Installation,
  changes: Partial<PackageFacts> = {},
  order: Partial<SealOrder> = {},
): Promise<Uint8Array> {
  const { facts, files } = await sampleFacts(keys, changes);
  const prepared = unrefused(
    prepareManifest(facts, {
      root: keys.root.pem,
      sealCertificate: keys.seal.certificate,
      sealKid: keys.seal.signer.kid,
    }),
  );
  const sealed = unrefused(
    await sealPackage({
      manifest: prepared.text,
      approver: {
        publicJwk: keys.approver.publicJwk,
        signature: await signDetached(prepared.bytes, keys.approver),
      },
      payload: files.map((file) => ({ path: file.path, open: () => once(file.body) })),
      seal: keys.seal,
      tsa: keys.tsa,
      at: sealedAt,
      random: randomBytes,
      ...order,
    }),
  );
  return buffer(sealed.zip);
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

export function unrefused<T>(value: T | Refusal): T {
  if (isRefusal(value)) throw new Error(`${value.code}: ${value.detail} ${JSON.stringify(value.errors)}`);
  return value;
}
