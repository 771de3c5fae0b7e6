import { z } from 'zod';

/** A time zone by its IANA name: UTC or Area/City. An offset (+02:00) or CEST is none: it knows no summer (deadline rules 0.6). */
export const zoneSchema = z
  .string()
  .refine(isZone, 'This is not a time zone. Write its IANA name, such as America/New_York or UTC.')
  .meta({ description: 'A time zone by its IANA name.', examples: ['America/New_York'] });

/** Whether this is `UTC` or an Area/City name that the zone data of this machine knows. */
export function isZone(text: string): boolean {
  if (text !== 'UTC' && !/^[A-Z][A-Za-z_]+\//.test(text)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(text);
    return true;
  } catch {
    return false;
  }
}
