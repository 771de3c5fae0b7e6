import { type Refusal, refuse } from '../core/refusal.ts';

/** Deeper than any body we know by far, and shallow enough for whatever walks it afterwards, call by call. */
const maxDepth = 64;

/**
 * A JSON body, parsed and safe to walk: UTF-8 as RFC 8259 (8.1) demands, at most 64 deep, and without numbers that
 * JavaScript would round (an id of 2^53 + 1 must not become the record beside it), and without NUL and half
 * characters, which Postgres does not store. A member called `__proto__` is a
 * member like any other here, and no schema knows it.
 * @returns the value ({} for no bytes at all), or the refusal that says what is wrong and where
 */
export function parseJsonBody(bytes: ArrayBuffer): { readonly value: unknown } | Refusal {
  if (bytes.byteLength === 0) return { value: {} };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return wrong('The body is not JSON.', '', 'json', 'Send one JSON object, in UTF-8.');
  }
  return faultIn(value) ?? { value };
}

/** Level by level and not by recursion: the nesting is the sender's choice. */
function faultIn(body: unknown): Refusal | null {
  let level: { readonly value: unknown; readonly pointer: string }[] = [{ value: body, pointer: '' }];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth)
      return wrong('The body is nested too deeply.', '', 'too_deep', `At most ${maxDepth} levels are read.`);
    const rounded = level.find(({ value }) => isRounded(value));
    if (rounded)
      return wrong(
        'The body holds a number that cannot be kept exactly.',
        rounded.pointer,
        'number_inexact',
        'Write a number beyond 9007199254740991 as a string.',
      );
    const unstorable = level.find(({ value }) => isUnstorable(value));
    if (unstorable)
      return wrong(
        'The body holds text that cannot be kept.',
        unstorable.pointer,
        'text_unstorable',
        'Text without NUL and half characters, please.',
      );
    level = level.flatMap(({ value, pointer }) =>
      isObject(value)
        ? Object.entries(value).map(([key, inner]) => ({
            value: inner,
            pointer: `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
          }))
        : [],
    );
  }
  return null;
}

const isRounded = (value: unknown) =>
  typeof value === 'number' && (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)));

/** Of members, their names: the values come with the next level. */
function isUnstorable(value: unknown): boolean {
  const texts = typeof value === 'string' ? [value] : isObject(value) ? Object.keys(value) : [];
  return texts.some((text) => text.includes('\u0000') || !text.isWellFormed());
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function wrong(what: string, pointer: string, code: string, detail: string): Refusal {
  return refuse('invalid', `${what} Nothing was changed.`, {}, [{ pointer, code, detail }]);
}
