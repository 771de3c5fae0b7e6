import type { Actor } from '../core/actor.ts';
import { isRefusal, refuse } from '../core/refusal.ts';
import { loadRequest, openRequestIds } from '../db/requests.ts';
import { recount } from '../requests/request.ts';
import { explainDeadline } from './deadline.ts';
import { carryOut, type Office } from './office.ts';

/**
 * Count every open request's deadline again, as is done at each start: the rule book, a calendar or the time zone data
 * may be others than those it was counted with. A date that would move later only because of holidays or zones stays
 * as it was promised, until a person moves the clock.
 * @returns how many were counted with something else, and how many of them wait for a person
 */
export async function recountDeadlines(office: Office, actor: Actor): Promise<{ taken: number; waiting: number }> {
  let taken = 0;
  let waiting = 0;
  for (const id of await openRequestIds(office.store)) {
    const outcome = await carryOut(office, async () => {
      const nothing = { state: [], entries: [], tasks: [] };
      const request = await loadRequest(office.store, id);
      if (!request) return refuse('not_found', 'There is no such request.');
      const now = office.now();
      const explained = explainDeadline(office, request);
      // What is stopped is answered. A regime that left the book explains nothing any more: what was promised stays.
      if (isRefusal(explained) || request.deadline.clock === 'stopped')
        return { decided: nothing, result: 'keep' as const };
      if (explained.recounted !== 'take') return { decided: nothing, result: explained.recounted };
      return { decided: recount(request, explained.counted, actor, now), result: 'take' as const };
    });
    if (outcome === 'take') taken++;
    if (outcome === 'confirm') waiting++;
  }
  return { taken, waiting };
}
