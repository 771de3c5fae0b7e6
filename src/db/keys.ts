import { and, desc, eq, isNotNull, isNull, notInArray } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { caseKeys, keys } from './schema.ts';

export type KeyPurpose = 'root' | 'seal' | 'tsa' | 'ledger' | 'approver';

/** A signing key: the public part in the open, the private part wrapped under the master key (or held by a token only). */
export interface SigningKey {
  readonly kid: string;
  readonly purpose: KeyPurpose;
  readonly actorId: string | null;
  readonly publicJwk: Json;
  readonly wrapped: Uint8Array | null;
  readonly certificate: string | null;
  readonly createdAt: Temporal.Instant;
  readonly retiredAt: Temporal.Instant | null;
}

function toKey(row: typeof keys.$inferSelect): SigningKey {
  return { ...row, purpose: row.purpose as KeyPurpose };
}

export async function addKey(tx: Queryable, key: SigningKey): Promise<void> {
  await tx.insert(keys).values({ ...key });
}

/** The key in use for a purpose, or null before set-up. */
export async function currentKey(store: Store, purpose: Exclude<KeyPurpose, 'approver'>): Promise<SigningKey | null> {
  const [row] = await store.db.orm
    .select()
    .from(keys)
    .where(and(eq(keys.purpose, purpose), isNull(keys.retiredAt)))
    .orderBy(desc(keys.createdAt))
    .limit(1);
  return row ? toKey(row) : null;
}

/** An approver's own key that a session may use; keys that only a token can open are not among them. */
export async function approverKey(store: Store, actorId: string): Promise<SigningKey | null> {
  const rows = await store.db.orm
    .select()
    .from(keys)
    .where(and(eq(keys.purpose, 'approver'), eq(keys.actorId, actorId), isNull(keys.retiredAt)))
    .orderBy(desc(keys.createdAt));
  return rows.map(toKey).find((key) => key.wrapped !== null) ?? null;
}

export async function keyById(store: Store, kid: string): Promise<SigningKey | null> {
  const [row] = await store.db.orm.select().from(keys).where(eq(keys.kid, kid));
  return row ? toKey(row) : null;
}

/** Every key there ever was, newest first: the published set keeps its history. */
export async function allKeys(store: Store): Promise<readonly SigningKey[]> {
  const rows = await store.db.orm.select().from(keys).orderBy(desc(keys.createdAt));
  return rows.map(toKey);
}

/** Versions of master keys that still wrap keys of cases, and that this process does not have. */
export async function unknownMasterVersions(store: Store): Promise<readonly string[]> {
  const rows = await store.db.orm
    .selectDistinct({ version: caseKeys.masterVersion })
    .from(caseKeys)
    .where(and(isNotNull(caseKeys.wrapped), notInArray(caseKeys.masterVersion, [...store.vault.masterVersions])));
  return rows.map(({ version }) => version);
}
