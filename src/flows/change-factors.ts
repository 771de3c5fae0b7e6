import type { Session } from '../core/actor.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { type AppEnrolment, type HalfSession, setPassword, type WithCookies } from '../db/sign-in.ts';
import { entry } from '../ledger/entry.ts';
import { weakPassword } from './create-actor.ts';
import { giveCode, parseCredential, type Visitor } from './enter-staff.ts';
import { forgive, type Limit, limitTries } from './limit-tries.ts';
import type { Office } from './office.ts';
import { returnWithin } from './return-role.ts';

/** Change one's own password; every other session ends. The old one is asked for, beside a fresh second proof. */
export async function changePassword(
  office: Office,
  session: Session,
  old: string,
  password: string,
): Promise<null | Refusal> {
  const { id } = session.person;
  const right = await askPassword(office, id, async () => ((await office.signIn.isPassword(id, old)) ? true : null));
  if (isRefusal(right)) return right;
  if (!right) return refuse('unauthenticated', 'That is not your password. Nothing was changed.');
  const tooShort = weakPassword(password);
  if (tooShort) return tooShort;
  const now = office.now();
  const changed = entry('factor.added', now, id, { actor: id, factor: 'password' });
  await commit(office.store, { state: [], entries: [changed], tasks: [] }, async (tx) => {
    await setPassword(tx, id, password);
    await office.signIn.endSessions(tx, id, { allBut: session.id });
    return returnWithin(tx, id, now, id);
  });
  return null;
}

/** Ask somebody who is there for their password, in whatever place: six wrong ones in five minutes are too many. */
async function askPassword<T>(
  office: Office,
  personId: string,
  ask: () => Promise<T | null>,
): Promise<T | null | Refusal> {
  const tries: readonly Limit[] = [{ name: `password/${personId}`, most: 6, seconds: 5 * 60 }];
  const limited = await limitTries(office, tries);
  if (limited) return limited;
  const answer = await ask();
  if (answer !== null) await forgive(office, tries);
  return answer;
}

/** Begin to set up an authenticator app. Whoever has one must give it up first, with a fresh proof. */
export async function beginApp(
  office: Office,
  visitor: Visitor,
  personId: string,
  password: string,
): Promise<AppEnrolment | Refusal> {
  return (
    (await askPassword(office, personId, () => office.signIn.beginApp(password, visitor.headers))) ??
    refuse('unauthenticated', 'That is not your password, or an app is set up already. Nothing was changed.')
  );
}

/** Finish setting up an app with its first code. The recovery codes are shown once, now. */
export async function finishApp(
  office: Office,
  visitor: Visitor,
  session: HalfSession,
  code: string,
): Promise<WithCookies<readonly string[]> | Refusal> {
  const given = await giveCode(office, visitor, session, code, 'first');
  if (isRefusal(given)) return given;
  const { id } = session.person;
  const added = entry('factor.added', office.now(), id, { actor: id, factor: 'app' });
  await commit(office.store, { state: [], entries: [added], tasks: [] });
  return { value: await office.signIn.recoveryCodes(id), cookies: given.cookies };
}

/** New recovery codes; the old ones end. They are shown once. */
export async function renewRecoveryCodes(
  office: Office,
  visitor: Visitor,
  person: Session['person'],
  password: string,
): Promise<readonly string[] | Refusal> {
  const codes = await askPassword(office, person.id, () => office.signIn.renewRecoveryCodes(password, visitor.headers));
  if (isRefusal(codes)) return codes;
  if (!codes) return refuse('unauthenticated', 'That is not your password. The old recovery codes still work.');
  const renewed = entry('factor.added', office.now(), person.id, { actor: person.id, factor: 'recovery' });
  await commit(office.store, { state: [], entries: [renewed], tasks: [] });
  return codes;
}

/** Add a passkey. It has to be one that verifies its user: it will stand for two factors. */
export async function addPasskey(
  office: Office,
  visitor: Visitor,
  person: Session['person'],
  credential: string,
  name: string,
): Promise<WithCookies<null> | Refusal> {
  const now = office.now();
  const added = await office.signIn.addPasskey(
    parseCredential(credential),
    name.trim().slice(0, 60) || 'Passkey',
    now,
    visitor.headers,
  );
  if (!added)
    return refuse(
      'invalid',
      'The passkey could not be added: it may be one that does not ask for a fingerprint, face or PIN, or the page was open too long. Nothing was changed.',
    );
  const fact = entry('factor.added', now, person.id, { actor: person.id, factor: 'passkey' });
  await commit(office.store, { state: [], entries: [fact], tasks: [] });
  return added;
}

/** Take a passkey away; never the last way to prove oneself. */
export async function removePasskey(office: Office, person: Session['person'], id: string): Promise<null | Refusal> {
  const factors = await office.signIn.factors(person.id);
  if (!factors.app && factors.passkeys.length < 2)
    return refuse('not_allowed', 'This is your only second factor. Set up another one first; nothing was changed.');
  if (!(await office.signIn.removePasskey(person.id, id))) return refuse('not_found', 'You have no such passkey.');
  const fact = entry('factor.removed', office.now(), person.id, { actor: person.id, factor: 'passkey' });
  await commit(office.store, { state: [], entries: [fact], tasks: [] });
  return null;
}

/** Give up an authenticator app and its recovery codes, to set up another; a passkey has to be there meanwhile. */
export async function removeApp(office: Office, person: Session['person']): Promise<null | Refusal> {
  const factors = await office.signIn.factors(person.id);
  if (!factors.app) return refuse('not_found', 'You have no authenticator app set up.');
  if (factors.passkeys.length === 0)
    return refuse('not_allowed', 'The app is your only second factor. Add a passkey first; nothing was changed.');
  const fact = entry('factor.removed', office.now(), person.id, { actor: person.id, factor: 'app' });
  await commit(office.store, { state: [], entries: [fact], tasks: [] }, (tx) => office.signIn.removeApp(tx, person.id));
  return null;
}

/** End one of one's own sessions, or all others. */
export async function endOwnSessions(
  office: Office,
  session: Session,
  which: { id: string } | 'others',
): Promise<number | Refusal> {
  if (which !== 'others' && which.id === session.id)
    return refuse('not_allowed', 'This is the session you are in. Sign out instead; nothing was changed.');
  const { id } = session.person;
  let count = 0;
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) => {
    count = await office.signIn.endSessions(tx, id, which === 'others' ? { allBut: session.id } : which);
    // Whoever ends a session of their own may not have been the one in it, nor the one who took another role there.
    return count > 0 ? returnWithin(tx, id, office.now(), id) : [];
  });
  if (count > 0) {
    const fact = entry('sessions.ended', office.now(), id, { actor: id, count });
    await commit(office.store, { state: [], entries: [fact], tasks: [] });
  }
  return count;
}
