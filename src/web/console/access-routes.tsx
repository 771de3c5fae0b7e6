import type { Context } from 'hono';
import { roles } from '../../core/actor.ts';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { lendingMinutes, lendRole } from '../../flows/lend-role.ts';
import { actorNames, tokensPage } from '../../flows/look-up.ts';
import { returnRole } from '../../flows/return-role.ts';
import {
  decideAccess,
  lookUpReview,
  openReviewNow,
  reviewCsv,
  reviewRecord,
  reviewsPage,
  signReview,
} from '../../flows/review-access.ts';
import { lendingsPage, lookUpLending, reviewLending } from '../../flows/review-lending.ts';
import { lends } from '../../policy/roles.ts';
import { downloadReply, type Html, textOf } from '../reply.ts';
import { BreakGlassPage, LendingPage, ReviewPage, ReviewsPage, roleNamed } from './access.tsx';
import type { Desk, Visit } from './routes.tsx';

/** A role taken in an emergency, who looks at it afterwards, and the quarter's review of everybody's access. */
export function addAccessPages(desk: Desk): void {
  addBreakGlass(desk);
  addLendings(desk);
  addReviews(desk);
}

function addBreakGlass({ app, office, allow, say, stepUpFor }: Desk): void {
  const here = '/console/account/break-glass';
  const page = (c: Context, refusal: Refusal | null, values: Readonly<Record<string, string>>) => {
    const { frame } = c.get('visit') as Visit;
    const own = frame.session.person.role;
    const offers = roles
      .filter((role) => role !== own)
      .map((role) => ({ role, lends: lends(office.policy.roles, own, role) }))
      .filter((offer) => offer.lends.length > 0);
    return c.html(
      (
        <BreakGlassPage frame={frame} refusal={refusal} values={values} offers={offers} minutes={lendingMinutes} />
      ) as Html,
      refusal ? 422 : 200,
    );
  };
  app.get('/account/break-glass', (c) => allow(c, 'access.break_glass') ?? page(c, null, {}));
  app.post('/account/break-glass', async (c) => {
    const refused = allow(c, 'access.break_glass');
    if (refused) return refused;
    const form = await c.req.formData();
    const values = { role: textOf(form, 'role'), reason: textOf(form, 'reason'), minutes: textOf(form, 'minutes') };
    const role = roleNamed(values.role);
    const lent = role
      ? await lendRole(office, c.get('visit').caller.actor, {
          role,
          reason: values.reason,
          minutes: Number(values.minutes),
        })
      : refuse('invalid', 'There is no such role. No role was taken.');
    if (!isRefusal(lent)) return c.redirect('/console', 303);
    return stepUpFor(c, lent, here) ?? page(c, lent, values);
  });
  app.post('/account/break-glass/:id/end', async (c) => {
    const ended = await returnRole(office, c.get('visit').caller.actor, c.req.param('id'), false);
    return isRefusal(ended) ? say(c, 'Not found', ended, 404) : c.redirect('/console/account', 303);
  });
}

function addLendings({ app, office, allow, say, stepUpFor }: Desk): void {
  const mayReview = ({ frame }: Visit) => frame.may('alarms.work') || frame.may('people.manage');
  const page = async (c: Context, id: string, refusal: Refusal | null) => {
    const found = await lookUpLending(office, id);
    if (isRefusal(found)) return say(c, 'Not found', found, 404);
    const visit = c.get('visit') as Visit;
    return c.html(
      (
        <LendingPage
          frame={visit.frame}
          lending={found.lending}
          reason={found.reason.reveal()}
          done={found.done}
          names={await actorNames(office)}
          refusal={refusal}
          mayReview={mayReview(visit)}
        />
      ) as Html,
      refusal ? 409 : 200,
    );
  };
  app.get('/alarms/lent/:id', async (c) => allow(c, 'access.read') ?? page(c, c.req.param('id'), null));
  app.post('/alarms/lent/:id/:move{end|review}', async (c) => {
    const visit = c.get('visit');
    const refused = mayReview(visit) ? null : allow(c, 'alarms.work');
    if (refused) return refused;
    const { id, move } = c.req.param();
    const { actor } = visit.caller;
    const done = move === 'end' ? await returnRole(office, actor, id, true) : await reviewLending(office, actor, id);
    const at = `/console/alarms/lent/${id}`;
    if (!isRefusal(done)) return c.redirect(at, 303);
    return stepUpFor(c, done, at) ?? page(c, id, done);
  });
}

function addReviews({ app, office, allow, say, stepUpFor }: Desk): void {
  const here = '/console/settings/reviews';
  const list = async (c: Context, refusal: Refusal | null) =>
    c.html(
      (
        <ReviewsPage
          frame={(c.get('visit') as Visit).frame}
          reviews={await reviewsPage(office, { limit: 100, offset: 0 })}
          lendings={await lendingsPage(office, { limit: 100, offset: 0 })}
          names={await actorNames(office)}
          refusal={refusal}
        />
      ) as Html,
      refusal ? 409 : 200,
    );
  const page = async (c: Context, id: string, refusal: Refusal | null) => {
    const found = await lookUpReview(office, id);
    if (isRefusal(found)) return say(c, 'Not found', found, 404);
    return c.html(
      (
        <ReviewPage
          frame={(c.get('visit') as Visit).frame}
          {...found}
          names={await actorNames(office)}
          prefixes={new Map((await tokensPage(office)).map((token) => [token.id, token.prefix]))}
          refusal={refusal}
        />
      ) as Html,
      refusal ? 409 : 200,
    );
  };
  app.get('/settings/reviews', async (c) => allow(c, 'access.read') ?? list(c, null));
  app.post('/settings/reviews', async (c) => {
    const refused = allow(c, 'access.review');
    if (refused) return refused;
    const opened = await openReviewNow(office, c.get('visit').caller.actor);
    return isRefusal(opened) ? list(c, opened) : c.redirect(`${here}/${opened.id}`, 303);
  });
  app.get('/settings/reviews/:id', async (c) => allow(c, 'access.read') ?? page(c, c.req.param('id'), null));
  app.post('/settings/reviews/:id/decide', async (c) => {
    const refused = allow(c, 'access.review');
    if (refused) return refused;
    const id = c.req.param('id');
    const form = await c.req.formData();
    const choices = [...form.keys()]
      .filter((name) => name.startsWith('row:'))
      .map((name) => ({ row: name.slice('row:'.length), keep: textOf(form, name) !== 'remove' }));
    const decided = await decideAccess(office, c.get('visit').caller.actor, id, choices);
    if (!isRefusal(decided)) return c.redirect(`${here}/${id}`, 303);
    return stepUpFor(c, decided, `${here}/${id}`) ?? page(c, id, decided);
  });
  app.post('/settings/reviews/:id/sign', async (c) => {
    const refused = allow(c, 'access.review');
    if (refused) return refused;
    const id = c.req.param('id');
    const signed = await signReview(office, c.get('visit').caller.actor, id);
    if (!isRefusal(signed)) return c.redirect(`${here}/${id}`, 303);
    return stepUpFor(c, signed, `${here}/${id}`) ?? page(c, id, signed);
  });
  const download = async (c: Context, bytes: Uint8Array | Refusal, mediaType: string, fileName: string) =>
    isRefusal(bytes)
      ? say(c, 'Not found', bytes, 404)
      : downloadReply(c, {
          bytes: (async function* () {
            yield bytes;
          })(),
          mediaType,
          fileName,
          sizeBytes: bytes.length,
        });
  app.get('/settings/reviews/:id/table.csv', async (c) => {
    const refused = allow(c, 'access.read');
    const id = c.req.param('id');
    return refused ?? download(c, await reviewCsv(office, id), 'text/csv; charset=utf-8', `access-review-${id}.csv`);
  });
  app.get('/settings/reviews/:id/record.json', async (c) => {
    const refused = allow(c, 'access.read');
    const id = c.req.param('id');
    return refused ?? download(c, await reviewRecord(office, id), 'application/json', `access-review-${id}.json`);
  });
}
