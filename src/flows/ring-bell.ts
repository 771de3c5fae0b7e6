import type { Actor } from '../core/actor.ts';
import { isRefusal, type Refusal } from '../core/refusal.ts';
import { runsIn } from '../db/runs.ts';
import { bellDone, claimBell, unfinishedBells } from '../db/settings.ts';
import type { Run } from '../disposition/run.ts';
import { executeRun } from './execute-run.ts';
import type { Office } from './office.ts';
import { planDisposition } from './plan-run.ts';
import { recoverJournals } from './record-batch.ts';

/**
 * A rule's bell: one disposition run for one slot, whoever hears it first.
 * @returns the run, the reason there is none, or null when another process has this slot
 */
export async function ringBell(
  office: Office,
  actor: Actor,
  rule: string,
  slot: string,
): Promise<Run | Refusal | null> {
  if (!(await claimBell(office.store, rule, slot, office.now()))) return null;
  return answerBell(office, actor, rule, slot);
}

/** Another process answered the same bell first: our plan is undone, theirs is the slot's. */
class Answered extends Error {}

/** The run and the word that it is the slot's own commit together: a crash in between cannot make two of one slot. */
async function answerBell(office: Office, actor: Actor, rule: string, slot: string): Promise<Run | Refusal | null> {
  try {
    const run = await planDisposition(office, actor, { rules: [rule], dryRun: false }, async (tx, { id }) => {
      if (!(await bellDone(tx, rule, slot, id, office.now()))) throw new Answered();
    });
    if (isRefusal(run)) await bellDone(office.store.db.orm, rule, slot, null, office.now());
    return run;
  } catch (error) {
    if (error instanceof Answered) return null;
    throw error;
  }
}

/**
 * Take up what a dead process left: journals not copied, intents not confirmed, runs that were going on, bells that
 * were claimed and never answered. This is the ordinary path run again; there is no other recovery.
 */
export async function resumeWork(
  office: Office,
  actor: Actor,
): Promise<{ recovered: number; runs: number; bells: number }> {
  const recovered = await recoverJournals(office);
  const running = await runsIn(office.store, ['running']);
  for (const run of running) await executeRun(office, run.id);
  const bells = await unfinishedBells(office.store, office.now());
  for (const { name, slot } of bells) if (office.policy.retention[name]) await answerBell(office, actor, name, slot);
  return { recovered, runs: running.length, bells: bells.length };
}
