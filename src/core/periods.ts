import { type Refusal, refuse } from './refusal.ts';

// reference: ISO 8601 restricted to whole calendar units. Temporal itself would take PT3M (three minutes) and P0D.
const syntax = /^P(?=\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?$/;

/** A retention window or a deadline's length in whole calendar units; years and months move before weeks and days. */
export interface Period {
  readonly years: number;
  readonly months: number;
  readonly weeks: number;
  readonly days: number;
}

/**
 * Read a period such as P3Y, P18M or P90D.
 * Refused with the reason: time parts (PT3M is minutes), zero, signs, fractions, prose.
 */
export function parsePeriod(text: string): Period | Refusal {
  const match = syntax.exec(text);
  if (!match) return refuse('period_invalid', `"${text.slice(0, 40)}" is not a period: ${whyNot(text)}`);
  const [, years = '0', months = '0', weeks = '0', days = '0'] = match;
  const period = { years: Number(years), months: Number(months), weeks: Number(weeks), days: Number(days) };
  if (period.years + period.months + period.weeks + period.days === 0)
    return refuse('period_invalid', `"${text}" is no time at all. Write how long to keep, such as P90D.`);
  return period;
}

function whyNot(text: string): string {
  if (/T/.test(text)) return 'parts after T are hours, minutes and seconds, and P3M already means three months.';
  if (/[-+]/.test(text)) return 'a period has no sign.';
  if (/[.,]/.test(text)) return 'fractions of a calendar unit are ambiguous; use a smaller unit.';
  return 'write ISO 8601 whole units, such as P3Y, P18M or P90D.';
}

export function formatPeriod({ years, months, weeks, days }: Period): string {
  const part = (count: number, unit: string) => (count ? `${count}${unit}` : '');
  return `P${part(years, 'Y')}${part(months, 'M')}${part(weeks, 'W')}${part(days, 'D')}`;
}

/** The instant a period after another, in UTC; at once where there is no period. */
export function instantAfter(from: Temporal.Instant, period: Period | null): Temporal.Instant {
  return period === null ? from : from.toZonedDateTimeISO('UTC').add(period, { overflow: 'constrain' }).toInstant();
}

/**
 * The instant before which a record's time is up: one subtraction in a fixed zone, overflow constrained to the month's
 * end. Purge iff `recordAt < cutoff`. Never the reverse sum: near month ends the two differ (deadline rules 4.1, 4.3).
 * A period of months and days together may end a day or two before the sum would: write one kind where that matters.
 */
export function cutoffBefore(now: Temporal.Instant, period: Period, zone = 'UTC'): Temporal.Instant {
  return now.toZonedDateTimeISO(zone).subtract(period, { overflow: 'constrain' }).toInstant();
}
