import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompactSign, GeneralSign, importJWK, type JWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { generalJws, signDetached, verifyDetached, verifySignature } from '../../src/artifacts/jws.ts';
import {
  generateSigningKey,
  jwkText,
  type Signer,
  signerFrom,
  unwrapSecret,
  wrapSecret,
} from '../../src/artifacts/keys.ts';
import { shared } from '../support/tools.ts';
import { newSigner } from './sample-package.ts';

const [seal, approver, stranger] = await Promise.all([newSigner(), newSigner(), newSigner()]);
const payload = Buffer.from('{"manifest":true}\n');
const good = generalJws([await signDetached(payload, seal), await signDetached(payload, approver)]);
const check = (jws: string, index: 0 | 1, signer: Signer, bytes: Uint8Array = payload) =>
  verifyDetached({ jws, payload: bytes, index, jwk: { ...signer.publicJwk }, kid: signer.kid });
const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe("a manifest's signatures", () => {
  it('hold, each under its own key and in its own place', async () => {
    expect((await check(good, 0, seal)).ok).toBe(true);
    expect((await check(good, 1, approver)).ok).toBe(true);
    expect((await check(good, 1, seal)).ok).toBe(false);
    expect((await check(good, 0, approver)).ok).toBe(false);
  });
  it('do not hold for other bytes or another key', async () => {
    expect((await check(good, 0, seal, Buffer.from('{"manifest":false}\n'))).ok).toBe(false);
    const verdict = await verifyDetached({
      jws: good,
      payload,
      index: 0,
      jwk: { ...stranger.publicJwk },
      kid: seal.kid,
    });
    expect(verdict).toEqual({ ok: false, detail: 'the signature does not match these bytes' });
  });
  it('are refused with one stripped, doubled or an unprotected header added', async () => {
    const parsed: { signatures: { protected: string; signature: string }[] } = JSON.parse(good);
    const [first, second] = parsed.signatures;
    for (const signatures of [[first], [first, second, second], [{ ...first, header: { kid: 'x' } }, second]])
      expect((await check(`${JSON.stringify({ signatures })}\n`, 0, seal)).ok).toBe(false);
    expect((await check(`${JSON.stringify({ ...parsed, payload: 'e30' })}\n`, 0, seal)).ok).toBe(false);
  });
  it('are refused in any other spelling', async () => {
    for (const text of [good.trimEnd(), ` ${good}`, good.replace('{"signatures"', '{"signatures":[],"signatures"')])
      expect((await check(text, 0, seal)).ok).toBe(false);
    const last = good.lastIndexOf('"}');
    const char = good.charAt(last - 1);
    // The last character of 64 bytes in base64url carries four unused bits: another letter may decode the same.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = alphabet.charAt(alphabet.indexOf(char) ^ 1);
    expect((await check(`${good.slice(0, last - 1)}${twin}${good.slice(last)}`, 1, approver)).ok).toBe(false);
  });

  const forged = async (header: Record<string, unknown>) => {
    const encoded = b64(header);
    const signature = await seal.sign(Buffer.from(`${encoded}.${payload.toString('base64url')}`));
    return generalJws([
      `${encoded}..${Buffer.from(signature).toString('base64url')}`,
      await signDetached(payload, approver),
    ]);
  };
  it('are refused by name for an unknown critical header, validly signed', async () => {
    const jws = await forged({ alg: 'ES256', kid: seal.kid, crit: ['exp'], exp: 1 });
    expect((await check(jws, 0, seal)).detail).toMatch(/critical header/);
  });
  it.each(['none', 'HS256', 'RS256', 'ES384', 'es256', '', undefined])(
    'are refused for the algorithm %j',
    async (alg) => {
      expect((await check(await forged({ alg, kid: seal.kid }), 0, seal)).ok).toBe(false);
    },
  );
  it('are refused with the public key used as a secret (algorithm confusion)', async () => {
    const secret = Buffer.from(jwkText(seal.publicJwk, seal.kid));
    const jws = await new CompactSign(payload).setProtectedHeader({ alg: 'HS256', kid: seal.kid }).sign(secret);
    const [header = '', , signature = ''] = jws.split('.');
    const made = generalJws([`${header}..${signature}`, await signDetached(payload, approver)]);
    expect((await check(made, 0, seal)).detail).toMatch(/HS256 is not allowed/);
  });
  it('are refused when the header brings a key along', async () => {
    expect((await check(await forged({ alg: 'ES256', kid: seal.kid, jwk: seal.publicJwk }), 0, seal)).ok).toBe(false);
    expect((await check(await forged({ alg: 'ES256', kid: seal.kid, b64: false }), 0, seal)).ok).toBe(false);
  });
  it('are read by another maker of general JWS', async () => {
    const { pkcs8 } = await generateSigningKey();
    const signer = await signerFrom(pkcs8);
    const key = await crypto.subtle.importKey(
      'pkcs8',
      new Uint8Array(pkcs8),
      { name: 'ECDSA', namedCurve: 'P-256' },
      false,
      ['sign'],
    );
    const sign = new GeneralSign(payload);
    for (let index = 0; index < 2; index++)
      sign.addSignature(key).setProtectedHeader({ alg: 'ES256', kid: signer.kid });
    const { signatures } = await sign.sign();
    const jws = generalJws(signatures.map((entry) => `${entry.protected}..${entry.signature}`));
    expect((await check(jws, 1, signer)).ok).toBe(true);
  });
});

const cookbook = shared('data/jose-cookbook');
describe.skipIf(!cookbook)('RFC 7520, the JOSE cookbook (skipped where it is absent)', () => {
  const vector = (path: string) => JSON.parse(readFileSync(join(cookbook ?? '', path), 'utf8'));
  const names = cookbook ? readdirSync(join(cookbook, 'jws')) : [];
  // The book prints private keys; a verifier has the public part (symmetric keys have no other).
  const keysOf = (found: { input: { key: JWK | JWK[] } }): JWK[] =>
    [found.input.key]
      .flat()
      .map(({ kty, crv, x, y, n, e, k }) => JSON.parse(JSON.stringify({ kty, crv, x, y, n, e, k })));

  it.each(names)('%s holds when its algorithm is allowed by name, and not otherwise', async (name) => {
    const found = vector(`jws/${name}`);
    const general = found.output.json ?? {
      payload: found.output.json_flat?.payload,
      signatures: [found.output.json_flat],
    };
    const algorithms: string[] = [found.input.alg].flat();
    for (const [index, signature] of general.signatures.entries()) {
      const flattened = {
        ...signature,
        payload: general.payload ?? Buffer.from(found.input.payload).toString('base64url'),
      };
      const key = keysOf(found)[Number(index)] ?? {};
      expect(await verifySignature(flattened, key, [algorithms[index] ?? ''])).toBe(true);
      expect(await verifySignature(flattened, key, ['ES256'])).toBe(algorithms[index] === 'ES256');
      const last = flattened.payload.endsWith('A') ? 'B' : 'A';
      expect(await verifySignature({ ...flattened, payload: `${flattened.payload}${last}AAA` }, key, algorithms)).toBe(
        false,
      );
    }
    if (found.output.compact && found.output.json?.payload)
      expect(await verifySignature(found.output.compact, keysOf(found)[0] ?? {}, algorithms)).toBe(true);
  });
  it('the Ed25519 example holds under EdDSA and is refused where only ES256 is allowed', async () => {
    const found = vector('curve25519/jws.json');
    expect(await verifySignature(found.output.compact, keysOf(found)[0] ?? {}, ['EdDSA'])).toBe(true);
    expect(await verifySignature(found.output.compact, keysOf(found)[0] ?? {}, ['ES256'])).toBe(false);
  });
});

describe('a signing key', () => {
  it('has its RFC 7638 thumbprint as kid, and the example of that kind verifies under jose', async () => {
    const jws = await signDetached(payload, seal);
    const [header, , signature] = jws.split('.');
    expect(
      await verifySignature(`${header}.${payload.toString('base64url')}.${signature}`, { ...seal.publicJwk }, [
        'ES256',
      ]),
    ).toBe(true);
    await expect(importJWK({ ...seal.publicJwk }, 'ES256')).resolves.toBeDefined();
  });
  it('opens only under the key and the label it was wrapped with, and with every bit in place', async () => {
    const { kid, pkcs8 } = await generateSigningKey();
    const under = Buffer.alloc(32, 3);
    const wrapped = Buffer.from(wrapSecret(pkcs8, under, kid));
    expect(Buffer.from(unwrapSecret(wrapped, under, kid) ?? []).equals(Buffer.from(pkcs8))).toBe(true);
    expect(unwrapSecret(wrapped, Buffer.alloc(32, 4), kid)).toBeNull();
    expect(unwrapSecret(wrapped, under, 'another')).toBeNull();
    expect(unwrapSecret(wrapped.subarray(0, 20), under, kid)).toBeNull();
    for (let at = 0; at < wrapped.length; at++) {
      const flipped = Buffer.from(wrapped);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      expect(unwrapSecret(flipped, under, kid)).toBeNull();
    }
  });
});
