import type { Actor, Role } from '../core/actor.ts';
import { makeId } from '../core/ids.ts';
import { formatInstant } from '../core/instants.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { addLending, endLendings, type Lending, lockPerson, openLendings } from '../db/access.ts';
import { commit } from '../db/commit.ts';
import { entry } from '../ledger/entry.ts';
import { lends, mayNow } from '../policy/roles.ts';
import { freshProof } from './change-people.ts';
import type { Office } from './office.ts';

export const lendingMinutes = 60;
const maxReasonLength = 2000;

export interface LendingOrder {
  readonly role: Role;
  readonly reason: string;
  readonly minutes: number;
}

/**
 * Break the glass: take another role beside one's own, for up to an hour. It raises an alarm as it is written, and stands
 * there until somebody else has reviewed it. What it lends is for policy/roles.ts to say. The reason may name people: it is
 * sealed under a case key of its own.
 */
export async function lendRole(office: Office, by: Actor, order: LendingOrder): Promise<Lending | Refusal> {
  const refused = refuseLending(office, by, order);
  if (refused) return refused;
  const now = office.now();
  const id = makeId('lending', now, office.random(10));
  const lending: Lending = {
    id,
    actorId: by.id,
    role: order.role,
    startedAt: now,
    endsAt: now.add({ minutes: order.minutes }),
    endedAt: null,
    reviewedAt: null,
    reviewedBy: null,
  };
  await office.store.vault.newCase(id, now);
  const sealed = await office.store.vault.seal(id, order.reason.trim());
  let refusal: Refusal | null = null;
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) => {
    // Locked, so that it is not lent to somebody who is disabled, or given another role, at this moment; and one at a time.
    const person = await lockPerson(tx, by.id);
    if (!person || person.disabledAt || person.role !== by.role) {
      refusal = refuse('not_allowed', 'Your own access was changed in the meantime. No role was taken.');
      return [];
    }
    const open = await openLendings(tx, by.id);
    if (open.some(({ endsAt }) => Temporal.Instant.compare(now, endsAt) < 0)) {
      refusal = refuse('conflict', 'You hold another role already. Give it back first; no role was taken.');
      return [];
    }
    const runOut = await endLendings(tx, { actorId: by.id }, now);
    await addLending(tx, lending, sealed);
    return [
      ...runOut.map((old) =>
        entry('access.returned', now, 'system', {
          lending: old.id,
          actor: by.id,
          role: old.role,
          until: formatInstant(old.endedAt),
        }),
      ),
      entry('access.lent', now, by.id, { lending: id, role: order.role, until: formatInstant(lending.endsAt) }),
    ];
  });
  if (refusal) await office.store.vault.shred(id, now);
  return refusal ?? lending;
}

function refuseLending(office: Office, by: Actor, { role, reason, minutes }: LendingOrder): Refusal | null {
  const { roles } = office.policy;
  if (by.kind !== 'person')
    return refuse('approval_not_allowed', 'Only a person who is signed in can take another role. A token never can.');
  if (!mayNow(roles, { role: by.role }, 'access.break_glass'))
    return refuse('not_allowed', 'Your role may not take another one. No role was taken.', {
      permission: 'access.break_glass',
    });
  const errors = [
    ...(reason.trim() === '' || reason.length > maxReasonLength
      ? [{ pointer: '/reason', code: 'invalid', detail: 'Say in a sentence or two what the emergency is.' }]
      : []),
    ...(Number.isInteger(minutes) && minutes >= 1 && minutes <= lendingMinutes
      ? []
      : [{ pointer: '/minutes', code: 'invalid', detail: `Write 1 to ${lendingMinutes} minutes.` }]),
    ...(lends(roles, by.role, role).length > 0
      ? []
      : [{ pointer: '/role', code: 'invalid', detail: `The role ${role} would lend you nothing that you cannot do.` }]),
  ];
  if (errors.length > 0) return refuse('invalid', 'No role was taken.', {}, errors);
  return freshProof(by, 'you take another role');
}
