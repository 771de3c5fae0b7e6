import { issueCertificate } from './certificates.ts';
import { generateSigningKey, type PublicJwk, type Signer, signerFrom } from './keys.ts';

/** A key made at set-up and its certificate. `pkcs8` is unprotected: wrap it before it rests anywhere. */
export interface CertifiedKey {
  readonly kid: string;
  readonly publicJwk: PublicJwk;
  readonly pkcs8: Uint8Array;
  /** PEM. */
  readonly certificate: string;
}

/** What an installation signs with: its root, and under it the seal and the built-in timestamp authority. */
export interface Authority {
  readonly root: CertifiedKey;
  readonly seal: CertifiedKey;
  readonly tsa: CertifiedKey;
}

// Exports are checked years later, and a seal or stamp must have been in force when it was made: the certificates of a
// package last as long as a court may ask for it, the root twice that.
const rootYears = 30;
const leafYears = 15;

/**
 * Make a root, a seal and a timestamp authority. The root's key is needed again only to issue the next seal or
 * authority and may then be kept elsewhere.
 * @param organization as certificates name it
 * @param random at least as many random bytes as asked for
 */
export async function makeAuthority(
  organization: string,
  at: Temporal.Instant,
  random: (bytes: number) => Uint8Array,
): Promise<Authority> {
  const key = await generateSigningKey();
  const signer = await signerFrom(key.pkcs8);
  const certificate = await issueCertificate({
    profile: 'root',
    commonName: `${organization} evidence root`,
    organization,
    publicJwk: key.publicJwk,
    issuer: { signer, certificate: null },
    notBefore: at,
    notAfter: inYears(at, rootYears),
    serial: random(16),
  });
  const issuer = { signer, certificate };
  return {
    root: { ...key, certificate },
    seal: await certifyKey('seal', organization, issuer, at, random),
    tsa: await certifyKey('tsa', organization, issuer, at, random),
  };
}

/** Make a seal or timestamp key under a root that exists: at set-up, and again at every rotation. */
export async function certifyKey(
  profile: 'seal' | 'tsa',
  organization: string,
  root: { readonly signer: Signer; readonly certificate: string },
  at: Temporal.Instant,
  random: (bytes: number) => Uint8Array,
): Promise<CertifiedKey> {
  const key = await generateSigningKey();
  const certificate = await issueCertificate({
    profile,
    commonName: `${organization} ${profile === 'seal' ? 'evidence seal' : 'timestamp authority (self-operated)'}`,
    organization,
    publicJwk: key.publicJwk,
    issuer: root,
    notBefore: at,
    notAfter: inYears(at, leafYears),
    serial: random(16),
  });
  return { ...key, certificate };
}

function inYears(at: Temporal.Instant, years: number): Temporal.Instant {
  return at.toZonedDateTimeISO('UTC').add({ years }).toInstant();
}
