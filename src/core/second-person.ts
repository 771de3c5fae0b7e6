import type { Actor } from './actor.ts';
import { type Refusal, refuse } from './refusal.ts';

/**
 * Separation of duties (I6): whoever prepared a thing cannot approve it, and an approval needs a fresh second proof, or
 * a token made for approving. Actors are compared by id, which never changes, so neither a second token nor a new name
 * makes one person two.
 * @param what in the words of the page: "the release of this hold"
 */
export function secondPerson(preparer: string, approver: Actor, what: string): Refusal | null {
  if (approver.id === preparer)
    return refuse('second_person_needed', `You prepared ${what}. Someone else must approve it; nothing was changed.`, {
      preparer,
    });
  if (approver.approval === null)
    return approver.kind === 'token'
      ? refuse(
          'approval_not_allowed',
          `This token may not approve. Use one made with --can-approve, or approve in the console.`,
        )
      : refuse('step_up_needed', `Confirm that it is you before you approve ${what}.`);
  return null;
}
