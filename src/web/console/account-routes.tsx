import type { Context } from 'hono';
import { parsePeriod } from '../../core/periods.ts';
import { isRefusal, type Refusal } from '../../core/refusal.ts';
import {
  addPasskey,
  beginApp,
  changePassword,
  endOwnSessions,
  finishApp,
  removeApp,
  removePasskey,
  renewRecoveryCodes,
} from '../../flows/change-factors.ts';
import { freshProof, revokeToken } from '../../flows/change-people.ts';
import { makeToken } from '../../flows/create-actor.ts';
import { emailOf } from '../../flows/enter-staff.ts';
import { tokensPage } from '../../flows/look-up.ts';
import type { Office } from '../../flows/office.ts';
import { type Html, textOf } from '../reply.ts';
import { AccountPage, type TokenRow } from './account.tsx';
import type { Desk, Visit } from './routes.tsx';
import { RecoveryCodesPage, ScanPage } from './sign-in.tsx';
import { setCookies, visitorOf } from './sign-in-routes.tsx';

/** Tokens as tables show them. */
export async function tokenRows(
  office: Office,
  names: ReadonlyMap<string, string>,
  actorId: string | null,
): Promise<readonly TokenRow[]> {
  const now = office.now();
  return (await tokensPage(office))
    .filter((token) => actorId === null || token.actorId === actorId)
    .map((token) => ({
      ...token,
      actor: names.get(token.actorId) ?? token.actorId,
      state: token.revokedAt ? 'revoked' : Temporal.Instant.compare(token.expiresAt, now) <= 0 ? 'expired' : 'live',
    }));
}

/** One's own account: what each person can see and change of their own ways in. */
export function addAccountPages({ app, office, options, stepUpFor }: Desk): void {
  const { signIn } = office;
  const here = '/console/account';
  const page = async (
    c: Context,
    said: { refusal?: Refusal; done?: string; secret?: string } = {},
    headers: Headers = c.req.raw.headers,
  ) => {
    const { frame } = c.get('visit') as Visit;
    const { person } = frame.session;
    const [factors, codes, creation] = [
      await signIn.factors(person.id),
      await signIn.recoveryCodes(person.id),
      await signIn.passkeyCreation(headers),
    ];
    setCookies(c, creation.cookies);
    return c.html(
      (
        <AccountPage
          frame={frame}
          refusal={said.refusal ?? null}
          done={said.done ?? null}
          secret={said.secret ?? null}
          email={await emailOf(office, person.id)}
          factors={{ ...factors, recoveryLeft: codes.length }}
          passkeyOptions={creation.value}
          sessions={await signIn.sessionsOf(person.id)}
          tokens={await tokenRows(office, new Map([[person.id, person.name]]), person.id)}
          permissions={office.policy.roles[person.role]}
        />
      ) as Html,
      said.refusal ? 409 : 200,
    );
  };
  /** A change of one's own ways in asks for a fresh proof, which leads back to this page. */
  const prove = (c: Context): Response | null => {
    const refusal = freshProof((c.get('visit') as Visit).caller.actor, 'you change your ways in');
    return refusal ? (stepUpFor(c, refusal, here) ?? null) : null;
  };
  const answer = (c: Context, outcome: unknown) =>
    isRefusal(outcome) ? (stepUpFor(c, outcome, here) ?? page(c, { refusal: outcome })) : c.redirect(here, 303);

  app.get('/account', (c) => page(c));
  app.post('/account/passkeys', async (c) => {
    const unproven = prove(c);
    if (unproven) return unproven;
    const form = await c.req.formData();
    const { person } = c.get('visit').frame.session;
    const credential = textOf(form, 'credential');
    const added = await addPasskey(office, visitorOf(c, options, office), person, credential, textOf(form, 'name'));
    if (isRefusal(added)) return page(c, { refusal: added });
    setCookies(c, added.cookies);
    return c.redirect(here, 303);
  });
  app.post('/account/passkeys/:id/remove', async (c) => {
    const { person } = c.get('visit').frame.session;
    return prove(c) ?? answer(c, await removePasskey(office, person, c.req.param('id')));
  });
  app.post('/account/app', async (c) => {
    const unproven = prove(c);
    if (unproven) return unproven;
    const { person } = c.get('visit').frame.session;
    const password = textOf(await c.req.formData(), 'password');
    const begun = await beginApp(office, visitorOf(c, options, office), person.id, password);
    if (isRefusal(begun)) return page(c, { refusal: begun });
    const door = { organization: office.policy.organization, next: here, refusal: null };
    return c.html((<ScanPage door={door} {...begun} action={`${here}/app/finish`} />) as Html);
  });
  app.post('/account/app/finish', async (c) => {
    const unproven = prove(c);
    if (unproven) return unproven;
    const { session } = c.get('visit').frame;
    const door = { organization: office.policy.organization, next: here };
    const pending = await signIn.pendingApp(session.person);
    if (!pending) return c.redirect(here, 303);
    const visitor = visitorOf(c, options, office);
    const done = await finishApp(office, visitor, session, textOf(await c.req.formData(), 'code'));
    if (isRefusal(done))
      return c.html(
        (<ScanPage door={{ ...door, refusal: done }} {...pending} action={`${here}/app/finish`} />) as Html,
        422,
      );
    setCookies(c, done.cookies);
    return c.html((<RecoveryCodesPage door={{ ...door, refusal: null }} codes={done.value} />) as Html);
  });
  app.post('/account/password', async (c) => {
    const unproven = prove(c);
    if (unproven) return unproven;
    const form = await c.req.formData();
    const { session } = c.get('visit').frame;
    const changed = await changePassword(office, session, textOf(form, 'old'), textOf(form, 'new'));
    return isRefusal(changed)
      ? page(c, { refusal: changed })
      : page(c, { done: 'Your password was changed. Every other session of yours has ended.' });
  });
  app.post('/account/recovery', async (c) => {
    const unproven = prove(c);
    if (unproven) return unproven;
    const { person } = c.get('visit').frame.session;
    const password = textOf(await c.req.formData(), 'password');
    const codes = await renewRecoveryCodes(office, visitorOf(c, options, office), person, password);
    if (isRefusal(codes)) return page(c, { refusal: codes });
    const door = { organization: office.policy.organization, next: here, refusal: null };
    return c.html((<RecoveryCodesPage door={door} codes={codes} />) as Html);
  });
  app.post('/account/app/remove', async (c) => {
    const { person } = c.get('visit').frame.session;
    return prove(c) ?? answer(c, await removeApp(office, person));
  });
  app.post('/account/sessions/end', async (c) =>
    answer(c, await endOwnSessions(office, c.get('visit').frame.session, 'others')),
  );
  app.post('/account/sessions/:id/end', async (c) =>
    answer(c, await endOwnSessions(office, c.get('visit').frame.session, { id: c.req.param('id') })),
  );
  app.post('/account/tokens', async (c) => {
    const form = await c.req.formData();
    const { caller, frame } = c.get('visit');
    const expires = parsePeriod(textOf(form, 'expires').trim());
    if (isRefusal(expires)) return page(c, { refusal: expires });
    const { name, role } = frame.session.person;
    const scopes = form.getAll('scope').filter((scope) => typeof scope === 'string');
    const order = {
      name,
      role,
      expires,
      canApprove: textOf(form, 'approves') === 'yes',
      ...(scopes.length > 0 ? { scopes } : {}),
    };
    const made = await makeToken(office, caller.actor, order, false);
    if (!isRefusal(made)) return page(c, { done: 'The token was made.', secret: made.token });
    return stepUpFor(c, made, here) ?? page(c, { refusal: made });
  });
  app.post('/account/tokens/:id/revoke', async (c) =>
    answer(c, await revokeToken(office, c.get('visit').caller.actor, c.req.param('id'), false)),
  );
}
