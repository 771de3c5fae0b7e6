import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lines, recordsWriter } from '../../src/artifacts/ndjson.ts';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import { sha256, toHex } from '../../src/core/hash.ts';
import { canonicalRecord, rebuildTree, recordLeaf, recordSalt } from '../../src/evidence/records.ts';
import { memorySink, once } from '../artifacts/sample-package.ts';

const key = Buffer.alloc(32, 1);

async function write(count: number, withheld: (index: number) => boolean) {
  const [records, tree] = [memorySink(), memorySink()];
  const writer = recordsWriter(records, tree, key);
  for (let index = 0; index < count; index++) {
    const record = { id: String(index), body: `text ${index}\n` };
    await (withheld(index) ? writer.withhold(`m/${index}`, record) : writer.add(`m/${index}`, record));
  }
  return { ...(await writer.end()), records: records.bytes(), tree: tree.bytes() };
}

describe('a canonical record', () => {
  it('is RFC 8785 for everything that RFC can say', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
        const value = JSON.parse(JSON.stringify(record));
        expect(canonicalRecord(value)).toBe(canonicalJson(value));
      }),
    );
  });
  it('escapes a lone surrogate where the RFC gives up, so that no message can stop an export', () => {
    expect(canonicalRecord({ body: 'a\ud800b' })).toBe('{"body":"a\\ud800b"}');
  });
});

describe('the record tree', () => {
  it('has the leaves of the format: SHA-256(0x00, salt, line)', () => {
    const salt = recordSalt(key, 'm/1');
    const expected = sha256(Buffer.concat([Uint8Array.of(0), salt, Buffer.from('{"a":"é"}')]));
    expect(toHex(recordLeaf(salt, '{"a":"é"}'))).toBe(toHex(expected));
  });
  it('is the same for a redacted and a full export of one scope', async () => {
    const [full, redacted] = [await write(9, () => false), await write(9, (index) => index % 3 === 1)];
    expect(redacted.root).toBe(full.root);
    const [shown, kept] = [full, redacted].map((made) => Buffer.from(made.tree).toString('utf8'));
    expect(shown).toContain(toHex(recordSalt(key, 'm/1')));
    expect(kept).not.toContain(toHex(recordSalt(key, 'm/1')));
  });
  it('is rebuilt from the files, and any changed, dropped, added or swapped record shows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.nat(), fc.nat(), async (count, skip, at) => {
        const made = await write(count, (index) => index === skip % (count + 1));
        const rebuilt = (records: Uint8Array) => rebuildTree(lines(once(made.tree)), lines(once(records)));
        expect(await rebuilt(made.records)).toMatchObject({ root: made.root, size: made.size });
        if (made.records.length === 0) return;
        const flipped = Buffer.from(made.records);
        flipped[at % flipped.length] = (flipped[at % flipped.length] ?? 0) ^ 1;
        const kept = made.records.toString().split('\n').slice(1).join('\n');
        for (const changed of [flipped, Buffer.from(kept), Buffer.concat([made.records, Buffer.from('{}\n')])])
          expect(await rebuilt(changed)).not.toMatchObject({ root: made.root, size: made.size });
      }),
      { numRuns: 60 },
    );
  });
});

describe('lines', () => {
  it('come out whole however the bytes were cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.stringMatching(/^[a-z]*$/)), fc.integer({ min: 1, max: 7 }), async (texts, size) => {
        const all = Buffer.from(texts.map((text) => `${text}\n`).join(''));
        async function* cut() {
          for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
        }
        const read: string[] = [];
        for await (const line of lines(cut())) read.push(Buffer.from(line).toString());
        expect(read).toEqual(texts);
      }),
    );
  });
});
