import { csvWriter } from '../artifacts/csv.ts';
import type { Actor } from '../core/actor.ts';
import { makeId } from '../core/ids.ts';
import { formatInstant } from '../core/instants.ts';
import { quarterBefore, quarterBounds, quarterOf } from '../core/quarter.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import {
  addReview,
  countEntries,
  countLendings,
  digestInLedger,
  listReviews,
  loadReview,
  lockReview,
  reviewOf,
  rolesInLedger,
  saveReview,
  startedAt,
} from '../db/access.ts';
import { commit } from '../db/commit.ts';
import { listPeople, listTokens, namesOf } from '../db/people.ts';
import { bellDone, claimBell } from '../db/settings.ts';
import { type Entry, entry } from '../ledger/entry.ts';
import {
  type AccessReview,
  decideRows,
  type ReviewRow,
  type RowChoice,
  refuseChoices,
  refuseSignature,
  reviewCounts,
  reviewDigest,
  signedRecord,
} from '../policy/access-review.ts';
import { disablePerson, freshProof, revokeToken } from './change-people.ts';
import type { Page } from './look-up.ts';
import type { Office } from './office.ts';
import { noteRunOut } from './return-role.ts';

/**
 * Once a quarter somebody looks at everybody's access, decides row by row whether it stays, and signs. A review is a
 * picture of the moment it was opened; what is removed is removed by the ordinary flows, at once, with their rules.
 */

export const reviewsPage = (office: Office, { limit, offset }: Page) => listReviews(office.store, limit, offset);

/** A review; a signed one with what the ledger says its digest was. */
export async function lookUpReview(
  office: Office,
  id: string,
): Promise<{ review: AccessReview; digest: string | null; isAsSigned: boolean } | Refusal> {
  const review = await loadReview(office.store, id);
  if (!review) return refuse('not_found', 'There is no such access review.');
  const digest = review.state === 'signed' ? await digestInLedger(office.store, review.quarter) : null;
  return { review, digest, isAsSigned: review.state === 'open' || digest === reviewDigest(review) };
}

/**
 * The nightly look: what ran out is noted, and the quarter that ended gets its review. One process of all does it a night;
 * should it die on the way, the next night finds that the review is missing.
 * @returns the review that was opened, or null
 */
export async function watchAccess(office: Office, by: Actor, slot: string): Promise<AccessReview | null> {
  const bell = 'watch/access';
  if (!(await claimBell(office.store, bell, slot, office.now()))) return null;
  await noteRunOut(office);
  const opened = await openQuarter(office, by);
  await bellDone(office.store.db.orm, bell, slot, null, office.now());
  return opened;
}

/** The review of the quarter that ended, where there was anything here then and none was opened yet. */
async function openQuarter(office: Office, by: Actor): Promise<AccessReview | null> {
  const { zone } = office.policy.organization;
  const quarter = quarterBefore(today(office));
  const { from, to } = quarterBounds(quarter, zone);
  const began = await startedAt(office.store);
  if (began === null || Temporal.Instant.compare(began, to) >= 0 || (await reviewOf(office.store, quarter)))
    return null;
  return openReview(office, by, quarter, from, to);
}

const today = (office: Office) => office.now().toZonedDateTimeISO(office.policy.organization.zone).toPlainDate();

/** Open a review by hand: that of the quarter that ended, or else of this one up to now, once a day. */
export async function openReviewNow(office: Office, by: Actor): Promise<AccessReview | Refusal> {
  const due = await openQuarter(office, by);
  if (due) return due;
  const { from } = quarterBounds(quarterOf(today(office)), office.policy.organization.zone);
  const name = `${quarterOf(today(office))}/${today(office).toString()}`;
  return (
    (await openReview(office, by, name, from, office.now())) ??
    refuse('conflict', 'A review was opened today already. Decide and sign that one; none was opened.')
  );
}

async function openReview(
  office: Office,
  by: Actor,
  quarter: string,
  from: Temporal.Instant,
  to: Temporal.Instant,
): Promise<AccessReview | null> {
  const now = office.now();
  const review: AccessReview = {
    id: makeId('review', now, office.random(10)),
    version: 1,
    quarter,
    state: 'open',
    openedAt: now,
    closedAt: null,
    signedBy: null,
    rows: await snapshot(office, from, to, now),
  };
  const { people, tokens } = reviewCounts(review);
  let added = false;
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) => {
    added = await addReview(tx, review);
    return added ? [entry('access.review_opened', now, by.id, { review: review.id, quarter, people, tokens })] : [];
  });
  return added ? review : null;
}

const orNull = (at: Temporal.Instant | null) => at && formatInstant(at);

/** Everybody's access at this moment: every person, disabled or not, and every token that would open something. */
async function snapshot(
  office: Office,
  from: Temporal.Instant,
  to: Temporal.Instant,
  now: Temporal.Instant,
): Promise<readonly ReviewRow[]> {
  const { store, signIn } = office;
  const people = await listPeople(store);
  const tokens = (await listTokens(store)).filter(
    ({ revokedAt, expiresAt }) => revokedAt === null && Temporal.Instant.compare(now, expiresAt) < 0,
  );
  const given = await rolesInLedger(store);
  const lendings = await countLendings(store, from, to);
  const entries = new Map<string, number>();
  for (const { actor, count } of await countEntries(store, from, to, null))
    entries.set(actor, (entries.get(actor) ?? 0) + count);
  const rows: ReviewRow[] = [];
  for (const person of people) {
    const { app, passkeys } = await signIn.factors(person.id);
    const disabledAt = orNull(person.disabledAt);
    const known = given.get(person.id);
    rows.push({
      kind: 'person',
      id: person.id,
      actor: person.id,
      role: person.role,
      // A role that no entry gave was given by SQL: the review says so.
      since: known?.role === person.role ? known.since : null,
      lastUsedAt: orNull(person.lastSeenAt),
      entries: entries.get(person.id) ?? 0,
      factors: [...(app ? (['app'] as const) : []), ...passkeys.map(() => 'passkey' as const)],
      lendings: lendings.get(person.id) ?? 0,
      disabledAt,
      decision: null,
    });
    for (const token of tokens.filter(({ actorId }) => actorId === person.id))
      rows.push({
        kind: 'token',
        id: token.id,
        actor: person.id,
        role: token.role,
        since: formatInstant(token.createdAt),
        lastUsedAt: orNull(token.lastUsedAt),
        entries: null,
        factors: [],
        lendings: 0,
        disabledAt,
        decision: null,
      });
  }
  return rows;
}

/**
 * Decide rows. What is removed is disabled or revoked first, then written down: a crash in between leaves a row that is
 * still to decide, and removing twice changes nothing. What stays is written even when a removal is refused.
 */
export async function decideAccess(
  office: Office,
  by: Actor,
  id: string,
  choices: readonly RowChoice[],
): Promise<AccessReview | Refusal> {
  const review = await loadReview(office.store, id);
  if (!review) return refuse('not_found', 'There is no such access review.');
  const refused = refuseChoices(review, by, choices);
  if (refused) return refused;
  const done = choices.filter(({ keep }) => keep);
  let refusal: Refusal | null = null;
  for (const choice of choices.filter(({ keep }) => !keep)) {
    refusal = await remove(office, by, review, choice);
    if (refusal) break;
    done.push(choice);
  }
  const decided = await change(office, id, (found) => {
    const late = refuseChoices(found, by, done);
    return late ?? { next: decideRows(found, by, office.now(), done), entries: [] };
  });
  return refusal ?? decided;
}

async function remove(office: Office, by: Actor, { rows }: AccessReview, { row }: RowChoice): Promise<Refusal | null> {
  const found = rows.find(({ id }) => id === row);
  if (!found || found.decision?.keep === false) return null;
  if (found.kind === 'token') return freshProof(by, 'you take access away') ?? revokeToken(office, by, row, true);
  const disabled = await disablePerson(office, by, row);
  return isRefusal(disabled) ? disabled : null;
}

/** Sign a review. From here on it does not change, and the ledger has the digest of it. */
export async function signReview(office: Office, by: Actor, id: string): Promise<AccessReview | Refusal> {
  const unproven = freshProof(by, 'you sign this review');
  if (unproven) return unproven;
  return change(office, id, (review) => {
    const refused = refuseSignature(review, by);
    if (refused) return refused;
    const now = office.now();
    const next: AccessReview = { ...review, state: 'signed', closedAt: now, signedBy: by.id };
    const { people, removed } = reviewCounts(next);
    const facts = { quarter: review.quarter, people, removed, digest: reviewDigest(next) };
    return { next, entries: [entry('access.review_signed', now, by.id, facts)] };
  });
}

/** Decide on a review while nobody else can. */
async function change(
  office: Office,
  id: string,
  decide: (review: AccessReview) => { next: AccessReview; entries: readonly Entry[] } | Refusal,
): Promise<AccessReview | Refusal> {
  let outcome: AccessReview | Refusal = refuse('not_found', 'There is no such access review.');
  await commit(office.store, { state: [], entries: [], tasks: [] }, async (tx) => {
    const review = await lockReview(tx, id);
    if (!review) return [];
    const decided = decide(review);
    if (isRefusal(decided)) {
      outcome = decided;
      return [];
    }
    await saveReview(tx, decided.next);
    outcome = decided.next;
    return decided.entries;
  });
  return outcome;
}

const columns =
  'quarter,kind,id,person,name,role,since,last_used,ledger_entries,second_factors,break_glass,disabled,decision,decided_by,decided_at';

/** A name as a spreadsheet shows it: one that begins like a formula would be calculated. */
const forSpreadsheet = (name: string | null) => (name !== null && /^[=+\-@\t\r]/.test(name) ? `'${name}` : name);

/** The review as a table, with the names people have now. */
export async function reviewCsv(office: Office, id: string): Promise<Uint8Array | Refusal> {
  const review = await loadReview(office.store, id);
  if (!review) return refuse('not_found', 'There is no such access review.');
  const names = await namesOf(office.store);
  const parts: Uint8Array[] = [];
  const table = csvWriter({ write: async (part) => void parts.push(part) }, columns.split(','));
  for (const row of review.rows) {
    const { decision } = row;
    await table.row([
      review.quarter,
      row.kind,
      row.id,
      row.actor,
      forSpreadsheet(names.get(row.actor) ?? null),
      row.role,
      row.since,
      row.lastUsedAt,
      row.entries === null ? null : String(row.entries),
      row.factors.join(' '),
      String(row.lendings),
      row.disabledAt,
      decision && (decision.keep ? 'keep' : 'remove'),
      decision?.by ?? null,
      decision?.at ?? null,
    ]);
  }
  await table.end();
  return Buffer.concat(parts);
}

/** The bytes whose SHA-256 the ledger has. Refused before the review is signed. */
export async function reviewRecord(office: Office, id: string): Promise<Uint8Array | Refusal> {
  const review = await loadReview(office.store, id);
  if (!review) return refuse('not_found', 'There is no such access review.');
  if (review.state !== 'signed') return refuse('not_ready', 'This review is not signed yet: there is no record of it.');
  return new TextEncoder().encode(signedRecord(review));
}
