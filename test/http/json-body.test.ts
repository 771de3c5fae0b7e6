import { z } from '@hono/zod-openapi';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefusal } from '../../src/core/refusal.ts';
import { parseJsonBody } from '../../src/http/json-body.ts';
import { holdScopeSchema } from '../../src/policy/hold.ts';

const parse = (text: string) => parseJsonBody(new TextEncoder().encode(text).buffer);
/** What is wrong with a body, and where; null for one that is taken. */
const fault = (text: string) => {
  const found = parse(text);
  return isRefusal(found) ? [found.errors[0]?.pointer, found.errors[0]?.code] : null;
};
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('a JSON body', () => {
  it('is whatever JSON says, as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value);
        const isExact = !JSON.stringify(value, (_, one) =>
          typeof one === 'number' && Number.isInteger(one) && !Number.isSafeInteger(one) ? '\u0000' : one,
        ).includes('\\u0000');
        fc.pre(isExact);
        expect(parse(text)).toEqual({ value: JSON.parse(text) });
      }),
    );
    expect(parse('')).toEqual({ value: {} });
  });

  it('is at most 64 levels deep, and no depth takes our stack', () => {
    expect(fault(nested(65))).toBeNull();
    expect(fault(nested(66))).toEqual(['', 'too_deep']);
    for (const depth of [1000, 100_000, 500_000]) expect(fault(nested(depth))).toEqual(['', 'too_deep']);
    expect(fault(`${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`)).toEqual(['', 'too_deep']);
  });

  it('is refused where a number would be rounded: 2^53 + 1 is not the record beside it', () => {
    expect(fault('{"scope":{"keys":{"app.messages":[{"id":9007199254740993}]}}}')).toEqual([
      '/scope/keys/app.messages/0/id',
      'number_inexact',
    ]);
    for (const number of ['9007199254740992', '-9007199254740993', '1e400', '-1e400', '123456789012345678901234567890'])
      expect(fault(`{"a/b~c":${number}}`), number).toEqual(['/a~1b~0c', 'number_inexact']);
    for (const number of ['9007199254740991', '-9007199254740991', '0.1', '1e2', '-0'])
      expect(fault(number)).toBeNull();
    // As a string it is kept digit by digit.
    expect(parse('"9007199254740993"')).toEqual({ value: '9007199254740993' });
  });

  it('is UTF-8 or nothing: no byte is quietly made another character', () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0xff, 0xfe, 0x7b, 0x00],
    ])
      expect(isRefusal(parseJsonBody(new Uint8Array(bytes).buffer))).toBe(true);
  });

  it('is refused where it holds text that cannot be kept, in a value or in a name', () => {
    expect(fault(String.raw`{"a":["b","c\u0000"]}`)).toEqual(['/a/1', 'text_unstorable']);
    expect(fault(String.raw`{"a":{"\ud800":1}}`)).toEqual(['/a', 'text_unstorable']);
    expect(fault(String.raw`{"a":"\udc00\ud800"}`)).toEqual(['/a', 'text_unstorable']);
    expect(fault(String.raw`{"a":"\ud83d\ude00"}`)).toBeNull();
  });

  it('reaches no prototype, whatever its members are called', () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    for (const text of [
      '{"__proto__":{"isAdmin":true}}',
      '{"constructor":{"prototype":{"isAdmin":true}}}',
      '{"datasets":["a"],"__proto__":{"isAdmin":true}}',
      '{"keys":{"__proto__":[{"isAdmin":1}]}}',
      '{"keys":{"app.messages":[{"__proto__":1,"constructor":"x"}]}}',
    ]) {
      const parsed = parse(text);
      if (isRefusal(parsed)) throw new Error(text);
      const read = holdScopeSchema.safeParse(parsed.value);
      expect(Object.getPrototypeOf(read.data ?? {}), text).toBe(Object.prototype);
      z.strictObject({}).safeParse(parsed.value);
    }
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect('isAdmin' in {}).toBe(false);
    // A member of that name is one that no schema knows, and not one that is passed over.
    const parsed = parse('{"__proto__":{"isAdmin":true}}');
    expect(isRefusal(parsed) ? null : holdScopeSchema.safeParse(parsed.value).success).toBe(false);
  });
});
