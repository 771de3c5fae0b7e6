import type { Actor } from '../core/actor.ts';
import type { Personal } from '../core/personal.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { secondPerson } from '../core/second-person.ts';
import { countEntries, type Lending, listLendings, loadLending, markReviewed } from '../db/access.ts';
import { commit } from '../db/commit.ts';
import { entry } from '../ledger/entry.ts';
import type { Page } from './look-up.ts';
import type { Office } from './office.ts';
import { noteRunOut } from './return-role.ts';

export interface LendingAccount {
  readonly lending: Lending;
  readonly reason: Personal<string>;
  /** Ledger entries of that person in that time. Looking at a case leaves none. */
  readonly done: readonly { readonly kind: string; readonly count: number }[];
}

export async function lendingsPage(office: Office, { limit, offset }: Page): Promise<readonly Lending[]> {
  await noteRunOut(office);
  return listLendings(office.store, limit, offset);
}

/** Roles taken in an emergency that nobody else has looked at yet, those that still last among them. */
export async function unreviewedLendings(office: Office): Promise<readonly Lending[]> {
  const some = await lendingsPage(office, { limit: 200, offset: 0 });
  return some.filter(({ reviewedAt }) => reviewedAt === null);
}

/** One of them with its reason and what was done in its time. */
export async function lookUpLending(office: Office, id: string): Promise<LendingAccount | Refusal> {
  await noteRunOut(office);
  const found = await loadLending(office.store, id);
  if (!found) return refuse('not_found', 'Nobody took such a role.');
  const { startedAt, endedAt, actorId } = found.lending;
  // The last millisecond belongs to it, since an entry's time is cut to one.
  const until = (endedAt ?? office.now()).add({ milliseconds: 1 });
  return { ...found, done: await countEntries(office.store, startedAt, until, actorId) };
}

/** Say, as somebody else, that one has looked at what was done with a role taken in an emergency. */
export async function reviewLending(office: Office, by: Actor, id: string): Promise<Lending | Refusal> {
  const found = await lookUpLending(office, id);
  if ('code' in found) return found;
  const { lending } = found;
  const refused = secondPerson(lending.actorId, by, 'this use of another role');
  if (refused) return refused;
  if (lending.endedAt === null)
    return refuse('not_ready', 'It still lasts. End it, or review it when it has ended; nothing was changed.');
  const now = office.now();
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) => {
    const isFirst = await markReviewed(tx, id, by.id, now);
    const { actorId: actor, role } = lending;
    return isFirst ? [entry('access.reviewed', now, by.id, { lending: id, actor, role })] : [];
  });
  return (await loadLending(office.store, id))?.lending ?? lending;
}
