import type { Actor, Role } from '../core/actor.ts';
import { canonicalJson, type Json } from '../core/canonical-json.ts';
import { sha256Hex } from '../core/hash.ts';
import { formatInstant } from '../core/instants.ts';
import { type Refusal, refuse } from '../core/refusal.ts';

/** Somebody's access, or one live token's, as it was when the review was opened. Instants are RFC 3339; ids, no names. */
export interface ReviewRow {
  readonly kind: 'person' | 'token';
  /** The person's or the token's id. */
  readonly id: string;
  /** Whose access it is: themselves, or the token's owner. */
  readonly actor: string;
  readonly role: Role;
  /** Since when they have this role; null when no entry of the ledger gave it to them. */
  readonly since: string | null;
  readonly lastUsedAt: string | null;
  /** Ledger entries by this person in the quarter; null for a token, which acts in its owner's name. */
  readonly entries: number | null;
  readonly factors: readonly ('app' | 'passkey')[];
  /** How often they took another role in an emergency in the quarter. */
  readonly lendings: number;
  readonly disabledAt: string | null;
  readonly decision: RowDecision | null;
}

export interface RowDecision {
  readonly keep: boolean;
  readonly by: string;
  readonly at: string;
}

/** Who had what access in a quarter, and who signed that it should stay. */
export interface AccessReview {
  readonly id: string;
  readonly version: number;
  /** `2026-Q3`; one opened on demand within a quarter carries its day, too: `2026-Q4/2026-11-27`. */
  readonly quarter: string;
  readonly state: 'open' | 'signed';
  readonly openedAt: Temporal.Instant;
  readonly closedAt: Temporal.Instant | null;
  readonly signedBy: string | null;
  readonly rows: readonly ReviewRow[];
}

/** What is decided about one row. */
export interface RowChoice {
  readonly row: string;
  readonly keep: boolean;
}

/** Rows that still wait for a word. Who was disabled already has no access to decide about. */
export function undecided({ rows }: AccessReview): readonly ReviewRow[] {
  return rows.filter(({ decision, disabledAt }) => decision === null && disabledAt === null);
}

/** Why these rows may not be decided by this actor, or null. */
export function refuseChoices(review: AccessReview, by: Actor, choices: readonly RowChoice[]): Refusal | null {
  if (review.state === 'signed')
    return refuse('move_not_allowed', 'This review was signed and stays as it is. Nothing was changed.');
  for (const { row, keep } of choices) {
    const found = review.rows.find(({ id }) => id === row);
    if (!found || found.disabledAt !== null)
      return refuse('not_found', 'This review has no such row to decide. Nothing was changed.', { row });
    if (found.actor === by.id)
      return refuse('second_person_needed', 'Somebody else must decide about your own access. Nothing was changed.', {
        row,
      });
    if (keep && found.decision?.keep === false)
      return refuse(
        'move_not_allowed',
        'This access was removed already. Let them in again under People and keys; nothing was changed.',
        { row },
      );
  }
  return null;
}

/** The review with these rows decided. Whoever is removed has no token left either. */
export function decideRows(
  review: AccessReview,
  by: Actor,
  at: Temporal.Instant,
  choices: readonly RowChoice[],
): AccessReview {
  const kept = new Map(choices.map(({ row, keep }) => [row, keep]));
  const removed = new Set(choices.filter(({ keep }) => !keep).map(({ row }) => row));
  const decide = (row: ReviewRow): ReviewRow => {
    const keep = row.decision?.keep !== false && removed.has(row.actor) ? false : kept.get(row.id);
    return keep === undefined || keep === row.decision?.keep
      ? row
      : { ...row, decision: { keep, by: by.id, at: formatInstant(at) } };
  };
  return { ...review, rows: review.rows.map(decide) };
}

/** Why this actor may not sign, or null. */
export function refuseSignature(review: AccessReview, by: Actor): Refusal | null {
  if (review.state === 'signed')
    return refuse('move_not_allowed', 'This review was signed already and stays as it is. Nothing was changed.');
  const waiting = undecided(review).length;
  if (waiting > 0)
    return refuse(
      'not_ready',
      `${waiting} row${waiting === 1 ? ' is' : 's are'} not decided yet. Decide each; nothing was signed.`,
      { waiting },
    );
  if (review.rows.every(({ actor }) => actor === by.id))
    return refuse('second_person_needed', 'This review is about nobody but you. Somebody else must sign it.');
  return null;
}

/** What was signed, as one value: its canonical JSON (RFC 8785) is the record whose digest stands in the ledger. */
export function signedRecord({ quarter, openedAt, closedAt, signedBy, rows }: AccessReview): string {
  return canonicalJson({
    quarter,
    openedAt: formatInstant(openedAt),
    signedAt: closedAt && formatInstant(closedAt),
    signedBy,
    rows: rows as unknown as Json,
  });
}

/** SHA-256 of the signed record. */
export const reviewDigest = (review: AccessReview): string => sha256Hex(signedRecord(review));

/** How many rows of each kind, and how many lost their access. */
export function reviewCounts({ rows }: AccessReview): { people: number; tokens: number; removed: number } {
  const people = rows.filter(({ kind }) => kind === 'person').length;
  return {
    people,
    tokens: rows.length - people,
    removed: rows.filter(({ decision }) => decision?.keep === false).length,
  };
}
