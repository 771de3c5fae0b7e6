import type { Actor } from '../core/actor.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { loadRun } from '../db/runs.ts';
import { approveRun, moveRun, type Run } from '../disposition/run.ts';
import { carryOut, type Office } from './office.ts';

export type RunMove = 'approve' | 'cancel' | 'pause' | 'resume';

/** Approve, pause, resume or cancel a run. Between batches only: a batch is whole or not at all. */
export async function moveDispositionRun(
  office: Office,
  actor: Actor,
  id: string,
  move: RunMove,
): Promise<Run | Refusal> {
  return carryOut(office, async () => {
    const run = await loadRun(office.store, id);
    if (!run) return refuse('not_found', 'There is no such run.');
    const decided = move === 'approve' ? approveRun(run, actor, office.now()) : moveRun(run, move, actor, office.now());
    return { decided, result: isRefusal(decided) ? run : (decided.state[0]?.run ?? run) };
  });
}
