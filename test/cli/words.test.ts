import { describe, expect, it } from 'vitest';
import { Misuse, readWords } from '../../src/cli/arguments.ts';
import { run } from '../../src/main.ts';

describe('the words of a verb', () => {
  it('are all understood, or nothing is done', () => {
    expect(readWords(['--rule', 'a', '--rule=b', '--dry-run'], ['rule'], ['dry-run']).options).toEqual(
      new Map([
        ['rule', ['a', 'b']],
        ['dry-run', ['true']],
      ]),
    );
    // Who forgets the dashes must not start a real run.
    for (const words of [['dry-run'], ['extra'], ['--dry-ran'], ['--rule'], ['--dry-run=no']])
      expect(() => readWords(words, ['rule'], ['dry-run']), words.join(' ')).toThrow(Misuse);
    expect(readWords(['a'], [], [], 1).positional).toEqual(['a']);
    expect(() => readWords(['a', 'b'], [], [], 1)).toThrow('"b" means nothing here');
  });

  it.each([
    [['no-such-verb'], 2],
    [['verify'], 2],
    [['verify', '/no/such/package.zip', '--json'], 2],
    [['policy', 'examples', '/no/such/file.json'], 2],
    [['policy', 'check', '/no/such/folder'], 2],
    [['policy', 'check', 'policies', 'more'], 2],
    [['--help'], 0],
  ] as const)('%j ends with %d', async (words, code) => {
    expect(await run(words, { MUNIMENT_DATA: '/no/such' })).toBe(code);
  });
});
