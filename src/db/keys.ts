import { and, desc, eq, isNotNull, isNull, ne, type SQL, sql } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { caseKeys, keys, runs } from './schema.ts';

/** `secret`: no signing key but random bytes of the installation's own, kept wrapped in the same way. */
export type KeyPurpose = 'root' | 'seal' | 'tsa' | 'ledger' | 'approver' | 'secret';

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

/**
 * The installation's own random secret of that name, made once. It stays the same when the master key changes, so that
 * nobody is signed out and nothing that it encrypted is lost.
 */
export async function ownSecret(
  store: Store,
  name: string,
  random: (bytes: number) => Uint8Array,
  now: Temporal.Instant,
): Promise<Uint8Array> {
  const kid = `secret:${name}`;
  const row = {
    kid,
    purpose: 'secret',
    actorId: null,
    publicJwk: {},
    certificate: null,
    createdAt: now,
    retiredAt: null,
  };
  await store.db.orm
    .insert(keys)
    .values({ ...row, wrapped: store.vault.wrap(random(32), `key:${kid}`) })
    .onConflictDoNothing();
  const made = await keyById(store, kid);
  if (!made?.wrapped) throw new Error(`the secret ${name} just made is not there`);
  return store.vault.unwrap(made.wrapped, `key:${kid}`);
}

/** What a master version still wraps. */
export interface Wrapped {
  readonly version: string;
  readonly cases: number;
  readonly keys: number;
  readonly runs: number;
}

/** The version before the line break of a wrapped secret (vault.ts), in SQL. */
const versionIn = (column: SQL) =>
  sql`convert_from(substring(${column} for position('\\x0a'::bytea in ${column}) - 1), 'UTF8')`;

/** Everything that is wrapped, by the version that wraps it. */
export async function countWrapped(store: Store): Promise<readonly Wrapped[]> {
  const rows = await store.db.orm.execute<{ version: string; cases: string; keys: string; runs: string }>(sql`
    SELECT version, sum(cases) AS cases, sum(keys) AS keys, sum(runs) AS runs FROM (
      SELECT master_version AS version, count(*) AS cases, 0 AS keys, 0 AS runs FROM case_keys WHERE wrapped IS NOT NULL GROUP BY 1
      UNION ALL SELECT ${versionIn(sql`wrapped`)}, 0, count(*), 0 FROM keys WHERE wrapped IS NOT NULL GROUP BY 1
      UNION ALL SELECT ${versionIn(sql`run_key`)}, 0, 0, count(*) FROM disposition_runs GROUP BY 1) AS parts
    GROUP BY 1 ORDER BY 1`);
  return rows.map(({ version, cases, keys: signing, runs }) => ({
    version,
    cases: Number(cases),
    keys: Number(signing),
    runs: Number(runs),
  }));
}

/** Versions of master keys that still wrap something, and that this process does not have. */
export async function unknownMasterVersions(store: Store): Promise<readonly string[]> {
  const known = new Set(store.vault.masters.current().map(({ version }) => version));
  return (await countWrapped(store)).map(({ version }) => version).filter((version) => !known.has(version));
}

const batchSize = 200;

/**
 * Wrap up to a few hundred secrets anew that an older version still wraps; each batch is one transaction, and a crash
 * between two leaves some wrapped by either. A row is locked while its secret is in hand: a case that is shredded
 * meanwhile stays shredded.
 * @returns how many; 0 when nothing is left
 */
export async function rewrapSome(store: Store): Promise<Omit<Wrapped, 'version'>> {
  const { vault } = store;
  const [newest] = vault.masters.current();
  if (!newest) throw new Error('there is no master key');
  return store.db.orm.transaction(async (tx) => {
    const cases = await tx
      .select()
      .from(caseKeys)
      .where(and(isNotNull(caseKeys.wrapped), ne(caseKeys.masterVersion, newest.version)))
      .limit(batchSize)
      .for('update');
    for (const { id, wrapped, masterVersion } of cases) {
      if (!wrapped) continue;
      const anew = vault.rewrapCase(id, wrapped, masterVersion);
      await tx.update(caseKeys).set({ wrapped: anew.wrapped, masterVersion: anew.version }).where(eq(caseKeys.id, id));
    }
    const signing = await tx
      .select()
      .from(keys)
      .where(and(isNotNull(keys.wrapped), ne(versionIn(sql`${keys.wrapped}`), newest.version)))
      .limit(batchSize)
      .for('update');
    for (const { kid, wrapped } of signing) {
      if (!wrapped) continue;
      const context = `key:${kid}`;
      await tx
        .update(keys)
        .set({ wrapped: vault.wrap(vault.unwrap(wrapped, context), context) })
        .where(eq(keys.kid, kid));
    }
    const ofRuns = await tx
      .select({ id: runs.id, runKey: runs.runKey })
      .from(runs)
      .where(ne(versionIn(sql`${runs.runKey}`), newest.version))
      .limit(batchSize)
      .for('update');
    for (const { id, runKey } of ofRuns) {
      const context = `run:${id}`;
      await tx
        .update(runs)
        .set({ runKey: vault.wrap(vault.unwrap(runKey, context), context) })
        .where(eq(runs.id, id));
    }
    return { cases: cases.length, keys: signing.length, runs: ofRuns.length };
  });
}
