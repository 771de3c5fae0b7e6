import { z } from '@hono/zod-openapi';
import { roles } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal } from '../core/refusal.ts';
import { lendingMinutes, lendRole } from '../flows/lend-role.ts';
import type { Office } from '../flows/office.ts';
import { returnRole } from '../flows/return-role.ts';
import {
  decideAccess,
  lookUpReview,
  openReviewNow,
  reviewCsv,
  reviewRecord,
  reviewsPage,
  signReview,
} from '../flows/review-access.ts';
import { lendingsPage, reviewLending } from '../flows/review-lending.ts';
import { type AccessReview, reviewCounts, undecided } from '../policy/access-review.ts';
import { mayNow } from '../policy/roles.ts';
import type { Api } from './endpoint.ts';
import { idParams, idText, pageQuery, toList, toPage } from './page.ts';
import { instant, pageOf } from './views.ts';

const role = z.enum(roles);
const lendingView = z
  .object({
    id: z.string(),
    actor: z.string(),
    role,
    startedAt: instant,
    endsAt: instant,
    endedAt: instant.nullable(),
    reviewedAt: instant.nullable(),
    reviewedBy: z.string().nullable(),
  })
  .openapi('Lending');
const reviewView = z
  .object({
    id: z.string(),
    quarter: z.string(),
    state: z.enum(['open', 'signed']),
    openedAt: instant,
    signedAt: instant.nullable(),
    signedBy: z.string().nullable(),
    people: z.int(),
    tokens: z.int(),
    removed: z.int(),
    undecided: z.int(),
  })
  .openapi('AccessReview');
const rowView = z.object({
  kind: z.enum(['person', 'token']),
  id: z.string(),
  actor: z.string(),
  role,
  since: instant.nullable(),
  lastUsedAt: instant.nullable(),
  entries: z.int().nullable(),
  factors: z.array(z.enum(['app', 'passkey'])),
  lendings: z.int(),
  disabledAt: instant.nullable(),
  decision: z.object({ keep: z.boolean(), by: z.string(), at: instant }).nullable(),
});
const wholeReviewView = reviewView.extend({
  digest: z.string().nullable().openapi({ description: 'Of the signed record, as the ledger has it.' }),
  isAsSigned: z.boolean(),
  rows: z.array(rowView),
});

const orNull = (at: Temporal.Instant | null) => at && formatInstant(at);
type Lending = Awaited<ReturnType<typeof lendingsPage>>[number];
const viewLending = ({ actorId, ...lending }: Lending): z.output<typeof lendingView> => ({
  id: lending.id,
  actor: actorId,
  role: lending.role,
  startedAt: formatInstant(lending.startedAt),
  endsAt: formatInstant(lending.endsAt),
  endedAt: orNull(lending.endedAt),
  reviewedAt: orNull(lending.reviewedAt),
  reviewedBy: lending.reviewedBy,
});
const viewReview = (review: AccessReview): z.output<typeof reviewView> => ({
  id: review.id,
  quarter: review.quarter,
  state: review.state,
  openedAt: formatInstant(review.openedAt),
  signedAt: orNull(review.closedAt),
  signedBy: review.signedBy,
  ...reviewCounts(review),
  undecided: undecided(review).length,
});
const or = <T, V>(outcome: T | Refusal, view: (found: T) => V): V | Refusal =>
  isRefusal(outcome) ? outcome : view(outcome);

/** A role taken in an emergency, and the quarter's review of everybody's access. */
export function addAccess(api: Api, office: Office): void {
  addLendings(api, office);
  addReviews(api, office);
}

function addLendings(api: Api, office: Office): void {
  api.add({
    method: 'get',
    path: '/access/break-glass',
    summary: 'Roles taken in an emergency, those nobody has reviewed first',
    tag: 'access',
    access: 'access.read',
    query: pageQuery,
    answer: pageOf(lendingView),
    handle: async ({ query }) => {
      const page = toPage(query);
      return toList(page, await lendingsPage(office, page), viewLending);
    },
  });
  api.add({
    method: 'post',
    path: '/access/break-glass',
    summary: 'Take another role for a short time in an emergency; for a session with a fresh proof, never for a token',
    tag: 'access',
    access: 'access.break_glass',
    body: z.strictObject({
      role,
      reason: z.string().min(1).max(2000),
      minutes: z.int().min(1).max(lendingMinutes),
    }),
    answer: lendingView,
    status: 201,
    handle: async ({ caller, body }) => or(await lendRole(office, caller.actor, body), viewLending),
  });
  api.add({
    method: 'post',
    path: '/access/break-glass/{id}/end',
    summary: 'Give it back before its time; whoever works on alarms ends anybody’s',
    tag: 'access',
    access: 'access.break_glass',
    params: idParams,
    answer: lendingView,
    handle: async ({ caller, params }) => {
      const watches = mayNow(office.policy.roles, caller.actor, 'alarms.work');
      return or(await returnRole(office, caller.actor, params.id, watches), viewLending);
    },
  });
  api.add({
    method: 'post',
    path: '/access/break-glass/{id}/review',
    summary: 'Say, as somebody else, that one has looked at what was done with it',
    tag: 'access',
    access: 'alarms.work',
    params: idParams,
    answer: lendingView,
    handle: async ({ caller, params }) => or(await reviewLending(office, caller.actor, params.id), viewLending),
  });
}

function addReviews(api: Api, office: Office): void {
  const whole = async (outcome: AccessReview | Refusal) => {
    if (isRefusal(outcome)) return outcome;
    const found = await lookUpReview(office, outcome.id);
    return or(
      found,
      ({ review, digest, isAsSigned }): z.output<typeof wholeReviewView> => ({
        ...viewReview(review),
        digest,
        isAsSigned,
        rows: review.rows.map((row) => ({ ...row, factors: [...row.factors] })),
      }),
    );
  };
  api.add({
    method: 'get',
    path: '/access/reviews',
    summary: 'Access reviews, newest first',
    tag: 'access',
    access: 'access.read',
    query: pageQuery,
    answer: pageOf(reviewView),
    handle: async ({ query }) => {
      const page = toPage(query);
      return toList(page, await reviewsPage(office, page), viewReview);
    },
  });
  api.add({
    method: 'post',
    path: '/access/reviews',
    summary: 'Open a review: of the quarter that ended, or of this one up to now',
    tag: 'access',
    access: 'access.review',
    answer: wholeReviewView,
    status: 201,
    handle: async ({ caller }) => whole(await openReviewNow(office, caller.actor)),
  });
  api.add({
    method: 'get',
    path: '/access/reviews/{id}',
    summary: 'One of them, row by row',
    tag: 'access',
    access: 'access.read',
    params: idParams,
    answer: wholeReviewView,
    handle: async ({ params }) => {
      const found = await lookUpReview(office, params.id);
      return isRefusal(found) ? found : whole(found.review);
    },
  });
  api.add({
    method: 'post',
    path: '/access/reviews/{id}/decide',
    summary: 'Keep or remove access, row by row; removing disables a person or revokes a token at once',
    tag: 'access',
    access: 'access.review',
    params: idParams,
    body: z.strictObject({
      choices: z
        .array(z.strictObject({ row: idText, keep: z.boolean() }))
        .min(1)
        .max(1000),
    }),
    answer: wholeReviewView,
    handle: async ({ caller, params, body }) =>
      whole(await decideAccess(office, caller.actor, params.id, body.choices)),
  });
  api.add({
    method: 'post',
    path: '/access/reviews/{id}/sign',
    summary: 'Sign a review of which every row is decided; it never changes again',
    tag: 'access',
    access: 'access.review',
    params: idParams,
    answer: wholeReviewView,
    handle: async ({ caller, params }) => whole(await signReview(office, caller.actor, params.id)),
  });
  const downloads = [
    ['table.csv', 'The rows as a table (CSV)', 'text/csv; charset=utf-8', reviewCsv],
    ['record.json', 'The signed record: the bytes whose SHA-256 the ledger has', 'application/json', reviewRecord],
  ] as const;
  for (const [name, summary, type, read] of downloads)
    api.add({
      method: 'get',
      path: `/access/reviews/{id}/${name}`,
      summary,
      tag: 'access',
      access: 'access.read',
      params: idParams,
      answer: type,
      handle: async ({ params }) => {
        const bytes = await read(office, params.id);
        return isRefusal(bytes)
          ? bytes
          : new Response(new Uint8Array(bytes), { headers: { 'Content-Type': type, 'Cache-Control': 'no-store' } });
      },
    });
}
