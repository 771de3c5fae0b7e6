import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeId, makeReference } from '../../src/core/ids.ts';

const instant = fc
  .integer({ min: 0, max: 2 ** 41 })
  .map((ms) => ({ ms, at: Temporal.Instant.fromEpochMilliseconds(ms) }));
const random = fc.uint8Array({ minLength: 10, maxLength: 16 });

describe('ids', () => {
  it('sort by age, and are as different as their random bytes', () => {
    fc.assert(
      fc.property(instant, instant, random, random, (a, b, x, y) => {
        const [one, other] = [makeId('request', a.at, x), makeId('request', b.at, y)];
        expect(one).toMatch(/^req_[0-9a-hjkmnp-tv-z]{26}$/);
        if (a.ms !== b.ms) expect(one < other).toBe(a.ms < b.ms);
        else expect(one === other).toBe(Buffer.compare(x.subarray(0, 10), y.subarray(0, 10)) === 0);
      }),
    );
    expect(() => makeId('run', Temporal.Instant.fromEpochMilliseconds(0), new Uint8Array(9))).toThrow(RangeError);
  });

  it('a reference holds all of its forty bits and no letter that is heard as another', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 5, maxLength: 5 }), (bytes) => {
        const reference = makeReference('R', bytes);
        expect(reference).toMatch(/^R-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
        const value = [...reference.slice(2).replace('-', '')].reduce(
          (sum, letter) => sum * 32n + BigInt('0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(letter)),
          0n,
        );
        expect(value.toString(16).padStart(10, '0')).toBe(Buffer.from(bytes).toString('hex'));
      }),
    );
    expect(() => makeReference('D', new Uint8Array(4))).toThrow(RangeError);
  });
});
