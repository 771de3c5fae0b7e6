import { z } from '@hono/zod-openapi';
import { isRefusal } from '../core/refusal.ts';
import { readCertificate } from '../flows/certify-run.ts';
import { forecastRuns } from '../flows/forecast-runs.ts';
import { lookUpRun, purgeLog, runsPage } from '../flows/look-up.ts';
import { moveDispositionRun } from '../flows/move-run.ts';
import type { Office } from '../flows/office.ts';
import { planDisposition } from '../flows/plan-run.ts';
import type { Api } from './endpoint.ts';
import { idParams, pageQuery, toList, toPage } from './page.ts';
import { replyBytes } from './reply.ts';
import { batchView, pageOf, runView, viewBatch, viewRun } from './views.ts';

const forecastView = z
  .object({
    rule: z.string(),
    title: z.string(),
    act: z.enum(['destroy', 'mask']),
    dataset: z.string(),
    going: z.object({ today: z.int(), tomorrow: z.int(), thisMonth: z.int() }).nullable(),
    held: z.int(),
    problem: z.string().nullable(),
  })
  .openapi('Forecast');

/** Disposition runs. */
export function addRuns(api: Api, office: Office): void {
  api.add({
    method: 'post',
    path: '/disposition/runs',
    summary: 'Plan a run now; it starts, waits for approval, or is refused, and says which',
    tag: 'disposition',
    access: 'runs.start',
    body: z.strictObject({ rules: z.array(z.string().max(63)).max(100).optional(), dryRun: z.boolean().optional() }),
    answer: runView,
    status: 202,
    handle: async ({ caller, body }) => {
      const run = await planDisposition(office, caller.actor, {
        rules: body.rules ?? [],
        dryRun: body.dryRun ?? false,
      });
      return isRefusal(run) ? run : viewRun(run);
    },
  });

  api.add({
    method: 'get',
    path: '/disposition/runs',
    summary: 'Runs, newest first',
    tag: 'disposition',
    access: 'runs.read',
    query: pageQuery,
    answer: pageOf(runView),
    handle: async ({ query }) => {
      const page = toPage(query);
      return toList(page, await runsPage(office, page), viewRun);
    },
  });

  api.add({
    method: 'get',
    path: '/disposition/forecast',
    summary: 'What each rule would take today, by tomorrow and by the end of the month; counts, and changes nothing',
    tag: 'disposition',
    access: 'runs.read',
    answer: z.object({ items: z.array(forecastView) }),
    handle: async () => ({ items: [...(await forecastRuns(office))] }),
  });

  api.add({
    method: 'get',
    path: '/disposition/runs/{id}',
    summary: 'One run',
    tag: 'disposition',
    access: 'runs.read',
    params: idParams,
    answer: runView,
    handle: async ({ params }) => {
      const run = await lookUpRun(office, params.id);
      return isRefusal(run) ? run : viewRun(run);
    },
  });

  api.add({
    method: 'get',
    path: '/disposition/runs/{id}/batches',
    summary: 'The purge log of a run',
    tag: 'disposition',
    access: 'runs.read',
    params: idParams,
    answer: z.object({ items: z.array(batchView) }),
    handle: async ({ params }) => {
      const run = await lookUpRun(office, params.id);
      return isRefusal(run) ? run : { items: (await purgeLog(office, params.id)).map(viewBatch) };
    },
  });

  for (const form of ['json', 'pdf'] as const)
    api.add({
      method: 'get',
      path: `/disposition/runs/{id}/certificate.${form}`,
      summary: `The certificate of disposition (${form.toUpperCase()})`,
      tag: 'disposition',
      access: 'runs.read',
      params: idParams,
      answer: form === 'json' ? 'application/json' : 'application/pdf',
      handle: async ({ params, c }) => {
        const certificate = await readCertificate(office, params.id, form);
        return isRefusal(certificate) ? certificate : replyBytes(c, certificate);
      },
    });

  api.add({
    method: 'get',
    path: '/disposition/runs/{id}/certificate',
    summary: 'The certificate of disposition, as JSON under the seal',
    tag: 'disposition',
    access: 'runs.read',
    params: idParams,
    answer: 'application/json',
    handle: async ({ params, c }) => {
      const certificate = await readCertificate(office, params.id, 'json');
      return isRefusal(certificate) ? certificate : replyBytes(c, certificate);
    },
  });

  for (const move of ['approve', 'cancel', 'pause', 'resume'] as const)
    api.add({
      method: 'post',
      path: `/disposition/runs/{id}/${move}`,
      summary:
        move === 'approve'
          ? 'Approve a waiting run, as the second person'
          : `${move[0]?.toUpperCase()}${move.slice(1)} a run, between batches`,
      tag: 'disposition',
      access: move === 'approve' ? 'runs.approve' : 'runs.start',
      params: idParams,
      answer: runView,
      handle: async ({ caller, params }) => {
        const run = await moveDispositionRun(office, caller.actor, params.id, move);
        return isRefusal(run) ? run : viewRun(run);
      },
    });
}
