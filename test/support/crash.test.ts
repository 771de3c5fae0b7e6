import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { crashAtEveryStatement, runUntil } from './crash.ts';
import { emptyDatabase } from './database.ts';

const script = new URL('./crash-victim.ts', import.meta.url);

it('a program is killed at every statement, before it is sent and after it is answered', async () => {
  const seen: string[] = [];
  const tried = await crashAtEveryStatement(
    async () => {
      const database = await emptyDatabase();
      await database.sql`create table kept (n int primary key)`;
      return { database, program: { script, databases: { VICTIM_URL: database.url } } };
    },
    async ({ database }, { when, statement }) => {
      const [row] = await database.sql<{ count: number }[]>`select count(*)::int as count from kept`;
      seen.push(`${when} ${statement.trim().slice(0, 6)} ${row?.count}`);
      await database.drop();
    },
    /insert|commit/i,
  );
  expect(tried).toBe(6);
  // Two inserts in one transaction: nothing counts until the commit was executed, and then both do.
  expect(seen).toEqual([
    'before insert 0',
    'after insert 0',
    'before insert 0',
    'after insert 0',
    'before commit 0',
    'after commit 2',
  ]);
});

it('a program is killed around a call of the file system', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'muniment-crash-'));
  const program = { script, env: { VICTIM_FOLDER: folder } };
  try {
    const before = await runUntil(program, { on: 'rename', when: 'before' });
    expect(before.crashed).toBe(true);
    expect(existsSync(join(folder, 'making'))).toBe(true);
    expect(existsSync(join(folder, 'made'))).toBe(false);

    const after = await runUntil(program, { on: 'rename', when: 'after' });
    expect(after.crashed).toBe(true);
    expect(existsSync(join(folder, 'made'))).toBe(true);
    expect(after.stdout).toBe('');

    const whole = await runUntil(program, { on: 'rename', nth: 2, when: 'before' });
    expect(whole).toMatchObject({ crashed: false, code: 0, stdout: 'renamed\n' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
