import { z } from '@hono/zod-openapi';
import { formatInstant, parseInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { approveAccessPackage } from '../flows/approve-request.ts';
import { closeRequest, deliverAgain } from '../flows/close-request.ts';
import { explainDeadline } from '../flows/deadline.ts';
import { lookUpRequest, requestsPage } from '../flows/look-up.ts';
import {
  appealRequest,
  decideRequest,
  gatherAgain,
  moveRequestClock,
  reopenRequest,
  withdrawRequest,
} from '../flows/move-request.ts';
import type { Office } from '../flows/office.ts';
import { receiveRequest } from '../flows/receive-request.ts';
import { confirmByStaff, confirmCode, sendCode } from '../flows/verify-request.ts';
import { outcomes, requestMoves, requestTypes, standing } from '../requests/request.ts';
import type { Api } from './endpoint.ts';
import { idParams, pageQuery, toList, toPage } from './page.ts';
import { findingView, frozenView, pageOf, receiptView, requestView, viewRequest } from './views.ts';

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is exactly what Postgres cannot store
    .refine((value) => value.isWellFormed() && !/\u0000/.test(value), 'Text without NUL and half characters, please.');

const requestBody = z.strictObject({
  type: z.enum(requestTypes),
  regime: text(40).optional(),
  channel: text(40).optional(),
  receivedAt: text(40).optional(),
  subject: z.strictObject({
    name: text(300).optional(),
    identifiers: z
      .array(z.strictObject({ kind: text(40), value: text(320) }))
      .min(1)
      .max(20),
  }),
  details: text(10_000).optional(),
});

const moveBody = z.strictObject({
  code: text(40).optional(),
  kinds: z.array(text(40)).max(20).optional(),
  outcome: z.enum(outcomes).optional(),
  reason: text(1000).optional(),
  basis: text(80).optional(),
  event: z.enum(['identity', 'clarification', 'fee']).optional(),
  decidedAt: text(40).optional().openapi({
    description: 'Of approve: `decision.at` of the answer that was looked at; one decided anew since is not approved.',
  }),
  receivedAt: text(40).optional().openapi({ description: 'Of an appeal: when it reached us; left out: now.' }),
});

const moveNames = Object.keys(requestMoves) as [keyof typeof requestMoves, ...(keyof typeof requestMoves)[]];

const clockView = z.object({
  dueAt: z.string().nullable(),
  dueOn: z.string().nullable(),
  governing: z.string().nullable(),
  refuseBy: z.string().nullable().openapi({
    description: 'By when a refusal must be told: an extension does not give it more time.',
  }),
  late: z.boolean().nullable(),
  later: z.object({ dueAt: z.string().nullable(), dueOn: z.string().nullable() }).nullable().openapi({
    description:
      'What new holidays or time zone data would give, where that is later than promised: it is taken only when a person moves the clock.',
  }),
  countedWith: z.array(frozenView).openapi({ description: 'What the promised date was counted with.' }),
  clocks: z.array(
    z.object({
      rule: z.string(),
      version: z.string(),
      dueAt: z.string().nullable(),
      dueOn: z.string().nullable(),
      steps: z.array(z.object({ at: z.string(), what: z.string(), citation: z.string() })),
    }),
  ),
});

const dueView = ({ dueAt, dueOn }: { dueAt: Temporal.Instant | null; dueOn: string | null }) => ({
  dueAt: dueAt ? formatInstant(dueAt) : null,
  dueOn,
});

function readReceipt(text: string): Temporal.Instant | Refusal {
  const at = parseInstant(text);
  if (!isRefusal(at)) return at;
  return refuse('invalid', at.detail, {}, [{ pointer: '/receivedAt', code: 'time_invalid', detail: at.detail }]);
}

/** Requests of people about their data. */
export function addRequests(api: Api, office: Office): void {
  api.add({
    method: 'post',
    path: '/requests',
    summary: "Record a person's request",
    tag: 'requests',
    access: 'requests.work',
    body: requestBody,
    answer: requestView,
    status: 201,
    handle: async ({ caller, body }) => {
      const receivedAt = body.receivedAt === undefined ? null : readReceipt(body.receivedAt);
      if (isRefusal(receivedAt)) return receivedAt;
      const made = await receiveRequest(office, caller.actor, {
        type: body.type,
        regime: body.regime ?? null,
        channel: body.channel ?? 'api',
        receivedAt,
        subject: { name: body.subject.name ?? null, identifiers: body.subject.identifiers },
        details: body.details ?? null,
      });
      return isRefusal(made) ? made : viewRequest(made, office.now());
    },
  });

  api.add({
    method: 'get',
    path: '/requests',
    summary: 'Requests: open ones first, the nearest deadline on top',
    tag: 'requests',
    access: 'requests.read',
    query: pageQuery,
    answer: pageOf(requestView),
    handle: async ({ query }) => {
      const page = toPage(query);
      const now = office.now();
      return toList(page, await requestsPage(office, page), (request) => viewRequest(request, now));
    },
  });

  api.add({
    method: 'get',
    path: '/requests/{id}',
    summary: 'One request and the moves it allows now',
    tag: 'requests',
    access: 'requests.read',
    params: idParams,
    answer: requestView,
    handle: async ({ params }) => {
      const request = await lookUpRequest(office, params.id);
      return isRefusal(request) ? request : viewRequest(request, office.now());
    },
  });

  api.add({
    method: 'get',
    path: '/requests/{id}/deadline',
    summary: 'The deadline, explained step by step with its law',
    tag: 'requests',
    access: 'requests.read',
    params: idParams,
    answer: clockView,
    handle: async ({ params }) => {
      const request = await lookUpRequest(office, params.id);
      if (isRefusal(request)) return request;
      const now = office.now();
      const found = explainDeadline(office, request);
      if (isRefusal(found)) return found;
      const { promised, counted, explanation, recounted } = found;
      const stands = standing(request, now);
      return {
        ...dueView(promised),
        governing: explanation.governing,
        refuseBy: promised.refuseBy ? formatInstant(promised.refuseBy) : null,
        late: stands === null ? null : stands === 'late',
        later: recounted === 'confirm' ? dueView(counted) : null,
        countedWith: promised.frozen.map((frozen) => ({ ...frozen })),
        clocks: explanation.clocks.map((clock) => ({ ...clock, ...dueView(clock) })),
      };
    },
  });

  api.add({
    method: 'get',
    path: '/requests/{id}/findings',
    summary: 'What was found in each dataset and what would become of it',
    tag: 'requests',
    access: 'requests.read',
    params: idParams,
    answer: z.object({ items: z.array(findingView) }),
    handle: async ({ params }) => {
      const request = await lookUpRequest(office, params.id);
      if (isRefusal(request)) return request;
      if (request.findings === null)
        return refuse('not_ready', 'The search is not over yet: it begins when identity is confirmed.', {
          state: request.state,
        });
      return { items: request.findings };
    },
  });

  api.add({
    method: 'get',
    path: '/requests/{id}/receipt',
    summary: 'What was given, destroyed, masked and kept, and the search afterwards',
    tag: 'requests',
    access: 'requests.read',
    params: idParams,
    answer: receiptView,
    handle: async ({ params }) => {
      const request = await lookUpRequest(office, params.id);
      if (isRefusal(request)) return request;
      return (
        request.receipt ??
        refuse('not_ready', 'There is no receipt before the request is fulfilled.', { state: request.state })
      );
    },
  });

  api.add({
    method: 'post',
    path: '/requests/{id}/{move}',
    summary: 'Move a request on; a move that is not allowed is 409 with the allowed ones',
    tag: 'requests',
    access: 'requests.work',
    params: idParams.extend({ move: z.enum(moveNames) }),
    body: moveBody,
    answer: requestView,
    handle: async ({ caller, params, body }) => {
      const { id, move } = params;
      const moved = await run();
      return isRefusal(moved) ? moved : viewRequest(moved, office.now());

      async function run() {
        switch (move) {
          case 'verify': {
            if (body.kinds) return confirmByStaff(office, caller.actor, id, body.kinds);
            if (body.code === undefined) return sendCode(office, caller.actor, id);
            const request = await lookUpRequest(office, id);
            if (isRefusal(request)) return request;
            const confirmed = await confirmCode(office, caller.actor, request.reference, body.code);
            return isRefusal(confirmed) ? confirmed : lookUpRequest(office, id);
          }
          case 'gather':
            return gatherAgain(office, caller.actor, id);
          case 'pause':
          case 'resume':
          case 'extend':
            return moveRequestClock(office, caller.actor, id, {
              move,
              reason: body.reason ?? null,
              basis: body.basis ?? null,
              event: body.event ?? null,
            });
          case 'decide':
            if (body.outcome === undefined)
              return refuse('invalid', 'A decision names its outcome. Nothing was decided.', {}, [
                { pointer: '/outcome', code: 'required', detail: `Give one of ${outcomes.join(', ')}.` },
              ]);
            return decideRequest(office, caller.actor, id, {
              outcome: body.outcome,
              reason: body.reason ?? null,
            });
          case 'approve':
            return approveAccessPackage(office, caller, id, body.decidedAt ?? null);
          case 'deliver':
            return deliverAgain(office, caller.actor, id);
          case 'close':
            return closeRequest(office, caller.actor, id);
          case 'withdraw':
            return withdrawRequest(office, caller.actor, id);
          case 'reopen':
            return reopenRequest(office, caller.actor, id);
          case 'appeal': {
            const receivedAt = body.receivedAt === undefined ? null : readReceipt(body.receivedAt);
            return isRefusal(receivedAt) ? receivedAt : appealRequest(office, caller.actor, id, receivedAt);
          }
        }
      }
    },
  });
}
