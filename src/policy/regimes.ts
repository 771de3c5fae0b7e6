import { z } from 'zod';
import { zoneSchema } from './zone.ts';

/**
 * The rule book of the clocks: which rules there are, where and to what each applies, and its own terms. The law stands
 * in regimes.yaml with its citation, so that counsel can read and override it; how a term is counted is in `clocks/`.
 */

const daySchema = z
  .string()
  .refine(isDay, 'Write a day that exists.')
  .meta({ description: 'A day.', examples: ['2026-12-24'] });
const periodSchema = z
  .string()
  .regex(/^P[1-9]\d{0,4}[DWMY]$/, 'Write one whole calendar unit, such as P30D or P1M.')
  .meta({ description: 'ISO 8601, one whole calendar unit.', examples: ['P30D', 'P1M'] });
const hoursSchema = z
  .string()
  .regex(/^PT[1-9]\d{0,4}H$/, 'Write whole hours, such as PT72H.')
  .meta({ description: 'ISO 8601, whole hours.', examples: ['PT72H'] });

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const timeSchema = z
  .string()
  .regex(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/)
  .meta({ description: 'A time of day; 24:00 is the end of the day.', examples: ['09:00'] });

export const calendarSchema = z
  .strictObject({
    version: z
      .string()
      .min(1)
      .meta({ description: 'Frozen with every date it gave.', examples: ['2026'] }),
    weekend: z
      .array(z.enum(weekdays))
      .max(6, 'A week needs at least one working day.')
      .meta({ description: 'Days of the week that are no working days.', examples: [['sat', 'sun']] }),
    holidays: z.array(daySchema).meta({ description: 'Further days that are no working days; the list may be empty.' }),
    hours: z
      .partialRecord(
        z.enum(weekdays),
        z.tuple([timeSchema, timeSchema]).refine(([open, close]) => open < close, 'A day opens before it closes.'),
      )
      .refine((hours) => Object.keys(hours).length > 0, 'Name at least one open day.')
      .optional()
      .describe('When the support desk is open; left out: every working day from 00:00 to 24:00.'),
  })
  .refine(
    ({ weekend, hours }) =>
      hours === undefined || weekdays.some((day) => hours[day] !== undefined && !weekend.includes(day)),
    'The desk is open on days of the weekend only. Take one of them out of weekend.',
  )
  .meta({ description: 'The working days of one place.' });
/** Working days of one place. A rule that rolls without one rolls over weekends only, and says so. */
export type WorkCalendar = z.output<typeof calendarSchema>;

const text = z.string().min(1);
const citation = text.optional().meta({ description: "Left out: the rule's own." });

/** How a question to the person acts on the clock while it is open. */
const pauseSchema = z.discriminatedUnion('effect', [
  z
    .strictObject({
      effect: z.literal('suspend'),
      askDay: z
        .enum(['counts', 'excluded'])
        .meta({ description: 'Whether the day of asking still counts. The day of the answer never does.' }),
      bases: z.array(text).min(1).optional().meta({
        description: 'It stops the clock only with one of these grounds recorded and asked without undue delay.',
      }),
      requests: z
        .array(text)
        .min(1)
        .optional()
        .meta({ description: 'Types of request it is open to; left out: all of the rule.' }),
      citation,
    })
    .describe('Whole days do not count, and the rest of the period follows.'),
  z
    .strictObject({ effect: z.literal('restart'), citation })
    .describe('The period has not begun until the answer is there; that day is its new day 0.'),
  z
    .strictObject({ effect: z.literal('postpone'), by: periodSchema, citation })
    .describe('The period begins so long after the question, answered or not.'),
]);

const extensionSchema = z.strictObject({
  to: z
    .union([periodSchema, z.literal('named')])
    .meta({ description: 'The whole period from the start once extended; `named`: to the day the notice names.' }),
  event: z.enum(['extension_notice', 'preservation_extended']).default('extension_notice'),
  reasons: z.boolean().default(true).meta({ description: 'Whether the notice has no effect without its reasons.' }),
  times: z.int().positive().default(1),
  by: z
    .array(z.enum(['issuer', 'court', 'agreement']))
    .min(1)
    .optional()
    .meta({ description: 'We cannot give it to ourselves: the notice says who granted it.' }),
  noticeFrom: z
    .literal('request_date')
    .optional()
    .meta({ description: 'The notice is counted from the date of the letter, where that is before its receipt.' }),
  longerFor: text.optional().meta({ description: 'With this said in the notice, to the day it names.' }),
  citation,
});

const common = {
  version: text.meta({ description: 'Give a new one whenever you change a rule.', examples: ['1'] }),
  title: text.meta({
    description: 'What must be done, in plain words.',
    examples: ['Answer within 30 days of the request'],
  }),
  regimes: z
    .array(text)
    .min(1)
    .meta({ description: 'The laws and promises it belongs to.', examples: [['GDPR']] }),
  requests: z
    .array(text)
    .min(1)
    .optional()
    .meta({ description: 'Types of request that start it.', examples: [['access', 'erasure']] }),
  demands: z
    .array(text)
    .min(1)
    .optional()
    .meta({ description: 'Types of legal demand that start it.', examples: [['civil_subpoena']] }),
  emergency: z.boolean().optional().meta({ description: 'Only for emergencies, or only for what is none.' }),
  startsAt: z
    .literal('issued_at')
    .optional()
    .meta({ description: 'Counted from the date of the order instead of its receipt.' }),
  trigger: text.meta({ description: 'The event of day 0.', examples: ['request received on any channel'] }),
  calendar: text
    .optional()
    .meta({ description: "Its working days, one of `calendars`; left out: the regime's.", examples: ['berlin'] }),
  purpose: z.enum(['answer', 'acknowledge', 'keep', 'target', 'watch']).default('answer').meta({
    description:
      'answer: it decides when an answer is due. acknowledge: a step on the way. keep: nothing may go before. target: our own aim. watch: somebody else’s duty.',
  }),
  service: z
    .boolean()
    .default(false)
    .meta({ description: 'Our own promise: it runs for every request, and a valid extension by statute releases it.' }),
  from: daySchema.optional().meta({ description: 'First day of force, by the day of the trigger.' }),
  until: daySchema.optional().meta({ description: 'Last day of force.' }),
  citation: text.meta({ description: 'Where the rule stands.', examples: ['18 U.S.C. 2703(f)'] }),
  confidence: text.meta({
    description:
      'A: the primary text was read. B: a secondary source. C, D: from memory. design: ours. Says how much to re-read before you rely on it.',
  }),
  note: text.optional(),
};

const ruleSchema = z.discriminatedUnion('count', [
  z
    .strictObject({
      count: z.literal('calendar'),
      ...common,
      period: periodSchema.optional(),
      periods: z
        .record(text, periodSchema)
        .optional()
        .meta({ description: 'By the kind of instrument, where that decides.' }),
      ordered: z.enum(['may', 'longer', 'must']).optional().meta({
        description: 'Whether the order sets the length: it may, it may only lengthen it, or nothing else does.',
      }),
      firstDay: z
        .enum(['after', 'same'])
        .default('after')
        .meta({ description: 'after: the trigger day is day 0. same: it is day 1.' }),
      roll: z
        .strictObject({ to: z.literal('working_day'), citation })
        .optional()
        .meta({ description: 'Left out: it ends on whatever day that is.' }),
      extension: extensionSchema.optional(),
      pauses: z
        .partialRecord(z.enum(['identity', 'clarification', 'fee']), pauseSchema)
        .optional()
        .meta({ description: 'What may be asked of the person, and how that acts; left out: nothing stops it.' }),
      renewal: z.strictObject({ period: periodSchema, times: z.int().positive() }).optional(),
      noLaterThan: z
        .literal('compliance_at')
        .optional()
        .meta({ description: 'It ends before the time on the paper, where that comes first.' }),
    })
    .describe('Local days, months or years, added once.'),
  z
    .strictObject({ count: z.literal('business_days'), ...common, days: z.int().positive().max(1000) })
    .describe('Working days after the trigger day.'),
  z
    .strictObject({
      count: z.literal('elapsed'),
      ...common,
      period: hoursSchema,
      startsOn: z
        .strictObject({ event: text, when: z.strictObject({ param: text, is: text }) })
        .optional()
        .meta({ description: 'Where what was received is not yet the trigger: the event that is.' }),
    })
    .describe('Hours that pass, day and night.'),
  z
    .strictObject({ count: z.literal('face_date'), ...common, extension: extensionSchema.optional() })
    .describe('The date on the paper, exactly as written.'),
  z
    .strictObject({
      count: z.literal('no_number'),
      ...common,
      governedBy: text.meta({ description: 'The rule that gives the date instead.' }),
    })
    .describe('A duty without a number of days.'),
  z.strictObject({ count: z.literal('cutoff'), ...common }).describe('Backwards: what is older than a period may go.'),
  z
    .strictObject({ count: z.literal('ticket_tier'), ...common, targets: z.array(hoursSchema).min(1) })
    .describe('Open hours of the desk, a target for each tier.'),
  z
    .strictObject({ count: z.literal('ticket_escalation'), ...common, targets: z.array(hoursSchema).min(1) })
    .describe('One tier after the other, each from the breach of the one before.'),
  z
    .strictObject({
      count: z.literal('ticket_note'),
      ...common,
      firstAfterDays: z.int().positive().max(1000),
      every: hoursSchema,
    })
    .describe('A note is due after so many business days, then every so many open hours.'),
  z
    .strictObject({
      count: z.literal('ticket_auto_close'),
      ...common,
      period: hoursSchema,
      never: z.array(text).meta({ description: 'Types of ticket that silence never closes.' }),
    })
    .describe('Elapsed hours without a reply.'),
]);
type Rule = z.output<typeof ruleSchema>;
/** One rule of the book with its name. */
export type ClockRule = Rule & { readonly id: string };

export const regimesSchema = z
  .strictObject({
    calendars: z.record(text, calendarSchema).default({}),
    rules: z.record(z.string().regex(/^[A-Z0-9][A-Za-z0-9.-]*$/, 'Write letters, digits, - and dots.'), ruleSchema),
    regimes: z.record(
      text,
      z.strictObject({
        title: text,
        zone: zoneSchema.optional().meta({
          description: "Where its days are days; left out: the organization's zone.",
          examples: ['Europe/London'],
        }),
        calendar: text.optional().meta({ description: 'Its working days, one of `calendars`.' }),
      }),
    ),
  })
  .superRefine((book, context) => {
    const wrong = (path: (string | number)[], code: string, message: string) =>
      context.addIssue({ code: 'custom', path, message, params: { code } });
    for (const [name, { calendar }] of Object.entries(book.regimes))
      if (calendar !== undefined && !book.calendars[calendar])
        wrong(
          ['regimes', name, 'calendar'],
          'calendar_unknown',
          `No calendar is called "${calendar}". Add it to calendars.`,
        );
    for (const [id, rule] of Object.entries(book.rules)) {
      if (rule.calendar !== undefined && !book.calendars[rule.calendar])
        wrong(
          ['rules', id, 'calendar'],
          'calendar_unknown',
          `No calendar is called "${rule.calendar}". Add it to calendars.`,
        );
      if (rule.requests)
        for (const [index, regime] of rule.regimes.entries())
          if (!book.regimes[regime])
            wrong(
              ['rules', id, 'regimes', index],
              'regime_unknown',
              `No regime is called "${regime}". Add it to regimes.`,
            );
      if (rule.from !== undefined && rule.until !== undefined && rule.until < rule.from)
        wrong(['rules', id, 'until'], 'until_before_from', 'The last day of force is before the first.');
      if (rule.count === 'no_number' && !book.rules[rule.governedBy])
        wrong(['rules', id, 'governedBy'], 'rule_unknown', `No rule is called "${rule.governedBy}".`);
      if (rule.count !== 'calendar') continue;
      const lengths = [rule.period, rule.periods, rule.ordered === 'must' || undefined];
      if (lengths.filter((one) => one !== undefined).length !== 1)
        wrong(['rules', id], 'period_missing', 'Write one of period, periods and ordered: must.');
      const to = rule.extension?.to;
      if (to !== undefined && to !== 'named' && rule.period !== undefined && !isLonger(to, rule.period))
        wrong(['rules', id, 'extension', 'to'], 'extension_shortens', `${to} in all is no longer than ${rule.period}.`);
      for (const what of ['identity', 'clarification', 'fee'] as const)
        if (rule.pauses?.[what] && rule.firstDay === 'same')
          wrong(['rules', id, 'pauses'], 'pause_unsupported', 'A rule whose trigger day is day 1 cannot be paused.');
    }
    if (!Object.values(book.rules).some(({ service }) => service))
      wrong(['rules'], 'service_missing', 'One rule must be our own promise. Write service: true in it.');
  })
  .meta({ title: 'Muniment: regimes', description: 'Laws and promises, and the clocks they start.' });
export type Regimes = z.output<typeof regimesSchema>;

/** A rule by its name, or null where the book has none: never a default (deadline rules 0.6, REGIME_UNKNOWN). */
export function ruleNamed(book: Regimes, id: string): ClockRule | null {
  const rule = Object.hasOwn(book.rules, id) ? book.rules[id] : undefined;
  return rule ? { id, ...rule } : null;
}

/** Our own promise and the clocks a regime starts for this type of request, in the order of the file. */
export function rulesForRequest(book: Regimes, regime: string, type: string): readonly ClockRule[] {
  return allRules(book).filter(
    (rule) => rule.service || (rule.requests?.includes(type) && rule.regimes.includes(regime)),
  );
}

/** The clocks this type of legal demand starts, in the order of the file. */
export function rulesForDemand(book: Regimes, type: string, emergency: boolean): readonly ClockRule[] {
  return allRules(book).filter(
    (rule) => rule.demands?.includes(type) && (rule.emergency === undefined || rule.emergency === emergency),
  );
}

/** The clocks a breach of personal data starts, in the order of the file. */
export function rulesForIncident(book: Regimes): readonly ClockRule[] {
  return allRules(book).filter((rule) => rule.requests?.includes('breach'));
}

/** The working days a rule counts with: its own, else those of the regime; null where neither names any. */
export function calendarFor(
  book: Regimes,
  rule: ClockRule,
  regime: string | null,
): (WorkCalendar & { id: string }) | null {
  const id = rule.calendar ?? (regime === null ? undefined : book.regimes[regime]?.calendar);
  const calendar = id === undefined ? undefined : book.calendars[id];
  return id !== undefined && calendar ? { id, ...calendar } : null;
}

function allRules(book: Regimes): readonly ClockRule[] {
  return Object.entries(book.rules).map(([id, rule]) => ({ id, ...rule }));
}

function isDay(written: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(written)) return false;
  try {
    return Temporal.PlainDate.from(written, { overflow: 'reject' }) instanceof Temporal.PlainDate;
  } catch {
    return false;
  }
}

/** Longer from whatever day: a month may have 28 days. What is no period is said where it stands, and not again here. */
function isLonger(a: string, b: string): boolean {
  if (!periodSchema.safeParse(a).success || !periodSchema.safeParse(b).success) return true;
  return ['2025-02-01', '2024-07-01'].every((day) => {
    const start = Temporal.PlainDate.from(day);
    return Temporal.PlainDate.compare(start.add(a), start.add(b)) > 0;
  });
}
