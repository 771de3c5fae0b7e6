import { z } from '@hono/zod-openapi';
import { formatInstant } from '../core/instants.ts';
import { isRefusal } from '../core/refusal.ts';
import type { Hold } from '../disposition/hold.ts';
import type { Matter } from '../disposition/matter.ts';
import { closeMatter, lookUpMatter, mattersPage, openMatter, reopenMatter } from '../flows/matters.ts';
import type { Office } from '../flows/office.ts';
import type { Api } from './endpoint.ts';
import { idParams, pageQuery, toList, toPage } from './page.ts';
import { holdView, instant, pageOf, viewHold } from './views.ts';

const matterView = z
  .object({
    id: z.string(),
    reference: z.string(),
    name: z.string(),
    docket: z.string().nullable(),
    state: z.enum(['open', 'closed']),
    openedAt: instant,
    openedBy: z.string(),
    closedAt: instant.nullable(),
    closedBy: z.string().nullable(),
  })
  .openapi('Matter');

const wholeMatterView = matterView.extend({ holds: z.array(holdView) }).openapi('MatterWithHolds');

function viewMatter(matter: Matter): z.input<typeof matterView> {
  return {
    id: matter.id,
    reference: matter.reference,
    name: matter.name.reveal(),
    docket: matter.docket.reveal(),
    state: matter.state,
    openedAt: formatInstant(matter.openedAt),
    openedBy: matter.openedBy,
    closedAt: matter.closedAt && formatInstant(matter.closedAt),
    closedBy: matter.closedBy,
  };
}

const whole = ({ matter, holds }: { readonly matter: Matter; readonly holds: readonly Hold[] }) => ({
  ...viewMatter(matter),
  holds: holds.map(viewHold),
});

/** Matters: what holds are placed for. */
export function addMatters(api: Api, office: Office): void {
  api.add({
    method: 'post',
    path: '/matters',
    summary: 'Open a matter',
    tag: 'holds',
    access: 'holds.place',
    body: z.strictObject({
      name: z.string().trim().min(1).max(300),
      docket: z.string().trim().min(1).max(200).optional().openapi({ description: 'The number a court gave it.' }),
    }),
    answer: matterView,
    status: 201,
    handle: async ({ caller, body }) => {
      const matter = await openMatter(office, caller.actor, { name: body.name, docket: body.docket ?? null });
      return isRefusal(matter) ? matter : viewMatter(matter);
    },
  });

  api.add({
    method: 'get',
    path: '/matters',
    summary: 'Matters, open ones first',
    tag: 'holds',
    access: 'holds.read',
    query: pageQuery,
    answer: pageOf(matterView),
    handle: async ({ query }) => {
      const page = toPage(query);
      return toList(page, await mattersPage(office, page), viewMatter);
    },
  });

  api.add({
    method: 'get',
    path: '/matters/{id}',
    summary: 'One matter with its holds',
    tag: 'holds',
    access: 'holds.read',
    params: idParams,
    answer: wholeMatterView,
    handle: async ({ params }) => {
      const found = await lookUpMatter(office, params.id);
      return isRefusal(found) ? found : whole(found);
    },
  });

  api.add({
    method: 'post',
    path: '/matters/{id}/close',
    summary: 'Close a matter: the release of its holds is asked for, and each waits for a second person',
    tag: 'holds',
    access: 'holds.place',
    params: idParams,
    answer: wholeMatterView.extend({
      kept: z
        .array(z.string())
        .openapi({ description: 'Holds that a legal demand keeps: their release was not asked for.' }),
    }),
    handle: async ({ caller, params }) => {
      const closed = await closeMatter(office, caller.actor, params.id);
      if (isRefusal(closed)) return closed;
      const found = await lookUpMatter(office, params.id);
      return isRefusal(found) ? found : { ...whole(found), kept: [...closed.kept] };
    },
  });

  api.add({
    method: 'post',
    path: '/matters/{id}/reopen',
    summary: 'Open a closed matter again; releases asked for stay asked for',
    tag: 'holds',
    access: 'holds.place',
    params: idParams,
    answer: matterView,
    handle: async ({ caller, params }) => {
      const matter = await reopenMatter(office, caller.actor, params.id);
      return isRefusal(matter) ? matter : viewMatter(matter);
    },
  });
}
