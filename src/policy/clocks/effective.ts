import type { ClockRule } from '../regimes.ts';
import { type ClockAnswer, type ClockIssue, lateFrom } from './answer.ts';

/** A clock that ran: its rule and what it said. */
export interface RunClock {
  readonly rule: ClockRule;
  readonly answer: ClockAnswer;
}

/**
 * The deadline that governs when several clocks run (rule book 0.7): the earliest. A valid extension by a statute
 * releases our own promise; other statutes stay.
 * @returns `governing` null where no clock gives a time; `released` names the clocks that were released
 */
export function effectiveDeadline<T extends RunClock>(
  clocks: readonly T[],
): { governing: T | null; released: readonly T[]; issues: readonly ClockIssue[] } {
  const isExtended = clocks.some(({ rule, answer }) => !rule.service && answer.extended);
  const released = clocks.filter(({ rule }) => rule.service && isExtended);
  let governing: T | null = null;
  let earliest: Temporal.Instant | null = null;
  for (const clock of clocks) {
    const limit = released.includes(clock) ? null : lateFrom(clock.answer);
    if (!limit || (earliest && Temporal.Instant.compare(earliest, limit) <= 0)) continue;
    governing = clock;
    earliest = limit;
  }
  return { governing, released, issues: issuesOf(clocks.map(({ answer }) => answer)) };
}

/**
 * What to say about the events of several clocks together: an event that one clock took is no issue because another has
 * no such event, and of several reasons the most telling one stands.
 */
function issuesOf(answers: readonly ClockAnswer[]): readonly ClockIssue[] {
  const all = answers.flatMap(({ issues }) => issues);
  const general = [
    ...new Map(all.filter(({ event }) => event === undefined).map((issue) => [issue.code, issue])).values(),
  ];
  const events = new Set(all.flatMap(({ event }) => (event === undefined ? [] : [event])));
  // A clock that is not in force takes no event.
  const asked = answers.filter(({ kind }) => kind !== 'notInForce' && kind !== 'error' && kind !== 'needsHuman');
  const particular = [...events]
    .sort((a, b) => a - b)
    .flatMap((event): ClockIssue[] => {
      const said = all.filter((issue) => issue.event === event);
      const warnings = said.filter(({ level }) => level === 'warn');
      const isTaken = asked.some(({ issues }) =>
        issues.every((issue) => issue.event !== event || issue.level === 'warn'),
      );
      if (isTaken) return warnings;
      const telling = said.find(({ code }) => !code.endsWith('_NOT_ALLOWED')) ?? said[0];
      return telling ? [telling] : [];
    });
  return [...general, ...particular];
}

/**
 * Until when preservations, holds and gags together keep the accounts they touch (rule book 2): the latest of all.
 * @returns `byPerson`: only a person may release them, whatever the day
 */
export function holdEnd(answers: readonly ClockAnswer[]): { releaseFrom: Temporal.Instant | null; byPerson: boolean } {
  let releaseFrom: Temporal.Instant | null = null;
  let byPerson = false;
  for (const answer of answers) {
    const codes = answer.issues.map(({ code }) => code);
    if (codes.includes('RENEWAL_LIMIT') || codes.includes('RENEWAL_LATE_NEW_REQUEST')) byPerson = true;
    // What gives no date ends by a person, too: an order whose length nobody has entered is still an order.
    if (answer.kind === 'notInForce') continue;
    if (answer.kind !== 'keepUntil') {
      byPerson = true;
      continue;
    }
    if (!answer.autoRelease) byPerson = true;
    if (!releaseFrom || Temporal.Instant.compare(releaseFrom, answer.releaseFrom) < 0) releaseFrom = answer.releaseFrom;
  }
  return { releaseFrom, byPerson };
}
