import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { z } from 'zod';
import { shared } from './tools.ts';

/** What a description of the API says of a value: JSON Schema, as far as the API uses it. */
export interface Described {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Described>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Described | boolean;
  readonly items?: Described;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Described[];
  readonly oneOf?: readonly Described[];
  readonly allOf?: readonly Described[];
  readonly pattern?: string;
  readonly format?: string;
  readonly $ref?: string;
}

export interface DescribedCall {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Described }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Described }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Described }>> }>
  >;
}

export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedCall>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Described>> };
}

/** A description with every reference replaced by what it refers to; with `closed`, no member that is not described. */
export function resolved(document: Description, schema: Described, closed: boolean): Described {
  const walk = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(walk);
    if (typeof one !== 'object' || one === null) return one;
    const { $ref, ...rest } = one as Described;
    if ($ref !== undefined) {
      const found = document.components.schemas[$ref.split('/').at(-1) ?? ''];
      if (!found) throw new Error(`${$ref} is described nowhere`);
      return walk({ ...found, ...rest });
    }
    const walked = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, walk(value)]));
    return closed && rest.properties && rest.additionalProperties === undefined
      ? { ...walked, additionalProperties: false }
      : walked;
  };
  return walk(schema) as Described;
}

/** Reads a value as described; the answer says what does not fit, or null. */
export function reader(document: Description, schema: Described, closed: boolean): (value: unknown) => string | null {
  const read = z.fromJSONSchema(resolved(document, schema, closed) as Parameters<typeof z.fromJSONSchema>[0]);
  return (value) => {
    const found = read.safeParse(value);
    return found.success ? null : z.prettifyError(found.error).replaceAll('\n', ' ');
  };
}

/** Days and times of years that no database takes, or of the first and last that it does. */
export const oddYears: readonly string[] = ['0000', '-000001', '+010000', '12026', '0001', '9999'].flatMap((year) => [
  `${year}-12-31`,
  `${year}-01-01T00:00`,
  `${year}-12-31T23:59`,
  `${year}-01-01T00:00:00+14:00`,
  `${year}-12-31T23:59:59-12:00`,
]);

/** Strings that people collected because programs fail on them, where the folders are there; else a few of our own. */
export function hostileStrings(): readonly string[] {
  const own = [
    '',
    ' ',
    '\u0000',
    'a\u0000b',
    '\ud800',
    'a\udfff',
    "'; DROP TABLE holds; --",
    '../../../../etc/passwd',
    '..\\..\\windows\\win.ini',
    '%s%n%x',
    '<script>alert(1)</script>',
    'a@example.com\r\nBcc: b@example.com',
    '__proto__',
    'constructor',
    'NaN',
    '1e400',
    '9007199254740993',
    '-0',
    '2026-02-30',
    '-271821-04-20T00:00:00Z',
    '\u202eright to left',
    'z\u0335\u030d\u0300'.repeat(50),
    ...oddYears,
  ];
  const naughty = shared('data/naughty/blns.json');
  const lists = shared('data/fuzz/attack');
  const files =
    lists === null ? [] : readdirSync(lists, { recursive: true, encoding: 'utf8' }).map((name) => join(lists, name));
  return [
    ...own,
    ...(naughty === null ? [] : (JSON.parse(readFileSync(naughty, 'utf8')) as string[])),
    ...files
      .filter((file) => statSync(file).isFile() && file.endsWith('.txt'))
      .flatMap((file) => readFileSync(file, 'latin1').split('\n')),
  ].map((one) => one.slice(0, 2000));
}

/** Values as described, of which here and there one is something else altogether. */
export function spoiledValue(
  schema: Described,
  strings: fc.Arbitrary<string>,
  ids: readonly string[],
): fc.Arbitrary<unknown> {
  const hostile = fc.oneof(
    { weight: 6, arbitrary: strings },
    {
      weight: 6,
      arbitrary: fc.constantFrom<unknown>(
        null,
        true,
        -1,
        0,
        1.5,
        2 ** 53 + 2,
        -(2 ** 60),
        1e308,
        [],
        {},
        [[]],
        [null],
        { a: {} },
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom<unknown>('x'.repeat(100_000), nested(70), nested(3000)) },
  );
  const value = (one: Described): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 14, arbitrary: good(one) }, { weight: 1, arbitrary: hostile });
  const good = (one: Described): fc.Arbitrary<unknown> => {
    if (one.const !== undefined) return fc.constant(one.const);
    if (one.enum) return fc.constantFrom(...one.enum);
    const choices = one.anyOf ?? one.oneOf;
    if (choices) return fc.oneof(...choices.map(value));
    const [type] = typeof one.type === 'string' ? [one.type] : (one.type ?? []);
    if (type === 'array') return fc.array(value(one.items ?? {}), { maxLength: 3 });
    if (type === 'integer' || type === 'number') return fc.oneof(fc.integer(), fc.nat(20));
    if (type === 'boolean') return fc.boolean();
    if (type === 'object') return members(one);
    return text(one);
  };
  const members = (one: Described): fc.Arbitrary<unknown> => {
    const described = Object.fromEntries(
      Object.entries(one.properties ?? {}).map(([name, inner]) => [name, value(inner)]),
    );
    const known = fc.record(described, { requiredKeys: [...(one.required ?? [])] });
    const inner = typeof one.additionalProperties === 'object' ? one.additionalProperties : {};
    const names = fc.oneof(fc.constantFrom('app.messages', 'id', 'constructor', 'toString', 'hasOwnProperty'), strings);
    const more = fc.oneof(
      { weight: one.additionalProperties ? 1 : 12, arbitrary: fc.constant({}) },
      { weight: 2, arbitrary: fc.dictionary(names, value(inner), { maxKeys: 3 }) },
    );
    return fc.tuple(known, more).map(([all, other]) => ({ ...all, ...other }));
  };
  const text = (one: Described): fc.Arbitrary<unknown> => {
    const usual = fc.constantFrom(
      'email',
      'ada@example.com',
      'app.messages',
      'messages',
      'P90D',
      'EU-GDPR',
      'Europe/Vilnius',
      'mail',
      '2026-11-01',
      '2026-11-01T09:00:00Z',
      'A word.',
      ...ids,
    );
    return one.pattern === undefined
      ? fc.oneof({ weight: 3, arbitrary: usual }, { weight: 1, arbitrary: strings })
      : fc.oneof(fc.constantFrom(...ids), fc.stringMatching(new RegExp(one.pattern)), strings);
  };
  return value(schema);
}

/** A value that is right, or of which one place is something else: what is checked behind the first check is reached. */
export function spoiledExample(example: unknown, strings: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  const other = fc.oneof(
    { weight: 3, arbitrary: strings },
    {
      weight: 2,
      arbitrary: fc.constantFrom<unknown>(
        'a\u0000b',
        'a\ud800',
        '',
        null,
        {},
        [],
        -1,
        1.5,
        1e308,
        2 ** 53 + 2,
        nested(60),
      ),
    },
  );
  const replaced = (path: readonly string[], value: unknown): unknown => {
    const copy: unknown = structuredClone(example);
    const last = path.at(-1);
    if (last === undefined) return value;
    const parent = path
      .slice(0, -1)
      .reduce<Record<string, unknown>>(
        (at, step) => at[step] as Record<string, unknown>,
        copy as Record<string, unknown>,
      );
    parent[last] = value;
    return copy;
  };
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant(example) },
    {
      weight: 3,
      arbitrary: fc.tuple(fc.constantFrom(...places(example)), other).map(([path, value]) => replaced(path, value)),
    },
  );
}

/** Every place in a value, as the steps that lead there. */
function places(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...path, key]))];
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

const utf8 = new TextEncoder();

/** A text as it goes over the wire, and what becomes of some on the way. */
export function spoiledBytes(text: string): fc.Arbitrary<Uint8Array> {
  const bytes = utf8.encode(text);
  const mostly = fc.constant(bytes);
  const other = fc.oneof(
    // Cut off, anywhere.
    fc.nat(Math.max(0, bytes.length - 1)).map((end) => bytes.slice(0, end)),
    // No UTF-8 any more.
    fc.tuple(fc.nat(bytes.length), fc.constantFrom(0x80, 0xff, 0xc0, 0xed)).map(([at, byte]) => {
      const broken = new Uint8Array(bytes.length + 1);
      broken.set(bytes.subarray(0, at));
      broken[at] = byte;
      broken.set(bytes.subarray(at), at + 1);
      return broken;
    }),
    fc
      .constantFrom(
        '[['.repeat(100_000),
        '{"a":'.repeat(5000),
        '{"__proto__":{"isAdmin":true}}',
        '{"constructor":{"prototype":{"isAdmin":true}}}',
        '1e999999',
        '{"a":1e400}',
        '\ufeff{}',
        'null',
        '"text"',
        '[]',
        `{"a":"${'x'.repeat(1_000_000)}"}`,
        `"${'x'.repeat(1_200_000)}"`,
        text.replace(/^\{/, '{"type":"erasure","role":"admin","reason":"","reason":"b",'),
        text.replace(/^\{/, '{"__proto__":{"role":"admin"},'),
        `${text}${text}`,
      )
      .map((one) => utf8.encode(one)),
    fc.uint8Array({ maxLength: 200 }),
  );
  return fc.oneof({ weight: 5, arbitrary: mostly }, { weight: 2, arbitrary: other });
}

/** As long as a browser's: a shorter one is not read at all. */
const boundary = '----WebKitFormBoundary7MA4YWxkTrZu0gW';

/** A file as a browser sends one, and what is none. */
export function spoiledMultipart(contents: readonly Uint8Array[]): fc.Arbitrary<{ type: string; bytes: Uint8Array }> {
  const line = '\r\n';
  return fc
    .tuple(
      fc.constantFrom(...contents),
      fc.constantFrom(...Array<string>(9).fill('file'), 'File', '__proto__', 'a"b', ''),
      fc.constantFrom(
        'filename="a.zip"',
        'filename="a.zip"',
        'filename="../../etc/passwd"',
        "filename*=UTF-8''%00",
        '',
      ),
      fc.constantFrom(...Array<string>(8).fill(''), 'cut', 'no end', 'header', 'boundary'),
    )
    .map(([content, name, fileName, fault]) => {
      const head = `--${boundary}${line}Content-Disposition: form-data; name="${name}"; ${fileName}${line}Content-Type: ${
        fault === 'header' ? `a/${'b'.repeat(100_000)}` : 'application/zip'
      }${line}${line}`;
      const end = fault === 'no end' ? '' : `${line}--${boundary}--${line}`;
      const all = Buffer.concat([Buffer.from(head), content, Buffer.from(end)]);
      return {
        type: fault === 'boundary' ? 'multipart/form-data' : `multipart/form-data; boundary=${boundary}`,
        bytes: new Uint8Array(fault === 'cut' ? all.subarray(0, all.length / 2) : all),
      };
    });
}
