import type { WorkCalendar } from '../regimes.ts';
import { dayOf, endOf, startOf } from './times.ts';
import { isWorkingDay, weekdayOf } from './working-days.ts';

/** A stretch of time, its end not in it. An end of null: still going on. */
export interface Stretch {
  readonly from: Temporal.Instant;
  readonly to: Temporal.Instant | null;
}

// A desk that does not open for ten years is a mistake of the calendar.
const maxDays = 3660;

/**
 * The desk's hours of a local day in epoch milliseconds, or null where it stays closed. Without hours every working day
 * is open from its start to its end, 23 or 25 hours where the clocks change (rule book 5, the calendar 24x5).
 */
function hoursOf(
  on: Temporal.PlainDate,
  zone: string,
  calendar: WorkCalendar | null,
): readonly [number, number] | null {
  if (!isWorkingDay(on, calendar)) return null;
  const hours = calendar?.hours ? calendar.hours[weekdayOf(on)] : (['00:00', '24:00'] as const);
  if (!hours) return null;
  const at = (time: string) =>
    time === '24:00'
      ? endOf(on, zone)
      : time === '00:00'
        ? startOf(on, zone)
        : on.toZonedDateTime({ timeZone: zone, plainTime: time }).toInstant();
  return [at(hours[0]).epochMilliseconds, at(hours[1]).epochMilliseconds];
}

/** The open time from an instant on, day by day, less the stretches in which nothing counts. */
function* openTime(
  start: Temporal.Instant,
  zone: string,
  calendar: WorkCalendar | null,
  except: readonly Stretch[],
): Generator<readonly [number, number]> {
  const first = dayOf(start, zone);
  for (let days = 0; days < maxDays; days++) {
    const hours = hoursOf(first.add({ days }), zone, calendar);
    if (!hours) continue;
    let open: (readonly [number, number])[] = [[Math.max(hours[0], start.epochMilliseconds), hours[1]]];
    for (const { from, to } of except) {
      const [closes, opens] = [from.epochMilliseconds, to?.epochMilliseconds ?? Number.POSITIVE_INFINITY];
      open = open.flatMap(([a, b]): (readonly [number, number])[] => [
        [a, Math.min(b, closes)],
        [Math.max(a, opens), b],
      ]);
      open = open.filter(([a, b]) => a < b);
    }
    yield* open.filter(([a, b]) => a < b);
  }
}

/**
 * The smallest instant t from `start` on with so much open time in (start, t]: open time that ends at closing time is
 * due at closing time. Counted in milliseconds.
 * @returns null where a stretch that is still going on comes first
 * @throws RangeError where the desk never opens
 */
export function addOpenTime(
  start: Temporal.Instant,
  length: Temporal.Duration,
  zone: string,
  calendar: WorkCalendar | null,
  except: readonly Stretch[] = [],
): Temporal.Instant | null {
  const total = length.total('milliseconds');
  let left = total;
  for (const [from, to] of openTime(start, zone, calendar, except)) {
    if (to - from >= left) return Temporal.Instant.fromEpochMilliseconds(from + left);
    left -= to - from;
  }
  if (except.some(({ to }) => to === null)) return null;
  throw new RangeError('The desk never opens.');
}

/** How much open time passed between two instants, in milliseconds. */
export function openTimeBetween(
  from: Temporal.Instant,
  to: Temporal.Instant,
  zone: string,
  calendar: WorkCalendar | null,
  except: readonly Stretch[] = [],
): number {
  let sum = 0;
  for (const [opens, closes] of openTime(from, zone, calendar, except)) {
    if (opens >= to.epochMilliseconds) break;
    sum += Math.min(closes, to.epochMilliseconds) - opens;
  }
  return sum;
}

/**
 * So many business days on. A business day is a whole day of the desk, however long: what is left of the first day
 * counts by its share, and the same share of the last day is not needed. On the calendar 24x5 a day is 24 open hours.
 * @throws RangeError where the desk never opens
 */
export function addBusinessDays(
  start: Temporal.Instant,
  days: number,
  zone: string,
  calendar: WorkCalendar | null,
): Temporal.Instant {
  let left = days;
  const first = dayOf(start, zone);
  for (let ahead = 0; ahead < maxDays; ahead++) {
    const hours = hoursOf(first.add({ days: ahead }), zone, calendar);
    if (!hours) continue;
    const [opens, closes] = hours;
    const from = Math.max(opens, start.epochMilliseconds);
    if (from >= closes) continue;
    const share = (closes - from) / (closes - opens);
    // The shares are fractions: what is left after the last of them may be a rounding error.
    if (share >= left - 1e-9) return Temporal.Instant.fromEpochMilliseconds(Math.round(from + left * (closes - opens)));
    left -= share;
  }
  throw new RangeError('The desk never opens.');
}
