import { type Context, Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { Actor } from '../../core/actor.ts';
import { httpDate } from '../../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { countDemands } from '../../flows/count-demands.ts';
import { acknowledge, lookUpCustodianLink } from '../../flows/custodians.ts';
import { deadlineOf } from '../../flows/deadline.ts';
import { type Limit, limitTries, publicLimits } from '../../flows/limit-tries.ts';
import type { Office } from '../../flows/office.ts';
import { lookUpPackageLink, openPackageLink, readOwnPackage } from '../../flows/open-package.ts';
import { receiveRequest } from '../../flows/receive-request.ts';
import { askForStatus, confirmCode, endVisit, requestOfSession } from '../../flows/verify-request.ts';
import { type Verified, verifyUpload } from '../../flows/verify-upload.ts';
import { packageIsOut, type RequestType, requestTypes, type SubjectRequest } from '../../requests/request.ts';
import type { DeadlineView } from '../components/deadline-steps.tsx';
import { downloadReply, type Html, textOf } from '../reply.ts';
import { CustodianLink, CustodianThanks } from './custodian.tsx';
import { LegalPage, RetentionPage, TransparencyPage, VerifyPage } from './public.tsx';
import { RequestForm, RequestReceived } from './request.tsx';
import { PackageLink, PortalMessage, StatusCode, StatusForm, StatusPage } from './status.tsx';

const requester: Actor = { id: 'requester', kind: 'requester', role: null, approval: null };
const maxUploadBytes = 60 * 1024 * 1024;

/** Pages for the public. */
export function portalRoutes(office: Office, networkOf: (c: Context) => string | null): Hono {
  const app = new Hono();
  const { organization, retention, digest } = office.policy;
  const secure = office.publicUrl.startsWith('https:');
  // With the prefix no sibling host can set it, and so nobody can put a visitor into a visit of their own.
  const cookie = secure ? '__Host-muniment_visit' : 'muniment_visit';

  // What is one person's: kept by no cache, found by no search engine.
  for (const path of ['/status', '/status/*', '/package/*', '/custodian/*'])
    app.use(path, async (c, next) => {
      await next();
      c.header('Cache-Control', 'private, no-store');
      c.header('X-Robots-Tag', 'noindex');
    });
  app.get('/', (c) => c.html((<RequestForm organization={organization} values={{}} refusal={null} />) as Html));
  /** After too many tries: said in plain words, with the time from which it is possible again. */
  const limited = async (c: Context, limits: readonly Limit[]) => {
    const refused = await limitTries(office, limits);
    if (!refused) return null;
    const { retryAt } = refused.facts;
    if (typeof retryAt === 'string') c.header('Retry-After', httpDate(retryAt));
    return c.html(
      (<PortalMessage organization={organization} title="That was too often" refusal={refused} />) as Html,
      429,
    );
  };
  app.post('/', async (c) => {
    const form = await c.req.formData();
    const values = {
      type: textOf(form, 'type'),
      email: textOf(form, 'email').trim(),
      name: textOf(form, 'name').trim(),
      details: textOf(form, 'details').trim(),
    };
    const tooOften = await limited(c, publicLimits.request(networkOf(c), values.email));
    if (tooOften) return tooOften;
    const made = await receive(office, values);
    return isRefusal(made)
      ? c.html((<RequestForm organization={organization} values={values} refusal={made} />) as Html, 422)
      : c.html((<RequestReceived organization={organization} request={made} />) as Html, 201);
  });

  app.get('/status', async (c) => {
    const secret = getCookie(c, cookie);
    const request = secret && !c.req.query('reference') ? await requestOfSession(office, secret) : null;
    if (request && !isRefusal(request)) return c.html(statusPage(office, request) as Html);
    return c.html((<StatusForm organization={organization} reference={c.req.query('reference') ?? ''} />) as Html);
  });
  app.post('/status', async (c) => {
    const form = await c.req.formData();
    const reference = textOf(form, 'reference').trim().toUpperCase();
    const tooOften = await limited(c, publicLimits.askForCode(networkOf(c), reference, textOf(form, 'email')));
    if (tooOften) return tooOften;
    await askForStatus(office, requester, reference, textOf(form, 'email'));
    return c.html((<StatusCode organization={organization} reference={reference} refusal={null} />) as Html);
  });
  app.post('/status/code', async (c) => {
    const form = await c.req.formData();
    const reference = textOf(form, 'reference').trim().toUpperCase();
    const tooOften = await limited(c, publicLimits.giveCode(networkOf(c)));
    if (tooOften) return tooOften;
    const confirmed = await confirmCode(office, requester, reference, textOf(form, 'code'));
    if (isRefusal(confirmed))
      return c.html(
        (<StatusCode organization={organization} reference={reference} refusal={confirmed} />) as Html,
        403,
      );
    setCookie(c, cookie, confirmed.session, { httpOnly: true, sameSite: 'Lax', secure, path: '/', maxAge: 30 * 60 });
    return c.redirect('/status', 303);
  });
  app.get('/status/package', async (c) => {
    const download = await readOwnPackage(office, getCookie(c, cookie) ?? '');
    if (isRefusal(download)) return message(office, c, 'Your data', download);
    return downloadReply(c, download);
  });
  app.post('/status/leave', async (c) => {
    await endVisit(office, getCookie(c, cookie) ?? '');
    deleteCookie(c, cookie, { httpOnly: true, sameSite: 'Lax', secure, path: '/' });
    return c.redirect('/status', 303);
  });

  app.get('/package/:secret', async (c) => {
    const secret = c.req.param('secret');
    const request = await lookUpPackageLink(office, secret);
    if (isRefusal(request)) return message(office, c, 'This link has run out', request);
    return c.html((<PackageLink organization={organization} secret={secret} />) as Html);
  });
  app.post('/package/:secret', async (c) => {
    const tooOften = await limited(c, publicLimits.openLink(networkOf(c), c.req.param('secret')));
    if (tooOften) return tooOften;
    const request = await openPackageLink(office, requester, c.req.param('secret'));
    if (isRefusal(request)) return message(office, c, 'This link has run out', request);
    return c.html((<StatusCode organization={organization} reference={request.reference} refusal={null} />) as Html);
  });

  app.get('/custodian/:secret', async (c) => {
    const secret = c.req.param('secret');
    const found = await lookUpCustodianLink(office, secret);
    if (isRefusal(found)) return message(office, c, 'This link has run out', found);
    return c.html((<CustodianLink organization={organization} {...found} secret={secret} />) as Html);
  });
  app.post('/custodian/:secret', async (c) => {
    const tooOften = await limited(c, publicLimits.openLink(networkOf(c), c.req.param('secret')));
    if (tooOften) return tooOften;
    const done = await acknowledge(office, c.req.param('secret'));
    if (isRefusal(done)) return message(office, c, 'This link has run out', done);
    return c.html((<CustodianThanks organization={organization} />) as Html);
  });

  app.get('/retention', (c) =>
    c.html((<RetentionPage organization={organization} retention={retention} digest={digest} />) as Html),
  );
  app.get('/legal', (c) => c.html((<LegalPage organization={organization} />) as Html));
  app.get('/transparency', async (c) =>
    c.html((<TransparencyPage organization={organization} rows={await countDemands(office)} />) as Html),
  );

  const verifyPage = (refusal: Refusal | null, result: Verified | null) => (
    <VerifyPage organization={organization} publicUrl={office.publicUrl} refusal={refusal} result={result} />
  );
  app.get('/verify', (c) => c.html(verifyPage(null, null) as Html));
  app.post('/verify', async (c) => {
    const network = networkOf(c);
    const tooOften = await limited(c, publicLimits.verify(network));
    if (tooOften) return tooOften;
    const verified = await verifyUpload(office, network, async () => {
      const file = (await c.req.formData()).get('file');
      if (!(file instanceof File) || file.size === 0) return refuse('invalid', 'Choose a package first.');
      return file.size > maxUploadBytes
        ? refuse('too_large', 'This package is larger than 60 MB. Use the verify command; it reads any size.')
        : new Uint8Array(await file.arrayBuffer());
    });
    if (!isRefusal(verified)) return c.html(verifyPage(null, verified) as Html);
    const status = verified.code === 'invalid' ? 422 : verified.code === 'too_large' ? 413 : 503;
    return c.html(verifyPage(verified, null) as Html, status);
  });
  return app;
}

/** Without what mail takes as quotes, brackets, lists or nothing at all: each would be one more spelling of one mailbox. */
const plainAddress = /^[^\s@"<>()[\],;:\\\p{Cc}\p{Cf}]+@[^\s@"<>()[\],;:\\\p{Cc}\p{Cf}]+$/u;

async function receive(
  office: Office,
  values: { type: string; email: string; name: string; details: string },
): Promise<SubjectRequest | Refusal> {
  const type = requestTypes.find((known): known is RequestType => known === values.type);
  const problems = [
    ...(type ? [] : [{ pointer: '/type', code: 'required', detail: 'Choose what you would like.' }]),
    ...(plainAddress.test(values.email) && values.email.length <= 320
      ? []
      : [{ pointer: '/email', code: 'invalid', detail: 'Write an address such as name@example.com.' }]),
    ...(values.name.length <= 300 ? [] : [{ pointer: '/name', code: 'too_long', detail: 'At most 300 characters.' }]),
    ...(values.details.length <= 10_000
      ? []
      : [{ pointer: '/details', code: 'too_long', detail: 'At most 10,000 characters.' }]),
  ];
  if (!type || problems.length > 0)
    return refuse('invalid', 'Something is missing. Nothing was sent yet.', {}, problems);
  // NUL and half characters cannot be stored; nobody types them on purpose.
  const clean = (text: string) => text.toWellFormed().replaceAll('\u0000', '');
  return receiveRequest(office, requester, {
    type,
    regime: null,
    channel: 'portal',
    receivedAt: null,
    subject: { name: clean(values.name) || null, identifiers: [{ kind: 'email', value: clean(values.email) }] },
    details: clean(values.details) || null,
  });
}

/** A deadline's explanation for a page, or null where the rule book has none. */
export function deadlineView(office: Office, request: SubjectRequest): DeadlineView | null {
  const found = deadlineOf(office, request);
  return isRefusal(found) ? null : found.explanation;
}

function statusPage(office: Office, request: SubjectRequest) {
  return (
    <StatusPage
      organization={office.policy.organization}
      request={request}
      deadline={deadlineView(office, request)}
      now={office.now()}
      packageReady={packageIsOut(request)}
    />
  );
}

function message(office: Office, c: Context, title: string, refusal: Refusal) {
  return c.html(
    (<PortalMessage organization={office.policy.organization} title={title} refusal={refusal} />) as Html,
    refusal.code === 'link_expired' ? 410 : refusal.code === 'too_many_attempts' ? 429 : 403,
  );
}
