import type { Context } from 'hono';
import { parseLocalTime } from '../../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../../core/refusal.ts';
import { exportLedgerRange } from '../../flows/export-ledger-range.ts';
import { categoryInWords, incidentNotices } from '../../flows/incident-notices.ts';
import { actorNames, incidentsPage, lookUpIncident } from '../../flows/look-up.ts';
import { describeIncident, moveIncident, recountIncident } from '../../flows/move-incident.ts';
import { deadlineFrom, type IncidentReport, openIncident } from '../../flows/open-incident.ts';
import {
  allowedIncidentMoves,
  type Incident,
  type IncidentMove,
  type IncidentOrder,
  incidentMoves,
  incidentRisks,
  lateReasonCodes,
  type Story,
  storyParts,
  waiverGroundCodes,
} from '../../incidents/incident.ts';
import { allDatasets } from '../../policy/data-map.ts';
import { downloadReply, type Html, textOf } from '../reply.ts';
import { IncidentPage, IncidentsPage, NewIncidentPage, WaiverPage } from './incidents.tsx';
import type { Desk, Visit } from './routes.tsx';
import { scopeOf, valuesOf } from './scope-form.ts';

/** Breaches of personal data in the console. */
export function addIncidentPages({ app, office, allow, say, stepUpFor }: Desk): void {
  const { zone } = office.policy.organization;
  const datasets = allDatasets(office.policy.dataMap).map(({ id }) => id);
  const page = async (c: Context, id: string, refusal: Refusal | null) => {
    const incident = await lookUpIncident(office, id);
    if (isRefusal(incident)) return say(c, 'Not found', incident, 404);
    const deadline = deadlineFrom(office, incident.awareAt);
    const now = office.now();
    return c.html(
      (
        <IncidentPage
          frame={(c.get('visit') as Visit).frame}
          incident={incident}
          clocks={isRefusal(deadline) ? [] : deadline.clocks}
          notices={incidentNotices(office, incident, now)}
          datasets={datasets}
          categoryInWords={categoryInWords}
          names={await actorNames(office)}
          now={now}
          refusal={refusal}
        />
      ) as Html,
      refusal ? 409 : 200,
    );
  };
  app.get('/incidents', async (c) => {
    const refused = allow(c, 'incidents.read');
    if (refused) return refused;
    const incidents = await incidentsPage(office, { limit: 200, offset: 0 });
    return c.html((<IncidentsPage frame={c.get('visit').frame} incidents={incidents} now={office.now()} />) as Html);
  });
  app.get(
    '/incidents/new',
    async (c) =>
      allow(c, 'incidents.work') ??
      c.html((<NewIncidentPage frame={c.get('visit').frame} values={{}} refusal={null} datasets={datasets} />) as Html),
  );
  app.post('/incidents/new', async (c) => {
    const refused = allow(c, 'incidents.work');
    if (refused) return refused;
    const form = await c.req.formData();
    const report = readReport(form, zone);
    const opened = isRefusal(report) ? report : await openIncident(office, c.get('visit').caller.actor, report);
    if (!isRefusal(opened)) return c.redirect(`/console/incidents/${opened.id}`, 303);
    const { frame } = c.get('visit');
    return c.html(
      (<NewIncidentPage frame={frame} values={valuesOf(form)} refusal={opened} datasets={datasets} />) as Html,
      422,
    );
  });
  app.get('/incidents/:id', async (c) => allow(c, 'incidents.read') ?? page(c, c.req.param('id'), null));
  app.get('/incidents/:id/ledger', async (c) => {
    const refused = allow(c, 'incidents.read');
    if (refused) return refused;
    const { id } = c.req.param();
    const from = timeOf(c.req.query('from') ?? '', zone, 'ledger-from');
    if (isRefusal(from)) return page(c, id, from);
    const to = timeOf(c.req.query('to') ?? '', zone, 'ledger-to');
    if (isRefusal(to)) return page(c, id, to);
    const range = await exportLedgerRange(office, c.get('visit').caller.actor, id, from, to);
    if (isRefusal(range)) return page(c, id, range);
    return downloadReply(c, { bytes: range.lines, fileName: range.fileName, mediaType: 'application/jsonl' });
  });
  const waiverPage = async (
    c: Context,
    id: string,
    move: 'waive_authority' | 'waive_persons',
    refusal: Refusal | null,
  ) => {
    const incident = await lookUpIncident(office, id);
    if (isRefusal(incident)) return say(c, 'Not found', incident, 404);
    if (!allowedIncidentMoves(incident).includes(move)) return c.redirect(`/console/incidents/${id}`, 303);
    const { frame } = c.get('visit') as Visit;
    const names = await actorNames(office);
    return c.html(
      (<WaiverPage frame={frame} incident={incident} move={move} names={names} refusal={refusal} />) as Html,
      refusal ? 409 : 200,
    );
  };
  for (const move of ['waive_authority', 'waive_persons'] as const)
    app.get(
      `/incidents/:id/${move}`,
      async (c) =>
        allow(c, 'incidents.approve') ?? allow(c, 'incidents.read') ?? waiverPage(c, c.req.param('id'), move, null),
    );
  app.post('/incidents/:id/:move', async (c) => {
    const { id, move: name } = c.req.param();
    const move = (Object.keys(incidentMoves) as IncidentMove[]).find((known) => known === name);
    if (!move) return c.notFound();
    const refused = allow(c, incidentMoves[move].needs);
    if (refused) return refused;
    const form = await c.req.formData();
    const { actor } = c.get('visit').caller;
    const done = await carryOutMove(move, form, actor, id);
    if (!isRefusal(done)) return c.redirect(`/console/incidents/${id}`, 303);
    const isWaiver = move === 'waive_authority' || move === 'waive_persons';
    return stepUpFor(c, done) ?? (isWaiver ? waiverPage(c, id, move, done) : page(c, id, done));
  });

  async function carryOutMove(
    move: IncidentMove,
    form: FormData,
    actor: Visit['caller']['actor'],
    id: string,
  ): Promise<Incident | Refusal> {
    if (move === 'describe') {
      const story = storyOf(form);
      if (story.title === '') return refuse('invalid', 'It needs a name for the list. Nothing was changed.');
      return describeIncident(office, actor, id, story);
    }
    if (move === 'count') {
      const people = peopleOf(form);
      if (isRefusal(people)) return people;
      const scope = scopeOf(form, null);
      return recountIncident(office, actor, id, Object.keys(scope).length > 0 ? scope : null, people);
    }
    const order = readMove(move, form, zone, office.now());
    return isRefusal(order) ? order : moveIncident(office, actor, id, order);
  }
}

function readMove(
  move: Exclude<IncidentMove, 'describe' | 'count'>,
  form: FormData,
  zone: string,
  now: Temporal.Instant,
): IncidentOrder | Refusal {
  const note = textOf(form, 'note').trim() || null;
  const notifiedAt = timeOf(textOf(form, 'notifiedAt'), zone, 'notifiedAt');
  if (isRefusal(notifiedAt)) return notifiedAt;
  switch (move) {
    case 'assess': {
      const risk = incidentRisks.find((known) => known === textOf(form, 'risk'));
      return risk ? { move, risk, note } : refuse('invalid', 'Choose how likely a risk is. Nothing was changed.');
    }
    case 'notify_authority': {
      const reason = lateReasonCodes.find((known) => known === textOf(form, 'reason')) ?? null;
      return { move, notifiedAt: notifiedAt ?? now, reason, note };
    }
    case 'notify_persons':
      return { move, notifiedAt: notifiedAt ?? now, note };
    case 'waive_authority':
    case 'waive_persons': {
      const ground = waiverGroundCodes.find((known) => known === textOf(form, 'ground'));
      return ground ? { move, ground, note } : refuse('invalid', 'Choose the ground. Nothing was changed.');
    }
    default:
      return { move, note };
  }
}

function readReport(form: FormData, zone: string): IncidentReport | Refusal {
  const awareAt = timeOf(textOf(form, 'awareAt'), zone, 'awareAt');
  if (isRefusal(awareAt)) return awareAt;
  const story = storyOf(form);
  const people = peopleOf(form);
  if (isRefusal(people)) return people;
  const missing = [
    ...(awareAt ? [] : [{ pointer: '/awareAt', code: 'required', detail: 'Say since when somebody is sure of it.' }]),
    ...(story.title ? [] : [{ pointer: '/title', code: 'required', detail: 'Give it a name for the list.' }]),
  ];
  if (!awareAt || missing.length > 0)
    return refuse('invalid', 'Something is missing. Nothing was recorded.', {}, missing);
  const scope = scopeOf(form, null);
  return { story, awareAt, scope: Object.keys(scope).length > 0 ? scope : null, people };
}

const storyOf = (form: FormData) =>
  Object.fromEntries(storyParts.map((part) => [part, textOf(form, part).trim()])) as unknown as Story;

function peopleOf(form: FormData): number | null | Refusal {
  const text = textOf(form, 'people').trim();
  if (text === '') return null;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  const detail = 'Write a whole number of people, or leave it empty.';
  return refuse('invalid', `${detail} Nothing was changed.`, {}, [{ pointer: '/people', code: 'invalid', detail }]);
}

/** A browser's datetime-local, read in the organization's zone; null where it is empty. */
function timeOf(text: string, zone: string, field: string): Temporal.Instant | null | Refusal {
  if (text.trim() === '') return null;
  const at = parseLocalTime(text.trim(), zone);
  if (!isRefusal(at)) return at;
  return refuse('invalid', `${at.detail} Nothing was changed.`, {}, [
    { pointer: `/${field}`, code: at.code, detail: at.detail },
  ]);
}
