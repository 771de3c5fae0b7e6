import { z } from '@hono/zod-openapi';
import { isRefusal } from '../core/refusal.ts';
import { holdsPage, lookUpHold } from '../flows/look-up.ts';
import type { Office } from '../flows/office.ts';
import { placeHold, settleHold } from '../flows/place-hold.ts';
import { approveRelease, requestRelease } from '../flows/release-hold.ts';
import { keepHold, reviewHold } from '../flows/review-hold.ts';
import { holdScopeSchema } from '../policy/hold.ts';
import type { Api } from './endpoint.ts';
import { idParams, idText, pageQuery, toList, toPage } from './page.ts';
import { holdView, pageOf, viewHold } from './views.ts';

const day = z.iso.date().openapi({ example: '2027-03-01' });

const holdBody = z.strictObject({
  matter: z
    .string()
    .trim()
    .min(1)
    .max(300)
    .openapi({ description: "A matter's id, reference or name; a name that no open matter has opens one." }),
  reason: z.string().min(1).max(2000),
  scope: holdScopeSchema,
  demandId: idText.optional(),
  reviewOn: day.optional().openapi({ description: 'When somebody is to look at it again; left out: open-ended.' }),
});

/** Legal holds. */
export function addHolds(api: Api, office: Office): void {
  api.add({
    method: 'post',
    path: '/holds',
    summary: 'Place a hold; the answer says whether every source has it in place and what it covers',
    tag: 'holds',
    access: 'holds.place',
    body: holdBody,
    answer: holdView,
    status: 201,
    handle: async ({ caller, body }) => {
      const placed = await placeHold(office, caller.actor, {
        matter: body.matter,
        reason: body.reason,
        scope: body.scope,
        demandId: body.demandId ?? null,
        requestId: null,
        reviewOn: body.reviewOn ?? null,
      });
      return isRefusal(placed) ? placed : viewHold(placed);
    },
  });

  api.add({
    method: 'get',
    path: '/holds',
    summary: 'Holds, newest first',
    tag: 'holds',
    access: 'holds.read',
    query: pageQuery,
    answer: pageOf(holdView),
    handle: async ({ query }) => {
      const page = toPage(query);
      return toList(page, await holdsPage(office, page), viewHold);
    },
  });

  api.add({
    method: 'get',
    path: '/holds/{id}',
    summary: 'One hold',
    tag: 'holds',
    access: 'holds.read',
    params: idParams,
    answer: holdView,
    handle: async ({ params }) => {
      const hold = await lookUpHold(office, params.id);
      return isRefusal(hold) ? hold : viewHold(hold);
    },
  });

  api.add({
    method: 'post',
    path: '/holds/{id}/settle',
    summary: 'Place a hold again where it is missing (after an outage or a restore) and count what it covers',
    tag: 'holds',
    access: 'holds.place',
    params: idParams,
    answer: holdView,
    handle: async ({ params }) => {
      const hold = await settleHold(office, params.id);
      return isRefusal(hold) ? hold : viewHold(hold);
    },
  });

  api.add({
    method: 'post',
    path: '/holds/{id}/review',
    summary: 'Say that a hold was looked at, why it is needed on, and when to look again',
    tag: 'holds',
    access: 'holds.place',
    params: idParams,
    body: z.strictObject({ note: z.string().trim().min(1).max(2000), reviewOn: day.nullable() }),
    answer: holdView,
    handle: async ({ caller, params, body }) => {
      const hold = await reviewHold(office, caller.actor, params.id, body);
      return isRefusal(hold) ? hold : viewHold(hold);
    },
  });

  api.add({
    method: 'post',
    path: '/holds/{id}/keep',
    summary: 'Turn down a release that was asked for; the hold goes on',
    tag: 'holds',
    access: 'holds.place',
    params: idParams,
    answer: holdView,
    handle: async ({ caller, params }) => {
      const hold = await keepHold(office, caller.actor, params.id);
      return isRefusal(hold) ? hold : viewHold(hold);
    },
  });

  api.add({
    method: 'post',
    path: '/holds/{id}/release',
    summary: 'Ask for a release; a second person approves',
    tag: 'holds',
    access: 'holds.place',
    params: idParams,
    answer: holdView,
    handle: async ({ caller, params }) => {
      const hold = await requestRelease(office, caller.actor, params.id);
      return isRefusal(hold) ? hold : viewHold(hold);
    },
  });

  api.add({
    method: 'post',
    path: '/holds/{id}/approve',
    summary: 'Approve the release, as the second person',
    tag: 'holds',
    access: 'holds.approve',
    params: idParams,
    answer: holdView,
    handle: async ({ caller, params }) => {
      const hold = await approveRelease(office, caller.actor, params.id);
      return isRefusal(hold) ? hold : viewHold(hold);
    },
  });
}
