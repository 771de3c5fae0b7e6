import type { WorkCalendar } from '../regimes.ts';

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export const weekdayOf = (on: Temporal.PlainDate) => weekdays[on.dayOfWeek - 1] ?? 'mon';

// A calendar that has no working day for ten years is a mistake of the calendar, not a place.
const maxDays = 3660;

/** Without a calendar only Saturday and Sunday are no working days: earlier, so safe (rule book 0.5). */
export function isWorkingDay(on: Temporal.PlainDate, calendar: WorkCalendar | null): boolean {
  const weekend: readonly string[] = calendar?.weekend ?? ['sat', 'sun'];
  return !weekend.includes(weekdayOf(on)) && !(calendar?.holidays.includes(on.toString()) ?? false);
}

/**
 * The day itself or the next working one.
 * @throws RangeError where the calendar has none
 */
export function rolled(on: Temporal.PlainDate, calendar: WorkCalendar | null): Temporal.PlainDate {
  for (let days = 0; days < maxDays; days++) if (isWorkingDay(on.add({ days }), calendar)) return on.add({ days });
  throw new RangeError('The calendar has no working day.');
}

/** The nth working day after a day, which is day 0 whatever day it is. */
export function addWorkingDays(
  on: Temporal.PlainDate,
  count: number,
  calendar: WorkCalendar | null,
): Temporal.PlainDate {
  let day = on;
  for (let done = 0; done < count; done++) day = rolled(day.add({ days: 1 }), calendar);
  return day;
}
