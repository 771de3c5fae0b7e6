import { createPrivateKey, sign as edSign, generateKeyPairSync } from 'node:crypto';
import { makeAuthority } from '../artifacts/authority.ts';
import {
  generateSigningKey,
  type PublicJwk,
  parsePublicJwk,
  type Signer,
  signerFrom,
  unwrapSecret,
  wrapSecret,
} from '../artifacts/keys.ts';
import type { SelfOperatedTsa } from '../artifacts/timestamp.ts';
import type { Json } from '../core/canonical-json.ts';
import { hmacSha256, sha256Hex } from '../core/hash.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { commit, type Store } from '../db/commit.ts';
import { addKey, approverKey, currentKey, type KeyPurpose, keyById } from '../db/keys.ts';
import { entry } from '../ledger/entry.ts';

/** The keys Muniment signs with. Private parts never leave this object. */
export interface Signers {
  readonly rootPem: string;
  readonly seal: { readonly signer: Signer; readonly certificate: string };
  readonly tsa: SelfOperatedTsa;
  /** Ed25519, for the ledger's checkpoints. */
  readonly ledger: { readonly publicKey: Uint8Array; sign(message: Uint8Array): Uint8Array };
}

interface SetUp {
  readonly store: Store;
  readonly organization: string;
  now(): Temporal.Instant;
  random(bytes: number): Uint8Array;
}

/**
 * Open the installation's keys, making them at the first start: a root, a seal and a timestamp authority under it, and
 * the ledger's own. Every key made is an entry of the ledger.
 */
export async function openSigners(setUp: SetUp): Promise<Signers> {
  if (!(await currentKey(setUp.store, 'root'))) {
    const made = await makeAuthority(setUp.organization, setUp.now().subtract({ minutes: 5 }), setUp.random);
    for (const purpose of ['seal', 'tsa', 'root'] as const) {
      const { publicJwk, ...key } = made[purpose];
      await keep(setUp, { ...key, purpose, actorId: null, publicJwk: { ...publicJwk } });
    }
  }
  const root = await certified(setUp.store, 'root');
  const tsa = await certified(setUp.store, 'tsa');
  return {
    rootPem: root.certificate,
    seal: await certified(setUp.store, 'seal'),
    tsa: { ...tsa, root: root.certificate },
    ledger: await ed25519(setUp),
  };
}

async function certified(store: Store, purpose: 'root' | 'seal' | 'tsa') {
  const key = await currentKey(store, purpose);
  if (!key?.wrapped || key.certificate === null) throw new Error(`the installation has no ${purpose} key`);
  return { signer: await signerFrom(store.vault.unwrap(key.wrapped, `key:${key.kid}`)), certificate: key.certificate };
}

async function ed25519(setUp: SetUp): Promise<Signers['ledger']> {
  const known = await currentKey(setUp.store, 'ledger');
  const make = () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    return {
      pkcs8: new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })),
      x: String(publicKey.export({ format: 'jwk' }).x),
    };
  };
  let pkcs8: Uint8Array;
  let x: string;
  if (known?.wrapped) {
    pkcs8 = setUp.store.vault.unwrap(known.wrapped, `key:${known.kid}`);
    x = String((known.publicJwk as { x?: string }).x);
  } else {
    ({ pkcs8, x } = make());
    const kid = sha256Hex(`ed25519:${x}`).slice(0, 43);
    await keep(setUp, {
      kid,
      purpose: 'ledger',
      actorId: null,
      publicJwk: { kty: 'OKP', crv: 'Ed25519', x },
      pkcs8,
      certificate: null,
    });
  }
  const key = createPrivateKey({ key: Buffer.from(pkcs8), type: 'pkcs8', format: 'der' });
  return { publicKey: new Uint8Array(Buffer.from(x, 'base64url')), sign: (message) => edSign(null, message, key) };
}

async function keep(
  setUp: SetUp,
  key: {
    kid: string;
    purpose: KeyPurpose;
    actorId: string | null;
    publicJwk: Json;
    pkcs8: Uint8Array;
    certificate: string | null;
  },
): Promise<void> {
  const { pkcs8, ...row } = key;
  const now = setUp.now();
  const made = entry('key.created', now, 'system', { kid: key.kid, purpose: key.purpose, actor: key.actorId });
  await commit(setUp.store, { state: [], entries: [made], tasks: [] }, (tx) =>
    addKey(tx, { ...row, wrapped: setUp.store.vault.wrap(pkcs8, `key:${key.kid}`), createdAt: now, retiredAt: null }),
  );
}

/** How an approver is here: a session that just proved itself, or a token together with its secret. */
export type ApproverPresence =
  | { readonly method: 'step_up'; readonly at: Temporal.Instant }
  | {
      readonly method: 'token';
      readonly at: Temporal.Instant;
      readonly secret: string;
      readonly kid: string;
      readonly wrappedKey: Uint8Array;
    };

/**
 * The approver's own signer. A person's key is made at their first approval and released to a session with a fresh
 * second proof; a token's key opens only under the token's own secret.
 */
export async function approverSigner(
  setUp: SetUp,
  actorId: string,
  presence: ApproverPresence,
): Promise<{ signer: Signer; publicJwk: PublicJwk } | Refusal> {
  if (presence.method === 'token') {
    const pkcs8 = unwrapSecret(presence.wrappedKey, tokenKey(presence.secret), presence.kid);
    const known = await keyById(setUp.store, presence.kid);
    if (!pkcs8 || known?.actorId !== actorId)
      return refuse(
        'approval_not_allowed',
        'The approval key of this token does not open. Make a new token with --can-approve; nothing was approved.',
      );
    const signer = await signerFrom(pkcs8);
    return { signer, publicJwk: signer.publicJwk };
  }
  const known = await approverKey(setUp.store, actorId);
  if (known?.wrapped) {
    const signer = await signerFrom(setUp.store.vault.unwrap(known.wrapped, `key:${known.kid}`));
    return { signer, publicJwk: parsePublicJwk(known.publicJwk) };
  }
  const made = await generateSigningKey();
  await keep(setUp, {
    kid: made.kid,
    purpose: 'approver',
    actorId,
    publicJwk: { ...made.publicJwk },
    pkcs8: made.pkcs8,
    certificate: null,
  });
  return { signer: await signerFrom(made.pkcs8), publicJwk: made.publicJwk };
}

/** A new approval key that only the holder of a token's secret can open. */
export async function tokenApprovalKey(
  secret: string,
): Promise<{ kid: string; publicJwk: PublicJwk; wrapped: Uint8Array }> {
  const made = await generateSigningKey();
  return { kid: made.kid, publicJwk: made.publicJwk, wrapped: wrapSecret(made.pkcs8, tokenKey(secret), made.kid) };
}

function tokenKey(secret: string): Uint8Array {
  // Token secrets carry 256 random bits: a plain HMAC is a sound key derivation, no stretching is needed.
  return hmacSha256(Buffer.from('muniment token approval key 1'), secret);
}
