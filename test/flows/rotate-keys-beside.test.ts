import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Rotation } from '../../src/flows/rotate-keys.ts';
import { tokenFor } from '../support/people.ts';
import { waitUntil } from '../support/wait.ts';
import { type KeysWorld, openKeysWorld } from './keys-world.ts';

/** The program itself: a service in a process of its own, and verbs in others beside it. */

const main = ['--import', 'tsx', 'src/main.ts'];
const now = () => Temporal.Now.instant().toString();

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

/** Run a verb. @returns its one JSON document, and its exit code */
async function verb(world: KeysWorld, words: readonly string[], masterKey = '') {
  const env = { ...process.env, ...world.env, MUNIMENT_MASTER_KEY: masterKey };
  const ended = await promisify(execFile)(process.execPath, [...main, ...words, '--json'], { env }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string }) => error,
  );
  return { code: ended.code, said: JSON.parse(ended.stdout) as Rotation & { refused?: { detail: string } } };
}

interface Running extends AsyncDisposable {
  /** One call of the API, which seals under a case's key or opens what one sealed. */
  call(
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    key?: string,
  ): Promise<{ status: number; body: { id: string } }>;
}

async function startService(world: KeysWorld, token: string, masterKey = ''): Promise<Running> {
  const port = await freePort();
  const child: ChildProcess = spawn(process.execPath, [...main, 'serve', '--port', String(port)], {
    env: { ...process.env, ...world.env, MUNIMENT_MASTER_KEY: masterKey },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => (said += part.toString()));
  const up = async () => {
    if (child.exitCode !== null) throw new Error(`the service ended: ${said}`);
    return / is at http/.test(said);
  };
  await waitUntil(up, 60_000);
  return {
    async call(method, path, body, key) {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(key === undefined ? {} : { 'Idempotency-Key': key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as { id: string } };
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

const requestOf = (name: string) => ({
  type: 'access',
  subject: { name, identifiers: [{ kind: 'email', value: `${name}@example.com` }] },
});

async function tokenIn(world: KeysWorld, masterKey = ''): Promise<string> {
  const house = await world.open(now(), masterKey);
  const token = await tokenFor(house.office, { name: 'Privacy', role: 'privacy' });
  await house.close();
  return token;
}

describe('a service that runs while a verb rotates', () => {
  it('goes on with keys of a file: it opens what is there, seals under the new one, and fails nobody', async () => {
    await using world = await openKeysWorld();
    await using service = await startService(world, await tokenIn(world));
    const before = await service.call('POST', '/requests', requestOf('ada'), 'k-1');
    expect(before.status).toBe(201);

    const made: string[] = [];
    let isRotating = true;
    const callers = [0, 1].map(async (caller) => {
      for (let i = 0; isRotating; i++) {
        const { status, body } = await service.call('POST', '/requests', requestOf(`bea${caller}x${i}`));
        expect(status).toBe(201);
        made.push(body.id);
        expect((await service.call('GET', `/requests/${before.body.id}`)).status).toBe(200);
        await pause(100);
      }
    });
    const rotations: Rotation[] = [];
    for (let i = 0; i < 2; i++) {
      const { code, said } = await verb(world, ['keys', 'rotate']);
      expect(code, JSON.stringify(said)).toBe(0);
      rotations.push(said);
    }
    isRotating = false;
    await Promise.all(callers);
    expect(made.length).toBeGreaterThan(5);
    expect(rotations[0]).toMatchObject({ made: expect.any(String), kept: [{ version: 'generated' }] });

    for (const id of [before.body.id, ...made]) expect((await service.call('GET', `/requests/${id}`)).status).toBe(200);
    // The answer that was kept before is given again; what is sealed now is sealed under the newest key.
    expect(await service.call('POST', '/requests', requestOf('ada'), 'k-1')).toEqual(before);
    expect((await service.call('POST', '/requests', requestOf('cleo'))).status).toBe(201);
    const [last] = await world.database.sql`SELECT master_version FROM case_keys ORDER BY created_at DESC LIMIT 1`;
    expect(last?.master_version).toBe(rotations.at(-1)?.newest);
  }, 120_000);

  it('and has keys of the environment is protected from a key that it was not started with', async () => {
    await using world = await openKeysWorld();
    const [v1, v2] = [`v1:${'cd'.repeat(32)}`, `v2:${'ef'.repeat(32)}`];
    const token = await tokenIn(world, v1);
    {
      await using service = await startService(world, token, v1);
      expect((await service.call('POST', '/requests', requestOf('ada'))).status).toBe(201);
      const { code, said } = await verb(world, ['keys', 'rotate'], `${v2},${v1}`);
      expect(code).toBe(1);
      expect(said.refused?.detail).toContain('running without the master key v2');
      expect((await service.call('POST', '/requests', requestOf('bea'))).status).toBe(201);
    }
    await using service = await startService(world, token, `${v2},${v1}`);
    const { code, said } = await verb(world, ['keys', 'rotate'], `${v2},${v1}`);
    expect(code, JSON.stringify(said)).toBe(0);
    expect(said).toMatchObject({ newest: 'v2', made: null, kept: [{ version: 'v1', until: null }] });
    expect((await service.call('POST', '/requests', requestOf('cleo'))).status).toBe(201);
  }, 120_000);
});
