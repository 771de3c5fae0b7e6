import type { Context } from 'hono';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { acknowledgeAlarm, alarmsPage } from '../../flows/alarms.ts';
import {
  changeRole,
  disablePerson,
  enablePerson,
  isTiedToCompany,
  resetSecondFactor,
  revokeToken,
  untieCompany,
} from '../../flows/change-people.ts';
import { inviteAgain, inviteByMail } from '../../flows/create-actor.ts';
import { actorNames, keysPage, lookUpPerson, peoplePage } from '../../flows/look-up.ts';
import { unreviewedLendings } from '../../flows/review-lending.ts';
import { type Html, textOf } from '../reply.ts';
import { roleNamed } from './access.tsx';
import { tokenRows } from './account-routes.tsx';
import { AlarmsPage } from './alarms.tsx';
import { InvitePage, PeoplePage, PersonPage } from './people.tsx';
import type { Desk, Visit } from './routes.tsx';

/** Who gets in, for administrators. */
export function addPeoplePages({ app, office, allow, say, stepUpFor }: Desk): void {
  const personPage = async (c: Context, id: string, refusal: Refusal | null) => {
    const person = await lookUpPerson(office, id);
    if (isRefusal(person)) return say(c, 'Not found', person, 404);
    const { app: hasApp, passkeys } = await office.signIn.factors(id);
    return c.html(
      (
        <PersonPage
          frame={(c.get('visit') as Visit).frame}
          person={person}
          factors={{ app: hasApp, passkeys: passkeys.length }}
          isTied={await isTiedToCompany(office, id)}
          tokens={await tokenRows(office, await actorNames(office), id)}
          refusal={refusal}
        />
      ) as Html,
      refusal ? 409 : 200,
    );
  };
  app.get('/settings', async (c) => {
    const refused = allow(c, 'people.manage');
    if (refused) return refused;
    const names = await actorNames(office);
    const keys = (await keysPage(office)).map((key) => ({
      ...key,
      owner: key.actorId ? (names.get(key.actorId) ?? key.actorId) : 'this installation',
    }));
    return c.html(
      (
        <PeoplePage
          frame={c.get('visit').frame}
          people={await peoplePage(office)}
          tokens={await tokenRows(office, names, null)}
          keys={keys}
          roles={office.policy.roles}
        />
      ) as Html,
    );
  });
  app.get(
    '/settings/invite',
    (c) =>
      allow(c, 'people.manage') ??
      c.html((<InvitePage frame={c.get('visit').frame} refusal={null} values={{}} link={null} />) as Html),
  );
  app.post('/settings/invite', async (c) => {
    const refused = allow(c, 'people.manage');
    if (refused) return refused;
    const form = await c.req.formData();
    const { caller, frame } = c.get('visit');
    const values = {
      name: textOf(form, 'name').trim(),
      email: textOf(form, 'email').trim(),
      title: textOf(form, 'title').trim(),
      role: textOf(form, 'role'),
    };
    const role = roleNamed(values.role);
    const invited = role
      ? await inviteByMail(office, caller.actor, { ...values, role, title: values.title || null })
      : refuse('invalid', 'There is no such role. Nobody was invited.');
    if (!isRefusal(invited))
      return c.html(
        (<InvitePage frame={frame} refusal={null} values={{}} link={{ to: values.name, ...invited }} />) as Html,
      );
    return (
      stepUpFor(c, invited, '/console/settings/invite') ??
      c.html((<InvitePage frame={frame} refusal={invited} values={values} link={null} />) as Html, 422)
    );
  });
  app.get('/settings/people/:id', async (c) => allow(c, 'people.manage') ?? personPage(c, c.req.param('id'), null));
  app.post('/settings/people/:id/invite', async (c) => {
    const refused = allow(c, 'people.manage');
    if (refused) return refused;
    const { id } = c.req.param();
    const { caller, frame } = c.get('visit');
    const invited = await inviteAgain(office, caller.actor, id);
    if (isRefusal(invited))
      return stepUpFor(c, invited, `/console/settings/people/${id}`) ?? personPage(c, id, invited);
    const to = (await actorNames(office)).get(id) ?? id;
    return c.html((<InvitePage frame={frame} refusal={null} values={{}} link={{ to, ...invited }} />) as Html);
  });
  app.post('/settings/people/:id/:move{role|disable|enable|reset|untie}', async (c) => {
    const refused = allow(c, 'people.manage');
    if (refused) return refused;
    const { id, move } = c.req.param();
    const { actor } = c.get('visit').caller;
    const role = roleNamed(textOf(await c.req.formData(), 'role'));
    const moves: Readonly<Record<string, () => Promise<unknown | Refusal>>> = {
      role: async () => (role ? changeRole(office, actor, id, role) : refuse('invalid', 'There is no such role.')),
      disable: () => disablePerson(office, actor, id),
      enable: () => enablePerson(office, actor, id),
      reset: () => resetSecondFactor(office, actor, id),
      untie: () => untieCompany(office, actor, id),
    };
    const done = await moves[move]?.();
    const at = `/console/settings/people/${id}`;
    if (!isRefusal(done)) return c.redirect(at, 303);
    return stepUpFor(c, done, at) ?? personPage(c, id, done);
  });
  app.post('/settings/tokens/:id/revoke', async (c) => {
    const refused = allow(c, 'people.manage');
    if (refused) return refused;
    const done = await revokeToken(office, c.get('visit').caller.actor, c.req.param('id'), true);
    return isRefusal(done) ? say(c, 'Not found', done, 404) : c.redirect('/console/settings', 303);
  });
}

/** Alarms. */
export function addAlarmPages({ app, office, allow, say }: Desk): void {
  app.get('/alarms', async (c) => {
    const refused = allow(c, 'alarms.read');
    if (refused) return refused;
    const { email } = office.policy.organization.alarms;
    return c.html(
      (
        <AlarmsPage
          frame={c.get('visit').frame}
          alarms={await alarmsPage(office, { limit: 200, offset: 0 })}
          names={await actorNames(office)}
          lendings={await unreviewedLendings(office)}
          told={[...(email && office.post.leaves ? [email] : []), ...(office.webhook ? ['the webhook'] : [])]}
        />
      ) as Html,
    );
  });
  app.post('/alarms/:id/seen', async (c) => {
    const refused = allow(c, 'alarms.work');
    if (refused) return refused;
    const seen = await acknowledgeAlarm(office, c.get('visit').caller.actor, c.req.param('id'));
    return isRefusal(seen)
      ? say(c, 'Not possible', seen, seen.code === 'not_found' ? 404 : 403)
      : c.redirect('/console/alarms', 303);
  });
}
