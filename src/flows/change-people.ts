import type { Actor, Role } from '../core/actor.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { isTied, untieSubject } from '../db/company-links.ts';
import { countActive, type Person, personById, revokeTokens, setDisabled, setRole, tokenById } from '../db/people.ts';
import { type Entry, entry } from '../ledger/entry.ts';
import type { Office } from './office.ts';
import { returnWithin } from './return-role.ts';

/**
 * Changes of who gets in. Each asks for a fresh proof, is recorded, and takes effect at once: whoever was signed in is
 * signed out. People are disabled, never deleted: the record of what they did keeps their name.
 */

/** Give somebody another role. Their sessions and tokens end, since those were given to the old one. */
export async function changeRole(office: Office, by: Actor, personId: string, role: Role): Promise<Person | Refusal> {
  const person = await changeable(office, by, personId, 'role');
  if (isRefusal(person)) return person;
  if (person.role === role) return person;
  const now = office.now();
  const refusal = await whileLocked(office, person, async (tx) => {
    await setRole(tx, person.id, role);
    await office.signIn.endSessions(tx, person.id, { allBut: null });
    const revoked = await revokeTokens(tx, { actorId: person.id }, now);
    return [
      entry('actor.role_changed', now, by.id, { actor: person.id, from: person.role, to: role }),
      ...revoked.map((token) => entry('token.revoked', now, by.id, { token, actor: person.id })),
      ...(await returnWithin(tx, person.id, now, by.id)),
    ];
  });
  return refusal ?? { ...person, role };
}

/** Disable somebody who left: sessions end, tokens are revoked, nothing they did is forgotten. */
export async function disablePerson(office: Office, by: Actor, personId: string): Promise<Person | Refusal> {
  const person = await changeable(office, by, personId, 'access');
  if (isRefusal(person)) return person;
  if (person.disabledAt) return person;
  const now = office.now();
  const refusal = await whileLocked(office, person, async (tx) => {
    await setDisabled(tx, person.id, now);
    const sessions = await office.signIn.endSessions(tx, person.id, { allBut: null });
    const revoked = await revokeTokens(tx, { actorId: person.id }, now);
    return [
      entry('actor.disabled', now, by.id, { actor: person.id, sessions, tokens: revoked.length }),
      ...(await returnWithin(tx, person.id, now, by.id)),
    ];
  });
  return refusal ?? { ...person, disabledAt: now };
}

/** Let somebody in again who was disabled. They sign in as before; tokens are made anew. */
export async function enablePerson(office: Office, by: Actor, personId: string): Promise<Person | Refusal> {
  const person = await changeable(office, by, personId, 'access');
  if (isRefusal(person)) return person;
  const enabled = entry('actor.enabled', office.now(), by.id, { actor: person.id });
  await commit(office.store, { state: [], entries: [enabled], tasks: [] }, (tx) => setDisabled(tx, person.id, null));
  return { ...person, disabledAt: null };
}

/** A lost phone: take the app away. Who owned it signs in with the password and sets up another one. */
export async function resetSecondFactor(office: Office, by: Actor, personId: string): Promise<Person | Refusal> {
  const person = await changeable(office, by, personId, 'second factor');
  if (isRefusal(person)) return person;
  const { app, passkeys } = await office.signIn.factors(person.id);
  if (!app && passkeys.length === 0) return refuse('not_found', `${person.name} has no second factor set up.`);
  const now = office.now();
  const entries = [
    ...(app ? [entry('factor.removed', now, by.id, { actor: person.id, factor: 'app' })] : []),
    ...passkeys.map(() => entry('factor.removed', now, by.id, { actor: person.id, factor: 'passkey' })),
  ];
  await commit(office.store, { state: [], entries, tasks: [] }, async (tx) => {
    await office.signIn.removeFactors(tx, person.id);
    await office.signIn.endSessions(tx, person.id, { allBut: null });
    return returnWithin(tx, person.id, now, by.id);
  });
  return person;
}

/**
 * Undo which account of the company's provider is a person's: the next one with their verified address is theirs. For
 * somebody who got a new account there; whether it is still the same somebody is what the administrator answers for.
 */
export async function untieCompany(office: Office, by: Actor, personId: string): Promise<Person | Refusal> {
  const person = await changeable(office, by, personId, 'company account');
  if (isRefusal(person)) return person;
  const issuer = office.company?.issuer ?? '';
  const now = office.now();
  let wasTied = false;
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) => {
    wasTied = await untieSubject(tx, person.id, issuer);
    if (!wasTied) return [];
    await office.signIn.endSessions(tx, person.id, { allBut: null });
    const untied = entry('factor.removed', now, by.id, { actor: person.id, factor: 'company' });
    return [untied, ...(await returnWithin(tx, person.id, now, by.id))];
  });
  return wasTied ? person : refuse('not_found', `No company account is tied to ${person.name}.`);
}

/** Whether somebody has signed in with the company's provider, and from then on with that account only. */
export async function isTiedToCompany(office: Office, personId: string): Promise<boolean> {
  return office.company !== null && isTied(office.store, personId, office.company.issuer);
}

/** Revoke a token: one's own, or anybody's for whoever manages people. It ends at once. */
export async function revokeToken(
  office: Office,
  by: Actor,
  tokenId: string,
  managesPeople: boolean,
): Promise<null | Refusal> {
  const token = await tokenById(office.store, tokenId);
  // Somebody else's token is as unknown as none: ids are not for guessing.
  if (!token || (!managesPeople && token.actorId !== by.id)) return refuse('not_found', 'There is no such token.');
  if (token.revokedAt) return null;
  const now = office.now();
  const revoked = entry('token.revoked', now, by.id, { token: token.id, actor: token.actorId });
  await commit(office.store, { state: [], entries: [revoked], tasks: [] }, async (tx) => {
    await revokeTokens(tx, { id: token.id }, now);
  });
  return null;
}

type Transaction = Parameters<Parameters<Office['store']['db']['orm']['transaction']>[0]>[0];

/** A fresh proof, and never about oneself: who changes their own role or access is nobody's second pair of eyes. */
async function changeable(office: Office, by: Actor, personId: string, what: string): Promise<Person | Refusal> {
  if (by.id === personId)
    return refuse('not_allowed', `Somebody else must change your ${what}. Nothing was changed.`, { actor: personId });
  const unproven = freshProof(by, 'you change who gets in');
  if (unproven) return unproven;
  return (await personById(office.store, personId)) ?? refuse('not_found', 'There is no such person.');
}

/** A step that needs a fresh second proof, or a token made for approving; a verb has the machine's own sign-in. */
export function freshProof(by: Actor, what: string): Refusal | null {
  if (by.kind === 'cli' || by.approval !== null) return null;
  return by.kind === 'token'
    ? refuse('approval_not_allowed', 'This token may not do that. Use one made with --can-approve, or the console.')
    : refuse('step_up_needed', `Confirm that it is you before ${what}.`);
}

/** Change access, unless that would leave nobody who can give access. */
async function whileLocked(
  office: Office,
  person: Person,
  change: (tx: Transaction) => Promise<readonly Entry[]>,
): Promise<Refusal | null> {
  const lastOne = refuse(
    'not_allowed',
    `${person.name} is the last one who can let people in. Invite another administrator first; nothing was changed.`,
    { actor: person.id },
  );
  let refusal: Refusal | null = null;
  const isAdmin = person.role === 'admin' && person.disabledAt === null && person.email !== null;
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) => {
    if (!isAdmin || (await countActive(tx, 'admin')) > 1) return change(tx);
    refusal = lastOne;
    return [];
  });
  return refusal;
}
