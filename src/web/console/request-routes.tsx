import type { Context } from 'hono';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { approveAccessPackage } from '../../flows/approve-request.ts';
import { closeRequest } from '../../flows/close-request.ts';
import { actorNames, lookUpRequest, requestsPage } from '../../flows/look-up.ts';
import {
  decideRequest,
  gatherAgain,
  moveRequestClock,
  reopenRequest,
  withdrawRequest,
} from '../../flows/move-request.ts';
import { sendCode } from '../../flows/verify-request.ts';
import { type Outcome, outcomes } from '../../requests/request.ts';
import { deadlineView } from '../portal/routes.tsx';
import { type Html, textOf } from '../reply.ts';
import { ApproveRequestPage } from './approvals.tsx';
import { RequestPage, RequestsPage } from './requests.tsx';
import type { Desk, Visit } from './routes.tsx';

/** Requests in the console. */
export function addRequestPages({ app, office, allow, say, stepUpFor }: Desk): void {
  const page = async (c: Context, id: string, refusal: Refusal | null) => {
    const request = await lookUpRequest(office, id);
    if (isRefusal(request)) return say(c, 'Not found', request, 404);
    const { frame } = c.get('visit') as Visit;
    return c.html(
      (
        <RequestPage
          frame={frame}
          request={request}
          deadline={deadlineView(office, request)}
          names={await actorNames(office)}
          now={office.now()}
          refusal={refusal}
        />
      ) as Html,
      refusal ? 409 : 200,
    );
  };

  app.get('/requests', async (c) => {
    const refused = allow(c, 'requests.read');
    if (refused) return refused;
    return c.html(
      (
        <RequestsPage
          frame={c.get('visit').frame}
          requests={await requestsPage(office, { limit: 200, offset: 0 })}
          now={office.now()}
        />
      ) as Html,
    );
  });
  app.get('/requests/:id', async (c) => allow(c, 'requests.read') ?? page(c, c.req.param('id'), null));
  app.get('/requests/:id/approve', async (c) => {
    const refused = allow(c, 'requests.approve');
    if (refused) return refused;
    const request = await lookUpRequest(office, c.req.param('id'));
    if (isRefusal(request)) return page(c, c.req.param('id'), null);
    return c.html(
      (
        <ApproveRequestPage
          frame={c.get('visit').frame}
          request={request}
          names={await actorNames(office)}
          refusal={null}
        />
      ) as Html,
    );
  });
  app.post('/requests/:id/:move', async (c) => {
    const { id, move } = c.req.param();
    const refused = allow(c, move === 'approve' ? 'requests.approve' : 'requests.work');
    if (refused) return refused;
    const { caller } = c.get('visit');
    const form = await c.req.formData();
    const reason = textOf(form, 'reason').trim() || null;
    const outcome = outcomes.find((known): known is Outcome => known === textOf(form, 'outcome'));
    const moves: Readonly<Record<string, () => Promise<unknown | Refusal>>> = {
      verify: () => sendCode(office, caller.actor, id),
      gather: () => gatherAgain(office, caller.actor, id),
      decide: async () =>
        outcome
          ? decideRequest(office, caller.actor, id, { outcome, reason })
          : refuse('invalid', 'Choose an outcome. Nothing was decided.'),
      approve: () => approveAccessPackage(office, caller, id, textOf(form, 'decidedAt') || null),
      extend: () => moveRequestClock(office, caller.actor, id, { move: 'extend', reason, basis: null, event: null }),
      withdraw: () => withdrawRequest(office, caller.actor, id),
      reopen: () => reopenRequest(office, caller.actor, id),
      close: () => closeRequest(office, caller.actor, id),
    };
    const run = moves[move];
    if (!run) return c.notFound();
    const done = await run();
    if (!isRefusal(done)) return c.redirect(`/console/requests/${id}`, 303);
    return stepUpFor(c, done) ?? page(c, id, done);
  });
}
