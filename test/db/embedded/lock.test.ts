import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tryLock, waitForLock } from '../../../src/db/embedded/lock.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'muniment-lock-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('many may share a lock, one may have it alone', () => {
  const file = join(folder, 'a.lock');
  const first = tryLock(file, 'shared');
  const second = tryLock(file, 'shared');
  expect([first, second]).not.toContain(null);
  expect(tryLock(file, 'exclusive')).toBeNull();
  first?.release();
  expect(tryLock(file, 'exclusive')).toBeNull();
  second?.release();
  const alone = tryLock(file, 'exclusive');
  expect(alone).not.toBeNull();
  expect(tryLock(file, 'shared')).toBeNull();
  alone?.release();
  alone?.release();
  tryLock(file, 'shared')?.release();
});

it('a lock is free the moment its holder is killed', async () => {
  const file = join(folder, 'b.lock');
  const module = new URL('../../../src/db/embedded/lock.ts', import.meta.url).href;
  const holder = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      `const { tryLock } = await import(${JSON.stringify(module)});
       tryLock(${JSON.stringify(file)}, 'exclusive'); console.log('held'); setInterval(() => {}, 1000)`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise((said) => holder.stdout.once('data', said));
  expect(tryLock(file, 'shared')).toBeNull();
  const waiting = waitForLock(file, 'exclusive', 10_000);
  holder.kill('SIGKILL');
  const lock = await waiting;
  expect(lock).not.toBeNull();
  lock?.release();
});
