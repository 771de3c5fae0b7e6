import type { IssueCode } from './answer.ts';

/** The plain words of an explanation, in English: a person without a lawyer at hand must understand them. */

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** "Tuesday 7 April 2026". */
export function dayWords(on: Temporal.PlainDate): string {
  return `${weekdays[on.dayOfWeek - 1]} ${on.day} ${months[on.month - 1]} ${on.year}`;
}

/** "one month", "30 days", "72 hours". */
export function periodWords(period: string): string {
  const { years, months: monthCount, weeks, days, hours, minutes } = Temporal.Duration.from(period);
  const part = (count: number, unit: string) =>
    count === 0 ? [] : [`${count === 1 ? 'one' : count} ${unit}${count === 1 ? '' : 's'}`];
  return [
    ...part(years, 'year'),
    ...part(monthCount, 'month'),
    ...part(weeks, 'week'),
    ...part(days, 'day'),
    ...part(hours, 'hour'),
    ...part(minutes, 'minute'),
  ].join(' and ');
}

export const countWords = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;

const names: Readonly<Record<string, string>> = {
  identity: 'proof of identity',
  clarification: 'what exactly is asked for',
  fee: 'the fee',
};
/** What a question asked for. */
export const askedWords = (what: string): string => names[what] ?? what.replaceAll('_', ' ');

/** Why an event changed nothing, or what to mind. */
export const issueWords: Readonly<Record<IssueCode, string>> = {
  EXT_LATE: 'the notice came after the period had ended',
  EXT_LIMIT: 'the period was extended already',
  EXT_NO_REASON: 'the notice gives no reason',
  EXT_NO_DATE: 'the notice names no later day',
  EXT_NOT_ALLOWED: 'this rule has no such extension',
  NOTICE_ON_ROLLED_DAY: 'the notice came on a day the period had only been moved to',
  PAUSE_NOT_ALLOWED: 'this rule does not stop for such a question',
  PAUSE_NOT_JUSTIFIED: 'the question has no recorded ground, or was not asked without undue delay',
  PAUSE_AFTER_DUE: 'the question came after the period had ended',
  EVENT_ORDER: 'it comes before the receipt, or answers no open question',
  RENEWAL_LATE_NEW_REQUEST: 'the renewal came after the end and counts as a new request',
  RENEWAL_LIMIT: 'it was renewed already; a person decides',
  CALENDAR_MISSING: 'no list of holidays is configured, so only weekends were passed over',
  OFFSET_MISSING: 'its time has no offset',
  INSTANT_REQUIRED: 'it has a day only, and hours are counted',
  DATE_INVALID: 'its time is not a time',
  ZONE_UNKNOWN: 'its time zone is not known',
  OFFSET_MISMATCH: 'its offset contradicts its time zone',
  TIME_NONEXISTENT: 'its time was skipped when the clocks changed',
  TIME_AMBIGUOUS: 'its time happened twice when the clocks changed',
  PERIOD_INVALID: 'the period cannot be read',
  REGIME_UNKNOWN: 'there is no such rule',
};
