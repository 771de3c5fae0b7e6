import { z } from '@hono/zod-openapi';
import { parseInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import {
  type DemandClockMove,
  type DemandMove,
  dataClasses,
  demandClockMoves,
  demandMoves,
  demandTypes,
} from '../demands/demand.ts';
import { demandClocks, moveClockOfDemand } from '../flows/demand-clocks.ts';
import { demandsPage, lookUpDemand } from '../flows/look-up.ts';
import type { Office } from '../flows/office.ts';
import { attachDocument, moveDemand, receiveDemand } from '../flows/receive-demand.ts';
import type { Api } from './endpoint.ts';
import { idParams, pageQuery, toList, toPage } from './page.ts';
import { demandView, pageOf, viewDemand } from './views.ts';

const text = (max: number) => z.string().min(1).max(max);
const demandBody = z.strictObject({
  type: z.enum(demandTypes),
  instrumentNumber: text(200).optional(),
  issuer: z.strictObject({
    name: text(300),
    country: z.string().regex(/^[A-Z]{2}$/, 'ISO 3166-1, two letters.'),
    court: text(300).optional(),
  }),
  requester: z
    .strictObject({
      name: text(300).optional(),
      agency: text(300).optional(),
      role: text(100).optional(),
      email: text(320).optional(),
    })
    .optional(),
  channel: text(40).optional(),
  receivedAt: text(40),
  dueAt: text(40).optional(),
  issuedAt: text(60)
    .optional()
    .openapi({ description: 'The date of the order: an instant with its offset, or a day.' }),
  orderedPeriod: text(20).optional().openapi({ description: 'How long the order holds, ISO 8601.', example: 'P90D' }),
  targets: z
    .array(z.strictObject({ kind: text(40), value: text(320) }))
    .max(1000)
    .optional(),
  scope: z
    .strictObject({
      dataClasses: z.array(z.enum(dataClasses)).min(1),
      from: text(40).optional(),
      to: text(40).optional(),
    })
    .optional(),
  emergency: z.boolean().optional(),
  caption: text(500).optional(),
  notes: text(5000).optional(),
});
const moveNames = Object.keys(demandMoves) as [keyof typeof demandMoves, ...(keyof typeof demandMoves)[]];
const isClockMove = (move: DemandMove | DemandClockMove): move is DemandClockMove =>
  demandClockMoves.some((one) => one === move);

/** Legal demands. */
export function addDemands(api: Api, office: Office): void {
  api.add({
    method: 'post',
    path: '/demands',
    summary: 'Record a legal demand as it was served',
    tag: 'demands',
    access: 'demands.work',
    body: demandBody,
    answer: demandView,
    status: 201,
    handle: async ({ caller, body }) => {
      const receivedAt = instantAt(body.receivedAt, '/receivedAt');
      if (isRefusal(receivedAt)) return receivedAt;
      const dueAt = body.dueAt === undefined ? null : instantAt(body.dueAt, '/dueAt');
      if (isRefusal(dueAt)) return dueAt;
      const { requester, scope, issuer } = body;
      const demand = await receiveDemand(office, caller.actor, {
        type: body.type,
        channel: body.channel ?? 'api',
        receivedAt,
        dueAt,
        emergency: body.emergency ?? false,
        issuedAt: body.issuedAt ?? null,
        orderedPeriod: body.orderedPeriod ?? null,
        paper: {
          instrumentNumber: body.instrumentNumber ?? null,
          issuer: { name: issuer.name, country: issuer.country, court: issuer.court ?? null },
          requester: requester
            ? {
                name: requester.name ?? null,
                agency: requester.agency ?? null,
                role: requester.role ?? null,
                email: requester.email ?? null,
              }
            : null,
          targets: body.targets ?? [],
          scope: scope ? { dataClasses: scope.dataClasses, from: scope.from ?? null, to: scope.to ?? null } : null,
          caption: body.caption ?? null,
          notes: body.notes ?? null,
        },
      });
      return isRefusal(demand) ? demand : viewDemand(demand, demandClocks(office, demand, office.now()));
    },
  });

  api.add({
    method: 'get',
    path: '/demands',
    summary: 'Demands, newest first',
    tag: 'demands',
    access: 'demands.read',
    query: pageQuery,
    answer: pageOf(demandView),
    handle: async ({ query }) => {
      const page = toPage(query);
      return toList(page, await demandsPage(office, page), (demand) =>
        viewDemand(demand, demandClocks(office, demand, office.now())),
      );
    },
  });

  api.add({
    method: 'get',
    path: '/demands/{id}',
    summary: 'One demand and the moves it allows now',
    tag: 'demands',
    access: 'demands.read',
    params: idParams,
    answer: demandView,
    handle: async ({ params }) => {
      const demand = await lookUpDemand(office, params.id);
      return isRefusal(demand) ? demand : viewDemand(demand, demandClocks(office, demand, office.now()));
    },
  });

  api.add({
    method: 'post',
    path: '/demands/{id}/documents',
    summary: 'Keep a served paper exactly as received (multipart, field "file")',
    tag: 'demands',
    access: 'demands.work',
    params: idParams,
    multipart: true,
    answer: demandView,
    status: 201,
    handle: async ({ caller, params, c }) => {
      const file = await uploadedFile(c.req.raw);
      if (isRefusal(file)) return file;
      const demand = await attachDocument(office, caller.actor, params.id, {
        bytes: file.stream(),
        mediaType: mediaTypeOf(file.type),
      });
      return isRefusal(demand) ? demand : viewDemand(demand, demandClocks(office, demand, office.now()));
    },
  });

  api.add({
    method: 'post',
    path: '/demands/{id}/{move}',
    summary: 'Move a demand on; a move that is not allowed is 409 with the allowed ones',
    tag: 'demands',
    access: 'demands.work',
    params: idParams.extend({ move: z.enum([...moveNames, ...demandClockMoves]) }),
    body: z.strictObject({
      note: text(2000).optional(),
      by: z.enum(['issuer', 'court', 'agreement']).optional().openapi({ description: 'Of extend: who gave it.' }),
      newDueAt: text(60)
        .optional()
        .openapi({ description: 'Of extend: the new date as written, a day or an instant.' }),
    }),
    answer: demandView,
    handle: async ({ caller, params, body }) => {
      const { id, move } = params;
      const note = body.note ?? null;
      const demand = isClockMove(move)
        ? await moveClockOfDemand(office, caller.actor, id, {
            move,
            note,
            by: body.by ?? null,
            newDueAt: body.newDueAt ?? null,
          })
        : await moveDemand(office, caller.actor, id, move, note);
      return isRefusal(demand) ? demand : viewDemand(demand, demandClocks(office, demand, office.now()));
    },
  });
}

function instantAt(value: string, pointer: string): Temporal.Instant | Refusal {
  const parsed = parseInstant(value);
  return isRefusal(parsed)
    ? refuse('invalid', parsed.detail, {}, [{ pointer, code: 'time_invalid', detail: parsed.detail }])
    : parsed;
}

/** The one file of a multipart body. */
export async function uploadedFile(request: Request): Promise<File | Refusal> {
  const form = await request.formData().catch(() => null);
  const file = form?.get('file');
  return file instanceof File
    ? file
    : refuse('invalid', 'Send multipart/form-data with one file in the field "file". Nothing was changed.', {}, [
        { pointer: '/file', code: 'required', detail: 'The file itself.' },
      ]);
}

/** A media type as claimed, if it is shaped like one; it is kept as a label and never trusted. */
function mediaTypeOf(claimed: string): string {
  return /^[a-z0-9.+-]+\/[a-z0-9.+-]+$/i.test(claimed) ? claimed.toLowerCase() : 'application/octet-stream';
}
