import type { Actor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { demandsOfHold } from '../db/demands.ts';
import { allEpochs, loadHold, rememberEpoch } from '../db/holds.ts';
import { isOver } from '../demands/demand.ts';
import { decideRelease, decideReleaseRequest, type Hold, mayLift } from '../disposition/hold.ts';
import { keepEnd } from './demand-clocks.ts';
import { requeueErasures } from './erase-subject.ts';
import { carryOut, type Office } from './office.ts';

const unknown = () => refuse('not_found', 'There is no such hold.');

/** Ask for a hold to be released. What it covers stays covered until somebody else agrees. */
export async function requestRelease(office: Office, actor: Actor, id: string): Promise<Hold | Refusal> {
  return carryOut(office, async () => {
    const hold = await loadHold(office.store, id);
    if (!hold) return unknown();
    const kept = await stillKept(office, hold);
    if (kept) return kept;
    const decided = decideReleaseRequest(hold, actor, office.now());
    return { decided, result: isRefusal(decided) ? hold : (decided.state[0]?.hold ?? hold) };
  });
}

/** A preservation that is still running keeps what it covers (18 U.S.C. 2703(f)). */
async function stillKept(office: Office, hold: Hold): Promise<Refusal | null> {
  const now = office.now();
  const open = (await demandsOfHold(office.store, hold)).filter((demand) => !isOver(demand));
  const { releaseFrom } = keepEnd(office, open);
  if (releaseFrom === null || Temporal.Instant.compare(now, releaseFrom) >= 0) return null;
  return refuse(
    'not_ready',
    `A legal demand keeps these records until ${formatInstant(releaseFrom)}. If it was withdrawn or refused, say so there first; nothing was released.`,
    { demands: open.map(({ id }) => id), releaseFrom: formatInstant(releaseFrom) },
  );
}

/** Release a hold, as the second person. The sources let go of it by a task; until then they still refuse. */
export async function approveRelease(office: Office, actor: Actor, id: string): Promise<Hold | Refusal> {
  return carryOut(office, async () => {
    const hold = await loadHold(office.store, id);
    if (!hold) return unknown();
    // Asked again: a preservation may have been renewed since the release was asked for.
    const kept = await stillKept(office, hold);
    if (kept) return kept;
    const decided = decideRelease(hold, office.policy.organization.cooling.holdRelease, actor, office.now());
    return { decided, result: isRefusal(decided) ? hold : (decided.state[0]?.hold ?? hold) };
  });
}

/**
 * Take a released hold out of every source, once its release has cooled: before that its own task, still to come, will.
 * Any failure throws, and the task is tried again: the hold protects meanwhile. Erasures that it kept something from are
 * laid before staff again.
 */
export async function liftHold(office: Office, id: string): Promise<void> {
  const hold = await loadHold(office.store, id);
  if (!hold || !mayLift(hold, office.policy.organization.cooling.holdRelease, office.now())) return;
  for (const source of office.sources.values())
    if (source.kind === 'postgres') await rememberEpoch(office.store, source.name, await source.liftHold(id));
  await office.keepsake.saveEpochs(await allEpochs(office.store));
  await requeueErasures(office);
}
