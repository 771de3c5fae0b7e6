import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { type Personal, personal } from '../core/personal.ts';
import type { Database, Queryable } from './connect.ts';
import type { MasterKeys } from './master-keys.ts';
import { caseKeys } from './schema.ts';

const nonceBytes = 12;
const tagBytes = 16;

/** AES-256-GCM: nonce, ciphertext, tag. `context` is authenticated: a value moved to another case does not open. */
export function encrypt(key: Uint8Array, plain: Uint8Array, context: string): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws when the key, the context or any byte is another one. */
export function decrypt(key: Uint8Array, sealed: Uint8Array, context: string): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes));
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes)), decipher.final()]);
}

/**
 * The keys of cases. Personal data of a case stands in the database and the blob store only under its key; destroying
 * the key shreds it all at once.
 */
export interface Vault {
  /** The master keys that wrap everything else. */
  readonly masters: MasterKeys;
  /** Make the key of a new case. Needs no row anywhere else: the case is what is sealed under it. */
  newCase(id: string, now: Temporal.Instant): Promise<void>;
  /** The 32 bytes of a case's key. @throws when the case's key was destroyed or never made */
  caseKey(id: string): Promise<Uint8Array>;
  seal(caseId: string, value: unknown): Promise<Uint8Array>;
  open(caseId: string, sealed: Uint8Array): Promise<Personal<unknown>>;
  /** Destroy the key. What it sealed in this database and blob store can no longer be read by anyone. */
  shred(id: string, now: Temporal.Instant, tx?: Queryable): Promise<void>;
  /** Wrap and unwrap other secrets (signing keys, run keys) directly under the newest master key. */
  wrap(secret: Uint8Array, context: string): Uint8Array;
  unwrap(wrapped: Uint8Array, context: string): Uint8Array;
  /** A case's key, wrapped by that version, wrapped anew by the newest. @throws when that version is not at hand */
  rewrapCase(id: string, wrapped: Uint8Array, version: string): { wrapped: Uint8Array; version: string };
}

/** How long a process may still open a case that another one has shredded. */
const rememberSeconds = 60;

/** The version that wraps a secret (`wrap`): it stands before the first line break. */
function versionOf(wrapped: Uint8Array): string {
  return Buffer.from(wrapped.subarray(0, wrapped.indexOf(0x0a))).toString('utf8');
}

export function openVault(db: Database, masters: MasterKeys): Vault {
  const newest = () => {
    const [key] = masters.current();
    if (!key) throw new Error('a vault needs a master key');
    return key;
  };
  // A few hundred unwrapped keys stay in memory; a lookup costs a query, and pages show many cases at once.
  // Not for long: a case may be shredded by another process, which cannot reach into this one.
  const known = new Map<string, { readonly key: Uint8Array; readonly untilMs: number }>();
  const remember = (id: string, key: Uint8Array) => {
    if (known.size >= 500) known.delete(known.keys().next().value ?? '');
    known.set(id, { key, untilMs: performance.now() + 1000 * rememberSeconds });
    return key;
  };
  const masterOf = (version: string) => {
    const master = masters.current().find((candidate) => candidate.version === version);
    if (!master) throw new Error(`master key ${version} is not configured; add it to open what it wrapped`);
    return master;
  };
  const caseKey = async (id: string): Promise<Uint8Array> => {
    const there = known.get(id);
    if (there && performance.now() < there.untilMs) return there.key;
    const [row] = await db.orm.select().from(caseKeys).where(eq(caseKeys.id, id));
    if (!row?.wrapped) throw new Error(`the key of case ${id} was destroyed or never made`);
    return remember(id, decrypt(masterOf(row.masterVersion).key, row.wrapped, `case:${id}`));
  };
  return {
    masters,
    async newCase(id, now) {
      const key = randomBytes(32);
      const { key: master, version } = newest();
      const wrapped = encrypt(master, key, `case:${id}`);
      await db.orm.insert(caseKeys).values({ id, wrapped, masterVersion: version, createdAt: now });
      remember(id, key);
    },
    caseKey,
    async seal(caseId, value) {
      return encrypt(await caseKey(caseId), Buffer.from(JSON.stringify(value)), `sealed:${caseId}`);
    },
    async open(caseId, sealed) {
      const plain = decrypt(await caseKey(caseId), sealed, `sealed:${caseId}`);
      return personal(JSON.parse(Buffer.from(plain).toString('utf8')) as unknown);
    },
    async shred(id, now, tx = db.orm) {
      await tx.update(caseKeys).set({ wrapped: null, destroyedAt: now }).where(eq(caseKeys.id, id));
      known.delete(id);
    },
    wrap(secret, context) {
      const { key, version } = newest();
      return Buffer.concat([Buffer.from(`${version}\n`), encrypt(key, secret, context)]);
    },
    unwrap(wrapped, context) {
      const version = versionOf(wrapped);
      return decrypt(masterOf(version).key, wrapped.subarray(version.length + 1), context);
    },
    rewrapCase(id, wrapped, from) {
      const key = decrypt(masterOf(from).key, wrapped, `case:${id}`);
      const { key: master, version } = newest();
      return { wrapped: encrypt(master, key, `case:${id}`), version };
    },
  };
}
