import type { Context } from 'hono';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { type ExportPurpose, exportFormats, exportPurposes } from '../../evidence/export.ts';
import { conversationKey } from '../../evidence/record-view.ts';
import { approveExport } from '../../flows/approve-export.ts';
import { exportFor, exportsFor } from '../../flows/export-access.ts';
import { actorNames } from '../../flows/look-up.ts';
import { readPackage } from '../../flows/read-package.ts';
import { requestExport } from '../../flows/request-export.ts';
import { allDatasets } from '../../policy/data-map.ts';
import { downloadReply, type Html, textOf } from '../reply.ts';
import { ApproveExportPage } from './approvals.tsx';
import { ExportPage, ExportsPage, NewExportPage } from './exports.tsx';
import type { Desk, Visit } from './routes.tsx';
import { scopeOf, valuesOf } from './scope-form.ts';

/** Exports in the console. */
export function addExportPages({ app, office, allow, say, stepUpFor }: Desk): void {
  const datasets = allDatasets(office.policy.dataMap).flatMap(({ id, kind }) => (kind === 'table' ? [id] : []));
  const page = async (c: Context, id: string, refusal: Refusal | null) => {
    const wanted = await exportFor(office, (c.get('visit') as Visit).caller.actor, id);
    if (isRefusal(wanted)) return say(c, 'Not found', wanted, 404);
    const { frame } = c.get('visit') as Visit;
    return c.html(
      (<ExportPage frame={frame} wanted={wanted} names={await actorNames(office)} refusal={refusal} />) as Html,
      refusal ? 409 : 200,
    );
  };
  app.get(
    '/exports',
    async (c) =>
      allow(c, 'exports.read') ??
      c.html(
        (
          <ExportsPage
            frame={c.get('visit').frame}
            exports={await exportsFor(office, c.get('visit').caller.actor, { limit: 200, offset: 0 })}
          />
        ) as Html,
      ),
  );
  app.get(
    '/exports/new',
    async (c) =>
      allow(c, 'exports.work') ??
      c.html(
        (
          <NewExportPage
            frame={c.get('visit').frame}
            values={{ demandId: c.req.query('demandId') ?? '' }}
            refusal={null}
            datasets={datasets}
          />
        ) as Html,
      ),
  );
  app.post('/exports/new', async (c) => {
    const refused = allow(c, 'exports.work');
    if (refused) return refused;
    const form = await c.req.formData();
    const made = await requestExport(office, c.get('visit').caller.actor, {
      purpose:
        exportPurposes.find((known): known is ExportPurpose => known === textOf(form, 'purpose')) ?? 'certified_export',
      demandId: textOf(form, 'demandId') || null,
      requestId: null,
      matter: textOf(form, 'matter').trim() || null,
      scope: scopeOf(form, conversationKey(office.policy.dataMap)),
      formats: exportFormats.filter((format) => textOf(form, `format-${format}`) === 'yes'),
      timezone: textOf(form, 'timezone').trim() || null,
    });
    if (!isRefusal(made)) return c.redirect(`/console/exports/${made.id}`, 303);
    return c.html(
      (
        <NewExportPage frame={c.get('visit').frame} values={valuesOf(form)} refusal={made} datasets={datasets} />
      ) as Html,
      422,
    );
  });
  app.get('/exports/:id', async (c) => allow(c, 'exports.read') ?? page(c, c.req.param('id'), null));
  app.get('/exports/:id/approve', async (c) => {
    const { id } = c.req.param();
    const refused = allow(c, 'exports.approve');
    if (refused) return refused;
    const wanted = await exportFor(office, (c.get('visit') as Visit).caller.actor, id);
    if (isRefusal(wanted)) return say(c, 'Not found', wanted, 404);
    // What waits for nobody has nothing to approve; the answer to a request is approved with its request.
    if (wanted.state !== 'awaiting_approval' || wanted.requestId !== null)
      return c.redirect(`/console/exports/${id}`, 303);
    const { frame } = c.get('visit');
    return c.html((<ApproveExportPage frame={frame} wanted={wanted} names={await actorNames(office)} />) as Html);
  });
  app.post('/exports/:id/approve', async (c) => {
    const refused = allow(c, 'exports.approve');
    if (refused) return refused;
    const { id } = c.req.param();
    const { caller } = c.get('visit');
    const done = caller.presence
      ? await approveExport(office, caller.actor, caller.presence, id)
      : refuse('step_up_needed', 'Confirm that it is you before you approve this export.');
    if (!isRefusal(done)) return c.redirect(`/console/exports/${id}`, 303);
    return stepUpFor(c, done) ?? page(c, id, done);
  });
  app.get('/exports/:id/package', async (c) => {
    const refused = allow(c, 'exports.download');
    if (refused) return refused;
    const download = await readPackage(office, c.get('visit').caller.actor, c.req.param('id'));
    return isRefusal(download) ? page(c, c.req.param('id'), download) : downloadReply(c, download);
  });
}
