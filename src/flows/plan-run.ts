import type { Actor } from '../core/actor.ts';
import { makeId } from '../core/ids.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { knownEpoch, openHolds } from '../db/holds.ts';
import { lastRunAt, rememberRunAt, ruleHasRun, runsIn, usualDestruction } from '../db/runs.ts';
import type { Drift } from '../disposition/drift.ts';
import type { Hold } from '../disposition/hold.ts';
import { type Census, type PlannedPart, planRun, type Run } from '../disposition/run.ts';
import { type RetentionRule, ruleCutoff, ruleDigest } from '../policy/retention.ts';
import { sourceOf } from '../sources/open.ts';
import { carryOut, type Office } from './office.ts';

export interface RunOrder {
  /** Rule ids; empty: every rule. */
  readonly rules: readonly string[];
  readonly dryRun: boolean;
}

/**
 * Plan a disposition run: compute each rule's cutoff once, check every source it touches, count what is due and what
 * holds spare, and let the guards decide whether it starts, waits for a second person, or is refused.
 */
export async function planDisposition(office: Office, actor: Actor, order: RunOrder): Promise<Run | Refusal> {
  const retention = Object.values(office.policy.retention);
  const unknown = order.rules.filter((id) => office.policy.retention[id] === undefined);
  if (unknown.length > 0)
    return refuse('rule_unknown', `There is no retention rule ${unknown.join(', ')}. Nothing was planned.`, {
      known: retention.map(({ id }) => id),
    });
  const rules = retention.filter(({ id }) => order.rules.length === 0 || order.rules.includes(id));
  const busy = order.dryRun ? null : await alreadyRunning(office, rules);
  if (busy) return busy;
  const now = office.now();
  const holds = await openHolds(office.store);
  const parts: PlannedPart[] = [];
  const clocks: Temporal.Instant[] = [];
  const checked = new Map<string, readonly Drift[]>();
  for (const rule of rules)
    for (const dataset of rule.datasets) {
      const source = sourceOf(office.sources, dataset);
      if (!checked.has(source.name)) {
        const drift = await source.check();
        checked.set(source.name, drift);
        const clock = drift.some(({ code }) => code === 'unreachable') ? null : await source.clock();
        if (clock) clocks.push(clock);
      }
      parts.push({
        rule: rule.id,
        ruleDigest: ruleDigest(rule, office.policy.dataMap),
        cap: rule.cap,
        result: await countPart(office, rule, dataset, now, holds, checked.get(source.name) ?? []),
        usual: await usualDestruction(office.store, dataset),
        unchanged: await ruleHasRun(office.store, ruleDigest(rule, office.policy.dataMap)),
      });
    }
  const base = {
    id: makeId('run', now, office.random(10)),
    dryRun: order.dryRun,
    policy: office.policy.digest,
    plannedAt: now,
    startedBy: actor.id,
    cutoffs: Object.fromEntries(rules.map((rule) => [rule.id, formatInstant(ruleCutoff(rule, now))])),
    runKey: office.random(32),
  };
  const guards = {
    lastRunAt: await lastRunAt(office.store),
    otherClocks: clocks,
    jumpSeconds: office.clockJumpSeconds(),
    demonstration: office.demonstration,
  };
  return carryOut(
    office,
    async () => {
      const decided = planRun(base, parts, guards);
      const [change] = isRefusal(decided) ? [] : decided.state;
      return change ? { decided, result: change.run } : refuse('invalid', 'The run could not be planned.');
    },
    order.dryRun ? undefined : (tx) => rememberRunAt(tx, now),
  );
}

/** One run at a time works on a dataset: two would count each other's work. */
async function alreadyRunning(office: Office, rules: readonly RetentionRule[]): Promise<Refusal | null> {
  const wanted = new Set(rules.flatMap(({ datasets }) => datasets));
  const open = await runsIn(office.store, ['running', 'paused', 'awaiting_approval']);
  const other = open.find((run) => run.parts.some(({ dataset }) => wanted.has(dataset)));
  return other
    ? refuse(
        'already_running',
        `Run ${other.id} is ${other.state.replace('_', ' ')} on the same records. Finish, approve or cancel it first; nothing was planned.`,
        { run: other.id, state: other.state },
      )
    : null;
}

async function countPart(
  office: Office,
  rule: RetentionRule,
  dataset: string,
  now: Temporal.Instant,
  holds: readonly Hold[],
  drift: readonly Drift[],
): Promise<Census | Refusal> {
  const source = sourceOf(office.sources, dataset);
  const wrong = drift.find(({ level }) => level === 'drift');
  if (wrong)
    return refuse(
      wrong.code === 'unreachable' ? 'source_unreachable' : 'source_drift',
      `${wrong.detail} Nothing of ${dataset} was destroyed.`,
      { dataset, source: source.name },
    );
  const pending = holds.find((hold) => hold.state === 'pending' && hold.placements[source.name]?.state === 'pending');
  if (pending)
    return refuse(
      'hold_pending',
      `Hold ${pending.id} is not in place in ${source.name} yet. Nothing of ${dataset} was destroyed; the run can be repeated once it is.`,
      { dataset, hold: pending.id },
    );
  const missing = await lostHold(source.name, await source.holdsInPlace(), holds);
  if (missing)
    return refuse(
      'hold_epoch_behind',
      `${source.name} does not know hold ${missing} any more: it was restored. Place the holds again ("holds settle"); nothing of ${dataset} was destroyed.`,
      { dataset, hold: missing },
    );
  if (source.kind === 'postgres')
    for (const hold of holds) if (hold.placements[source.name]) await refresh(office, hold, source.name);
  const cutoff = ruleCutoff(rule, now);
  return source.census(
    dataset,
    cutoff,
    holds.map((hold) => ({ id: hold.id, scope: hold.scope.reveal() })),
  );
}

/** Scopes by person are looked up again before each run: a conversation joined since the hold was placed is covered. */
async function refresh(office: Office, hold: Hold, sourceName: string): Promise<void> {
  const source = office.sources.get(sourceName);
  const scope = hold.scope.reveal();
  if (source && scope.subjects.length > 0) await source.placeHold({ id: hold.id, scope });
}

async function lostHold(
  source: string,
  there: ReadonlySet<string> | null,
  holds: readonly Hold[],
): Promise<string | null> {
  if (there === null) return null;
  const expected = holds.filter((hold) => hold.placements[source]?.state === 'placed' && coversSomething(hold));
  return expected.find(({ id }) => !there.has(id))?.id ?? null;
}

/** A hold whose scope compiles to no clause in a source leaves no trace there. */
function coversSomething(hold: Hold): boolean {
  return hold.coverage.some(({ count }) => count > 0);
}

/** The newest epoch Muniment knows of a dataset's source. */
export async function epochFor(office: Office, dataset: string): Promise<number> {
  return knownEpoch(office.store, sourceOf(office.sources, dataset).name);
}
