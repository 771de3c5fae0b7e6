import { setTimeout as pause } from 'node:timers/promises';
import { sha256Hex } from '../core/hash.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { loadHold, openHolds, openPlacements } from '../db/holds.ts';
import { whileAlone, withLock } from '../db/locks.ts';
import { batchesOfRun, loadRun, markPart, openIntents, progressOf, recountPart } from '../db/runs.ts';
import { type BatchOrder, type BatchResult, batchId } from '../disposition/batch.ts';
import { finishRun, type Run, type RunPart } from '../disposition/run.ts';
import { type Due, dueOf } from '../policy/due.ts';
import { mayBegin, nextOpening, type Pace, restAfter } from '../policy/pace.ts';
import { ruleDigest } from '../policy/retention.ts';
import { refuseFault, sourceFault } from '../sources/fault.ts';
import { sourceOf } from '../sources/open.ts';
import type { RecordSource } from '../sources/source.ts';
import { carryOut, type Office } from './office.ts';
import { settleHold } from './place-hold.ts';
import { epochFor, holdsPlaced, scopesOf, whyNotNow } from './plan-run.ts';
import { intending, intendNothing, recordBatch, recordIntended, recoverJournals } from './record-batch.ts';

/** How a run goes on: large enough for the engine's speed, small enough that a hold waits only a moment. */
export interface Stride {
  /** Rows a batch aims at. */
  readonly rowsPerBatch: number;
  /** Tries of one batch against locks and outages, before its dataset is given up for this run. */
  readonly triesPerBatch: number;
  /** The first pause between two tries; each one after is twice as long, up to half a minute. */
  readonly pauseMs: number;
  /** How often a rest looks whether the run was paused or cancelled. */
  readonly lookMs: number;
}

const usualStride: Stride = { rowsPerBatch: 10_000, triesPerBatch: 8, pauseMs: 500, lookMs: 15_000 };

/**
 * Work a run off, batch by batch. Safe to start again at any point and from any process: what went is in the journals,
 * and the journals say where to go on. One worker at a time.
 */
export async function executeRun(office: Office, id: string, changed: Partial<Stride> = {}): Promise<void> {
  const stride = { ...usualStride, ...changed };
  for (;;) {
    const outcome = await whileAlone(office.store.db, `run:${id}`, () => workOff(office, id, stride));
    if (outcome !== null && typeof outcome === 'object') return comeBack(office, id, outcome.until);
    if (outcome !== 'stopped') return;
    // Resumed while this worker was on its way out: the one who was sent for it found the place taken and left.
    if ((await loadRun(office.store, id))?.state !== 'running') return;
  }
}

/** Nothing more may begin before the hours of a rule: whoever comes then goes on, and this worker is free. */
async function comeBack(office: Office, id: string, until: Temporal.Instant): Promise<void> {
  const notBefore = formatInstant(until);
  const task = {
    name: 'execute-run' as const,
    key: `execute-run/${id}/hours/${notBefore}`,
    payload: { run: id },
    notBefore,
  };
  await commit(office.store, { state: [], entries: [], tasks: [task] });
}

/** The hours of a rule have not begun. */
interface Waits {
  readonly until: Temporal.Instant;
}

async function workOff(office: Office, id: string, stride: Stride): Promise<'over' | 'stopped' | Waits> {
  const run = await loadRun(office.store, id);
  if (run?.state !== 'running') return 'over';
  await recoverJournals(office, id);
  let waits: Waits | null = null;
  for (const part of run.parts) {
    if (part.state === 'done' || part.state === 'refused' || part.state === 'failed') continue;
    const outcome = await executePart(office, run, part, stride);
    if (outcome === 'stopped') return 'stopped';
    if (outcome !== 'done' && 'until' in outcome) {
      waits = waits && Temporal.Instant.compare(waits.until, outcome.until) < 0 ? waits : outcome;
      continue;
    }
    await markPart(
      office.store,
      run.id,
      part,
      outcome === 'done' ? 'done' : 'failed',
      outcome === 'done' ? null : { code: outcome.code, detail: outcome.detail },
    );
  }
  return waits ?? ((await finish(office, id)) ? 'over' : 'stopped');
}

async function executePart(
  office: Office,
  run: Run,
  part: RunPart,
  stride: Stride,
): Promise<'done' | 'stopped' | Waits | Refusal> {
  const source = sourceOf(office.sources, part.dataset);
  const planned = asPlanned(office, run, part);
  if (isRefusal(planned)) return planned;
  const { due, pace, zone } = planned;
  const refusal = await whyNotBegin(office, source, part.dataset);
  if (refusal) return refusal;
  const { batches } = await progressOf(office.store, run.id, part.dataset);
  let from: string | null = null;
  for (let seq = batches + 1; ; ) {
    if ((await loadRun(office.store, run.id))?.state !== 'running') return 'stopped';
    if (!mayBegin(pace, zone, office.now())) return { until: nextOpening(pace, zone, office.now()) };
    const began = performance.now();
    const order: BatchOrder = {
      batch: batchId(run.id, part.rule, part.dataset, seq),
      run: run.id,
      dataset: part.dataset,
      seq,
      due,
      policy: run.policy,
      runKey: run.runKey,
      pseudonyms: office.pseudonyms,
      lockSeconds: pace.lockSeconds,
      // A second's worth at a time: the application feels many short batches less than few long ones.
      rows: Math.min(stride.rowsPerBatch, pace.rowsPerSecond ?? stride.rowsPerBatch),
    };
    const result = await oneBatch(office, source, order, from, stride);
    if (isRefusal(result)) return result;
    if (result.kind === 'nothing_due') {
      // Rows written late, with an old time, may stand behind the last slice: one look from the start before "done".
      if (from === null) return wrapUp(office, source, run, part, due);
      from = null;
      continue;
    }
    let records = order.rows;
    if (result.kind === 'intended') seq += await recordIntended(office, source, run.id, part.dataset);
    else {
      await recordBatch(office, source, result.journal);
      records = result.journal.count;
      seq += 1;
    }
    from = result.upTo;
    await rest(office, run.id, restAfter(pace, records, performance.now() - began), stride);
  }
}

/** Rest, and be there when the run is paused or cancelled meanwhile. */
async function rest(office: Office, run: string, ms: number, { lookMs }: Stride): Promise<void> {
  for (let left = ms; left > 0; left -= lookMs) {
    await pause(Math.min(left, lookMs));
    if ((await loadRun(office.store, run))?.state !== 'running') return;
  }
}

/** What the run takes by this part, and how; refused where the rules do not say any more what was planned and approved. */
function asPlanned(
  office: Office,
  run: Run,
  part: RunPart,
): { readonly due: Due; readonly pace: Pace; readonly zone: string } | Refusal {
  const { retention, dataMap } = office.policy;
  const rule = retention[part.rule];
  const due =
    rule && ruleDigest(rule, retention, dataMap) === part.ruleDigest
      ? dueOf(office.policy, rule, part.dataset, run.cutoffs)
      : null;
  if (rule && due) return { due, pace: rule.pace, zone: rule.zone };
  return refuse(
    'rule_changed',
    `The rule ${part.rule}, or what keeps records from it, changed since the run was planned. What was left of ${part.dataset} stays; plan a new run.`,
    { rule: part.rule, dataset: part.dataset },
  );
}

/** What may have changed since the plan: the schema, the holds, a removal that was begun and could not be finished. */
async function whyNotBegin(office: Office, source: RecordSource, dataset: string): Promise<Refusal | null> {
  try {
    const open = (await openIntents(office.store)).find((intent) => intent.dataset === dataset);
    if (open)
      return refuse(
        'conflict',
        `Removing files of ${dataset} was begun (${open.batchId}) and cannot be finished. Mend the folder; the next run finishes it first.`,
        { dataset, batch: open.batchId },
      );
    const drift = await source.check(office.policy.retention);
    return await whyNotNow(office, dataset, await holdsPlaced(office, [dataset]), drift);
  } catch (error) {
    return faultOrThrow(error, dataset);
  }
}

/** All that was free is gone: what stays is counted once more, and files whose rows went must be gone, too. */
async function wrapUp(
  office: Office,
  source: RecordSource,
  run: Run,
  part: RunPart,
  due: Due,
): Promise<'done' | Refusal> {
  try {
    const left = (await source.removeLeavingFiles()).filter((batch) => batch.startsWith(`${run.id}/`));
    if (left.length > 0)
      return refuse(
        'not_allowed',
        `The rows of ${part.dataset} went, and ${left.length} batches have files that could not be removed. They are tried again with every run.`,
        { dataset: part.dataset, batches: left.length },
      );
    const census = await source.census(part.dataset, due, scopesOf(await openHolds(office.store)));
    await recountPart(office.store, run.id, part.rule, census);
    return 'done';
  } catch (error) {
    return faultOrThrow(error, part.dataset);
  }
}

function faultOrThrow(error: unknown, dataset: string): Refusal {
  const fault = sourceFault(error);
  if (fault === null) throw error;
  return refuseFault(fault, error, dataset);
}

async function oneBatch(
  office: Office,
  source: RecordSource,
  order: BatchOrder,
  from: string | null,
  stride: Stride,
): Promise<BatchResult> {
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt >= stride.triesPerBatch;
    try {
      const result = await underLock(office, source, order, from);
      if (isLast || !isRefusal(result) || !(await mayPass(office, result))) return result;
    } catch (error) {
      const fault = sourceFault(error);
      if (fault === null) throw error;
      // Files have no transaction: what was begun is finished from its intent, not by another batch.
      const isSafeToRepeat = source.keepsHolds && (fault === 'busy' || fault === 'unreachable');
      if (isLast || !isSafeToRepeat) return refuseFault(fault, error, order.dataset);
    }
    await pause(Math.min(30_000, stride.pauseMs * 2 ** (attempt - 1)));
  }
}

/** A hold that is being placed right now, or that the source does not know because it was released just now. */
async function mayPass(office: Office, refusal: Refusal): Promise<boolean> {
  if (refusal.code === 'hold_pending') return true;
  const { hold } = refusal.facts;
  return typeof hold === 'string' && (await loadHold(office.store, hold))?.state === 'released';
}

async function underLock(
  office: Office,
  source: RecordSource,
  order: BatchOrder,
  from: string | null,
): Promise<BatchResult> {
  const knownEpoch = await epochFor(office, order.dataset);
  const around = { knownEpoch, from, now: office.now };
  if (source.keepsHolds) {
    const placed = await placedHolds(office, source.name);
    if (isRefusal(placed)) return placed;
    return source.destroyBatch(order, { ...around, ...intendNothing, holds: [], mustHold: placed });
  }
  return withLock(office.store.db, 'shared', [`dataset:${order.dataset}`], 30, async () => {
    const holds = scopesOf(await openHolds(office.store));
    const intends = intending(office, order, knownEpoch);
    return source.destroyBatch(order, { ...around, ...intends, holds, mustHold: [] });
  });
}

/** The holds that must be in place before a batch; one that is being placed at this moment is placed first. */
async function placedHolds(office: Office, source: string): Promise<readonly string[] | Refusal> {
  let open = await openPlacements(office.store);
  const isPending = ({ placements }: (typeof open)[number]) => placements[source]?.state === 'pending';
  for (const { id } of open.filter(isPending)) await settleHold(office, id);
  if (open.some(isPending)) open = await openPlacements(office.store);
  const pending = open.find(isPending);
  if (pending)
    return refuse(
      'hold_pending',
      `Hold ${pending.id} is not in place in ${source} yet. What was left stays; run again once it is.`,
      { hold: pending.id, source },
    );
  return open.filter(({ placements }) => placements[source]?.state === 'placed').map(({ id }) => id);
}

/** @returns false when the run was paused or cancelled in the meantime */
async function finish(office: Office, id: string): Promise<boolean> {
  const batches = await batchesOfRun(office.store, id, 1_000_000);
  const root = sha256Hex(
    batches.map((batch) => `${batch.id} ${batch.count} ${Buffer.from(batch.root).toString('hex')}\n`).join(''),
  );
  const outcome = await carryOut(office, async () => {
    const run = await loadRun(office.store, id);
    if (run?.state !== 'running') return refuse('conflict', 'The run is not running any more.');
    return { decided: finishRun(run, root, office.now()), result: null };
  });
  if (isRefusal(outcome) && outcome.code !== 'conflict')
    throw new Error(`run ${id} could not be finished: ${outcome.code}`);
  return !isRefusal(outcome);
}
