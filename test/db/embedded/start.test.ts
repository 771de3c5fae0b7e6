import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canReach } from '../../../src/db/embedded/account.ts';
import { runningServer, stopServer } from '../../../src/db/embedded/cluster.ts';
import { type EmbeddedDatabase, startEmbedded } from '../../../src/db/embedded/start.ts';
import { runUntil } from '../../support/crash.ts';

const script = fileURLToPath(new URL('./service.ts', import.meta.url));
const projectRoot = fileURLToPath(new URL('../../..', import.meta.url));
const isRoot = process.getuid?.() === 0;
/** Of the user `nobody`, when we are root and could run something as it. */
const nobody = isRoot ? { uid: idOfNobody('-u'), gid: idOfNobody('-g') } : null;
const nobodyReads = nobody !== null && canReach(projectRoot, nobody);

let base: string;
/** Spaces, quotes, other scripts, and longer than the path of a socket may be. */
let folder: string;
const children: ChildProcess[] = [];
const log = () => {};

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'muniment-embedded-')));
  chmodSync(base, 0o755);
  folder = join(base, `it's a "long" path $HOME`, 'Datenbank für Ömer 数据库', 'x'.repeat(60), 'database');
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await stopServer(join(folder, 'cluster'), 0);
  rmSync(base, { recursive: true, force: true, maxRetries: 5 });
});

interface Service {
  readonly child: ChildProcess;
  readonly said: { url?: string; port?: number; ms?: number; error?: string };
}

async function startService(as: { uid: number; gid: number } | null = null, ...words: string[]): Promise<Service> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder, ...words], {
    ...as,
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  for await (const line of createInterface({ input: child.stdout })) return { child, said: JSON.parse(line) };
  throw new Error('the service said nothing');
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = Promise.withResolvers<void>();
  child.once('exit', () => ended.resolve());
  child.kill(signal);
  await ended.promise;
}

async function query<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function server(): number | null {
  return runningServer(join(folder, 'cluster'));
}

function remember(database: Pick<EmbeddedDatabase, 'url'>, n: number): Promise<unknown> {
  return query(database.url('postgres'), async (sql) => {
    await sql`create table if not exists kept (n int primary key)`;
    await sql`insert into kept values (${n})`;
  });
}

function remembered(database: Pick<EmbeddedDatabase, 'url'>): Promise<number[]> {
  return query(database.url('postgres'), async (sql) =>
    (await sql<{ n: number }[]>`select n from kept order by n`).map(({ n }) => n),
  );
}

describe('the embedded database', () => {
  it('is made at the first start and kept over a restart, with its port and its password', async () => {
    const began = performance.now();
    const first = await startEmbedded({ folder, log });
    const firstMs = performance.now() - began;
    await remember(first, 1);
    const settings = await query(first.url('postgres'), async (sql) => {
      const rows = await sql<{ name: string; setting: string }[]>`
        select name, setting from pg_settings
        where name in ('server_encoding', 'data_checksums', 'ssl', 'listen_addresses', 'unix_socket_directories')`;
      const [locale] = await sql`select datlocprovider, datlocale from pg_database where datname = 'postgres'`;
      const [auth] = await sql`select array_agg(distinct auth_method) as methods from pg_hba_file_rules`;
      return { ...Object.fromEntries(rows.map(({ name, setting }) => [name, setting])), ...locale, ...auth };
    });
    expect(settings).toEqual({
      server_encoding: 'UTF8',
      data_checksums: 'on',
      ssl: 'off',
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      datlocprovider: 'b',
      datlocale: 'C.UTF-8',
      methods: ['scram-sha-256'],
    });
    await expect(query(first.url('postgres').replace(/:[^:@/]+@/, ':wrong@'), (sql) => sql`select 1`)).rejects.toThrow(
      'password authentication failed',
    );

    const stopBegan = performance.now();
    await first.stop();
    await first.stop();
    expect(performance.now() - stopBegan).toBeLessThan(5_000);
    expect(server()).toBeNull();

    const restartBegan = performance.now();
    const second = await startEmbedded({ folder, log });
    const restartMs = performance.now() - restartBegan;
    expect(second.url('x')).toBe(first.url('x'));
    expect(await remembered(second)).toEqual([1]);
    await second.stop();
    console.log(`first start ${firstMs.toFixed(0)} ms, restart ${restartMs.toFixed(0)} ms`);
  });

  it('keeps its password to the user who started it, and leaves no copy of it about', async () => {
    const database = await startEmbedded({ folder, log });
    const password = decodeURIComponent(new URL(database.url('x')).password);
    await database.stop();
    expect(statSync(join(folder, 'embedded.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'cluster')).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder).sort()).toEqual([
      'cluster',
      'embedded.json',
      'server.log',
      'start.lock',
      'system',
      'users.lock',
    ]);
    expect(readFileSync(join(folder, 'server.log'), 'utf8')).not.toContain(password);
  });

  it('makes a database once, whoever asks', async () => {
    const database = await startEmbedded({ folder, log });
    await Promise.all([1, 2, 3].map(() => database.ensureDatabase('kinfolk')));
    await database.ensureDatabase('kinfolk');
    const [row] = await query(database.url('kinfolk'), (sql) => sql`select current_database() as name`);
    expect(row?.name).toBe('kinfolk');
    expect(() => database.url('kinfolk?sslmode=x')).toThrow('not a plain database name');
    await database.stop();
  });

  it('takes another port when its own has gone to another program, and remembers that one', async () => {
    const first = await startEmbedded({ folder, log });
    await first.stop();
    const squatter = createServer((socket) => socket.on('error', () => {}).resume());
    await new Promise<void>((listening) => squatter.listen(first.port, '127.0.0.1', listening));
    const second = await startEmbedded({ folder, log });
    expect(second.port).not.toBe(first.port);
    await remember(second, 1);
    await second.stop();
    await new Promise((closed) => squatter.close(closed));
    const third = await startEmbedded({ folder, log });
    expect(third.port).toBe(second.port);
    await third.stop();
  });

  it('goes on when its service is killed: the next start finds it and uses it', async () => {
    const { child, said } = await startService();
    const service = { url: () => said.url ?? '' };
    await remember(service, 1);
    const pid = server();
    await end(child, 'SIGKILL');
    expect(server()).toBe(pid);

    const began = performance.now();
    const next = await startEmbedded({ folder, log });
    console.log(`found running: ${(performance.now() - began).toFixed(0)} ms`);
    expect(server()).toBe(pid);
    expect(await remembered(next)).toEqual([1]);
    await next.stop();
    expect(server()).toBeNull();
  });

  it('recovers when the server is killed, with every row that was acknowledged', async () => {
    const { said } = await startService();
    await remember({ url: () => said.url ?? '' }, 1);
    process.kill(server() ?? 0, 'SIGKILL');

    const began = performance.now();
    const next = await startEmbedded({ folder, log });
    console.log(`recovered: ${(performance.now() - began).toFixed(0)} ms`);
    expect(await remembered(next)).toEqual([1]);
    await next.stop();
  });

  it('is started again when the server is killed under a service that goes on', async () => {
    const { child, said } = await startService();
    const service = { url: () => said.url ?? '' };
    await remember(service, 1);
    const pid = server();
    process.kill(pid ?? 0, 'SIGKILL');
    await expect.poll(() => remembered(service).catch(() => []), { timeout: 20_000 }).toEqual([1]);
    expect(server()).not.toBe(pid);
    await end(child, 'SIGTERM');
    expect(server()).toBeNull();
  });

  it('recovers when a backend of the killed server is too busy to notice', async () => {
    const first = await startEmbedded({ folder, log });
    await remember(first, 1);
    const busy = query(
      first.url('postgres'),
      (sql) => sql`select sum(sqrt(n)) from generate_series(1, 1000000000) as n`,
    ).catch(() => {});
    await sleep(300);
    process.kill(server() ?? 0, 'SIGKILL');
    const next = await startEmbedded({ folder, log });
    expect(await remembered(next)).toEqual([1]);
    await busy;
    await next.stop();
    await first.stop();
  });

  it('is not fooled by a lock file whose number now belongs to a stranger', async () => {
    const first = await startEmbedded({ folder, log });
    await remember(first, 1);
    const lockFile = readFileSync(join(folder, 'cluster', 'postmaster.pid'), 'utf8');
    await first.stop();
    const stranger = spawn('sleep', ['60']);
    children.push(stranger);
    writeFileSync(join(folder, 'cluster', 'postmaster.pid'), lockFile.replace(/^\d+/, String(stranger.pid)));
    const next = await startEmbedded({ folder, log });
    expect(await remembered(next)).toEqual([1]);
    expect(stranger.exitCode).toBeNull();
    await next.stop();
  });

  it('is started once when several ask at the same time, and stopped by the last of them', async () => {
    const services = await Promise.all([startService(), startService(), startService()]);
    expect(new Set(services.map(({ said }) => said.url)).size).toBe(1);
    const pid = server();
    expect(pid).not.toBeNull();

    const verb = await startEmbedded({ folder, log });
    await verb.stop();
    expect(server()).toBe(pid);

    const [first, second, third] = services;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three were started');
    await end(first.child, 'SIGTERM');
    await end(second.child, 'SIGKILL');
    expect(server()).toBe(pid);
    await end(third.child, 'SIGTERM');
    expect(server()).toBeNull();
  });

  it('runs for an ordinary user, and root may step in without locking that user out', async (context) => {
    context.skip(!nobodyReads, 'needs root, and a checkout that other users can read');
    mkdirSync(folder, { recursive: true });
    for (let path = folder; path !== base; path = dirname(path)) chownSync(path, nobody?.uid ?? 0, nobody?.gid ?? 0);
    const first = await startService(nobody, 'once');
    expect(first.said.error).toBeUndefined();
    expect(statSync(join(folder, 'cluster')).uid).toBe(nobody?.uid);

    const asRoot = await startEmbedded({ folder, log });
    await remember(asRoot, 1);
    await asRoot.stop();

    const { child, said } = await startService(nobody);
    expect(said.error).toBeUndefined();
    expect(await remembered({ url: () => said.url ?? '' })).toEqual([1]);
    await end(child, 'SIGTERM');
    expect(server()).toBeNull();
  });

  it('moves to the open place when root starts it in a folder closed to everybody else', async (context) => {
    context.skip(!isRoot, 'needs root');
    chmodSync(base, 0o700);
    const lines: string[] = [];
    const database = await startEmbedded({ folder, log: (line) => lines.push(line) });
    const { cluster } = JSON.parse(readFileSync(join(folder, 'embedded.json'), 'utf8'));
    try {
      expect(cluster).toMatch(/^\/var\/lib\/muniment\/database-[0-9a-f]{8}$/);
      expect(lines.join('\n')).toContain(cluster);
      await remember(database, 1);
      await database.stop();
      const again = await startEmbedded({ folder, log });
      expect(await remembered(again)).toEqual([1]);
      await again.stop();
    } finally {
      await stopServer(cluster, 0);
      rmSync(cluster, { recursive: true });
      try {
        rmdirSync(dirname(cluster));
      } catch {
        // Somebody's own installation lives there as well.
      }
    }
  });
});

describe('a first start that was cut off', () => {
  it('is begun again when the machine died while the cluster was being made', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', script, folder], { cwd: projectRoot, stdio: 'ignore' });
    const begun = () =>
      existsSync(folder) && readdirSync(folder).some((name) => existsSync(join(folder, name, 'PG_VERSION')));
    while (!begun()) await sleep(5);
    await end(child, 'SIGKILL');
    expect(existsSync(join(folder, 'cluster'))).toBe(false);

    const database = await startEmbedded({ folder, log });
    await remember(database, 1);
    await database.stop();
    expect(readdirSync(folder).filter((name) => name.includes('making'))).toEqual([]);
  });

  it.each([
    ['before its password was kept', /embedded\.json$/, 'before'],
    ['after its password was kept', /embedded\.json$/, 'after'],
    ['before the cluster was put in its place', /cluster$/, 'before'],
    ['after the cluster was put in its place', /cluster$/, 'after'],
  ] as const)('is begun again or gone on with when it died %s', async (_, path, when) => {
    const ending = await runUntil({ script, args: [folder, 'once'] }, { on: 'rename', path, when });
    expect(ending.crashed).toBe(true);
    const database = await startEmbedded({ folder, log });
    await remember(database, 1);
    expect(await remembered(database)).toEqual([1]);
    await database.stop();
    expect(readdirSync(folder).filter((name) => name.includes('making'))).toEqual([]);
  });
});

describe('a folder that cannot be used', () => {
  it('is refused, untouched, when the cluster in it is not whole', async () => {
    await (await startEmbedded({ folder, log })).stop();
    rmSync(join(folder, 'cluster', 'global', 'pg_control'));
    await expect(startEmbedded({ folder, log })).rejects.toThrow('neither started nor replaced');
    expect(existsSync(join(folder, 'cluster', 'PG_VERSION'))).toBe(true);
  });

  it('is refused when another major version of PostgreSQL wrote it', async () => {
    await (await startEmbedded({ folder, log })).stop();
    writeFileSync(join(folder, 'cluster', 'PG_VERSION'), '17\n');
    await expect(startEmbedded({ folder, log })).rejects.toThrow('was written by PostgreSQL 17');
  });

  it('is refused when the password is lost or is another cluster’s', async () => {
    const first = await startEmbedded({ folder, log });
    const settings = readFileSync(join(folder, 'embedded.json'), 'utf8');
    rmSync(join(folder, 'embedded.json'));
    await expect(startEmbedded({ folder, log })).rejects.toThrow('embedded.json, is missing');
    writeFileSync(join(folder, 'embedded.json'), settings.replace(/"password": "[^"]+"/, '"password": "another"'));
    await expect(startEmbedded({ folder, log })).rejects.toThrow('does not take the password');
    writeFileSync(join(folder, 'embedded.json'), settings);
    await first.stop();
    expect(server()).toBeNull();
  });

  it('is refused when somebody in another container uses it', async () => {
    const { child } = await startService();
    child.kill('SIGSTOP');
    process.kill(server() ?? 0, 'SIGKILL');
    writeFileSync(join(folder, 'system'), 'elsewhere');
    await expect(startEmbedded({ folder, log })).rejects.toThrow('in use by Muniment in another container');
    await end(child, 'SIGKILL');
    await (await startEmbedded({ folder, log })).stop();
  });

  it('is named when it cannot be written', async (context) => {
    context.skip(isRoot && !nobodyReads, 'needs a checkout that other users can read');
    chmodSync(base, 0o555);
    const { said } = await startService(nobody, 'once');
    chmodSync(base, 0o755);
    expect(said.error).toContain('cannot be written by this user');
    expect(said.error).toContain('MUNIMENT_DATA');
  });
});

function idOfNobody(flag: string): number {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
}
