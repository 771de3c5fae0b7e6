import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runExample } from '../policy/clocks/example.ts';
import { type Regimes, regimesSchema } from '../policy/regimes.ts';
import { parsePolicySet } from '../policy/set.ts';
import { type PolicyFile, readYaml } from '../policy/yaml.ts';
import { Misuse, readWords } from './arguments.ts';
import type { Out } from './verb.ts';

/** Every policy file, every error with file and line; prints the digest. Needs no database. */
export function policyCheck(
  files: readonly PolicyFile[],
  folder: string,
  lookup: (name: string) => string | undefined,
  out: Out,
): number {
  const { set, problems } = parsePolicySet(files, lookup);
  out.document(set ? { ok: true, digest: set.digest } : { ok: false, problems });
  for (const { file, line, column, detail } of problems) out.line(`${folder}/${file}:${line}:${column}: ${detail}`);
  if (set) out.line(`The policies are in order. Digest ${set.digest}`);
  else out.line(`${problems.length} problem${problems.length === 1 ? '' : 's'}.`);
  return set ? 0 : 1;
}

/** Worked deadline and retention cases, each as expected or not. */
export async function policyExamples(words: readonly string[], folder: string, out: Out): Promise<number> {
  const { positional } = readWords(words, [], ['json'], 1000);
  if (positional.length === 0) throw new Misuse('policy examples FILE...: name at least one file of worked cases.');
  const regimes = await readRegimes(folder);
  const results = [];
  for (const file of positional) {
    const cases = JSON.parse(await readFile(file, 'utf8')) as Parameters<typeof runExample>[0][];
    for (const example of cases) results.push(runExample(example, regimes));
  }
  out.document(results);
  for (const { id, ok, actual, expected } of results) {
    out.line(`${ok ? 'as expected' : 'DIFFERENT  '} ${id}`);
    if (!ok) out.line(`  expected ${JSON.stringify(expected)}\n  actual   ${JSON.stringify(actual)}`);
  }
  return results.every(({ ok }) => ok) ? 0 : 1;
}

async function readRegimes(folder: string): Promise<Regimes> {
  const text = await readFile(join(folder, 'regimes.yaml'), 'utf8');
  const { yaml } = readYaml({ name: 'regimes.yaml', text }, () => undefined);
  const parsed = regimesSchema.safeParse(yaml?.value);
  if (!parsed.success) throw new Misuse(`${folder}/regimes.yaml is not in order: run "policy check".`);
  return parsed.data;
}
