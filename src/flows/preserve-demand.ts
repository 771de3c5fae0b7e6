import { type Actor, systemActor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { loadDemand } from '../db/demands.ts';
import { type Demand, isOver } from '../demands/demand.ts';
import type { Hold } from '../disposition/hold.ts';
import { demandClocks, keepEnd } from './demand-clocks.ts';
import type { Office } from './office.ts';
import { type HoldOrder, placeFor, placeHold } from './place-hold.ts';
import { today } from './review-hold.ts';

/** What a demand's paper asks to be preserved, as a hold that is looked at again on the day its clock ends. */
function orderFor(office: Office, demand: Demand): HoldOrder {
  const paper = demand.paper.reveal();
  const { releaseFrom } = keepEnd(office, [demand]);
  const end = releaseFrom?.toZonedDateTimeISO(office.policy.organization.zone).toPlainDate();
  return {
    matter: `${demand.reference} ${paper.instrumentNumber ?? ''}`.trim(),
    reason: `Preservation for ${demand.type.replaceAll('_', ' ')} of ${paper.issuer.name}`,
    scope: {
      subjects: paper.targets.map(({ kind, value }) => ({ kind, value })),
      ...(paper.scope?.from ? { from: paper.scope.from } : {}),
      ...(paper.scope?.to ? { to: paper.scope.to } : {}),
    },
    demandId: demand.id,
    requestId: null,
    reviewOn: end && Temporal.PlainDate.compare(end, today(office)) > 0 ? end.toString() : null,
  };
}

/** Place the hold that a demand asks for, by hand. */
export async function holdForDemand(office: Office, actor: Actor, id: string): Promise<Hold | Refusal> {
  const demand = await loadDemand(office.store, id);
  return demand ? placeHold(office, actor, orderFor(office, demand)) : refuse('not_found', 'There is no such demand.');
}

/** Whether the law has a demand of this kind preserved from its receipt on (18 U.S.C. 2703(f); Reg. (EU) 2023/1543 art. 11). */
export function preserves(office: Office, demand: Demand): boolean {
  return demandClocks(office, demand, office.now()).keep !== null;
}

/**
 * The task after the receipt of a preservation demand: its hold is placed, unless somebody was faster. What it names and
 * cannot be held as written, or names nobody, is for a person to read: an alarm says so.
 */
export async function preserveDemand(office: Office, id: string): Promise<void> {
  const demand = await loadDemand(office.store, id);
  if (!demand || isOver(demand) || demand.holdIds.length > 0) return;
  const isNamed = demand.paper.reveal().targets.length > 0;
  const placed = isNamed ? await placeFor(office, systemActor, orderFor(office, demand)) : null;
  if (placed !== null && !isRefusal(placed)) return;
  const alarm = {
    kind: 'demand_unheld' as const,
    key: `demand_unheld/${id}`,
    at: formatInstant(office.now()),
    facts: { demand: id, code: placed?.code ?? 'names_nobody' },
  };
  await commit(office.store, { state: [], entries: [], tasks: [], alarms: [alarm] });
}
