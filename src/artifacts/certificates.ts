import * as asn1 from 'asn1js';
import * as pkijs from 'pkijs';
import { sha256Hex } from '../core/hash.ts';
import type { Verdict } from './jws.ts';
import { own, type PublicJwk, parsePublicJwk, type Signer, thumbprint } from './keys.ts';

/** Object identifiers: RFC 5280, RFC 5758 section 3.2, RFC 9336 (documentSigning), RFC 3161 (timeStamping). */
const oid = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  documentSigning: '1.3.6.1.5.5.7.3.36',
} as const;

// Bits of keyUsage, RFC 5280 section 4.2.1.3: digitalSignature 0, nonRepudiation 1, keyCertSign 5, cRLSign 6.
interface Profile {
  readonly authority: boolean;
  readonly usage: { readonly bits: number; readonly unused: number };
  readonly purposes: readonly string[];
  /** RFC 3161 section 2.3 wants a timestamp authority's purpose critical; for the others it is a hint. */
  readonly purposesCritical: boolean;
}

/**
 * What each certificate of an installation may do. The seal also bears emailProtection: openssl's default purpose for
 * CMS is S/MIME, and a court that leaves `-purpose any` out should still see a good signature.
 */
const profiles = {
  root: { authority: true, usage: { bits: 0x06, unused: 1 }, purposes: [], purposesCritical: false },
  seal: {
    authority: false,
    usage: { bits: 0xc0, unused: 6 },
    purposes: [oid.emailProtection, oid.documentSigning],
    purposesCritical: false,
  },
  tsa: { authority: false, usage: { bits: 0xc0, unused: 6 }, purposes: [oid.timeStamping], purposesCritical: true },
} as const satisfies Record<string, Profile>;

/** A certificate to issue. A root signs itself: its issuer is its own signer and `issuer.certificate` is null. */
export interface CertificateOrder {
  readonly profile: keyof typeof profiles;
  readonly commonName: string;
  readonly organization: string;
  readonly publicJwk: PublicJwk;
  readonly issuer: { readonly signer: Signer; readonly certificate: string | null };
  readonly notBefore: Temporal.Instant;
  readonly notAfter: Temporal.Instant;
  /** At least 16 random bytes (RFC 5280 section 4.1.2.2 allows 20). */
  readonly serial: Uint8Array;
}

/** Issue an X.509 v3 certificate on P-256 (RFC 5280); PEM. Keep validity long: exports are checked years later. */
export async function issueCertificate(order: CertificateOrder): Promise<string> {
  const profile: Profile = profiles[order.profile];
  const issuer = order.issuer.certificate === null ? null : readCertificate(order.issuer.certificate);
  const certificate = new pkijs.Certificate();
  certificate.version = 2;
  certificate.serialNumber = positiveInteger(order.serial);
  certificate.signature = new pkijs.AlgorithmIdentifier({ algorithmId: oid.ecdsaWithSha256 });
  certificate.signatureAlgorithm = new pkijs.AlgorithmIdentifier({ algorithmId: oid.ecdsaWithSha256 });
  certificate.subject = name(order.commonName, order.organization);
  certificate.issuer = issuer?.subject ?? certificate.subject;
  certificate.notBefore = validityTime(order.notBefore);
  certificate.notAfter = validityTime(order.notAfter);
  certificate.subjectPublicKeyInfo = publicKeyInfo(order.publicJwk);
  const keyId = await keyIdentifier(order.publicJwk);
  certificate.extensions = [
    extension(oid.basicConstraints, true, new pkijs.BasicConstraints(profile.authority ? { cA: true } : {}).toSchema()),
    extension(
      oid.keyUsage,
      true,
      new asn1.BitString({ valueHex: Uint8Array.of(profile.usage.bits).buffer, unusedBits: profile.usage.unused }),
    ),
    ...(profile.purposes.length > 0
      ? [
          extension(
            oid.extendedKeyUsage,
            profile.purposesCritical,
            new pkijs.ExtKeyUsage({ keyPurposes: [...profile.purposes] }).toSchema(),
          ),
        ]
      : []),
    extension(oid.subjectKeyIdentifier, false, new asn1.OctetString({ valueHex: keyId })),
    extension(
      oid.authorityKeyIdentifier,
      false,
      new pkijs.AuthorityKeyIdentifier({
        keyIdentifier: new asn1.OctetString({ valueHex: await keyIdentifier(order.issuer.signer.publicJwk) }),
      }).toSchema(),
    ),
  ];
  const tbs = new Uint8Array(certificate.encodeTBS().toBER(false));
  certificate.tbsView = tbs;
  certificate.signatureValue = new asn1.BitString({ valueHex: ecdsaDer(await order.issuer.signer.sign(tbs)) });
  return toPem('CERTIFICATE', new Uint8Array(certificate.toSchema(true).toBER(false)));
}

/** Read a PEM certificate. @throws where there is not exactly one well-formed certificate */
export function readCertificate(pem: string): pkijs.Certificate {
  return pkijs.Certificate.fromBER(own(certificateDer(pem)));
}

/** The DER of a PEM certificate. @throws where the text is not exactly one PEM certificate */
export function certificateDer(pem: string): Uint8Array {
  const match = /^\s*-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/.exec(pem);
  if (!match) throw new TypeError('not one PEM certificate');
  return new Uint8Array(Buffer.from(match[1] ?? '', 'base64'));
}

/** SHA-256 of the certificate's DER, lower-case hex: what `openssl x509 -fingerprint -sha256` prints with colons. */
export function certificateSha256(pem: string): string {
  return sha256Hex(certificateDer(pem));
}

/** The same of a certificate already read. */
export function derSha256(certificate: pkijs.Certificate): string {
  return sha256Hex(new Uint8Array(certificate.toSchema().toBER(false)));
}

/** RFC 7638 thumbprint of the key a certificate is for. @throws where it is not a P-256 key */
export async function certificateKeyId(certificate: pkijs.Certificate): Promise<string> {
  const key = await certificate.getPublicKey();
  return thumbprint(parsePublicJwk(await crypto.subtle.exportKey('jwk', key)));
}

/**
 * Whether a certificate was issued directly by this root and was in force at this instant: names, the root's right to
 * issue, the signature, both periods. Self-operated roots have no revocation list inside a package.
 */
export async function issuedBy(
  certificate: pkijs.Certificate,
  root: pkijs.Certificate,
  at: Temporal.Instant,
): Promise<Verdict> {
  if (!sameBytes(certificate.issuer.toSchema(), root.subject.toSchema()))
    return { ok: false, detail: 'issued by another authority than the trusted root' };
  const constraints = parsedExtension(root, oid.basicConstraints);
  if (!(constraints instanceof pkijs.BasicConstraints) || !constraints.cA)
    return { ok: false, detail: 'the trusted root is not a certificate authority' };
  if (!(await verified(certificate, root)) || !(await verified(root, root)))
    return { ok: false, detail: "the trusted root's signature on the certificate does not hold" };
  for (const link of [certificate, root]) {
    const [from, to] = [link.notBefore.value.getTime(), link.notAfter.value.getTime()];
    if (at.epochMilliseconds < from || at.epochMilliseconds > to)
      return { ok: false, detail: `a certificate was not in force at ${at.toString()}` };
  }
  return { ok: true, detail: 'issued by the trusted root' };
}

async function verified(certificate: pkijs.Certificate, issuer: pkijs.Certificate): Promise<boolean> {
  try {
    return await certificate.verify(issuer);
  } catch {
    return false;
  }
}

/** Whether a certificate may stamp time and nothing else, as RFC 3161 section 2.3 asks. */
export function stampsTime(certificate: pkijs.Certificate): boolean {
  const purposes = parsedExtension(certificate, oid.extendedKeyUsage);
  const critical = certificate.extensions?.find((found) => found.extnID === oid.extendedKeyUsage)?.critical === true;
  return (
    critical &&
    purposes instanceof pkijs.ExtKeyUsage &&
    purposes.keyPurposes.length === 1 &&
    purposes.keyPurposes[0] === oid.timeStamping
  );
}

function parsedExtension(certificate: pkijs.Certificate, id: string): unknown {
  return certificate.extensions?.find((found) => found.extnID === id)?.parsedValue;
}

/** An ECDSA signature r‖s as CMS and X.509 want it: SEQUENCE { INTEGER r, INTEGER s } (RFC 5753 section 7.2). */
export function ecdsaDer(signature: Uint8Array): ArrayBuffer {
  return new asn1.Sequence({
    value: [positiveInteger(signature.subarray(0, 32)), positiveInteger(signature.subarray(32))],
  }).toBER(false);
}

/** A non-negative INTEGER in DER: no needless leading zeros, and never a leading one bit. */
export function positiveInteger(bytes: Uint8Array): asn1.Integer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const digits = bytes.subarray(start);
  const padded = (digits[0] ?? 0) >= 0x80 ? Uint8Array.of(0, ...digits) : digits;
  return new asn1.Integer({ valueHex: own(padded).buffer });
}

/** PEM (RFC 7468): 64 characters a line. */
function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function sameBytes(a: asn1.BaseBlock, b: asn1.BaseBlock): boolean {
  return Buffer.from(a.toBER(false)).equals(Buffer.from(b.toBER(false)));
}

function name(commonName: string, organization: string): pkijs.RelativeDistinguishedNames {
  // One attribute to a relative name. pkijs by itself would write both into one, which is legal and read by nobody.
  const part = (type: string, value: string) =>
    new asn1.Set({
      value: [
        new asn1.Sequence({ value: [new asn1.ObjectIdentifier({ value: type }), new asn1.Utf8String({ value })] }),
      ],
    });
  const sequence = new asn1.Sequence({
    value: [part(oid.organization, organization), part(oid.commonName, commonName)],
  });
  return pkijs.RelativeDistinguishedNames.fromBER(sequence.toBER(false));
}

function validityTime(at: Temporal.Instant): pkijs.Time {
  // RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on; whole seconds in both.
  const seconds = new Date(Math.floor(at.epochMilliseconds / 1000) * 1000);
  return new pkijs.Time({ type: seconds.getUTCFullYear() < 2050 ? 0 : 1, value: seconds });
}

function extension(extnID: string, critical: boolean, value: asn1.BaseBlock): pkijs.Extension {
  return new pkijs.Extension({ extnID, critical, extnValue: value.toBER(false) });
}

/** The uncompressed point 04‖x‖y of a key (SEC 1 section 2.3.3). */
function point(jwk: PublicJwk): Uint8Array<ArrayBuffer> {
  return own(Buffer.concat([Uint8Array.of(4), Buffer.from(jwk.x, 'base64url'), Buffer.from(jwk.y, 'base64url')]));
}

function publicKeyInfo(jwk: PublicJwk): pkijs.PublicKeyInfo {
  return new pkijs.PublicKeyInfo({
    algorithm: new pkijs.AlgorithmIdentifier({
      algorithmId: '1.2.840.10045.2.1',
      algorithmParams: new asn1.ObjectIdentifier({ value: '1.2.840.10045.3.1.7' }),
    }),
    subjectPublicKey: new asn1.BitString({ valueHex: point(jwk).buffer }),
  });
}

/** RFC 7093 section 2 method 1: the leftmost 160 bits of the SHA-256 of the key. */
async function keyIdentifier(jwk: PublicJwk): Promise<ArrayBuffer> {
  return (await crypto.subtle.digest('SHA-256', point(jwk))).slice(0, 20);
}
