import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/**
 * No regular expression of ours takes longer than a text is long. Each one in src/ is run over long texts that begin as
 * it likes them, go on with one thing for ever, and end badly: what a search that goes back and forth is slow on. It
 * is a search for slow ones and no proof that there are none.
 */

interface Literal {
  readonly file: string;
  readonly source: string;
  readonly flags: string;
}

/** Only over texts that somebody bounded: each with who. */
const bounded: Readonly<Record<string, string>> = {
  '(?<=\\P{L})(?=[+,./:،-])|(?<=[+,./:،-][^\\p{L}\\p{M}]*)(?=\\p{M})':
    'artifacts/pdf/lines.ts: one line, as wide as the page; what has no width is written out as a mark',
  '0+$': 'artifacts/timestamp.ts: three digits of an instant of ours',
};

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
  // The demonstration reads what it made up itself.
  (name) => /\.tsx?$/.test(name) && !name.startsWith('demo/'),
);

/** A slash begins an expression after one of these, and not after a value. */
const literal = /(?:[=(,:[!&|?{;]\s*|\breturn\s+)\/(?![/*])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+)\/([dgimsuvy]*)/g;

function literals(): readonly Literal[] {
  return files.flatMap((file) =>
    [...readFileSync(join('src', file), 'utf8').matchAll(literal)].flatMap(([, source = '', flags = '']): Literal[] => {
      try {
        return [{ file, source: new RegExp(source, flags).source, flags }];
      } catch {
        // Two divisions on one line look like one.
        return [];
      }
    }),
  );
}

/** A few texts that an expression takes, or none where it says more than a generator understands. */
function samplesOf({ source, flags }: Literal): readonly string[] {
  try {
    // With both anchors, or the generator writes anything before and behind.
    const plain = new RegExp(`^(?:${source.replace(/^\^/, '').replace(/\$$/, '')})$`, flags.replaceAll(/[dgy]/g, ''));
    const sample = () => fc.sample(fc.stringMatching(plain), { seed: 1, numRuns: 2 }).map((one) => one.slice(0, 24));
    // The generator looks for ever for what is no printable ASCII.
    return runInNewContext('sample()', { sample }, { timeout: 1000 });
  } catch {
    return [];
  }
}

const lengthOfText = 20_000;
const patienceMs = 40;

/** What an expression is slow on; null where nothing is found. */
function slowOn(one: Literal): string | null {
  const expression = new RegExp(one.source, one.flags.replaceAll(/[gy]/g, ''));
  const heads = new Set(['']);
  const pumps = new Set([' ', '\t', '0', 'a', '-', '.', ...one.source.replaceAll(/\\[a-zA-Z]/g, '')]);
  for (const sample of samplesOf(one))
    for (let end = 1; end <= sample.length; end++) {
      heads.add(sample.slice(0, end));
      pumps.add(sample.slice(end - 1, end));
      pumps.add(sample.slice(Math.max(0, end - 2), end));
    }
  let trying = '';
  const took = (text: string) => {
    const begun = performance.now();
    expression.test(text);
    return performance.now() - begun;
  };
  const search = () => {
    for (const head of [...heads].slice(0, 20))
      for (const pump of [...pumps].slice(0, 40))
        for (const tail of ['\u2028\u0000', '']) {
          trying = JSON.stringify([head, pump, tail]);
          // What doubles with every character would not come back from a long text, nor from much more than this.
          for (const size of [25, lengthOfText]) {
            const text = head + pump.repeat(Math.ceil(size / pump.length)) + tail;
            // Once more: a machine that was busy is not a slow expression.
            if (took(text) > patienceMs && took(text) > patienceMs && took(text) > patienceMs) return trying;
          }
        }
    return null;
  };
  try {
    // Ends even a search in the midst of one expression.
    return runInNewContext('search()', { search }, { timeout: 4000 });
  } catch {
    return `${trying}: without end`;
  }
}

describe('a regular expression of ours', () => {
  it('takes no longer than a text is long', () => {
    const found = literals();
    expect(found.length).toBeGreaterThan(120);
    const slow = found.flatMap((one) => {
      if (one.source in bounded) return [];
      const text = slowOn(one);
      return text === null ? [] : [`${one.file}: /${one.source}/${one.flags} on ${text}`];
    });
    expect(slow).toEqual([]);
    // What is excused is still there.
    expect(Object.keys(bounded).filter((source) => !found.some((one) => one.source === source))).toEqual([]);
  }, 300_000);

  it('is found slow by this test where it is', () => {
    const slow = ['(a+)+$', '\\s*[\\n,;]\\s*', '\\s+(\\s|a)+b', '^(\\d+)*x', '^a[ \\t]+\\*?(.+)$', '<.*>.*<'];
    for (const source of slow) expect(slowOn({ file: '', source, flags: '' }), source).not.toBeNull();
    for (const source of ['^a+$', '^[^,]*,[^,]*$', '\\d{4}-\\d\\d'])
      expect(slowOn({ file: '', source, flags: '' }), source).toBeNull();
  }, 60_000);

  it('is never made of text that somebody wrote', () => {
    const made = files.filter((file) => /\bRegExp\(/.test(readFileSync(join('src', file), 'utf8')));
    // unzip.ts: of a constant of zip.ts.
    expect(made).toEqual(['artifacts/unzip.ts']);
  });
});
