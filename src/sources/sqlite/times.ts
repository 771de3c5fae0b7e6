import type { TimeForm } from '../../policy/data-map.ts';

/** Which moment of its day a date without a time of day stands for. */
type Moment = 'start' | 'noon' | 'end';

const timeOfDay = { start: '00:00:00.000', noon: '12:00:00.000', end: '23:59:59.999' } satisfies Record<Moment, string>;
/** GLOB patterns of a date, and of one with a time of day. */
export const date = '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]';
export const dated = `${date}[T ][0-9][0-9]:[0-9][0-9]*`;
const format = "'%Y-%m-%dT%H:%M:%f'";

/**
 * SQL of a record's time in UTC as `2018-03-02T10:00:00.000`, whose order is that of time; null for what is no time. Only
 * what looks like a date goes to SQLite's own reading: it takes `now` for the present, and a number for a Julian day.
 */
export function utcText(expression: string, form: TimeForm, dateIs: Moment): string {
  const isNumber = `typeof(${expression}) IN ('integer', 'real')`;
  switch (form) {
    case 'seconds':
      return `CASE WHEN ${isNumber} THEN strftime(${format}, ${expression}, 'unixepoch') END`;
    case 'milliseconds':
      return `CASE WHEN ${isNumber} THEN strftime(${format}, ${expression} / 1000.0, 'unixepoch') END`;
    case 'text':
      return `CASE WHEN typeof(${expression}) <> 'text' THEN NULL
        WHEN ${expression} GLOB '${date}' THEN strftime(${format}, ${expression} || 'T${timeOfDay[dateIs]}')
        WHEN ${expression} GLOB '${dated}' THEN strftime(${format}, ${expression}) END`;
  }
}

/** An instant as `utcText` writes it. */
export function utcOf(instant: Temporal.Instant | string): string {
  const at = typeof instant === 'string' ? Temporal.Instant.from(instant) : instant;
  return at.toString({ smallestUnit: 'millisecond', roundingMode: 'floor' }).slice(0, -1);
}

/**
 * SQL for "this record's time is before the instant", false or null for what is no time. The first bound is one that an
 * index on the column can use: text begins with its date, and no zone is two days away from UTC.
 */
export function isBefore(expression: string, form: TimeForm, instant: Temporal.Instant): string {
  const milliseconds = instant.epochMilliseconds;
  switch (form) {
    case 'seconds':
      // A second is over when the next begins: a record is never taken earlier than it says.
      return `(typeof(${expression}) IN ('integer', 'real') AND ${expression} < ${Math.floor(milliseconds / 1000)})`;
    case 'milliseconds':
      return `(typeof(${expression}) IN ('integer', 'real') AND ${expression} < ${milliseconds})`;
    case 'text': {
      const bound = utcOf(instant.add({ hours: 48 })).slice(0, 10);
      return `(${expression} < '${bound}' AND ${utcText(expression, form, 'end')} < '${utcOf(instant)}')`;
    }
  }
}
