import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { custodiansIn, keepingForNothing } from '../db/custodians.ts';
import { openHolds } from '../db/holds.ts';
import { loadMatter } from '../db/matters.ts';
import { bellDone, claimBell } from '../db/settings.ts';
import { type Custodian, dueTonight } from '../disposition/custodian.ts';
import { canBeReleased, type Hold, remindersDue } from '../disposition/hold.ts';
import type { Alarm } from '../ledger/alarm.ts';
import { releaseCustodian, remindCustodian } from './custodians.ts';
import { endEvidenceHolds } from './hold-evidence.ts';
import type { Office } from './office.ts';
import { settleHold } from './place-hold.ts';
import { reconcileHold } from './reconcile-hold.ts';
import { keptUntil } from './release-hold.ts';
import { today } from './review-hold.ts';

/** What the nightly look found, in numbers. */
export interface NightsHolds {
  /** Holds that somebody is to look at. */
  readonly due: number;
  /** Custodians who were reminded. */
  readonly reminded: number;
  /** Holds of which records are missing. */
  readonly missing: number;
  /** Holds that could not be compared with their sources. */
  readonly failed: number;
}

/**
 * The nightly look at holds: whoever is to be reminded is. It releases nothing, ever.
 * @param slot which night; of all processes one looks
 * @returns how many holds are due to be looked at, or null when another process has this night
 */
export async function watchHolds(office: Office, by: Actor, slot: string): Promise<NightsHolds | null> {
  const bell = 'watch/holds';
  if (!(await claimBell(office.store, bell, slot, office.now()))) return null;
  await endEvidenceHolds(office);
  // Whoever released the hold tells them at once; what a crash left untold is told now.
  for (const id of await keepingForNothing(office.store)) await releaseCustodian(office, by, id);
  const alarms: Alarm[] = [];
  for (const hold of await openHolds(office.store)) alarms.push(...(await remindersOf(office, hold)));
  const due = alarms.length;
  let reminded = 0;
  for (const custodian of await custodiansIn(office.store, 'asked')) {
    const next = dueTonight(custodian, office.now());
    if (next === 'remind' && !isRefusal(await remindCustodian(office, by, custodian.id))) reminded += 1;
    if (next === 'tell') alarms.push(silent(office, custodian));
  }
  const { missing, failed } = await reconcileAll(office, by);
  await commit(office.store, { state: [], entries: [], tasks: [], alarms }, async (tx) => {
    await bellDone(tx, bell, slot, null, office.now());
  });
  return { due, reminded, missing, failed };
}

/**
 * Put every hold in place again where it is missing, look for what is new, and compare it with its sources. One that cannot
 * be now is left for the next night, and does not keep the others.
 */
async function reconcileAll(office: Office, by: Actor): Promise<{ missing: number; failed: number }> {
  const found = { missing: 0, failed: 0 };
  for (const { id } of await openHolds(office.store)) {
    const compared = await settleHold(office, id)
      .then(() => reconcileHold(office, by, id))
      .catch(() => null);
    if (compared === null) found.failed += 1;
    else if (compared.kind === 'compared' && compared.since.vanished + compared.since.moved > 0) found.missing += 1;
  }
  return found;
}

/** Once for each of them: from here on it is for a person to reach them. */
function silent(office: Office, { id, holdId }: Custodian): Alarm {
  return {
    kind: 'custodian_silent',
    key: `custodian_silent/${id}`,
    at: formatInstant(office.now()),
    facts: { hold: holdId, custodian: id },
  };
}

/** A hold past its review, reminded of every week; one whose matter is closed and that nothing keeps, every month. */
async function remindersOf(office: Office, hold: Hold): Promise<readonly Alarm[]> {
  const day = today(office);
  const remind = (occasion: string, because: string): Alarm => ({
    kind: 'hold_review_due',
    key: `hold_review_due/${hold.id}/${occasion}`,
    at: formatInstant(office.now()),
    facts: { hold: hold.id, because },
  });
  const weeks = remindersDue(hold, day);
  if (weeks > 0) return [remind(`${hold.reviewOn}/${weeks}`, 'review_day')];
  const matter = hold.matterId !== null && canBeReleased(hold) ? await loadMatter(office.store, hold.matterId) : null;
  if (matter?.state !== 'closed' || (await keptUntil(office, hold))) return [];
  return [remind(`closed/${day.toPlainYearMonth().toString()}`, 'matter_closed')];
}
