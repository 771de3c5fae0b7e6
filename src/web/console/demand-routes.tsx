import type { Context } from 'hono';
import { parseEndOfDay, parseLocalTime } from '../../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { type DemandMove, dataClasses, demandMoves, demandTypes } from '../../demands/demand.ts';
import { demandClocks } from '../../flows/demand-clocks.ts';
import { actorNames, demandsPage, lookUpDemand } from '../../flows/look-up.ts';
import { holdForDemand } from '../../flows/preserve-demand.ts';
import { attachDocument, type DemandOrder, moveDemand, receiveDemand } from '../../flows/receive-demand.ts';
import { type Html, textOf } from '../reply.ts';
import { DemandPage, DemandsPage, NewDemandPage } from './demands.tsx';
import type { Desk, Visit } from './routes.tsx';
import { valuesOf } from './scope-form.ts';

/** Demands in the console. */
export function addDemandPages({ app, office, allow, say, stepUpFor }: Desk): void {
  const { zone } = office.policy.organization;
  const page = async (c: Context, id: string, refusal: Refusal | null) => {
    const demand = await lookUpDemand(office, id);
    if (isRefusal(demand)) return say(c, 'Not found', demand, 404);
    const { frame } = c.get('visit') as Visit;
    return c.html(
      (
        <DemandPage
          frame={frame}
          demand={demand}
          clocks={demandClocks(office, demand, office.now()).clocks}
          names={await actorNames(office)}
          refusal={refusal}
        />
      ) as Html,
      refusal ? 409 : 200,
    );
  };
  app.get(
    '/demands',
    async (c) =>
      allow(c, 'demands.read') ??
      c.html(
        (
          <DemandsPage frame={c.get('visit').frame} demands={await demandsPage(office, { limit: 200, offset: 0 })} />
        ) as Html,
      ),
  );
  app.get(
    '/demands/new',
    async (c) =>
      allow(c, 'demands.work') ??
      c.html((<NewDemandPage frame={c.get('visit').frame} values={{}} refusal={null} />) as Html),
  );
  app.post('/demands/new', async (c) => {
    const refused = allow(c, 'demands.work');
    if (refused) return refused;
    const form = await c.req.formData();
    const order = readOrder(form, zone);
    const made = isRefusal(order) ? order : await receiveDemand(office, c.get('visit').caller.actor, order);
    if (!isRefusal(made)) return c.redirect(`/console/demands/${made.id}`, 303);
    return c.html((<NewDemandPage frame={c.get('visit').frame} values={valuesOf(form)} refusal={made} />) as Html, 422);
  });
  app.get('/demands/:id', async (c) => allow(c, 'demands.read') ?? page(c, c.req.param('id'), null));
  app.post('/demands/:id/documents', async (c) => {
    const refused = allow(c, 'demands.work');
    if (refused) return refused;
    const { id } = c.req.param();
    const file = (await c.req.formData()).get('file');
    if (!(file instanceof File)) return page(c, id, refuse('invalid', 'Choose the file first. Nothing was kept.'));
    const mediaType = /^[a-z0-9.+-]+\/[a-z0-9.+-]+$/i.test(file.type)
      ? file.type.toLowerCase()
      : 'application/octet-stream';
    const kept = await attachDocument(office, c.get('visit').caller.actor, id, { bytes: file.stream(), mediaType });
    return isRefusal(kept) ? page(c, id, kept) : c.redirect(`/console/demands/${id}`, 303);
  });
  app.post('/demands/:id/hold', async (c) => {
    // What the paper says goes into the hold: who may not work on demands does not copy it there.
    const refused = allow(c, 'holds.place') ?? allow(c, 'demands.work');
    if (refused) return refused;
    const { id } = c.req.param();
    const { actor } = c.get('visit').caller;
    const placed = await holdForDemand(office, actor, id);
    return isRefusal(placed) ? page(c, id, placed) : c.redirect(`/console/demands/${id}`, 303);
  });
  app.post('/demands/:id/:move', async (c) => {
    const { id, move } = c.req.param();
    const refused = allow(c, 'demands.work');
    if (refused) return refused;
    if (!(move in demandMoves)) return c.notFound();
    const note = textOf(await c.req.formData(), 'note').trim() || null;
    const done = await moveDemand(office, c.get('visit').caller.actor, id, move as DemandMove, note);
    if (!isRefusal(done)) return c.redirect(`/console/demands/${id}`, 303);
    return stepUpFor(c, done) ?? page(c, id, done);
  });
}

function readOrder(form: FormData, zone: string): DemandOrder | Refusal {
  const text = (name: string) => textOf(form, name).trim();
  const type = demandTypes.find((known) => known === text('type'));
  const country = text('issuerCountry').toUpperCase();
  const receivedAt = text('receivedAt') === '' ? null : parseLocalTime(text('receivedAt'), zone);
  const dueAt = text('dueAt') === '' ? null : parseEndOfDay(text('dueAt'), zone);
  const problems = [
    ...(type ? [] : [{ pointer: '/type', code: 'required', detail: 'Choose the instrument.' }]),
    ...(text('issuerName') ? [] : [{ pointer: '/issuerName', code: 'required', detail: 'Say who issued it.' }]),
    ...(/^[A-Z]{2}$/.test(country)
      ? []
      : [{ pointer: '/issuerCountry', code: 'invalid', detail: 'Two letters, such as US.' }]),
    ...(receivedAt ? [] : [{ pointer: '/receivedAt', code: 'required', detail: 'Say when it was received.' }]),
    ...(isRefusal(receivedAt) ? [{ pointer: '/receivedAt', code: receivedAt.code, detail: receivedAt.detail }] : []),
    ...(isRefusal(dueAt) ? [{ pointer: '/dueAt', code: dueAt.code, detail: dueAt.detail }] : []),
  ];
  if (!type || !receivedAt || isRefusal(receivedAt) || isRefusal(dueAt) || problems.length > 0)
    return refuse('invalid', 'Something is missing. Nothing was recorded.', {}, problems);
  const classes = dataClasses.filter((dataClass) => text(`class-${dataClass}`) === 'yes');
  return {
    type,
    channel: 'console',
    receivedAt,
    dueAt,
    emergency: text('emergency') === 'yes',
    issuedAt: text('issuedAt') || null,
    orderedPeriod: text('orderedPeriod') || null,
    paper: {
      instrumentNumber: text('instrumentNumber') || null,
      issuer: { name: text('issuerName'), country, court: text('issuerCourt') || null },
      requester:
        text('requesterName') || text('requesterAgency')
          ? { name: text('requesterName') || null, agency: text('requesterAgency') || null, role: null, email: null }
          : null,
      targets: text('targets')
        .split(/[\n,;]/)
        .map((value) => value.trim())
        .filter((value) => value !== '')
        .map((value) => ({ kind: value.includes('@') ? 'email' : 'phone', value })),
      scope: classes.length > 0 ? { dataClasses: classes, from: text('from') || null, to: text('to') || null } : null,
      caption: null,
      notes: null,
    },
  };
}
