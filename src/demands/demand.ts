/**
 * demands/ promises that a legal demand is recorded as it was served, moves along one table, and is answered only by
 * what it may be given. Pure; a demand's own words and names are personal and stay sealed.
 */
import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import type { Personal } from '../core/personal.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import type { Decided } from '../ledger/decision.ts';
import { entry } from '../ledger/entry.ts';
import type { ClockEvent } from '../policy/clocks/answer.ts';

export const demandTypes = [
  'civil_subpoena',
  'criminal_subpoena',
  'grand_jury_subpoena',
  'admin_subpoena',
  'court_order',
  '2703d_order',
  'search_warrant',
  'wiretap_or_prtt',
  'preservation_2703f',
  'emergency_2702b8',
  'nondisclosure_2705b',
  'EPOC',
  'EPOC_PR',
  'MLAT',
  'foreign_domestic_order',
  'family_court_order',
  'consent_release',
  'guardian_ad_litem_request',
  'informal_letter',
] as const;
export type DemandType = (typeof demandTypes)[number];

export const demandStates = [
  'received',
  'authenticating',
  'review',
  'collecting',
  'answered',
  'refused',
  'withdrawn',
  'closed',
] as const;
export type DemandState = (typeof demandStates)[number];

/** The moves, the states they start from and the state they lead to. */
export const demandMoves = {
  authenticate: { from: ['received', 'authenticating'], to: 'review' },
  collect: { from: ['review'], to: 'collecting' },
  answer: { from: ['collecting'], to: 'answered' },
  refuse: { from: ['received', 'authenticating', 'review', 'collecting'], to: 'refused' },
  withdraw: { from: ['received', 'authenticating', 'review', 'collecting'], to: 'withdrawn' },
  close: { from: ['answered', 'refused', 'withdrawn'], to: 'closed' },
} as const satisfies Record<string, { from: readonly DemandState[]; to: DemandState }>;
export type DemandMove = keyof typeof demandMoves;

/** The moves that only change its clocks: somebody gives more time, or a preservation is renewed. */
export const demandClockMoves = ['extend', 'renew'] as const;
export type DemandClockMove = (typeof demandClockMoves)[number];

export const dataClasses = ['subscriber', 'metadata', 'content', 'attachments', 'location'] as const;
export type DataClass = (typeof dataClasses)[number];

/** What the paper says, in its own words. */
export interface Paper {
  readonly instrumentNumber: string | null;
  readonly issuer: { readonly name: string; readonly country: string; readonly court: string | null };
  readonly requester: {
    readonly name: string | null;
    readonly agency: string | null;
    readonly role: string | null;
    readonly email: string | null;
  } | null;
  readonly targets: readonly { readonly kind: string; readonly value: string }[];
  readonly scope: {
    readonly dataClasses: readonly DataClass[];
    readonly from: string | null;
    readonly to: string | null;
  } | null;
  readonly caption: string | null;
  readonly notes: string | null;
}

/** A served paper as received: the digest is of the original bytes. */
export interface ServedDocument {
  readonly id: string;
  readonly blob: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly mediaType: string;
  readonly receivedAt: string;
  readonly receivedBy: string;
}

export interface Demand {
  readonly id: string;
  readonly version: number;
  readonly reference: string;
  readonly caseId: string;
  readonly type: DemandType;
  readonly channel: string;
  readonly state: DemandState;
  readonly receivedAt: Temporal.Instant;
  readonly dueAt: Temporal.Instant | null;
  readonly emergency: boolean;
  /** The date of the order, as written: an instant with its offset, or a day alone. */
  readonly issuedAt: string | null;
  /** How long the order says that it holds, ISO 8601. */
  readonly orderedPeriod: string | null;
  /** Extensions and renewals, in the deadline engine's own form. */
  readonly clockEvents: readonly ClockEvent[];
  readonly policy: string;
  readonly history: readonly {
    at: string;
    actor: string;
    move: string;
    from: DemandState;
    to: DemandState;
    note: string | null;
  }[];
  readonly documents: readonly ServedDocument[];
  readonly holdIds: readonly string[];
  readonly exportIds: readonly string[];
  readonly paper: Personal<Paper>;
}

export type DemandChange = { readonly kind: 'demand'; readonly demand: Demand };

/** The moves that are open now. */
export function allowedDemandMoves(demand: Demand): readonly DemandMove[] {
  return (Object.keys(demandMoves) as DemandMove[]).filter((move) =>
    demandMoves[move].from.some((state) => state === demand.state),
  );
}

/** Whether a demand's clocks may still be moved: an answered preservation goes on until it is closed. */
export function allowedClockMoves(demand: Demand): readonly DemandClockMove[] {
  return isOver(demand) ? [] : demandClockMoves;
}

/** Nothing is preserved or answered for it any more. */
export function isOver({ state }: Demand): boolean {
  return state === 'refused' || state === 'withdrawn' || state === 'closed';
}

/** @param preserves it is to be preserved from its receipt on: its hold follows at once */
export function receiveDemand(
  demand: Demand,
  preserves: boolean,
  actor: Actor,
  now: Temporal.Instant,
): Decided<DemandChange> {
  return {
    state: [{ kind: 'demand', demand }],
    entries: [entry('demand.received', now, actor.id, { demand: demand.id, type: demand.type })],
    tasks: preserves
      ? [{ name: 'preserve-demand', key: `preserve-demand/${demand.id}`, payload: { demand: demand.id } }]
      : [],
  };
}

/**
 * Move a demand. Nothing is collected before it is authenticated, and it counts as answered only once a sealed export
 * is linked to it.
 * @param note why, in the actor's words; kept sealed, and never in the ledger
 */
export function moveDemand(
  demand: Demand,
  move: DemandMove,
  note: string | null,
  hasSealedExport: boolean,
  actor: Actor,
  now: Temporal.Instant,
): Decided<DemandChange> {
  const allowed = allowedDemandMoves(demand);
  if (!allowed.includes(move))
    return refuse(
      'move_not_allowed',
      `"${move}" is not possible while the demand is ${demand.state}. Possible now: ${allowed.join(', ') || 'nothing'}.`,
      { state: demand.state, allowed },
    );
  const missing = missingFor(demand, move, note, hasSealedExport);
  if (missing) return missing;
  const { to } = demandMoves[move];
  const item = { at: formatInstant(now), actor: actor.id, move, from: demand.state, to, note };
  return {
    state: [{ kind: 'demand', demand: { ...demand, state: to, history: [...demand.history, item] } }],
    entries: [entry('demand.moved', now, actor.id, { demand: demand.id, move, from: demand.state, to })],
    tasks: [],
  };
}

/**
 * Give a demand more time, or renew a preservation. Whether a rule allows that is the deadline engine's to say, before.
 * @param note in the actor's words; kept sealed, and never in the ledger
 */
export function moveDemandClock(
  demand: Demand,
  move: DemandClockMove,
  event: ClockEvent,
  note: string | null,
  actor: Actor,
  now: Temporal.Instant,
): Decided<DemandChange> {
  const allowed = [...allowedDemandMoves(demand), ...allowedClockMoves(demand)];
  if (!allowed.includes(move))
    return refuse(
      'move_not_allowed',
      `"${move}" is not possible while the demand is ${demand.state}. Possible now: ${allowed.join(', ') || 'nothing'}.`,
      { state: demand.state, allowed },
    );
  const { state } = demand;
  const item = { at: formatInstant(now), actor: actor.id, move, from: state, to: state, note };
  const moved = { ...demand, clockEvents: [...demand.clockEvents, event], history: [...demand.history, item] };
  return {
    state: [{ kind: 'demand', demand: moved }],
    entries: [entry('demand.moved', now, actor.id, { demand: demand.id, move, from: state, to: state })],
    tasks: [],
  };
}

function missingFor(demand: Demand, move: DemandMove, note: string | null, hasSealedExport: boolean): Refusal | null {
  if (move === 'authenticate' && note === null)
    return refuse(
      'invalid',
      'Say how the demand was authenticated: which number was called back, and where that number came from. Nothing was changed.',
      {},
      [
        {
          pointer: '/note',
          code: 'required',
          detail: 'A demand is authenticated by calling back a number from an independent source.',
        },
      ],
    );
  if (move === 'refuse' && note === null)
    return refuse('invalid', 'A refusal names its ground. Nothing was changed.', {}, [
      {
        pointer: '/note',
        code: 'required',
        detail: 'Give the ground, such as "18 USC 2702: no content on a civil subpoena".',
      },
    ]);
  if (move === 'answer' && !hasSealedExport)
    return refuse('not_ready', 'No sealed export answers this demand yet. Seal one first; nothing was changed.', {
      exports: demand.exportIds,
    });
  return null;
}

/** A paper arrived: its digest is in the ledger before anybody reads it. */
export function addDocument(
  demand: Demand,
  document: ServedDocument,
  actor: Actor,
  now: Temporal.Instant,
): Decided<DemandChange> {
  return {
    state: [{ kind: 'demand', demand: { ...demand, documents: [...demand.documents, document] } }],
    entries: [
      entry('demand.document', now, actor.id, { demand: demand.id, document: document.id, sha256: document.sha256 }),
    ],
    tasks: [],
  };
}

/** Link the hold a demand opened or the export that answers it. */
export function linkDemand(
  demand: Demand,
  link: { readonly hold: string } | { readonly export: string },
  actor: Actor,
  now: Temporal.Instant,
): Decided<DemandChange> {
  const hold = 'hold' in link ? link.hold : null;
  const exported = 'export' in link ? link.export : null;
  return {
    state: [
      {
        kind: 'demand',
        demand: {
          ...demand,
          holdIds: hold && !demand.holdIds.includes(hold) ? [...demand.holdIds, hold] : demand.holdIds,
          exportIds:
            exported && !demand.exportIds.includes(exported) ? [...demand.exportIds, exported] : demand.exportIds,
        },
      },
    ],
    entries: [entry('demand.linked', now, actor.id, { demand: demand.id, hold, export: exported })],
    tasks: [],
  };
}
