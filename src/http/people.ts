import { z } from '@hono/zod-openapi';
import { roles } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { parsePeriod } from '../core/periods.ts';
import { isRefusal } from '../core/refusal.ts';
import { acknowledgeAlarm, alarmsPage } from '../flows/alarms.ts';
import { changeRole, disablePerson, enablePerson, resetSecondFactor, revokeToken } from '../flows/change-people.ts';
import { inviteAgain, inviteByMail, makeToken } from '../flows/create-actor.ts';
import { lookUpPerson, peoplePage, tokensPage } from '../flows/look-up.ts';
import type { Office } from '../flows/office.ts';
import { alarmKinds } from '../ledger/alarm.ts';
import type { Api } from './endpoint.ts';
import { idParams, pageQuery, toList, toPage } from './page.ts';
import { instant, pageOf } from './views.ts';

const role = z.enum(roles);
const personView = z
  .object({
    id: z.string(),
    name: z.string(),
    email: z.string().nullable(),
    role,
    title: z.string().nullable(),
    disabledAt: instant.nullable(),
    lastSeenAt: instant.nullable(),
  })
  .openapi('Person');
const tokenView = z
  .object({
    id: z.string(),
    actor: z.string(),
    role,
    prefix: z.string(),
    canApprove: z.boolean(),
    scopes: z.array(z.string()).nullable(),
    createdAt: instant,
    expiresAt: instant,
    lastUsedAt: instant.nullable(),
    revokedAt: instant.nullable(),
  })
  .openapi('Token');
const alarmView = z
  .object({
    id: z.string(),
    kind: z.enum(Object.keys(alarmKinds) as [string, ...string[]]),
    title: z.string(),
    next: z.string(),
    at: instant,
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
    mailedAt: instant.nullable(),
    postedAt: instant.nullable(),
    seenAt: instant.nullable(),
    seenBy: z.string().nullable(),
  })
  .openapi('Alarm');
const changed = z.object({ id: z.string(), role, disabledAt: instant.nullable() });
const name = z.string().min(1).max(120);

const orNull = (at: Temporal.Instant | null) => (at === null ? null : formatInstant(at));
type Person = Awaited<ReturnType<typeof peoplePage>>[number];
const viewPerson = ({ disabledAt, lastSeenAt, ...person }: Person): z.output<typeof personView> => ({
  ...person,
  disabledAt: orNull(disabledAt),
  lastSeenAt: orNull(lastSeenAt),
});
const viewChanged = ({ id, role: to, disabledAt }: Person) => ({ id, role: to, disabledAt: orNull(disabledAt) });
const viewToken = (token: Awaited<ReturnType<typeof tokensPage>>[number]): z.output<typeof tokenView> => ({
  id: token.id,
  actor: token.actorId,
  role: token.role,
  prefix: token.prefix,
  canApprove: token.canApprove,
  scopes: token.scopes && [...token.scopes],
  createdAt: formatInstant(token.createdAt),
  expiresAt: formatInstant(token.expiresAt),
  lastUsedAt: orNull(token.lastUsedAt),
  revokedAt: orNull(token.revokedAt),
});
const viewAlarm = (alarm: Awaited<ReturnType<typeof alarmsPage>>[number]): z.output<typeof alarmView> => ({
  id: alarm.id,
  kind: alarm.kind,
  ...alarmKinds[alarm.kind],
  at: formatInstant(alarm.at),
  facts: { ...alarm.facts },
  mailedAt: orNull(alarm.mailedAt),
  postedAt: orNull(alarm.postedAt),
  seenAt: orNull(alarm.seenAt),
  seenBy: alarm.seenBy,
});

/** Who gets in, and what woke somebody. */
export function addPeople(api: Api, office: Office): void {
  api.add({
    method: 'get',
    path: '/people',
    summary: 'Everybody who works here, and actors that only hold tokens',
    tag: 'people',
    access: 'people.manage',
    query: pageQuery,
    answer: pageOf(personView),
    handle: async ({ query }) => {
      const page = toPage(query);
      const all = await peoplePage(office);
      return toList(page, all.slice(page.offset, page.offset + page.limit), viewPerson);
    },
  });
  api.add({
    method: 'get',
    path: '/people/{id}',
    summary: 'One of them',
    tag: 'people',
    access: 'people.manage',
    params: idParams,
    answer: personView,
    handle: async ({ params }) => {
      const person = await lookUpPerson(office, params.id);
      return isRefusal(person) ? person : viewPerson(person);
    },
  });
  api.add({
    method: 'post',
    path: '/people',
    summary: 'Invite somebody; the link is mailed, or answered where no mail leaves',
    tag: 'people',
    access: 'people.manage',
    answersSecret: true,
    body: z.strictObject({ name, email: z.email().max(254), role, title: name.optional() }),
    answer: z.object({ actor: z.string(), link: z.string().nullable(), expiresAt: instant }),
    status: 201,
    handle: ({ caller, body }) => inviteByMail(office, caller.actor, { ...body, title: body.title ?? null }),
  });
  api.add({
    method: 'post',
    path: '/people/{id}/role',
    summary: 'Give somebody another role; their sessions and tokens end',
    tag: 'people',
    access: 'people.manage',
    params: idParams,
    body: z.strictObject({ role }),
    answer: changed,
    handle: async ({ caller, params, body }) => {
      const person = await changeRole(office, caller.actor, params.id, body.role);
      return isRefusal(person) ? person : viewChanged(person);
    },
  });
  api.add({
    method: 'post',
    path: '/people/{id}/invite',
    summary: 'A new link for somebody who forgot the password; the second factor stays',
    tag: 'people',
    access: 'people.manage',
    answersSecret: true,
    params: idParams,
    answer: z.object({ actor: z.string(), link: z.string().nullable(), expiresAt: instant }),
    status: 201,
    handle: ({ caller, params }) => inviteAgain(office, caller.actor, params.id),
  });
  const moves = [
    ['disable', 'Disable somebody who left; nothing they did is forgotten', disablePerson],
    ['enable', 'Let somebody in again', enablePerson],
    ['reset-second-factor', 'Take the second factor away (a lost phone)', resetSecondFactor],
  ] as const;
  for (const [move, summary, flow] of moves)
    api.add({
      method: 'post',
      path: `/people/{id}/${move}`,
      summary,
      tag: 'people',
      access: 'people.manage',
      params: idParams,
      answer: changed,
      handle: async ({ caller, params }) => {
        const person = await flow(office, caller.actor, params.id);
        return isRefusal(person) ? person : viewChanged(person);
      },
    });
  api.add({
    method: 'get',
    path: '/tokens',
    summary: 'Every token, by its prefix',
    tag: 'people',
    access: 'people.manage',
    query: pageQuery,
    answer: pageOf(tokenView),
    handle: async ({ query }) => {
      const page = toPage(query);
      const all = await tokensPage(office);
      return toList(page, all.slice(page.offset, page.offset + page.limit), viewToken);
    },
  });
  api.add({
    method: 'post',
    path: '/tokens',
    summary: 'Make a token for a service; its secret is answered once. People make their own in the console',
    tag: 'people',
    access: 'people.manage',
    answersSecret: true,
    body: z.strictObject({
      name,
      role,
      expires: z.string().max(20).optional(),
      scopes: z.array(z.string().max(60)).min(1).max(100).optional(),
    }),
    answer: z.object({ token: z.string(), actor: z.string(), role, expiresAt: instant }),
    status: 201,
    handle: async ({ caller, body }) => {
      const expires = body.expires === undefined ? null : parsePeriod(body.expires);
      if (isRefusal(expires)) return expires;
      const order = {
        name: body.name,
        role: body.role,
        expires,
        canApprove: false,
        ...(body.scopes ? { scopes: body.scopes } : {}),
      };
      const made = await makeToken(office, caller.actor, order, true);
      return isRefusal(made) ? made : { ...made, expiresAt: formatInstant(made.expiresAt) };
    },
  });
  api.add({
    method: 'post',
    path: '/tokens/{id}/revoke',
    summary: 'Revoke a token; it ends at once',
    tag: 'people',
    access: 'people.manage',
    params: idParams,
    answer: z.object({ id: z.string() }),
    handle: async ({ caller, params }) =>
      (await revokeToken(office, caller.actor, params.id, true)) ?? { id: params.id },
  });
  api.add({
    method: 'get',
    path: '/alarms',
    summary: 'Alarms, those nobody has looked at first',
    tag: 'alarms',
    access: 'alarms.read',
    query: pageQuery,
    answer: pageOf(alarmView),
    handle: async ({ query }) => {
      const page = toPage(query);
      return toList(page, await alarmsPage(office, page), viewAlarm);
    },
  });
  api.add({
    method: 'post',
    path: '/alarms/{id}/seen',
    summary: 'Say that an alarm was looked at',
    tag: 'alarms',
    access: 'alarms.work',
    params: idParams,
    answer: alarmView,
    handle: async ({ caller, params }) => {
      const alarm = await acknowledgeAlarm(office, caller.actor, params.id);
      return isRefusal(alarm) ? alarm : viewAlarm(alarm);
    },
  });
}
