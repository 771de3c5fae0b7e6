import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { countWrapped, rewrapSome, unknownMasterVersions } from '../db/keys.ts';
import { whileAlone } from '../db/locks.ts';
import type { MasterKey } from '../db/master-keys.ts';
import { bellDone, claimBell } from '../db/settings.ts';
import { type Entry, entry } from '../ledger/entry.ts';
import { freshProof } from './change-people.ts';
import type { Office } from './office.ts';

/**
 * How long a master key is the newest, and how long an older one is kept after that. A backup of the database as old as
 * that can still be restored and read; once a version is destroyed, whatever was shredded is gone from backups as well.
 */
const rotateAfterDays = 90;
const keepOldDays = 90;

export interface Rotation {
  /** The version that wraps everything now. */
  readonly newest: string;
  /** The version made for it; null where keys come from the environment and the newest is already there. */
  readonly made: string | null;
  readonly rewrapped: { readonly cases: number; readonly keys: number; readonly runs: number };
  /** Older versions destroyed, because nothing is wrapped by them and no backup of the window needs them. */
  readonly destroyed: readonly string[];
  /** Older versions kept, each with the day from which it will be destroyed; null: whoever keeps it decides. */
  readonly kept: readonly { readonly version: string; readonly until: string | null }[];
}

/**
 * Rotate the master key: make a newer version where it is ours to make, and wrap everything anew that an older one
 * wraps. It can be cut off anywhere: what is wrapped by either version opens, and the next time goes on. A second
 * rotation at the same time is refused; a service that runs beside it finds the new version by itself.
 */
export async function rotateKeys(office: Office, by: Actor): Promise<Rotation | Refusal> {
  const unproven = freshProof(by, 'you rotate keys');
  if (unproven) return unproven;
  return (
    (await whileAlone(office.store.db, 'rotate-keys', () => rotate(office, by, true))) ??
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
  const [newest] = office.store.vault.masters.current();
  const isDue = newest !== undefined && isOlder(office, newest.madeAt, rotateAfterDays);
  const tended = await whileAlone(office.store.db, 'rotate-keys', () => rotate(office, by, isDue));
  await bellDone(office.store.db.orm, bell, slot, null, office.now());
  return tended;
}

async function rotate(office: Office, by: Actor, makesNew: boolean): Promise<Rotation | Refusal> {
  const { store } = office;
  const { masters } = store.vault;
  const missing = await unknownMasterVersions(store);
  if (missing.length > 0)
    return refuse(
      'not_ready',
      `The master key ${missing.join(', ')} is not at hand, and still wraps something. Add it first; nothing was rotated.`,
    );
  const made = makesNew ? masters.make(office.now()) : null;
  const [newest] = masters.current();
  if (!newest) throw new Error('there is no master key');
  if (made) await record(office, [entry('key.master_made', office.now(), by.id, { version: made.version })]);
  const rewrapped = { cases: 0, keys: 0, runs: 0 };
  for (;;) {
    const some = await rewrapSome(store);
    rewrapped.cases += some.cases;
    rewrapped.keys += some.keys;
    rewrapped.runs += some.runs;
    if (some.cases + some.keys + some.runs === 0) break;
  }
  if (rewrapped.cases + rewrapped.keys + rewrapped.runs > 0)
    await record(office, [entry('key.rewrapped', office.now(), by.id, { version: newest.version, ...rewrapped })]);
  const destroyed = await destroyOld(office, by);
  const kept = masters
    .current()
    .slice(1)
    .map((key) => ({ version: key.version, until: keptUntil(masters.current(), key) }));
  return { newest: newest.version, made: made?.version ?? null, rewrapped, destroyed, kept };
}

/** The day from which a version may be destroyed: so long after the next newer one was made. */
function keptUntil(all: readonly MasterKey[], key: MasterKey): string | null {
  const newer = all[all.indexOf(key) - 1];
  return newer?.madeAt ? formatInstant(newer.madeAt.add({ hours: 24 * keepOldDays })).slice(0, 10) : null;
}

async function destroyOld(office: Office, by: Actor): Promise<readonly string[]> {
  const { masters } = office.store.vault;
  const all = masters.current();
  const old = all.filter((_, i) => i > 0 && isOlder(office, all[i - 1]?.madeAt ?? null, keepOldDays));
  const destroyed: string[] = [];
  for (const { version } of old) {
    // Counted last, and after everything was wrapped anew: a key of ours that wraps anything is never destroyed.
    const stillWraps = (await countWrapped(office.store)).some((wrapped) => wrapped.version === version);
    if (stillWraps || !masters.destroy(version)) continue;
    destroyed.push(version);
    await record(office, [entry('key.master_destroyed', office.now(), by.id, { version })]);
  }
  return destroyed;
}

function isOlder(office: Office, at: Temporal.Instant | null, days: number): boolean {
  return at !== null && Temporal.Instant.compare(at.add({ hours: 24 * days }), office.now()) <= 0;
}

function record(office: Office, entries: readonly Entry[]): Promise<void> {
  return commit(office.store, { state: [], entries, tasks: [] });
}
