import { z } from 'zod';
import { fromHex, toBase64Url } from '../core/hash.ts';
import { digestOfBatches } from '../disposition/batch.ts';
import { certificateSha256, issuedBy, readCertificate } from './certificates.ts';
import { verifySignature } from './jws.ts';

/** What a certificate of disposition claims about itself, and what a good answer proves. */
export const certificateClaims = {
  form: 'it is a certificate of disposition of a version this program knows',
  signature: 'the seal signed these bytes (JWS, ES256)',
  certificate: "the sealing key is the seal certificate's, which the root issued",
  root: 'the root is the one you trust',
  batches: 'the digest over its batches is that of the batches it lists, each once and of this run',
  counts: 'what each rule says it took stands in its batches',
} as const;

export type CertificateClaim = keyof typeof certificateClaims;

export interface JudgedCertificate {
  readonly ok: boolean;
  readonly claims: readonly { readonly claim: CertificateClaim; readonly ok: boolean; readonly detail: string }[];
}

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().nonnegative();

const envelopeSchema = z.strictObject({
  certificate: z.string(),
  jws: z.strictObject({
    signatures: z.array(z.strictObject({ protected: z.string(), signature: z.string() })).length(1),
  }),
  sealCertificate: z.string(),
  root: z.string(),
});

const certificateSchema = z.object({
  certificate: z.literal('muniment disposition 1'),
  run: z.string(),
  finishedAt: z.iso.datetime().nullable(),
  plannedAt: z.iso.datetime(),
  rules: z.array(z.object({ rule: z.string(), dataset: z.string(), destroyed: count })),
  batches: z.array(z.object({ id: z.string(), count, root: hex, epoch: count })),
  root: hex,
});

const headerSchema = z.strictObject({ alg: z.literal('ES256'), kid: z.string() });

/**
 * Verify the JSON of a certificate of disposition, offline. docs/formats/certificate.md says how with stock tools.
 * @param rootPem the root, obtained elsewhere; without it nothing shows whose seal this is, and the answer is not good
 */
export async function verifyCertificate(bytes: Uint8Array, rootPem: string | null): Promise<JudgedCertificate> {
  const claims: { claim: CertificateClaim; ok: boolean; detail: string }[] = [];
  const say = (claim: CertificateClaim, fault: string | null, good: string) =>
    claims.push({ claim, ok: fault === null, detail: fault ?? good });
  const answer = () => ({ ok: claims.every(({ ok }) => ok), claims });
  const envelope = envelopeSchema.safeParse(jsonOf(bytes));
  const signed = envelope.success ? certificateSchema.safeParse(jsonOf(Buffer.from(envelope.data.certificate))) : null;
  if (!envelope.success || !signed?.success) {
    say('form', 'it is not the JSON that Muniment writes', '');
    return answer();
  }
  const { certificate: text, jws, sealCertificate, root } = envelope.data;
  const certificate = signed.data;
  say('form', null, `run ${certificate.run}`);
  const [signature] = jws.signatures;
  say('signature', signature ? await faultOfSignature(text, signature, sealCertificate) : 'there is none', 'ES256');
  // What it says of its own time is what was signed: there is no other time in it.
  const at = Temporal.Instant.from(certificate.finishedAt ?? certificate.plannedAt);
  say('certificate', await faultOfChain(sealCertificate, root, at), 'issued by the root that came with it');
  say('root', faultOfRoot(root, rootPem), 'the trusted root');
  say('batches', faultOfBatches(certificate), `${certificate.batches.length} batches`);
  say('counts', faultOfCounts(certificate), `${certificate.rules.length} rules`);
  return answer();
}

async function faultOfSignature(
  text: string,
  signature: { readonly protected: string; readonly signature: string },
  pem: string,
): Promise<string | null> {
  const header = headerSchema.safeParse(jsonOf(Buffer.from(signature.protected, 'base64url')));
  if (!header.success) return 'the protected header may hold alg ES256 and kid only';
  try {
    const key = await readCertificate(pem).getPublicKey();
    const jwk = await crypto.subtle.exportKey('jwk', key);
    const payload = toBase64Url(Buffer.from(text));
    return (await verifySignature({ ...signature, payload }, jwk, ['ES256']))
      ? null
      : 'the signature does not match these bytes';
  } catch {
    return 'the seal certificate cannot be read';
  }
}

async function faultOfChain(pem: string, root: string, at: Temporal.Instant): Promise<string | null> {
  try {
    const verdict = await issuedBy(readCertificate(pem), readCertificate(root), at);
    return verdict.ok ? null : verdict.detail;
  } catch {
    return 'a certificate cannot be read';
  }
}

function faultOfRoot(pem: string, trusted: string | null): string | null {
  if (trusted === null) return 'unanchored: give the root that you have from elsewhere';
  try {
    return certificateSha256(pem) === certificateSha256(trusted) ? null : 'another root than the one you trust';
  } catch {
    return 'a root cannot be read';
  }
}

type Signed = z.output<typeof certificateSchema>;

function faultOfBatches({ run, batches, root }: Signed): string | null {
  const ids = batches.map(({ id }) => id);
  if (new Set(ids).size < ids.length) return 'a batch is listed twice';
  const foreign = ids.find((id) => !id.startsWith(`${run}/`));
  if (foreign !== undefined) return `${foreign} is of another run`;
  const digest = digestOfBatches(batches.map((batch) => ({ ...batch, root: fromHex(batch.root) })));
  return digest === root ? null : 'the digest over the batches is another one';
}

/** A batch counts what hung on a record, too: never less than the rule says went. */
function faultOfCounts({ run, rules, batches }: Signed): string | null {
  for (const { rule, dataset, destroyed } of rules) {
    const own = batches.filter(({ id }) => id.startsWith(`${run}/${rule}/${dataset}/`));
    const went = own.reduce((sum, batch) => sum + batch.count, 0);
    if (went < destroyed) return `${rule} says ${destroyed} of ${dataset} went, its batches say ${went}`;
    if (destroyed === 0 && went > 0) return `${rule} says nothing of ${dataset} went, its batches say ${went}`;
  }
  return null;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return null;
  }
}
