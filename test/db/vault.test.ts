import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/connect.ts';
import { environmentKeys } from '../../src/db/master-keys.ts';
import { decrypt, encrypt, openVault } from '../../src/db/vault.ts';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const bytes = fc.uint8Array({ maxLength: 300 });
const context = fc.string({ maxLength: 40 });
const version = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
const versions = fc.uniqueArray(fc.record({ version, key }), {
  minLength: 2,
  maxLength: 5,
  comparator: (a, b) => a.version === b.version || Buffer.compare(a.key, b.key) === 0,
});

/** Wrapping asks no database; nothing listens here. */
const db = openDatabase('postgres://nobody@127.0.0.1:1/nothing');
const vaultOf = (keys: Parameters<typeof environmentKeys>[0]) => openVault(db, environmentKeys(keys));

describe('what is encrypted', () => {
  it('opens with the same key and context, and never twice the same', () => {
    fc.assert(
      fc.property(key, bytes, context, (own, plain, where) => {
        const sealed = encrypt(own, plain, where);
        expect(Buffer.compare(decrypt(own, sealed, where), plain)).toBe(0);
        expect(Buffer.compare(sealed, encrypt(own, plain, where))).not.toBe(0);
      }),
    );
  });

  it('opens with no other key, in no other place, and with no bit changed or cut off', () => {
    fc.assert(
      fc.property(key, key, bytes, context, context, fc.nat(), (own, other, plain, where, elsewhere, at) => {
        fc.pre(where !== elsewhere && Buffer.compare(own, other) !== 0);
        const sealed = encrypt(own, plain, where);
        expect(() => decrypt(other, sealed, where)).toThrow();
        expect(() => decrypt(own, sealed, elsewhere)).toThrow();
        const changed = Buffer.from(sealed);
        const bit = at % (changed.length * 8);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => decrypt(own, changed, where)).toThrow();
        expect(() => decrypt(own, sealed.subarray(0, at % sealed.length), where)).toThrow();
      }),
    );
  });
});

describe('what a master key wraps', () => {
  it('opens as long as its version is there, in whatever order, and not without it', () => {
    fc.assert(
      fc.property(versions, bytes, context, fc.nat(), (keys, secret, where, turn) => {
        const wrapped = vaultOf(keys).wrap(secret, where);
        const turned = [...keys.slice(turn % keys.length), ...keys.slice(0, turn % keys.length)];
        expect(Buffer.compare(vaultOf(turned).unwrap(wrapped, where), secret)).toBe(0);
        expect(() => vaultOf(keys.slice(1)).unwrap(wrapped, where)).toThrow('not configured');
      }),
    );
  });

  it('opens, wrapped anew, with the newest version alone, however often it was', () => {
    fc.assert(
      fc.property(versions, bytes, context, (keys, secret, where) => {
        let wrapped = vaultOf(keys.slice(0, 1)).wrap(secret, where);
        for (const [i, newer] of keys.entries())
          if (i > 0) {
            const both = vaultOf([newer, ...keys.slice(i - 1, i)]);
            wrapped = both.wrap(both.unwrap(wrapped, where), where);
          }
        expect(Buffer.compare(vaultOf(keys.slice(-1)).unwrap(wrapped, where), secret)).toBe(0);
        expect(() => vaultOf(keys.slice(0, -1)).unwrap(wrapped, where)).toThrow('not configured');
      }),
    );
  });

  it('as the key of a case is bound to that case', () => {
    fc.assert(
      fc.property(versions, key, context, context, (keys, secret, id, other) => {
        fc.pre(id !== other);
        const [newest, ...older] = keys;
        const [old] = older;
        if (!newest || !old) throw new Error('there are two or more');
        const wrapped = encrypt(old.key, secret, `case:${id}`);
        const anew = vaultOf(keys).rewrapCase(id, wrapped, old.version);
        expect(anew.version).toBe(newest.version);
        expect(Buffer.compare(decrypt(newest.key, anew.wrapped, `case:${id}`), secret)).toBe(0);
        expect(() => vaultOf(keys).rewrapCase(other, wrapped, old.version)).toThrow();
      }),
    );
  });
});
