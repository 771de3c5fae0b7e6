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

/**
 * Read an RFC 3339 instant, whose year has four digits. A time without an offset names no instant and is refused, never
 * guessed. Digits below a millisecond are cut off: Muniment counts in milliseconds throughout.
 */
export function parseInstant(text: string): Temporal.Instant | Refusal {
  const milliseconds = millisecondsOf(text);
  if (milliseconds !== null && first <= milliseconds && milliseconds <= last)
    return Temporal.Instant.fromEpochMilliseconds(milliseconds);
  return refuse(
    'time_invalid',
    `"${text.slice(0, 60)}" is not an instant. Write RFC 3339 with an offset, such as 2026-11-27T09:30:00Z.`,
  );
}

function millisecondsOf(text: string): number | null {
  try {
    return Temporal.Instant.from(text).epochMilliseconds;
  } catch {
    return null;
  }
}
