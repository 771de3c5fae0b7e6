import type { Actor, Role } from '../core/actor.ts';
import { makeId } from '../core/ids.ts';
import { commit } from '../db/commit.ts';
import { addPerson, personByEmail } from '../db/people.ts';
import { setPassword } from '../db/sign-in.ts';
import { entry } from '../ledger/entry.ts';
import type { Office } from './office.ts';

export interface DemoPerson {
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly title: string;
}

/** Make the demonstration's staff with one shared password and an app each, whose code the
 * sign-in page shows. People who are there already are left as they are. */
export async function setUpDemoStaff(
  office: Office,
  by: Actor,
  staff: readonly DemoPerson[],
  password: string,
): Promise<number> {
  let made = 0;
  for (const person of staff) {
    const known = await personByEmail(office.store, person.email);
    if (known) {
      // Made before there were second factors.
      const { app, passkeys } = await office.signIn.factors(known.id);
      if (!app && passkeys.length === 0) await office.signIn.plantApp(office.store.db.orm, known.id);
      continue;
    }
    const now = office.now();
    const id = makeId('actor', now, office.random(10));
    const created = entry('actor.created', now, by.id, { actor: id, role: person.role, by: by.id });
    await commit(office.store, { state: [], entries: [created], tasks: [] }, async (tx) => {
      await addPerson(tx, { id, ...person });
      await setPassword(tx, id, password);
      await office.signIn.plantApp(tx, id);
    });
    made += 1;
  }
  return made;
}
