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
  };
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
