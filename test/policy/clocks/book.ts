import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { ClockEvent, ClockParams, NamedCalendar } from '../../../src/policy/clocks/answer.ts';
import { computeClock } from '../../../src/policy/clocks/clock.ts';
import { type Regimes, regimesSchema, ruleNamed } from '../../../src/policy/regimes.ts';

/** The rule book as shipped. */
export const book: Regimes = regimesSchema.parse(parse(readFileSync('policies/regimes.yaml', 'utf8')));

/** The published cases and rules, or null where they are not at hand. */
export function published(name: string): unknown {
  try {
    return JSON.parse(readFileSync(`../shared/reference/${name}`, 'utf8'));
  } catch {
    return null;
  }
}

export const weekends: NamedCalendar = { id: 'weekends', version: '1', weekend: ['sat', 'sun'], holidays: [] };

/** Run a rule of the shipped book, with weekends as its calendar where none is given. */
export function clock(
  id: string,
  receivedAt: string | Temporal.Instant,
  o: {
    zone?: string;
    calendar?: NamedCalendar | null;
    events?: readonly ClockEvent[];
    params?: ClockParams;
    tzdb?: string;
  } = {},
) {
  const rule = ruleNamed(book, id);
  if (!rule) throw new Error(`the book has no ${id}`);
  const { zone = 'UTC', calendar = weekends, events = [], params = {}, tzdb = null } = o;
  return computeClock({ rule, receivedAt, zone, calendar, events, params, tzdb });
}
