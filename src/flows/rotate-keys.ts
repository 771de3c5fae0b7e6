import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { replayKey, replayKeyName } from '../db/erasure-file.ts';
import { countWrapped, keepSecret, rewrapSome, unknownMasterVersions, type WrappedCounts } from '../db/keys.ts';
import { whileAlone } from '../db/locks.ts';
import type { MasterKey } from '../db/master-keys.ts';
import { isSomebodyWithout, knownMasters, noteDestroyed, noteNewest } from '../db/master-versions.ts';
import { bellDone, claimBell, forgetAnswers } from '../db/settings.ts';
import { entry } from '../ledger/entry.ts';
import { freshProof } from './change-people.ts';
import type { Office } from './office.ts';

/**
 * How long a master key is the newest, and how long an older one is kept after that. A backup of the database as old as
 * that can still be restored and read; once a version is destroyed, whatever was shredded is gone from backups as well.
 */
export const rotateAfterDays = 90;
const keepOldDays = 90;
const clockLeapSeconds = 24 * 3600;
/** Rows of each kind in one batch, which is one transaction with its entry. */
const rowsPerBatch = 200;

export interface Rotation {
  /** The version that wraps everything now. */
  readonly newest: string;
  /** The version made for it; null where an earlier rotation was finished, or keys come from the environment. */
  readonly made: string | null;
  /** Whether the next rotation would make a newer version by itself. */
  readonly makes: boolean;
  readonly rewrapped: WrappedCounts;
  /** Older versions destroyed, because nothing is wrapped by them and no backup of the window needs them. */
  readonly destroyed: readonly string[];
  /** Older versions kept, each with the day from which it will be destroyed; null: whoever keeps it decides. */
  readonly kept: readonly { readonly version: string; readonly until: string | null }[];
}

/**
 * Rotate the master key: make a newer version where it is ours to make, and wrap everything anew that an older one
 * wraps. It can be cut off anywhere: what is wrapped by either version opens, and the next time finishes it. A second
 * rotation at the same time is refused; a service that runs beside it finds the new version by itself, and where it
 * could not, nothing is rotated.
 */
export async function rotateKeys(office: Office, by: Actor, rows = rowsPerBatch): Promise<Rotation | Refusal> {
  const unproven = freshProof(by, 'you rotate keys');
  if (unproven) return unproven;
  return (
    (await whileAlone(office.store.db, 'rotate-keys', () => rotate(office, by, true, rows))) ??
    refuse('already_running', 'The keys are being rotated already. Nothing was started.')
  );
}

/**
 * The nightly look: what an earlier rotation left is finished, a version that has been the newest for 90 days is
 * replaced, and one that nothing needs any more is destroyed.
 */
export async function tendKeys(office: Office, by: Actor, slot: string): Promise<Rotation | Refusal | null> {
  const bell = 'watch/keys';
  if (!(await claimBell(office.store, bell, slot, office.now()))) return null;
  await forgetAnswers(office.store.db.orm, office.now());
  const isDue = isOlder(office, (await newestMaster(office))?.since ?? null, rotateAfterDays);
  const tended = await whileAlone(office.store.db, 'rotate-keys', () => rotate(office, by, isDue, rowsPerBatch));
  await bellDone(office.store.db.orm, bell, slot, null, office.now());
  return tended;
}

/** The version that wraps what is new, and since when it does. */
export async function newestMaster(
  office: Office,
): Promise<{ version: string; since: Temporal.Instant | null } | null> {
  const [newest] = office.store.vault.masters.current();
  if (!newest) return null;
  const known = (await knownMasters(office.store.db.orm)).find(({ version }) => version === newest.version);
  return { version: newest.version, since: newest.madeAt ?? known?.since ?? null };
}

async function rotate(office: Office, by: Actor, makesNew: boolean, rows: number): Promise<Rotation | Refusal> {
  const { store } = office;
  const { masters } = store.vault;
  const missing = await unknownMasterVersions(store);
  if (missing.length > 0)
    return refuse(
      'not_ready',
      `The master key ${missing.join(', ')} is not at hand, and still wraps something. Add it first; nothing was rotated.`,
    );
  const [before] = masters.current();
  if (!before) throw new Error('there is no master key');
  if (await isSomebodyWithout(store, before))
    return refuse(
      'not_ready',
      `A process of Muniment is running without the master key ${before.version}, and could not open what it wraps. Start every process with it, then rotate; nothing was rotated.`,
    );
  const isCutOff = (await countWrapped(store.db.orm)).some(({ version }) => version !== before.version);
  const made = makesNew && !isCutOff ? masters.make(office.now()) : null;
  // From this line on a crash leaves a version that the ledger does not know: the next start or rotation notes it.
  await record(office, (tx) => noteNewest(tx, masters, by.id, office.now()));
  await keepReplayKeys(office);
  const rewrapped = await rewrapAll(office, by, rows);
  const destroyed = await destroyOld(office, by);
  const [newest, ...older] = masters.current();
  const kept = older.map((key) => ({ version: key.version, until: keptUntil(masters.current(), key) }));
  return {
    newest: newest?.version ?? before.version,
    made: made?.version ?? null,
    makes: masters.kind === 'file',
    rewrapped,
    destroyed,
    kept,
  };
}

/** The list of erasures outlives the master keys that seal its lines: what opens them stays, and opens nothing else. */
async function keepReplayKeys(office: Office): Promise<void> {
  const { vault, db } = office.store;
  for (const { version, key } of vault.masters.current().slice(1))
    await keepSecret(db.orm, vault, replayKeyName(version), replayKey(key), office.now());
}

/** Each batch and its entry are one transaction: the ledger counts what was done, also when it was cut off. */
async function rewrapAll(office: Office, by: Actor, rows: number): Promise<WrappedCounts> {
  const { vault } = office.store;
  const total = { cases: 0, keys: 0, runs: 0, answers: 0 };
  for (;;) {
    let some: WrappedCounts = total;
    await record(office, async (tx) => {
      const [newest] = vault.masters.current();
      some = await rewrapSome(tx, vault, rows);
      return newest && isAny(some)
        ? [entry('key.rewrapped', office.now(), by.id, { version: newest.version, ...some })]
        : [];
    });
    if (!isAny(some)) return total;
    total.cases += some.cases;
    total.keys += some.keys;
    total.runs += some.runs;
    total.answers += some.answers;
  }
}

const isAny = (counts: WrappedCounts) => Object.values(counts).some((count) => count > 0);

/** The day from which a version may be destroyed: so long after the next newer one was made. */
function keptUntil(all: readonly MasterKey[], key: MasterKey): string | null {
  const newer = all[all.indexOf(key) - 1];
  return newer?.madeAt ? formatInstant(newer.madeAt.add({ hours: 24 * keepOldDays })).slice(0, 10) : null;
}

async function destroyOld(office: Office, by: Actor): Promise<readonly string[]> {
  const { masters } = office.store.vault;
  // By a clock that has leapt every key is old; what it destroys does not come back with the right time.
  if (Math.abs(office.clockJumpSeconds()) > clockLeapSeconds) return [];
  const all = masters.current();
  const old = all.filter((_, i) => i > 0 && isOlder(office, all[i - 1]?.madeAt ?? null, keepOldDays));
  const destroyed: string[] = [];
  for (const { version } of old) {
    // Counted last, and after everything was wrapped anew: a key of ours that wraps anything is never destroyed.
    const stillWraps = (await countWrapped(office.store.db.orm)).some((wrapped) => wrapped.version === version);
    if (!stillWraps && masters.destroy(version)) destroyed.push(version);
  }
  await record(office, (tx) => noteDestroyed(tx, office.store, by.id, office.now()));
  return destroyed;
}

function isOlder(office: Office, at: Temporal.Instant | null, days: number): boolean {
  return at !== null && Temporal.Instant.compare(at.add({ hours: 24 * days }), office.now()) <= 0;
}

function record(office: Office, beside: Parameters<typeof commit>[2]): Promise<void> {
  return commit(office.store, { state: [], entries: [], tasks: [] }, beside);
}
