import * as asn1 from 'asn1js';
import * as pkijs from 'pkijs';
import { constantTimeEqual, sha256 } from '../core/hash.ts';
import {
  certificateSha256,
  derSha256,
  issuedBy,
  positiveInteger,
  readCertificate,
  stampsTime,
} from './certificates.ts';
import { cmsOid, signCms, verifyCms } from './cms.ts';
import type { Verdict } from './jws.ts';
import { own, type Signer } from './keys.ts';

/** id-ct-TSTInfo, RFC 3161 section 2.4.2. */
const tstInfo = '1.2.840.113549.1.9.16.1.4';

/**
 * The policy our built-in authority stamps under: the UUID 6e2f3c9d-2cba-4488-bcc5-a88449d51585 as an OID (ITU-T X.667), registered with nobody, because a
 * self-operated authority has no policy anyone has audited.
 */
export const selfOperatedPolicy = '2.25.146460346885932141035554145726218179973';

/** The built-in timestamp authority: it shows consistency, not a third party's word. */
export interface SelfOperatedTsa {
  readonly signer: Signer;
  /** PEM. */
  readonly certificate: string;
  readonly root: string;
}

/**
 * An RFC 3161 TimeStampToken over bytes, DER, with the authority's certificates inside.
 * @param serial at least 16 random bytes. Serials are drawn, not counted: a counter shared by parallel requests is
 *   how openssl's own authority came to issue one serial twice.
 */
export function stampTime(
  tsa: SelfOperatedTsa,
  bytes: Uint8Array,
  at: Temporal.Instant,
  serial: Uint8Array,
): Promise<Uint8Array> {
  if (serial.length < 16) throw new RangeError('a timestamp serial needs 16 random bytes');
  const imprint = new asn1.Sequence({
    value: [
      new asn1.Sequence({ value: [new asn1.ObjectIdentifier({ value: cmsOid.sha256 })] }),
      new asn1.OctetString({ valueHex: own(sha256(bytes)).buffer }),
    ],
  });
  const info = new asn1.Sequence({
    value: [
      new asn1.Integer({ value: 1 }),
      new asn1.ObjectIdentifier({ value: selfOperatedPolicy }),
      imprint,
      positiveInteger(serial),
      generalizedTime(at),
    ],
  });
  return signCms({
    content: new Uint8Array(info.toBER(false)),
    contentType: tstInfo,
    attached: true,
    signer: tsa.signer,
    certificates: [tsa.certificate, tsa.root],
  });
}

/** GeneralizedTime with a fraction and no trailing zeros in it (RFC 3161 section 2.4.2, X.690 section 11.7). */
function generalizedTime(at: Temporal.Instant): asn1.GeneralizedTime {
  const [whole = '', fraction = ''] = at
    .toString({ smallestUnit: 'millisecond' })
    .replace(/[-:TZ]/g, '')
    .split('.');
  const kept = fraction.replace(/0+$/, '');
  const text = `${whole}${kept === '' ? '' : `.${kept}`}Z`;
  return new asn1.GeneralizedTime({ valueHex: own(Buffer.from(text, 'ascii')).buffer });
}

/** A token that holds: when, by whom, under what policy. */
export interface Stamped extends Verdict {
  readonly ok: true;
  readonly at: Temporal.Instant;
  readonly policy: string;
  readonly certificate: pkijs.Certificate;
}

/**
 * Check a token over bytes, down to a trusted root: imprint, signature, the certificate's one purpose, its chain, and
 * that it was in force when it stamped. An authority's certificate that has ended since does not spoil what it
 * stamped while it was good.
 * @param root PEM
 */
export async function verifyStamp(
  token: Uint8Array,
  bytes: Uint8Array,
  root: string,
): Promise<Stamped | (Verdict & { readonly ok: false })> {
  const signed = await verifyCms(token, tstInfo, null);
  if (!signed.ok) return signed;
  const info = readInfo(signed.content ?? new Uint8Array());
  if (!info) return { ok: false, detail: 'not a well-formed timestamp' };
  if (!signed.others.every((other) => derSha256(other) === certificateSha256(root)))
    return { ok: false, detail: 'a certificate inside is neither the authority nor the trusted root' };
  if (!constantTimeEqual(info.imprint, sha256(bytes))) return { ok: false, detail: 'the timestamp is of other bytes' };
  if (!stampsTime(signed.certificate)) return { ok: false, detail: 'signed by a certificate that may not stamp time' };
  const chain = await issuedBy(signed.certificate, readCertificate(root), info.at);
  if (!chain.ok) return { ok: false, detail: chain.detail };
  return {
    ok: true,
    detail: `stamped ${info.at.toString({ smallestUnit: 'millisecond' })}`,
    at: info.at,
    policy: info.policy,
    certificate: signed.certificate,
  };
}

function readInfo(der: Uint8Array): { imprint: Uint8Array; at: Temporal.Instant; policy: string } | null {
  try {
    const info = pkijs.TSTInfo.fromBER(own(der));
    if (info.messageImprint.hashAlgorithm.algorithmId !== cmsOid.sha256) return null;
    return {
      imprint: new Uint8Array(info.messageImprint.hashedMessage.getValue()),
      at: Temporal.Instant.fromEpochMilliseconds(info.genTime.getTime()),
      policy: decimalOid(info.policy),
    };
  } catch {
    return null;
  }
}

/** asn1js writes an arc beyond 53 bits as {hex of its base-128 digits}; everyone else writes it in decimal. */
function decimalOid(text: string): string {
  return text.replace(/\{([0-9a-f]{1,64})\}/g, (_, hex: string) =>
    String(Buffer.from(hex, 'hex').reduce((value, digit) => (value << 7n) | BigInt(digit & 0x7f), 0n)),
  );
}
