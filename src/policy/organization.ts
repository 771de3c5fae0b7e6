import { z } from 'zod';
import { type Period, parsePeriod } from '../core/periods.ts';
import { isRefusal } from '../core/refusal.ts';
import { zoneSchema } from './zone.ts';

/** Whom to write to. */
export interface Contact {
  readonly name: string;
  readonly email: string;
  readonly phone: string | null;
}

/** Who answers: the company whose records these are, as it stands in letters, receipts and packages. */
export interface Organization {
  readonly name: string;
  /** Lines of the postal address, in the order of an envelope. */
  readonly address: readonly string[];
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** For people who ask about their data. */
  readonly privacy: Contact;
  /** Where a legal demand is served, and how it is sent. */
  readonly legal: Contact & { readonly address: readonly string[]; readonly hours: string | null };
  /** For everything else. */
  readonly support: Contact;
  /** Regimes whose clocks run where a request names none (regimes.yaml). */
  readonly defaultRegimes: readonly string[];
  /** Days in letters and scopes are meant in this zone. */
  readonly zone: string;
  /** BCP 47. */
  readonly locale: string;
  /** How long an approved step waits before it is taken, so that it can still be stopped; null: it is taken at once. */
  readonly cooling: { readonly erasure: Period | null; readonly holdRelease: Period | null };
  /** When people work here, in `zone`; null: at any time. An approval outside it raises an alarm. */
  readonly workingHours: WorkingHours | null;
  readonly alarms: {
    /** Who is told; null: alarms stand in the console only. */
    readonly email: string | null;
    /** As many exports by one person within a day are unusual. */
    readonly exportsPerDay: number;
  };
}

/** Local times as `HH:MM`; days as in ISO 8601, Monday is 1. */
export interface WorkingHours {
  readonly days: readonly number[];
  readonly from: string;
  readonly to: string;
}

const emailSchema = z.email().meta({ description: 'An e-mail address.', examples: ['privacy@example.com'] });
const linesSchema = z
  .array(z.string().min(1))
  .min(1)
  .meta({ description: 'The lines of a postal address.', examples: [['1 Example Street', 'Portland, OR 97204']] });
const contactShape = {
  name: z
    .string()
    .min(1)
    .meta({ description: 'A person or a team.', examples: ['Privacy team'] }),
  email: emailSchema,
  phone: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "With the country's code.", examples: ['+1 503 555 0100'] }),
};
const coolingSchema = z
  .string()
  .superRefine((text, context) => {
    const period = parsePeriod(text);
    if (isRefusal(period))
      context.addIssue({
        code: 'custom',
        message: `${period.detail} For none, leave it out.`,
        params: { code: period.code },
      });
  })
  .optional()
  .meta({ description: 'ISO 8601, whole calendar units; left out: no waiting.', examples: ['P1D'] });

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const clockTime = (example: string) =>
  z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'Write a time of day as HH:MM, such as 08:00.')
    .meta({ description: 'A time of day, HH:MM.', examples: [example] });
const defaultExportsPerDay = 20;

/** `organization.yaml`. */
export const organizationSchema = z
  .strictObject({
    organization: z.strictObject({
      name: z
        .string()
        .min(1)
        .meta({ description: "The company's full name.", examples: ['Kinfolk, Inc.'] }),
      address: linesSchema,
      country: z
        .string()
        .regex(/^[A-Z]{2}$/)
        .meta({ description: 'ISO 3166-1, two letters.', examples: ['US'] }),
      privacy: z.strictObject(contactShape).describe('For people who ask about their data.'),
      legal: z
        .strictObject({
          ...contactShape,
          address: linesSchema,
          hours: z
            .string()
            .min(1)
            .optional()
            .meta({ description: 'When papers are taken.', examples: ['Mon–Fri 9:00–17:00'] }),
        })
        .describe('Where legal demands are served.'),
      support: z.strictObject(contactShape).describe('For everything else.'),
      defaultRegimes: z
        .array(z.string().min(1))
        .min(1)
        .meta({ description: 'Ids of regimes.yaml, for requests that name none.', examples: [['GDPR']] }),
      zone: zoneSchema,
      locale: z
        .string()
        .refine(isLocale, 'This is not a language tag. Write BCP 47, such as en-US.')
        .meta({ description: 'BCP 47.', examples: ['en-US'] }),
      cooling: z
        .strictObject({
          erasure: coolingSchema.describe("From an erasure's approval to its first row."),
          holdRelease: coolingSchema.describe("From a release's approval to the hold's end in the sources."),
        })
        .optional(),
      workingHours: z
        .strictObject({
          days: z
            .array(z.enum(weekdays))
            .min(1)
            .meta({ description: 'The days on which people work.', examples: [['mon', 'tue', 'wed', 'thu', 'fri']] }),
          from: clockTime('08:00'),
          to: clockTime('18:00'),
        })
        .refine(({ from, to }) => from < to, 'Working hours end after they begin. Exchange from and to.')
        .optional()
        .describe('When approvals are expected; one outside these hours raises an alarm. Left out: at any time.'),
      alarms: z
        .strictObject({
          email: emailSchema.optional().describe('Who is told of alarms. Left out: they stand in the console only.'),
          exportsPerDay: z
            .int()
            .min(1)
            .max(10_000)
            .optional()
            .meta({ description: 'As many exports by one person within a day raise an alarm.', examples: [20] }),
        })
        .optional(),
    }),
  })
  .meta({ title: 'Muniment: organization', description: 'Who answers, and how to reach them.' });

export type OrganizationFile = z.output<typeof organizationSchema>;

/** Turn the file into the organization. */
export function resolveOrganization({ organization: file }: OrganizationFile): Organization {
  return {
    name: file.name,
    address: file.address,
    country: file.country,
    privacy: contactOf(file.privacy),
    legal: { ...contactOf(file.legal), address: file.legal.address, hours: file.legal.hours ?? null },
    support: contactOf(file.support),
    defaultRegimes: file.defaultRegimes,
    zone: file.zone,
    locale: file.locale,
    cooling: { erasure: periodOf(file.cooling?.erasure), holdRelease: periodOf(file.cooling?.holdRelease) },
    workingHours: file.workingHours
      ? {
          days: file.workingHours.days.map((day) => weekdays.indexOf(day) + 1).toSorted((a, b) => a - b),
          from: file.workingHours.from,
          to: file.workingHours.to,
        }
      : null,
    alarms: {
      email: file.alarms?.email ?? null,
      exportsPerDay: file.alarms?.exportsPerDay ?? defaultExportsPerDay,
    },
  };
}

/** Whether an instant lies in the organization's working hours; always, where it has none. */
export function isWorkingTime(organization: Organization, at: Temporal.Instant): boolean {
  const { workingHours: hours, zone } = organization;
  if (!hours) return true;
  const local = at.toZonedDateTimeISO(zone);
  const time = local.toPlainTime().toString({ smallestUnit: 'minute' });
  return hours.days.includes(local.dayOfWeek) && hours.from <= time && time < hours.to;
}

function contactOf(file: { name: string; email: string; phone?: string | undefined }): Contact {
  return { name: file.name, email: file.email, phone: file.phone ?? null };
}

function periodOf(text: string | undefined): Period | null {
  const period = text === undefined ? null : parsePeriod(text);
  // The schema has read it already; a refusal cannot come this far.
  if (isRefusal(period)) throw new Error(period.detail);
  return period;
}

function isLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}
