import type { Actor } from '../core/actor.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { loadHold } from '../db/holds.ts';
import { decideKeep, decideReview, type Hold } from '../disposition/hold.ts';
import { carryOut, type Office } from './office.ts';

const unknown = () => refuse('not_found', 'There is no such hold.');

/** Today in the organization's zone: days of reviews are meant there. */
export const today = (office: Pick<Office, 'now' | 'policy'>): Temporal.PlainDate =>
  office.now().toZonedDateTimeISO(office.policy.organization.zone).toPlainDate();

/** Say that a hold was looked at, why it is needed on, and when to look again. */
export async function reviewHold(
  office: Office,
  actor: Actor,
  id: string,
  { note, reviewOn }: { readonly note: string; readonly reviewOn: string | null },
): Promise<Hold | Refusal> {
  return carryOut(office, async () => {
    const hold = await loadHold(office.store, id);
    if (!hold) return unknown();
    const decided = decideReview(hold, note, reviewOn, today(office), actor, office.now());
    return { decided, result: isRefusal(decided) ? hold : (decided.state[0]?.hold ?? hold) };
  });
}

/** Turn down a release that was asked for. */
export async function keepHold(office: Office, actor: Actor, id: string): Promise<Hold | Refusal> {
  return carryOut(office, async () => {
    const hold = await loadHold(office.store, id);
    if (!hold) return unknown();
    const decided = decideKeep(hold, actor, office.now());
    return { decided, result: isRefusal(decided) ? hold : (decided.state[0]?.hold ?? hold) };
  });
}
