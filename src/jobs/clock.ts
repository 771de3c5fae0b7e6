import { type ScheduledTask, schedule } from 'node-cron';
import { clockActor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal } from '../core/refusal.ts';
import { watchLedger } from '../flows/alarms.ts';
import type { Office } from '../flows/office.ts';
import { watchAccess } from '../flows/review-access.ts';
import { ringBell } from '../flows/ring-bell.ts';
import { tendKeys } from '../flows/rotate-keys.ts';
import { watchHolds } from '../flows/watch-holds.ts';

export interface Clock {
  stop(): Promise<void>;
  /** The next instant at which a rule's bell rings, or null where it has none. */
  nextBell(rule: string): Temporal.Instant | null;
}

type Report = (what: string, facts: Readonly<Record<string, string | number | boolean | null>>) => void;

/**
 * Start the clock: each retention rule's own schedule, in its own zone. node-cron rings on every replica; a slot is one
 * row with a unique name, so one of them starts the run. The slot is kept for later, should this process die before it
 * has: the next start finds it.
 */
export function startClock(office: Office, report: Report): Clock {
  const bells = new Map<string, ScheduledTask>();
  for (const rule of Object.values(office.policy.retention)) {
    if (rule.schedule === null) continue;
    const task = schedule(
      rule.schedule,
      async (context) => {
        const slot = formatInstant(Temporal.Instant.fromEpochMilliseconds(context.date.getTime()));
        await ring(office, rule.id, slot, report);
      },
      { name: `retention/${rule.id}`, timezone: rule.zone, noOverlap: true },
    );
    bells.set(rule.id, task);
  }
  const nightly = schedule(
    ledgerWatch,
    async (context) => {
      const slot = formatInstant(Temporal.Instant.fromEpochMilliseconds(context.date.getTime()));
      await watch(office, slot, report);
    },
    { name: 'watch/ledger', timezone: office.policy.organization.zone, noOverlap: true },
  );
  return {
    async stop() {
      for (const task of [...bells.values(), nightly]) await task.destroy();
    },
    nextBell(rule) {
      const next = bells.get(rule)?.getNextRun();
      return next ? Temporal.Instant.fromEpochMilliseconds(next.getTime()) : null;
    },
  };
}

/** Every night, away from the hours of the purges. */
const ledgerWatch = '30 4 * * *';

async function watch(office: Office, slot: string, report: Report): Promise<void> {
  try {
    const found = await watchLedger(office, slot);
    if (found !== null) report('ledger looked at', { slot, ok: found.ok });
    const tended = await tendKeys(office, clockActor, slot);
    if (isRefusal(tended)) report('keys not tended', { slot, code: tended.code });
    else if (tended !== null) report('keys tended', { slot, newest: tended.newest, made: tended.made });
    const holds = await watchHolds(office, clockActor, slot);
    if (holds !== null) report('holds looked at', { slot, ...holds });
    const review = await watchAccess(office, clockActor, slot);
    if (review !== null) report('access review opened', { slot, quarter: review.quarter, rows: review.rows.length });
  } catch (error) {
    report('nightly look failed', { slot, error: error instanceof Error ? error.name : 'unknown' });
  }
}

/** Ring one rule's bell for one slot. A fault is reported; the slot stays unfinished and is taken up at the next start. */
export async function ring(office: Office, rule: string, slot: string, report: Report): Promise<void> {
  try {
    const run = await ringBell(office, clockActor, rule, slot);
    if (run === null) return;
    if (isRefusal(run)) report('bell refused', { rule, slot, code: run.code });
    else report('bell rang', { rule, slot, run: run.id, state: run.state });
  } catch (error) {
    report('bell failed', { rule, slot, error: error instanceof Error ? error.name : 'unknown' });
  }
}
