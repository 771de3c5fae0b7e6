import type { Actor } from '../core/actor.ts';
import { makeId, makeReference } from '../core/ids.ts';
import { formatInstant } from '../core/instants.ts';
import { personal } from '../core/personal.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { type Affected, openIncident as decideOpening, type Incident, type Story } from '../incidents/incident.ts';
import { type IncidentDeadline, incidentDeadline } from '../policy/clocks/incident-deadline.ts';
import { checkScope, type HoldScope, scopeDigest, type WrittenHoldScope } from '../policy/hold.ts';
import { countAffected, reachedDatasets } from './count-affected.ts';
import { carryOut, type Office } from './office.ts';

export interface IncidentReport {
  readonly story: Story;
  readonly awareAt: Temporal.Instant;
  /** Whom or what it concerns; null: nobody knows yet. */
  readonly scope: WrittenHoldScope | null;
  /** About how many people, where the data map cannot say. */
  readonly people: number | null;
}

/** Record a breach of personal data: its clock is set and watched, and what it reaches is counted. */
export async function openIncident(office: Office, actor: Actor, report: IncidentReport): Promise<Incident | Refusal> {
  const deadline = deadlineFrom(office, report.awareAt);
  if (isRefusal(deadline)) return deadline;
  const scope = report.scope && (await readScope(office, report.scope));
  if (isRefusal(scope)) return scope;
  const now = office.now();
  const id = makeId('incident', now, office.random(10));
  const incident: Incident = {
    id,
    version: 0,
    // B for breach: an I is read as a 1.
    reference: makeReference('B', office.random(5)),
    caseId: id,
    state: 'open',
    awareAt: report.awareAt,
    notifyBy: deadline.notifyBy,
    authorityNotifiedAt: null,
    personsNotifiedAt: null,
    risk: 'unassessed',
    policy: office.policy.digest,
    datasets: [],
    counts: null,
    history: [{ at: formatInstant(now), actor: actor.id, move: 'open', from: 'open', to: 'open', note: null }],
    story: personal(report.story),
    scope: personal({ subjects: [], keys: {}, datasets: [], from: null, to: null }),
  };
  const undecided = decideOpening(incident, null, actor, now);
  if (isRefusal(undecided)) return undecided;
  await office.store.vault.newCase(id, now);
  const affected = scope && (await affectedBy(office, id, scope, report.people));
  const decided = decideOpening(incident, affected, actor, now);
  return carryOut(office, async () => ({
    decided,
    result: { ...(isRefusal(decided) ? incident : (decided.state[0]?.incident ?? incident)), version: 1 },
  }));
}

/** The scope of a breach, checked against the data map, and its keys against the sources that can be asked. */
export async function readScope(office: Office, written: WrittenHoldScope): Promise<HoldScope | Refusal> {
  const { dataMap, organization } = office.policy;
  const scope = checkScope(dataMap, written, organization.zone, 'disclosure');
  if (isRefusal(scope)) return scope;
  const asked = [...office.sources.values()].map((source) => source.wrongKeys(scope).catch(() => []));
  const errors = (await Promise.all(asked)).flat();
  const [first] = errors;
  return first ? refuse('invalid', `${first.detail} Nothing was changed.`, {}, errors) : scope;
}

/** Whom and what a breach concerns, counted now. */
export async function affectedBy(
  office: Office,
  caseId: string,
  scope: HoldScope,
  people: number | null,
): Promise<Affected> {
  return {
    scope: personal(scope),
    scopeDigest: scopeDigest(scope, await office.store.vault.caseKey(caseId)),
    datasets: reachedDatasets(office, scope).map(({ id }) => id),
    counts: await countAffected(office, scope, people),
  };
}

/** By when the authority is to be told, with its explanation, as the rule book of this policy set says now. */
export function deadlineFrom(
  { policy, tzdb }: Pick<Office, 'policy' | 'tzdb'>,
  awareAt: Temporal.Instant,
): IncidentDeadline | Refusal {
  return incidentDeadline({ awareAt, zone: policy.organization.zone, regimes: policy.regimes, tzdb });
}
