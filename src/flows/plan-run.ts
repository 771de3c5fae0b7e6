import type { Actor } from '../core/actor.ts';
import { makeId } from '../core/ids.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { commit } from '../db/commit.ts';
import { knownEpoch, loadHold, openHolds } from '../db/holds.ts';
import { lastRunAt, otherOpenRun, rememberRunAt, ruleHasRun, usualDestruction } from '../db/runs.ts';
import type { Drift } from '../disposition/drift.ts';
import type { Hold } from '../disposition/hold.ts';
import { type Census, type PlannedPart, planRun, type Run } from '../disposition/run.ts';
import { cutoffsAt, type Due, dueOf } from '../policy/due.ts';
import { type RetentionRule, ruleDigest } from '../policy/retention.ts';
import { refuseFault, sourceFault } from '../sources/fault.ts';
import { sourceOf } from '../sources/open.ts';
import type { RecordSource } from '../sources/source.ts';
import { carryOut, type Office } from './office.ts';
import { concerned, settleHold } from './place-hold.ts';
import { liftHold } from './release-hold.ts';

export interface RunOrder {
  /** Rule ids; empty: every rule. */
  readonly rules: readonly string[];
  readonly dryRun: boolean;
}

/** Rows that stand or fall with the plan: whose bell it answers. */
export type BesidePlan = (tx: Parameters<NonNullable<Parameters<typeof commit>[2]>>[0], run: Run) => Promise<void>;

/** Another run has the same records: known only inside the transaction, which is undone. */
class AlreadyRunning extends Error {
  readonly refusal: Refusal;
  constructor(other: { readonly id: string; readonly state: string }) {
    super('another run works on the same records');
    this.refusal = refuse(
      'already_running',
      `Run ${other.id} is ${other.state.replace('_', ' ')} on the same records. Finish, approve or cancel it first; nothing was planned.`,
      { run: other.id, state: other.state },
    );
  }
}

/**
 * Plan a disposition run: compute each rule's cutoff once, check every source it touches, count what is due and what
 * holds spare, and let the guards decide whether it starts, waits for a second person, or is refused.
 */
export async function planDisposition(
  office: Office,
  actor: Actor,
  order: RunOrder,
  beside?: BesidePlan,
): Promise<Run | Refusal> {
  const retention = Object.values(office.policy.retention);
  const unknown = order.rules.filter((id) => office.policy.retention[id] === undefined);
  if (unknown.length > 0)
    return refuse('rule_unknown', `There is no retention rule ${unknown.join(', ')}. Nothing was planned.`, {
      known: retention.map(({ id }) => id),
    });
  const keeping = order.rules.filter((id) => office.policy.retention[id]?.dispose === 'retain');
  if (keeping.length > 0)
    return refuse('invalid', `${keeping.join(', ')} only keeps records and destroys none. Nothing was planned.`, {
      rules: keeping,
    });
  const rules = retention.filter(
    ({ id, dispose }) => dispose !== 'retain' && (order.rules.length === 0 || order.rules.includes(id)),
  );
  const datasets = rules.flatMap((rule) => rule.datasets);
  const now = office.now();
  // The one cutoff of each rule and of those that keep something from it: what is counted here, stored, approved, carried
  // out and certified (I3).
  const cutoffs = Object.assign({}, ...rules.map((rule) => cutoffsAt(office.policy, rule, now))) as Readonly<
    Record<string, string>
  >;
  const holds = await holdsPlaced(office, datasets);
  const parts: PlannedPart[] = [];
  const clocks: Temporal.Instant[] = [];
  const checked = new Map<string, readonly Drift[]>();
  const refreshed = new Set<string>();
  for (const rule of rules)
    for (const dataset of rule.datasets) {
      const source = sourceOf(office.sources, dataset);
      if (!checked.has(source.name)) {
        const drift = await source.check(office.policy.retention);
        checked.set(source.name, drift);
        const clock = drift.some(({ code }) => code === 'unreachable') ? null : await clockOf(source);
        if (clock) clocks.push(clock);
      }
      const due = dueOf(office.policy, rule, dataset, cutoffs);
      if (due === null) continue;
      const digest = ruleDigest(rule, office.policy.retention, office.policy.dataMap);
      parts.push({
        rule: rule.id,
        act: due.act,
        ruleDigest: digest,
        cap: rule.cap,
        result: await countPart(office, dataset, due, holds, checked.get(source.name) ?? [], refreshed),
        usual: await usualDestruction(office.store, { rule: rule.id, dataset }),
        unchanged: await ruleHasRun(office.store, digest),
      });
    }
  return decidePlan(office, actor, order, { rules, cutoffs, now, parts, clocks }, beside);
}

interface Counted {
  readonly rules: readonly RetentionRule[];
  readonly cutoffs: Readonly<Record<string, string>>;
  readonly now: Temporal.Instant;
  readonly parts: readonly PlannedPart[];
  readonly clocks: readonly Temporal.Instant[];
}

async function decidePlan(
  office: Office,
  actor: Actor,
  { dryRun }: RunOrder,
  { cutoffs, now, parts, clocks }: Counted,
  beside: BesidePlan | undefined,
): Promise<Run | Refusal> {
  const base = {
    id: makeId('run', now, office.random(10)),
    dryRun,
    policy: office.policy.digest,
    plannedAt: now,
    startedBy: actor.id,
    cutoffs,
    runKey: office.random(32),
  };
  const guards = {
    lastRunAt: await lastRunAt(office.store),
    otherClocks: clocks,
    jumpSeconds: office.clockJumpSeconds(),
    demonstration: office.demonstration,
  };
  const decided = planRun(base, parts, guards);
  const [change] = isRefusal(decided) ? [] : decided.state;
  if (!change) return isRefusal(decided) ? decided : refuse('invalid', 'The run could not be planned.');
  try {
    return await carryOut(
      office,
      async () => ({ decided, result: change.run }),
      async (tx) => {
        // One run at a time works on a dataset: two would count each other's work.
        if (!dryRun && change.run.state !== 'refused') {
          const other = await otherOpenRun(
            tx,
            change.run.id,
            change.run.parts.map(({ dataset }) => dataset),
          );
          if (other) throw new AlreadyRunning(other);
        }
        // A refused plan leaves no mark: remembering a clock that ran ahead would refuse every run until then.
        if (!dryRun && change.run.state !== 'refused') await rememberRunAt(tx, now);
        await beside?.(tx, change.run);
      },
    );
  } catch (error) {
    if (error instanceof AlreadyRunning) return error.refusal;
    throw error;
  }
}

/** The clock of a source that went away since it was checked is no clock; its parts will say that it went away. */
async function clockOf(source: RecordSource): Promise<Temporal.Instant | null> {
  try {
    return await source.clock();
  } catch (error) {
    if (sourceFault(error) === null) throw error;
    return null;
  }
}

/** The open holds, after one more try to place each that is missing where these datasets are. */
export async function holdsPlaced(office: Office, datasets: readonly string[]): Promise<readonly Hold[]> {
  const names = new Set(datasets.map((dataset) => sourceOf(office.sources, dataset).name));
  const tried = new Set<string>();
  for (;;) {
    const holds = await openHolds(office.store);
    const missing = holds.filter(
      (hold) => !tried.has(hold.id) && [...names].some((name) => isUnplaced(office, hold, name)),
    );
    if (missing.length === 0) return holds;
    // Others may be taken on while these are placed: looked for again until there is no new one.
    for (const { id } of missing) {
      tried.add(id);
      await settleHold(office, id);
    }
  }
}

/** A source the hold concerns and is not in place in: never reached, or added to the data map since. */
function isUnplaced(office: Office, hold: Hold, source: string): boolean {
  const isConcerned = concerned(office, hold.scope.reveal()).some(({ name }) => name === source);
  return isConcerned && hold.placements[source]?.state !== 'placed';
}

async function countPart(
  office: Office,
  dataset: string,
  due: Due,
  holds: readonly Hold[],
  drift: readonly Drift[],
  refreshed: Set<string>,
): Promise<Census | Refusal> {
  try {
    const refusal = await whyNotNow(office, dataset, holds, drift, refreshed);
    if (refusal) return refusal;
    return await sourceOf(office.sources, dataset).census(dataset, due, scopesOf(holds));
  } catch (error) {
    const fault = sourceFault(error);
    if (fault === null) throw error;
    return refuseFault(fault, error, dataset);
  }
}

/** Holds as the sources need them. */
export function scopesOf(holds: readonly Hold[]) {
  return holds.map((hold) => ({ id: hold.id, scope: hold.scope.reveal() }));
}

/**
 * Why nothing of a dataset may be destroyed at this moment, or null: it is not reached, not as the data map says, or a
 * hold is not in place there. Asked when a run is planned, and again when it begins: an approval may take days.
 * @param refreshed the holds looked up again a moment ago, by source: once is enough for all datasets of a plan
 */
export async function whyNotNow(
  office: Office,
  dataset: string,
  holds: readonly Hold[],
  drift: readonly Drift[],
  refreshed = new Set<string>(),
): Promise<Refusal | null> {
  const source = sourceOf(office.sources, dataset);
  const wrong =
    drift.find(({ level }) => level === 'drift') ??
    drift.find(({ code, subject }) => code === 'cannot_write' && [dataset, source.name].includes(subject));
  if (wrong)
    return refuse(
      wrong.code === 'unreachable' ? 'source_unreachable' : 'source_drift',
      `${wrong.detail} Nothing of ${dataset} was destroyed.`,
      { dataset, source: source.name },
    );
  const pending = holds.find((hold) => isUnplaced(office, hold, source.name));
  if (pending)
    return refuse(
      'hold_pending',
      `Hold ${pending.id} is not in place in ${source.name} yet. Nothing of ${dataset} was destroyed; the run can be repeated once it is.`,
      { dataset, hold: pending.id },
    );
  const there = await source.holdsInPlace();
  const lost = there && holds.find((hold) => hold.placements[source.name]?.state === 'placed' && !there.has(hold.id));
  if (lost)
    return refuse(
      'hold_epoch_behind',
      `${source.name} does not know hold ${lost.id} any more: it was restored. Settle every hold again, then repeat the run; nothing of ${dataset} was destroyed.`,
      { dataset, hold: lost.id },
    );
  for (const hold of holds) {
    const key = `${hold.id} ${source.name}`;
    if (!hold.placements[source.name] || refreshed.has(key)) continue;
    await refresh(office, hold, source);
    refreshed.add(key);
  }
  return null;
}

/**
 * What a scope means is looked up again before each run: a conversation joined since the hold was placed is covered,
 * and so is a dataset that came into the data map. Keys mean the same as before.
 */
async function refresh(office: Office, hold: Hold, source: RecordSource): Promise<void> {
  const scope = hold.scope.reveal();
  const isFixed = scope.subjects.length === 0 && Object.keys(scope.keys).length > 0;
  if (!source.keepsHolds || isFixed) return;
  await source.placeHold({ id: hold.id, scope });
  // Released in the meantime: what was put in place a moment ago protects nobody any more.
  if ((await loadHold(office.store, hold.id))?.state === 'released') await liftHold(office, hold.id);
}

/** The newest epoch Muniment knows of a dataset's source. */
export async function epochFor(office: Office, dataset: string): Promise<number> {
  return knownEpoch(office.store, sourceOf(office.sources, dataset).name);
}
