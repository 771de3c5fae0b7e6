import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { loadIncident } from '../db/incidents.ts';
import {
  moveIncident as decideMove,
  type Incident,
  type IncidentOrder,
  isClockRunning,
  type Story,
} from '../incidents/incident.ts';
import type { Alarm } from '../ledger/alarm.ts';
import { isEmptyScope, type WrittenHoldScope } from '../policy/hold.ts';
import { carryOut, type Office } from './office.ts';
import { affectedBy, readScope } from './open-incident.ts';

const unknown = () => refuse('not_found', 'There is no such incident.');

/** Move an incident on. */
export async function moveIncident(
  office: Office,
  actor: Actor,
  id: string,
  order: IncidentOrder | ((incident: Incident) => IncidentOrder),
): Promise<Incident | Refusal> {
  return carryOut(office, async () => {
    const incident = await loadIncident(office.store, id);
    if (!incident) return unknown();
    const wanted = typeof order === 'function' ? order(incident) : order;
    const decided = decideMove(incident, wanted, actor, office.now());
    return { decided, result: isRefusal(decided) ? incident : (decided.state[0]?.incident ?? incident) };
  });
}

/** Say more of what happened: the parts given replace what stood there. */
export async function describeIncident(
  office: Office,
  actor: Actor,
  id: string,
  parts: Partial<Story>,
): Promise<Incident | Refusal> {
  return moveIncident(office, actor, id, ({ story }) => ({
    move: 'describe',
    story: { ...story.reveal(), ...parts },
  }));
}

/**
 * Count again what an incident reaches.
 * @param written whom and what it concerns, as is known now; null: as before
 */
export async function recountIncident(
  office: Office,
  actor: Actor,
  id: string,
  written: WrittenHoldScope | null,
  people: number | null,
): Promise<Incident | Refusal> {
  const before = await loadIncident(office.store, id);
  if (!before) return unknown();
  const scope = written ? await readScope(office, written) : before.scope.reveal();
  if (isRefusal(scope)) return scope;
  if (isEmptyScope(scope))
    return refuse(
      'invalid',
      'Say whom or what it concerns first: people, datasets or a range. Nothing was counted.',
      {},
      [{ pointer: '/scope', code: 'scope_empty', detail: 'Name subjects, datasets or a range of time.' }],
    );
  // Counting may take a while and only reads; what it is written to is loaded again afterwards.
  const affected = await affectedBy(office, before.caseId, scope, people);
  return moveIncident(office, actor, id, { move: 'count', ...affected });
}

/**
 * The task: a day before its clock runs out, an incident of which nobody told the authority, nor decided that it need
 * not be told, raises an alarm. Each opening of it raises its own, once.
 */
export async function watchIncident(office: Office, id: string, opening: number): Promise<void> {
  const incident = await loadIncident(office.store, id);
  if (!incident || !isClockRunning(incident)) return;
  const alarm: Alarm = {
    kind: 'incident_clock',
    key: `incident_clock/${id}/${opening}`,
    at: formatInstant(office.now()),
    facts: { incident: id, notifyBy: formatInstant(incident.notifyBy), state: incident.state },
  };
  await commit(office.store, { state: [], entries: [], tasks: [], alarms: [alarm] });
}
