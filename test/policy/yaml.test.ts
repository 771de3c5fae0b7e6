// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what policy files write
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Json } from '../../src/core/canonical-json.ts';
import { didYouMean, orList } from '../../src/policy/did-you-mean.ts';
import { readYaml, validate } from '../../src/policy/yaml.ts';

const environment: Readonly<Record<string, string>> = { DB: 'postgres://u:pa55@db/app', PASSWORD: 'pa55', EMPTY: '' };
const read = (text: string) => readYaml({ name: 'a.yaml', text }, (name) => environment[name]);
const problemsOf = (text: string) =>
  read(text).problems.map(({ line, column, code, detail }) => `${line}:${column} ${code} ${detail}`);

describe('a file that is not what a policy file should be is refused where it stands', () => {
  const table: readonly [string, string, string][] = [
    [
      'a tab',
      'rules:\n\tmessages: 1\n',
      '2:1 yaml_syntax A tab stands where YAML takes spaces only. Write two spaces a level.',
    ],
    [
      'a key written twice',
      'a: 1\nb: 2\na: 3\n',
      '3:1 key_twice "a" is written twice; the first is on line 1. Keep one.',
    ],
    [
      'a number and a text that are one key',
      '1: a\n"1": b\n',
      '2:1 key_twice "1" is written twice; the first is on line 1. Keep one.',
    ],
    [
      'a second document',
      'a: 1\n---\nb: 2\n',
      '2:1 yaml_syntax A second document begins here (---). Keep one document a file.',
    ],
    [
      'a merge key',
      'a: &x { b: 1 }\nc:\n  <<: *x\n',
      '3:3 key_unusable Merge keys (<<) are not read. Write the keys out.',
    ],
    ['a tag', 'a: !!js/function "x"\n', '1:4 yaml_syntax Tags (!name) are not read. Write the plain value.'],
    ['the prototype', '__proto__: { admin: true }\n', '1:1 key_unusable "__proto__" cannot be a name. Choose another.'],
    ['a key that is a list', '? [a, b]\n: 1\n', '1:3 key_unusable A key must be plain text.'],
    [
      'a number JSON has not',
      'a: .nan\n',
      '1:4 value_unusable This value cannot be used in a policy. Write text, a whole number, true or false.',
    ],
    [
      'half a character',
      'a: "\\uD83D"\n',
      '1:4 text_unusable Half of a surrogate pair stands in this text. Write the whole character.',
    ],
    ['a NUL', 'a: "x\\0y"\n', '1:4 text_unusable A control character stands in this text. Remove it.'],
    [
      'an alias to nothing',
      'a: *nowhere\n',
      '1:4 alias_unusable The alias *nowhere names no anchor above it. Write the value out.',
    ],
    [
      'an alias within its own anchor',
      'a: &x [1, *x]\n',
      '1:11 alias_unusable The alias *x contains itself. Write the value out.',
    ],
    [
      'a variable that is not set',
      'a: 1\nurl: ${NOT_SET}\n',
      '2:6 variable_missing The environment variable NOT_SET is not set. Set it before you start, or write the value here if it is no secret.',
    ],
    [
      'a variable that is empty',
      'url: ${EMPTY}\n',
      '1:6 variable_missing The environment variable EMPTY is not set. Set it before you start, or write the value here if it is no secret.',
    ],
    [
      'a default in the manner of a shell',
      'url: ${DB:-postgres}\n',
      '1:6 variable_invalid "${DB:-postgres}" names no variable. Write ${NAME}: letters, digits and underscores, no default.',
    ],
  ];
  it.each(table)('%s', (_, text, expected) => {
    expect(problemsOf(text)).toEqual([expected]);
  });

  it.each([
    ['before the host', 'postgres://app:hunter2@db/app'],
    ['half of it', 'postgres://app:hunter2${PASSWORD}@db/app'],
    ['as a parameter', 'postgres://db/app?user=app&password=hunter2'],
  ])('a password in a url, %s, and it is not repeated', (_, url) => {
    const [problem, ...more] = read(`a: 1\nurl: ${url}\n`).problems;
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ line: 2, column: 6, code: 'secret_in_file', pointer: '/url' });
    expect(problem?.detail).not.toContain('hunter2');
  });

  it('a password that only the environment knows is no problem', () => {
    const { yaml, problems } = read('url: postgres://app:${PASSWORD}@db/app\nother: ${DB}\n');
    expect(problems).toEqual([]);
    expect(yaml?.value).toEqual({ url: 'postgres://app:pa55@db/app', other: 'postgres://u:pa55@db/app' });
    expect(yaml?.written).toEqual({ url: 'postgres://app:${PASSWORD}@db/app', other: '${DB}' });
    expect([...(yaml?.references ?? [])]).toEqual([
      ['/url', 'postgres://app:${PASSWORD}@db/app'],
      ['/other', '${DB}'],
    ]);
  });

  it('a variable inside braces is told its quotes', () => {
    expect(problemsOf('a: { url: ${DB} }\n')[0]).toContain('Inside braces a variable needs quotes. Write "${NAME}".');
  });

  it('a schedule that begins with a star is told its quotes', () => {
    expect(problemsOf('schedule: */5 * * * *\n')[0]).toContain('Text that begins with * needs quotes');
  });
});

describe('hostile YAML', () => {
  it('a billion laughs are not laughed', () => {
    const levels = ['a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]'];
    for (const [above, here] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi'].map((pair) => pair.split('')))
      levels.push(`${here}: &${here} [${Array.from({ length: 9 }, () => `*${above}`).join(', ')}]`);
    const started = performance.now();
    expect(read(levels.join('\n')).problems.map(({ code }) => code)).toEqual(['too_many_values']);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('an alias used modestly is read', () => {
    expect(read('a: &x [1, 2]\nb: *x\n')).toMatchObject({ problems: [], yaml: { value: { a: [1, 2], b: [1, 2] } } });
  });

  it.each([
    ['brackets', '['.repeat(200_000)],
    ['braces', '{a: '.repeat(100_000)],
    ['closed brackets', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['dashes', '- '.repeat(100_000)],
  ])('a hundred thousand %s end in a problem, not in a crash', (_, text) => {
    expect(read(text).problems.length).toBeGreaterThan(0);
  });

  it('a file larger than any policy is not read', () => {
    expect(read(`a: ${'x'.repeat(600_000)}`).problems[0]).toMatchObject({ code: 'too_large', line: 1, column: 1 });
  });

  it('property: whatever the text, there are values or there are problems with a line, and nothing is thrown', () => {
    const pieces = fc.constantFrom(
      'a',
      'b: ',
      '- ',
      '\n',
      '  ',
      '\t',
      '{',
      '}',
      '[',
      ']',
      '&x ',
      '*x',
      '"',
      "'",
      '${',
      '}',
      '|',
      '>',
      '#',
      ':',
      '? ',
      '!!str ',
      '<<: ',
      '---',
      '\u0000',
      '\ud800',
      '\r\n',
      '%',
      '@',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const { yaml, problems } = read(parts.join(''));
        expect(yaml !== null || problems.length > 0).toBe(true);
        for (const { line, column, detail } of problems) {
          expect(line).toBeGreaterThan(0);
          expect(column).toBeGreaterThan(0);
          expect(detail.length).toBeGreaterThan(10);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('property: JSON is read as JSON says', () => {
    const plain = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/\p{Cc}|\$\{|:\/\//u.test(text));
    const key = plain.filter((text) => text !== '' && text !== '<<' && text !== '__proto__');
    const { json } = fc.letrec<{ json: Json }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<Json>(null, true, false, 0, 7, -3),
        plain,
        fc.array(tie('json'), { maxLength: 3 }),
        fc.dictionary(key, tie('json'), { maxKeys: 3 }).map((object) => ({ ...object })),
      ),
    }));
    fc.assert(
      fc.property(json, (value) => {
        const { yaml, problems } = read(JSON.stringify(value));
        expect(problems).toEqual([]);
        expect(yaml?.value).toEqual(value);
      }),
    );
  });
});

describe('what a schema says is given its line and its way out', () => {
  const schema = z.strictObject({
    keep: z.string().meta({ examples: ['P3Y'] }),
    share: z.number().lte(1).optional(),
    kind: z.enum(['destroy', 'restrict']).optional(),
    names: z
      .record(z.string().regex(/^[a-z]+$/, 'Write small letters.'), z.union([z.string(), z.array(z.int())]))
      .optional(),
  });
  const table: readonly [string, string, string][] = [
    ['missing', 'share: 1\n', '1:1 missing "keep" is missing. Write text, such as P3Y.'],
    ['empty', 'keep:\n', '1:6 empty "keep" is empty. Write text, such as P3Y.'],
    ['of another type', 'keep: 3\n', '1:7 value_invalid "keep" is 3. Write text, such as P3Y.'],
    ['too large', 'keep: P3Y\nshare: 25\n', '2:8 value_invalid "share" is 25. Write at most 1.'],
    ['mistyped', 'keep: P3Y\nkind: destory\n', '2:7 value_invalid "kind" is "destory". Did you mean "destroy"?'],
    ['not on the list', 'keep: P3Y\nkind: shred\n', '2:7 value_invalid "kind" is "shred". Write destroy or restrict.'],
    ['an unknown key', 'keep: P3Y\nshaer: 1\n', '2:1 key_unknown "shaer" is not known here. Did you mean "share"?'],
    [
      'an unknown key unlike any',
      'keep: P3Y\nfrequency: 1\n',
      '2:1 key_unknown "frequency" is not known here. Write keep, share, kind or names.',
    ],
    [
      'a wrong name',
      'keep: P3Y\nnames: { A1: x }\n',
      '2:10 name_invalid "A1" cannot be a name here. Write small letters.',
    ],
    [
      'deep in the branch that was meant',
      'keep: P3Y\nnames:\n  a:\n    - 1\n    - x\n',
      '5:7 value_invalid Item 2 is "x". Write a number.',
    ],
  ];
  it.each(table)('%s', (_, text, expected) => {
    const { yaml } = read(text);
    if (!yaml) throw new Error('not read');
    const { issues } = validate(schema, yaml.value, yaml.written);
    expect(
      issues.map(yaml.locate).map(({ line, column, code, detail }) => `${line}:${column} ${code} ${detail}`),
    ).toEqual([expected]);
  });

  it('a value that came from the environment is never quoted', () => {
    const { yaml } = read('keep: P3Y\nkind: ${PASSWORD}\n');
    if (!yaml) throw new Error('not read');
    const [issue] = validate(schema, yaml.value, yaml.written).issues;
    expect(issue?.detail).toBe('"kind" is "${PASSWORD}". Write destroy or restrict.');
  });
});

describe('did you mean', () => {
  it.each([
    ['tabel', 'table'],
    ['Table', 'table'],
    ['datset', 'datasets'],
    ['ownr', 'owner'],
    ['x', undefined],
    ['completely', undefined],
  ])('%s: %s', (word, expected) => {
    expect(didYouMean(word, ['table', 'key', 'datasets', 'owner'])).toBe(expected);
  });

  it('a long list is cut', () => {
    expect(orList(['a'])).toBe('a');
    expect(orList(['a', 'b', 'c'])).toBe('a, b or c');
    expect(orList(Array.from({ length: 20 }, (_, index) => `n${index}`))).toMatch(/n11 or 8 more$/);
  });
});
