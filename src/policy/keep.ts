import { z } from 'zod';
import type { Json } from '../core/canonical-json.ts';
import { cutoffBefore, formatPeriod, type Period, parsePeriod } from '../core/periods.ts';
import { isRefusal } from '../core/refusal.ts';

/**
 * How long a rule keeps. `period` null: for ever, which is another thing than no rule at all. `atLeast`: no more specific
 * rule may keep for less; `period` is then what none may exceed.
 */
export interface Keep {
  readonly period: Period | null;
  readonly atLeast: Period | null;
}

const periodSchema = z.string().superRefine((text, context) => {
  const period = parsePeriod(text);
  if (isRefusal(period)) context.addIssue({ code: 'custom', message: period.detail, params: { code: period.code } });
});

/** `keep:` of a rule. */
export const keepSchema = z
  .union([z.literal('forever'), periodSchema, z.strictObject({ min: periodSchema, max: periodSchema })], {
    error: 'Write a period such as P3Y, forever, or { min: P1Y, max: P3Y }.',
  })
  .meta({
    description:
      'How long a record is kept: ISO 8601 in whole calendar units, or forever. With min and max it goes at max, and more specific rules for the same records have to stay between them.',
    examples: ['P3Y'],
  });

/** @throws where the schema would have refused it */
export function readKeep(written: z.output<typeof keepSchema>): Keep {
  if (written === 'forever') return { period: null, atLeast: null };
  const read = (text: string): Period => {
    const period = parsePeriod(text);
    if (isRefusal(period)) throw new Error(period.detail);
    return period;
  };
  return typeof written === 'string'
    ? { period: read(written), atLeast: null }
    : { period: read(written.max), atLeast: read(written.min) };
}

/** As the file says it. */
export function keepJson({ period, atLeast }: Keep): Json {
  if (period === null) return 'forever';
  return atLeast === null ? formatPeriod(period) : { min: formatPeriod(atLeast), max: formatPeriod(period) };
}

/** In one line: `P3Y`, `forever`, `P1Y to P3Y`. */
export function keepAsWritten({ period, atLeast }: Keep): string {
  if (period === null) return 'forever';
  return atLeast === null ? formatPeriod(period) : `${formatPeriod(atLeast)} to ${formatPeriod(period)}`;
}

/**
 * Whether one period never ends later than another, whatever the day it is counted back from: P1Y and P12M do not, P365D
 * and P1Y do in a leap year. Every day of four years is asked.
 */
export function isNeverLonger(one: Period, other: Period): boolean {
  const first = Temporal.PlainDate.from('2023-01-01');
  for (let day = 0; day < 1461; day++) {
    const now = first.add({ days: day }).toZonedDateTime('UTC').toInstant();
    if (Temporal.Instant.compare(cutoffBefore(now, one), cutoffBefore(now, other)) < 0) return false;
  }
  return true;
}
