import { and, desc, eq, isNotNull, isNull, ne, type SQL, sql } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { caseKeys, idempotencyKeys, keys, runs } from './schema.ts';
import { answerContext } from './settings.ts';
import type { Vault } from './vault.ts';

/**
 * `secret`: no signing key but bytes of the installation's own, kept wrapped in the same way. `master`: what is
 * remembered of a master key (master-versions.ts), never the key.
 */
export type KeyPurpose = 'root' | 'seal' | 'tsa' | 'ledger' | 'approver' | 'secret' | 'master';

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
  await keepSecret(store.db.orm, store.vault, name, random(32), now);
  const kept = await keptSecret(store, name);
  if (!kept) throw new Error(`the secret ${name} just made is not there`);
  return kept;
}

/** Keep a secret wrapped under the newest master key. One that is there already stays as it is. */
export async function keepSecret(
  tx: Queryable,
  vault: Vault,
  name: string,
  secret: Uint8Array,
  now: Temporal.Instant,
): Promise<void> {
  const kid = `secret:${name}`;
  const nobodys = { actorId: null, publicJwk: {}, certificate: null, retiredAt: null };
  await tx
    .insert(keys)
    .values({ ...nobodys, kid, purpose: 'secret', createdAt: now, wrapped: vault.wrap(secret, `key:${kid}`) })
    .onConflictDoNothing();
}

/** A secret that was kept, or null. */
export async function keptSecret(store: Store, name: string): Promise<Uint8Array | null> {
  const kept = await keyById(store, `secret:${name}`);
  return kept?.wrapped ? store.vault.unwrap(kept.wrapped, `key:${kept.kid}`) : null;
}

/** How much is wrapped, of each kind that master keys wrap. */
export interface WrappedCounts {
  readonly cases: number;
  readonly keys: number;
  readonly runs: number;
  /** Answers kept for a day, for whoever asks again with the same Idempotency-Key. */
  readonly answers: number;
}

/** What a master version still wraps. */
export interface Wrapped extends WrappedCounts {
  readonly version: string;
}

/** The version before the line break of a wrapped secret (vault.ts), in SQL. */
export const versionIn = (column: SQL) =>
  sql`convert_from(substring(${column} for position('\\x0a'::bytea in ${column}) - 1), 'UTF8')`;
/** An answer from before they were sealed is plain JSON and no Base64: it goes by itself, and is none of ours here. */
const answerIn = sql`(CASE WHEN body ~ '^[A-Za-z0-9+/]+=*$' THEN decode(body, 'base64') END)`;

/** Everything that is wrapped, by the version that wraps it. */
export async function countWrapped(tx: Queryable): Promise<readonly Wrapped[]> {
  const rows = await tx.execute<Record<'version' | keyof WrappedCounts, string>>(sql`
    SELECT version, sum(cases) AS cases, sum(keys) AS keys, sum(runs) AS runs, sum(answers) AS answers FROM (
      SELECT master_version AS version, count(*) AS cases, 0 AS keys, 0 AS runs, 0 AS answers
        FROM case_keys WHERE wrapped IS NOT NULL GROUP BY 1
      UNION ALL SELECT ${versionIn(sql`wrapped`)}, 0, count(*), 0, 0 FROM keys WHERE wrapped IS NOT NULL GROUP BY 1
      UNION ALL SELECT ${versionIn(sql`run_key`)}, 0, 0, count(*), 0 FROM disposition_runs GROUP BY 1
      UNION ALL SELECT ${versionIn(answerIn)}, 0, 0, 0, count(*) FROM idempotency_keys WHERE body IS NOT NULL GROUP BY 1
      ) AS parts
    WHERE version IS NOT NULL GROUP BY 1 ORDER BY 1`);
  return rows.map((row) => ({
    version: row.version,
    cases: Number(row.cases),
    keys: Number(row.keys),
    runs: Number(row.runs),
    answers: Number(row.answers),
  }));
}

/** Versions of master keys that still wrap something, and that this process does not have. */
export async function unknownMasterVersions(store: Store): Promise<readonly string[]> {
  const known = new Set(store.vault.masters.current().map(({ version }) => version));
  return (await countWrapped(store.db.orm)).map(({ version }) => version).filter((version) => !known.has(version));
}

/**
 * Wrap secrets anew that an older version still wraps, at most so many rows of each kind. A row is locked while its
 * secret is in hand: a case that is shredded meanwhile stays shredded.
 * @param tx one transaction: a crash leaves all of them as they were
 * @returns how many; all 0 when nothing is left
 */
export async function rewrapSome(tx: Queryable, vault: Vault, rows: number): Promise<WrappedCounts> {
  const [newest] = vault.masters.current();
  if (!newest) throw new Error('there is no master key');
  const anew = (wrapped: Uint8Array, context: string) => vault.wrap(vault.unwrap(wrapped, context), context);

  const cases = await tx
    .select()
    .from(caseKeys)
    .where(and(isNotNull(caseKeys.wrapped), ne(caseKeys.masterVersion, newest.version)))
    .limit(rows)
    .for('update');
  for (const { id, wrapped, masterVersion } of cases) {
    if (!wrapped) continue;
    const to = vault.rewrapCase(id, wrapped, masterVersion);
    await tx.update(caseKeys).set({ wrapped: to.wrapped, masterVersion: to.version }).where(eq(caseKeys.id, id));
  }

  const ours = await tx
    .select({ kid: keys.kid, wrapped: keys.wrapped })
    .from(keys)
    .where(and(isNotNull(keys.wrapped), ne(versionIn(sql`${keys.wrapped}`), newest.version)))
    .limit(rows)
    .for('update');
  for (const { kid, wrapped } of ours) {
    if (!wrapped) continue;
    await tx
      .update(keys)
      .set({ wrapped: anew(wrapped, `key:${kid}`) })
      .where(eq(keys.kid, kid));
  }

  const ofRuns = await tx
    .select({ id: runs.id, runKey: runs.runKey })
    .from(runs)
    .where(ne(versionIn(sql`${runs.runKey}`), newest.version))
    .limit(rows)
    .for('update');
  for (const { id, runKey } of ofRuns)
    await tx
      .update(runs)
      .set({ runKey: anew(runKey, `run:${id}`) })
      .where(eq(runs.id, id));

  const answers = await tx
    .select({ actor: idempotencyKeys.actor, key: idempotencyKeys.key, body: idempotencyKeys.body })
    .from(idempotencyKeys)
    .where(and(isNotNull(idempotencyKeys.body), ne(versionIn(answerIn), newest.version)))
    .limit(rows)
    .for('update');
  for (const { actor, key, body } of answers) {
    if (body === null) continue;
    const to = anew(Buffer.from(body, 'base64'), answerContext(actor, key));
    await tx
      .update(idempotencyKeys)
      .set({ body: Buffer.from(to).toString('base64') })
      .where(and(eq(idempotencyKeys.actor, actor), eq(idempotencyKeys.key, key)));
  }
  return { cases: cases.length, keys: ours.length, runs: ofRuns.length, answers: answers.length };
}
