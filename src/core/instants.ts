import { type Refusal, refuse } from './refusal.ts';

/** RFC 3339 in UTC with exactly three decimals: the only form in which an instant leaves Muniment. */
export function formatInstant(instant: Temporal.Instant): string {
  return instant.toString({ smallestUnit: 'millisecond' });
}

/**
 * Read an RFC 3339 instant. A time without an offset names no instant and is refused, never guessed.
 * Digits below a millisecond are cut off: Muniment counts in milliseconds throughout.
 */
export function parseInstant(text: string): Temporal.Instant | Refusal {
  try {
    return Temporal.Instant.fromEpochMilliseconds(Temporal.Instant.from(text).epochMilliseconds);
  } catch {
    return refuse(
      'time_invalid',
      `"${text.slice(0, 60)}" is not an instant. Write RFC 3339 with an offset, such as 2026-11-27T09:30:00Z.`,
    );
  }
}
