// Prints every package that runs in production with its licence; ends with 1 when one is not of the kinds that
// docs/decisions/0002-dependencies.md names, or says nothing.
import { productionPackages, readLock } from './lock.ts';

const allowed = new Set([
  'Apache-2.0',
  'MIT',
  'MIT-0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  '0BSD',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Unlicense',
  'Python-2.0',
  'OFL-1.1',
]);

/** Whether an SPDX expression (OR: one is enough; AND: all) leaves us an allowed choice. What cannot be read does not. */
export function isAllowed(expression: string): boolean {
  const words = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const one = (): boolean => {
    const word = words[at++];
    if (word !== '(') return word !== undefined && allowed.has(word);
    const inside = either();
    return words[at++] === ')' && inside;
  };
  const joined = (operator: string, part: () => boolean, join: (a: boolean, b: boolean) => boolean) => {
    let result = part();
    while (words[at] === operator) {
      at++;
      result = join(part(), result);
    }
    return result;
  };
  const both = () => joined('AND', one, (a, b) => a && b);
  const either = () => joined('OR', both, (a, b) => a || b);
  return either() && at === words.length;
}

if (import.meta.main) {
  const packages = productionPackages(readLock());
  const wrong = packages.filter(({ licence }) => licence === null || !isAllowed(licence));
  for (const { name, version, licence } of packages)
    process.stdout.write(`${name} ${version} ${licence ?? 'UNKNOWN'}\n`);
  for (const { name, version, licence } of wrong)
    process.stderr.write(
      `${name} ${version}: the licence ${licence ?? 'is not named'}${licence === null ? '' : ' is not one that we take'}\n`,
    );
  process.stdout.write(`${packages.length} packages, ${wrong.length} with a licence that we do not take\n`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
