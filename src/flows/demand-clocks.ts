import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { loadDemand } from '../db/demands.ts';
import { type Demand, type DemandClockMove, moveDemandClock } from '../demands/demand.ts';
import { type ClockEvent, isOnTime } from '../policy/clocks/answer.ts';
import { type DemandClock, demandDeadlines } from '../policy/clocks/demand-deadline.ts';
import { effectiveDeadline, holdEnd } from '../policy/clocks/effective.ts';
import { ruleNamed } from '../policy/regimes.ts';
import { carryOut, type Office } from './office.ts';

type Book = Pick<Office, 'policy' | 'tzdb'>;

function clocksOf(office: Book, demand: Demand): readonly DemandClock[] {
  const clocks = demandDeadlines({
    type: demand.type,
    emergency: demand.emergency,
    receivedAt: demand.receivedAt,
    zone: office.policy.organization.zone,
    regimes: office.policy.regimes,
    dueAt: demand.dueAt,
    events: demand.clockEvents,
    params: {
      ...(demand.issuedAt === null ? {} : { issued_at: demand.issuedAt }),
      ...(demand.orderedPeriod === null ? {} : { period: demand.orderedPeriod }),
    },
    tzdb: office.tzdb,
  });
  return isRefusal(clocks) ? [] : clocks;
}

/** The clocks of a demand, each with its explanation; the date printed on the paper, `dueAt`, is one of them. */
export function demandClocks(office: Book, demand: Demand, now: Temporal.Instant) {
  const clocks = clocksOf(office, demand);
  const { releaseFrom, byPerson } = keepEnd(office, [demand]);
  return {
    keep: clocks.some(({ purpose }) => purpose === 'keep')
      ? { until: releaseFrom ? formatInstant(releaseFrom) : null, byPerson }
      : null,
    clocks: clocks.map(({ rule, version, purpose, dueAt, dueOn, steps, frozen, answer }) => {
      const inTime = isOnTime(answer, now);
      return {
        rule,
        version,
        purpose,
        dueAt: dueAt ? formatInstant(dueAt) : null,
        dueOn,
        late: inTime === null ? null : !inTime,
        waitingFor: answer.kind === 'notStarted' || answer.kind === 'paused' ? [...answer.waitingFor] : [],
        countedWith: { ...frozen },
        steps: steps.map((step) => ({ ...step })),
      };
    }),
  };
}

/** Until when these demands together keep what they touch: the latest of all. */
export function keepEnd(office: Book, demands: readonly Demand[]): ReturnType<typeof holdEnd> {
  const keeping = demands.flatMap((demand) => clocksOf(office, demand).filter(({ purpose }) => purpose === 'keep'));
  return holdEnd(keeping.map(({ answer }) => answer));
}

export interface DemandClockOrder {
  readonly move: DemandClockMove;
  readonly note: string | null;
  /** Who gave more time. */
  readonly by: 'issuer' | 'court' | 'agreement' | null;
  /** The new date as written. */
  readonly newDueAt: string | null;
}

/** Give a demand more time, or renew a preservation. Refused, with the engine's reason, where no rule allows it. */
export async function moveClockOfDemand(
  office: Office,
  actor: Actor,
  id: string,
  order: DemandClockOrder,
): Promise<Demand | Refusal> {
  return carryOut(office, async () => {
    const demand = await loadDemand(office.store, id);
    if (!demand) return refuse('not_found', 'There is no such demand.');
    const now = office.now();
    const event = eventOf(demand, order, now);
    const refused = refusedBy(office, demand, event);
    if (refused !== null)
      return refuse('not_allowed', `The rule does not allow this: ${refused}. The clock was not changed.`, {
        code: refused,
      });
    const decided = moveDemandClock(demand, order.move, event, order.note, actor, now);
    return { decided, result: isRefusal(decided) ? demand : (decided.state[0]?.demand ?? demand) };
  });
}

function eventOf({ type }: Demand, { move, by, newDueAt }: DemandClockOrder, now: Temporal.Instant): ClockEvent {
  const at = formatInstant(now);
  if (move === 'renew') return { type: 'preservation_renewed', at };
  if (type === 'EPOC_PR') return { type: 'preservation_extended', at };
  return {
    type: 'extension_notice',
    at,
    ...(by === null ? {} : { by }),
    ...(newDueAt === null ? {} : { new_due_date: newDueAt, new_due_at: newDueAt }),
  };
}

/** Why no clock of the demand takes this event, or null where one does. */
function refusedBy(office: Book, demand: Demand, event: ClockEvent): string | null {
  const place = demand.clockEvents.length;
  const moved = { ...demand, clockEvents: [...demand.clockEvents, event] };
  const ran = clocksOf(office, moved).flatMap(({ rule: id, answer }) => {
    const rule = ruleNamed(office.policy.regimes, id);
    return rule ? [{ rule, answer }] : [];
  });
  if (ran.length === 0) return 'EXT_NOT_ALLOWED';
  const issue = effectiveDeadline(ran).issues.find(({ event: at, level }) => at === place && level === 'reject');
  // A renewal too many is a fact to keep: from then on only a person releases the hold (rule book 2).
  return issue && issue.code !== 'RENEWAL_LIMIT' ? issue.code : null;
}
