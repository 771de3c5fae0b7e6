import { type Actor, systemActor } from '../core/actor.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { demandsOfHold } from '../db/demands.ts';
import { allEpochs, loadHold, rememberEpoch } from '../db/holds.ts';
import { isOver } from '../demands/demand.ts';
import { decideRelease, decideReleaseRequest, type Hold, mayLift } from '../disposition/hold.ts';
import { releaseCustodians } from './custodians.ts';
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

/** The demands that still keep what a hold covers, and until when; null: none does. */
export async function keptUntil(office: Office, hold: Hold) {
  const open = (await demandsOfHold(office.store, hold)).filter((demand) => !isOver(demand));
  const { releaseFrom } = keepEnd(office, open);
  if (releaseFrom === null || Temporal.Instant.compare(office.now(), releaseFrom) >= 0) return null;
  return { demands: open.map(({ id }) => id), releaseFrom };
}

/** A preservation that is still running keeps what it covers (18 U.S.C. 2703(f)). */
async function stillKept(office: Office, hold: Hold): Promise<Refusal | null> {
  const kept = await keptUntil(office, hold);
  if (!kept) return null;
  const until = formatInstant(kept.releaseFrom);
  return refuse(
    'not_ready',
    `A legal demand keeps these records until ${until}. If it was withdrawn or refused, say so there first; nothing was released.`,
    { demands: kept.demands, releaseFrom: until },
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
 * A preservation renewed while it cooled keeps it there, and it is looked at again when that ends.
 * Any failure throws, and the task is tried again: the hold protects meanwhile. Erasures that it kept something from are
 * laid before staff again.
 */
export async function liftHold(office: Office, id: string): Promise<void> {
  const hold = await loadHold(office.store, id);
  if (!hold || !mayLift(hold, office.policy.organization.cooling.holdRelease, office.now())) return;
  const kept = await keptUntil(office, hold);
  if (kept) {
    const notBefore = formatInstant(kept.releaseFrom);
    const task = { name: 'lift-hold' as const, key: `lift-hold/${id}/${notBefore}`, payload: { hold: id }, notBefore };
    return commit(office.store, { state: [], entries: [], tasks: [task] });
  }
  for (const source of office.sources.values())
    if (source.keepsHolds) await rememberEpoch(office.store, source.name, await source.liftHold(id));
  await office.keepsake.saveEpochs(await allEpochs(office.store));
  await releaseCustodians(office, systemActor, id);
  await requeueErasures(office);
}
