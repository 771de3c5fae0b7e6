import { z } from 'zod';
import { canonicalJson, type Json } from '../core/canonical-json.ts';
import { sha256Hex } from '../core/hash.ts';
import { cutoffBefore, formatPeriod, type Period, parsePeriod } from '../core/periods.ts';
import { isRefusal } from '../core/refusal.ts';
import { allDatasets, type DataMap, type Dataset, type DatasetId, findDataset, linksJson } from './data-map.ts';
import { orList, suggestion } from './did-you-mean.ts';
import { checkSchedule } from './schedule.ts';
import type { PolicyIssue, PolicyPath } from './yaml.ts';
import { zoneSchema } from './zone.ts';

/** How long the records of some datasets are kept, and when they are looked through. */
export interface RetentionRule {
  readonly id: string;
  /** In the words of the published page, such as "Messages". */
  readonly title: string;
  readonly datasets: readonly DatasetId[];
  readonly keep: Period;
  readonly dispose: 'destroy';
  /** crontab(5), five fields, read in `zone`. */
  readonly schedule: string;
  /** Why it is kept so long and no longer: the law, the contract or the decision. */
  readonly authority: string;
  /** What a run may destroy without asking: null where the rule sets no such cap. */
  readonly cap: {
    /** Share of the dataset, above 0 and up to 1. */
    readonly share: number | null;
    /** Multiple of what the last runs did. */
    readonly timesUsual: number | null;
  };
  /** The zone in which the window is counted back and the schedule rings. */
  readonly zone: string;
}

/** The retention schedule: its rules by id. */
export type Retention = Readonly<Record<string, RetentionRule>>;

const ruleSchema = z
  .strictObject({
    title: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .meta({ description: 'For the published page.', examples: ['Messages'] }),
    datasets: z
      .array(z.string().min(1))
      .min(1)
      .meta({ description: 'source.dataset, one or more.', examples: [['app.messages']] }),
    keep: z
      .string()
      .superRefine((text, context) => {
        const period = parsePeriod(text);
        if (isRefusal(period))
          context.addIssue({ code: 'custom', message: period.detail, params: { code: period.code } });
      })
      .meta({ description: 'How long a record is kept: ISO 8601, whole calendar units.', examples: ['P3Y'] }),
    dispose: z.literal('destroy', {
      error: ({ input }) =>
        input === 'mask' || input === 'archive' || input === 'anonymize' || input === 'anonymise'
          ? `dispose: ${input} is not supported yet. Write destroy.`
          : 'Write destroy.',
    }),
    schedule: z
      .string()
      .superRefine((text, context) => {
        const refusal = checkSchedule(text);
        if (refusal)
          context.addIssue({ code: 'custom', message: refusal.detail, params: { code: 'schedule_invalid' } });
      })
      .meta({ description: 'When to look: minute, hour, day, month, weekday.', examples: ['15 2 * * *'] }),
    authority: z
      .string()
      .min(1)
      .meta({ description: 'Why so long and no longer.', examples: ['Terms of service, section 7'] }),
    cap: z
      .strictObject({
        share: z
          .number()
          .gt(0, 'Write a share above 0 and up to 1, such as 0.25 for a quarter.')
          .lte(1, 'Write a share above 0 and up to 1, such as 0.25 for a quarter.')
          .optional()
          .describe('Share of the dataset a run may destroy without asking a second person.'),
        timesUsual: z
          .number()
          .gt(0, 'Write a multiple above 0, such as 5.')
          .lte(1000)
          .optional()
          .describe('How many times what the last runs destroyed a run may destroy without asking.'),
      })
      .optional(),
    zone: zoneSchema.optional(),
  })
  .meta({ description: 'One rule of the retention schedule.' });

/** `retention.yaml`. */
export const retentionSchema = z
  .strictObject({
    rules: z.record(
      z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, 'Write letters, digits, - and _, a letter first.')
        .max(63),
      ruleSchema,
    ),
  })
  .meta({ title: 'Muniment: retention schedule', description: 'How long records are kept.' });

export type RetentionFile = z.output<typeof retentionSchema>;

/**
 * Turn the file into rules and check them against the data map: datasets exist, have a time to count from, and stand
 * under one rule each.
 * @param map null where sources.yaml could not be read: then nothing is said about datasets
 * @param isBroken see `resolveSources`
 */
export function resolveRetention(
  file: RetentionFile,
  map: DataMap | null,
  isBroken: (id: DatasetId) => boolean = () => false,
): { retention: Retention; issues: readonly PolicyIssue[] } {
  const issues: PolicyIssue[] = [];
  const ruleOf = new Map<DatasetId, string>();
  const ids = map ? allDatasets(map).map(({ id }) => id) : [];
  const retention: Record<string, RetentionRule> = {};
  for (const [id, rule] of Object.entries(file.rules)) {
    for (const [index, dataset] of rule.datasets.entries()) {
      const path = ['rules', id, 'datasets', index];
      const other = ruleOf.get(dataset);
      const found = map ? findDataset(map, dataset) : undefined;
      if (other !== undefined)
        issues.push({
          path,
          code: 'dataset_twice',
          detail:
            other === id
              ? `${dataset} is named twice. Keep one.`
              : `${dataset} is already under the rule "${other}". Two rules for one dataset are not supported yet: keep one.`,
        });
      else ruleOf.set(dataset, id);
      if (map && !found && !isBroken(dataset)) issues.push(datasetUnknown(path, dataset, ids));
      if (found?.kind === 'table' && found.time === null)
        issues.push({
          path,
          code: 'time_missing',
          detail: `${dataset} has no time to count from. Add time: COLUMN to it in sources.yaml, or take it out of this rule.`,
        });
    }
    const keep = parsePeriod(rule.keep);
    // The schema has read it already; a refusal cannot come this far.
    if (isRefusal(keep)) throw new Error(keep.detail);
    retention[id] = {
      id,
      title: rule.title ?? id,
      datasets: rule.datasets,
      keep,
      dispose: rule.dispose,
      schedule: rule.schedule.trim().split(/\s+/).join(' '),
      authority: rule.authority,
      cap: { share: rule.cap?.share ?? null, timesUsual: rule.cap?.timesUsual ?? null },
      zone: rule.zone ?? 'UTC',
    };
  }
  return { retention, issues };
}

/** The instant before which a rule's records are due: computed once a run, then kept (I3). */
export function ruleCutoff(rule: RetentionRule, now: Temporal.Instant): Temporal.Instant {
  return cutoffBefore(now, rule.keep, rule.zone);
}

function datasetUnknown(path: PolicyPath, dataset: string, known: readonly string[]): PolicyIssue {
  const mend = suggestion(dataset, known) || ` Write ${orList(known)}.`;
  return { path, code: 'dataset_unknown', detail: `There is no dataset "${dataset}" in sources.yaml.${mend}` };
}

/** What else is wrong in rules that could not be read as a whole: the datasets they name are looked up all the same. */
export function issuesOfBrokenRules(
  file: Json,
  broken: ReadonlySet<string>,
  map: DataMap | null,
  isBroken: (dataset: string) => boolean,
): readonly PolicyIssue[] {
  const rules = memberOf(file, 'rules');
  const ids = map ? allDatasets(map).map(({ id }) => id) : [];
  return [...broken].flatMap((rule) => {
    const datasets = memberOf(memberOf(rules, rule), 'datasets');
    if (!map || !Array.isArray(datasets)) return [];
    return datasets.flatMap((dataset: Json, index): PolicyIssue[] =>
      typeof dataset !== 'string' || ids.includes(dataset) || isBroken(dataset)
        ? []
        : [datasetUnknown(['rules', rule, 'datasets', index], dataset, ids)],
    );
  });
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, Json>>)[key]
    : undefined;
}

/** The rule a dataset stands under, or undefined. */
export function ruleFor(retention: Retention, dataset: DatasetId): RetentionRule | undefined {
  return Object.values(retention).find((rule) => rule.datasets.includes(dataset));
}

/** A rule as JSON says it: what the policy digest counts and what the API shows. */
export function ruleJson(rule: RetentionRule) {
  return { ...rule, keep: formatPeriod(rule.keep) };
}

/**
 * SHA-256 of everything that decides what a rule destroys and when it asks, 64 hex digits: the rule but for its title,
 * authority and schedule, and how the data map describes its datasets and all that goes with them. Where a source is
 * (url, root) is not in it. A run of a rule whose digest has never run to its end awaits a second person (I6).
 */
export function ruleDigest(rule: RetentionRule, map: DataMap): string {
  const { id, datasets, keep, dispose, cap, zone } = rule;
  const reached = new Map<DatasetId, Json>();
  const visit = (datasetId: DatasetId) => {
    const dataset = findDataset(map, datasetId);
    if (!dataset || reached.has(datasetId)) return;
    reached.set(datasetId, destructionJson(dataset));
    if (dataset.kind === 'table') for (const child of Object.keys(dataset.onDispose)) visit(child);
  };
  for (const dataset of datasets) visit(dataset);
  return sha256Hex(
    canonicalJson({
      rule: { id, datasets: datasets.toSorted(), keep: formatPeriod(keep), dispose, cap, zone },
      datasets: Object.fromEntries(reached),
    }),
  );
}

function destructionJson(dataset: Dataset): Json {
  if (dataset.kind === 'folder') {
    const { folder, match, time, keepLast } = dataset;
    return { folder, match, time, keepLast };
  }
  const { table, key, time, links, onDispose, file } = dataset;
  return { table, key, time, links: linksJson(links), onDispose, file: file?.column ?? null };
}
