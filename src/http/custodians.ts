import { z } from '@hono/zod-openapi';
import { formatInstant } from '../core/instants.ts';
import { isRefusal } from '../core/refusal.ts';
import type { Custodian } from '../disposition/custodian.ts';
import {
  askCustodians,
  type CustodianView,
  custodiansPage,
  releaseCustodian,
  remindCustodian,
} from '../flows/custodians.ts';
import type { Office } from '../flows/office.ts';
import type { Api } from './endpoint.ts';
import { idParams } from './page.ts';
import { instant } from './views.ts';

const custodianView = z
  .object({
    id: z.string(),
    holdId: z.string(),
    state: z.enum(['asked', 'acknowledged', 'released']),
    name: z.string(),
    email: z.string(),
    instructions: z.string().nullable(),
    askedAt: instant,
    askedBy: z.string(),
    acknowledgedAt: instant.nullable(),
    history: z.array(z.object({ at: instant, actor: z.string(), what: z.string() })),
    letter: z.object({ template: z.string(), state: z.string() }).nullable().openapi({
      description: 'What became of the newest letter; null in the answer to a call that has just sent one.',
    }),
  })
  .openapi('Custodian');

function viewCustodian(custodian: Custodian, letter: CustodianView['letter'] = null): z.input<typeof custodianView> {
  return {
    id: custodian.id,
    holdId: custodian.holdId,
    state: custodian.state,
    name: custodian.name.reveal(),
    email: custodian.email.reveal(),
    instructions: custodian.instructions.reveal(),
    askedAt: formatInstant(custodian.askedAt),
    askedBy: custodian.askedBy,
    acknowledgedAt: custodian.acknowledgedAt && formatInstant(custodian.acknowledgedAt),
    history: custodian.history.map((item) => ({ ...item })),
    letter: letter && { template: letter.template, state: letter.state },
  };
}

/** What a letter's head and greeting take: one line. */
const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine(
      (text) => text.isWellFormed() && !/\p{Cc}/u.test(text),
      'Write it in one line, without control characters.',
    );

const custodiansBody = z.strictObject({
  custodians: z
    .array(z.strictObject({ name: line(300), email: z.email().max(320) }))
    .min(1)
    .max(200),
  instructions: z
    .string()
    .trim()
    .min(1)
    .max(5000)
    .optional()
    .openapi({ description: 'What they are to keep in particular; it stands in the letter.' }),
});

/** Custodians: people outside who are to keep what a hold is about. */
export function addCustodians(api: Api, office: Office): void {
  api.add({
    method: 'post',
    path: '/holds/{id}/custodians',
    summary: 'Ask people by mail to keep what a hold is about; each confirms through a link of their own, once',
    tag: 'holds',
    access: 'holds.place',
    params: idParams,
    body: custodiansBody,
    answer: z.object({ items: z.array(custodianView) }),
    status: 201,
    handle: async ({ caller, params, body }) => {
      const order = { people: body.custodians, instructions: body.instructions ?? null };
      const asked = await askCustodians(office, caller.actor, params.id, order);
      return isRefusal(asked) ? asked : { items: asked.map((custodian) => viewCustodian(custodian)) };
    },
  });

  api.add({
    method: 'get',
    path: '/holds/{id}/custodians',
    summary: 'The custodians of a hold, in the order in which they were asked',
    tag: 'holds',
    access: 'holds.read',
    params: idParams,
    answer: z.object({ items: z.array(custodianView) }),
    handle: async ({ params }) => {
      const found = await custodiansPage(office, params.id);
      if (isRefusal(found)) return found;
      return { items: found.custodians.map(({ custodian, letter }) => viewCustodian(custodian, letter)) };
    },
  });

  api.add({
    method: 'post',
    path: '/custodians/{id}/remind',
    summary: 'Remind a custodian now; the nightly look does so by itself',
    tag: 'holds',
    access: 'holds.place',
    params: idParams,
    answer: custodianView,
    handle: async ({ caller, params }) => {
      const custodian = await remindCustodian(office, caller.actor, params.id);
      return isRefusal(custodian) ? custodian : viewCustodian(custodian);
    },
  });

  api.add({
    method: 'post',
    path: '/custodians/{id}/release',
    summary: 'Tell a custodian that they need no longer keep anything; the end of the hold does so by itself',
    tag: 'holds',
    access: 'holds.place',
    params: idParams,
    answer: custodianView,
    handle: async ({ caller, params }) => {
      const custodian = await releaseCustodian(office, caller.actor, params.id);
      return isRefusal(custodian) ? custodian : viewCustodian(custodian);
    },
  });
}
