import { compactVerify, flattenedVerify, importJWK, type JWK } from 'jose';
import { z } from 'zod';
import { fromBase64Url, toBase64Url } from '../core/hash.ts';
import type { Signer } from './keys.ts';

/** The only algorithm a package is signed with. A header that names another is refused before any key is touched. */
const algorithm = 'ES256';

/** Whether something holds, and a sentence about it. */
export interface Verdict {
  readonly ok: boolean;
  readonly detail: string;
}

/**
 * Sign bytes that stay beside the signature: ES256, compact form with the payload left out (RFC 7515 appendix F),
 * `HEADER..SIGNATURE`. The approver signs at approval, the system at the seal; generalJws joins the two.
 * Not RFC 7797 (`b64: false`): Debian's jose ignores that header.
 * @param payload the exact bytes of manifest.json
 */
export async function signDetached(payload: Uint8Array, signer: Signer): Promise<string> {
  const header = toBase64Url(Buffer.from(JSON.stringify({ alg: algorithm, kid: signer.kid })));
  const signature = await signer.sign(Buffer.from(`${header}.${toBase64Url(payload)}`));
  return `${header}..${toBase64Url(signature)}`;
}

/**
 * manifest-jws.json: general JSON serialisation (RFC 7515 section 7.2.1) of detached signatures in the order given:
 * [0] is the system's seal, [1] the approver's.
 */
export function generalJws(detached: readonly string[]): string {
  return generalText(
    detached.map((compact) => {
      const [header = '', payload, signature = ''] = compact.split('.');
      if (payload !== '') throw new TypeError('not a detached signature');
      return { protected: header, signature };
    }),
  );
}

const signaturesSchema = z.strictObject({
  signatures: z.array(z.strictObject({ protected: z.string(), signature: z.string() })).length(2),
});

const headerSchema = z.strictObject({ alg: z.literal(algorithm), kid: z.string() });

function generalText(signatures: readonly { readonly protected: string; readonly signature: string }[]): string {
  return `${JSON.stringify({ signatures })}\n`;
}

/**
 * Check one of a package's two signatures under one key, strictly: exactly the two signatures, nothing unprotected,
 * a header of `alg: ES256` and `kid` alone (so no `crit`, no `jwk`, no `x5u` that would bring a key along), base64url
 * in its one canonical spelling, and the kid that the caller expects.
 */
export async function verifyDetached(order: {
  readonly jws: string;
  readonly payload: Uint8Array;
  readonly index: 0 | 1;
  readonly jwk: JWK;
  readonly kid: string;
}): Promise<Verdict> {
  const parsed = signaturesSchema.safeParse(parseJson(order.jws));
  const entry = parsed.data?.signatures[order.index];
  if (!parsed.success || !entry)
    return bad('the file is not a general JWS with exactly two signatures and a detached payload');
  // One spelling only: a second "signatures" member or a stray byte would be read differently by other programs.
  if (generalText(parsed.data.signatures) !== order.jws) return bad('the file is not written in its canonical form');
  if (!canonicalBase64Url(entry.protected) || !canonicalBase64Url(entry.signature))
    return bad('base64url that is not canonical');
  const raw = parseJson(Buffer.from(fromBase64Url(entry.protected)).toString('utf8'));
  if (isObject(raw) && 'crit' in raw) return bad(`a critical header that is not known: ${String(raw.crit)}`);
  if (isObject(raw) && raw.alg !== algorithm) return bad(`algorithm ${String(raw.alg)} is not allowed; only ES256 is`);
  const header = headerSchema.safeParse(raw);
  if (!header.success) return bad('the protected header may hold alg and kid only');
  if (header.data.kid !== order.kid) return bad(`signed under key ${header.data.kid}, expected ${order.kid}`);
  const signed = await verifySignature(
    { protected: entry.protected, signature: entry.signature, payload: toBase64Url(order.payload) },
    order.jwk,
    [algorithm],
  );
  return signed ? { ok: true, detail: `ES256, key ${order.kid}` } : bad('the signature does not match these bytes');
}

/** One signature over a payload as RFC 7515 writes it (flattened), with what the protected header may not say refused. */
export interface FlattenedSignature {
  readonly payload: string;
  readonly signature: string;
  readonly protected?: string;
  readonly header?: Readonly<Record<string, unknown>>;
}

/**
 * Whether a signature holds under a key, for algorithms the caller allows by name. `none`, an algorithm that is not
 * allowed, an unknown critical header or a key of another kind all give false.
 */
export async function verifySignature(
  jws: FlattenedSignature | string,
  jwk: JWK,
  allowed: readonly string[],
): Promise<boolean> {
  try {
    const { alg: _, ...keyless } = jwk;
    const header = protectedHeader(jws);
    const named = header.alg;
    if (typeof named !== 'string' || !allowed.includes(named)) return false;
    const key = await importJWK(keyless, named);
    const options = { algorithms: [...allowed] };
    if (typeof jws === 'string') await compactVerify(jws, key, options);
    else {
      const { header: open, ...signed } = jws;
      await flattenedVerify(open ? { ...signed, header: { ...open } } : signed, key, options);
    }
    return true;
  } catch {
    return false;
  }
}

function protectedHeader(jws: FlattenedSignature | string): Record<string, unknown> {
  const encoded = typeof jws === 'string' ? jws.split('.')[0] : jws.protected;
  const own = encoded ? parseJson(Buffer.from(fromBase64Url(encoded)).toString('utf8')) : {};
  const open = typeof jws === 'string' ? {} : (jws.header ?? {});
  return { ...open, ...(isObject(own) ? own : {}) };
}

const bad = (detail: string): Verdict => ({ ok: false, detail });

function canonicalBase64Url(text: string): boolean {
  return toBase64Url(fromBase64Url(text)) === text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
