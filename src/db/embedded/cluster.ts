import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chown, mkdir, open, readdir, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import type { ServerAccount } from './account.ts';
import type { Binaries } from './binaries.ts';
import { EmbeddedDatabaseError, explainWriteFailure, systemCode } from './fault.ts';

/** The one role the cluster is made with. It makes databases and roles; nothing is done with records in its name. */
export const superuser = 'muniment';

/** A cluster on disk, and what it takes to run it. */
export interface Cluster {
  /** PGDATA: belongs to the account, mode 0700. */
  readonly folder: string;
  readonly binaries: Binaries;
  /** Null: the server runs as we do. */
  readonly account: ServerAccount | null;
  readonly password: string;
}

/** @throws RangeError for the name of a database or role that is not plain: a–z, 0–9, _ */
export function demandPlainName(name: string): void {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new RangeError(`"${name}" is not a plain database name`);
}

/** A new cluster is 39 MB; below this (in bytes) it is not worth beginning. */
const spaceNeeded = 200 * 1024 * 1024;

/** No server settings of the person at the shell (PGDATA, PGPORT, LANG, …) reach the cluster. */
const cleanEnvironment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/**
 * `postgres://…` of one database of a cluster that listens on `port`.
 * @param database a plain name (a–z, 0–9, _): clients differ in how they read any other out of a URL
 * @param role a plain name too; `password` is that role's
 */
export function clusterUrl(password: string, port: number, database: string, role = superuser): string {
  demandPlainName(database);
  demandPlainName(role);
  return `postgres://${role}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}

/**
 * Make the cluster. It is made beside its place and renamed when it is whole and on disk, so a folder with that name is
 * always a finished cluster, and what a crash left half done is thrown away by the next attempt. The caller holds the
 * installation's lock.
 * @param beforeItCounts runs when the cluster is finished and not yet in its place
 * @param sync false leaves writing to the disk to the system: for tests
 */
export async function initialiseCluster(
  cluster: Cluster,
  beforeItCounts: () => Promise<void>,
  sync = true,
): Promise<void> {
  const parent = dirname(cluster.folder);
  const prefix = `${basename(cluster.folder)}.making-`;
  for (const left of await readdir(parent)) {
    if (left.startsWith(prefix)) await rm(join(parent, left), { recursive: true, force: true, maxRetries: 5 });
  }
  await demandSpace(parent);

  const making = join(parent, `${prefix}${process.pid}`);
  const passwordFile = `${making}.password`;
  try {
    await mkdir(making, { mode: 0o700 });
    await writeFile(passwordFile, cluster.password, { mode: 0o600, flag: 'wx' });
    if (cluster.account !== null) {
      await chown(making, cluster.account.uid, cluster.account.gid);
      await chown(passwordFile, cluster.account.uid, cluster.account.gid);
    }
    await runInitdb(cluster, making, passwordFile, sync);
    await rm(passwordFile);
    await beforeItCounts();
    await rename(making, cluster.folder);
    await syncFolder(parent);
  } catch (error) {
    await rm(making, { recursive: true, force: true, maxRetries: 5 });
    throw explainWriteFailure(error, parent);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function runInitdb(cluster: Cluster, folder: string, passwordFile: string, sync: boolean): Promise<void> {
  const ran = await run(
    cluster.binaries.initdb,
    [
      `--pgdata=${folder}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // The same order and case rules on every machine, whatever its C library and its LANG.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--data-checksums',
      ...(sync ? [] : ['--no-sync']),
    ],
    cluster.account,
  );
  if (ran.code === 0) return;
  if (/no space left|disk quota/i.test(ran.output)) {
    throw explainWriteFailure(Object.assign(new Error(ran.output), { code: 'ENOSPC' }), dirname(folder));
  }
  throw new EmbeddedDatabaseError(
    `PostgreSQL could not make a new database: ${lastLines(ran.output)}`,
    'No database was started, and the unfinished one was removed.',
    'Mend what it names and start again, or name your own PostgreSQL in DATABASE_URL.',
  );
}

async function demandSpace(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < spaceNeeded) {
    throw explainWriteFailure(Object.assign(new Error('below the least space'), { code: 'ENOSPC' }), folder);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws when what lies in the cluster's place is no cluster of these binaries' major version. Nothing is touched. */
export async function demandWhole(cluster: Cluster): Promise<void> {
  const found = await readFile(join(cluster.folder, 'PG_VERSION'), 'utf8').catch((error) => {
    if (systemCode(error) === 'ENOENT') return '';
    throw explainWriteFailure(error, cluster.folder);
  });
  if (found.trim() === '' || !existsSync(join(cluster.folder, 'global', 'pg_control'))) {
    throw new EmbeddedDatabaseError(
      `${cluster.folder} is not a whole PostgreSQL database: files are missing from it.`,
      'It was neither started nor replaced, because it may hold records.',
      'Restore it from a backup, or move it away to begin with an empty one.',
    );
  }
  if (found.trim() !== cluster.binaries.major) {
    throw new EmbeddedDatabaseError(
      `${cluster.folder} was written by PostgreSQL ${found.trim()}, and this version of Muniment brings ${cluster.binaries.major}.`,
      'It was not started and not changed.',
      'Start the version of Muniment that wrote it, export its databases, and read them into the new one (docs/OPERATIONS.md).',
    );
  }
}

/** What became of an attempt to start the server. */
export type StartOutcome =
  | { readonly kind: 'started'; readonly pid: number }
  /** The port belongs to somebody else. */
  | { readonly kind: 'port_taken' }
  /** Something of an earlier server is still there: its lock file, its shared memory. */
  | { readonly kind: 'not_yet_free'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string };

/**
 * Start the server on 127.0.0.1 and wait until it takes connections. It is detached: it outlives this process, on purpose, so that a killed service loses nothing.
 * Spawned by us rather than by pg_ctl, whose shell command line breaks on quotes in a path, and so that a server that
 * dies while we live is never left as a zombie that looks alive.
 * @param logFile what the server says; it belongs to us and is begun anew above 1 MB
 */
export async function startServer(
  cluster: Cluster,
  port: number,
  logFile: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<StartOutcome> {
  const log = await openLog(logFile);
  const child = spawn(
    cluster.binaries.postgres,
    [
      '-D',
      cluster.folder,
      ...Object.entries({ ...ownSettings(port), ...settings }).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
    ],
    {
      ...cluster.account,
      cwd: '/',
      env: cleanEnvironment,
      detached: true,
      stdio: ['ignore', log.handle.fd, log.handle.fd],
    },
  );
  const ended = Promise.withResolvers<string>();
  child.once('error', (error) => ended.resolve(error.message));
  child.once('exit', (code, signal) => ended.resolve(`it ended with ${signal ?? `code ${code}`}`));
  child.unref();

  const outcome = await untilReady(cluster, port, ended.promise);
  await log.handle.close();
  if (outcome === 'ready') return { kind: 'started', pid: child.pid ?? 0 };
  child.kill('SIGQUIT');
  const said = (await readFile(logFile, 'utf8')).slice(log.from);
  return judgeFailure(said, outcome);
}

/** `ready`, or why it will not be. A server that reads its log after a crash is given half an hour, any other a minute. */
async function untilReady(cluster: Cluster, port: number, ended: Promise<string>): Promise<string> {
  let end: string | null = null;
  void ended.then((reason) => {
    end = reason;
  });
  const began = performance.now();
  for (let limitMs = 60_000; performance.now() - began < limitMs; ) {
    if (end !== null) return end;
    // A stranger on our port may never answer; by then our own server has ended.
    const who = await Promise.race([ask(cluster, port), ended]);
    if (who === 'ours') return 'ready';
    if (who === 'starting') limitMs = 30 * 60_000;
    // Who rejects us may be a stranger on our port; then our own server ends at once.
    if (who === 'rejects') limitMs = Math.min(limitMs, performance.now() - began + 2_000);
    await sleep(20);
  }
  return 'it did not take connections with the password that is kept for it';
}

function judgeFailure(said: string, end: string): StartOutcome {
  const detail = /FATAL|PANIC/.test(said) ? lastLines(said) : end;
  if (/could not bind .*address already in use|could not create any TCP\/IP sockets/is.test(said)) {
    return { kind: 'port_taken' };
  }
  if (/lock file ".*" already exists|pre-existing shared memory block/i.test(said))
    return { kind: 'not_yet_free', detail };
  return { kind: 'failed', detail };
}

/**
 * On the command line rather than in a file, so that they are this version's own and nobody's edit undoes them.
 * No socket file: its path may be at most 107 bytes, a data folder's is longer soon, and the loopback does as well.
 * TLS stays off: the OpenSSL beside these binaries is of 2018, and nothing leaves the machine.
 * Errors go to the client who caused them; in the log they could carry a person's values.
 */
function ownSettings(port: number): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    ssl: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
    cluster_name: 'muniment',
  };
}

async function openLog(file: string) {
  const handle = await open(file, 'a', 0o600);
  let from = (await handle.stat()).size;
  if (from > 1024 * 1024) {
    await handle.truncate();
    from = 0;
  }
  return { handle, from };
}

/**
 * Who is on `port`, asked over a real connection: this cluster's server and ready (`ours`), one that is not ready yet
 * (`starting`: it may be reading its log after a crash), one that does not take our password (`rejects`), another one
 * or none at all (`other`).
 */
export async function ask(
  cluster: Pick<Cluster, 'folder' | 'password'>,
  port: number,
): Promise<'ours' | 'starting' | 'rejects' | 'other'> {
  if (!(await answers(port))) return 'other';
  const sql = postgres(clusterUrl(cluster.password, port, 'postgres'), {
    max: 1,
    connect_timeout: 2,
    onnotice: () => {},
    fetch_types: false,
  });
  try {
    const [row] = await sql<{ folder: string }[]>`select current_setting('data_directory') as folder`;
    return row?.folder === cluster.folder ? 'ours' : 'other';
  } catch (error) {
    // 57P03 cannot_connect_now; 28P01 invalid_password.
    if (systemCode(error) === '57P03') return 'starting';
    return systemCode(error) === '28P01' ? 'rejects' : 'other';
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** A port nobody listens on now, from the system's own choice. */
export function freePort(): Promise<number> {
  const found = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', found.reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server.close(() => found.resolve(port));
  });
  return found.promise;
}

/**
 * The process id that the cluster's lock file names, if it is a server on this very cluster that still runs. A zombie
 * is not, nor is a stranger who was given the number after a restart.
 */
export function runningServer(folder: string): number | null {
  const pid = lockFilePid(folder);
  return pid !== null && isServerOf(pid, folder) ? pid : null;
}

function lockFilePid(folder: string): number | null {
  try {
    const pid = Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : null;
  } catch {
    return null;
  }
}

function isServerOf(pid: number, folder: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform !== 'linux') return true;
  try {
    // Third field after the parenthesised name; Z is a zombie (proc_pid_stat(5)).
    if (/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) return false;
    // Every server process works in its data folder.
    return readlinkSync(`/proc/${pid}/cwd`) === folder;
  } catch (error) {
    // Not ours to look at: then it runs as somebody else and may be the server.
    return systemCode(error) === 'EACCES' || systemCode(error) === 'EPERM';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/**
 * Clear what a killed server left behind: its lock file, if it names nobody who serves this cluster, and its orphaned
 * backends, which hold the shared memory until they notice. Only for a cluster on which no server runs.
 */
export async function clearRemains(folder: string): Promise<void> {
  await rm(join(folder, 'postmaster.pid'), { force: true });
  for (const pid of processesIn(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It went by itself meanwhile.
    }
  }
}

/** The processes at work in a cluster's folder. Empty where the system does not say (only Linux does). */
function processesIn(folder: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && isServerOf(pid, folder) && isPostgres(pid));
}

function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'postgres';
  } catch {
    return false;
  }
}

/**
 * Stop the server: clients are cut off, transactions rolled back, everything written (PostgreSQL's fast shutdown). If
 * that takes longer than `limitMs` it is stopped at once; the next start then reads its log again and loses nothing.
 */
export async function stopServer(folder: string, limitMs = 10_000): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGINT', limitMs],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    const pid = runningServer(folder);
    if (pid === null) return;
    process.kill(pid, signal);
    const giveUpAt = performance.now() + waitMs;
    while (performance.now() < giveUpAt) {
      if (runningServer(folder) === null) return;
      await sleep(15);
    }
  }
}

function answers(port: number): Promise<boolean> {
  const answer = Promise.withResolvers<boolean>();
  const socket = connect({ host: '127.0.0.1', port, timeout: 2_000 });
  const settle = (open: boolean) => {
    socket.destroy();
    answer.resolve(open);
  };
  socket.once('connect', () => settle(true));
  socket.once('error', () => settle(false));
  socket.once('timeout', () => settle(false));
  return answer.promise;
}

async function run(
  program: string,
  args: readonly string[],
  account: ServerAccount | null,
): Promise<{ code: number; output: string }> {
  const child = spawn(program, [...args], {
    ...account,
    cwd: '/',
    env: cleanEnvironment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const ended = Promise.withResolvers<number>();
  child.once('error', ended.reject);
  child.once('close', (code) => ended.resolve(code ?? 1));
  return { code: await ended.promise, output };
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-4).join(' / ').slice(0, 600);
}
