import type { Actor, Role } from '../core/actor.ts';
import { sha256Hex, toBase64Url } from '../core/hash.ts';
import { makeId } from '../core/ids.ts';
import { formatInstant } from '../core/instants.ts';
import { instantAfter, type Period } from '../core/periods.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { lockPerson } from '../db/access.ts';
import { commit } from '../db/commit.ts';
import { addKey } from '../db/keys.ts';
import {
  addInvitation,
  addPerson,
  addToken,
  endInvitations,
  invitedPerson,
  type Person,
  personByEmail,
  personById,
  personByName,
  spendInvitation,
} from '../db/people.ts';
import { setPassword } from '../db/sign-in.ts';
import { type Entry, entry } from '../ledger/entry.ts';
import { checkScopes } from '../policy/roles.ts';
import { freshProof } from './change-people.ts';
import type { Office } from './office.ts';
import { returnWithin } from './return-role.ts';
import { tokenApprovalKey } from './signers.ts';

/** Secret scanners know this prefix; nothing else in Muniment looks like it. */
const tokenPrefix = 'mnt_';
const invitationHours = 72;
/** What a token lives where nobody says how long, and the most that anybody may say. */
const usualTokenLife = { years: 0, months: 0, weeks: 0, days: 90 };
const longestTokenLife = { years: 1, months: 0, weeks: 0, days: 0 };
const minPasswordLength = 12;
const maxPasswordLength = 128;

export interface TokenOrder {
  readonly name: string;
  readonly role: Role;
  readonly expires: Period | null;
  readonly canApprove: boolean;
  /** Some of the role's permissions; absent: all of them. */
  readonly scopes?: readonly string[];
}

/** Make an API token for the actor of that name, who is made if new. The token's secret is shown once, here. */
export async function createToken(
  office: Office,
  by: Actor,
  order: TokenOrder,
): Promise<{ token: string; actor: string; role: Role; expiresAt: Temporal.Instant } | Refusal> {
  const now = office.now();
  const scopes = order.scopes ? checkScopes(office.policy.roles, order.role, order.scopes) : null;
  if (isRefusal(scopes)) return scopes;
  const misnamed = unfitName(order.name, '/name');
  if (misnamed) return misnamed;
  const expiresAt = instantAfter(now, order.expires ?? usualTokenLife);
  if (Temporal.Instant.compare(expiresAt, instantAfter(now, longestTokenLife)) > 0)
    return refuse('invalid', 'A token lives for a year at most. Write P1Y or less; no token was made.', {}, [
      { pointer: '/expires', code: 'period_too_long', detail: 'Write P1Y or less, such as P90D.' },
    ]);
  const known = await personByName(office.store, order.name);
  if (known && known.role !== order.role)
    return refuse(
      'not_allowed',
      `${order.name} is there already, as ${known.role}. Use another name, or that role; no token was made.`,
      { actor: known.id, role: known.role },
    );
  if (known?.disabledAt)
    return refuse('not_allowed', `${order.name} was disabled. No token was made.`, { actor: known.id });
  const actorId = known?.id ?? makeId('actor', now, office.random(10));
  const secret = `${tokenPrefix}${toBase64Url(office.random(32))}`;
  const tokenId = makeId('token', now, office.random(10));
  const approval = order.canApprove ? await tokenApprovalKey(secret) : null;
  const entries: Entry[] = [
    ...(known ? [] : [entry('actor.created', now, by.id, { actor: actorId, role: order.role, by: by.id })]),
    entry('token.created', now, by.id, {
      token: tokenId,
      actor: actorId,
      role: order.role,
      canApprove: order.canApprove,
    }),
    ...(approval ? [entry('key.created', now, by.id, { kid: approval.kid, purpose: 'approver', actor: actorId })] : []),
  ];
  let hasMoved = false;
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) => {
    // Locked, so that a change of role or a disabling either sees this token or is seen by it.
    const current = known ? await lockPerson(tx, known.id) : null;
    hasMoved = known !== null && (current?.role !== order.role || current.disabledAt !== null);
    if (hasMoved) return [];
    if (!known) await addPerson(tx, { id: actorId, name: order.name, email: null, role: order.role, title: null });
    if (approval)
      await addKey(tx, {
        kid: approval.kid,
        purpose: 'approver',
        actorId,
        publicJwk: { ...approval.publicJwk },
        wrapped: null,
        certificate: null,
        createdAt: now,
        retiredAt: null,
      });
    await addToken(
      tx,
      {
        id: tokenId,
        actorId,
        role: order.role,
        prefix: secret.slice(0, 12),
        canApprove: order.canApprove,
        keyId: approval?.kid ?? null,
        wrappedKey: approval?.wrapped ?? null,
        scopes,
        expiresAt,
        createdAt: now,
        lastUsedAt: null,
        revokedAt: null,
      },
      sha256Hex(secret),
    );
    return entries;
  });
  if (hasMoved)
    return refuse('conflict', `The role or access of ${order.name} was just changed. Look again; no token was made.`);
  return { token: secret, actor: actorId, role: order.role, expiresAt };
}

/** Line breaks and bells in what names somebody would forge a line wherever it is written; nothing else is refused. */
function unfitName(name: string, pointer: string): Refusal | null {
  if (name.trim() !== '' && name.length <= 120 && !/\p{Cc}/u.test(name)) return null;
  const detail = 'Use 1 to 120 characters, without line breaks and other control characters.';
  return refuse('invalid', `That cannot be a name. Nothing was made. ${detail}`, {}, [
    { pointer, code: 'invalid', detail },
  ]);
}

/**
 * Make a token from within: one's own, or, for whoever manages people, one of a service that nobody signs in to. A token
 * that may approve is made by its owner only: nobody holds a secret that approves in somebody else's name (I6). The verb
 * may do more, and raises an alarm.
 */
export async function makeToken(
  office: Office,
  by: Actor,
  order: TokenOrder,
  managesPeople: boolean,
): Promise<Awaited<ReturnType<typeof createToken>>> {
  const unproven = freshProof(by, 'you make a token');
  if (unproven) return unproven;
  const known = await personByName(office.store, order.name);
  if (known?.id === by.id) return createToken(office, by, order);
  if (!managesPeople || (known && known.email !== null))
    return refuse('not_allowed', 'A person makes their own tokens, under Your account. No token was made.');
  if (order.canApprove)
    return refuse(
      'not_allowed',
      'A token that may approve is made by the person who will hold it, or with muniment token create. No token was made.',
    );
  return createToken(office, by, order);
}

/** Invite a person and mail them the link. Where no mail leaves, whoever invited gets it to pass on. */
export async function inviteByMail(
  office: Office,
  by: Actor,
  order: { name: string; email: string; role: Role; title: string | null },
): Promise<{ actor: string; link: string | null; expiresAt: string } | Refusal> {
  const unproven = freshProof(by, 'you let somebody in');
  if (unproven) return unproven;
  const invited = await invitePerson(office, by, order);
  if (isRefusal(invited)) return invited;
  return mailInvitation(office, { ...order, ...invited });
}

/** Whatever does not leave now is passed on by whoever invited: an invitation is no task, since its link is a secret. */
async function mailInvitation(
  office: Office,
  {
    actor,
    email,
    role,
    link,
    expiresAt,
  }: { actor: string; email: string; role: Role; link: string; expiresAt: string },
): Promise<{ actor: string; link: string | null; expiresAt: string }> {
  const until = expiresAt.slice(0, 16).replace('T', ' ');
  const sent = await office.post
    .send({
      to: email,
      subject: `Your link to Muniment at ${office.policy.organization.name}`,
      text: `You work with Muniment as ${role}. Open this link once, until ${until} UTC, and choose a password:\n\n${link}\n\nIf you do not know why you get this, leave it and tell ${office.policy.organization.support.email}.\n`,
      messageId: `<${actor}.${expiresAt.replaceAll(/\D/g, '')}@${new URL(office.publicUrl).hostname}>`,
    })
    .catch(() => 'kept' as const);
  return { actor, link: sent === 'sent' ? null : link, expiresAt };
}

/** Invite a person: a link, once, with which they set their password. */
export async function invitePerson(
  office: Office,
  by: Actor,
  order: { name: string; email: string; role: Role; title: string | null },
): Promise<{ actor: string; link: string; expiresAt: string } | Refusal> {
  if (order.email.length > 320 || !/^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(order.email))
    return refuse('invalid', 'That is not a mail address. Nobody was invited.', {}, [
      { pointer: '/email', code: 'invalid', detail: 'Write name@example.com.' },
    ]);
  const misnamed = unfitName(order.name, '/name') ?? (order.title ? unfitName(order.title, '/title') : null);
  if (misnamed) return misnamed;
  if (await personByEmail(office.store, order.email))
    return refuse('conflict', 'Somebody with this mail address is there already. Nobody was invited.');
  if (await personByName(office.store, order.name))
    return refuse('conflict', `Somebody called ${order.name} is there already. Use the full name; nobody was invited.`);
  const now = office.now();
  const actorId = makeId('actor', now, office.random(10));
  const secret = toBase64Url(office.random(32));
  const expiresAt = now.add({ hours: invitationHours });
  const created = entry('actor.created', now, by.id, { actor: actorId, role: order.role, by: by.id });
  await commit(office.store, { state: [], entries: [created], tasks: [] }, async (tx) => {
    await addPerson(tx, { id: actorId, name: order.name, email: order.email, role: order.role, title: order.title });
    await addInvitation(tx, {
      id: makeId('invitation', now, office.random(10)),
      actorId,
      secretHash: sha256Hex(secret),
      expiresAt,
    });
  });
  return {
    actor: actorId,
    link: `${office.publicUrl}/console/invitation/${secret}`,
    expiresAt: formatInstant(expiresAt),
  };
}

/** Who an invitation is for, before its page asks for a password. */
export async function lookUpInvitation(office: Office, secret: string): Promise<Person | Refusal> {
  const found = await invitedPerson(office.store, sha256Hex(secret), office.now());
  return (
    found?.person ??
    refuse('link_expired', 'This invitation was used or has run out. Ask an administrator for a new one.')
  );
}

/** Why a password will not do, or null. Length is what helps; nobody is asked for odd characters (NIST SP 800-63B). */
export function weakPassword(password: string): Refusal | null {
  if (password.length >= minPasswordLength && password.length <= maxPasswordLength) return null;
  const detail = `A password has ${minPasswordLength} to ${maxPasswordLength} characters. Nothing was changed.`;
  return refuse('invalid', detail, {}, [
    {
      pointer: '/password',
      code: 'length',
      detail: `Use ${minPasswordLength} to ${maxPasswordLength} characters; a few words are fine.`,
    },
  ]);
}

/**
 * A new link for somebody who forgot the password. The second factor stays, so that whoever gets hold of the link has
 * only half of what it takes.
 */
export async function inviteAgain(
  office: Office,
  by: Actor,
  personId: string,
): Promise<{ actor: string; link: string | null; expiresAt: string } | Refusal> {
  const unproven = freshProof(by, 'you send a new link');
  if (unproven) return unproven;
  const person = await personById(office.store, personId);
  if (!person?.email || person.disabledAt)
    return refuse('not_found', 'There is nobody with a mail address who could sign in. No link was made.');
  const now = office.now();
  const secret = toBase64Url(office.random(32));
  const expiresAt = now.add({ hours: invitationHours });
  const again = entry('actor.invited_again', now, by.id, { actor: person.id });
  await commit(office.store, { state: [], entries: [again], tasks: [] }, async (tx) => {
    const id = makeId('invitation', now, office.random(10));
    await endInvitations(tx, person.id, now);
    await addInvitation(tx, { id, actorId: person.id, secretHash: sha256Hex(secret), expiresAt });
  });
  return mailInvitation(office, {
    actor: person.id,
    email: person.email,
    role: person.role,
    link: `${office.publicUrl}/console/invitation/${secret}`,
    expiresAt: formatInstant(expiresAt),
  });
}

/** Accept an invitation by setting a password. */
export async function acceptInvitation(office: Office, secret: string, password: string): Promise<Person | Refusal> {
  const now = office.now();
  const found = await invitedPerson(office.store, sha256Hex(secret), now);
  if (!found)
    return refuse('link_expired', 'This invitation was used or has run out. Ask an administrator for a new one.');
  const weak = weakPassword(password);
  if (weak) return weak;
  let spent = false;
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) => {
    const current = await lockPerson(tx, found.person.id);
    if (!current || current.disabledAt || !(await spendInvitation(tx, found.invitation, now))) return [];
    await setPassword(tx, found.person.id, password);
    await endInvitations(tx, found.person.id, now);
    await office.signIn.endSessions(tx, found.person.id, { allBut: null });
    spent = true;
    return [
      entry('factor.added', now, found.person.id, { actor: found.person.id, factor: 'password' }),
      ...(await returnWithin(tx, found.person.id, now, found.person.id)),
    ];
  });
  return spent
    ? found.person
    : refuse('link_expired', 'This invitation was used or has run out. Ask an administrator for a new one.');
}
