import { domainToASCII } from 'node:url';
import { hmacSha256, toHex } from '../core/hash.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { countTry, forgiveTry } from '../db/throttles.ts';
import type { Office } from './office.ts';

/** What is counted, how often it may be tried, and within how many seconds. */
export interface Limit {
  readonly name: string;
  readonly most: number;
  readonly seconds: number;
}

const minutes = 60;
const hours = 60 * minutes;

/** Where a visitor comes from; null where it is not known, which is then one network like any other. */
type Network = string | null;

/**
 * How often people outside may try things, by their network and by what they try. A household or an office shares a
 * network, so those limits are wide; an address or a link belongs to one person.
 */
export const publicLimits = {
  request: (network: Network, email: string): readonly Limit[] => [
    { name: `request/${network}`, most: 30, seconds: hours },
    // Each request mails the address: nobody is to be flooded by somebody who types it in.
    { name: `request-to/${mailboxOf(email)}`, most: 5, seconds: hours },
  ],
  askForCode: (network: Network, reference: string, email: string): readonly Limit[] => [
    { name: `ask/${network}`, most: 60, seconds: 15 * minutes },
    { name: `ask-for/${reference.trim().toUpperCase()}/${email.trim().toLowerCase()}`, most: 6, seconds: hours },
  ],
  /**
   * Codes that leave for an address, however many requests somebody made in its name, hour by hour. Counted where one
   * leaves: who knows an address and no reference uses up nothing of it. What was proven is counted for itself.
   */
  codesTo: (email: string, isProven: boolean): readonly Limit[] => [
    { name: `codes-to/${isProven ? 'proven' : 'new'}/${mailboxOf(email)}`, most: 12, seconds: hours },
  ],
  giveCode: (network: Network): readonly Limit[] => [{ name: `code/${network}`, most: 60, seconds: 15 * minutes }],
  /** Wrong codes of one request, whoever gives them: who knows a reference may spoil a day of it, not all of it. */
  wrongCode: (request: string): readonly Limit[] => [{ name: `code-of/${request}`, most: 20, seconds: 24 * hours }],
  openLink: (network: Network, secret: string): readonly Limit[] => [
    { name: `link/${network}`, most: 60, seconds: 15 * minutes },
    { name: `link-of/${secret}`, most: 6, seconds: hours },
  ],
  /** Each download stands in the ledger, which only grows. */
  download: (request: string): readonly Limit[] => [{ name: `download/${request}`, most: 30, seconds: hours }],
  verify: (network: Network): readonly Limit[] => [{ name: `verify/${network}`, most: 60, seconds: 10 * minutes }],
};

/** A mailbox by one name, however it is spelled: what follows a `+` leads to the same, and so do the ways to write a domain. */
function mailboxOf(email: string): string {
  const address = email.trim().toLowerCase();
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  return `${address.slice(0, Math.max(at, 0)).replace(/\+.*$/s, '')}@${(domainToASCII(domain) || domain).replace(/\.$/, '')}`;
}

/** Count a try under each limit; refused when one of them is used up, with the time from which it is not. */
export async function limitTries(office: Office, limits: readonly Limit[]): Promise<Refusal | null> {
  for (const { name, most, seconds } of limits) {
    const { allowed, retryAt } = await countTry(office.store, throttleKey(office, name), most, seconds, office.now());
    if (!allowed) return tooMany(retryAt);
  }
  return null;
}

/** Take back a try that turned out well. */
export function forgive(office: Office, limits: readonly Limit[]): Promise<unknown> {
  return Promise.all(limits.map(({ name }) => forgiveTry(office.store, throttleKey(office, name))));
}

function tooMany(retryAt: Temporal.Instant): Refusal {
  return refuse(
    'too_many_attempts',
    `That was tried too often. Try again after ${retryAt.toString({ smallestUnit: 'minute' }).slice(11, 16)} UTC. Nothing was changed.`,
    { retryAt: retryAt.toString({ smallestUnit: 'second' }) },
  );
}

/** Keyed: the table of tries names neither people nor networks. */
function throttleKey(office: Office, name: string): string {
  return toHex(hmacSha256(office.signInKey, `throttle\n${name}`));
}
