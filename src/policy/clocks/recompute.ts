import type { Frozen } from './answer.ts';

/** A deadline as it was computed, with what it was computed with. */
export interface FrozenDeadline {
  /** The instant from which it is late; null where there was none. */
  readonly dueAt: Temporal.Instant | null;
  /** One for each clock that ran. */
  readonly frozen: readonly Frozen[];
}

/**
 * What to do with a deadline that was computed anew from the same events (rule book 0.8). A new rule stands. A date that
 * moved because of new holidays or new time zone data alone may move earlier silently, but later only when a person
 * confirms.
 * @returns `keep` what was computed before, `take` the new one, or `confirm`: keep until a person has agreed
 */
export function takeRecomputed(kept: FrozenDeadline, computed: FrozenDeadline): 'keep' | 'take' | 'confirm' {
  const isSameRules = sameAs(kept, computed, ({ rule, version }) => `${rule} ${version}`);
  const isSame = sameAs(kept, computed, inOneLine);
  const order = compare(computed.dueAt, kept.dueAt);
  if (order === 0) return isSame ? 'keep' : 'take';
  return isSameRules && order > 0 ? 'confirm' : 'take';
}

function sameAs(a: FrozenDeadline, b: FrozenDeadline, name: (frozen: Frozen) => string): boolean {
  const names = ({ frozen }: FrozenDeadline) => frozen.map(name).sort().join('\n');
  return names(a) === names(b);
}

/** By its facts and not by their order, which a database may change. */
function inOneLine({ rule, version, calendar, calendarVersion, tzdb }: Frozen): string {
  return [rule, version, calendar, calendarVersion, tzdb].join(' ');
}

/** No date is later than any. */
function compare(a: Temporal.Instant | null, b: Temporal.Instant | null): number {
  if (a && b) return Temporal.Instant.compare(a, b);
  return a === b ? 0 : a ? -1 : 1;
}
