import { isZone } from '../zone.ts';
import type { InputErrorCode } from './answer.ts';

/** A time as it was written down: an instant, or for a letter a day. */
export type ReadTime =
  | { readonly kind: 'instant'; readonly at: Temporal.Instant }
  | { readonly kind: 'day'; readonly on: Temporal.PlainDate }
  | { readonly kind: 'error'; readonly code: InputErrorCode };

// RFC 3339 with an optional [zone] (RFC 9557), or a day alone. Temporal itself takes more (no dashes, leap seconds).
const syntax =
  /^(\d{4}-\d{2}-\d{2})(?:T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,9})?)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?(?:\[([^\]]+)\])?)?$/;

const failed = (code: InputErrorCode): ReadTime => ({ kind: 'error', code });

/**
 * Read a time of a case: `2026-03-05T10:00:00+01:00[Europe/Berlin]`, with offset or zone or both, or a day alone.
 * Never clamped and never guessed (rule book 0.6): each way of being wrong has its code.
 */
export function readTime(text: string): ReadTime {
  const match = syntax.exec(text);
  const day = match?.[1];
  if (!match || day === undefined || !isRealDay(day)) return failed('DATE_INVALID');
  const [, , hour, , , offset, zone] = match;
  if (hour === undefined) return { kind: 'day', on: Temporal.PlainDate.from(day) };
  if (zone !== undefined && !isZone(zone)) return failed('ZONE_UNKNOWN');
  if (zone === undefined)
    return offset === undefined ? failed('OFFSET_MISSING') : { kind: 'instant', at: Temporal.Instant.from(text) };
  const local = Temporal.PlainDateTime.from(text.replace(/(?:Z|[+-]\d{2}:\d{2})?\[.*$/s, ''));
  if (offset === 'Z') return { kind: 'instant', at: Temporal.Instant.from(text) };
  const [earlier, later] = (['earlier', 'later'] as const).map((disambiguation) =>
    local.toZonedDateTime(zone, { disambiguation }),
  );
  if (!earlier || !later) return failed('DATE_INVALID');
  if (offset !== undefined) {
    const meant = [earlier, later].find((one) => one.offset === offset && one.toPlainDateTime().equals(local));
    return meant ? { kind: 'instant', at: meant.toInstant() } : failed('OFFSET_MISMATCH');
  }
  if (earlier.equals(later)) return { kind: 'instant', at: earlier.toInstant() };
  return failed(earlier.toPlainDateTime().equals(local) ? 'TIME_AMBIGUOUS' : 'TIME_NONEXISTENT');
}

/** Whether this is a day of the years 1 to 9999, written YYYY-MM-DD. */
export function isRealDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  try {
    return year > 0 && Temporal.PlainDate.from({ year, month, day }, { overflow: 'reject' }).day === day;
  } catch {
    return false;
  }
}

export const dayOf = (at: Temporal.Instant, zone: string): Temporal.PlainDate =>
  at.toZonedDateTimeISO(zone).toPlainDate();

/** The start of a local day: not always midnight, where summer time begins at midnight. */
export const startOf = (on: Temporal.PlainDate, zone: string): Temporal.Instant => on.toZonedDateTime(zone).toInstant();

/** The instant from which a local day is over. */
export const endOf = (on: Temporal.PlainDate, zone: string): Temporal.Instant => startOf(on.add({ days: 1 }), zone);

export const isBefore = (a: Temporal.Instant, b: Temporal.Instant): boolean => Temporal.Instant.compare(a, b) < 0;
export const isEarlier = (a: Temporal.PlainDate, b: Temporal.PlainDate): boolean =>
  Temporal.PlainDate.compare(a, b) < 0;
export const laterDay = (a: Temporal.PlainDate, b: Temporal.PlainDate): Temporal.PlainDate => (isEarlier(a, b) ? b : a);
