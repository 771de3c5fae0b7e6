import * as asn1 from 'asn1js';
import * as pkijs from 'pkijs';
import { constantTimeEqual, sha256 } from '../core/hash.ts';
import { certificateDer, ecdsaDer, readCertificate } from './certificates.ts';
import type { Verdict } from './jws.ts';
import { own, type Signer } from './keys.ts';

/** RFC 5652, RFC 5035, RFC 5754, RFC 5758, RFC 3161. */
export const cmsOid = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  timeStampToken: '1.2.840.113549.1.9.16.2.14',
  sha256: '2.16.840.1.101.3.4.2.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

/** What to sign and with what. */
export interface SignOrder {
  /** The bytes signed; inside the structure when `attached`, beside it otherwise. */
  readonly content: Uint8Array;
  readonly contentType: string;
  readonly attached: boolean;
  readonly signer: Signer;
  /** PEM, the signer's first. */
  readonly certificates: readonly [string, ...string[]];
  /** An RFC 3161 token over the signature value, put in as the unsigned attribute id-aa-timeStampToken. */
  readonly stamp?: (signature: Uint8Array) => Promise<Uint8Array>;
}

/**
 * CMS SignedData, DER, in the CAdES baseline shape (ETSI EN 319 122-1): signed attributes contentType, messageDigest
 * and signingCertificateV2 (RFC 5035, its default hash algorithm left out as DER asks), no signing-time.
 */
export async function signCms(order: SignOrder): Promise<Uint8Array> {
  const certificate = readCertificate(order.certificates[0]);
  const attributes = setOf([
    attribute(cmsOid.contentType, new asn1.ObjectIdentifier({ value: order.contentType })),
    attribute(cmsOid.messageDigest, octets(sha256(order.content))),
    attribute(cmsOid.signingCertificateV2, signingCertificate(sha256(certificateDer(order.certificates[0])))),
  ]);
  // RFC 5652 section 5.4: what is signed is the SET OF's own encoding, not the [0] it stands under.
  const signature = new Uint8Array(
    ecdsaDer(await order.signer.sign(new Uint8Array(new asn1.Set({ value: attributes }).toBER(false)))),
  );
  const token = order.stamp ? await order.stamp(signature) : null;

  return encode({
    contentType: order.contentType,
    content: order.attached ? order.content : null,
    certificates: order.certificates.map(readCertificate),
    signer: certificate,
    attributes,
    signature,
    token,
  });
}

interface Parts {
  readonly contentType: string;
  readonly content: Uint8Array | null;
  readonly certificates: readonly pkijs.Certificate[];
  readonly signer: pkijs.Certificate;
  readonly attributes: asn1.BaseBlock[];
  readonly signature: Uint8Array;
  readonly token: Uint8Array | null;
}

/** The one encoding of these parts. A signature covers its attributes only; the rest is held to this. */
function encode(parts: Parts): Uint8Array {
  const signerInfo = sequence(
    new asn1.Integer({ value: 1 }),
    sequence(parts.signer.issuer.toSchema(), parts.signer.serialNumber),
    algorithm(cmsOid.sha256),
    context(0, parts.attributes),
    algorithm(cmsOid.ecdsaWithSha256),
    octets(parts.signature),
    ...(parts.token ? [context(1, [attribute(cmsOid.timeStampToken, asn1.fromBER(own(parts.token)).result)])] : []),
  );
  const signedData = sequence(
    // RFC 5652 section 5.1: version 3 unless the content is id-data.
    new asn1.Integer({ value: parts.contentType === cmsOid.data ? 1 : 3 }),
    new asn1.Set({ value: [algorithm(cmsOid.sha256)] }),
    sequence(
      new asn1.ObjectIdentifier({ value: parts.contentType }),
      ...(parts.content ? [context(0, [octets(parts.content)])] : []),
    ),
    context(0, setOf(parts.certificates.map((certificate) => certificate.toSchema()))),
    new asn1.Set({ value: [signerInfo] }),
  );
  const contentInfo = sequence(new asn1.ObjectIdentifier({ value: cmsOid.signedData }), context(0, [signedData]));
  return new Uint8Array(contentInfo.toBER(false));
}

/** A CMS signature that holds, and whose it is. */
export interface SignedBy {
  readonly ok: true;
  readonly detail: string;
  readonly certificate: pkijs.Certificate;
  /** Certificates inside that are not the signer's. Nothing vouches for them. */
  readonly others: readonly pkijs.Certificate[];
  readonly content: Uint8Array | null;
  readonly signature: Uint8Array;
  /** A token over the signature value, where one is embedded. */
  readonly token: Uint8Array | null;
}

/**
 * Check a CMS signature of the one shape packages hold: one signer, SHA-256, ECDSA on P-256, signed attributes with a
 * signingCertificateV2 that names the very certificate (CAdES-BES). Whether that certificate is to be trusted is
 * another question, and the caller's.
 * @param detached the signed bytes where they are not inside
 */
export async function verifyCms(
  der: Uint8Array,
  contentType: string,
  detached: Uint8Array | null,
): Promise<SignedBy | (Verdict & { readonly ok: false })> {
  try {
    return await checkSignedData(der, contentType, detached);
  } catch {
    // pkijs and asn1js throw many things at malformed bytes; to a verifier they are all one answer.
    return bad('not a well-formed CMS signature');
  }
}

async function checkSignedData(der: Uint8Array, contentType: string, detached: Uint8Array | null) {
  const outer = asn1.fromBER(own(der));
  if (outer.offset !== der.length) return bad('bytes after the end of the structure');
  const info = new pkijs.ContentInfo({ schema: outer.result });
  if (info.contentType !== cmsOid.signedData) return bad('not a CMS SignedData');
  const signed = new pkijs.SignedData({ schema: info.content });
  const [signer, another] = signed.signerInfos;
  if (!signer || another) return bad('not exactly one signer');
  if (signed.encapContentInfo.eContentType !== contentType) return bad('signs another type of content');
  if (
    signer.digestAlgorithm.algorithmId !== cmsOid.sha256 ||
    signer.signatureAlgorithm.algorithmId !== cmsOid.ecdsaWithSha256
  )
    return bad('an algorithm that is not allowed; only ECDSA with SHA-256 is');

  const inside = signed.encapContentInfo.eContent;
  const content = inside ? new Uint8Array(inside.getValue()) : null;
  if ((content === null) === (detached === null))
    return bad('content inside where it should be beside, or beside where inside');
  const bytes = content ?? detached ?? new Uint8Array();

  const attributes = signer.signedAttrs?.attributes ?? [];
  const value = (type: string): unknown => {
    const found = attributes.filter((candidate) => candidate.type === type);
    return found.length === 1 && found[0]?.values.length === 1 ? found[0].values[0] : undefined;
  };
  const type = value(cmsOid.contentType);
  if (!(type instanceof asn1.ObjectIdentifier) || type.getValue() !== contentType)
    return bad('the signed content type is another');
  const digest = value(cmsOid.messageDigest);
  if (!(digest instanceof asn1.OctetString) || !constantTimeEqual(new Uint8Array(digest.getValue()), sha256(bytes)))
    return bad('the signed digest is not that of these bytes');

  const certificate = findSigner(signed, signer);
  if (!certificate) return bad("the signer's certificate is not inside");
  const named = value(cmsOid.signingCertificateV2);
  const certificateDigest = sha256(new Uint8Array(certificate.toSchema().toBER(false)));
  if (!(named instanceof asn1.Sequence) || !namesCertificate(named, certificateDigest))
    return bad('no signing-certificate-v2 attribute that names the certificate');

  const key = await certificate.getPublicKey();
  const signature = new Uint8Array(signer.signature.getValue());
  const rs = rawSignature(signature);
  const signedBytes = new asn1.Set({
    value: attributes.map((signedAttribute) => signedAttribute.toSchema()),
  }).toBER(false);
  const holds =
    rs !== null && (await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, own(rs), signedBytes));
  if (!holds) return bad('the signature does not match');
  const stamp = signer.unsignedAttrs?.attributes.find((found) => found.type === cmsOid.timeStampToken)?.values[0];
  const token = stamp instanceof asn1.BaseBlock ? new Uint8Array(stamp.toBER(false)) : null;
  const certificates = (signed.certificates ?? []).filter((found) => found instanceof pkijs.Certificate);
  const parts = { contentType, content, certificates, signer: certificate, signature, token };
  const again = encode({ ...parts, attributes: attributes.map((signedAttribute) => signedAttribute.toSchema()) });
  // Versions, algorithm lists and order are outside the signature; a byte that differs there was put there by somebody.
  if (!Buffer.from(again).equals(Buffer.from(der))) return bad('not written in its one canonical form');
  return {
    ok: true as const,
    detail: 'CAdES, ECDSA with SHA-256',
    certificate,
    others: certificates.filter((found) => found !== certificate),
    content,
    signature,
    token,
  };
}

const bad = (detail: string): Verdict & { readonly ok: false } => ({ ok: false, detail });

function findSigner(signed: pkijs.SignedData, signer: pkijs.SignerInfo): pkijs.Certificate | undefined {
  if (!(signer.sid instanceof pkijs.IssuerAndSerialNumber)) return undefined;
  const { issuer, serialNumber } = signer.sid;
  return signed.certificates?.find(
    (candidate): candidate is pkijs.Certificate =>
      candidate instanceof pkijs.Certificate &&
      candidate.serialNumber.isEqual(serialNumber) &&
      candidate.issuer.isEqual(issuer),
  );
}

/** SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF ESSCertIDv2 }, one certificate, SHA-256 by default. */
function signingCertificate(digest: Uint8Array): asn1.Sequence {
  return sequence(sequence(sequence(octets(digest))));
}

function namesCertificate(named: asn1.Sequence, digest: Uint8Array): boolean {
  const certs = named.valueBlock.value[0];
  const first = certs instanceof asn1.Sequence ? certs.valueBlock.value[0] : undefined;
  const hash = first instanceof asn1.Sequence ? first.valueBlock.value[0] : undefined;
  return hash instanceof asn1.OctetString && constantTimeEqual(new Uint8Array(hash.getValue()), digest);
}

/** r‖s of a DER ECDSA signature for WebCrypto, or null where it is not one on P-256. */
function rawSignature(der: Uint8Array): Uint8Array | null {
  const parsed = asn1.fromBER(own(der));
  if (parsed.offset !== der.length || !(parsed.result instanceof asn1.Sequence)) return null;
  const parts = parsed.result.valueBlock.value;
  if (parts.length !== 2) return null;
  const fixed = parts.map((part) => {
    if (!(part instanceof asn1.Integer)) return null;
    const digits = Buffer.from(part.valueBlock.valueHexView)
      .toString('hex')
      .replace(/^(00)+/, '');
    return digits.length <= 64 ? digits.padStart(64, '0') : null;
  });
  if (fixed.includes(null)) return null;
  const raw = new Uint8Array(Buffer.from(fixed.join(''), 'hex'));
  // Written again and compared: asn1js reads more spellings than DER has.
  return Buffer.from(ecdsaDer(raw)).equals(Buffer.from(der)) ? raw : null;
}

function sequence(...value: asn1.BaseBlock[]): asn1.Sequence {
  return new asn1.Sequence({ value });
}

function octets(bytes: Uint8Array): asn1.OctetString {
  return new asn1.OctetString({ valueHex: own(bytes).buffer });
}

function algorithm(id: string): asn1.Sequence {
  // RFC 5754 section 2, RFC 5758 section 3.2: no parameters, not even NULL.
  return sequence(new asn1.ObjectIdentifier({ value: id }));
}

function attribute(type: string, value: asn1.BaseBlock): asn1.Sequence {
  return sequence(new asn1.ObjectIdentifier({ value: type }), new asn1.Set({ value: [value] }));
}

function context(tagNumber: number, value: asn1.BaseBlock[]): asn1.Constructed {
  return new asn1.Constructed({ idBlock: { tagClass: 3, tagNumber }, value });
}

/** A SET OF in DER is sorted by its members' encodings (X.690 section 11.6). */
function setOf(values: readonly asn1.BaseBlock[]): asn1.BaseBlock[] {
  return values.toSorted((a, b) => Buffer.compare(Buffer.from(a.toBER(false)), Buffer.from(b.toBER(false))));
}
