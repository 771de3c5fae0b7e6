/** A quarter of a year as people write it: `2026-Q3`. */
export function quarterOf(day: Temporal.PlainDate): string {
  return `${day.year}-Q${Math.ceil(day.month / 3)}`;
}

/** The quarter that ended before the one of that day began. */
export function quarterBefore(day: Temporal.PlainDate): string {
  return quarterOf(day.subtract({ months: 3 }));
}

/** When a quarter begins and when the next one does, in a zone. @param quarter as `quarterOf` writes it */
export function quarterBounds(
  quarter: string,
  zone: string,
): { readonly from: Temporal.Instant; readonly to: Temporal.Instant } {
  const [, year, number] = /^(\d{4})-Q([1-4])/.exec(quarter) ?? [];
  if (year === undefined) throw new RangeError('a quarter is written 2026-Q3');
  const first = Temporal.PlainDate.from({ year: Number(year), month: Number(number) * 3 - 2, day: 1 });
  return {
    from: first.toZonedDateTime(zone).toInstant(),
    to: first.add({ months: 3 }).toZonedDateTime(zone).toInstant(),
  };
}
