/**
 * incidents/ promises that a breach of personal data moves along one table from the first suspicion to the last notice:
 * nothing is decided before the risk is assessed, no late notice goes without its reason, and nobody alone decides that
 * nobody need be told. Pure; what happened, in words, and whom it concerns are personal and stay sealed.
 */
import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import type { Personal } from '../core/personal.ts';
import { type InputProblem, type Refusal, refuse } from '../core/refusal.ts';
import { secondPerson } from '../core/second-person.ts';
import type { Decided, Task } from '../ledger/decision.ts';
import { entry } from '../ledger/entry.ts';
import { isOnTime } from '../policy/clocks/answer.ts';
import type { HoldScope } from '../policy/hold.ts';

export const incidentStates = [
  'open',
  'assessed',
  'authority_notified',
  'authority_not_required',
  'persons_notified',
  'persons_not_required',
  'closed',
] as const;
export type IncidentState = (typeof incidentStates)[number];

/** How likely and how severe a risk to people's rights is (GDPR art. 33(1), 34(1)). */
export const incidentRisks = ['none', 'risk', 'high'] as const;
export type IncidentRisk = (typeof incidentRisks)[number];

const beforeClose = incidentStates.filter((state) => state !== 'closed');
const decided = ['authority_notified', 'authority_not_required'] as const;
const told = ['persons_notified', 'persons_not_required'] as const;

/** The moves, the states they start from and the state they lead to; null: it stays where it is. */
export const incidentMoves = {
  describe: { from: beforeClose, to: null, needs: 'incidents.work' },
  count: { from: beforeClose, to: null, needs: 'incidents.work' },
  assess: { from: ['open', 'assessed'], to: 'assessed', needs: 'incidents.work' },
  notify_authority: { from: ['assessed'], to: 'authority_notified', needs: 'incidents.work' },
  waive_authority: { from: ['assessed'], to: 'authority_not_required', needs: 'incidents.approve' },
  notify_persons: { from: decided, to: 'persons_notified', needs: 'incidents.work' },
  waive_persons: { from: decided, to: 'persons_not_required', needs: 'incidents.approve' },
  close: { from: told, to: 'closed', needs: 'incidents.work' },
  reopen: { from: [...decided, ...told, 'closed'], to: 'open', needs: 'incidents.work' },
} as const satisfies Record<
  string,
  {
    readonly from: readonly IncidentState[];
    readonly to: IncidentState | null;
    readonly needs: 'incidents.work' | 'incidents.approve';
  }
>;
export type IncidentMove = keyof typeof incidentMoves;
export const incidentMoveNames = Object.keys(incidentMoves) as readonly IncidentMove[];

/** The moves that only a second person makes, each with whom it spares. */
const waivers = { waive_authority: 'authority', waive_persons: 'persons' } as const;
export type Waiver = keyof typeof waivers;

/** Why nobody need be told: whom it spares, at which risk it may be said, the law, and the words for a page. */
export const waiverGrounds = {
  UNLIKELY_RISK: {
    spares: 'authority',
    risks: ['none'],
    citation: 'GDPR art. 33(1)',
    words: 'a risk to people is unlikely',
  },
  NO_PERSONAL_DATA: {
    spares: 'authority',
    risks: ['none'],
    citation: 'GDPR art. 4(12)',
    words: 'no personal data was touched',
  },
  AUTHORITY_KNOWS: {
    spares: 'authority',
    risks: ['none', 'risk', 'high'],
    citation: 'GDPR art. 33(4)',
    words: 'the authority was told before and there is nothing to add',
  },
  NO_HIGH_RISK: {
    spares: 'persons',
    risks: ['none', 'risk'],
    citation: 'GDPR art. 34(1)',
    words: 'a high risk to people is unlikely',
  },
  UNINTELLIGIBLE: {
    spares: 'persons',
    risks: ['none', 'risk', 'high'],
    citation: 'GDPR art. 34(3)(a)',
    words: 'nobody can read the data, because it was encrypted',
  },
  RISK_ENDED: {
    spares: 'persons',
    risks: ['none', 'risk', 'high'],
    citation: 'GDPR art. 34(3)(b)',
    words: 'what was done since then means that the high risk is no longer likely',
  },
  PUBLIC_NOTICE: {
    spares: 'persons',
    risks: ['none', 'risk', 'high'],
    citation: 'GDPR art. 34(3)(c)',
    words: 'writing to each of them would take disproportionate effort, and a public notice was given instead',
  },
  PERSONS_KNOW: {
    spares: 'persons',
    risks: ['none', 'risk', 'high'],
    citation: 'GDPR art. 34(1)',
    words: 'they were told before and there is nothing to add',
  },
} as const satisfies Record<
  string,
  {
    readonly spares: 'authority' | 'persons';
    readonly risks: readonly IncidentRisk[];
    readonly citation: string;
    readonly words: string;
  }
>;
export type WaiverGround = keyof typeof waiverGrounds;
export const waiverGroundCodes = Object.keys(waiverGrounds) as [WaiverGround, ...WaiverGround[]];

/** The grounds that may be given for a waiver of this incident, as it is assessed now. */
export function groundsFor(incident: Incident, move: Waiver): readonly WaiverGround[] {
  return waiverGroundCodes.filter((code) => {
    const { spares, risks } = waiverGrounds[code];
    if (code === 'AUTHORITY_KNOWS' && incident.authorityNotifiedAt === null) return false;
    if (code === 'PERSONS_KNOW' && incident.personsNotifiedAt === null) return false;
    return spares === waivers[move] && risks.some((risk) => risk === incident.risk);
  });
}

/** Why the authority was told after the 72 hours: a late notice gives its reasons (GDPR art. 33(1)). */
export const lateReasons = {
  FACTS_UNCLEAR: 'what happened became clear only step by step',
  POLICE_ASKED: 'the police asked us to wait, so that their investigation was not harmed',
  PROCESSOR_LATE: 'our processor told us the facts late',
  SEVERAL_TOGETHER: 'several similar breaches were examined together',
  NOT_REACHABLE: 'the authority could not be reached',
  OVERLOOKED: 'we did not see in time that it had to be notified',
} as const;
export type LateReason = keyof typeof lateReasons;
export const lateReasonCodes = Object.keys(lateReasons) as [LateReason, ...LateReason[]];

/** What happened, in words. Each may be empty at first: facts come in phases (GDPR art. 33(4)). */
export interface Story {
  readonly title: string;
  /** What happened to the data: seen, changed, lost, destroyed (GDPR art. 33(3)(a)). */
  readonly nature: string;
  /** What it may mean for people (GDPR art. 33(3)(c)). */
  readonly consequences: string;
  /** What we did and will do (GDPR art. 33(3)(d)). */
  readonly measures: string;
  /** What people can do to protect themselves (GDPR recital 86). */
  readonly advice: string;
}
export const storyParts = ['title', 'nature', 'consequences', 'measures', 'advice'] as const;

/** What is affected, as the data map counts it. */
export interface AffectedCounts {
  readonly countedAt: string;
  /** About how many people; null where nothing says. */
  readonly people: number | null;
  /** Null: the source could not be asked. */
  readonly datasets: readonly { readonly dataset: string; readonly count: number | null }[];
  /** Records that hold data of a category; one record may count in several. Null: a source could not be asked. */
  readonly categories: readonly { readonly category: string; readonly count: number | null }[];
}

/** Whom and what it concerns, counted. */
export interface Affected {
  readonly scope: Personal<HoldScope>;
  /** Names the scope in the ledger without telling it (policy/hold.ts, `scopeDigest`). */
  readonly scopeDigest: string;
  readonly datasets: readonly string[];
  readonly counts: AffectedCounts;
}

export interface IncidentItem {
  readonly at: string;
  readonly actor: string;
  readonly move: string;
  readonly from: IncidentState;
  readonly to: IncidentState;
  readonly risk?: IncidentRisk;
  readonly ground?: WaiverGround;
  readonly reason?: LateReason;
  /** When somebody was told, where that is not when it was recorded. */
  readonly notifiedAt?: string;
  readonly note: string | null;
}

export interface Incident {
  readonly id: string;
  readonly version: number;
  readonly reference: string;
  readonly caseId: string;
  readonly state: IncidentState;
  /** When we became aware: the clock runs from here (GDPR art. 33(1)). */
  readonly awareAt: Temporal.Instant;
  /** As the rule book said when it was opened: late after this instant. */
  readonly notifyBy: Temporal.Instant;
  /** The first notice; later ones add to it. */
  readonly authorityNotifiedAt: Temporal.Instant | null;
  readonly personsNotifiedAt: Temporal.Instant | null;
  readonly risk: IncidentRisk | 'unassessed';
  readonly policy: string;
  /** The datasets it reaches. */
  readonly datasets: readonly string[];
  readonly counts: AffectedCounts | null;
  readonly history: readonly IncidentItem[];
  readonly story: Personal<Story>;
  readonly scope: Personal<HoldScope>;
}

export type IncidentChange = { readonly kind: 'incident'; readonly incident: Incident };

/** The moves that are open now. */
export function allowedIncidentMoves({ state }: Pick<Incident, 'state'>): readonly IncidentMove[] {
  return incidentMoveNames.filter((move) => incidentMoves[move].from.some((from) => from === state));
}

/** Whether its clock still asks for a notice: the authority was not told, and nobody decided that it need not be. */
export function isClockRunning({ state, authorityNotifiedAt }: Incident): boolean {
  return authorityNotifiedAt === null && (state === 'open' || state === 'assessed');
}

/** The task that wakes somebody a day before the clock runs out; at once where less than a day is left. */
function watch({ id, notifyBy }: Incident, opening: number): Task {
  return {
    name: 'watch-incident',
    key: `${id}/${opening}`,
    payload: { incident: id, opening },
    notBefore: formatInstant(notifyBy.subtract({ hours: 24 })),
  };
}

const openings = ({ history }: Incident) => history.filter(({ to, from }) => to === 'open' && from !== 'open').length;

/**
 * Open an incident: from now on its clock is watched.
 * @param affected null: nobody knows yet
 */
export function openIncident(
  fresh: Incident,
  affected: Affected | null,
  actor: Actor,
  now: Temporal.Instant,
): Decided<IncidentChange> {
  const incident = affected ? { ...fresh, ...reachOf(affected) } : fresh;
  if (Temporal.Instant.compare(incident.awareAt, now) > 0)
    return wrong('awareAt', 'in_future', 'Nobody can be aware of it before it is so. Give the time at which you were.');
  return {
    state: [{ kind: 'incident', incident }],
    entries: [
      entry('incident.opened', now, actor.id, {
        incident: incident.id,
        policy: incident.policy,
        awareAt: formatInstant(incident.awareAt),
        notifyBy: formatInstant(incident.notifyBy),
      }),
      ...(affected ? [counted(incident.id, affected, actor, now)] : []),
    ],
    tasks: [watch(incident, 0)],
  };
}

const reachOf = ({ scope, datasets, counts }: Affected) => ({ scope, datasets, counts });

function counted(incident: string, { scopeDigest, counts }: Affected, actor: Actor, now: Temporal.Instant) {
  const known = counts.datasets.flatMap(({ count }) => (count === null ? [] : [count]));
  return entry('incident.counted', now, actor.id, {
    incident,
    scope: scopeDigest,
    people: counts.people,
    records: known.reduce((sum, count) => sum + count, 0),
    uncounted: counts.datasets.length - known.length,
  });
}

/** What a move brings with it. */
export type IncidentOrder =
  | { readonly move: 'describe'; readonly story: Story }
  | ({ readonly move: 'count' } & Affected)
  | { readonly move: 'assess'; readonly risk: IncidentRisk; readonly note: string | null }
  | {
      readonly move: 'notify_authority';
      readonly notifiedAt: Temporal.Instant;
      readonly reason: LateReason | null;
      readonly note: string | null;
    }
  | { readonly move: 'notify_persons'; readonly notifiedAt: Temporal.Instant; readonly note: string | null }
  | { readonly move: Waiver; readonly ground: WaiverGround; readonly note: string | null }
  | { readonly move: 'close' | 'reopen'; readonly note: string | null };

/** Move an incident. A refusal changes nothing and says what is open or missing. */
export function moveIncident(
  incident: Incident,
  order: IncidentOrder,
  actor: Actor,
  now: Temporal.Instant,
): Decided<IncidentChange> {
  const { state: from } = incident;
  const allowed = allowedIncidentMoves(incident);
  if (!allowed.includes(order.move))
    return refuse(
      'move_not_allowed',
      `"${order.move}" is not possible while the incident is ${from}. Possible now: ${allowed.join(', ')}.`,
      { state: from, allowed },
    );
  const missing = missingFor(incident, order, actor, now);
  if (missing) return missing;
  const { move } = order;
  const to = incidentMoves[move].to ?? from;
  const codes = codesOf(incident, order);
  const note = 'note' in order ? order.note : null;
  const item: IncidentItem = { at: formatInstant(now), actor: actor.id, move, from, to, ...codes, note };
  const moved: Incident = {
    ...incident,
    ...changeBy(incident, order),
    state: to,
    history: [...incident.history, item],
  };
  const { risk = null, ground = null, reason = null, notifiedAt = null } = codes;
  return {
    state: [{ kind: 'incident', incident: moved }],
    entries: [
      order.move === 'count'
        ? counted(incident.id, order, actor, now)
        : entry('incident.moved', now, actor.id, {
            incident: incident.id,
            move,
            from,
            to,
            risk,
            ground,
            reason,
            notifiedAt,
          }),
    ],
    tasks: move === 'reopen' && moved.authorityNotifiedAt === null ? [watch(moved, openings(moved))] : [],
  };
}

/** Whether the authority's first notice, given at `at`, is in time. A later one only adds to it (GDPR art. 33(4)). */
export function isLate({ notifyBy, authorityNotifiedAt }: Incident, at: Temporal.Instant): boolean {
  return authorityNotifiedAt === null && isOnTime({ kind: 'instant', dueAt: notifyBy, strict: false }, at) === false;
}

function codesOf(incident: Incident, order: IncidentOrder): Partial<IncidentItem> {
  switch (order.move) {
    case 'assess':
      return { risk: order.risk };
    case 'notify_authority': {
      const reason = isLate(incident, order.notifiedAt) && order.reason ? { reason: order.reason } : {};
      return { notifiedAt: formatInstant(order.notifiedAt), ...reason };
    }
    case 'notify_persons':
      return { notifiedAt: formatInstant(order.notifiedAt) };
    case 'waive_authority':
    case 'waive_persons':
      return { ground: order.ground };
    default:
      return {};
  }
}

function changeBy(incident: Incident, order: IncidentOrder): Partial<Incident> {
  switch (order.move) {
    case 'describe':
      return { story: incident.story.map(() => order.story) };
    case 'count':
      return reachOf(order);
    case 'assess':
      return { risk: order.risk };
    case 'notify_authority':
      return { authorityNotifiedAt: incident.authorityNotifiedAt ?? order.notifiedAt };
    case 'notify_persons':
      return { personsNotifiedAt: incident.personsNotifiedAt ?? order.notifiedAt };
    case 'reopen':
      // What is new may change the risk: the assessment before it decides nothing any more.
      return { risk: 'unassessed' };
    default:
      return {};
  }
}

function missingFor(incident: Incident, order: IncidentOrder, actor: Actor, now: Temporal.Instant): Refusal | null {
  switch (order.move) {
    case 'notify_authority': {
      const time = wrongTime(incident, order.notifiedAt, now);
      if (time) return time;
      if (!isLate(incident, order.notifiedAt) || order.reason !== null) return null;
      return wrong(
        'reason',
        'late_reason_needed',
        `The authority was to be told by ${formatInstant(incident.notifyBy)}. A later notice gives the reasons for the delay (GDPR art. 33(1)): choose one.`,
      );
    }
    case 'notify_persons':
      return wrongTime(incident, order.notifiedAt, now);
    case 'waive_authority':
    case 'waive_persons':
      return wrongGround(incident, order) ?? alone(incident, order.move, actor);
    default:
      return null;
  }
}

function wrongTime({ awareAt }: Incident, at: Temporal.Instant, now: Temporal.Instant): Refusal | null {
  if (Temporal.Instant.compare(at, now) > 0)
    return wrong('notifiedAt', 'in_future', 'That is still to come. Record the notice when it was given.');
  if (Temporal.Instant.compare(at, awareAt) < 0)
    return wrong('notifiedAt', 'before_aware', 'That is before anybody was aware of it. Check the time.');
  return null;
}

function wrongGround(incident: Incident, { move, ground }: { move: Waiver; ground: WaiverGround }): Refusal | null {
  const open = groundsFor(incident, move);
  if (open.includes(ground)) return null;
  return wrong(
    'ground',
    'ground_not_open',
    `${ground} cannot be the ground while the risk is assessed as ${incident.risk}. ${open.length > 0 ? `Open are ${open.join(', ')}.` : 'None is open: the notice must be given, or the risk assessed anew.'}`,
  );
}

/** That nobody need be told is decided by neither who opened it nor who assessed the risk it follows from. */
function alone(incident: Incident, move: Waiver, actor: Actor): Refusal | null {
  const what = `the finding that the ${waivers[move]} need not be told`;
  const { opener, assessor } = preparersOf(incident);
  return secondPerson(opener, actor, what) ?? secondPerson(assessor, actor, what);
}

/** Who recorded it, and who assessed its risk last. */
export function preparersOf({ history }: Incident): { readonly opener: string; readonly assessor: string } {
  const opener = history[0]?.actor ?? '';
  return { opener, assessor: history.findLast((item) => item.move === 'assess')?.actor ?? opener };
}

function wrong(field: string, code: string, detail: string): Refusal {
  const errors: readonly InputProblem[] = [{ pointer: `/${field}`, code, detail }];
  return refuse('invalid', `${detail} Nothing was changed.`, {}, errors);
}
