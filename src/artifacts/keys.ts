/**
 * artifacts/ promises bytes that others can check: tables, records, archives, signatures, certificates, timestamps,
 * keys and the store they rest in. Everything streams, so that memory does not grow with an export. A writer here
 * never decides what may be written; a reader here never trusts what it reads.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { z } from 'zod';

/** A P-256 public key as a JWK (RFC 7517), and nothing else in it. */
export interface PublicJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const publicJwkSchema = z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate });

/** Something that signs with ES256 under a named key: a key in memory here, an HSM or a KMS elsewhere. */
export interface Signer {
  /** RFC 7638 thumbprint of `publicJwk`. */
  readonly kid: string;
  readonly publicJwk: PublicJwk;
  /** ECDSA over P-256 and SHA-256; the answer is r‖s, 64 bytes (RFC 7518 section 3.4), not DER. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

const es256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** Bytes in an ArrayBuffer of their own, as WebCrypto's types ask. */
export function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/** A new ES256 key pair. `pkcs8` is the private key, unprotected: wrap it before it rests anywhere. */
export async function generateSigningKey(): Promise<{ kid: string; publicJwk: PublicJwk; pkcs8: Uint8Array }> {
  const pair = await crypto.subtle.generateKey(es256, true, ['sign', 'verify']);
  const publicJwk = parsePublicJwk(await crypto.subtle.exportKey('jwk', pair.publicKey));
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
  return { kid: await thumbprint(publicJwk), publicJwk, pkcs8 };
}

/** A signer over an unwrapped private key. The key stays inside: nothing can export it from here again. */
export async function signerFrom(pkcs8: Uint8Array): Promise<Signer> {
  const readable = await crypto.subtle.importKey('pkcs8', own(pkcs8), es256, true, ['sign']);
  const publicJwk = parsePublicJwk(await crypto.subtle.exportKey('jwk', readable));
  const key = await crypto.subtle.importKey('pkcs8', own(pkcs8), es256, false, ['sign']);
  return {
    kid: await thumbprint(publicJwk),
    publicJwk,
    sign: async (bytes) =>
      new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, own(bytes))),
  };
}

/** The four members that are the key; private members and anything else are dropped. @throws ZodError if it is no P-256 key */
export function parsePublicJwk(value: unknown): PublicJwk {
  const { kty, crv, x, y } = publicJwkSchema.parse(value);
  return { kty, crv, x, y };
}

/** RFC 7638 thumbprint with SHA-256, base64url: the key's `kid` everywhere. */
export function thumbprint(jwk: PublicJwk): Promise<string> {
  return calculateJwkThumbprint({ ...jwk }, 'sha256');
}

/** A JWK as its file in a package: one line. */
export function jwkText(jwk: PublicJwk, kid: string): string {
  return `${JSON.stringify({ ...jwk, kid, alg: 'ES256', use: 'sig' })}\n`;
}

const wrapVersion = 1;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Wrap secret bytes under a 32-byte key: version, nonce, AES-256-GCM ciphertext, tag.
 * @param label what this secret is (a kid, a case id). It is authenticated: a wrapped key put in another's place
 *   does not open.
 */
export function wrapSecret(secret: Uint8Array, wrappingKey: Uint8Array, label: string): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', wrappingKey, nonce);
  cipher.setAAD(Buffer.from(label, 'utf8'));
  return Buffer.concat([Uint8Array.of(wrapVersion), nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

/** The secret again, or null where the key or the label is not the one it was wrapped under, or a bit has changed. */
export function unwrapSecret(wrapped: Uint8Array, wrappingKey: Uint8Array, label: string): Uint8Array | null {
  if (wrapped.length < 1 + nonceBytes + tagBytes || wrapped[0] !== wrapVersion) return null;
  const nonce = wrapped.subarray(1, 1 + nonceBytes);
  const decipher = createDecipheriv('aes-256-gcm', wrappingKey, nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(label, 'utf8'));
  decipher.setAuthTag(wrapped.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(wrapped.subarray(1 + nonceBytes, -tagBytes)), decipher.final()]);
  } catch {
    return null;
  }
}
