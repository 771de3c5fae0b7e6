import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { emptyDatabase } from './support/database.ts';
import { waitUntil } from './support/wait.ts';

/** Whether any process of the group is left. */
function isAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

it('npm start ends with the service when npm alone is told to, as a supervisor does', async () => {
  await using database = await emptyDatabase();
  const data = mkdtempSync(join(tmpdir(), 'start-'));
  const child = spawn('npm', ['run', 'start', '--', '--no-demo', '--port', '0'], {
    detached: true,
    env: {
      ...process.env,
      DATABASE_URL: database.url,
      APP_DATABASE_URL: database.url,
      KINFOLK_FILES: data,
      MUNIMENT_DATA: data,
    },
  });
  const group = child.pid ?? 0;
  try {
    let printed = '';
    child.stdout.on('data', (part: Buffer) => {
      printed += part.toString();
    });
    await waitUntil(async () => / is at http/.test(printed), 60_000);
    const ended = once(child, 'exit');
    process.kill(group, 'SIGTERM');
    await ended;
    await waitUntil(async () => !isAlive(group), 15_000);
    expect(printed).toContain('Stopping;');
  } finally {
    if (isAlive(group)) process.kill(-group, 'SIGKILL');
  }
}, 90_000);
