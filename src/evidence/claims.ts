import { bagDeclaration, bagInfo, checksumList } from './bagit.ts';
import { extraTimestamp, type Manifest, manifestSchema, manifestText, packageName, tagFiles } from './manifest.ts';
import type { RecordsFound } from './records.ts';

/** What a package claims about itself, each checkable alone, and what a good answer proves. */
export const claims = {
  container: 'the archive is whole, and can be read by one rule only',
  layout: 'it holds the files of a package and no others',
  manifest: 'the manifest is well-formed and of a version this program knows',
  payload: 'every file listed in the signed manifest has the listed length and SHA-256',
  complete: 'no payload file was added or taken away',
  bag: 'the checksum list and bag-info say what the signed manifest says',
  tags: 'every file beside the payload has the listed SHA-256',
  instructions: 'README-VERIFY.txt is the text that was signed for',
  seal: 'the system sealed these bytes (JWS)',
  approver: 'the approver named in the signed manifest signed these bytes (JWS)',
  two_people: 'preparer and approver are two people',
  cms: 'the seal certificate signed these bytes (CMS, CAdES)',
  timestamp: 'the bytes existed at the stamped time (RFC 3161)',
  certificate: "the sealing key is the seal certificate's, which the root issued",
  root: 'the root is the one you trust',
  records: 'the authoritative records are exactly those of the signed tree',
} as const;

export type ClaimCode = keyof typeof claims;

/** One claim, judged. */
export interface Claim {
  readonly claim: ClaimCode;
  readonly ok: boolean;
  readonly detail: string;
}

/** A package as somebody read it, member by member: nothing here has been believed yet. */
export interface ObservedPackage {
  readonly container: { readonly ok: boolean; readonly detail: string };
  /** The folder all members stand in, or null where the package was read from an unpacked folder. */
  readonly folder: string | null;
  /** Paths below that folder, with length and lower-case hex SHA-256 of the bytes read. */
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  /** The bytes of everything that is not payload. */
  readonly tags: ReadonlyMap<string, Uint8Array>;
  /** The record tree rebuilt from the package's own lines; a problem where it could not be. */
  readonly records: RecordsFound;
}

/** An answer of a check. */
export interface Finding {
  readonly ok: boolean;
  readonly detail: string;
}

/**
 * The digest and signature functions the judgement rests on. They are arguments so that the same judgement can run
 * with Node's, with a browser's, or with an expert's own. All PEM and JWK arguments are text as found in the package.
 */
export interface Checks {
  sha256Hex(bytes: Uint8Array): string | Promise<string>;
  /** RFC 7638 thumbprint, or null where the text is no P-256 key. */
  keyId(jwk: string): Promise<string | null>;
  /** SHA-256 of the DER, or null where the text is no certificate. */
  certificateSha256(pem: string): string | null | Promise<string | null>;
  jws(order: {
    readonly jws: string;
    readonly payload: Uint8Array;
    readonly index: 0 | 1;
    readonly jwk: string;
    readonly kid: string;
  }): Promise<Finding>;
  /** Down to the root, at an instant (RFC 3339); `certificateSha256` is that of the signer's certificate. */
  cms(order: {
    readonly signature: Uint8Array;
    readonly content: Uint8Array;
    readonly root: string;
    readonly at: string;
  }): Promise<Finding & { readonly certificateSha256: string | null }>;
  /** `at`: the stamped instant, null where the token does not hold; `certificateSha256`: of the authority's certificate. */
  timestamp(order: {
    readonly token: Uint8Array;
    readonly content: Uint8Array;
    readonly root: string;
  }): Promise<
    Finding & { readonly at: string | null; readonly certificateSha256: string | null; readonly policy: string | null }
  >;
  /** Whether the root issued the certificate and it was in force; `kid` is the thumbprint of its key. */
  certificate(order: {
    readonly pem: string;
    readonly root: string;
    readonly at: string;
  }): Promise<Finding & { readonly kid: string | null }>;
}

/** What the reader brings along. */
export interface Judgement {
  /** PEM of the root obtained outside the package; null: none, and then nothing in the package is anchored. */
  readonly root: string | null;
  /** RFC 3339: at which certificates must be in force where no timestamp says an earlier time. */
  readonly now: string;
}

/**
 * Judge a package: every claim, in the order of the table above, each with its reason. The package is good iff all
 * are. Without a root `root` fails as `unanchored`, however well the rest fits: keys inside a package prove nothing.
 */
export async function judge(
  observed: ObservedPackage,
  checks: Checks,
  { root, now }: Judgement,
): Promise<readonly Claim[]> {
  const tag = (path: string) => observed.tags.get(path) ?? new Uint8Array();
  const text = (path: string) => decode(tag(path));
  const content = tag('manifest.json');
  const read = readManifest(text('manifest.json'));
  const found: Partial<Record<ClaimCode, Finding>> = {
    container: observed.container,
    manifest: 'problem' in read ? no(read.problem) : yes(`version ${read.manifest.manifestVersion}`),
    tags: judgeTags(observed, text('tagmanifest-sha256.txt')),
    root: await judgeRoot(checks, root, text('keys/root.pem')),
  };
  if (!('problem' in read)) {
    const { manifest } = read;
    // Without a root of the reader's own the rest is still checked, against the package's: it finds damage, not forgery.
    const trusted = root ?? text('keys/root.pem');
    const timestamp = await judgeTime(checks, observed, manifest, content, trusted);
    const at = timestamp.at ?? now;
    const sealKid = await checks.keyId(text('keys/system.jwk'));
    const approverKid = await checks.keyId(text('keys/approver.jwk'));
    const jws = text('manifest-jws.json');
    Object.assign(found, {
      layout: judgeLayout(observed, manifest),
      payload: judgePayload(observed, manifest),
      complete: judgeComplete(observed, manifest),
      bag: judgeBag(manifest, text),
      instructions:
        (await checks.sha256Hex(tag('README-VERIFY.txt'))) === manifest.instructionsSha256
          ? yes(`instructions version ${manifest.instructionsVersion}`)
          : no('the instructions were changed; do not follow them'),
      seal: await judgeKey(sealKid, manifest.signing.sealKid, 'seal', () =>
        checks.jws({ jws, payload: content, index: 0, jwk: text('keys/system.jwk'), kid: manifest.signing.sealKid }),
      ),
      approver: await judgeKey(approverKid, manifest.approver.kid, 'approver', () =>
        checks.jws({ jws, payload: content, index: 1, jwk: text('keys/approver.jwk'), kid: manifest.approver.kid }),
      ),
      two_people: yes(
        `prepared by ${manifest.preparer.id}, approved by ${manifest.approver.id} (${manifest.approver.auth.method})`,
      ),
      cms: await judgeCms(checks, manifest, { signature: tag('manifest.p7s'), content, root: trusted, at }),
      timestamp,
      certificate: await judgeCertificate(checks, manifest, { pem: text('keys/seal.pem'), root: trusted, at }),
      records: judgeRecords(observed.records, manifest),
    } satisfies Partial<Record<ClaimCode, Finding>>);
  }
  return claimCodes.map((claim) => {
    const { ok, detail } = found[claim] ?? no('not checked: there is no manifest to check it against');
    return { claim, ok, detail };
  });
}

const claimCodes = Object.keys(claims).filter((code): code is ClaimCode => code in claims);

/** Every claim failed for one reason: a package that could not be read at all. */
export function unreadable(detail: string): readonly Claim[] {
  return claimCodes.map((claim) => ({
    claim,
    ok: false,
    detail: claim === 'container' ? detail : 'not checked: the package could not be read',
  }));
}

const yes = (detail: string): Finding => ({ ok: true, detail });
const no = (detail: string): Finding => ({ ok: false, detail });

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return '';
  }
}

function readManifest(text: string): { readonly manifest: Manifest } | { readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'manifest.json is missing or is not JSON in UTF-8' };
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { problem: `/${issue?.path.map(String).join('/') ?? ''}: ${issue?.message ?? 'malformed'}` };
  }
  // A member written twice is read one way by one program and another way by the next.
  if (manifestText(parsed.data) !== text) return { problem: 'manifest.json is not written in its canonical form' };
  return { manifest: parsed.data };
}

function judgeLayout(observed: ObservedPackage, manifest: Manifest): Finding {
  if (observed.folder !== null && observed.folder !== packageName(manifest.exportId))
    return no(`the folder is ${observed.folder}, the manifest is of ${manifest.exportId}`);
  const present = new Set(observed.files.map((file) => file.path));
  const missing = tagFiles.filter((path) => !present.has(path));
  const known = new Set<string>(tagFiles);
  const strange = [...present].filter(
    (path) => !path.startsWith('data/') && !known.has(path) && !extraTimestamp.test(path),
  );
  if (missing.length > 0) return no(`missing: ${some(missing)}`);
  if (strange.length > 0) return no(`not part of a package: ${some(strange)}`);
  return yes(`${present.size} files`);
}

function judgePayload(observed: ObservedPackage, manifest: Manifest): Finding {
  const present = new Map(observed.files.map((file) => [file.path, file]));
  const wrong = manifest.files.filter((file) => {
    const found = present.get(file.path);
    return found?.sha256 !== file.sha256 || found.bytes !== file.bytes;
  });
  if (wrong.length > 0) return no(`changed or missing: ${some(wrong.map((file) => file.path))}`);
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  return yes(`${manifest.files.length} files, ${bytes} bytes`);
}

function judgeComplete(observed: ObservedPackage, manifest: Manifest): Finding {
  const present = observed.files.map((file) => file.path).filter((path) => path.startsWith('data/'));
  const listed = new Set(manifest.files.map((file) => file.path));
  const added = present.filter((path) => !listed.has(path));
  const here = new Set(present);
  const gone = [...listed].filter((path) => !here.has(path));
  if (added.length > 0) return no(`added: ${some(added)}`);
  if (gone.length > 0) return no(`missing: ${some(gone)}`);
  return yes(`${listed.size} listed, ${present.length} present`);
}

function judgeBag(manifest: Manifest, text: (path: string) => string): Finding {
  const wanted = {
    'bagit.txt': bagDeclaration,
    'bag-info.txt': bagInfo(manifest),
    'manifest-sha256.txt': checksumList(manifest.files),
  };
  const wrong = Object.entries(wanted).filter(([path, expected]) => text(path) !== expected);
  return wrong.length === 0
    ? yes('BagIt 1.0, SHA-256')
    : no(`not what the signed manifest says: ${some(wrong.map(([path]) => path))}`);
}

function judgeTags(observed: ObservedPackage, list: string): Finding {
  const files = observed.files.filter(
    (file) => !file.path.startsWith('data/') && file.path !== 'tagmanifest-sha256.txt',
  );
  // Rewritten and compared whole: an entry too many, too few, out of order or in capitals differs as well.
  if (checksumList(files) === list) return yes(`${files.length} files`);
  const lines = new Set(list.split('\n'));
  const wrong = files.filter((file) => !lines.has(checksumList([file]).trimEnd()));
  return no(
    wrong.length > 0 ? `changed or not listed: ${some(wrong.map((file) => file.path))}` : 'the list itself was changed',
  );
}

async function judgeRoot(checks: Checks, root: string | null, own: string): Promise<Finding> {
  const inside = await checks.certificateSha256(own);
  if (inside === null) return no('keys/root.pem is not a certificate');
  if (root === null)
    return no(
      `unanchored: no root was given, and keys inside a package prove nothing. Compare SHA-256 ${inside} with what the sender publishes, and give that root`,
    );
  const trusted = await checks.certificateSha256(root);
  if (trusted === null) return no('the root given is not a PEM certificate');
  return trusted === inside ? yes(`SHA-256 ${trusted}`) : no(`the package's root is another: SHA-256 ${inside}`);
}

async function judgeKey(
  found: string | null,
  expected: string,
  whose: string,
  signature: () => Promise<Finding>,
): Promise<Finding> {
  if (found === null) return no(`the ${whose} key is not a P-256 key`);
  // Only the signed manifest makes a swapped key visible: a JWK carries no chain.
  if (found !== expected) return no(`the ${whose} key in the package is not the one the signed manifest names`);
  return signature();
}

async function judgeCms(checks: Checks, manifest: Manifest, order: Parameters<Checks['cms']>[0]): Promise<Finding> {
  const { ok, detail, certificateSha256 } = await checks.cms(order);
  if (!ok) return no(detail);
  return certificateSha256 === manifest.signing.certSha256
    ? yes(detail)
    : no('signed under another certificate than the signed manifest names');
}

async function judgeCertificate(
  checks: Checks,
  manifest: Manifest,
  order: Parameters<Checks['certificate']>[0],
): Promise<Finding> {
  if ((await checks.certificateSha256(order.pem)) !== manifest.signing.certSha256)
    return no('keys/seal.pem is not the certificate the signed manifest names');
  const { ok, detail, kid } = await checks.certificate(order);
  if (!ok) return no(detail);
  return kid === manifest.signing.sealKid
    ? yes(`${detail}, in force at ${order.at}`)
    : no('its key is not the sealing key');
}

// Two clocks, ours and an authority's, may differ a little; a stamp well before the approval is of another act.
const clockSkewMs = 10 * 60 * 1000;

async function judgeTime(
  checks: Checks,
  observed: ObservedPackage,
  manifest: Manifest,
  content: Uint8Array,
  root: string,
): Promise<Finding & { readonly at: string | null }> {
  const token = observed.tags.get('manifest.tst') ?? new Uint8Array();
  const { ok, detail, at, certificateSha256, policy } = await checks.timestamp({ token, content, root });
  if (!ok || at === null) return { ok: false, detail, at: null };
  if (
    (await checks.certificateSha256(decode(observed.tags.get('keys/tsa.pem') ?? new Uint8Array()))) !==
    certificateSha256
  )
    return { ok: false, detail: "keys/tsa.pem is not the certificate of the timestamp's authority", at: null };
  if (Date.parse(at) < Date.parse(manifest.approver.approvedAt) - clockSkewMs)
    return { ok: false, detail: `stamped ${at}, before the approval of ${manifest.approver.approvedAt}`, at: null };
  if (policy !== manifest.timestamps[0]?.policyOid)
    return { ok: false, detail: `stamped under policy ${policy}, the signed manifest names another`, at: null };
  const further = observed.files.filter((file) => extraTimestamp.test(file.path)).length;
  const whose = manifest.timestamps[0]?.selfOperated === false ? '' : ', by the organisation itself (self-operated)';
  const others = further > 0 ? `; ${further} token(s) of further authorities were not checked` : '';
  return { ok: true, detail: `${detail}${whose}${others}`, at };
}

function judgeRecords(records: RecordsFound, manifest: Manifest): Finding {
  if ('problem' in records) return no(records.problem);
  if (records.size !== manifest.recordsTree.size || records.root !== manifest.recordsTree.root)
    return no(`${records.size} records give root ${records.root}, signed is another`);
  if (records.disclosed !== manifest.counts.included || records.withheld !== manifest.counts.withheld)
    return no(`${records.disclosed} records and ${records.withheld} withheld, the counts say otherwise`);
  if (manifest.counts.matched !== records.disclosed + records.withheld)
    return no(
      `${manifest.counts.matched} records matched, and ${records.disclosed + records.withheld} are accounted for`,
    );
  return yes(`${records.disclosed} records, ${records.withheld} withheld`);
}

function some(paths: readonly string[]): string {
  const shown = paths.slice(0, 5).map((path) => JSON.stringify(path.slice(0, 120)));
  return paths.length > 5 ? `${shown.join(', ')} and ${paths.length - 5} more` : shown.join(', ');
}
