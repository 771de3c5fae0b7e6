import type { Context } from 'hono';
import { isRefusal, type Refusal } from '../../core/refusal.ts';
import type { Run } from '../../disposition/run.ts';
import { readCertificate } from '../../flows/certify-run.ts';
import { forecastRuns } from '../../flows/forecast-runs.ts';
import { actorNames, holdsPage, lookUpRun, purgeLog, runsPage } from '../../flows/look-up.ts';
import { moveDispositionRun, type RunMove } from '../../flows/move-run.ts';
import type { Office } from '../../flows/office.ts';
import { planDisposition } from '../../flows/plan-run.ts';
import { mayBegin, paceInWords } from '../../policy/pace.ts';
import { downloadReply, type Html, textOf } from '../reply.ts';
import { ApproveRunPage } from './approvals.tsx';
import { ForecastPage, RetentionConsolePage, RunPage } from './retention.tsx';
import type { Desk, Visit } from './routes.tsx';

/** Retention in the console. */
export function addRetentionPages({ app, office, options, allow, say, stepUpFor }: Desk): void {
  const list = async (c: Context, refusal: Refusal | null) =>
    c.html(
      (
        <RetentionConsolePage
          frame={(c.get('visit') as Visit).frame}
          retention={office.policy.retention}
          nextBell={options.nextBell}
          runs={await runsPage(office, { limit: 100, offset: 0 })}
          refusal={refusal}
        />
      ) as Html,
      refusal ? 409 : 200,
    );
  const page = async (c: Context, id: string, refusal: Refusal | null) => {
    const run = await lookUpRun(office, id);
    if (isRefusal(run)) return say(c, 'Not found', run, 404);
    const { frame } = c.get('visit') as Visit;
    // A matter says who quarrels with whom: without holds.read a hold is its id.
    const holds = frame.may('holds.read') ? await holdsPage(office, { limit: 200, offset: 0 }) : [];
    const matters = new Map(holds.map((hold) => [hold.id, hold.matter.reveal()]));
    return c.html(
      (
        <RunPage
          frame={frame}
          run={run}
          batches={await purgeLog(office, id)}
          names={await actorNames(office)}
          matters={matters}
          pace={paceOf(office, run)}
          refusal={refusal}
        />
      ) as Html,
      refusal ? 409 : 200,
    );
  };
  app.get('/retention', async (c) => allow(c, 'runs.read') ?? list(c, null));
  app.post('/retention/runs', async (c) => {
    const refused = allow(c, 'runs.start');
    if (refused) return refused;
    const form = await c.req.formData();
    const run = await planDisposition(office, c.get('visit').caller.actor, {
      rules: [],
      dryRun: textOf(form, 'dryRun') === 'true',
    });
    return isRefusal(run) ? list(c, run) : c.redirect(`/console/retention/${run.id}`, 303);
  });
  app.get('/retention/forecast', async (c) => {
    const refused = allow(c, 'runs.read');
    if (refused) return refused;
    const { frame } = c.get('visit') as Visit;
    return c.html((<ForecastPage frame={frame} forecasts={await forecastRuns(office)} />) as Html);
  });
  app.get('/retention/:id', async (c) => allow(c, 'runs.read') ?? page(c, c.req.param('id'), null));
  for (const form of ['pdf', 'json'] as const)
    app.get(`/retention/:id/certificate.${form}`, async (c) => {
      const refused = allow(c, 'runs.read');
      if (refused) return refused;
      const id = c.req.param('id') ?? '';
      const certificate = await readCertificate(office, id, form);
      return isRefusal(certificate) ? page(c, id, certificate) : downloadReply(c, certificate);
    });
  app.get('/retention/:id/approve', async (c) => {
    const { id } = c.req.param();
    const refused = allow(c, 'runs.approve');
    if (refused) return refused;
    const run = await lookUpRun(office, id);
    if (isRefusal(run)) return say(c, 'Not found', run, 404);
    if (run.state !== 'awaiting_approval') return c.redirect(`/console/retention/${id}`, 303);
    const { frame } = c.get('visit');
    return c.html((<ApproveRunPage frame={frame} run={run} names={await actorNames(office)} />) as Html);
  });
  app.post('/retention/:id/:move{approve|cancel|pause|resume}', async (c) => {
    const { id } = c.req.param();
    const move = c.req.param('move') as RunMove;
    const refused = allow(c, move === 'approve' ? 'runs.approve' : 'runs.start');
    if (refused) return refused;
    const done = await moveDispositionRun(office, c.get('visit').caller.actor, id, move);
    if (!isRefusal(done)) return c.redirect(`/console/retention/${id}`, 303);
    return stepUpFor(c, done) ?? page(c, id, done);
  });
}

/** What holds a run back by its own rules, a sentence a rule. */
function paceOf(office: Office, run: Run): readonly string[] {
  return [...new Set(run.parts.map(({ rule }) => rule))].flatMap((id) => {
    const rule = office.policy.retention[id];
    const words = rule ? paceInWords(rule.pace) : '';
    if (!rule || words === '') return [];
    const waits = mayBegin(rule.pace, rule.zone, office.now()) ? '' : ' It waits for that now.';
    return [`Rule ${id} works ${words} (${rule.zone}).${waits}`];
  });
}
