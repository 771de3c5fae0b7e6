import { type Refusal, refuse } from './refusal.ts';

/** RFC 3339 in UTC with exactly three decimals: the only form in which an instant leaves Muniment. */
export function formatInstant(instant: Temporal.Instant): string {
  return instant.toString({ smallestUnit: 'millisecond' });
}

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** An RFC 3339 instant as HTTP writes dates (RFC 9110, 5.6.7), to the second. */
export function httpDate(instant: string): string {
  const utc = Temporal.Instant.from(instant).toZonedDateTimeISO('UTC');
  const day = `${weekdays[utc.dayOfWeek - 1]}, ${String(utc.day).padStart(2, '0')} ${months[utc.month - 1]} ${utc.year}`;
  return `${day} ${utc.toPlainTime().toString({ smallestUnit: 'second' })} GMT`;
}

const first = Temporal.Instant.from('0001-01-01T00:00:00Z').epochMilliseconds;
const last = Temporal.Instant.from('9999-12-31T23:59:59.999Z').epochMilliseconds;

/** Whether an instant lies in the years 1 to 9999 of UTC: what PostgreSQL, RFC 3339 and a page all write alike. */
export function isWritable({ epochMilliseconds }: Temporal.Instant): boolean {
  return first <= epochMilliseconds && epochMilliseconds <= last;
}

/**
 * Read an RFC 3339 instant, whose year has four digits. A time without an offset names no instant and is refused, never
 * guessed. Digits below a millisecond are cut off: Muniment counts in milliseconds throughout.
 */
export function parseInstant(text: string): Temporal.Instant | Refusal {
  const at = /^\d{4}-/.test(text) ? written(() => Temporal.Instant.from(text)) : null;
  return (
    at ??
    refuse(
      'time_invalid',
      `"${text.slice(0, 60)}" is not an instant. Write RFC 3339 with an offset, such as 2026-11-27T09:30:00Z.`,
    )
  );
}

/**
 * Read a browser's datetime-local, such as `2026-11-27T09:30`, in a zone. A time that does not exist there, or that does
 * twice, is refused.
 */
export function parseLocalTime(text: string, zone: string): Temporal.Instant | Refusal {
  const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(text)
    ? written(() => Temporal.PlainDateTime.from(text).toZonedDateTime(zone, { disambiguation: 'reject' }).toInstant())
    : null;
  return at ?? refuse('time_invalid', 'That is not a time in this zone. Write one such as 2026-11-27T09:30.');
}

/** Read a day such as `2026-11-27`: the instant from which it is over in a zone. */
export function parseEndOfDay(text: string, zone: string): Temporal.Instant | Refusal {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text)
    ? written(() => Temporal.PlainDate.from(text).add({ days: 1 }).toZonedDateTime(zone).toInstant())
    : null;
  return at ?? refuse('time_invalid', 'That is not a day. Write one such as 2026-11-27.');
}

function written(read: () => Temporal.Instant): Temporal.Instant | null {
  try {
    const at = Temporal.Instant.fromEpochMilliseconds(read().epochMilliseconds);
    return isWritable(at) ? at : null;
  } catch {
    return null;
  }
}
