import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** The promises of the house are numbered 1 to 12 where they are made. */
const invariants = Array.from({ length: 12 }, (_, at) => `I${at + 1}`);

it('each invariant has a test with its number in its name, and no test names one that there is not', () => {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
  const names = files.flatMap((name) =>
    [
      ...readFileSync(`test/${name}`, 'utf8').matchAll(/\b(?:it|describe)(?:\.each\([\s\S]*?\))?\(\s*(['"`])(.*?)\1/g),
    ].map(([, , title = '']) => title),
  );
  const named = new Set(names.flatMap((title) => title.match(/\bI\d+\b/g) ?? []));
  expect(invariants.filter((number) => !named.has(number))).toEqual([]);
  expect([...named].filter((number) => !invariants.includes(number))).toEqual([]);
});
