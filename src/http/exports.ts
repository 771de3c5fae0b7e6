import { z } from '@hono/zod-openapi';
import { isRefusal, refuse } from '../core/refusal.ts';
import { exportFormats, exportPurposes } from '../evidence/export.ts';
import { approveExport } from '../flows/approve-export.ts';
import { exportFor, exportsFor } from '../flows/export-access.ts';
import type { Office } from '../flows/office.ts';
import { readPackage } from '../flows/read-package.ts';
import { requestExport } from '../flows/request-export.ts';
import { holdScopeSchema } from '../policy/hold.ts';
import type { Api } from './endpoint.ts';
import { idParams, idText, pageQuery, toList, toPage } from './page.ts';
import { replyBytes } from './reply.ts';
import { exportView, pageOf, viewExport } from './views.ts';

/** Evidence exports. */
export function addExports(api: Api, office: Office): void {
  api.add({
    method: 'post',
    path: '/exports',
    summary: 'Prepare an export; it is collected and rendered before anybody approves',
    tag: 'exports',
    access: 'exports.work',
    body: z.strictObject({
      purpose: z.enum(exportPurposes),
      demandId: idText.optional(),
      matter: z.string().min(1).max(300).optional(),
      scope: holdScopeSchema,
      formats: z.array(z.enum(exportFormats)).min(1).optional(),
      timezone: z.string().min(1).max(60).optional(),
    }),
    answer: exportView,
    status: 202,
    handle: async ({ caller, body }) => {
      const made = await requestExport(office, caller.actor, {
        purpose: body.purpose,
        demandId: body.demandId ?? null,
        requestId: null,
        matter: body.matter ?? null,
        scope: body.scope,
        formats: body.formats ?? [],
        timezone: body.timezone ?? null,
      });
      return isRefusal(made) ? made : viewExport(made);
    },
  });

  api.add({
    method: 'get',
    path: '/exports',
    summary: 'Exports, newest first',
    tag: 'exports',
    access: 'exports.read',
    query: pageQuery,
    answer: pageOf(exportView),
    handle: async ({ caller, query }) => {
      const page = toPage(query);
      return toList(page, await exportsFor(office, caller.actor, page), viewExport);
    },
  });

  api.add({
    method: 'get',
    path: '/exports/{id}',
    summary: 'One export',
    tag: 'exports',
    access: 'exports.read',
    params: idParams,
    answer: exportView,
    handle: async ({ caller, params }) => {
      const found = await exportFor(office, caller.actor, params.id);
      return isRefusal(found) ? found : viewExport(found);
    },
  });

  api.add({
    method: 'post',
    path: '/exports/{id}/submit',
    summary: 'Submit a reviewed export for approval',
    tag: 'exports',
    access: 'exports.work',
    params: idParams,
    answer: exportView,
    handle: async ({ caller, params }) => {
      const found = await exportFor(office, caller.actor, params.id, 'work');
      if (isRefusal(found)) return found;
      return refuse(
        'move_not_allowed',
        `The export is ${found.state.replace('_', ' ')}: there was nothing to review, so it goes to approval by itself.`,
        { state: found.state },
      );
    },
  });

  api.add({
    method: 'post',
    path: '/exports/{id}/approve',
    summary: 'Approve with your own signature over the manifest, as the second person; the seal follows',
    tag: 'exports',
    access: 'exports.approve',
    params: idParams,
    answer: exportView,
    handle: async ({ caller, params }) => {
      if (!caller.presence) return approvalMissing(caller.actor.kind);
      const approved = await approveExport(office, caller.actor, caller.presence, params.id);
      return isRefusal(approved) ? approved : viewExport(approved);
    },
  });

  api.add({
    method: 'get',
    path: '/exports/{id}/package',
    summary: 'The sealed package (ZIP)',
    tag: 'exports',
    access: 'exports.download',
    params: idParams,
    answer: 'application/zip',
    handle: async ({ caller, params, c }) => {
      const download = await readPackage(office, caller.actor, params.id);
      return isRefusal(download) ? download : replyBytes(c, download);
    },
  });
}

function approvalMissing(kind: string) {
  return kind === 'token'
    ? refuse(
        'approval_not_allowed',
        'This token may not approve. Use one made with --can-approve, or approve in the console; nothing was approved.',
      )
    : refuse('step_up_needed', 'Confirm that it is you before you approve; nothing was approved.');
}
