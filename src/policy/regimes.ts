import { z } from 'zod';

/**
 * The rule book of the clocks: which rules a regime brings, and each rule's own terms. The law is in the YAML, with its
 * citation; how a term is counted is in `clocks/`.
 */

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'A day as 2026-12-24, please.');

const calendarSchema = z.strictObject({
  version: z.string().min(1),
  weekend: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])),
  holidays: z.array(day),
});
/** Working days of one place. A rule that rolls without one rolls over weekends only, and says so. */
export type WorkCalendar = z.output<typeof calendarSchema>;

const ruleSchema = z.strictObject({
  version: z.string().min(1),
  citation: z.string().min(1),
  period: z
    .string()
    .regex(/^(P\d+[DWMY]|PT\d+H)$/, 'One whole unit as P30D, P1M or PT72H, please.')
    .optional()
    .meta({ description: 'ISO 8601. Calendar days, months or years are counted from the local day; hours elapse.' }),
  businessDays: z.int().positive().optional(),
  firstDay: z.enum(['after', 'same']).default('after').meta({ description: '`same`: the day it came is day 1.' }),
  rollsToWorkingDay: z.boolean().default(false),
  extension: z
    .union([z.string().regex(/^P\d+[DM]$/), z.literal('named')])
    .optional()
    .meta({ description: 'The whole period once extended, from the receipt; `named`: to the day the notice names.' }),
  waits: z
    .enum(['eu', 'uk'])
    .optional()
    .meta({ description: 'How a question to the person stops the clock; left out: nothing stops it.' }),
  inForceFrom: day.optional(),
  purpose: z
    .enum(['answer', 'acknowledge', 'keep'])
    .default('answer')
    .meta({ description: 'Only `answer` decides when a request is due.' }),
  service: z
    .boolean()
    .default(false)
    .meta({ description: 'Our own promise: a valid extension by statute releases it.' }),
});
export type ClockRule = z.output<typeof ruleSchema>;

const clocks = z.array(z.union([z.string(), z.strictObject({ rule: z.string(), types: z.array(z.string()).min(1) })]));

export const regimesSchema = z
  .strictObject({
    calendars: z.record(z.string(), calendarSchema).default({}),
    rules: z.record(z.string(), ruleSchema),
    regimes: z.record(
      z.string(),
      z.strictObject({
        title: z.string().min(1),
        zone: z.string().optional().meta({ description: "IANA zone of the clocks; left out: the organization's." }),
        calendar: z.string().optional(),
        clocks,
      }),
    ),
    demands: z
      .record(z.string(), z.strictObject({ calendar: z.string().optional(), clocks }))
      .meta({ description: 'The clocks a demand starts, by its type; `emergency` names those of an emergency.' }),
  })
  .superRefine((book, context) => {
    const entries = [
      ...Object.entries(book.regimes).map(([name, entry]) => ({ path: ['regimes', name], entry })),
      ...Object.entries(book.demands).map(([name, entry]) => ({ path: ['demands', name], entry })),
    ];
    for (const { path, entry } of entries) {
      entry.clocks.forEach((clock, index) => {
        const rule = typeof clock === 'string' ? clock : clock.rule;
        if (!book.rules[rule])
          context.addIssue({ code: 'custom', path: [...path, 'clocks', index], message: `No rule is called ${rule}.` });
      });
      if (entry.calendar !== undefined && !book.calendars[entry.calendar])
        context.addIssue({
          code: 'custom',
          path: [...path, 'calendar'],
          message: `No calendar is called ${entry.calendar}.`,
        });
    }
    for (const [name, rule] of Object.entries(book.rules)) {
      if ((rule.period === undefined) === (rule.businessDays === undefined))
        context.addIssue({
          code: 'custom',
          path: ['rules', name],
          message: 'A rule has either a period or businessDays.',
        });
    }
  });
export type Regimes = z.output<typeof regimesSchema>;

/** The rules an entry brings for one type of request or demand. */
export function rulesOf(
  entry: Regimes['regimes'][string] | Regimes['demands'][string],
  type: string,
): readonly string[] {
  return entry.clocks.flatMap((clock) =>
    typeof clock === 'string' ? [clock] : clock.types.includes(type) ? [clock.rule] : [],
  );
}
