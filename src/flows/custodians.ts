import type { Actor } from '../core/actor.ts';
import { sha256Hex, toBase64Url } from '../core/hash.ts';
import { makeId } from '../core/ids.ts';
import { personal } from '../core/personal.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { custodiansOf, keepingCustodians, loadCustodian } from '../db/custodians.ts';
import { loadHold } from '../db/holds.ts';
import { loadMatter } from '../db/matters.ts';
import { noticeStates, queueNotice } from '../db/notices.ts';
import { addGrant, type Grant, grantBySecret, spendGrantsOf } from '../db/requests.ts';
import {
  type Custodian,
  type CustodianLetter,
  decideAcknowledgement,
  decideCustodian,
  decideCustodianRelease,
  decideReminder,
  timesReminded,
} from '../disposition/custodian.ts';
import type { Hold } from '../disposition/hold.ts';
import { type CustodianNoticeFacts, writeCustodianNotice } from '../notices/custodian-notices.ts';
import { carryOut, type Office } from './office.ts';
import { dateInWords } from './send-notice.ts';

/** How long the link of a letter works; a reminder brings another one. */
const linkDays = 90;

const unknown = () => refuse('not_found', 'There is no such custodian.');
const unknownHold = () => refuse('not_found', 'There is no such hold.');

export interface CustodianOrder {
  readonly people: readonly { readonly name: string; readonly email: string }[];
  readonly instructions: string | null;
}

/** A custodian with what became of the newest letter: queued, sent, kept (no mail server), or refused. */
export interface CustodianView {
  readonly custodian: Custodian;
  readonly letter: { readonly template: string; readonly state: string } | null;
}

export async function custodiansPage(
  office: Office,
  id: string,
): Promise<{ hold: Hold; custodians: readonly CustodianView[] } | Refusal> {
  const hold = await loadHold(office.store, id);
  if (!hold) return unknownHold();
  const letters = await noticeStates(office.store, hold.caseId);
  const custodians = (await custodiansOf(office.store, id)).map((custodian) => ({
    custodian,
    letter: letters.findLast(({ key }) => key.startsWith(`${custodian.id}/`)) ?? null,
  }));
  return { hold, custodians };
}

/** Ask people to keep what a hold is about: each gets a letter with a link of their own. All of them or nobody. */
export async function askCustodians(
  office: Office,
  actor: Actor,
  id: string,
  order: CustodianOrder,
): Promise<readonly Custodian[] | Refusal> {
  const hold = await loadHold(office.store, id);
  if (!hold) return unknownHold();
  if (hold.state === 'released')
    return refuse('move_not_allowed', 'This hold was released: nobody is to keep anything for it. Nobody was asked.');
  const refused = await askedTwice(office, id, order);
  if (refused) return refused;
  const asked: Custodian[] = [];
  const letters: PreparedLetter[] = [];
  for (const { name, email } of order.people) {
    const now = office.now();
    const custodian: Custodian = {
      id: makeId('custodian', now, office.random(10)),
      version: 0,
      holdId: id,
      caseId: hold.caseId,
      state: 'asked',
      askedAt: now,
      askedBy: actor.id,
      acknowledgedAt: null,
      history: [],
      name: personal(name),
      email: personal(email),
      instructions: personal(order.instructions),
    };
    asked.push(custodian);
    letters.push(await prepareLetter(office, hold, custodian, 'custodian-asked'));
  }
  const done = await carryOut(
    office,
    async () => {
      const decisions = asked.map((custodian, i) => decideCustodian(custodian, letters[i]?.notice ?? ''));
      const decided = decisions.flatMap((one) => (isRefusal(one) ? [] : [one]));
      const changed = decided.flatMap(({ state }) => state.map(({ custodian }) => custodian));
      return {
        decided: {
          state: decided.flatMap(({ state }) => state),
          entries: decided.flatMap(({ entries }) => entries),
          tasks: decided.flatMap(({ tasks }) => tasks),
        },
        result: changed.map((custodian) => ({ ...custodian, version: 1 })),
      };
    },
    async (tx) => {
      for (const { grant } of letters) if (grant) await addGrant(tx, grant);
    },
  );
  // Released while the letters were written: whoever released it told those who were asked by then.
  if ((await loadHold(office.store, id))?.state === 'released') await releaseCustodians(office, actor, id);
  return done;
}

async function askedTwice(office: Office, hold: string, order: CustodianOrder): Promise<Refusal | null> {
  const known = new Set(
    (await custodiansOf(office.store, hold)).flatMap(({ state, email }) =>
      state === 'released' ? [] : [email.reveal().toLowerCase()],
    ),
  );
  const errors = order.people.flatMap(({ email }, i) => {
    const address = email.toLowerCase();
    if (!known.has(address)) {
      known.add(address);
      return [];
    }
    return [
      { pointer: `/custodians/${i}/email`, code: 'asked_already', detail: 'This address has been asked already.' },
    ];
  });
  if (errors.length === 0) return null;
  return refuse('conflict', 'Somebody here has been asked for this hold already. Nobody was asked.', {}, errors);
}

interface PreparedLetter {
  readonly notice: string;
  /** What its link opens; null: it has none. */
  readonly grant: Grant | null;
}

/** Write a letter down, sealed, before the task that sends it exists. Nothing else ever holds the link's secret. */
async function prepareLetter(
  office: Office,
  hold: Hold,
  custodian: Custodian,
  letter: CustodianLetter,
): Promise<PreparedLetter> {
  const now = office.now();
  const secret = toBase64Url(office.random(32));
  const expiresAt = now.add({ hours: 24 * linkDays });
  const url = letter === 'custodian-released' ? '' : `${office.publicUrl}/custodian/${secret}`;
  const facts = await factsFor(office, hold, custodian, url, expiresAt);
  const id = makeId('notice', now, office.random(10));
  const times = letter === 'custodian-reminded' ? timesReminded(custodian) + 1 : 0;
  await queueNotice(
    office.store,
    {
      id,
      caseId: custodian.caseId,
      template: letter,
      // Its own id: a letter whose decision was not committed is never sent, and the next one is another.
      key: `${custodian.id}/${letter}/${times}/${id}`,
      queuedAt: now,
    },
    { to: custodian.email.reveal(), ...writeCustodianNotice(letter, facts) },
  );
  const grant: Grant = {
    id: makeId('grant', now, office.random(10)),
    requestId: custodian.id,
    kind: 'acknowledgement',
    secretHash: sha256Hex(secret),
    createdAt: now,
    expiresAt,
    usedAt: null,
    attempts: 0,
  };
  return { notice: id, grant: url === '' ? null : grant };
}

async function factsFor(
  office: Office,
  hold: Hold,
  custodian: Custodian,
  url: string,
  expiresAt: Temporal.Instant,
): Promise<CustodianNoticeFacts> {
  const { organization } = office.policy;
  const matter = hold.matterId === null ? null : await loadMatter(office.store, hold.matterId);
  return {
    organization: organization.name,
    contact: organization.legal,
    name: custodian.name.reveal(),
    matter: hold.matter.reveal(),
    reference: matter?.reference ?? hold.id,
    instructions: custodian.instructions.reveal(),
    url,
    until: dateInWords(expiresAt.toZonedDateTimeISO(organization.zone).toPlainDate().toString()),
  };
}

/** Ask somebody again, with a link of its own; those of earlier letters work on. */
export async function remindCustodian(office: Office, actor: Actor, id: string): Promise<Custodian | Refusal> {
  return withLetter(office, id, 'custodian-reminded', (custodian, notice) =>
    decideReminder(custodian, notice, actor, office.now()),
  );
}

/** Tell somebody that they need no longer keep anything for the hold. Their links open nothing any more. */
export async function releaseCustodian(office: Office, actor: Actor, id: string): Promise<Custodian | Refusal> {
  return withLetter(office, id, 'custodian-released', (custodian, notice) =>
    decideCustodianRelease(custodian, notice, actor, office.now()),
  );
}

/** A hold has ended: everybody who was to keep something for it is told. Safe to run again: whoever was told is not told twice. */
export async function releaseCustodians(office: Office, actor: Actor, hold: string): Promise<void> {
  for (const id of await keepingCustodians(office.store, hold)) await releaseCustodian(office, actor, id);
}

async function withLetter(
  office: Office,
  id: string,
  letter: CustodianLetter,
  decide: (custodian: Custodian, notice: string) => ReturnType<typeof decideReminder>,
): Promise<Custodian | Refusal> {
  const before = await loadCustodian(office.store, id);
  const hold = before && (await loadHold(office.store, before.holdId));
  if (!before || !hold) return unknown();
  if (letter === 'custodian-reminded' && hold.state === 'released')
    return refuse('move_not_allowed', 'This hold was released: nobody is to keep anything for it. No letter was sent.');
  // Asked first, so that no letter is written down for nothing.
  const refused = decide(before, '');
  if (isRefusal(refused)) return refused;
  const { notice, grant } = await prepareLetter(office, hold, before, letter);
  return carryOut(
    office,
    async () => {
      const custodian = await loadCustodian(office.store, id);
      if (!custodian) return unknown();
      const decided = decide(custodian, notice);
      return { decided, result: isRefusal(decided) ? custodian : (decided.state[0]?.custodian ?? custodian) };
    },
    (tx) => (grant ? addGrant(tx, grant) : spendGrantsOf(tx, id, office.now())),
  );
}

const expired = () =>
  refuse(
    'link_expired',
    'This link was used, has run out or was never ours. If you have not confirmed yet, use the one in our newest letter; otherwise you need not do anything.',
  );

/** What a custodian's link leads to. Looking spends nothing: programs that read mail open every link they see. */
export async function lookUpCustodianLink(
  office: Office,
  secret: string,
): Promise<{ custodian: Custodian; hold: Hold } | Refusal> {
  const grant = await grantBySecret(office.store, 'acknowledgement', sha256Hex(secret));
  if (!grant || grant.usedAt !== null || Temporal.Instant.compare(grant.expiresAt, office.now()) <= 0) return expired();
  const custodian = await loadCustodian(office.store, grant.requestId);
  const hold = custodian && (await loadHold(office.store, custodian.holdId));
  return custodian?.state === 'asked' && hold ? { custodian, hold } : expired();
}

/** A custodian confirms, once: every link of theirs is used up with it. */
export async function acknowledge(office: Office, secret: string): Promise<Custodian | Refusal> {
  const found = await lookUpCustodianLink(office, secret);
  if (isRefusal(found)) return found;
  const { id } = found.custodian;
  const now = office.now();
  return carryOut(
    office,
    async () => {
      // Pressed twice at once: the second loads what the first said, and is refused.
      const custodian = await loadCustodian(office.store, id);
      if (!custodian) return expired();
      const decided = decideAcknowledgement(custodian, now);
      return { decided, result: isRefusal(decided) ? custodian : (decided.state[0]?.custodian ?? custodian) };
    },
    (tx) => spendGrantsOf(tx, id, now),
  );
}
