import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import { z } from 'zod';
import type { Json } from '../core/canonical-json.ts';
import type { InputProblem } from '../core/refusal.ts';
import { orList, suggestion } from './did-you-mean.ts';

/** One policy file as it was found. */
export interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

/** What an environment variable holds; undefined where it is not set. The only way the environment gets in. */
export type Lookup = (name: string) => string | undefined;

/** One wrong place in a policy file: where it stands (line and column count from 1), what is wrong, what to write. */
export interface PolicyProblem extends InputProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type PolicyPath = readonly (string | number)[];

/** A problem before it has a line: `at: 'key'` points at the key itself rather than at its value. */
export interface PolicyIssue {
  readonly path: PolicyPath;
  readonly code: string;
  readonly detail: string;
  readonly at?: 'key';
}

/** A file that is YAML: its values, and where each of them stands. */
export interface Yaml {
  readonly file: string;
  /** With every `${NAME}` replaced; one whose variable is missing stays as it was written. May hold secrets. */
  readonly value: Json;
  /** As written: safe to quote in a message. */
  readonly written: Json;
  /** JSON pointer -> text as written, of every value with a `${NAME}` in it. */
  readonly references: ReadonlyMap<string, string>;
  /** Give an issue its line. What is missing is reported where its parent stands. */
  readonly locate: (issue: PolicyIssue) => PolicyProblem;
}

// A policy set is a few pages. What is larger, or grows larger by aliases, is a mistake or an attack.
const maxCharacters = 512 * 1024;
const maxValues = 20_000;
const maxDepth = 50;
const maxIndentation = 200;

/**
 * Read one YAML 1.2 file. Refused with their lines: what is not YAML, tabs, keys written twice, tags, merge keys, a
 * second document, aliases that multiply, missing variables, and secrets.
 * @returns `yaml: null` where nothing could be read; otherwise the problems found so far beside the values
 */
export function readYaml(file: PolicyFile, lookup: Lookup): { yaml: Yaml | null; problems: readonly PolicyProblem[] } {
  const problems: PolicyProblem[] = [];
  const lines = new LineCounter();
  const report = (offset: number, code: string, detail: string, path: PolicyPath = []) => {
    const { line, col } = lines.linePos(offset);
    problems.push({
      file: file.name,
      line: Math.max(line, 1),
      column: Math.max(col, 1),
      pointer: pointerOf(path),
      code,
      detail,
    });
  };
  if (file.text.length > maxCharacters) {
    report(0, 'too_large', `The file has ${file.text.length} characters. A policy file may have ${maxCharacters}.`);
    return { yaml: null, problems };
  }
  if (isTooDeep(file.text)) {
    report(0, 'too_deep', `The file is nested too deeply to be read. A policy needs fewer than ${maxDepth} levels.`);
    return { yaml: null, problems };
  }
  const document = parseDocument(file.text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    merge: false,
    version: '1.2',
  });
  for (const { code, message, pos } of [...document.errors, ...document.warnings])
    report(pos[0], 'yaml_syntax', syntaxDetail(code, message, file.text, pos[0]));
  if (problems.length > 0) return { yaml: null, problems };

  const aliases = resolvedAliases(document.contents);
  const positions = new Map<string, { key: number | null; value: number }>();
  const references = new Map<string, string>();
  let count = 0;

  const readScalar = (value: unknown, offset: number, path: PolicyPath): [Json, Json] => {
    if (typeof value === 'string') {
      const unprintable = unprintableIn(value);
      if (unprintable) report(offset, 'text_unusable', unprintable, path);
      if (holdsSecret(value))
        report(
          offset,
          'secret_in_file',
          `A password stands in this file. Put it in the environment and write its name here, such as \${APP_DATABASE_URL} or postgres://app:\${APP_PASSWORD}@db/app. Then change the password: it has been read.`,
          path,
        );
      const filled = fillIn(value, lookup, (code, detail) => report(offset, code, detail, path));
      if (filled !== null) references.set(pointerOf(path), value);
      return [filled ?? value, value];
    }
    if (value === null || value === undefined) return [null, null];
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return [value, value];
    report(
      offset,
      'value_unusable',
      'This value cannot be used in a policy. Write text, a whole number, true or false.',
      path,
    );
    return [null, null];
  };

  const read = (
    node: Node | null,
    path: PolicyPath,
    above: ReadonlySet<Node>,
    keyOffset: number | null,
  ): [Json, Json] => {
    const offset = node?.range?.[0] ?? keyOffset ?? 0;
    positions.set(pointerOf(path), { key: keyOffset, value: offset });
    if (++count > maxValues) {
      if (count === maxValues + 1)
        report(
          offset,
          'too_many_values',
          `The file holds more than ${maxValues} values, aliases counted. Write what is meant, without aliases.`,
          path,
        );
      return [null, null];
    }
    if (node === null) return [null, null];
    if (isAlias(node)) {
      const target = aliases.get(node);
      if (target && !above.has(target)) return read(target, path, above, keyOffset);
      report(
        offset,
        'alias_unusable',
        `The alias *${node.source} ${target ? 'contains itself' : 'names no anchor above it'}. Write the value out.`,
        path,
      );
      return [null, null];
    }
    if (isScalar(node)) return readScalar(node.value, offset, path);
    const within = new Set([...above, node]);
    if (isSeq(node)) {
      const items = node.items.map((item, index) => read(nodeOf(item), [...path, index], within, null));
      return [items.map(([value]) => value), items.map(([, written]) => written)];
    }
    const value: Record<string, Json> = {};
    const written: Record<string, Json> = {};
    const firstAt = new Map<string, number>();
    for (const pair of isMap(node) ? node.items : []) {
      const keyNode = nodeOf(pair.key);
      const at = keyNode?.range?.[0] ?? offset;
      const key = isScalar(keyNode) ? keyText(keyNode.value) : null;
      const refusal = key === null ? 'A key must be plain text.' : refusalOfKey(key, firstAt, lines);
      if (key === null || refusal) {
        report(
          at,
          key !== null && firstAt.has(key) ? 'key_twice' : 'key_unusable',
          refusal ?? '',
          key === null ? path : [...path, key],
        );
        continue;
      }
      firstAt.set(key, at);
      [value[key], written[key]] = read(nodeOf(pair.value), [...path, key], within, at);
    }
    return [value, written];
  };

  const [value, written] = read(document.contents, [], new Set(), null);
  const locate = ({ path, code, detail, at }: PolicyIssue): PolicyProblem => {
    let known = path;
    while (known.length > 0 && !positions.has(pointerOf(known))) known = known.slice(0, -1);
    const position = positions.get(pointerOf(known));
    const isMissing = known.length < path.length;
    const offset = (at === 'key' || isMissing ? position?.key : null) ?? position?.value ?? 0;
    const { line, col } = lines.linePos(offset);
    return {
      file: file.name,
      line: Math.max(line, 1),
      column: Math.max(col, 1),
      pointer: pointerOf(path),
      code,
      detail,
    };
  };
  return { yaml: { file: file.name, value, written, references, locate }, problems };
}

/** What a schema says about a file: its value, or every issue; `value` is null exactly when there are issues. */
export function validate<S extends z.ZodType>(
  schema: S,
  value: Json,
  written: Json,
): { value: z.output<S> | null; issues: readonly PolicyIssue[] } {
  const knownKeys = new WeakMap<object, readonly string[]>();
  const result = schema.safeParse(value, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') knownKeys.set(issue.keys, keysOf(issue.inst));
      return whatToWrite(issue);
    },
  });
  if (result.success) return { value: result.data, issues: [] };
  return { value: null, issues: result.error.issues.flatMap((issue) => issuesOf(issue, [], written, knownKeys)) };
}

type ZodIssue = z.core.$ZodIssue;

function issuesOf(
  issue: ZodIssue,
  above: PolicyPath,
  written: Json,
  knownKeys: WeakMap<object, readonly string[]>,
): readonly PolicyIssue[] {
  const path = [...above, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key): PolicyIssue => {
      const known = knownKeys.get(issue.keys) ?? [];
      const instead = suggestion(key, known) || (known.length > 0 ? ` Write ${orList(known)}.` : ' Remove it.');
      return { path: [...path, key], code: 'key_unknown', detail: `"${key}" is not known here.${instead}`, at: 'key' };
    });
  if (issue.code === 'invalid_union') {
    // The branch that came furthest is the one that was meant.
    const depth = (branch: readonly ZodIssue[]) => Math.min(...branch.map(({ path }) => path.length));
    const fits = issue.errors.filter((branch) =>
      branch.some(({ code, path }) => path.length > 0 || code !== 'invalid_type'),
    );
    const meant = fits.toSorted((a, b) => depth(b) - depth(a))[0];
    if (meant) return meant.flatMap((inner) => issuesOf(inner, path, written, knownKeys));
  }
  const found = valueAt(written, path);
  const name = path.at(-1);
  const subject = typeof name === 'number' ? `Item ${name + 1}` : `"${name ?? 'the file'}"`;
  const text = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  if (issue.code === 'custom') return [{ path, code: codeOf(issue), detail: text }];
  if (issue.code === 'invalid_key')
    return [{ path, code: 'name_invalid', detail: `${subject} cannot be a name here. ${text}`, at: 'key' }];
  if (found === undefined) return [{ path, code: 'missing', detail: `${subject} is missing. ${text}` }];
  if (found === null) return [{ path, code: 'empty', detail: `${subject} is empty. ${text}` }];
  return [{ path, code: 'value_invalid', detail: `${subject} is ${shown(found)}. ${text}` }];
}

function codeOf(issue: ZodIssue): string {
  const params = issue.code === 'custom' ? issue.params : undefined;
  return typeof params?.code === 'string' ? params.code : 'value_invalid';
}

/** The second half of a message: what to write instead. A schema's own `error` comes before this. */
function whatToWrite(issue: z.core.$ZodRawIssue): string {
  // What a check found is stamped with the schema the check belongs to.
  const schema: unknown = issue.schema ?? issue.inst;
  const example = schema instanceof z.ZodType ? z.globalRegistry.get(schema)?.examples : undefined;
  const suchAs = Array.isArray(example) && example.length > 0 ? `, such as ${exampleText(example[0])}` : '';
  switch (issue.code) {
    case 'invalid_type':
      return `Write ${typeWords[String(issue.expected)] ?? String(issue.expected)}${suchAs}.`;
    case 'invalid_value': {
      const values = (Array.isArray(issue.values) ? issue.values : []).map(String);
      const near =
        typeof issue.input === 'string' && !issue.input.includes('://') ? suggestion(issue.input, values) : '';
      return near ? near.trim() : `Write ${orList(values)}.`;
    }
    case 'invalid_union':
      return Array.isArray(issue.options)
        ? `Write ${orList(issue.options.map(String))}.`
        : `Write what the schema asks for${suchAs}.`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `Write ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${suchAs}.`
        : `Write at least ${issue.minimum}${suchAs}.`;
    case 'too_big':
      return `Write at most ${issue.maximum}${suchAs}.`;
    default:
      return suchAs ? `Write it in the right form${suchAs}.` : 'Write it in the right form.';
  }
}

function exampleText(example: unknown): string {
  // What YAML would read as an alias or a comment needs its quotes.
  if (typeof example === 'string') return /[*#]/.test(example) ? `"${example}"` : example;
  // A list of words reads in YAML as it does here.
  return Array.isArray(example) ? `[${example.join(', ')}]` : JSON.stringify(example);
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  nonoptional: 'a value',
};

function keysOf(inst: unknown): readonly string[] {
  if (inst instanceof z.ZodObject) return Object.keys(inst.shape);
  if (inst instanceof z.ZodRecord) return [...(inst.def.keyType._zod.values ?? [])].map(String);
  return [];
}

function shown(value: Json): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return String(value);
  if (holdsSecret(value)) return 'a url with a password';
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}

/** The value at a path, or undefined. */
function valueAt(value: Json | undefined, path: PolicyPath): Json | undefined {
  let here: Json | undefined = value;
  for (const step of path) {
    if (isList(here)) here = typeof step === 'number' ? here[step] : undefined;
    else if (typeof here === 'object' && here !== null && Object.hasOwn(here, step)) here = here[step];
    else return undefined;
  }
  return here;
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** RFC 6901. */
export function pointerOf(path: PolicyPath): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/**
 * Whether the text is nested deeper than any policy. Asked of the tokens, before the parser: it recurses, and takes
 * quadratic time over brackets that are never closed.
 */
function isTooDeep(text: string): boolean {
  let brackets = 0;
  let dashes = 0;
  let isLineStart = true;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') brackets++;
    else if (token === ']' || token === '}') brackets--;
    else if (token === '-' || token === '?') dashes++;
    else if (token === '\n' || token === '\r\n') dashes = 0;
    else if (isLineStart && /^ +$/.test(token) && token.length > maxIndentation) return true;
    if (brackets > maxDepth || dashes > maxDepth) return true;
    isLineStart = token === '\n' || token === '\r\n';
  }
  return false;
}

/** Which node each alias means: the last anchor of that name above it, as YAML 1.2 section 7.1 says. */
function resolvedAliases(contents: Node | null): ReadonlyMap<Node, Node> {
  const anchors = new Map<string, Node>();
  const found = new Map<Node, Node>();
  visit(contents, {
    Node: (_, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target) found.set(node, target);
      } else if ((isScalar(node) || isCollection(node)) && node.anchor) anchors.set(node.anchor, node);
    },
  });
  return found;
}

function nodeOf(value: unknown): Node | null {
  return isAlias(value) || isScalar(value) || isCollection(value) ? value : null;
}

function keyText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

function refusalOfKey(key: string, firstAt: ReadonlyMap<string, number>, lines: LineCounter): string | null {
  const first = firstAt.get(key);
  if (first !== undefined)
    return `"${key}" is written twice; the first is on line ${lines.linePos(first).line}. Keep one.`;
  if (key === '<<') return 'Merge keys (<<) are not read. Write the keys out.';
  if (key === '__proto__') return '"__proto__" cannot be a name. Choose another.';
  if (key === '') return 'A key is empty. Give it a name.';
  return unprintableIn(key);
}

function syntaxDetail(code: string, message: string, text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0] ?? '';
  if (code === 'TAB_AS_INDENT' || /^ *\t/.test(line))
    return 'A tab stands where YAML takes spaces only. Write two spaces a level.';
  if (code === 'MULTIPLE_DOCS') return 'A second document begins here (---). Keep one document a file.';
  if (code === 'TAG_RESOLVE_FAILED') return 'Tags (!name) are not read. Write the plain value.';
  if (/[:-]\s*\*/.test(line)) return `Text that begins with * needs quotes, such as "*/5 * * * *". (${message})`;
  if (line.slice(line.search(/[{[,]|$/) + 1).includes('${'))
    return `Inside braces a variable needs quotes. Write "\${NAME}". (${message})`;
  return `This is not YAML: ${message}. Look at the indentation, the colons and the quotes here and on the line above.`;
}

function unprintableIn(text: string): string | null {
  if (!text.isWellFormed()) return 'Half of a surrogate pair stands in this text. Write the whole character.';
  return /[^\P{Cc}\t\n\r]/u.test(text) ? 'A control character stands in this text. Remove it.' : null;
}

const reference = /\$\{([^}]{0,200})\}/g;

/** The text with its variables in place, or null when it has none. A missing one is reported and left as written. */
function fillIn(text: string, lookup: Lookup, report: (code: string, detail: string) => void): string | null {
  if (!text.includes('${')) return null;
  return text.replaceAll(reference, (whole, name: string) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      report(
        'variable_invalid',
        `"${whole.slice(0, 60)}" names no variable. Write \${NAME}: letters, digits and underscores, no default.`,
      );
      return whole;
    }
    const value = lookup(name);
    if (value !== undefined && value !== '') return value;
    report(
      'variable_missing',
      `The environment variable ${name} is not set. Set it before you start, or write the value here if it is no secret.`,
    );
    return whole;
  });
}

/** Whether a url carries a password in plain sight: before the host, or as a parameter. `${NAME}` is not in sight. */
function holdsSecret(text: string): boolean {
  const plain = text.replaceAll(reference, '');
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@:\s]*:([^/?#\s]*)@/i.exec(plain)?.[1];
  return Boolean(password) || /^[a-z][a-z0-9+.-]*:\/\/\S*[?&](?:password|passwd|pwd|secret|token)=[^&\s]/i.test(plain);
}
