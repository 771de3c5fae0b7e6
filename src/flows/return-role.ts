import type { Actor, Lent, Session } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { endLendings, type Lending, loadLending, openLendings } from '../db/access.ts';
import { commit } from '../db/commit.ts';
import { type Entry, entry } from '../ledger/entry.ts';
import type { Office } from './office.ts';

/**
 * A role taken in an emergency ends: by hand, at its time, and with whatever ends the person's way in.
 * No timer ends it: what it lends is asked for at every call, and its time is compared then.
 */

type Transaction = Parameters<Parameters<Office['store']['db']['orm']['transaction']>[0]>[0];

const returned = (lendings: readonly (Lending & { endedAt: Temporal.Instant })[], now: Temporal.Instant, by: string) =>
  lendings.map(({ id, actorId, role, endedAt }): Entry => {
    return entry('access.returned', now, by, { lending: id, actor: actorId, role, until: formatInstant(endedAt) });
  });

/** Within a change that ends sessions: whatever was lent to that person ends with it. */
export async function returnWithin(
  tx: Transaction,
  personId: string,
  now: Temporal.Instant,
  by: string,
): Promise<readonly Entry[]> {
  return returned(await endLendings(tx, { actorId: personId }, now), now, by);
}

/** What is lent to a person at this very moment, or null. What ran out is noted by whoever finds it. */
export async function lentTo(office: Office, person: Session['person']): Promise<Lent | null> {
  const open = await openLendings(office.store.db.orm, person.id);
  if (open.length === 0) return null;
  const now = office.now();
  const lasting = open.find(({ endsAt, role }) => Temporal.Instant.compare(now, endsAt) < 0 && role !== person.role);
  if (lasting) return { id: lasting.id, role: lasting.role, until: lasting.endsAt };
  await noteRunOut(office);
  return null;
}

/** Note what ran out, each once, whoever looks first. */
export async function noteRunOut(office: Office): Promise<void> {
  const now = office.now();
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) =>
    returned(await endLendings(tx, 'run out', now), now, 'system'),
  );
}

/** Give a role back before its time. @param watches whether the actor may end other people's, too */
export async function returnRole(office: Office, by: Actor, id: string, watches: boolean): Promise<Lending | Refusal> {
  const found = await loadLending(office.store, id);
  if (!found || (!watches && found.lending.actorId !== by.id)) return refuse('not_found', 'You took no such role.');
  const now = office.now();
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) =>
    returned(await endLendings(tx, { id }, now), now, by.id),
  );
  return (await loadLending(office.store, id))?.lending ?? found.lending;
}

/** Sign out. What was lent ends first: a crash in between leaves somebody signed in with their own role only. */
export async function signOut(office: Office, headers: Headers): Promise<readonly string[]> {
  const session = await office.signIn.session(headers);
  if (session) {
    const { id } = session.person;
    await commit(office.store, { state: [], entries: [], tasks: [] }, (tx) => returnWithin(tx, id, office.now(), id));
  }
  return (await office.signIn.leave(headers)).cookies;
}
