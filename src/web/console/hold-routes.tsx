import type { Context } from 'hono';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { conversationKey } from '../../evidence/record-view.ts';
import { actorNames, holdsPage, lookUpHold } from '../../flows/look-up.ts';
import { placeHold } from '../../flows/place-hold.ts';
import { compareNow, coveragePage } from '../../flows/reconcile-hold.ts';
import { approveRelease, requestRelease } from '../../flows/release-hold.ts';
import { keepHold, reviewHold } from '../../flows/review-hold.ts';
import { allDatasets } from '../../policy/data-map.ts';
import { type Html, textOf } from '../reply.ts';
import { ApproveReleasePage } from './approvals.tsx';
import { CoveragePage } from './coverage.tsx';
import { HoldPage, HoldsPage, NewHoldPage } from './holds.tsx';
import type { Desk, Visit } from './routes.tsx';
import { scopeOf, valuesOf } from './scope-form.ts';

/** A field of a form that may be left empty. */
const optional = (form: FormData, name: string): string | null => textOf(form, name).trim() || null;

/** Holds in the console. */
export function addHoldPages({ app, office, allow, say, stepUpFor }: Desk): void {
  const datasets = allDatasets(office.policy.dataMap).map(({ id }) => id);
  const page = async (c: Context, id: string, refusal: Refusal | null) => {
    const hold = await lookUpHold(office, id);
    if (isRefusal(hold)) return say(c, 'Not found', hold, 404);
    const { frame } = c.get('visit') as Visit;
    return c.html(
      (<HoldPage frame={frame} hold={hold} names={await actorNames(office)} refusal={refusal} />) as Html,
      refusal ? 409 : 200,
    );
  };
  app.get(
    '/holds',
    async (c) =>
      allow(c, 'holds.read') ??
      c.html(
        (<HoldsPage frame={c.get('visit').frame} holds={await holdsPage(office, { limit: 200, offset: 0 })} />) as Html,
      ),
  );
  app.get(
    '/holds/new',
    async (c) =>
      allow(c, 'holds.place') ??
      c.html(
        (
          <NewHoldPage
            frame={c.get('visit').frame}
            values={{ matter: c.req.query('matter') ?? '' }}
            refusal={null}
            datasets={datasets}
          />
        ) as Html,
      ),
  );
  app.post('/holds/new', async (c) => {
    const refused = allow(c, 'holds.place');
    if (refused) return refused;
    const form = await c.req.formData();
    const placed = await placeHold(office, c.get('visit').caller.actor, {
      matter: textOf(form, 'matter').trim() || 'Untitled matter',
      reason: textOf(form, 'reason').trim() || 'not stated',
      scope: scopeOf(form, conversationKey(office.policy.dataMap)),
      demandId: null,
      requestId: null,
      reviewOn: optional(form, 'reviewOn'),
    });
    if (!isRefusal(placed)) return c.redirect(`/console/holds/${placed.id}`, 303);
    return c.html(
      (
        <NewHoldPage frame={c.get('visit').frame} values={valuesOf(form)} refusal={placed} datasets={datasets} />
      ) as Html,
      422,
    );
  });
  app.get('/holds/:id', async (c) => allow(c, 'holds.read') ?? page(c, c.req.param('id'), null));
  app.get('/holds/:id/approve', async (c) => {
    const { id } = c.req.param();
    const refused = allow(c, 'holds.approve') ?? allow(c, 'holds.read');
    if (refused) return refused;
    const hold = await lookUpHold(office, id);
    if (isRefusal(hold)) return say(c, 'Not found', hold, 404);
    if (hold.state !== 'release_requested') return c.redirect(`/console/holds/${id}`, 303);
    const { frame } = c.get('visit');
    return c.html((<ApproveReleasePage frame={frame} hold={hold} names={await actorNames(office)} />) as Html);
  });
  const coverage = async (c: Context, id: string, refusal: Refusal | null) => {
    const found = await coveragePage(office, id);
    if (isRefusal(found)) return say(c, 'Not found', found, 404);
    const { frame } = c.get('visit') as Visit;
    return c.html((<CoveragePage frame={frame} {...found} refusal={refusal} />) as Html, refusal ? 409 : 200);
  };
  app.get('/holds/:id/coverage', async (c) => allow(c, 'holds.read') ?? coverage(c, c.req.param('id'), null));
  app.post('/holds/:id/reconcile', async (c) => {
    const refused = allow(c, 'holds.place');
    if (refused) return refused;
    const { id } = c.req.param();
    const compared = await compareNow(office, c.get('visit').caller.actor, id);
    return isRefusal(compared) ? coverage(c, id, compared) : c.redirect(`/console/holds/${id}/coverage`, 303);
  });
  app.post('/holds/:id/review', async (c) => {
    const refused = allow(c, 'holds.place');
    if (refused) return refused;
    const { id } = c.req.param();
    const form = await c.req.formData();
    const note = textOf(form, 'note').trim().slice(0, 2000);
    if (note === '') return page(c, id, refuse('invalid', 'Say why the hold is needed on. Nothing was changed.'));
    const reviewOn = optional(form, 'reviewOn');
    const done = await reviewHold(office, c.get('visit').caller.actor, id, { note, reviewOn });
    return isRefusal(done) ? page(c, id, done) : c.redirect(`/console/holds/${id}`, 303);
  });
  app.post('/holds/:id/:move{release|approve|keep}', async (c) => {
    const { id, move } = c.req.param();
    const refused = allow(c, move === 'approve' ? 'holds.approve' : 'holds.place');
    if (refused) return refused;
    const { actor } = c.get('visit').caller;
    const moves = { approve: approveRelease, keep: keepHold, release: requestRelease };
    const done = await moves[move as keyof typeof moves](office, actor, id);
    if (!isRefusal(done)) return c.redirect(`/console/holds/${id}`, 303);
    return stepUpFor(c, done) ?? page(c, id, done);
  });
}
