import type { Readable } from 'node:stream';
import { sha256Hex, sha256Stream } from '../core/hash.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { bagDeclaration, bagInfo, checksumList } from '../evidence/bagit.ts';
import {
  buildManifest,
  type Manifest,
  type ManifestFacts,
  manifestSchema,
  manifestText,
  type PayloadFile,
  packageName,
  type TagFile,
} from '../evidence/manifest.ts';
import { instructions, instructionsVersion } from '../evidence/readme-verify.ts';
import { certificateSha256 } from './certificates.ts';
import { cmsOid, signCms } from './cms.ts';
import { generalJws, signDetached, verifyDetached } from './jws.ts';
import { jwkText, type PublicJwk, type Signer, thumbprint } from './keys.ts';
import { type SelfOperatedTsa, selfOperatedPolicy, stampTime } from './timestamp.ts';
import { type ZipMember, zipStream } from './zip.ts';

/** What the caller knows of a package; the rest of the manifest follows from the keys and the instructions. */
export type PackageFacts = Omit<ManifestFacts, 'signing' | 'timestamps' | 'instructionsVersion' | 'instructionsSha256'>;

/** The public side of an installation's keys. Certificates are PEM. */
export interface PackageTrust {
  readonly root: string;
  readonly sealCertificate: string;
  readonly sealKid: string;
}

/** The manifest, finished before anybody approves: exactly these bytes are signed by the approver and by the seal. */
export interface PreparedManifest {
  readonly manifest: Manifest;
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/**
 * Write the manifest of a package whose files are all rendered. The approver signs `bytes` with `signDetached`.
 * Refused: `second_person_needed` (I6), `invalid`.
 */
export function prepareManifest(facts: PackageFacts, trust: PackageTrust): PreparedManifest | Refusal {
  const manifest = buildManifest({
    ...facts,
    signing: { alg: 'ES256', sealKid: trust.sealKid, certSha256: certificateSha256(trust.sealCertificate) },
    timestamps: [{ tsa: facts.source.service, qualified: false, policyOid: selfOperatedPolicy, selfOperated: true }],
    instructionsVersion,
    instructionsSha256: sha256Hex(
      readme({
        exportId: facts.exportId,
        service: facts.source.service,
        approverKid: facts.approver.kid,
        sealKid: trust.sealKid,
        root: trust.root,
      }),
    ),
  });
  if (isRefusal(manifest)) return manifest;
  const text = manifestText(manifest);
  const bytes = Buffer.from(text, 'utf8');
  return { manifest, text, bytes, sha256: sha256Hex(bytes) };
}

/** A payload file and how to read it: from a blob, a file, or memory. Opened once, in its turn. */
export interface PayloadSource {
  readonly path: string;
  open(): AsyncIterable<Uint8Array>;
}

/** What is sealed, and with what. */
export interface SealOrder {
  /** The exact text that was approved. */
  readonly manifest: string;
  readonly approver: {
    readonly publicJwk: PublicJwk;
    /** What `signDetached` gave at approval. */
    readonly signature: string;
  };
  readonly payload: readonly PayloadSource[];
  readonly seal: { readonly signer: Signer; readonly certificate: string };
  readonly tsa: SelfOperatedTsa;
  /** When it is sealed: the stamped time. */
  readonly at: Temporal.Instant;
  /** At least this many random bytes; for the timestamps' serials. */
  random(bytes: number): Uint8Array;
}

/** A package on its way out: read `zip` to its end, into a blob or a file. */
export interface SealedPackage {
  /** `EXP-…`: the folder inside; `.zip` is the archive's name. */
  readonly name: string;
  readonly manifestSha256: string;
  readonly zip: Readable;
}

/**
 * Seal an approved manifest over its payload: seal signature, CMS, timestamp, bag, ZIP. Nothing is rendered here and
 * nothing but signatures and timestamps is new. Every payload byte is hashed again as it passes; a file that is no
 * longer what was approved destroys the stream, so that no archive with it can be finished.
 * Refused: `conflict` where the manifest, the keys, the files or the instructions are no longer those approved.
 */
export async function sealPackage(order: SealOrder): Promise<SealedPackage | Refusal> {
  const parsed = manifestSchema.safeParse(JSON.parse(order.manifest));
  if (!parsed.success) return refuse('invalid', 'The approved manifest is malformed. Prepare the export again.');
  const manifest = parsed.data;
  const content = Buffer.from(order.manifest, 'utf8');
  const changed = await notAsApproved(order, manifest, content);
  if (changed)
    return refuse('conflict', `${changed} Prepare and approve the export again.`, { export: manifest.exportId });

  const { signer, certificate } = order.seal;
  const stamp = (bytes: Uint8Array) => stampTime(order.tsa, bytes, order.at, order.random(16));
  const tags = {
    'README-VERIFY.txt': readmeOf(manifest, order.tsa.root),
    'bagit.txt': bagDeclaration,
    'bag-info.txt': bagInfo(manifest),
    'manifest-sha256.txt': checksumList(manifest.files),
    'manifest.json': content,
    'manifest-jws.json': generalJws([await signDetached(content, signer), order.approver.signature]),
    'manifest.p7s': await signCms({
      content,
      contentType: cmsOid.data,
      attached: false,
      signer,
      certificates: [certificate, order.tsa.root],
      stamp,
    }),
    'manifest.tst': await stamp(content),
    'keys/root.pem': order.tsa.root,
    'keys/seal.pem': certificate,
    'keys/tsa.pem': order.tsa.certificate,
    'keys/system.jwk': jwkText(signer.publicJwk, signer.kid),
    'keys/approver.jwk': jwkText(order.approver.publicJwk, manifest.approver.kid),
  } satisfies Record<Exclude<TagFile, 'tagmanifest-sha256.txt'>, string | Uint8Array>;
  const listed = Object.entries(tags).map(([path, body]) => ({ path, sha256: sha256Hex(body) }));
  const folder = packageName(manifest.exportId);
  const members = [
    ...Object.entries({ ...tags, 'tagmanifest-sha256.txt': checksumList(listed) }).map(([path, body]) =>
      tagMember(`${folder}/${path}`, body),
    ),
    ...payloadMembers(folder, manifest, order.payload),
  ];
  return { name: folder, manifestSha256: sha256Hex(content), zip: zipStream(members) };
}

async function notAsApproved(order: SealOrder, manifest: Manifest, content: Uint8Array): Promise<string | null> {
  if (manifestText(manifest) !== order.manifest) return 'The manifest is not written as this version writes it.';
  if (manifest.signing.certSha256 !== certificateSha256(order.seal.certificate))
    return 'The seal certificate has been replaced since the approval.';
  if (manifest.signing.sealKid !== order.seal.signer.kid)
    return 'The sealing key has been replaced since the approval.';
  if (manifest.instructionsSha256 !== sha256Hex(readmeOf(manifest, order.tsa.root)))
    return 'The instructions or the root have changed since the approval.';
  const kid = await thumbprint(order.approver.publicJwk);
  const approval = await verifyDetached({
    jws: generalJws([order.approver.signature, order.approver.signature]),
    payload: content,
    index: 1,
    jwk: { ...order.approver.publicJwk },
    kid,
  });
  if (kid !== manifest.approver.kid || !approval.ok)
    return "The approval is not the approver's signature over this manifest.";
  const offered = order.payload.map((file) => file.path).toSorted();
  const wanted = manifest.files.map((file) => file.path);
  if (offered.length !== wanted.length || wanted.some((path, index) => path !== offered[index]))
    return 'The files are not those of the manifest.';
  return null;
}

function payloadMembers(folder: string, manifest: Manifest, payload: readonly PayloadSource[]): readonly ZipMember[] {
  const sources = new Map(payload.map((file) => [file.path, file]));
  return manifest.files.flatMap((file) => {
    const source = sources.get(file.path);
    return source
      ? [
          {
            path: `${folder}/${file.path}`,
            stored: compressedAlready(file.mediaType),
            open: () => unchanged(file, source),
          },
        ]
      : [];
  });
}

/** Passes the bytes of a file on and faults at their end where they are not those of the manifest. */
async function* unchanged(file: PayloadFile, source: PayloadSource): AsyncGenerator<Uint8Array> {
  const digest = sha256Stream();
  let bytes = 0;
  for await (const chunk of source.open()) {
    digest.update(chunk);
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes !== file.bytes || digest.digestHex() !== file.sha256)
    throw new Error(`${file.path} is no longer what was approved`);
}

function compressedAlready(mediaType: string): boolean {
  return /^(application\/(pdf|zip|gzip|x-7z-compressed)|image\/(jpeg|png|gif|webp|heic|avif)|video\/|audio\/(?!wav|x-wav))/.test(
    mediaType,
  );
}

function tagMember(path: string, body: string | Uint8Array): ZipMember {
  return {
    path,
    stored: false,
    async *open() {
      yield typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
    },
  };
}

function readmeOf(manifest: Manifest, root: string): string {
  return readme({
    exportId: manifest.exportId,
    service: manifest.source.service,
    approverKid: manifest.approver.kid,
    sealKid: manifest.signing.sealKid,
    root,
  });
}

function readme(facts: {
  readonly exportId: string;
  readonly service: string;
  readonly approverKid: string;
  readonly sealKid: string;
  readonly root: string;
}): string {
  const { root, ...known } = facts;
  return instructions({ ...known, rootSha256: certificateSha256(root) });
}
