/**
 * requests/ promises that a person's request moves only along one table, that nothing is shown or destroyed before
 * identity is confirmed and a second person agreed, and that every move explains itself. Pure: loads and commits are
 * the flows' business.
 */
import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { instantAfter, type Period } from '../core/periods.ts';
import type { Personal } from '../core/personal.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { secondPerson } from '../core/second-person.ts';
import type { Decided, Task } from '../ledger/decision.ts';
import { type Entry, entry } from '../ledger/entry.ts';
import type { Frozen } from '../policy/clocks/answer.ts';
import type { DatasetId } from '../policy/data-map.ts';
import { groundCodes, readGround } from './grounds.ts';

export const requestTypes = [
  'access',
  'erasure',
  'portability',
  'rectification',
  'restriction',
  'objection',
  'opt_out',
] as const;
export type RequestType = (typeof requestTypes)[number];

export const requestStates = ['received', 'verifying', 'gathering', 'review', 'fulfilling', 'closed'] as const;
export type RequestState = (typeof requestStates)[number];

export const outcomes = ['granted', 'partly_granted', 'refused', 'withdrawn', 'nothing_found'] as const;
export type Outcome = (typeof outcomes)[number];

/**
 * Whether a request keeps what it is about from being purged while it is open. One that asks for data to be destroyed, or
 * no longer to be sold, has nothing to be kept for it.
 */
export function holdsItsEvidence({ type, state }: Pick<SubjectRequest, 'type' | 'state'>): boolean {
  return state !== 'closed' && type !== 'erasure' && type !== 'opt_out';
}

/** The moves and the states they start from: what the code, the 409 answers and the diagram read. */
export const requestMoves = {
  verify: ['received', 'verifying'],
  gather: ['verifying', 'gathering', 'review'],
  pause: ['received', 'verifying', 'gathering', 'review'],
  resume: ['received', 'verifying', 'gathering', 'review'],
  extend: ['received', 'verifying', 'gathering', 'review'],
  decide: ['review'],
  approve: ['review'],
  deliver: ['fulfilling'],
  close: ['fulfilling'],
  withdraw: ['received', 'verifying', 'gathering', 'review'],
  reopen: ['closed'],
  appeal: ['closed'],
} satisfies Record<string, readonly RequestState[]>;
export type RequestMove = keyof typeof requestMoves;

/** Who asks, in the words they gave. */
export interface Subject {
  readonly name: string | null;
  readonly identifiers: readonly { readonly kind: string; readonly value: string }[];
}

/** How far identity is confirmed. `verified` names the identifier that was proven, by kind, never by value. */
export interface Identity {
  readonly state: 'unverified' | 'code_sent' | 'verified';
  readonly method: 'mail_code' | 'staff' | null;
  readonly verifiedAt: string | null;
  readonly verifiedKinds: readonly string[];
  readonly failedAttempts: number;
}

type Identifier = Subject['identifiers'][number];

/** Where a code goes: the first mail address that the person gave. */
export function codeAddress(subject: Subject): Identifier | null {
  return subject.identifiers.find(({ kind }) => kind === 'email') ?? null;
}

/**
 * The identifiers that were proven, from which everything is searched (I10). A code proves the address it went to, and no
 * other one of the same request; what staff confirmed, they confirmed by kind.
 */
export function provenIdentifiers(subject: Subject, { state, method, verifiedKinds }: Identity): readonly Identifier[] {
  if (state !== 'verified') return [];
  if (method !== 'mail_code') return subject.identifiers.filter(({ kind }) => verifiedKinds.includes(kind));
  const proven = codeAddress(subject);
  return proven ? [proven] : [];
}

export type Bucket = 'destroy' | 'mask' | 'keep' | 'give' | 'redact';

/** What was found in one dataset and what would become of it. `digest` names exactly which records were meant. */
export interface Finding {
  readonly dataset: DatasetId;
  readonly count: number;
  readonly disposition: Bucket;
  readonly ground: string | null;
  readonly digest: string;
}

/** One event of a clock, in the deadline engine's own form. */
export interface ClockEvent {
  readonly type: string;
  readonly at: string;
  readonly [detail: string]: string | boolean | undefined;
}

export interface HistoryItem {
  readonly at: string;
  readonly actor: string;
  readonly move: string;
  readonly from: RequestState;
  readonly to: RequestState;
}

/** What the deadline engine answered for this request; frozen with it. */
export interface Deadline {
  readonly dueAt: Temporal.Instant | null;
  readonly dueOn: string | null;
  readonly clock: 'running' | 'paused' | 'not_started' | 'stopped';
  /** By when a refusal must be told: an extension does not give it more time (GDPR art. 12(4)). */
  readonly refuseBy: Temporal.Instant | null;
  /** Each clock's rule, calendar and time zone data, so that the dates can be counted again as they were. */
  readonly frozen: readonly Frozen[];
}

export interface RequestDecision {
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly by: string;
  readonly at: string;
  /** Digest over the findings the decider saw: if they moved, it asks again. */
  readonly findings: string;
  readonly approvedBy: string | null;
  readonly approvedAt: string | null;
}

/** What the person is told at the end: counts and grounds per dataset, and the search afterwards. */
export interface Receipt {
  readonly at: string;
  readonly given: readonly Finding[];
  readonly destroyed: readonly Finding[];
  readonly masked: readonly Finding[];
  readonly kept: readonly Finding[];
  readonly searchAfterwards: readonly {
    readonly dataset: DatasetId;
    readonly count: number;
    readonly expected: number;
  }[];
  readonly searchedAt: string;
}

/** Rows of the person's that a hold keeps from their erasure, by key: deleted with the rest they lead nowhere else. */
export interface Deferred {
  readonly dataset: DatasetId;
  readonly keys: readonly (readonly string[])[];
}

export interface SubjectRequest {
  readonly id: string;
  readonly version: number;
  readonly reference: string;
  readonly caseId: string;
  readonly type: RequestType;
  readonly regime: string;
  readonly channel: string;
  readonly state: RequestState;
  readonly outcome: Outcome | null;
  readonly reason: string | null;
  readonly policy: string;
  readonly receivedAt: Temporal.Instant;
  /** When an appeal against the answer reached us: the clocks of appeals count from it. */
  readonly appealedAt: Temporal.Instant | null;
  readonly deadline: Deadline;
  readonly pseudonym: string;
  readonly history: readonly HistoryItem[];
  readonly clockEvents: readonly ClockEvent[];
  readonly identity: Identity;
  readonly findings: readonly Finding[] | null;
  readonly decision: RequestDecision | null;
  readonly receipt: Receipt | null;
  readonly exportId: string | null;
  readonly holdId: string | null;
  readonly subject: Personal<Subject>;
  readonly details: Personal<string | null>;
  readonly deferred: Personal<readonly Deferred[]>;
}

export type RequestChange = { readonly kind: 'request'; readonly request: SubjectRequest };

/** The moves that are open now. A move of the table is closed while something it needs is missing. */
export function allowedMoves(request: SubjectRequest): readonly RequestMove[] {
  const open = (move: RequestMove): boolean => {
    if (!requestMoves[move].some((state) => state === request.state)) return false;
    if (move === 'gather') return request.identity.state === 'verified';
    if (move === 'decide') return request.decision === null;
    if (move === 'approve') return request.decision !== null && request.decision.approvedBy === null;
    if (move === 'pause') return request.deadline.clock === 'running';
    // In the UK a month that waits for proof of identity has not begun (UK GDPR art. 12A).
    if (move === 'resume') return request.deadline.clock === 'paused' || request.deadline.clock === 'not_started';
    if (move === 'appeal') return request.outcome === 'refused' || request.outcome === 'partly_granted';
    return true;
  };
  return (Object.keys(requestMoves) as RequestMove[]).filter(open);
}

/** Each opening anew is a turn of its own: it has its letters, its package and its approval. */
export function turnOf({ history }: Pick<SubjectRequest, 'history'>): number {
  return 1 + history.filter(({ move }) => move === 'reopen' || move === 'appeal' || move === 'hold_ended').length;
}

/** An occasion of this turn, so that the letter of an earlier turn does not stand in for it. */
export function occasionOf(request: Pick<SubjectRequest, 'history'>, occasion: string): string {
  const turn = turnOf(request);
  return turn === 1 ? occasion : `${occasion}-${turn}`;
}

/** What the clocks count: the request, or on appeal the appeal and what happened since it came. */
export function clockFacts(
  request: Pick<SubjectRequest, 'type' | 'regime' | 'receivedAt' | 'appealedAt' | 'clockEvents'>,
) {
  const { type, regime, receivedAt, appealedAt, clockEvents } = request;
  if (appealedAt === null) return { type, regime, receivedAt, events: clockEvents };
  const since = clockEvents.filter(({ at }) => Temporal.Instant.compare(at, appealedAt) >= 0);
  return { type: 'appeal' as const, regime, receivedAt: appealedAt, events: since };
}

/** Days before the end from which an open request is pressing. */
const pressingDays = 7;

/** How an open request stands towards its deadline; null where it has none to keep. */
export function standing(request: SubjectRequest, now: Temporal.Instant): 'in_time' | 'due_soon' | 'late' | null {
  const { dueAt } = request.deadline;
  if (dueAt === null || request.deadline.clock === 'stopped') return null;
  if (Temporal.Instant.compare(now, dueAt) >= 0) return 'late';
  const pressing = dueAt.subtract({ hours: pressingDays * 24 });
  return Temporal.Instant.compare(now, pressing) >= 0 ? 'due_soon' : 'in_time';
}

/** Refuse a move that is not open, naming those that are. */
export function refuseMove(request: SubjectRequest, move: RequestMove): Refusal | null {
  const allowed = allowedMoves(request);
  if (allowed.includes(move)) return null;
  return refuse(
    'move_not_allowed',
    `"${move}" is not possible while the request is ${request.state}${request.decision ? ' and decided' : ''}. Possible now: ${allowed.join(', ') || 'nothing'}.`,
    { state: request.state, allowed },
  );
}

/** A request moved: its next version, with the move in its history. */
function moved(
  request: SubjectRequest,
  move: string,
  to: RequestState,
  actor: Actor,
  now: Temporal.Instant,
  change: Partial<SubjectRequest> = {},
): SubjectRequest {
  const item = { at: formatInstant(now), actor: actor.id, move, from: request.state, to };
  return { ...request, ...change, state: to, history: [...request.history, item] };
}

function movedEntry(
  request: SubjectRequest,
  move: string,
  to: RequestState,
  actor: Actor,
  now: Temporal.Instant,
): Entry {
  return entry('request.moved', now, actor.id, { request: request.id, move, from: request.state, to });
}

function decision(
  request: SubjectRequest,
  entries: readonly Entry[],
  tasks: readonly Task[] = [],
): Decided<RequestChange> {
  return { state: [{ kind: 'request', request }], entries, tasks };
}

export function noticeTask(request: SubjectRequest, template: string, occasion: string): Task {
  return {
    name: 'send-notice',
    key: `notice/${request.id}/${template}/${occasion}`,
    payload: { request: request.id, template, occasion },
  };
}

/** Take a request in: it is confirmed at once, and a code goes out when there is an address to send it to. */
export function receiveRequest(request: SubjectRequest, actor: Actor, now: Temporal.Instant): Decided<RequestChange> {
  const received = {
    ...request,
    history: [
      { at: formatInstant(now), actor: actor.id, move: 'receive', from: 'received' as const, to: 'received' as const },
    ],
  };
  return decision(
    received,
    [
      entry('request.received', now, actor.id, {
        request: request.id,
        type: request.type,
        regime: request.regime,
        policy: request.policy,
        subject: request.pseudonym,
      }),
    ],
    [noticeTask(received, 'request-received', 'receipt')],
  );
}

/** A code went out to an identifier of the request. */
export function codeSent(
  request: SubjectRequest,
  actor: Actor,
  now: Temporal.Instant,
  grantId: string,
): Decided<RequestChange> {
  const refusal = refuseMove(request, 'verify');
  if (refusal) return refusal;
  return decision(
    moved(request, 'verify', 'verifying', actor, now, {
      identity: { ...request.identity, state: 'code_sent', method: 'mail_code' },
    }),
    [entry('request.code_sent', now, actor.id, { request: request.id })],
    [noticeTask(request, 'identity-code', grantId)],
  );
}

/** Identity is confirmed for these kinds of identifiers; the search starts by itself. */
export function identityConfirmed(
  request: SubjectRequest,
  method: 'mail_code' | 'staff',
  kinds: readonly string[],
  actor: Actor,
  now: Temporal.Instant,
): Decided<RequestChange> {
  const refusal = refuseMove(request, 'verify');
  if (refusal) return refusal;
  return decision(
    moved(request, 'verify', 'gathering', actor, now, {
      identity: {
        ...request.identity,
        state: 'verified',
        method,
        verifiedAt: formatInstant(now),
        verifiedKinds: kinds,
      },
    }),
    [movedEntry(request, 'verify', 'gathering', actor, now)],
    [{ name: 'gather-findings', key: `gather/${request.id}/${request.version}`, payload: { request: request.id } }],
  );
}

/** A wrong code. After five the code is dead and a new one must be asked for. */
export function codeFailed(request: SubjectRequest, actor: Actor, now: Temporal.Instant): Decided<RequestChange> {
  const failedAttempts = request.identity.failedAttempts + 1;
  return decision({ ...request, identity: { ...request.identity, failedAttempts } }, [
    entry('request.code_failed', now, actor.id, { request: request.id, attempts: failedAttempts }),
  ]);
}

/** Search (again). */
export function startGathering(request: SubjectRequest, actor: Actor, now: Temporal.Instant): Decided<RequestChange> {
  const refusal = refuseMove(request, 'gather');
  if (refusal) return refusal;
  return decision(
    // A package of what was found before is not the answer any more.
    moved(request, 'gather', 'gathering', actor, now, { findings: null, decision: null, exportId: null }),
    [movedEntry(request, 'gather', 'gathering', actor, now)],
    [{ name: 'gather-findings', key: `gather/${request.id}/${request.version}`, payload: { request: request.id } }],
  );
}

/** The search is over: staff review what was found. */
export function findingsGathered(
  request: SubjectRequest,
  findings: readonly Finding[],
  actor: Actor,
  now: Temporal.Instant,
): Decided<RequestChange> {
  if (request.state !== 'gathering')
    return refuse('move_not_allowed', `The search ended after the request had moved on to ${request.state}.`, {
      state: request.state,
    });
  return decision(moved(request, 'gathered', 'review', actor, now, { findings }), [
    movedEntry(request, 'gathered', 'review', actor, now),
  ]);
}

/** Decide. A refusal needs its reason and closes the request; anything else waits for a second person. */
export function decideOutcome(
  request: SubjectRequest,
  outcome: Outcome,
  ground: string | null,
  findingsDigest: string,
  actor: Actor,
  now: Temporal.Instant,
): Decided<RequestChange> {
  const refusal = refuseMove(request, 'decide');
  if (refusal) return refusal;
  const reason = ground === null ? null : readGround(ground);
  if (reason === null && (ground !== null || outcome === 'refused' || outcome === 'partly_granted'))
    return refuse('invalid', 'A refusal, whole or in part, names its ground. Nothing was decided.', {}, [
      {
        pointer: '/reason',
        code: ground === null ? 'required' : 'not_known',
        detail: `Give the code of the ground: ${groundCodes.join(', ')}.`,
      },
    ]);
  if (outcome === 'withdrawn') return refuse('invalid', 'Use "withdraw" when the person takes the request back.');
  const made = {
    outcome,
    reason,
    by: actor.id,
    at: formatInstant(now),
    findings: findingsDigest,
    approvedBy: null,
    approvedAt: null,
  };
  const decided = entry('request.decided', now, actor.id, { request: request.id, outcome, reason });
  if (outcome === 'refused' || outcome === 'nothing_found')
    return decision(
      moved(request, 'decide', 'closed', actor, now, {
        decision: made,
        outcome,
        reason,
        deadline: { ...request.deadline, clock: 'stopped' },
      }),
      [decided, movedEntry(request, 'decide', 'closed', actor, now)],
      [
        noticeTask(
          request,
          outcome === 'refused' ? 'request-refused' : 'nothing-found',
          occasionOf(request, 'decision'),
        ),
      ],
    );
  const needsPackage = request.type === 'access' || request.type === 'portability';
  return decision(
    moved(request, 'decide', 'review', actor, now, { decision: made, reason }),
    [decided],
    needsPackage
      ? [
          {
            name: 'prepare-access-package',
            key: `access-package/${request.id}/${request.version}`,
            payload: { request: request.id },
          },
        ]
      : [],
  );
}

/**
 * Approve the decision, by someone other than who made it (I6). What follows is done by tasks; an erasure waits first
 * for as long as the organization lets approved erasures cool.
 */
export function approveDecision(
  request: SubjectRequest,
  cooling: Period | null,
  actor: Actor,
  now: Temporal.Instant,
): Decided<RequestChange> {
  const refusal = refuseMove(request, 'approve');
  if (refusal) return refusal;
  if (!request.decision) return refuse('not_ready', 'There is no decision to approve yet.');
  const second = secondPerson(request.decision.by, actor, 'the answer to this request');
  if (second) return second;
  const approved = { ...request.decision, approvedBy: actor.id, approvedAt: formatInstant(now) };
  const tasks: readonly Task[] =
    request.type === 'erasure'
      ? [
          {
            name: 'erase-subject',
            key: `erase/${request.id}/${request.version}`,
            payload: { request: request.id },
            ...(cooling === null ? {} : { notBefore: formatInstant(instantAfter(now, cooling)) }),
          },
        ]
      : request.exportId === null
        ? []
        : [
            // Where the package is sealed already; one sealed later is delivered by its seal.
            {
              name: 'deliver-access-package',
              key: `deliver/${request.exportId}/${request.version}`,
              payload: { request: request.id, export: request.exportId },
            },
          ];
  return decision(
    moved(request, 'approve', 'fulfilling', actor, now, { decision: approved }),
    [movedEntry(request, 'approve', 'fulfilling', actor, now)],
    tasks,
  );
}

/** The counts moved between preview and execution: nothing more is done before somebody looks again. */
export function countsMoved(
  request: SubjectRequest,
  findings: readonly Finding[],
  actor: Actor,
  now: Temporal.Instant,
): Decided<RequestChange> {
  return decision(moved(request, 'counts_moved', 'review', actor, now, { findings, decision: null }), [
    movedEntry(request, 'counts_moved', 'review', actor, now),
  ]);
}

/** Done: the receipt is written, the person is told, the clock stops. */
export function fulfilled(
  request: SubjectRequest,
  receipt: Receipt,
  receiptDigest: string,
  deferred: Personal<readonly Deferred[]>,
  actor: Actor,
  now: Temporal.Instant,
): Decided<RequestChange> {
  if (request.state !== 'fulfilling')
    return refuse('move_not_allowed', `A request that is ${request.state} is not being fulfilled.`, {
      state: request.state,
    });
  const outcome = request.decision?.outcome ?? 'granted';
  const count = (findings: readonly Finding[]) => findings.reduce((sum, finding) => sum + finding.count, 0);
  const held = receipt.kept.length > 0 && outcome === 'granted' && request.type === 'erasure';
  return decision(
    moved(request, 'fulfil', 'closed', actor, now, {
      receipt,
      deferred,
      outcome: held ? 'partly_granted' : outcome,
      deadline: { ...request.deadline, clock: 'stopped' },
    }),
    [
      entry('request.fulfilled', now, actor.id, {
        request: request.id,
        destroyed: count(receipt.destroyed),
        masked: count(receipt.masked),
        kept: count(receipt.kept),
        given: count(receipt.given),
        receipt: receiptDigest,
      }),
      movedEntry(request, 'fulfil', 'closed', actor, now),
    ],
    [
      noticeTask(
        request,
        request.type === 'erasure' ? 'erasure-receipt' : request.exportId ? 'package-ready' : 'request-answered',
        occasionOf(request, 'fulfilled'),
      ),
    ],
  );
}

/** Whether the person may take their package: it was granted, a second person agreed, and it was delivered. */
export function packageIsOut({ state, outcome, decision: made, exportId, identity }: SubjectRequest): boolean {
  const isGranted = outcome === 'granted' || outcome === 'partly_granted';
  const isApproved = (made?.approvedBy ?? null) !== null;
  return state === 'closed' && isGranted && isApproved && exportId !== null && identity.state === 'verified';
}

/** The person takes the request back, or staff note that they did. */
export function withdraw(request: SubjectRequest, actor: Actor, now: Temporal.Instant): Decided<RequestChange> {
  const refusal = refuseMove(request, 'withdraw');
  if (refusal) return refusal;
  return decision(
    moved(request, 'withdraw', 'closed', actor, now, {
      outcome: 'withdrawn',
      deadline: { ...request.deadline, clock: 'stopped' },
    }),
    [movedEntry(request, 'withdraw', 'closed', actor, now)],
    [noticeTask(request, 'request-withdrawn', occasionOf(request, 'withdrawn'))],
  );
}

/** Open again: by the person's reply, by staff, or as an appeal. The clock of the rule book starts as it says. */
export function reopen(
  request: SubjectRequest,
  move: 'reopen' | 'appeal',
  appealedAt: Temporal.Instant | null,
  deadline: Deadline,
  actor: Actor,
  now: Temporal.Instant,
): Decided<RequestChange> {
  const refusal = refuseMove(request, move);
  if (refusal) return refusal;
  const to: RequestState = request.identity.state === 'verified' ? 'review' : 'received';
  return decision(
    moved(request, move, to, actor, now, {
      outcome: null,
      reason: null,
      decision: null,
      exportId: null,
      appealedAt,
      deadline,
    }),
    [movedEntry(request, move, to, actor, now)],
  );
}

/**
 * The hold ended that kept some of what was to be erased: the erasure is laid before staff again, with what is free now.
 * It was answered in time, so no clock runs; nothing goes without a decision and a second person.
 */
export function holdEnded(
  request: SubjectRequest,
  findings: readonly Finding[],
  actor: Actor,
  now: Temporal.Instant,
): Decided<RequestChange> {
  if (request.state !== 'closed' || request.type !== 'erasure' || request.receipt === null)
    return refuse('move_not_allowed', `Nothing of a request that is ${request.state} waits for a hold.`, {
      state: request.state,
    });
  return decision(
    moved(request, 'hold_ended', 'review', actor, now, { outcome: null, reason: null, decision: null, findings }),
    [movedEntry(request, 'hold_ended', 'review', actor, now)],
  );
}

/** New holidays or time zone data moved the deadline: what was promised moves with it, and the history says so. */
export function recount(
  request: SubjectRequest,
  deadline: Deadline,
  actor: Actor,
  now: Temporal.Instant,
): Decided<RequestChange> {
  if (request.deadline.dueOn === deadline.dueOn) return decision({ ...request, deadline }, []);
  return decision(moved(request, 'recount', request.state, actor, now, { deadline }), [
    movedEntry(request, 'recount', request.state, actor, now),
  ]);
}

/** Pause, resume or extend: the event is recorded and the deadline is what the engine now says. */
export function moveClock(
  request: SubjectRequest,
  move: 'pause' | 'resume' | 'extend',
  deadline: Deadline,
  clockEvents: readonly ClockEvent[],
  actor: Actor,
  now: Temporal.Instant,
): Decided<RequestChange> {
  const refusal = refuseMove(request, move);
  if (refusal) return refusal;
  return decision(
    moved(request, move, request.state, actor, now, { deadline, clockEvents }),
    [movedEntry(request, move, request.state, actor, now)],
    move === 'extend' ? [noticeTask(request, 'request-extended', formatInstant(now))] : [],
  );
}
