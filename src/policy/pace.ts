import { z } from 'zod';

/** How hard a rule's runs may work, so that the application beside them does not suffer. */
export interface Pace {
  /** Records a second, over a run's time; null: as fast as it goes. */
  readonly rowsPerSecond: number | null;
  /** The hours of the day, in the rule's zone, between which batches begin; null: all of it. */
  readonly between: { readonly from: string; readonly to: string } | null;
  /** How long a batch waits for a lock of the application's before it gives way and is tried again. */
  readonly lockSeconds: number;
}

const hour = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'Write hours and minutes, such as "22:30".')
  .meta({ examples: ['22:30'] });

/** `pace:` of a rule. */
export const paceSchema = z
  .strictObject({
    rowsPerSecond: z.int().min(1).max(1_000_000).optional().describe('Records a second at most.'),
    between: z
      .tuple([hour, hour])
      .refine(([from, to]) => from !== to, 'The window begins when it ends. Write two times, or leave it out.')
      .optional()
      .meta({
        description: 'When batches begin, in the zone of the rule; the second may be past midnight.',
        examples: [['22:00', '06:00']],
      }),
    lockSeconds: z.int().min(1).max(60).optional().describe('How long a batch waits for a lock before it gives way.'),
  })
  .meta({ description: 'How hard a run may work. It changes nothing of what it takes.' });

/** As it is written, or what counts without it. */
export function readPace(written: z.output<typeof paceSchema> | undefined): Pace {
  const [from, to] = written?.between ?? [];
  return {
    rowsPerSecond: written?.rowsPerSecond ?? null,
    between: from === undefined || to === undefined ? null : { from, to },
    lockSeconds: written?.lockSeconds ?? 10,
  };
}

/**
 * Whether a batch may begin now: the clock on the wall in the rule's zone is at or after `from` and before `to`, over
 * midnight where `to` is the earlier. On the night of a clock change the window is as long as that night makes it.
 */
export function mayBegin({ between }: Pace, zone: string, now: Temporal.Instant): boolean {
  if (between === null) return true;
  const wall = now.toZonedDateTimeISO(zone).toPlainTime().toString({ smallestUnit: 'second' });
  const [isAfter, isBefore] = [wall >= between.from, wall < between.to];
  return between.from < between.to ? isAfter && isBefore : isAfter || isBefore;
}

/** When batches may begin again: the next time that the clock on the wall in the rule's zone comes to `from`. */
export function nextOpening({ between }: Pace, zone: string, now: Temporal.Instant): Temporal.Instant {
  if (between === null) return now;
  const here = now.toZonedDateTimeISO(zone);
  const opening = (days: number) =>
    here.toPlainDate().add({ days }).toZonedDateTime({ timeZone: zone, plainTime: between.from }).toInstant();
  return Temporal.Instant.compare(opening(0), now) > 0 ? opening(0) : opening(1);
}

/** How many milliseconds to rest after a batch of so many records that took so long. */
export function restAfter({ rowsPerSecond }: Pace, records: number, tookMs: number): number {
  return rowsPerSecond === null ? 0 : Math.max(0, (records / rowsPerSecond) * 1000 - tookMs);
}

/** "22:00 to 06:00, 5,000 records a second"; empty: as fast as it goes, at any time. */
export function paceInWords({ between, rowsPerSecond }: Pace): string {
  return [
    ...(between ? [`${between.from} to ${between.to}`] : []),
    ...(rowsPerSecond === null ? [] : [`${rowsPerSecond.toLocaleString('en')} records a second`]),
  ].join(', ');
}
