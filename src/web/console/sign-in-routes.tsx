import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { Session } from '../../core/actor.ts';
import { isRefusal, type Refusal } from '../../core/refusal.ts';
import { addPasskey, beginApp, finishApp } from '../../flows/change-factors.ts';
import { acceptInvitation, lookUpInvitation } from '../../flows/create-actor.ts';
import { beginByCompany, companyMinutes, finishByCompany } from '../../flows/enter-company.ts';
import {
  askForPasskey,
  emailOf,
  enterByPassword,
  giveCode,
  knownDevice,
  nextFactor,
  usePasskey,
  type Visitor,
} from '../../flows/enter-staff.ts';
import type { Office } from '../../flows/office.ts';
import { signOut } from '../../flows/return-role.ts';
import { PortalMessage } from '../portal/status.tsx';
import { type Html, textOf } from '../reply.ts';
import type { ConsoleApp, ConsoleOptions } from './routes.tsx';
import {
  InvitationPage,
  PasskeySignInPage,
  RecoveryCodesPage,
  ScanPage,
  SecondFactorPage,
  SetUpFactorPage,
  SignInPage,
  StepUpPage,
} from './sign-in.tsx';

/** Only a path of our own: never a way to somewhere else. */
function safeNext(next: string): string {
  return /^\/console(\/[\w./-]*)?$/.test(next) && !next.includes('..') ? next : '/console';
}

type Person = Session['person'];
const deviceDays = 400;

/** Who knocks, from where, and on which device. */
export function visitorOf(c: Context, options: ConsoleOptions, office: Office): Visitor {
  const device = getCookie(c, 'muniment.device', office.publicUrl.startsWith('https:') ? 'host' : undefined);
  return { headers: c.req.raw.headers, network: options.networkOf(c), device: device ?? null };
}

/** The ways by which somebody can prove themselves now. Asking for a passkey sets a cookie with the challenge. */
async function waysOf(c: Context, office: Office, person: Person) {
  const factors = await nextFactor(office, person.id);
  const request = factors.passkeys.length > 0 ? await office.signIn.passkeyRequest(c.req.raw.headers) : null;
  setCookies(c, request?.cookies ?? []);
  return {
    ...factors,
    passkeyOptions: request?.value ?? null,
    demonstrationCode: office.demonstration ? await office.signIn.currentCode(person.id) : null,
  };
}

export function setCookies(c: Context, cookies: readonly string[]): void {
  for (const cookie of cookies) c.header('Set-Cookie', cookie, { append: true });
}

/** The pages before the console: signing in, the second factor, invitations, and proving oneself again. */
export function addSignInPages(app: ConsoleApp, office: Office, options: ConsoleOptions): void {
  const { organization } = office.policy;
  const { signIn } = office;
  const door = (next: string, refusal: Refusal | null = null) => ({ organization, next: safeNext(next), refusal });
  const visitor = (c: Context) => visitorOf(c, options, office);
  const nextOf = (form: FormData) => safeNext(textOf(form, 'next'));
  const onward = (page: string, next: string) => `${page}?next=${encodeURIComponent(next)}`;
  const enter = async (c: Context, cookies: readonly string[], next: string, email: string | null) => {
    setCookies(c, cookies);
    if (email !== null)
      setCookie(c, 'muniment.device', await knownDevice(office, email), {
        httpOnly: true,
        sameSite: 'Lax',
        path: '/',
        maxAge: deviceDays * 86_400,
        ...(office.publicUrl.startsWith('https:') ? { secure: true, prefix: 'host' as const } : {}),
      });
    return c.redirect(next, 303);
  };
  const statusOf = (refusal: Refusal) =>
    refusal.code === 'too_many_attempts' ? 429 : refusal.code === 'not_ready' ? 503 : 401;

  const signInPage = (c: Context, next: string, refusal: Refusal | null) =>
    c.html(
      (
        <SignInPage
          door={door(next, refusal)}
          demonstration={office.demonstration}
          company={office.company?.name ?? null}
        />
      ) as Html,
      refusal ? statusOf(refusal) : 200,
    );
  app.get('/sign-in', (c) => signInPage(c, c.req.query('next') ?? '', null));
  app.post('/sign-in', async (c) => {
    const form = await c.req.formData();
    const entered = await enterByPassword(office, visitor(c), textOf(form, 'email').trim(), textOf(form, 'password'));
    if (isRefusal(entered)) return signInPage(c, textOf(form, 'next'), entered);
    setCookies(c, entered.cookies);
    return c.redirect(onward('/console/second-factor', nextOf(form)), 303);
  });

  addCompanySignIn(app, office, { visitor, signInPage, enter });

  const passkeySignIn = async (c: Context, next: string, refusal: Refusal | null) => {
    const request = await askForPasskey(office, options.networkOf(c));
    if (isRefusal(request)) return signInPage(c, next, request);
    setCookies(c, request.cookies);
    return c.html(
      (<PasskeySignInPage door={door(next, refusal)} options={request.value} />) as Html,
      refusal ? statusOf(refusal) : 200,
    );
  };
  app.post('/sign-in/passkey', async (c) => passkeySignIn(c, textOf(await c.req.formData(), 'next'), null));
  app.post('/sign-in/passkey/use', async (c) => {
    const form = await c.req.formData();
    const used = await usePasskey(office, visitor(c), textOf(form, 'credential'), null);
    return isRefusal(used)
      ? passkeySignIn(c, textOf(form, 'next'), used)
      : enter(c, used.cookies, nextOf(form), await emailOf(office, used.value.id));
  });

  app.post('/sign-out', async (c) => {
    setCookies(c, await signOut(office, c.req.raw.headers));
    return c.redirect('/console/sign-in', 303);
  });

  addInvitationPages(app, office);

  const secondFactorPage = async (c: Context, person: Person, next: string, refusal: Refusal | null) => {
    const ways = await waysOf(c, office, person);
    return c.html(
      (<SecondFactorPage door={door(next, refusal)} name={person.name} ways={ways} />) as Html,
      refusal ? statusOf(refusal) : 200,
    );
  };
  app.get('/second-factor', async (c) => {
    const next = safeNext(c.req.query('next') ?? '');
    const half = await signIn.halfSession(c.req.raw.headers);
    if (!half) return c.redirect(next, 303);
    if (!(await nextFactor(office, half.person.id)).isSetUp)
      return c.redirect(onward('/console/second-factor/set-up', next), 303);
    return secondFactorPage(c, half.person, next, null);
  });
  app.post('/second-factor', async (c) => {
    const half = await signIn.halfSession(c.req.raw.headers);
    if (!half) return c.redirect('/console/sign-in', 303);
    const form = await c.req.formData();
    const way = textOf(form, 'way') === 'recovery' ? 'recovery' : 'app';
    const given = await giveCode(office, visitor(c), half, textOf(form, 'code'), way);
    if (isRefusal(given)) return secondFactorPage(c, half.person, textOf(form, 'next'), given);
    return enter(c, given.cookies, nextOf(form), await emailOf(office, half.person.id));
  });
  app.post('/second-factor/passkey', async (c) => {
    const half = await signIn.halfSession(c.req.raw.headers);
    if (!half) return c.redirect('/console/sign-in', 303);
    const form = await c.req.formData();
    const used = await usePasskey(office, visitor(c), textOf(form, 'credential'), half.person.id);
    return isRefusal(used)
      ? secondFactorPage(c, half.person, textOf(form, 'next'), used)
      : enter(c, used.cookies, nextOf(form), await emailOf(office, half.person.id));
  });

  addSetUpPages(app, office, options, enter);
  addStepUpPages(app, office, options);
}

/** Signing in with the company's provider, where one is configured. Only its answer comes in by a link. */
function addCompanySignIn(
  app: ConsoleApp,
  office: Office,
  door: {
    visitor(c: Context): Visitor;
    signInPage(c: Context, next: string, refusal: Refusal): Response | Promise<Response>;
    enter(c: Context, cookies: readonly string[], next: string, email: string | null): Promise<Response>;
  },
): void {
  const { company } = office;
  if (company === null) return;
  const isSecure = office.publicUrl.startsWith('https:');
  const cookie = 'muniment.company';
  const attributes = {
    httpOnly: true,
    // The provider leads back by a link from its own site: "strict" would leave the cookie behind.
    sameSite: 'Lax' as const,
    path: '/',
    ...(isSecure ? { secure: true, prefix: 'host' as const } : {}),
  };
  app.post('/sign-in/company', async (c) => {
    const next = safeNext(textOf(await c.req.formData(), 'next'));
    const begun = await beginByCompany(office, company, door.visitor(c), next);
    if (isRefusal(begun)) return door.signInPage(c, next, begun);
    setCookie(c, cookie, begun.proof, { ...attributes, maxAge: companyMinutes * 60 });
    return c.redirect(begun.to, 303);
  });
  app.get('/sign-in/company/callback', async (c) => {
    const answer = {
      proof: getCookie(c, cookie, isSecure ? 'host' : undefined) ?? null,
      state: c.req.query('state') ?? '',
      code: (c.req.query('code') ?? '').slice(0, 4096),
      iss: c.req.query('iss') ?? null,
    };
    const entered = await finishByCompany(office, company, door.visitor(c), answer);
    if (isRefusal(entered)) return door.signInPage(c, '', entered);
    deleteCookie(c, cookie, attributes);
    const { person, isWhole } = entered.value;
    const next = safeNext(entered.value.next);
    if (isWhole) return door.enter(c, entered.cookies, next, await emailOf(office, person.id));
    setCookies(c, entered.cookies);
    return c.redirect(`/console/second-factor?next=${encodeURIComponent(next)}`, 303);
  });
}

/** Setting up the first second factor. Whoever has one already uses that one, and no password gives them another. */
function addSetUpPages(
  app: ConsoleApp,
  office: Office,
  options: ConsoleOptions,
  enter: (c: Context, cookies: readonly string[], next: string, email: string | null) => Promise<Response>,
): void {
  const { organization } = office.policy;
  const { signIn } = office;
  const path = '/console/second-factor/set-up';
  const newcomer = async (c: Context) => {
    const { headers } = c.req.raw;
    // Whole without a factor of ours: the company's provider was trusted to have asked for two. Approvals ask for ours.
    const half = (await signIn.halfSession(headers)) ?? (await signIn.session(headers));
    return half && !(await nextFactor(office, half.person.id)).isSetUp ? half : null;
  };
  const setUpPage = async (c: Context, person: Person, next: string, refusal: Refusal | null) => {
    const creation = await signIn.passkeyCreation(c.req.raw.headers);
    setCookies(c, creation.cookies);
    const door = { organization, next: safeNext(next), refusal };
    return c.html(
      (
        <SetUpFactorPage
          door={door}
          name={person.name}
          passkeyOptions={creation.value}
          hasPassword={await signIn.hasPassword(person.id)}
        />
      ) as Html,
      refusal ? 422 : 200,
    );
  };
  app.get('/second-factor/set-up', async (c) => {
    const half = await newcomer(c);
    return half
      ? setUpPage(c, half.person, c.req.query('next') ?? '', null)
      : c.redirect('/console/second-factor', 303);
  });
  app.post('/second-factor/set-up', async (c) => {
    const half = await newcomer(c);
    if (!half) return c.redirect('/console/second-factor', 303);
    const form = await c.req.formData();
    const begun = await beginApp(office, visitorOf(c, options, office), half.person.id, textOf(form, 'password'));
    if (isRefusal(begun)) return setUpPage(c, half.person, textOf(form, 'next'), begun);
    const door = { organization, next: safeNext(textOf(form, 'next')), refusal: null };
    return c.html((<ScanPage door={door} uri={begun.uri} secret={begun.secret} action={`${path}/finish`} />) as Html);
  });
  app.post('/second-factor/set-up/finish', async (c) => {
    const half = await newcomer(c);
    const pending = half && (await signIn.pendingApp(half.person));
    if (!half || !pending) return c.redirect('/console/second-factor', 303);
    const form = await c.req.formData();
    const door = { organization, next: safeNext(textOf(form, 'next')), refusal: null };
    const done = await finishApp(office, visitorOf(c, options, office), half, textOf(form, 'code'));
    if (isRefusal(done))
      return c.html(
        (
          <ScanPage
            door={{ ...door, refusal: done }}
            uri={pending.uri}
            secret={pending.secret}
            action={`${path}/finish`}
          />
        ) as Html,
        422,
      );
    await enter(c, done.cookies, door.next, await emailOf(office, half.person.id));
    return c.html((<RecoveryCodesPage door={door} codes={done.value} />) as Html);
  });
  app.post('/second-factor/set-up/passkey', async (c) => {
    const half = await newcomer(c);
    if (!half) return c.redirect('/console/second-factor', 303);
    const form = await c.req.formData();
    const credential = textOf(form, 'credential');
    const added = await addPasskey(
      office,
      visitorOf(c, options, office),
      half.person,
      credential,
      textOf(form, 'name'),
    );
    return isRefusal(added)
      ? setUpPage(c, half.person, textOf(form, 'next'), added)
      : enter(c, added.cookies, safeNext(textOf(form, 'next')), await emailOf(office, half.person.id));
  });
}

function addStepUpPages(app: ConsoleApp, office: Office, options: ConsoleOptions): void {
  const { organization } = office.policy;
  const { signIn } = office;
  const stepUpPage = async (c: Context, person: Person, next: string, refusal: Refusal | null) => {
    const ways = await waysOf(c, office, person);
    const door = { organization, next: safeNext(next), refusal };
    const status = refusal ? (refusal.code === 'too_many_attempts' ? 429 : 401) : 200;
    return c.html((<StepUpPage door={door} ways={ways} />) as Html, status);
  };
  app.get('/step-up', async (c) => {
    const session = await signIn.session(c.req.raw.headers);
    const next = c.req.query('next') ?? '';
    if (!session) return c.redirect('/console/sign-in', 303);
    if (!(await nextFactor(office, session.person.id)).isSetUp)
      return c.redirect(`/console/second-factor/set-up?next=${encodeURIComponent(safeNext(next))}`, 303);
    return stepUpPage(c, session.person, next, null);
  });
  app.post('/step-up', async (c) => {
    const session = await signIn.session(c.req.raw.headers);
    if (!session) return c.redirect('/console/sign-in', 303);
    const form = await c.req.formData();
    const given = await giveCode(office, visitorOf(c, options, office), session, textOf(form, 'code'), 'app');
    if (isRefusal(given)) return stepUpPage(c, session.person, textOf(form, 'next'), given);
    setCookies(c, given.cookies);
    return c.redirect(safeNext(textOf(form, 'next')), 303);
  });
  app.post('/step-up/passkey', async (c) => {
    const session = await signIn.session(c.req.raw.headers);
    if (!session) return c.redirect('/console/sign-in', 303);
    const form = await c.req.formData();
    const visitor = visitorOf(c, options, office);
    const used = await usePasskey(office, visitor, textOf(form, 'credential'), session.person.id);
    if (isRefusal(used)) return stepUpPage(c, session.person, textOf(form, 'next'), used);
    setCookies(c, used.cookies);
    return c.redirect(safeNext(textOf(form, 'next')), 303);
  });
}

function addInvitationPages(app: ConsoleApp, office: Office): void {
  const { organization } = office.policy;
  const runOut = (c: Context, refusal: Refusal) =>
    c.html(
      (<PortalMessage organization={organization} title="This link has run out" refusal={refusal} />) as Html,
      410,
    );
  app.get('/invitation/:secret', async (c) => {
    const secret = c.req.param('secret');
    const person = await lookUpInvitation(office, secret);
    if (isRefusal(person)) return runOut(c, person);
    const door = { organization, next: '/console', refusal: null };
    return c.html((<InvitationPage door={door} name={person.name} secret={secret} />) as Html);
  });
  app.post('/invitation/:secret', async (c) => {
    const secret = c.req.param('secret');
    const person = await acceptInvitation(office, secret, textOf(await c.req.formData(), 'password'));
    if (!isRefusal(person)) return c.redirect('/console/sign-in', 303);
    if (person.code !== 'invalid') return runOut(c, person);
    const door = { organization, next: '/console', refusal: person };
    return c.html((<InvitationPage door={door} name="" secret={secret} />) as Html, 422);
  });
}
