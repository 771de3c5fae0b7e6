import { eq, sql } from 'drizzle-orm';
import { hmacSha256, toHex } from '../core/hash.ts';
import { type Entry, entry } from '../ledger/entry.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { countWrapped, versionIn } from './keys.ts';
import type { MasterKey, MasterKeys } from './master-keys.ts';
import { keys } from './schema.ts';

/**
 * What the database remembers of master keys, one row of `keys` each: the version, since when it is there, and a check
 * value. Never the key, wrapped or not: whoever has an older master key and the database must not get to a newer one.
 */
const rowOf = (version: string) => `master:${version}`;

/** Tells two keys of one name apart, and nothing else: an HMAC under 256 random bits says nothing about them. */
const checkOf = ({ key }: Pick<MasterKey, 'key'>) => toHex(hmacSha256(key, 'muniment master key check 1'));

export interface KnownMaster {
  readonly version: string;
  readonly check: string;
  /** Where it was kept: we destroy, and note as destroyed, only what was in a file of ours. */
  readonly from: string;
  readonly since: Temporal.Instant;
  readonly destroyedAt: Temporal.Instant | null;
}

export async function knownMasters(tx: Queryable): Promise<readonly KnownMaster[]> {
  const rows = await tx.select().from(keys).where(eq(keys.purpose, 'master'));
  return rows.map(({ kid, publicJwk, createdAt, retiredAt }) => ({
    version: kid.slice(rowOf('').length),
    check: String((publicJwk as { readonly check?: string }).check),
    from: String((publicJwk as { readonly from?: string }).from),
    since: createdAt,
    destroyedAt: retiredAt,
  }));
}

/**
 * Versions at hand whose key is another one than the database knows by that name, and that wrap something: it would not
 * open. (One that wraps nothing yet may have been mistyped, and is mended by writing it right.)
 */
export async function mistakenMasters(store: Store): Promise<readonly string[]> {
  const known = new Map((await knownMasters(store.db.orm)).map(({ version, check }) => [version, check]));
  const inUse = new Set((await countWrapped(store.db.orm)).map(({ version }) => version));
  return store.vault.masters
    .current()
    .filter((key) => inUse.has(key.version) && (known.get(key.version) ?? checkOf(key)) !== checkOf(key))
    .map(({ version }) => version);
}

/**
 * Remember the newest version. A crash between making a key and this is mended by the next start or rotation.
 * @returns an entry when it is new, but for the first of an installation
 */
export async function noteNewest(
  tx: Queryable,
  masters: MasterKeys,
  by: string,
  now: Temporal.Instant,
): Promise<readonly Entry[]> {
  const known = await knownMasters(tx);
  const [newest] = masters.current();
  if (!newest || known.some(({ version, check }) => version === newest.version && check === checkOf(newest))) return [];
  const publicJwk = { check: checkOf(newest), from: masters.kind };
  await tx
    .insert(keys)
    .values({
      kid: rowOf(newest.version),
      purpose: 'master',
      actorId: null,
      publicJwk,
      wrapped: null,
      certificate: null,
      createdAt: newest.madeAt ?? (await firstUse(tx, newest.version)) ?? now,
      retiredAt: null,
    })
    .onConflictDoUpdate({ target: keys.kid, set: { publicJwk } });
  const isNew = known.length > 0 && !known.some(({ version }) => version === newest.version);
  return isNew ? [entry('key.master_made', now, by, { version: newest.version })] : [];
}

/** When the oldest secret was made that this version wraps: a key from before versions were remembered is as old. */
async function firstUse(tx: Queryable, version: string): Promise<Temporal.Instant | null> {
  const [row] = await tx.execute<{ ms: string | null }>(sql`
    SELECT extract(epoch FROM min(created_at)) * 1000 AS ms FROM (
      SELECT created_at FROM case_keys WHERE master_version = ${version} AND wrapped IS NOT NULL
      UNION ALL SELECT created_at FROM keys WHERE wrapped IS NOT NULL AND ${versionIn(sql`wrapped`)} = ${version}) AS used`);
  return row?.ms == null ? null : Temporal.Instant.fromEpochMilliseconds(Math.floor(Number(row.ms)));
}

/**
 * Note what was destroyed: versions that no file has any more and that wrap nothing. It is looked for rather than told,
 * so that it is noted after a crash as well, and never before it is so.
 */
export async function noteDestroyed(
  tx: Queryable,
  store: Store,
  by: string,
  now: Temporal.Instant,
): Promise<readonly Entry[]> {
  const { masters } = store.vault;
  if (masters.kind !== 'file') return [];
  const needed = new Set([...masters.current(), ...(await countWrapped(tx))].map(({ version }) => version));
  const gone = (await knownMasters(tx)).filter(
    ({ version, from, destroyedAt }) => from === 'file' && destroyedAt === null && !needed.has(version),
  );
  for (const { version } of gone)
    await tx
      .update(keys)
      .set({ retiredAt: now })
      .where(eq(keys.kid, rowOf(version)));
  return gone.map(({ version }) => entry('key.master_destroyed', now, by, { version }));
}

// ---------------------------------------------------------------- which processes have which keys

const connectionName = 'muniment';
const tagOf = (key: MasterKey) => checkOf(key).slice(0, 8);
/** Postgres keeps 63 bytes of a connection's name. */
const tagsAtMost = 5;

/**
 * What a process calls its connections, so that a rotation sees who is there without the newest key: the keys it was
 * started with, or that it reads a file, which a rotation changes under it.
 */
export function connectionNameOf(masters: MasterKeys): string {
  const tags = masters.kind === 'file' ? ['file'] : masters.current().slice(0, tagsAtMost).map(tagOf);
  return [connectionName, ...tags].join(' ');
}

/**
 * Whether a process is connected that could not open what the newest key wraps.
 * KNOWN GAP: a process that had nothing to ask for an hour may have no connection, and is not seen; a worker always has
 * one. docs/OPERATIONS.md says to start every process with both keys first.
 */
export async function isSomebodyWithout(store: Store, newest: MasterKey): Promise<boolean> {
  const rows = await store.db.orm.execute<{ name: string }>(sql`
    SELECT DISTINCT application_name AS name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name ~ ${`^${connectionName}( |$)`}
      AND application_name <> current_setting('application_name')`);
  return rows.some(({ name }) => !name.split(' ').includes(tagOf(newest)));
}
