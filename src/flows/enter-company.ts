import type { Session } from '../core/actor.ts';
import { hmacSha256, sha256Hex, toBase64Url } from '../core/hash.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import type { Asked, Company, Identity } from '../db/company.ts';
import { linkSubject, noteBeginning, takeBeginning } from '../db/company-links.ts';
import { personByEmail } from '../db/people.ts';
import type { WithCookies } from '../db/sign-in.ts';
import { entry } from '../ledger/entry.ts';
import type { Visitor } from './enter-staff.ts';
import { type Limit, limitTries } from './limit-tries.ts';
import type { Office } from './office.ts';

/** Where the provider sends browsers back to: the redirect URI that is registered there, under the public address. */
export const companyCallback = '/console/sign-in/company/callback';
/** How long somebody may take at the provider. */
export const companyMinutes = 10;

const limits = {
  begin: (network: string | null): readonly Limit[] => [{ name: `company/${network}`, most: 100, seconds: 15 * 60 }],
};

/** An answer of the provider as a browser brought it: text from outside. */
export interface CompanyAnswer {
  /** What this browser kept since it began. */
  readonly proof: string | null;
  readonly state: string;
  readonly code: string;
  readonly iss: string | null;
}

/**
 * Begin at the company's provider.
 * @returns where to, and what the browser keeps meanwhile: only the browser that began can finish, so that nobody can be
 * led into somebody else's account
 */
export async function beginByCompany(
  office: Office,
  company: Company,
  visitor: Visitor,
  next: string,
): Promise<{ readonly to: string; readonly proof: string } | Refusal> {
  const limited = await limitTries(office, limits.begin(visitor.network));
  if (limited) return limited;
  const now = office.now();
  const proof = toBase64Url(office.random(32));
  const asked = askedOf(office, proof);
  const to = await company.authorizationUrl(asked, now);
  if (isRefusal(to)) return to;
  await noteBeginning(office.store, asked.state, next, now, now.add({ minutes: companyMinutes }));
  return { to, proof };
}

/** Somebody who came back from the provider and is let in. */
export interface Vouched {
  readonly person: Session['person'];
  /** False: their second factor comes next. */
  readonly isWhole: boolean;
  readonly next: string;
}

/**
 * Finish it. Nobody is made by it: the address has to be that of somebody who was invited, verified by the provider, and
 * from the first time on it has to be the same subject. Every way not to be let in is answered alike.
 */
export async function finishByCompany(
  office: Office,
  company: Company,
  visitor: Visitor,
  answer: CompanyAnswer,
): Promise<WithCookies<Vouched> | Refusal> {
  const now = office.now();
  const asked = askedOf(office, answer.proof ?? '');
  // Digests of both are compared, so that how long it takes says nothing about the state.
  const isOurs = answer.proof !== null && sha256Hex(answer.state) === sha256Hex(asked.state);
  // From the next line on this answer is used up, whatever comes of it.
  const next = isOurs ? await takeBeginning(office.store, asked.state, now) : null;
  if (next === null)
    return refuse(
      'unauthenticated',
      'This sign-in was not begun in this browser, took longer than ten minutes, or was finished before. Nobody was signed in. Begin again.',
    );
  if (answer.code === '')
    return refuse('unauthenticated', 'The sign-in was broken off before it was finished. Nobody was signed in.');
  const identity = await company.redeem(answer.code, answer.iss, asked, now);
  if (isRefusal(identity)) return identity;
  const personId = await admit(office, company, identity, now);
  const isWhole = company.trustsMfa && saysTwoFactors(identity.methods);
  const entered =
    personId === null
      ? null
      : await office.signIn.enterVouched(personId, isWhole ? now : null, visitor.network, visitor.headers);
  if (!entered)
    return refuse(
      'unauthenticated',
      'This account opens nothing here. Nobody was signed in. Staff are invited by an administrator, who can say whether the address is the one that was invited.',
    );
  return { value: { person: entered.value, isWhole, next }, cookies: entered.cookies };
}

/** The invited person whose verified address and subject these are, tied to each other at the first time; or null. */
async function admit(
  office: Office,
  company: Company,
  identity: Identity,
  now: Temporal.Instant,
): Promise<string | null> {
  if (identity.verifiedEmail === null) return null;
  const person = await personByEmail(office.store, identity.verifiedEmail);
  if (!person || !isSameAddress(identity.verifiedEmail, person.email ?? '')) return null;
  let link: 'linked' | 'known' | null = null;
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) => {
    link = await linkSubject(tx, person.id, company.issuer, identity.subject);
    return link === 'linked' ? [entry('factor.added', now, person.id, { actor: person.id, factor: 'company' })] : [];
  });
  return link === null ? null : person.id;
}

/** But for the case of A to Z: other letters that only fold to the same (the Kelvin sign to k) make another address. */
function isSameAddress(one: string, other: string): boolean {
  const folded = (text: string) => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  return folded(one) === folded(other);
}

/** What each method of RFC 8176 proves: what somebody knows, has or is. Two of one kind are one factor. */
const kindOfMethod: ReadonlyMap<string, 'knows' | 'has' | 'is'> = new Map([
  ['pwd', 'knows'],
  ['pin', 'knows'],
  ['otp', 'has'],
  ['hwk', 'has'],
  ['swk', 'has'],
  ['fpt', 'is'],
  ['face', 'is'],
]);

/** Said outright, or methods of two kinds. */
function saysTwoFactors(methods: readonly string[]): boolean {
  const kinds = new Set(methods.flatMap((method) => kindOfMethod.get(method) ?? []));
  return methods.includes('mfa') || kinds.size >= 2;
}

/** State, nonce and verifier, from what the browser keeps and what only we know: none of them is stored. */
function askedOf(office: Office, proof: string): Asked {
  const derive = (what: string) => toBase64Url(hmacSha256(office.signInKey, `company ${what}\n${proof}`));
  return { state: derive('state'), nonce: derive('nonce'), verifier: derive('verifier') };
}
