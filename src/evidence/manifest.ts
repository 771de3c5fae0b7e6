/**
 * evidence/ promises what a package says and how anyone checks it: the manifest whose exact bytes are signed, the bag
 * around the payload, the tree over the records, the instructions for a court, and the judgement over all of it.
 * Everything here is pure, and claims.ts takes its digest and signature functions as arguments, so that the same
 * judgement can run on an auditor's machine and in a visitor's browser. Nothing here may sign, write or read a file.
 */
import { z } from 'zod';
import { type Refusal, refuse } from '../core/refusal.ts';
import { exportPurposes } from './export.ts';

/** Raised when a field changes its meaning; a reader that does not know the number must say so and stop. */
const manifestVersion = 1;

const hex64 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 is 64 lower-case hex digits');
/** RFC 7638 thumbprint with SHA-256: 43 base64url characters. */
const thumbprint = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'a key id is an RFC 7638 thumbprint');
const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'an instant is RFC 3339, UTC, milliseconds');
const count = z.int().nonnegative();
const text = z.string().min(1);

/**
 * A payload path: only characters that survive every file system, every checksum list and every command line.
 * `sha256sum` escapes a name that holds a newline or a backslash; such names are never written and never accepted.
 */
const payloadPath = z
  .string()
  .max(240)
  .regex(
    /^data(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/,
    'a payload path is data/… in letters, digits, dot, dash, underscore',
  );

/** `record`: NDJSON, authoritative; `tree`: salts and leaves of the record tree; the others name what they are. */
const fileRoles = [
  'certificate',
  'rendered',
  'table',
  'spreadsheet',
  'record',
  'tree',
  'attachment',
  'loadfile',
  'redaction_log',
  'withholding_log',
  'custody_log',
  'search_report',
  'other',
] as const;
export type FileRole = (typeof fileRoles)[number];

const payloadFile = z.strictObject({
  path: payloadPath,
  bytes: count,
  sha256: hex64,
  mediaType: text,
  role: z.enum(fileRoles),
  derivedFrom: payloadPath.optional(),
});

/** One file of the payload as the signed manifest lists it. */
export type PayloadFile = Readonly<z.infer<typeof payloadFile>>;

/** How an approver proved to be there: a session with a fresh second proof, or a token made for approving. */
const authentication = z.strictObject({ method: z.enum(['step_up', 'token']), at: instant });

/**
 * manifest.json: what is in the package, where it came from, who prepared it and who let it go. Field names follow
 * the package format (docs/formats); our JSON is camelCase. Instants RFC 3339 UTC with milliseconds, digests lower-case hex.
 */
export const manifestSchema = z
  .strictObject({
    manifestVersion: z.literal(manifestVersion),
    exportId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/),
    supersedes: text.optional(),
    createdAt: instant,
    purpose: z.enum(exportPurposes),
    demandId: text.optional(),
    requestId: text.optional(),
    matter: text.optional(),
    case: z.strictObject({ court: text, docket: text, caption: text }).optional(),
    requester: z
      .strictObject({ role: text, verifiedBy: text.optional(), verificationLevel: text.optional() })
      .optional(),
    scope: z.strictObject({
      /** Pseudonymous ids, never names or addresses: a package is read by more people than its subject. */
      subjects: z.array(text),
      datasets: z.array(text),
      keys: z.record(z.string(), z.array(z.record(z.string(), z.string()))),
      from: instant.nullable(),
      to: instant.nullable(),
      timezone: text,
      dataClasses: z.array(text),
      filters: z.array(text),
    }),
    source: z.strictObject({
      service: text,
      softwareVersion: text,
      gitCommit: text.nullable(),
      schemaVersion: text.nullable(),
      snapshot: text.nullable(),
      clock: z.strictObject({ source: text, offsetMs: z.number().nullable(), stratum: z.int().nullable() }),
    }),
    counts: z.strictObject({
      matched: count,
      included: count,
      redacted: count,
      withheld: count,
      attachments: count,
      pages: count,
      /** Code points no font could draw, shown on the pages as [U+XXXX]; the NDJSON has them as stored (I9). */
      uncoveredCodePoints: count,
    }),
    completeness: z
      .strictObject({ firstSeq: text.nullable(), lastSeq: text.nullable(), gaps: z.array(text), tombstones: count })
      .optional(),
    bates: z
      .strictObject({
        prefix: text,
        first: z.int().positive(),
        last: z.int().positive(),
        digits: z.int().min(1).max(12),
      })
      .nullable(),
    files: z.array(payloadFile).min(1),
    recordsTree: z.strictObject({
      alg: z.literal('sha256'),
      leaf: z.literal('salted'),
      root: hex64,
      size: count,
    }),
    policyDigest: hex64,
    /** The ledger as it stood before this export was sealed. */
    ledger: z.strictObject({ size: count, root: hex64, checkpoint: z.string().nullable() }),
    redaction: z
      .strictObject({ policyVersion: text, reasons: z.record(z.string(), count), reviewer: text.nullable() })
      .optional(),
    preparer: z.strictObject({ id: text, name: text, role: text }),
    approver: z.strictObject({
      id: text,
      name: text,
      title: text,
      kid: thumbprint,
      auth: authentication,
      statement: text,
      approvedAt: instant,
    }),
    fourEyes: z.literal(true),
    signing: z.strictObject({ alg: z.literal('ES256'), sealKid: thumbprint, certSha256: hex64 }),
    timestamps: z.array(
      z.strictObject({ tsa: text, qualified: z.boolean(), policyOid: text, selfOperated: z.boolean() }),
    ),
    retentionUntil: instant.optional(),
    instructionsVersion: z.int().positive(),
    /** SHA-256 of README-VERIFY.txt: a forged instruction is a forged check. */
    instructionsSha256: hex64,
  })
  .superRefine((manifest, context) => {
    // I6: the approver's identity is inside the signed bytes, and it is never the preparer's.
    if (manifest.preparer.id === manifest.approver.id)
      context.addIssue({ code: 'custom', path: ['approver', 'id'], message: 'preparer and approver are one person' });
    // A seal that also approves would be one key saying two people agreed.
    if (manifest.approver.kid === manifest.signing.sealKid)
      context.addIssue({ code: 'custom', path: ['approver', 'kid'], message: "the approver's key is the seal's" });
    const paths = manifest.files.map((file) => file.path);
    // Case folded: two names that differ in case only would overwrite each other where the package is unpacked.
    if (new Set(paths.map((path) => path.toLowerCase())).size !== paths.length)
      context.addIssue({ code: 'custom', path: ['files'], message: 'a path is listed twice' });
    if (paths.some((path, index) => index > 0 && !((paths[index - 1] ?? '') < path)))
      context.addIssue({ code: 'custom', path: ['files'], message: 'files are listed in path order' });
  });

export type Manifest = Readonly<z.infer<typeof manifestSchema>>;

/** What a manifest is built from: everything but the constants it always states. */
export type ManifestFacts = Omit<Manifest, 'manifestVersion' | 'fourEyes'>;

/**
 * Build the manifest of a package; its files are put in path order.
 * Refused: `second_person_needed` where preparer and approver are one person (I6), `invalid` with a pointer for each
 * wrong place otherwise.
 */
export function buildManifest(facts: ManifestFacts): Manifest | Refusal {
  if (facts.preparer.id === facts.approver.id)
    return refuse('second_person_needed', 'Whoever prepares an export cannot approve it. Ask a second person.', {
      actor: facts.preparer.id,
    });
  const files = facts.files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const parsed = manifestSchema.safeParse({ ...facts, files, manifestVersion, fourEyes: true });
  if (parsed.success) return parsed.data;
  return refuse(
    'invalid',
    'The manifest was not written: some of its facts are missing or malformed.',
    {},
    parsed.error.issues.map((issue) => ({
      pointer: `/${issue.path.map(String).join('/')}`,
      code: issue.code,
      detail: issue.message,
    })),
  );
}

/**
 * The manifest as text: indented JSON in the schema's order, ending in a newline. These bytes are what is signed, so
 * a verifier needs no canonical form of its own.
 */
export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** The folder a package unpacks to, such as `EXP-01jdq4v7m8…` for the export `exp_01jdq4v7m8…`. */
export function packageName(exportId: string): string {
  return `EXP-${exportId.replace(/^exp_/, '')}`;
}

/** The fixed files beside the payload, in the order a reader meets them. `manifest.NAME.tst` may stand beside them. */
export const tagFiles = [
  'README-VERIFY.txt',
  'bagit.txt',
  'bag-info.txt',
  'manifest-sha256.txt',
  'tagmanifest-sha256.txt',
  'manifest.json',
  'manifest-jws.json',
  'manifest.p7s',
  'manifest.tst',
  'keys/root.pem',
  'keys/seal.pem',
  'keys/tsa.pem',
  'keys/system.jwk',
  'keys/approver.jwk',
] as const;

export type TagFile = (typeof tagFiles)[number];

/** A timestamp of a further authority: `manifest.NAME.tst`. */
export const extraTimestamp = /^manifest\.([A-Za-z0-9-]{1,40})\.tst$/;
