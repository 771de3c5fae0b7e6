import type { Frozen } from './answer.ts';

/** A deadline as it was computed, with what it was computed with. */
export interface FrozenDeadline {
  /** The instant from which it is late; null where there was none. */
  readonly dueAt: Temporal.Instant | null;
  /** How many events it had seen. */
  readonly events: number;
  readonly frozen: Frozen;
}

/**
 * What to do with a deadline that was computed anew (rule book 0.8). New events or a new rule stand. A date that moved
 * because of new holidays or new time zone data alone may move earlier silently, but later only when a person confirms.
 * @returns the deadline to keep, and whether a person must confirm before the new one is taken
 */
export function takeRecomputed(
  kept: FrozenDeadline,
  computed: FrozenDeadline,
): { readonly deadline: FrozenDeadline; readonly confirm: boolean } {
  const isSameCase =
    kept.events === computed.events &&
    kept.frozen.rule === computed.frozen.rule &&
    kept.frozen.version === computed.frozen.version;
  if (!isSameCase || !kept.dueAt) return { deadline: computed, confirm: false };
  const isLater = !computed.dueAt || Temporal.Instant.compare(computed.dueAt, kept.dueAt) > 0;
  return isLater ? { deadline: kept, confirm: true } : { deadline: computed, confirm: false };
}
