import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  linkSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigProblem, readConfig } from '../../src/config.ts';
import { environmentKeys, fileKeys } from '../../src/db/master-keys.ts';

const at = Temporal.Instant.from('2026-11-27T09:30:00Z');
const later = at.add({ hours: 24 * 90 });
const place = () => join(mkdtempSync(join(tmpdir(), 'master-')), 'master.key');

describe('master keys in a file', () => {
  it('are made once, readable by nobody else, and read again by whoever opens the file', () => {
    const path = place();
    const { keys, isNew } = fileKeys(path, at);
    expect(isNew).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(fileKeys(path, later)).toMatchObject({ isNew: false });
    expect(fileKeys(path, later).keys.current()).toEqual(keys.current());
    expect(keys.current()).toMatchObject([{ madeAt: at }]);
  });

  it('of an earlier release are one version without a date, and stay in the file as they were', () => {
    const path = place();
    const hex = 'ab'.repeat(32);
    writeFileSync(path, `${hex}\n`, { mode: 0o600 });
    const { keys } = fileKeys(path, at);
    expect(keys.current()).toEqual([
      { version: 'generated', key: new Uint8Array(Buffer.from(hex, 'hex')), madeAt: null },
    ]);
    const made = keys.make(at);
    expect(keys.current().map(({ version }) => version)).toEqual([made?.version, 'generated']);
    expect(readFileSync(path, 'utf8').split('\n')[1]).toBe(hex);
    expect(keys.destroy('generated')).toBe(true);
    expect(readFileSync(path, 'utf8')).not.toContain(hex);
    expect(() => keys.destroy(made?.version ?? '')).toThrow('never destroyed');
  });

  it('are seen by a process that was there before, and leave nothing beside the file', () => {
    const path = place();
    const [service, verb] = [fileKeys(path, at).keys, fileKeys(path, at).keys];
    const made = verb.make(later);
    expect(service.current()[0]).toEqual(made);
    expect(service.current()).toHaveLength(2);
    expect(readdirSync(join(path, '..'))).toEqual(['master.key']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('leave no copy when one is destroyed: not in drafts of a crash, nor in the bytes of the file that was', () => {
    const path = place();
    const { keys } = fileKeys(path, at);
    const [old] = keys.current();
    const hex = Buffer.from(old?.key ?? []).toString('hex');
    keys.make(later);
    writeFileSync(`${path}.4711.deadbeef.part`, `left by a crash ${hex}\n`);
    writeFileSync(`${path}.backup`, 'somebody else put this here');
    const former = openSync(path, 'r');
    keys.destroy(old?.version ?? '');
    expect(readFileSync(former, 'latin1')).not.toContain(hex);
    closeSync(former);
    expect(readdirSync(join(path, '..')).sort()).toEqual(['master.key', 'master.key.backup']);
    expect(readFileSync(path, 'utf8')).not.toContain(hex);
  });

  it('leave a copy alone that somebody linked: that is theirs', () => {
    const path = place();
    const { keys } = fileKeys(path, at);
    const before = readFileSync(path, 'utf8');
    linkSync(path, `${path}.snapshot`);
    keys.make(later);
    expect(readFileSync(`${path}.snapshot`, 'utf8')).toBe(before);
  });

  it('that are gone or spoiled are said to be, and never replaced by new ones', () => {
    const path = place();
    for (const text of ['', 'no key\n', `${'ab'.repeat(31)}\n`, `v1 ${'ab'.repeat(32)} yesterday\n`]) {
      writeFileSync(path, text);
      expect(() => fileKeys(path, at)).toThrow();
      expect(readFileSync(path, 'utf8')).toBe(text);
    }
  });

  it.skipIf(process.getuid?.() === 0)('that cannot be read are not taken for none', () => {
    const path = place();
    writeFileSync(path, `${'ab'.repeat(32)}\n`);
    chmodSync(path, 0o000);
    expect(() => fileKeys(path, at)).toThrow();
  });

  it('are one file, whole, after many first starts and rotations at once', () => {
    const path = place();
    const script = `import { fileKeys } from '${join(process.cwd(), 'src/db/master-keys.ts')}';
      console.log(Buffer.from(fileKeys(process.argv[1], Temporal.Now.instant()).keys.current()[0].key).toString('hex'))`;
    const starts = Array.from({ length: 3 }, () =>
      spawnSync(
        'sh',
        ['-c', `for i in 1 2 3; do node --import tsx --input-type=module -e "$0" "$1" & done; wait`, script, path],
        {
          encoding: 'utf8',
        },
      ),
    );
    const seen = starts.flatMap(({ stdout }) => stdout.trim().split('\n'));
    expect(seen).toHaveLength(9);
    expect(new Set(seen).size).toBe(1);
  }, 60_000);
});

describe('master keys in the environment', () => {
  const [a, b] = ['aa'.repeat(32), 'BB'.repeat(32)];
  const read = (text: string) =>
    readConfig({ MUNIMENT_MASTER_KEY: text }).masterKeys.map(
      ({ version, key }) => `${version}:${Buffer.from(key).toString('hex').slice(0, 2)}`,
    );

  it('are one by itself, or several by their names, newest first', () => {
    expect(read(a)).toEqual(['env:aa']);
    expect(read(`v2:${b}, env:${a}`)).toEqual(['v2:bb', 'env:aa']);
  });

  it('of a list without names are refused: the new one would take the name of the old', () => {
    for (const text of [`${b},${a}`, `v2:${b},${a}`, `v1:${a},v1:${b}`, `v1:${a},`, `v 1:${a}`, `:${a}`, a.slice(2)])
      expect(() => read(text), text).toThrow(ConfigProblem);
  });

  it('are for whoever runs the service to make and remove', () => {
    const keys = environmentKeys([{ version: 'v1', key: new Uint8Array(32) }]);
    expect(keys.make(at)).toBeNull();
    expect(keys.destroy('v1')).toBe(false);
    expect(keys.current()).toHaveLength(1);
    expect(() => environmentKeys([])).toThrow();
  });
});
