import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('no regular expression is made of text that somebody wrote: one could take hours over a line', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name));
  const made = files.filter((file) => /new RegExp\(|\bRegExp\(/.test(readFileSync(join('src', file), 'utf8')));
  // unzip.ts: of a constant of zip.ts.
  expect(made).toEqual(['artifacts/unzip.ts']);
});
