import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256, toHex } from '../../src/core/hash.ts';
import { auditLedger, type StoredTile } from '../../src/ledger/audit.ts';
import { formatCheckpoint, parseCheckpoint } from '../../src/ledger/checkpoint.ts';
import { emptyRoot, Frontier, leafHash, nodeHash, rootOf } from '../../src/ledger/merkle.ts';
import { formatVerifierKey, isKeyName, parseNote } from '../../src/ledger/note.ts';
import {
  consistencyProof,
  inclusionProof,
  type ReadNode,
  verifyConsistency,
  verifyInclusion,
} from '../../src/ledger/proofs.ts';
import { formatEntryBundle, parseEntryBundle, parseTilePath, tileOfNode, tilePath } from '../../src/ledger/tile.ts';

const leaves = (count: number) => Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));

/** The definition of RFC 6962 section 2.1, word for word. */
function naiveRoot(list: readonly Uint8Array[]): Uint8Array {
  const [only] = list;
  if (!only) return sha256('');
  if (list.length === 1) return only;
  let k = 1;
  while (k * 2 < list.length) k *= 2;
  return nodeHash(naiveRoot(list.slice(0, k)), naiveRoot(list.slice(k)));
}

const reader =
  (list: readonly Uint8Array[]): ReadNode =>
  async (level, index) =>
    naiveRoot(list.slice(index * 2 ** level, (index + 1) * 2 ** level));

describe('the tree', () => {
  it('has the root of the definition at every size, from the frontier alone', () => {
    const list = leaves(70);
    const frontier = new Frontier();
    expect(toHex(frontier.root())).toBe(toHex(emptyRoot));
    for (const [index, leaf] of list.entries()) {
      frontier.append(leaf);
      expect(toHex(frontier.root())).toBe(toHex(naiveRoot(list.slice(0, index + 1))));
      expect(toHex(new Frontier(frontier.size, frontier.peaks).root())).toBe(toHex(frontier.root()));
    }
  });

  it('proves every leaf and every earlier self, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 90 }), fc.nat(), fc.nat(), async (size, a, b) => {
        const list = leaves(size);
        const root = rootOf(list);
        const index = a % size;
        const proof = await inclusionProof(reader(list), index, size);
        const leaf = list[index] ?? new Uint8Array();
        expect(verifyInclusion({ index, size, leaf, root }, proof)).toBe(true);
        expect(verifyInclusion({ index, size, leaf: leafHash(leaf), root }, proof)).toBe(false);
        if (size > 1) expect(verifyInclusion({ index: (index + 1) % size, size, leaf, root }, proof)).toBe(false);
        const from = (b % size) + 1;
        const fromRoot = rootOf(list.slice(0, from));
        const consistent = await consistencyProof(reader(list), from, size);
        expect(verifyConsistency({ from, to: size, fromRoot, toRoot: root }, consistent)).toBe(true);
        expect(verifyConsistency({ from, to: size, fromRoot: leafHash(fromRoot), toRoot: root }, consistent)).toBe(
          false,
        );
      }),
      { numRuns: 60 },
    );
  });
});

/** The tiles of a ledger by the definition, as a database keeps them. */
function tilesOf(list: readonly Uint8Array[]): Map<string, Uint8Array> {
  const tiles = new Map<string, Uint8Array>();
  for (let level = 0, hashes = [...list]; hashes.length > 0; level++) {
    for (let at = 0; at < hashes.length; at += 256)
      tiles.set(`${level}/${at / 256}`, new Uint8Array(Buffer.concat(hashes.slice(at, at + 256))));
    hashes = Array.from({ length: Math.floor(hashes.length / 256) }, (_, i) =>
      naiveRoot(hashes.slice(i * 256, (i + 1) * 256)),
    );
  }
  return tiles;
}

describe('the audit', () => {
  const entries = (count: number, change?: (i: number, bytes: Buffer) => Buffer) =>
    (async function* () {
      for (let index = 0; index < count; index++) {
        const bytes = Buffer.from(`leaf ${index}`);
        yield { index, bytes: change?.(index, bytes) ?? bytes, leafHash: leafHash(bytes) };
      }
    })();
  const roots = [3, 8].map((size) => ({ size, root: rootOf(leaves(size)) }));
  const stored =
    (tiles: ReadonlyMap<string, Uint8Array>): StoredTile =>
    async (level, index) =>
      tiles.get(`${level}/${index}`) ?? null;
  const ten = stored(tilesOf(leaves(10)));

  it('passes a ledger that is whole, whatever the order of the roots', async () => {
    expect(await auditLedger(entries(10), roots, ten)).toMatchObject({ ok: true, size: 10, checkpoints: 2 });
    expect(await auditLedger(entries(10), [...roots].reverse(), ten)).toMatchObject({ ok: true });
    expect(await auditLedger(entries(0), [], stored(new Map()))).toMatchObject({ ok: true, size: 0 });
  });

  it('names the first bad index', async () => {
    expect(
      await auditLedger(
        entries(10, (i, b) => (i === 5 ? Buffer.from('x') : b)),
        roots,
        ten,
      ),
    ).toMatchObject({ ok: false, index: 5 });
    const wrongEmpty = [{ size: 0, root: rootOf(leaves(1)) }];
    expect(await auditLedger(entries(10), wrongEmpty, ten)).toMatchObject({ ok: false, index: 0 });
  });

  it('notices a rewritten entry with a matching leaf hash and tiles, by the checkpoint', async () => {
    const bytesOf = (index: number) => Buffer.from(index === 1 ? 'forged' : `leaf ${index}`);
    const forged = (async function* () {
      for (let index = 0; index < 10; index++)
        yield { index, bytes: bytesOf(index), leafHash: leafHash(bytesOf(index)) };
    })();
    const tiles = tilesOf(Array.from({ length: 10 }, (_, i) => leafHash(bytesOf(i))));
    expect(await auditLedger(forged, roots, stored(tiles))).toMatchObject({ ok: false, index: 2 });
  });

  it('notices an entry that is missing, twice there, or cut off', async () => {
    const at = async function* (indices: readonly number[]) {
      for (const index of indices) {
        const bytes = Buffer.from(`leaf ${index}`);
        yield { index, bytes, leafHash: leafHash(bytes) };
      }
    };
    expect(await auditLedger(at([0, 1, 3]), [], ten)).toMatchObject({ ok: false, index: 2, reason: /missing/ });
    expect(await auditLedger(at([0, 1, 1]), [], ten)).toMatchObject({ ok: false, index: 1, reason: /twice/ });
    expect(await auditLedger(entries(6), roots, ten)).toMatchObject({ ok: false, index: 6 });
  });

  it('notices any changed, missing or added byte of any tile, and names an index it stands for', async () => {
    const list = leaves(600);
    const whole = tilesOf(list);
    expect([...whole.keys()]).toEqual(['0/0', '0/1', '0/2', '1/0']);
    expect(await auditLedger(entries(600), [], stored(whole))).toMatchObject({ ok: true });
    const keys = [...whole.keys()];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...keys),
        fc.nat(),
        fc.constantFrom('flip', 'drop', 'cut', 'add'),
        async (key, place, how) => {
          const tiles = new Map(whole);
          const bytes = Buffer.from(whole.get(key) ?? []);
          const at = place % bytes.length;
          bytes[at] = (bytes[at] ?? 0) ^ 1;
          if (how === 'flip') tiles.set(key, bytes);
          else if (how === 'drop') tiles.delete(key);
          else if (how === 'cut') tiles.set(key, (whole.get(key) ?? new Uint8Array()).subarray(0, at));
          else tiles.set(key, new Uint8Array([...(whole.get(key) ?? []), ...leafHash(bytes)]));
          const [level = 0, index = 0] = key.split('/').map(Number);
          const found = await auditLedger(entries(600), [], stored(tiles));
          expect(found.ok).toBe(false);
          if (found.ok) return;
          if (how === 'flip') expect(found.index).toBe((index * 256 + Math.floor(at / 32)) * 256 ** level);
          expect(found.reason).toContain(`${level}/${index}`);
        },
      ),
      { numRuns: 40 },
    );
    const extra = new Map(whole).set('2/0', leafHash(Buffer.from('x')));
    expect(await auditLedger(entries(600), [], stored(extra))).toMatchObject({ ok: false });
  });
});

describe('formats', () => {
  it('writes and reads checkpoints', () => {
    const checkpoint = { origin: 'example.com/ledger', size: 7, root: new Uint8Array(rootOf(leaves(7))) };
    expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
    const text = formatCheckpoint(checkpoint);
    expect(parseCheckpoint(`${text}more\n`)).toEqual(checkpoint);
    for (const bad of ['', 'o\n-1\nAAAA\n', 'o\n01\nAAAA\n', 'o\n1\nnot base64\n', 'o\n1', text.slice(0, -1)])
      expect(parseCheckpoint(bad), bad).toBeNull();
    for (const bad of [`${text}more`, `${text}\n`, `${text}more\n\nand more\n`])
      expect(parseCheckpoint(bad)).toBeNull();
    for (const bad of [{ origin: 'a\nb' }, { origin: '' }, { size: -1 }, { size: 0.5 }, { root: new Uint8Array(31) }])
      expect(() => formatCheckpoint({ ...checkpoint, ...bad }), JSON.stringify(bad)).toThrow(RangeError);
  });

  it('writes tile paths as the specification does', () => {
    expect(tilePath({ level: 0, index: 1234067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 1, index: 0, width: 5 })).toBe('tile/1/000.p/5');
    fc.assert(
      fc.property(
        fc.nat({ max: 63 }),
        fc.nat({ max: 2 ** 40 }),
        fc.integer({ min: 1, max: 256 }),
        (level, index, width) => {
          expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
        },
      ),
    );
    for (const bad of [
      'tile/0/1',
      'tile/0/000.p/256',
      'tile/0/x000/001',
      'tile/64/000',
      'tile/0/../000',
      'tile/00/000',
    ])
      expect(parseTilePath(bad), bad).toBeNull();
  });

  it('finds each node in its tile', () => {
    expect(tileOfNode(0, 300)).toEqual({ level: 0, index: 1, first: 44, count: 1 });
    expect(tileOfNode(3, 2)).toEqual({ level: 0, index: 0, first: 16, count: 8 });
    expect(tileOfNode(8, 5)).toEqual({ level: 1, index: 0, first: 5, count: 1 });
  });

  it('packs entries and refuses lengths that lie', () => {
    const list = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(65_535, 1)].map((b) => new Uint8Array(b));
    expect(parseEntryBundle(formatEntryBundle(list))).toEqual(list);
    expect(parseEntryBundle(new Uint8Array([0, 5, 1]))).toBeNull();
    expect(() => formatEntryBundle([new Uint8Array(65_536)])).toThrow(RangeError);
    expect(() => formatEntryBundle(Array.from({ length: 257 }, () => new Uint8Array(1)))).toThrow(RangeError);
  });

  it('refuses hostile notes by name', () => {
    expect(parseNote('')).toEqual({ fault: 'no_signatures' });
    expect(parseNote('a\n\n- x AAAAAAA=\n')).toEqual({ fault: 'signature_line_malformed' });
    expect(parseNote('a\n\n— x !!!\n')).toEqual({ fault: 'signature_line_malformed' });
    expect(parseNote('a\u0007\n\n— x AAAAAAA=\n')).toEqual({ fault: 'not_utf8_text' });
    expect(parseNote('x'.repeat(1_000_001))).toEqual({ fault: 'too_large' });
    for (const bad of ['', 'a b', 'a+b', 'a\u0085b', 'a\u00a0b', 'a\u2003b', 'a\u3000b', '\ud800'])
      expect(isKeyName(bad), JSON.stringify(bad)).toBe(false);
    expect(parseNote('a\u007f\n\n— x AAAAAAA=\n')).toHaveProperty('text', 'a\u007f\n');
    expect(() => formatVerifierKey('x', new Uint8Array(31))).toThrow(TypeError);
    expect(() => formatVerifierKey('x y', new Uint8Array(32))).toThrow(TypeError);
    const equalSizes = { from: 1, to: 1, fromRoot: new Uint8Array(), toRoot: new Uint8Array() };
    expect(verifyConsistency(equalSizes, [])).toBe(false);
  });
});
