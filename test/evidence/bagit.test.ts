import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Bag, checkBag, checksumList, readChecksumList } from '../../src/evidence/bagit.ts';
import { shared } from '../support/tools.ts';

const suite = shared('data/bagit/v0.97') ?? '';
const bags = (kind: string) => (suite === '' ? [] : readdirSync(join(suite, kind)));

function folderBag(folder: string): Bag {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const read = async (path: string) => readFileSync(join(folder, path));
  return {
    paths,
    read,
    digest: async (path, algorithm) =>
      createHash(algorithm)
        .update(await read(path))
        .digest('hex'),
  };
}

function memoryBag(files: Readonly<Record<string, string>>): Bag {
  const read = async (path: string) => Buffer.from(files[path] ?? '');
  return {
    paths: Object.keys(files),
    read,
    digest: async (path, algorithm) =>
      createHash(algorithm)
        .update(await read(path))
        .digest('hex'),
  };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const declaration = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n';

describe.skipIf(suite === '')('the Library of Congress conformance suite (skipped where its bags are absent)', () => {
  it('has the bags this test was written for', () => {
    expect([bags('valid').length, bags('invalid').length]).toEqual([12, 5]);
  });
  it.each(bags('valid'))('accepts the valid bag %s', async (name) => {
    expect(await checkBag(folderBag(join(suite, 'valid', name)))).toEqual([]);
  });
  it.each(bags('invalid'))('refuses the invalid bag %s', async (name) => {
    expect(await checkBag(folderBag(join(suite, 'invalid', name)))).not.toEqual([]);
  });
});

describe('a bag', () => {
  const bag = (list: string, more: Readonly<Record<string, string>> = {}) =>
    memoryBag({ 'bagit.txt': declaration, 'data/a.txt': 'a', 'manifest-sha256.txt': list, ...more });
  const codes = async (made: Bag) => (await checkBag(made)).map((problem) => problem.code);

  it('is valid when the list fits', async () => {
    expect(await codes(bag(`${sha256('a')}  data/a.txt\n`))).toEqual([]);
  });
  it('may not list a path outside itself', async () => {
    for (const path of ['data/../../etc/passwd', '/etc/passwd', '~/x', 'C:/x', 'data\\..\\..\\x'])
      expect(await codes(bag(`${sha256('a')}  data/a.txt\n${sha256('a')}  ${path}\n`))).toContain('path_forbidden');
  });
  it('may not fetch a file to a place outside its payload', async () => {
    const made = bag(`${sha256('a')}  data/a.txt\n`, { 'fetch.txt': 'http://example.com/x - ../x\n' });
    expect(await codes(made)).toEqual(['fetch_forbidden_path']);
  });
  it('may not list a file twice', async () => {
    expect(await codes(bag(`${sha256('a')}  data/a.txt\n`.repeat(2)))).toEqual(['path_listed_twice']);
  });
  it('is incomplete with a file unlisted, missing or changed', async () => {
    expect(await codes(bag(''))).toEqual(['file_unlisted']);
    expect(await codes(bag(`${sha256('a')}  data/a.txt\n${sha256('b')}  data/b.txt\n`))).toEqual(['file_missing']);
    expect(await codes(bag(`${sha256('b')}  data/a.txt\n`))).toEqual(['file_changed']);
  });
});

describe('a checksum list', () => {
  it('is in path order, in the form sha256sum reads', () => {
    const list = checksumList([
      { path: 'data/b', sha256: sha256('b') },
      { path: 'data/a', sha256: sha256('a') },
    ]);
    expect(list).toBe(`${sha256('a')}  data/a\n${sha256('b')}  data/b\n`);
  });
  it('reads back a name with line ends and percent signs', () => {
    const path = 'data/100%\r\nreal%7E';
    expect(readChecksumList(checksumList([{ path, sha256: sha256('') }]))?.[0]?.path).toBe(path);
  });
});
