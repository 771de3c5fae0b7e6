/**
 * cli/ promises the same flows from a shell: one file a verb, which parses its words, calls one flow and prints. With
 * --json one JSON document and nothing else stands on stdout. Exit 0: done; 1: refused or found wrong; 2: misused.
 */
export interface Words {
  readonly positional: readonly string[];
  readonly options: ReadonlyMap<string, readonly string[]>;
}

/** Misuse: what is wrong with the words, and how they should be. */
export class Misuse extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Misuse';
  }
}

/**
 * Take a command line apart. Every option must be known, and no word may be left over: who forgets the dashes of
 * --dry-run must not start a real run.
 * @param valued options that take a value (`--port 80` or `--port=80`)
 * @param flags options that take none
 * @param most how many other words there may be
 */
export function readWords(
  words: readonly string[],
  valued: readonly string[],
  flags: readonly string[],
  most = 0,
): Words {
  const positional: string[] = [];
  const options = new Map<string, string[]>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!word.startsWith('--')) {
      positional.push(word);
      continue;
    }
    const [name = '', given] = word.slice(2).split(/=(.*)/s);
    if (flags.includes(name) && given === undefined) {
      options.set(name, ['true']);
      continue;
    }
    if (!valued.includes(name)) throw new Misuse(`There is no option --${name} here.`);
    const value = given ?? words[++at];
    if (value === undefined) throw new Misuse(`--${name} needs a value.`);
    options.set(name, [...(options.get(name) ?? []), value]);
  }
  const extra = positional[most];
  if (extra !== undefined) throw new Misuse(`"${extra}" means nothing here. Nothing was done.`);
  return { positional, options };
}

export function option(words: Words, name: string): string | null {
  return words.options.get(name)?.at(-1) ?? null;
}

export function required(words: Words, name: string): string {
  const value = option(words, name);
  if (value === null) throw new Misuse(`--${name} is missing.`);
  return value;
}

export function flag(words: Words, name: string): boolean {
  return words.options.has(name);
}
