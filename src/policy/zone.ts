import { z } from 'zod';

/** An IANA time zone by name. An offset such as +02:00 is none: it knows no summer. */
export const zoneSchema = z
  .string()
  .refine(isZone, 'This is not a time zone. Write its IANA name, such as America/New_York or UTC.')
  .meta({ description: 'A time zone by its IANA name.', examples: ['America/New_York'] });

function isZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(text);
    return true;
  } catch {
    return false;
  }
}
