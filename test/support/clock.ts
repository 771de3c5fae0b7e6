/** A clock that stands still until it is told to move. */
export interface FixedClock {
  now(): Temporal.Instant;
  /** Move forward by a duration of days and shorter (`PT90S`, `P3D`; a day is 24 hours), or back by a negative one. */
  advance(duration: string): Temporal.Instant;
  /** Stand at another instant (RFC 3339). */
  set(at: string): Temporal.Instant;
}

/** The instant at which tests take place unless they say otherwise. */
export const testInstant = '2026-11-27T09:30:00.000Z';

export function fixedClock(at: string = testInstant): FixedClock {
  let instant = Temporal.Instant.from(at);
  return {
    now: () => instant,
    advance: (duration) => {
      // An instant knows no days: 24 hours each, as in UTC.
      const { days, ...rest } = asFields(duration);
      instant = instant.add({ ...rest, hours: rest.hours + days * 24 });
      return instant;
    },
    set: (to) => {
      instant = Temporal.Instant.from(to);
      return instant;
    },
  };
}

function asFields(duration: string) {
  const { years, months, weeks, days, hours, minutes, seconds, milliseconds } = Temporal.Duration.from(duration);
  if (years !== 0 || months !== 0) throw new RangeError(`${duration} has no fixed length; use set()`);
  return { days: days + weeks * 7, hours, minutes, seconds, milliseconds };
}
