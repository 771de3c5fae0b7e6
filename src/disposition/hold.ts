import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { instantAfter, type Period } from '../core/periods.ts';
import { type Personal, personal } from '../core/personal.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { secondPerson } from '../core/second-person.ts';
import type { Decided } from '../ledger/decision.ts';
import { entry } from '../ledger/entry.ts';
import type { DatasetId } from '../policy/data-map.ts';
import type { HoldScope } from '../policy/hold.ts';

/** What an acknowledged hold covers in one dataset: how many records, and a digest that names exactly which. */
export interface Coverage {
  readonly dataset: DatasetId;
  readonly count: number;
  readonly root: string;
}

/**
 * One condition of a hold on one dataset: records whose `columns` have these values, within the range if there is one.
 * No columns: every record of the dataset within the range.
 */
export interface HoldClause {
  readonly dataset: DatasetId;
  readonly columns: readonly string[];
  readonly values: readonly string[];
  /** Only these datasets are covered through the clause; null: every dataset that links lead to. */
  readonly within: readonly DatasetId[] | null;
  readonly from: string | null;
  readonly to: string | null;
}

/** Where a hold stands in one source. A source that was not reached keeps the hold pending. */
export type Placement =
  | { readonly state: 'pending'; readonly code: string | null }
  | { readonly state: 'placed'; readonly epoch: number }
  | { readonly state: 'lifted'; readonly epoch: number };

export type HoldState = 'pending' | 'active' | 'release_requested' | 'released';

/** Somebody looked at a hold and said that it is needed on. */
export interface HoldReview {
  readonly at: string;
  readonly by: string;
  /** Why, in their own words. */
  readonly note: string;
  /** The day on which somebody is to look again, in the organization's zone; null: it is open-ended. */
  readonly next: string | null;
}

/** A legal hold. While it is not released nothing it covers is destroyed or masked (I1). */
export interface Hold {
  readonly id: string;
  readonly version: number;
  readonly caseId: string;
  /** Null: it was placed before there were matters. */
  readonly matterId: string | null;
  /** The day from which somebody is reminded to look at it; null: it is open-ended. No day ever releases a hold. */
  readonly reviewOn: string | null;
  readonly state: HoldState;
  readonly policy: string;
  readonly placedAt: Temporal.Instant;
  readonly placedBy: string;
  readonly demandId: string | null;
  readonly requestId: string | null;
  readonly placements: Readonly<Record<string, Placement>>;
  readonly coverage: readonly Coverage[];
  readonly scopeDigest: string;
  readonly releaseRequestedBy: string | null;
  readonly releaseRequestedAt: Temporal.Instant | null;
  readonly releasedBy: string | null;
  readonly releasedAt: Temporal.Instant | null;
  readonly matter: Personal<string>;
  readonly reason: Personal<string>;
  readonly scope: Personal<HoldScope>;
  readonly reviews: Personal<readonly HoldReview[]>;
}

export type HoldChange = { readonly kind: 'hold'; readonly hold: Hold };

const holdMoves = {
  request_release: ['active', 'pending'],
  approve_release: ['release_requested'],
  keep: ['release_requested'],
  review: ['active', 'pending'],
} satisfies Record<string, readonly HoldState[]>;

/** Whether its release can be asked for now. */
export function canBeReleased({ state }: Hold): boolean {
  return holdMoves.request_release.some((from) => from === state);
}

/** Records covered in all datasets. */
export function coveredCount(coverage: readonly Coverage[]): number {
  return coverage.reduce((sum, { count }) => sum + count, 0);
}

/** Take a hold on: it is pending until every source has acknowledged it. */
export function decideHold(hold: Hold): Decided<HoldChange> {
  return {
    state: [{ kind: 'hold', hold }],
    entries: [
      entry('hold.placed', hold.placedAt, hold.placedBy, {
        hold: hold.id,
        scope: hold.scopeDigest,
        state: 'pending',
        records: 0,
        root: '',
      }),
    ],
    tasks: [{ name: 'place-hold', key: `place-hold/${hold.id}`, payload: { hold: hold.id } }],
  };
}

/**
 * What the sources answered: the hold is active once each of them has it in place. One whose release was asked for is
 * placed like any other and stays in that state: until a second person agrees it protects.
 */
export function decidePlacement(
  hold: Hold,
  placements: Readonly<Record<string, Placement>>,
  coverage: readonly Coverage[],
  root: string,
  now: Temporal.Instant,
): Decided<HoldChange> {
  if (hold.state === 'released')
    return refuse('move_not_allowed', 'This hold was released; it is not placed again.', { state: hold.state });
  const everywhere = Object.values(placements).every((placement) => placement.state === 'placed');
  const settled = everywhere ? 'active' : 'pending';
  const state = hold.state === 'release_requested' ? hold.state : settled;
  const becomesActive = hold.state === 'pending' && state === 'active';
  return {
    state: [{ kind: 'hold', hold: { ...hold, state, placements, coverage } }],
    entries: becomesActive
      ? [entry('hold.active', now, 'system', { hold: hold.id, records: coveredCount(coverage), root })]
      : [],
    tasks: everywhere
      ? []
      : [
          {
            name: 'place-hold',
            key: `place-hold/${hold.id}/${now.epochMilliseconds}`,
            payload: { hold: hold.id },
            notBefore: formatInstant(now.add({ seconds: 30 })),
          },
        ],
  };
}

/** Ask for a release. Nothing changes in the sources until somebody else agrees. */
export function decideReleaseRequest(hold: Hold, actor: Actor, now: Temporal.Instant): Decided<HoldChange> {
  if (!canBeReleased(hold))
    return refuse(
      'move_not_allowed',
      `A hold that is ${hold.state.replace('_', ' ')} cannot be asked to be released.`,
      {
        state: hold.state,
      },
    );
  return {
    state: [
      {
        kind: 'hold',
        hold: { ...hold, state: 'release_requested', releaseRequestedBy: actor.id, releaseRequestedAt: now },
      },
    ],
    entries: [entry('hold.release_requested', now, actor.id, { hold: hold.id })],
    tasks: [],
  };
}

/** Turn down the release that was asked for: the hold goes on as it was. Anybody who may place holds may do so. */
export function decideKeep(hold: Hold, actor: Actor, now: Temporal.Instant): Decided<HoldChange> {
  if (!holdMoves.keep.some((state) => state === hold.state))
    return refuse('move_not_allowed', 'Nobody has asked to release this hold, so there is nothing to turn down.', {
      state: hold.state,
    });
  const everywhere = Object.values(hold.placements).every((placement) => placement.state === 'placed');
  const state = everywhere ? 'active' : 'pending';
  return {
    state: [{ kind: 'hold', hold: { ...hold, state, releaseRequestedBy: null, releaseRequestedAt: null } }],
    entries: [entry('hold.kept', now, actor.id, { hold: hold.id })],
    tasks: [],
  };
}

/**
 * Say that a hold was looked at and is needed on.
 * @param next when to look again, a day after `today`; null: the hold is open-ended from now on
 */
export function decideReview(
  hold: Hold,
  note: string,
  next: string | null,
  today: Temporal.PlainDate,
  actor: Actor,
  now: Temporal.Instant,
): Decided<HoldChange> {
  if (!holdMoves.review.some((state) => state === hold.state))
    return refuse(
      'move_not_allowed',
      `A hold that is ${hold.state.replace('_', ' ')} is not reviewed. Nothing was changed.`,
      {
        state: hold.state,
      },
    );
  const wrong = refuseReviewDay(next, today);
  if (wrong) return wrong;
  const review: HoldReview = { at: formatInstant(now), by: actor.id, note, next };
  const reviewed = { ...hold, reviewOn: next, reviews: personal([...hold.reviews.reveal(), review]) };
  return {
    state: [{ kind: 'hold', hold: reviewed }],
    entries: [entry('hold.reviewed', now, actor.id, { hold: hold.id, next })],
    tasks: [],
  };
}

function isDay(text: string | null): text is string {
  try {
    return text !== null && Temporal.PlainDate.from(text).toString() === text;
  } catch {
    return false;
  }
}

/** The day on which to look at a hold is a day to come. */
export function refuseReviewDay(day: string | null, today: Temporal.PlainDate): Refusal | null {
  if (day === null) return null;
  // Four digits, first 1 to 8, as in a scope's range.
  const written = /^[1-8]\d{3}-\d{2}-\d{2}$/.test(day) ? day : null;
  const [code, detail] = !isDay(written)
    ? ['day_invalid', 'This is no day of the calendar. Write one such as 2027-03-01, or none.']
    : Temporal.PlainDate.compare(Temporal.PlainDate.from(written), today) > 0
      ? [null, '']
      : ['day_past', `${day} is not a day to come. Write a later one, or none.`];
  if (code === null) return null;
  return refuse('invalid', `${detail} Nothing was changed.`, {}, [{ pointer: '/reviewOn', code, detail }]);
}

/**
 * How many times somebody should have been reminded by now: first on its day, then every week, until it is looked at.
 * @returns 0 where nobody should be yet
 */
export function remindersDue({ state, reviewOn }: Hold, today: Temporal.PlainDate): number {
  if (reviewOn === null || state === 'released') return 0;
  const days = Temporal.PlainDate.from(reviewOn).until(today).total('days');
  return days < 0 ? 0 : Math.floor(days / 7) + 1;
}

/**
 * Release, by a second person (I6). The record of the hold stays; only its effect in the sources ends, and that when
 * the release has cooled for as long as the organization says.
 */
export function decideRelease(
  hold: Hold,
  cooling: Period | null,
  actor: Actor,
  now: Temporal.Instant,
): Decided<HoldChange> {
  if (hold.state !== 'release_requested' || hold.releaseRequestedBy === null)
    return refuse(
      'move_not_allowed',
      'Nobody has asked to release this hold. Ask for it first; another person approves.',
      {
        state: hold.state,
      },
    );
  const refusal = secondPerson(hold.releaseRequestedBy, actor, 'the release of this hold');
  if (isRefusal(refusal)) return refusal;
  return {
    state: [{ kind: 'hold', hold: { ...hold, state: 'released', releasedBy: actor.id, releasedAt: now } }],
    entries: [entry('hold.released', now, actor.id, { hold: hold.id, requestedBy: hold.releaseRequestedBy })],
    tasks: [
      {
        name: 'lift-hold',
        key: `lift-hold/${hold.id}`,
        payload: { hold: hold.id },
        ...(cooling === null ? {} : { notBefore: formatInstant(instantAfter(now, cooling)) }),
      },
    ],
  };
}

/** The request whose evidence a hold keeps is closed: it ends by itself, as it began. Nobody else's decision is undone. */
export function decideEvidenceEnd(hold: Hold, now: Temporal.Instant): Decided<HoldChange> {
  if (hold.requestId === null || hold.state === 'released')
    return refuse('move_not_allowed', 'Only the evidence of a request ends with it. Nothing was released.', {
      state: hold.state,
    });
  const by = hold.releaseRequestedBy ?? 'system';
  return {
    state: [{ kind: 'hold', hold: { ...hold, state: 'released', releasedBy: 'system', releasedAt: now } }],
    entries: [entry('hold.released', now, 'system', { hold: hold.id, requestedBy: by })],
    tasks: [{ name: 'lift-hold', key: `lift-hold/${hold.id}`, payload: { hold: hold.id } }],
  };
}

/** Whether the sources may let go of a hold: it is released, and the release has cooled. A request's evidence does not cool. */
export function mayLift(
  { state, releasedAt, requestId }: Hold,
  cooling: Period | null,
  now: Temporal.Instant,
): boolean {
  if (state !== 'released' || releasedAt === null) return false;
  return Temporal.Instant.compare(instantAfter(releasedAt, requestId === null ? cooling : null), now) <= 0;
}
