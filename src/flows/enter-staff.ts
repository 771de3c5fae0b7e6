import type { Session } from '../core/actor.ts';
import { hmacSha256, sha256Hex, toBase64Url } from '../core/hash.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { personByEmail, personById } from '../db/people.ts';
import type { CodeWay, Factors, HalfSession, WithCookies } from '../db/sign-in.ts';
import { entry } from '../ledger/entry.ts';
import { forgive, type Limit, limitTries } from './limit-tries.ts';
import type { Office } from './office.ts';

/** Where somebody knocks from. */
export interface Visitor {
  readonly headers: Headers;
  /** Address of the client, IPv6 by its /64; null where it is not known. */
  readonly network: string | null;
  /** What a browser keeps of an earlier sign-in (`knownDevice`); null where it has none. */
  readonly device: string | null;
}

const minutes = 60;
const limits = {
  /** Of a browser that was signed in to the account before: counted for itself. */
  knownDevice: (account: string, device: string): readonly Limit[] => [
    { name: `device/${account}/${device}`, most: 10, seconds: 15 * minutes },
  ],
  stranger: (account: string, network: string | null): readonly Limit[] => [
    { name: `network/${network}`, most: 100, seconds: 15 * minutes },
    { name: `account-network/${account}/${network}`, most: 10, seconds: 15 * minutes },
  ],
  /** Pages that ask a stranger for a passkey: each challenge is kept for minutes. */
  passkey: (network: string | null): readonly Limit[] => [
    { name: `passkey/${network}`, most: 300, seconds: 15 * minutes },
  ],
  /** Of an account by all strangers together. */
  account: (account: string): readonly Limit[] => [{ name: `account/${account}`, most: 30, seconds: 60 * minutes }],
  /** Three codes count at any moment, so that 30 wrong ones a day are one chance in ten thousand. */
  code: (who: string): readonly Limit[] => [
    { name: `second/${who}`, most: 6, seconds: 5 * minutes },
    { name: `second-day/${who}`, most: 30, seconds: 24 * 60 * minutes },
  ],
  /** Once an hour: the ledger must not grow with every wrong try. */
  report: (actor: string): readonly Limit[] => [{ name: `barred/${actor}`, most: 1, seconds: 60 * minutes }],
};

/**
 * Begin by password. Wrong tries are counted by account and network, by network, and by account over all devices that
 * never signed in to it. Whoever floods an account therefore bars strangers from it and not its owner, whose browser
 * brings a proof of an earlier sign-in and is counted for itself; passkeys are never barred.
 */
export async function enterByPassword(
  office: Office,
  visitor: Visitor,
  email: string,
  password: string,
): Promise<WithCookies<HalfSession> | Refusal> {
  const account = email.toLowerCase();
  const device = knownDeviceOf(office, visitor.device, account);
  // Counted before and forgiven after: many tries at once are counted, too.
  const own = device !== null ? limits.knownDevice(account, device) : null;
  const refused = await limitTries(office, own ?? limits.stranger(account, visitor.network));
  if (refused) return refused;
  if (own === null) {
    const barred = await limitTries(office, limits.account(account));
    if (barred) {
      await reportBarred(office, (await personByEmail(office.store, account))?.id ?? null, office.now());
      return barred;
    }
  }
  const entered = await office.signIn.enter(email, password, visitor.network, visitor.headers);
  if (!entered) return refuse('unauthenticated', 'Address and password do not belong together. Nobody was signed in.');
  await forgive(office, own ?? [...limits.stranger(account, visitor.network), ...limits.account(account)]);
  return entered;
}

/** What a whole sign-in leaves with its browser: a proof that this account was once opened on it, and nothing else. */
export async function knownDevice(office: Office, email: string): Promise<string> {
  const random = toBase64Url(office.random(16));
  return `${random}.${deviceProof(office, random, email.toLowerCase())}`;
}

/** What a device that was signed in to the account before is called; null for what was not, or says more than it must. */
function knownDeviceOf(office: Office, device: string | null, account: string): string | null {
  const random = device?.slice(0, 22) ?? '';
  // Digests of both are compared, so that how long it takes says nothing about the proof. The whole is compared: two
  // spellings of one device would be two devices, each with tries of its own.
  const whole = `${random}.${deviceProof(office, random, account)}`;
  return device !== null && random.length === 22 && sha256Hex(device) === sha256Hex(whole) ? random : null;
}

const deviceProof = (office: Office, random: string, account: string) =>
  toBase64Url(hmacSha256(office.signInKey, `known device\n${random}\n${account}`));

/**
 * Give a code of the app or a recovery code: it makes a half session whole, and in a whole one counts as a fresh proof.
 * Refused after six wrong codes in five minutes. A whole session and a known device are counted for themselves, so that
 * whoever has no more than the password bars other strangers and not the owner.
 */
export async function giveCode(
  office: Office,
  visitor: Visitor,
  session: HalfSession | Session,
  code: string,
  way: CodeWay,
): Promise<WithCookies<{ recoveryLeft: number }> | Refusal> {
  const now = office.now();
  const counted = limits.code(await whoGives(office, visitor, session));
  const refused = await limitTries(office, counted);
  if (refused) {
    await reportBarred(office, session.person.id, now);
    return refused;
  }
  const given = await office.signIn.giveCode(session, code, way, now, visitor.headers);
  if (!given)
    return refuse(
      'unauthenticated',
      way !== 'recovery'
        ? 'That code is wrong, too old or already used. Wait for the next one and enter it; nothing was changed.'
        : 'That is none of your recovery codes, or it was used before. Nothing was changed.',
    );
  await forgive(office, counted);
  if (way === 'recovery') {
    const { id } = session.person;
    const used = entry('factor.recovery_used', now, id, { actor: id, left: given.value.recoveryLeft });
    await commit(office.store, { state: [], entries: [used], tasks: [] });
  }
  return given;
}

/** Under which name the wrong codes of a session are counted. */
async function whoGives(office: Office, visitor: Visitor, session: HalfSession | Session): Promise<string> {
  if ('steppedUpAt' in session) return `session/${session.id}`;
  const email = (await emailOf(office, session.person.id))?.toLowerCase();
  const device = email === undefined ? null : knownDeviceOf(office, visitor.device, email);
  return device !== null ? `device/${session.person.id}/${device}` : session.person.id;
}

/** What a stranger's browser needs to use a passkey. */
export async function askForPasskey(office: Office, network: string | null): Promise<WithCookies<string> | Refusal> {
  return (await limitTries(office, limits.passkey(network))) ?? office.signIn.passkeyRequest(new Headers());
}

/** Use a passkey: it signs in by itself, or counts as a fresh proof of the person who is there already. */
export async function usePasskey(
  office: Office,
  visitor: Visitor,
  credential: string,
  expected: string | null,
): Promise<WithCookies<Session['person']> | Refusal> {
  const used = await office.signIn.usePasskey(
    parseCredential(credential),
    expected,
    visitor.network,
    office.now(),
    visitor.headers,
  );
  return (
    used ??
    refuse(
      'unauthenticated',
      'This passkey is not known here, belongs to somebody else, or was not confirmed with a fingerprint, face or PIN. Nobody was signed in.',
    )
  );
}

/** What a person still has to do before anything opens. */
export async function nextFactor(office: Office, personId: string): Promise<Factors & { readonly isSetUp: boolean }> {
  const factors = await office.signIn.factors(personId);
  return { ...factors, isSetUp: factors.app || factors.passkeys.length > 0 };
}

/** A person's address, under which their device is known. */
export async function emailOf(office: Office, personId: string): Promise<string | null> {
  return (await personById(office.store, personId))?.email ?? null;
}

/** A browser's answer as it came: text from outside, which may be anything. */
export function parseCredential(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function reportBarred(office: Office, actor: string | null, now: Temporal.Instant): Promise<void> {
  if (await limitTries(office, limits.report(actor ?? 'unknown'))) return;
  const barred = entry('sign_in.barred', now, 'system', { actor });
  await commit(office.store, { state: [], entries: [barred], tasks: [] });
}
