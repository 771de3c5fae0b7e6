import { type Refusal, refuse } from '../core/refusal.ts';

interface CronField {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly words: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const fields: readonly CronField[] = [
  { name: 'minute', min: 0, max: 59, words: [] },
  { name: 'hour', min: 0, max: 23, words: [] },
  { name: 'day of the month', min: 1, max: 31, words: [] },
  { name: 'month', min: 1, max: 12, words: months },
  // 7 is Sunday as well, as crontab(5) has it.
  { name: 'day of the week', min: 0, max: 7, words: weekdays },
];
const longestMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Check a schedule: the five fields of crontab(5) (minute, hour, day of the month, month, day of the week) with lists,
 * ranges, steps and English names. It is read by node-cron, so only what node-cron reads the same way is let through.
 * Refused with the reason: seconds, macros such as @daily, values out of range, days that no month has.
 */
export function checkSchedule(text: string): Refusal | null {
  const no = (why: string) => refuse('invalid', `"${text.slice(0, 60)}" is not a schedule: ${why}`);
  const parts = text.trim().split(/\s+/);
  if (text.startsWith('@')) return no('write five fields, such as "15 2 * * *" for every night at 02:15.');
  if (parts.length === 6) return no('it has six fields, and seconds are not used. Write five, such as "15 2 * * *".');
  if (parts.length !== 5)
    return no(
      `it has ${parts.length} of five fields. Write minute, hour, day, month and weekday, such as "15 2 * * *".`,
    );
  const values: (ReadonlySet<number> | string)[] = fields.map((field, index) => valuesOf(parts[index] ?? '', field));
  const wrong = values.find((value) => typeof value === 'string');
  if (wrong !== undefined) return no(wrong);
  const [, , days, inMonths] = values.map((value) => (typeof value === 'string' ? new Set<number>() : value));
  // crontab(5) rings on either of the two, node-cron only when both agree.
  if (parts[2] !== '*' && parts[4] !== '*')
    return no(
      'it names a day of the month and a weekday, which programs read differently. Write * for one of the two.',
    );
  const everComes = [...(inMonths ?? [])].some((month) => Math.min(...(days ?? [])) <= (longestMonth[month - 1] ?? 0));
  if (!everComes) return no('no such day ever comes. Write a day that its month has.');
  return null;
}

function valuesOf(text: string, field: CronField): ReadonlySet<number> | string {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d{1,2}))?$/i.exec(part);
    if (!match) return `"${part}" cannot be read as ${field.name}. Write a number, a range such as 1-5, or *.`;
    const [, first = '', last, stepText] = match;
    const isAll = first === '*';
    if (isAll && last !== undefined) return `"${part}" mixes * and a range. Write one of the two.`;
    if (!isAll && last === undefined && stepText !== undefined)
      return `"${part}" is a step without a range. Write */${stepText} or ${first}-${field.max}/${stepText}.`;
    const from = isAll ? field.min : numberOf(first, field);
    const to = isAll ? field.max : last === undefined ? from : numberOf(last, field);
    if (from === null || to === null)
      return `${field.name} goes from ${field.min} to ${field.max}; "${part}" does not.`;
    if (from > to) return `the range "${part}" runs backwards. Write the smaller one first.`;
    const step = stepText === undefined ? 1 : Number(stepText);
    if (step === 0) return `"${part}" has a step of 0. Write 1 or more.`;
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return values;
}

function numberOf(text: string, { min, max, words }: CronField): number | null {
  const word = words.indexOf(text.toLowerCase());
  if (word >= 0) return word + min;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : null;
}
