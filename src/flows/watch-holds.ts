import { formatInstant } from '../core/instants.ts';
import { commit } from '../db/commit.ts';
import { openHolds } from '../db/holds.ts';
import { loadMatter } from '../db/matters.ts';
import { bellDone, claimBell } from '../db/settings.ts';
import { canBeReleased, type Hold, remindersDue } from '../disposition/hold.ts';
import type { Alarm } from '../ledger/alarm.ts';
import type { Office } from './office.ts';
import { keptUntil } from './release-hold.ts';
import { today } from './review-hold.ts';

/**
 * The nightly look at holds: whoever is to be reminded is. It releases nothing, ever.
 * @param slot which night; of all processes one looks
 * @returns how many holds are due to be looked at, or null when another process has this night
 */
export async function watchHolds(office: Office, slot: string): Promise<{ due: number } | null> {
  const bell = 'watch/holds';
  if (!(await claimBell(office.store, bell, slot, office.now()))) return null;
  const alarms: Alarm[] = [];
  for (const hold of await openHolds(office.store)) alarms.push(...(await remindersOf(office, hold)));
  await commit(office.store, { state: [], entries: [], tasks: [], alarms }, async (tx) => {
    await bellDone(tx, bell, slot, null, office.now());
  });
  return { due: alarms.length };
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
