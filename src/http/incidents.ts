import { z } from '@hono/zod-openapi';
import { formatInstant, parseInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { exportLedgerRange } from '../flows/export-ledger-range.ts';
import { incidentNotices } from '../flows/incident-notices.ts';
import { incidentsPage, lookUpIncident } from '../flows/look-up.ts';
import { describeIncident, moveIncident, recountIncident } from '../flows/move-incident.ts';
import type { Office } from '../flows/office.ts';
import { deadlineFrom, openIncident } from '../flows/open-incident.ts';
import {
  allowedIncidentMoves,
  type Incident,
  incidentMoves,
  incidentRisks,
  incidentStates,
  isClockRunning,
  isLate,
  lateReasonCodes,
  waiverGroundCodes,
} from '../incidents/incident.ts';
import { holdScopeSchema } from '../policy/hold.ts';
import type { Api } from './endpoint.ts';
import { idParams, pageQuery, toList, toPage } from './page.ts';
import { replyBytes } from './reply.ts';
import { pageOf } from './views.ts';

const text = (max: number) => z.string().min(1).max(max);
const instant = z.string().openapi({ example: '2026-11-27T09:30:00.123Z' });
const words = {
  nature: text(5000).optional().openapi({ description: 'What happened to the data, GDPR art. 33(3)(a).' }),
  consequences: text(5000).optional().openapi({ description: 'What it may mean for people, art. 33(3)(c).' }),
  measures: text(5000).optional().openapi({ description: 'What was and will be done, art. 33(3)(d).' }),
  advice: text(5000).optional().openapi({ description: 'What people can do to protect themselves.' }),
};
const affected = {
  scope: holdScopeSchema.optional(),
  people: z
    .int()
    .min(0)
    .max(10_000_000_000)
    .optional()
    .openapi({ description: 'About how many people, where the data map cannot say.' }),
};
const note = text(2000).optional();

const incidentView = z
  .object({
    id: z.string(),
    reference: z.string(),
    state: z.enum(incidentStates),
    risk: z.enum(['unassessed', ...incidentRisks]),
    awareAt: instant,
    notifyBy: instant,
    clock: z.enum(['running', 'stopped']),
    late: z.boolean().openapi({ description: 'The clock ran out and the authority has not been told.' }),
    clocks: z.array(
      z.object({
        rule: z.string(),
        version: z.string(),
        dueAt: instant.nullable(),
        dueOn: z.string().nullable(),
        steps: z.array(z.object({ at: z.string(), what: z.string(), citation: z.string() })),
      }),
    ),
    authorityNotifiedAt: instant.nullable(),
    personsNotifiedAt: instant.nullable(),
    title: z.string(),
    nature: z.string(),
    consequences: z.string(),
    measures: z.string(),
    advice: z.string(),
    scope: z.object({
      subjects: z.array(z.object({ kind: z.string(), value: z.string() })),
      keys: z.record(z.string(), z.array(z.record(z.string(), z.string()))),
      datasets: z.array(z.string()),
      from: z.string().nullable(),
      to: z.string().nullable(),
    }),
    datasets: z.array(z.string()),
    counts: z
      .object({
        countedAt: instant,
        people: z.int().nullable(),
        datasets: z.array(z.object({ dataset: z.string(), count: z.int().nullable() })),
        categories: z.array(z.object({ category: z.string(), count: z.int().nullable() })),
      })
      .nullable(),
    history: z.array(
      z.object({
        at: z.string(),
        actor: z.string(),
        move: z.string(),
        from: z.string(),
        to: z.string(),
        risk: z.string().optional(),
        ground: z.string().optional(),
        reason: z.string().optional(),
        notifiedAt: z.string().optional(),
        note: z.string().nullable(),
      }),
    ),
    can: z.array(z.string()),
    policyDigest: z.string(),
  })
  .openapi('Incident');

/** Breaches of personal data. */
export function addIncidents(api: Api, office: Office): void {
  const view = (incident: Incident): z.input<typeof incidentView> => viewIncident(office, incident);
  const answer = (incident: Incident | Refusal) => (isRefusal(incident) ? incident : view(incident));

  api.add({
    method: 'post',
    path: '/incidents',
    summary: 'Record a breach of personal data; its clock runs from awareAt',
    tag: 'incidents',
    access: 'incidents.work',
    body: z.strictObject({ title: text(200), awareAt: text(40), ...words, ...affected }),
    answer: incidentView,
    status: 201,
    handle: async ({ caller, body }) => {
      const awareAt = instantAt(body.awareAt, '/awareAt');
      if (isRefusal(awareAt)) return awareAt;
      const { title, nature = '', consequences = '', measures = '', advice = '', scope = null, people = null } = body;
      const story = { title, nature, consequences, measures, advice };
      return answer(await openIncident(office, caller.actor, { story, awareAt, scope, people }));
    },
  });

  api.add({
    method: 'get',
    path: '/incidents',
    summary: 'Breaches, newest first',
    tag: 'incidents',
    access: 'incidents.read',
    query: pageQuery,
    answer: pageOf(incidentView),
    handle: async ({ query }) => {
      const page = toPage(query);
      return toList(page, await incidentsPage(office, page), view);
    },
  });

  api.add({
    method: 'get',
    path: '/incidents/{id}',
    summary: 'One breach and the moves it allows now',
    tag: 'incidents',
    access: 'incidents.read',
    params: idParams,
    answer: incidentView,
    handle: async ({ params }) => answer(await lookUpIncident(office, params.id)),
  });

  api.add({
    method: 'get',
    path: '/incidents/{id}/notices',
    summary: 'The notices to the authority and to the people, filled from what is known; nothing is sent',
    tag: 'incidents',
    access: 'incidents.read',
    params: idParams,
    answer: z.object({ authority: z.string(), persons: z.string() }),
    handle: async ({ params }) => {
      const incident = await lookUpIncident(office, params.id);
      return isRefusal(incident) ? incident : incidentNotices(office, incident, office.now());
    },
  });

  api.add({
    method: 'get',
    path: '/incidents/{id}/ledger',
    summary: 'The ledger of its time as JSON lines: a checkpoint, then each entry with its inclusion proof',
    tag: 'incidents',
    access: 'incidents.read',
    params: idParams,
    query: z.object({ from: text(40).optional(), to: text(40).optional() }),
    answer: 'application/jsonl',
    handle: async ({ caller, params, query, c }) => {
      const from = query.from === undefined ? null : instantAt(query.from, '?/from');
      if (isRefusal(from)) return from;
      const to = query.to === undefined ? null : instantAt(query.to, '?/to');
      if (isRefusal(to)) return to;
      const range = await exportLedgerRange(office, caller.actor, params.id, from, to);
      if (isRefusal(range)) return range;
      return replyBytes(c, { fileName: range.fileName, bytes: range.lines, mediaType: 'application/jsonl' });
    },
  });

  addMoves(api, office, answer);
}

function addMoves(api: Api, office: Office, answer: (incident: Incident | Refusal) => unknown): void {
  const shared = { method: 'post', tag: 'incidents', params: idParams, answer: incidentView } as const;
  api.add({
    ...shared,
    path: '/incidents/{id}/describe',
    summary: 'Say more of what happened: the parts given replace what stood there',
    access: incidentMoves.describe.needs,
    body: z.strictObject({ title: text(200).optional(), ...words }),
    handle: async ({ caller, params, body }) => {
      const parts = Object.fromEntries(Object.entries(body).filter(([, part]) => part !== undefined));
      return answer(await describeIncident(office, caller.actor, params.id, parts));
    },
  });

  api.add({
    ...shared,
    path: '/incidents/{id}/count',
    summary: 'Count again what it reaches, of the scope given or as before',
    access: incidentMoves.count.needs,
    body: z.strictObject(affected),
    handle: async ({ caller, params, body: { scope = null, people = null } }) =>
      answer(await recountIncident(office, caller.actor, params.id, scope, people)),
  });

  api.add({
    ...shared,
    path: '/incidents/{id}/assess',
    summary: 'Assess the risk to people',
    access: incidentMoves.assess.needs,
    body: z.strictObject({ risk: z.enum(incidentRisks), note }),
    handle: async ({ caller, params, body }) =>
      answer(
        await moveIncident(office, caller.actor, params.id, {
          move: 'assess',
          risk: body.risk,
          note: body.note ?? null,
        }),
      ),
  });

  api.add({
    ...shared,
    path: '/incidents/{id}/notify_authority',
    summary: 'Record that the authority was told; a late notice needs its reason (GDPR art. 33(1))',
    access: incidentMoves.notify_authority.needs,
    body: z.strictObject({ notifiedAt: text(40).optional(), reason: z.enum(lateReasonCodes).optional(), note }),
    handle: async ({ caller, params, body }) => {
      const notifiedAt = body.notifiedAt === undefined ? office.now() : instantAt(body.notifiedAt, '/notifiedAt');
      if (isRefusal(notifiedAt)) return notifiedAt;
      const [reason, said] = [body.reason ?? null, body.note ?? null];
      const order = { move: 'notify_authority', notifiedAt, reason, note: said } as const;
      return answer(await moveIncident(office, caller.actor, params.id, order));
    },
  });

  api.add({
    ...shared,
    path: '/incidents/{id}/notify_persons',
    summary: 'Record that the people concerned were told',
    access: incidentMoves.notify_persons.needs,
    body: z.strictObject({ notifiedAt: text(40).optional(), note }),
    handle: async ({ caller, params, body }) => {
      const notifiedAt = body.notifiedAt === undefined ? office.now() : instantAt(body.notifiedAt, '/notifiedAt');
      if (isRefusal(notifiedAt)) return notifiedAt;
      const order = { move: 'notify_persons', notifiedAt, note: body.note ?? null } as const;
      return answer(await moveIncident(office, caller.actor, params.id, order));
    },
  });

  for (const [move, whom] of [
    ['waive_authority', 'authority'],
    ['waive_persons', 'people concerned'],
  ] as const)
    api.add({
      ...shared,
      path: `/incidents/{id}/${move}`,
      summary: `Decide, as the second person, that the ${whom} need not be told`,
      access: incidentMoves[move].needs,
      body: z.strictObject({ ground: z.enum(waiverGroundCodes), note }),
      handle: async ({ caller, params, body }) =>
        answer(
          await moveIncident(office, caller.actor, params.id, { move, ground: body.ground, note: body.note ?? null }),
        ),
    });

  for (const move of ['close', 'reopen'] as const)
    api.add({
      ...shared,
      path: `/incidents/{id}/${move}`,
      summary:
        move === 'close' ? 'Close a breach that is dealt with' : 'Open a breach again: its risk is to be assessed anew',
      access: incidentMoves[move].needs,
      body: z.strictObject({ note }),
      handle: async ({ caller, params, body }) =>
        answer(await moveIncident(office, caller.actor, params.id, { move, note: body.note ?? null })),
    });
}

function viewIncident(office: Office, incident: Incident): z.input<typeof incidentView> {
  const deadline = deadlineFrom(office, incident.awareAt);
  const at = (when: Temporal.Instant | null) => (when ? formatInstant(when) : null);
  const scope = incident.scope.reveal();
  return {
    id: incident.id,
    reference: incident.reference,
    state: incident.state,
    risk: incident.risk,
    awareAt: formatInstant(incident.awareAt),
    notifyBy: formatInstant(incident.notifyBy),
    clock: isClockRunning(incident) ? 'running' : 'stopped',
    late: isClockRunning(incident) && isLate(incident, office.now()),
    clocks: isRefusal(deadline)
      ? []
      : deadline.clocks.map(({ rule, version, dueAt, dueOn, steps }) => ({
          rule,
          version,
          dueAt: at(dueAt),
          dueOn,
          steps: steps.map((step) => ({ ...step })),
        })),
    authorityNotifiedAt: at(incident.authorityNotifiedAt),
    personsNotifiedAt: at(incident.personsNotifiedAt),
    ...incident.story.reveal(),
    scope: {
      subjects: scope.subjects.map((subject) => ({ ...subject })),
      keys: Object.fromEntries(Object.entries(scope.keys).map(([id, rows]) => [id, rows.map((row) => ({ ...row }))])),
      datasets: [...scope.datasets],
      from: scope.from,
      to: scope.to,
    },
    datasets: [...incident.datasets],
    counts: incident.counts && {
      ...incident.counts,
      datasets: incident.counts.datasets.map((count) => ({ ...count })),
      categories: incident.counts.categories.map((count) => ({ ...count })),
    },
    history: incident.history.map((item) => ({ ...item })),
    can: [...allowedIncidentMoves(incident)],
    policyDigest: incident.policy,
  };
}

function instantAt(value: string, pointer: string): Temporal.Instant | Refusal {
  const parsed = parseInstant(value);
  return isRefusal(parsed)
    ? refuse('invalid', parsed.detail, {}, [{ pointer, code: 'time_invalid', detail: parsed.detail }])
    : parsed;
}
