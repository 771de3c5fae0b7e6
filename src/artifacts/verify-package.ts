import { sha256Hex } from '../core/hash.ts';
import { type Checks, type Claim, judge, unreadable } from '../evidence/claims.ts';
import { certificateKeyId, certificateSha256, derSha256, issuedBy, readCertificate } from './certificates.ts';
import { cmsOid, verifyCms } from './cms.ts';
import { verifyDetached } from './jws.ts';
import { parsePublicJwk, thumbprint } from './keys.ts';
import { observePackage, type PackageLimits } from './read-package.ts';
import { verifyStamp } from './timestamp.ts';
import { ZipRefused } from './unzip.ts';

/** The whole answer: good iff every claim is. */
export interface Verification {
  readonly ok: boolean;
  readonly claims: readonly Claim[];
}

/** What the reader brings along. */
export interface VerifyOptions {
  /** PEM of the root, obtained outside the package. Absent: the package is `unanchored`, and not good. */
  readonly rootPem?: string | undefined;
  /** Certificates must be in force now where no good timestamp says an earlier time. */
  readonly now: Temporal.Instant;
  readonly limits?: PackageLimits | undefined;
}

/**
 * Verify a package offline: a ZIP by path or bytes, or an unpacked folder by path. A package that is wrong in any way
 * gives an answer, never a fault; only a path that cannot be read at all throws.
 */
export async function verifyPackage(source: string | Uint8Array, options: VerifyOptions): Promise<Verification> {
  try {
    const observed = await observePackage(source, options.limits);
    const judged = await judge(observed, nodeChecks, {
      root: options.rootPem ?? null,
      now: options.now.toString({ smallestUnit: 'millisecond' }),
    });
    return { ok: judged.every((claim) => claim.ok), claims: judged };
  } catch (fault) {
    if (!(fault instanceof ZipRefused)) throw fault;
    return { ok: false, claims: unreadable(`${fault.code}: ${fault.message}`) };
  }
}

const nodeChecks: Checks = {
  sha256Hex,
  keyId: (jwk) => orNull(async () => thumbprint(parsePublicJwk(JSON.parse(jwk)))),
  certificateSha256: (pem) => orNull(async () => certificateSha256(pem)),
  jws: (order) => orBad('the key is malformed', async () => verifyDetached({ ...order, jwk: JSON.parse(order.jwk) })),
  cms: async ({ signature, content, root, at }) => {
    const signed = await verifyCms(signature, cmsOid.data, content);
    const none = { ok: false, certificateSha256: null };
    if (!signed.ok) return { ...none, detail: signed.detail };
    const chain = await orBad('the root is not a certificate', async () =>
      issuedBy(signed.certificate, readCertificate(root), Temporal.Instant.from(at)),
    );
    if (chain.ok && !signed.others.every((other) => derSha256(other) === certificateSha256(root)))
      return { ...none, detail: 'a certificate inside is neither the seal nor the trusted root' };
    if (!chain.ok) return { ...none, detail: chain.detail };
    // The token inside is over the signature value: the same time, for a reader who has the .p7s alone.
    const inner = signed.token
      ? await orBad('', () => verifyStamp(signed.token ?? signature, signed.signature, root))
      : null;
    if (inner && !inner.ok) return { ...none, detail: `the timestamp inside does not hold: ${inner.detail}` };
    return { ok: true, detail: `${signed.detail}, ${chain.detail}`, certificateSha256: derSha256(signed.certificate) };
  },
  timestamp: async ({ token, content, root }) => {
    const stamped = await orBad('the root is not a certificate', () => verifyStamp(token, content, root));
    if (!('at' in stamped))
      return { ok: false, detail: stamped.detail, at: null, certificateSha256: null, policy: null };
    return {
      ok: true,
      detail: stamped.detail,
      at: stamped.at.toString({ smallestUnit: 'millisecond' }),
      certificateSha256: derSha256(stamped.certificate),
      policy: stamped.policy,
    };
  },
  certificate: async ({ pem, root, at }) => {
    const verdict = await orBad('not a certificate', async () =>
      issuedBy(readCertificate(pem), readCertificate(root), Temporal.Instant.from(at)),
    );
    return {
      ok: verdict.ok,
      detail: verdict.detail,
      kid: await orNull(async () => certificateKeyId(readCertificate(pem))),
    };
  },
};

async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch {
    return null;
  }
}

async function orBad<T extends { readonly ok: boolean; readonly detail: string }>(
  detail: string,
  check: () => Promise<T>,
): Promise<T | { readonly ok: false; readonly detail: string }> {
  try {
    return await check();
  } catch {
    return { ok: false, detail };
  }
}
