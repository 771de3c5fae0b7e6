import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { secondPerson } from '../core/second-person.ts';
import type { Decided, Task } from '../ledger/decision.ts';
import { type Entry, entry } from '../ledger/entry.ts';
import type { DatasetId } from '../policy/data-map.ts';
import type { BatchRecord } from './batch.ts';

export type RunState =
  | 'planned'
  | 'awaiting_approval'
  | 'running'
  | 'paused'
  | 'completed'
  | 'cancelled'
  | 'failed'
  | 'refused';

/** What one dataset holds as seen from one cutoff. */
export interface Census {
  readonly dataset: DatasetId;
  readonly total: number;
  readonly due: number;
  readonly held: number;
  /** Due and not held, but a declared `restrict` link still points at it. */
  readonly restricted: number;
  readonly heldBy: Readonly<Record<string, number>>;
}

/** One rule on one dataset within a run. */
export interface RunPart extends Census {
  readonly rule: string;
  /** What becomes of its records. Masked ones count as `destroyed`: dealt with for good, as the rule says. */
  readonly act: 'destroy' | 'mask';
  readonly ruleDigest: string;
  readonly state: 'planned' | 'running' | 'done' | 'failed' | 'refused';
  readonly destroyed: number;
  readonly batches: number;
  readonly refusal: { readonly code: string; readonly detail: string } | null;
}

/** A disposition run: one cutoff a rule, computed once (I3), from plan to certificate. */
export interface Run {
  readonly id: string;
  readonly version: number;
  readonly state: RunState;
  readonly dryRun: boolean;
  readonly policy: string;
  readonly plannedAt: Temporal.Instant;
  readonly startedBy: string;
  readonly approvedBy: string | null;
  readonly approvalReasons: readonly string[];
  readonly finishedAt: Temporal.Instant | null;
  readonly cutoffs: Readonly<Record<string, string>>;
  readonly parts: readonly RunPart[];
  readonly refusal: { readonly code: string; readonly detail: string } | null;
  /** Blob ids and root of the certificate of disposition, once the run is over. */
  readonly certificate: { readonly json: string; readonly pdf: string; readonly root: string } | null;
  readonly runKey: Uint8Array;
}

export type RunChange = { readonly kind: 'run'; readonly run: Run };

const runMoves = {
  approve: ['awaiting_approval'],
  cancel: ['planned', 'awaiting_approval', 'running', 'paused'],
  pause: ['running'],
  resume: ['paused'],
} satisfies Record<string, readonly RunState[]>;

/** What a rule would do now: the question a plan answers for each dataset. */
export interface PlannedPart {
  readonly rule: string;
  readonly act: RunPart['act'];
  readonly ruleDigest: string;
  readonly cap: { readonly share: number | null; readonly timesUsual: number | null };
  readonly result: Census | Refusal;
  /** Destroyed in each of the last completed runs, newest first. */
  readonly usual: readonly number[];
  /** Whether this rule, word for word, has run to its end before. */
  readonly unchanged: boolean;
}

/** What the guards look at. Clocks are compared with each other because any one of them may be wrong. */
export interface Guards {
  readonly lastRunAt: Temporal.Instant | null;
  /** The sources' own clocks, where they have one. */
  readonly otherClocks: readonly Temporal.Instant[];
  /** How far the wall clock has moved away from the process's own steady clock since it started, in seconds. */
  readonly jumpSeconds: number;
  /** A first start in demonstration mode counts as approved. */
  readonly demonstration: boolean;
}

const day = 86_400;

/** Refuse an implausible clock: behind the last run, or a day away from any other clock there is (section 4). */
function checkClock(now: Temporal.Instant, guards: Guards): Refusal | null {
  const mend = 'Nothing was destroyed. Check the clock of this machine, then run again.';
  if (guards.lastRunAt && Temporal.Instant.compare(now, guards.lastRunAt) < 0)
    return refuse(
      'clock_implausible',
      `The clock says ${formatInstant(now)}, which is before the last run at ${formatInstant(guards.lastRunAt)}. ${mend}`,
    );
  if (Math.abs(guards.jumpSeconds) > day)
    return refuse(
      'clock_implausible',
      `The clock of this machine jumped by ${Math.round(guards.jumpSeconds / 3600)} hours while the service was running. ${mend}`,
    );
  const off = guards.otherClocks.find(
    (other) => Math.abs(now.epochMilliseconds - other.epochMilliseconds) > day * 1000,
  );
  if (off)
    return refuse(
      'clock_implausible',
      `The clock says ${formatInstant(now)}, a source says ${formatInstant(off)}: more than a day apart. ${mend}`,
    );
  return null;
}

/** How many records of a part would go: due, and neither held nor restricted. */
export function goingOf({ due, held, restricted }: Pick<Census, 'due' | 'held' | 'restricted'>): number {
  return due - held - restricted;
}

/** How far a run is, and when it may be over. */
export interface Progress {
  /** Records that were planned to go, and that went. */
  readonly planned: number;
  readonly gone: number;
  /** Going on as its last batches did; null: too little is known, or nothing is left or moves. */
  readonly endsAt: Temporal.Instant | null;
}

/** An estimate from so many batches at least, and so many at most: a run slows down and speeds up. */
const [fewestBatches, mostBatches] = [3, 20];

/**
 * How far a run is. The plan is what was counted; rows written since, and holds, may change it, so it can end early or late.
 * @param batches of the run, in any order
 */
export function progressOfRun(run: Run, batches: readonly Pick<BatchRecord, 'count' | 'destroyedAt'>[]): Progress {
  const sum = (of: (part: RunPart) => number) => run.parts.reduce((total, part) => total + of(part), 0);
  const [planned, gone] = [sum(goingOf), sum(({ destroyed }) => destroyed)];
  const last = batches.toSorted((a, b) => Temporal.Instant.compare(a.destroyedAt, b.destroyedAt)).slice(-mostBatches);
  const [first, newest] = [last[0], last.at(-1)];
  const left = planned - gone;
  if (run.state !== 'running' || !first || !newest || last.length < fewestBatches || left <= 0)
    return { planned, gone, endsAt: null };
  const ms = newest.destroyedAt.epochMilliseconds - first.destroyedAt.epochMilliseconds;
  // What the first of them took, it took before the time that is measured here.
  const records = last.slice(1).reduce((total, { count }) => total + count, 0);
  const share = gone / batches.reduce((total, { count }) => total + count, 0);
  if (ms <= 0 || records <= 0) return { planned, gone, endsAt: null };
  return {
    planned,
    gone,
    endsAt: newest.destroyedAt.add({ milliseconds: Math.round((left / (records * share)) * ms) }),
  };
}

/** Why a second person must look before this part runs; empty when nobody must. */
function reasonsToAsk(part: PlannedPart, census: Census, guards: Guards): string[] {
  const going = goingOf(census);
  const reasons: string[] = [];
  if (going === 0) return reasons;
  if (!part.unchanged && !guards.demonstration) reasons.push(`rule_changed:${part.rule}`);
  if (part.cap.share !== null && going > census.total * part.cap.share) reasons.push(`cap_share:${census.dataset}`);
  const [newest] = part.usual;
  if (part.cap.timesUsual !== null && newest !== undefined && part.usual.length >= 3) {
    const usual = part.usual.reduce((sum, count) => sum + count, 0) / part.usual.length;
    if (usual > 0 && going > usual * part.cap.timesUsual) reasons.push(`cap_usual:${census.dataset}`);
  }
  return reasons;
}

/**
 * Plan a run. Refused as a whole when the clock is implausible or no part can be done; otherwise each part stands with
 * its counts or its own refusal, and the run starts, waits for a second person, or (dry) ends here.
 */
export function planRun(
  base: Pick<Run, 'id' | 'dryRun' | 'policy' | 'plannedAt' | 'startedBy' | 'cutoffs' | 'runKey'>,
  parts: readonly PlannedPart[],
  guards: Guards,
): Decided<RunChange> {
  const implausible = checkClock(base.plannedAt, guards);
  const planned = parts.map(toPart);
  const allRefused = planned.length > 0 && planned.every((part) => part.state === 'refused');
  const refusal = implausible ?? (allRefused ? (planned[0]?.refusal ?? null) : null);
  const reasons = parts.flatMap((part) => (isRefusal(part.result) ? [] : reasonsToAsk(part, part.result, guards)));
  const state: RunState =
    refusal !== null ? 'refused' : base.dryRun ? 'planned' : reasons.length > 0 ? 'awaiting_approval' : 'running';
  const ended = state === 'refused' || base.dryRun;
  const run: Run = {
    ...base,
    version: 0,
    state,
    approvedBy: null,
    approvalReasons: state === 'awaiting_approval' ? reasons : [],
    finishedAt: ended ? base.plannedAt : null,
    parts: planned,
    refusal: refusal ? { code: refusal.code, detail: refusal.detail } : null,
    certificate: null,
  };
  const sum = (of: (part: RunPart) => number) => planned.reduce((total, part) => total + of(part), 0);
  const plan = entry('run.planned', base.plannedAt, base.startedBy, {
    run: run.id,
    policy: run.policy,
    dryRun: run.dryRun,
    cutoffs: { ...run.cutoffs },
    due: sum((part) => part.due),
    held: sum((part) => part.held),
  });
  const then: Entry[] =
    state === 'refused' && refusal
      ? [entry('run.refused', base.plannedAt, base.startedBy, { run: run.id, code: refusal.code })]
      : state === 'awaiting_approval'
        ? [entry('run.awaiting_approval', base.plannedAt, base.startedBy, { run: run.id, reasons })]
        : [];
  return {
    state: [{ kind: 'run', run }],
    entries: [plan, ...then],
    tasks: state === 'running' ? [executeTask(run.id, 'start')] : [],
  };
}

function toPart(part: PlannedPart): RunPart {
  if (!isRefusal(part.result))
    return {
      ...part.result,
      rule: part.rule,
      act: part.act,
      ruleDigest: part.ruleDigest,
      state: 'planned',
      destroyed: 0,
      batches: 0,
      refusal: null,
    };
  const dataset = String(part.result.facts.dataset ?? '');
  return {
    dataset,
    rule: part.rule,
    act: part.act,
    ruleDigest: part.ruleDigest,
    total: 0,
    due: 0,
    held: 0,
    restricted: 0,
    heldBy: {},
    state: 'refused',
    destroyed: 0,
    batches: 0,
    refusal: { code: part.result.code, detail: part.result.detail },
  };
}

function executeTask(run: string, occasion: string): Task {
  return { name: 'execute-run', key: `execute-run/${run}/${occasion}`, payload: { run } };
}

function moveNotAllowed(run: Run, move: keyof typeof runMoves): Refusal {
  return refuse(
    'move_not_allowed',
    `A run that is ${run.state.replace('_', ' ')} cannot be ${move === 'approve' ? 'approved' : `${move}d`}.`,
    {
      state: run.state,
      allowed: allowedRunMoves(run),
    },
  );
}

/** The moves a run allows now. */
export function allowedRunMoves(run: Run): readonly string[] {
  return Object.entries(runMoves).flatMap(([move, states]) =>
    states.some((state) => state === run.state) ? [move] : [],
  );
}

/** Approve a run that waits, by someone other than who started it. */
export function approveRun(run: Run, actor: Actor, now: Temporal.Instant): Decided<RunChange> {
  if (run.state !== 'awaiting_approval') return moveNotAllowed(run, 'approve');
  const refusal = secondPerson(run.startedBy, actor, 'this run');
  if (refusal) return refusal;
  return {
    state: [{ kind: 'run', run: { ...run, state: 'running', approvedBy: actor.id } }],
    entries: [entry('run.approved', now, actor.id, { run: run.id })],
    tasks: [executeTask(run.id, 'approved')],
  };
}

/** Stop a run between batches, for now or for good. What went stays recorded; what is left stays where it is. */
export function moveRun(
  run: Run,
  move: 'cancel' | 'pause' | 'resume',
  actor: Actor,
  now: Temporal.Instant,
): Decided<RunChange> {
  if (!runMoves[move].some((state) => state === run.state)) return moveNotAllowed(run, move);
  const facts = { run: run.id };
  if (move === 'cancel')
    return {
      state: [{ kind: 'run', run: { ...run, state: 'cancelled', finishedAt: now } }],
      entries: [entry('run.cancelled', now, actor.id, facts)],
      tasks: [{ name: 'certify-run', key: `certify-run/${run.id}`, payload: facts }],
    };
  if (move === 'pause')
    return {
      state: [{ kind: 'run', run: { ...run, state: 'paused' } }],
      entries: [entry('run.paused', now, actor.id, facts)],
      tasks: [],
    };
  return {
    state: [{ kind: 'run', run: { ...run, state: 'running' } }],
    entries: [entry('run.resumed', now, actor.id, facts)],
    tasks: [executeTask(run.id, `resumed/${now.epochMilliseconds}`)],
  };
}

/** End a run whose parts are all over: completed only if every part was done (I4), failed otherwise. */
export function finishRun(run: Run, root: string, now: Temporal.Instant): Decided<RunChange> {
  const bad = run.parts.filter((part) => part.state === 'failed' || part.state === 'refused');
  const unfinished = run.parts.filter((part) => part.state === 'planned' || part.state === 'running');
  if (unfinished.length > 0)
    return refuse('conflict', `The run still has ${unfinished.length} datasets to work on.`, { run: run.id });
  const destroyed = run.parts.reduce((sum, part) => sum + part.destroyed, 0);
  const spared = run.parts.reduce((sum, part) => sum + part.held, 0);
  const [first] = bad;
  const state: RunState = first ? 'failed' : 'completed';
  const next: Run = { ...run, state, finishedAt: now, refusal: first?.refusal ?? null };
  return {
    state: [{ kind: 'run', run: next }],
    entries: [
      first
        ? entry('run.failed', now, 'system', { run: run.id, code: first.refusal?.code ?? 'failed' })
        : entry('run.completed', now, 'system', { run: run.id, destroyed, spared, root }),
    ],
    tasks: [{ name: 'certify-run', key: `certify-run/${run.id}`, payload: { run: run.id } }],
  };
}
