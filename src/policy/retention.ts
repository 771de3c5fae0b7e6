import { z } from 'zod';
import { canonicalJson, type Json } from '../core/canonical-json.ts';
import { sha256Hex } from '../core/hash.ts';
import { allDatasets, type DataMap, type Dataset, type DatasetId, findDataset, linksJson } from './data-map.ts';
import { orList, suggestion } from './did-you-mean.ts';
import { besideJson } from './due.ts';
import { isNeverLonger, type Keep, keepJson, keepSchema, readKeep } from './keep.ts';
import { type Pace, paceSchema, readPace } from './pace.ts';
import { checkSchedule } from './schedule.ts';
import { isNarrower, resolveWhere, type Selection, selectionJson, whereSchema } from './selection.ts';
import type { PolicyIssue, PolicyPath } from './yaml.ts';
import { zoneSchema } from './zone.ts';

/** How long the records of some datasets are kept, and when they are looked through. */
export interface RetentionRule {
  readonly id: string;
  /** In the words of the published page, such as "Messages". */
  readonly title: string;
  readonly datasets: readonly DatasetId[];
  readonly keep: Keep;
  /**
   * What becomes of a record at its end: it goes, or stays with its fields masked. `retain`: nothing by this rule, and
   * nothing by another one before it.
   */
  readonly dispose: 'destroy' | 'mask' | 'retain';
  /** Which rows of a dataset it is for; a dataset that is not here: all of them. */
  readonly where: Readonly<Record<DatasetId, Selection>>;
  /** crontab(5), five fields, read in `zone`; null: the rule only keeps, and never looks. */
  readonly schedule: string | null;
  readonly pace: Pace;
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
    keep: keepSchema,
    dispose: z
      .enum(['destroy', 'mask', 'retain'], {
        error: ({ input }) =>
          input === 'anonymize' || input === 'anonymise' || input === 'pseudonymize'
            ? 'Write mask: what replaces each value stands with its field in sources.yaml.'
            : 'Write destroy, mask or retain.',
      })
      .meta({
        description:
          'destroy: records go when their time is up. mask: they stay, and the fields that sources.yaml masks are replaced. retain: this rule only keeps, against every other rule.',
      }),
    where: whereSchema.optional(),
    schedule: z
      .string()
      .superRefine((text, context) => {
        const refusal = checkSchedule(text);
        if (refusal)
          context.addIssue({ code: 'custom', message: refusal.detail, params: { code: 'schedule_invalid' } });
      })
      .optional()
      .meta({
        description: 'When to look: minute, hour, day, month, weekday. A rule that only keeps has none.',
        examples: ['15 2 * * *'],
      }),
    pace: paceSchema.optional(),
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
 * Turn the file into rules and check them against the data map: datasets exist and have a time to count from, conditions
 * lead somewhere, and a more specific rule stays between the bounds of the one it replaces.
 * @param map null where sources.yaml could not be read: then nothing is said about datasets
 * @param isBroken see `resolveSources`
 */
export function resolveRetention(
  file: RetentionFile,
  map: DataMap | null,
  isBroken: (id: DatasetId) => boolean = () => false,
): { retention: Retention; issues: readonly PolicyIssue[] } {
  const issues: PolicyIssue[] = [];
  const ids = map ? allDatasets(map).map(({ id }) => id) : [];
  const retention: Record<string, RetentionRule> = {};
  for (const [id, rule] of Object.entries(file.rules)) {
    const keep = readKeep(rule.keep);
    const where: Record<DatasetId, Selection> = {};
    for (const [index, dataset] of rule.datasets.entries()) {
      const path = ['rules', id, 'datasets', index];
      const found = map ? findDataset(map, dataset) : undefined;
      if (rule.datasets.indexOf(dataset) < index)
        issues.push({ path, code: 'dataset_twice', detail: `${dataset} is named twice. Keep one.` });
      if (map && !found && !isBroken(dataset)) issues.push(datasetUnknown(path, dataset, ids));
      if (found?.kind === 'table' && found.time === null && keep.period !== null)
        issues.push({
          path,
          code: 'time_missing',
          detail: `${dataset} has no time to count from. Add time: COLUMN to it in sources.yaml, or take it out of this rule.`,
        });
      if (rule.dispose === 'mask' && found && !masks(found))
        issues.push({
          path: ['rules', id, 'dispose'],
          code: 'mask_missing',
          detail: `No field of ${dataset} says in sources.yaml what replaces its value. Add mask: fixed or mask: "null" to a field there.`,
        });
      if (!rule.where || !map || !found) continue;
      if (found.kind !== 'table') {
        const detail = `${dataset} is a folder: its files have no columns. Take where out, or give it a rule of its own.`;
        issues.push({ path: ['rules', id, 'where'], code: 'where_unknown', detail });
        continue;
      }
      const resolved = resolveWhere(rule.where, found, map, ['rules', id, 'where']);
      where[dataset] = resolved.selection;
      issues.push(...resolved.issues);
    }
    if (rule.dispose !== 'retain' && rule.schedule === undefined)
      issues.push({
        path: ['rules', id],
        code: 'schedule_missing',
        detail: 'Nothing would ever ring for it. Write schedule: "15 2 * * *", or dispose: retain.',
      });
    if (rule.dispose === 'retain' && rule.schedule !== undefined)
      issues.push({
        path: ['rules', id, 'schedule'],
        code: 'schedule_invalid',
        detail: 'A rule that only keeps does nothing at any time. Take schedule out.',
      });
    if (rule.dispose === 'retain' && rule.pace !== undefined)
      issues.push({
        path: ['rules', id, 'pace'],
        code: 'schedule_invalid',
        detail: 'A rule that only keeps does nothing at any time. Take pace out.',
      });
    if (keep.period === null && rule.dispose !== 'retain')
      issues.push({
        path: ['rules', id, 'dispose'],
        code: 'never_due',
        detail: 'What is kept forever is never destroyed or masked. Write dispose: retain, or a period.',
      });
    if (keep.period !== null && keep.atLeast !== null && !isNeverLonger(keep.atLeast, keep.period))
      issues.push({
        path: ['rules', id, 'keep', 'min'],
        code: 'keep_out_of_bounds',
        detail: 'min is longer than max. Write the shorter period as min.',
      });
    retention[id] = {
      id,
      title: rule.title ?? id,
      datasets: rule.datasets,
      keep,
      dispose: rule.dispose,
      where,
      schedule: rule.schedule?.trim().split(/\s+/).join(' ') ?? null,
      pace: readPace(rule.pace),
      authority: rule.authority,
      cap: { share: rule.cap?.share ?? null, timesUsual: rule.cap?.timesUsual ?? null },
      zone: rule.zone ?? 'UTC',
    };
  }
  issues.push(...outOfBounds(retention));
  return { retention, issues };
}

const masks = (dataset: Dataset) =>
  dataset.kind === 'table' && Object.values(dataset.fields).some(({ mask }) => mask !== null);

/** Rules that are there for some records of a bounded rule, and keep them for less or for longer than its bounds. */
function outOfBounds(retention: Retention): readonly PolicyIssue[] {
  const rules = Object.values(retention);
  return rules.flatMap((bounded) => {
    const { period: most, atLeast } = bounded.keep;
    if (atLeast === null || most === null) return [];
    return rules.flatMap(({ id, datasets, where, keep: { period } }): PolicyIssue[] => {
      const isUnder = datasets.some(
        (dataset) =>
          bounded.datasets.includes(dataset) && isNarrower(where[dataset] ?? [], bounded.where[dataset] ?? []),
      );
      if (!isUnder || (period !== null && isNeverLonger(atLeast, period) && isNeverLonger(period, most))) return [];
      const bounds = keepJson(bounded.keep) as { readonly min: string; readonly max: string };
      const detail = `The rule "${bounded.id}" keeps these records for ${bounds.min} at least and ${bounds.max} at most. Write a period between them.`;
      return [{ path: ['rules', id, 'keep'], code: 'keep_out_of_bounds', detail }];
    });
  });
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

/** A rule as JSON says it: what the policy digest counts and what the API shows. */
export function ruleJson({ where, pace, ...rule }: RetentionRule) {
  const isUsual = canonicalJson({ ...pace }) === canonicalJson({ ...readPace(undefined) });
  return { ...rule, keep: keepJson(rule.keep), ...whereJson(where), ...(isUsual ? {} : { pace: { ...pace } }) };
}

/** Left out where it says nothing, so that a rule without conditions has the digest it always had. */
function whereJson(where: RetentionRule['where']): { readonly where?: Json } {
  const said = Object.entries(where).map(([dataset, selection]): [string, Json] => [dataset, selectionJson(selection)]);
  return said.length === 0 ? {} : { where: Object.fromEntries(said) };
}

/**
 * SHA-256 of everything that decides what a rule destroys and when it asks, 64 hex digits: the rule but for its title,
 * authority, schedule and pace, the rules that keep something from it, and how the data map describes its datasets and all that
 * goes with them. Where a source is (url, root) is not in it. A run of a rule whose digest has never run to its end awaits a second person (I6).
 */
export function ruleDigest(rule: RetentionRule, retention: Retention, map: DataMap): string {
  const { id, datasets, keep, dispose, cap, zone, where } = rule;
  const beside = besideJson(retention, map, rule);
  const reached = new Map<DatasetId, Json>();
  const visit = (datasetId: DatasetId) => {
    const dataset = findDataset(map, datasetId);
    if (!dataset || reached.has(datasetId)) return;
    reached.set(datasetId, destructionJson(dataset));
    if (dataset.kind === 'table') for (const child of Object.keys(dataset.onDispose)) visit(child);
  };
  for (const dataset of datasets) visit(dataset);
  const masks = Object.fromEntries(
    datasets.toSorted().map((dataset) => [dataset, masksJson(findDataset(map, dataset))]),
  );
  return sha256Hex(
    canonicalJson({
      rule: { id, datasets: datasets.toSorted(), keep: keepJson(keep), dispose, cap, zone, ...whereJson(where) },
      ...(beside === undefined ? {} : { beside }),
      datasets: Object.fromEntries(reached),
      ...(dispose === 'mask' ? { masks } : {}),
    }),
  );
}

function destructionJson(dataset: Dataset): Json {
  if (dataset.kind === 'snapshots') {
    const { host, tags, paths, keepLast } = dataset;
    return { host, tags, paths, keepLast };
  }
  if (dataset.kind === 'folder') {
    const { folder, match, time, keepLast, lines, backups } = dataset;
    return {
      folder,
      match,
      time,
      keepLast,
      ...(lines ? { lines: { ...lines } } : {}),
      ...(backups ? { backups } : {}),
    };
  }
  const { table, key, time, timeAs, links, onDispose, file } = dataset;
  const written = timeAs === undefined ? {} : { timeAs };
  return { table, key, time, ...written, links: linksJson(links), onDispose, file: file?.column ?? null };
}

function masksJson(dataset: Dataset | undefined): Json {
  if (dataset?.kind !== 'table') return {};
  return Object.fromEntries(Object.entries(dataset.fields).map(([column, { mask }]) => [column, mask]));
}
