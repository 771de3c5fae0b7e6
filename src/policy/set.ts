import type { z } from 'zod';
import { canonicalJson, type Json } from '../core/canonical-json.ts';
import { sha256Hex } from '../core/hash.ts';
import { type DataMap, type Dataset, linksJson } from './data-map.ts';
import { suggestion } from './did-you-mean.ts';
import { type Organization, organizationSchema, resolveOrganization } from './organization.ts';
import { type Regimes, regimesSchema } from './regimes.ts';
import { issuesOfBrokenRules, type Retention, resolveRetention, retentionSchema, ruleJson } from './retention.ts';
import { type RolePolicy, resolveRoles, rolesSchema } from './roles.ts';
import { resolveSources } from './sources.ts';
import { type SourcesFile, sourcesSchema, type TableFile } from './sources-file.ts';
import {
  type Lookup,
  type PolicyFile,
  type PolicyIssue,
  type PolicyPath,
  type PolicyProblem,
  pointerOf,
  readYaml,
  validate,
  type Yaml,
} from './yaml.ts';

/** Every policy file there is, with its schema: the schemas for editors are made of these. */
export const policySchemas = {
  'organization.yaml': organizationSchema,
  'sources.yaml': sourcesSchema,
  'retention.yaml': retentionSchema,
  'regimes.yaml': regimesSchema,
  'roles.yaml': rolesSchema,
} as const;
type PolicyName = keyof typeof policySchemas;

/** The rules in force, read and checked as one. */
export interface PolicySet {
  readonly organization: Organization;
  /** With the urls as the environment has them: never to be shown or stored. */
  readonly dataMap: DataMap;
  readonly retention: Retention;
  readonly regimes: Regimes;
  readonly roles: RolePolicy;
  /** The whole set as plain JSON, where each source is left as it was written (`${NAME}`): to be kept and shown. */
  readonly content: Json;
  /** SHA-256 of the canonical JSON (RFC 8785) of `content`, 64 hex digits. */
  readonly digest: string;
}

/**
 * Read a policy set.
 * @param files the YAML files of the policies folder; other files (README.md) are passed over
 * @param lookup the environment, for `${NAME}`
 * @returns the set, or null with every problem of every file, in the order of files and lines
 */
export function parsePolicySet(
  files: readonly PolicyFile[],
  lookup: Lookup,
): { set: PolicySet | null; problems: readonly PolicyProblem[] } {
  const problems: PolicyProblem[] = [...unknownFiles(files)];
  const read = <S extends z.ZodType>(name: PolicyName, schema: S) => readPolicy(name, schema, files, lookup, problems);

  const organization = read('organization.yaml', organizationSchema);
  const sources = read('sources.yaml', sourcesSchema);
  const retention = read('retention.yaml', retentionSchema);
  const regimes = read('regimes.yaml', regimesSchema);
  const roles = read('roles.yaml', rolesSchema);

  const isBroken = (id: string) => sources.broken.has(id) || sources.broken.has(id.split('.')[0] ?? '');
  const resolvedSources = sources.value && resolveSources(sources.value, isBroken);
  sources.report(resolvedSources?.issues);
  const resolvedRetention =
    retention.value && resolveRetention(retention.value, resolvedSources?.dataMap ?? null, isBroken);
  retention.report(resolvedRetention?.issues);
  if (retention.yaml)
    retention.report(
      issuesOfBrokenRules(retention.yaml.value, retention.broken, resolvedSources?.dataMap ?? null, isBroken),
    );
  const resolvedRoles = roles.value && resolveRoles(roles.value);
  roles.report(resolvedRoles?.issues);
  if (organization.value && regimes.value)
    organization.report(
      unknownRegimes(organization.value.organization.defaultRegimes, Object.keys(regimes.value.regimes)),
    );

  problems.sort((a, b) => fileOrder(files, a) - fileOrder(files, b) || a.line - b.line || a.column - b.column);
  if (
    problems.length > 0 ||
    !organization.value ||
    !sources.value ||
    !resolvedSources ||
    !resolvedRetention ||
    !regimes.value ||
    !resolvedRoles
  )
    return { set: null, problems };

  const written = resolveSources(asWritten(sources.value, sources.yaml?.references ?? new Map())).dataMap;
  const parts = {
    organization: resolveOrganization(organization.value),
    retention: resolvedRetention.retention,
    regimes: regimes.value,
    roles: resolvedRoles.roles,
  };
  const content = contentOf(parts, written);
  return {
    set: { ...parts, dataMap: resolvedSources.dataMap, content, digest: sha256Hex(canonicalJson(content)) },
    problems: [],
  };
}

interface ReadPolicy<S extends z.ZodType> {
  readonly yaml: Yaml | null;
  /** What could be understood: of a file with mistakes the rest, so that every mistake is found in one reading. */
  readonly value: z.output<S> | null;
  /** What stands in the file but could not be understood: sources, datasets (`source.dataset`). */
  readonly broken: ReadonlySet<string>;
  readonly report: (issues: readonly PolicyIssue[] | undefined) => void;
}

function readPolicy<S extends z.ZodType>(
  name: PolicyName,
  schema: S,
  files: readonly PolicyFile[],
  lookup: Lookup,
  problems: PolicyProblem[],
): ReadPolicy<S> {
  const file = files.find((candidate) => candidate.name === name);
  const nothing = { yaml: null, value: null, broken: new Set<string>(), report: () => {} };
  if (!file) {
    const detail = `${name} is missing. Write it; policies/README.md says what stands in it, and policies/${name} of a fresh copy is an example.`;
    problems.push({ file: name, line: 1, column: 1, pointer: '', code: 'file_missing', detail });
    return nothing;
  }
  const { yaml, problems: found } = readYaml(file, lookup);
  problems.push(...found);
  if (!yaml) return nothing;
  const report = (issues: readonly PolicyIssue[] = []) => void problems.push(...issues.map(yaml.locate));
  const { value, issues } = validate(schema, yaml.value, yaml.written);
  report(issues);
  if (value !== null) return { yaml, value, broken: new Set(), report };
  const rest = withoutMistakes(yaml.value, issues);
  const salvaged = rest && validate(schema, rest.value, rest.value).value;
  return { yaml, value: salvaged, broken: rest?.broken ?? new Set(), report };
}

/** The file without the dataset, source or rule each issue stands in; null where an issue stands outside of them. */
function withoutMistakes(
  value: Json,
  issues: readonly PolicyIssue[],
): { value: Json; broken: ReadonlySet<string> } | null {
  let rest = value;
  const broken = new Set<string>();
  for (const { path, code } of issues) {
    const unit = code === 'key_unknown' ? path : unitOf(path);
    if (unit === null) return null;
    if (code !== 'key_unknown') broken.add([unit[1], unit[3]].filter((step) => step !== undefined).join('.'));
    rest = without(rest, unit);
  }
  return { value: rest, broken };
}

function unitOf(path: PolicyPath): PolicyPath | null {
  if (path[0] === 'sources' && path[2] === 'datasets' && path.length >= 4) return path.slice(0, 4);
  if ((path[0] === 'sources' || path[0] === 'rules') && path.length >= 2) return path.slice(0, 2);
  return null;
}

function without(value: Json, [step, ...further]: PolicyPath): Json {
  if (typeof value !== 'object' || value === null || step === undefined) return value;
  if (Array.isArray(value)) return value.map((item: Json, index) => (index === step ? without(item, further) : item));
  const members = Object.entries(value).filter(([key]) => key !== step || further.length > 0);
  return Object.fromEntries(
    members.map(([key, member]) => [key, key === step ? without(member ?? null, further) : member]),
  );
}

function unknownFiles(files: readonly PolicyFile[]): readonly PolicyProblem[] {
  const names = Object.keys(policySchemas);
  return files
    .filter(({ name }) => /\.ya?ml$/i.test(name) && !names.includes(name))
    .map(({ name }) => ({
      file: name,
      line: 1,
      column: 1,
      pointer: '',
      code: 'file_unknown',
      detail: `${name} is not a policy file, and nobody would read it.${suggestion(name, names) || ` There are ${names.join(', ')}.`} Rename or remove it.`,
    }));
}

function unknownRegimes(wanted: readonly string[], known: readonly string[]): readonly PolicyIssue[] {
  return wanted.flatMap((regime, index): PolicyIssue[] =>
    known.includes(regime)
      ? []
      : [
          {
            path: ['organization', 'defaultRegimes', index],
            code: 'regime_unknown',
            detail: `There is no regime "${regime}" in regimes.yaml.${suggestion(regime, known) || ` Write one of ${known.join(', ')}.`}`,
          },
        ],
  );
}

function fileOrder(files: readonly PolicyFile[], { file }: PolicyProblem): number {
  const index = files.findIndex(({ name }) => name === file);
  return index < 0 ? files.length : index;
}

/** Where each source is, put back to how it was written, so that a changed password is not a changed policy. */
function asWritten(file: SourcesFile, references: ReadonlyMap<string, string>): SourcesFile {
  const put = (path: PolicyPath, text: string) => references.get(pointerOf(path)) ?? text;
  const sources = Object.entries(file.sources).map(([name, source]): [string, SourcesFile['sources'][string]] => {
    const path = ['sources', name];
    if (source.kind === 'restic') {
      const { password, passwordFile } = source;
      return [
        name,
        {
          ...source,
          repository: put([...path, 'repository'], source.repository),
          ...(password === undefined ? {} : { password: put([...path, 'password'], password) }),
          ...(passwordFile === undefined ? {} : { passwordFile: put([...path, 'passwordFile'], passwordFile) }),
        },
      ];
    }
    if (source.kind === 'files') return [name, { ...source, root: put([...path, 'root'], source.root) }];
    const datasets = <T extends TableFile>(entries: Readonly<Record<string, T>>): Record<string, T> =>
      Object.fromEntries(
        Object.entries(entries).map(([dataset, entry]): [string, T] => {
          const root = entry.file && put([...path, 'datasets', dataset, 'file', 'root'], entry.file.root);
          return [dataset, entry.file && root !== undefined ? { ...entry, file: { ...entry.file, root } } : entry];
        }),
      );
    return source.kind === 'postgres'
      ? [name, { ...source, url: put([...path, 'url'], source.url), datasets: datasets(source.datasets) }]
      : [name, { ...source, path: put([...path, 'path'], source.path), datasets: datasets(source.datasets) }];
  });
  return { sources: Object.fromEntries(sources) };
}

function contentOf(parts: Omit<PolicySet, 'dataMap' | 'content' | 'digest'>, written: DataMap): Json {
  const rules = Object.values(parts.retention);
  const byName = (datasets: readonly Dataset[]) =>
    Object.fromEntries(
      datasets.map((dataset) => [
        dataset.name,
        dataset.kind === 'table' ? { ...dataset, links: linksJson(dataset.links) } : dataset,
      ]),
    );
  return plain({
    ...parts,
    retention: Object.fromEntries(rules.map((rule) => [rule.id, ruleJson(rule)])),
    dataMap: Object.fromEntries(
      Object.entries(written).map(([name, source]) => [name, { ...source, datasets: byName(source.datasets) }]),
    ),
  });
}

/** A parsed value as plain JSON. @throws TypeError on what JSON cannot carry, which no schema lets through */
function plain(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object') throw new TypeError(`a policy cannot hold a ${typeof value}`);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, plain(member)]),
  );
}
