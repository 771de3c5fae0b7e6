import type { Actor } from '../core/actor.ts';
import type { Personal } from '../core/personal.ts';
import { isRefusal, refuse } from '../core/refusal.ts';
import type { Decided } from '../ledger/decision.ts';
import { entry } from '../ledger/entry.ts';
import { canBeReleased, decideReleaseRequest, type Hold, type HoldChange } from './hold.ts';

/** A case for which records are kept: a lawsuit, an investigation. It has as many holds as it needs. */
export interface Matter {
  readonly id: string;
  readonly version: number;
  /** Ours, to be said over the phone: `M-7K4M-2QD9`. */
  readonly reference: string;
  readonly caseId: string;
  readonly state: 'open' | 'closed';
  readonly openedAt: Temporal.Instant;
  readonly openedBy: string;
  readonly closedAt: Temporal.Instant | null;
  readonly closedBy: string | null;
  readonly name: Personal<string>;
  /** The number that a court or a lawyer gave it. */
  readonly docket: Personal<string | null>;
}

export type MatterChange = { readonly kind: 'matter'; readonly matter: Matter };

export function decideMatter(matter: Matter): Decided<MatterChange> {
  return {
    state: [{ kind: 'matter', matter }],
    entries: [entry('matter.opened', matter.openedAt, matter.openedBy, { matter: matter.id })],
    tasks: [],
  };
}

/**
 * Close a matter. That only proposes the release of its holds: each is asked for by whoever closes it, each waits for a
 * second person (I6), and everything stays covered until then. A hold that something else still keeps stays as it is.
 * @param kept the holds of it that a legal demand still keeps, by id
 */
export function decideClose(
  matter: Matter,
  holds: readonly Hold[],
  kept: ReadonlySet<string>,
  actor: Actor,
  now: Temporal.Instant,
): Decided<MatterChange | HoldChange> {
  if (matter.state !== 'open')
    return refuse('move_not_allowed', 'This matter is closed already. Nothing was changed.', { state: matter.state });
  const proposed = holds
    .filter((hold) => canBeReleased(hold) && !kept.has(hold.id))
    .map((hold) => decideReleaseRequest(hold, actor, now));
  const asked = proposed.flatMap((decided) => (isRefusal(decided) ? [] : [decided]));
  const closed: Matter = { ...matter, state: 'closed', closedAt: now, closedBy: actor.id };
  return {
    state: [{ kind: 'matter', matter: closed }, ...asked.flatMap(({ state }) => state)],
    entries: [
      entry('matter.closed', now, actor.id, { matter: matter.id, proposed: asked.length, kept: kept.size }),
      ...asked.flatMap(({ entries }) => entries),
    ],
    tasks: [],
  };
}

/** Open a closed matter again: holds can be placed for it again. What was asked for since stays asked for. */
export function decideReopen(matter: Matter, actor: Actor, now: Temporal.Instant): Decided<MatterChange> {
  if (matter.state !== 'closed')
    return refuse('move_not_allowed', 'This matter is open. Nothing was changed.', { state: matter.state });
  return {
    state: [{ kind: 'matter', matter: { ...matter, state: 'open', closedAt: null, closedBy: null } }],
    entries: [entry('matter.reopened', now, actor.id, { matter: matter.id })],
    tasks: [],
  };
}
