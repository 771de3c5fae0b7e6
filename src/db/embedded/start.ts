import { randomBytes } from 'node:crypto';
import { constants, existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import {
  access,
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { z } from 'zod';
import { canReach, openRoot, serverAccount } from './account.ts';
import { findBinaries } from './binaries.ts';
import {
  ask,
  type Cluster,
  clearRemains,
  clusterUrl,
  demandPlainName,
  demandWhole,
  freePort,
  initialiseCluster,
  runningServer,
  startServer,
  stopServer,
} from './cluster.ts';
import { EmbeddedDatabaseError, explainWriteFailure, systemCode } from './fault.ts';
import { type FileLock, tryLock, waitForLock } from './lock.ts';
import { ensureRole, handOver, rolePassword } from './roles.ts';

/** A running embedded database, for as long as its holder needs it. */
export interface EmbeddedDatabase {
  readonly port: number;
  /**
   * Connection URL of one database of it, the password included: never to be logged.
   * @param role one that `ensureRole` made; absent: the superuser
   */
  url(database: string, role?: string): string;
  /**
   * Make the database if it is not there. @param name a plain name: a–z, 0–9, _
   * @param owner whose it is, with all that is in it: what an earlier version made as the superuser is handed over
   */
  ensureDatabase(name: string, owner?: string): Promise<void>;
  /** Make a role that may connect, and nothing else, if it is not there. @param name a plain name: a–z, 0–9, _ */
  ensureRole(name: string): Promise<void>;
  /**
   * Say that this holder is done. The last one to say so stops the server, within seconds; as long as another process
   * (the service, a verb beside it) still uses it, it goes on running. A second call does nothing.
   */
  stop(): Promise<void>;
}

/** What is asked of the launcher. */
export interface EmbeddedOptions {
  /** Where everything about this database lives, such as `.muniment/database`. Made if it is not there. */
  readonly folder: string;
  /** A wish, for the first start only; the port then chosen is remembered, and given up only if another takes it. */
  readonly port?: number;
  /** One line, for people; holds no secret. */
  readonly log: (line: string) => void;
}

/** `embedded.json` (0600): how to reach the cluster. Written before the cluster counts as made. */
const settingsFormat = z.object({
  version: z.literal(1),
  port: z.number().int().min(1).max(65_535),
  password: z.string().min(1),
  /** Absolute, where it could not stay in the folder; null: `cluster` in the folder. */
  cluster: z.string().nullable(),
});
type Settings = z.infer<typeof settingsFormat>;

interface Found {
  readonly cluster: Cluster;
  readonly settings: Settings;
}

/** First starts take seconds, recoveries up to two minutes: nobody waits for another start longer than this. */
const lockWaitMs = 180_000;

/**
 * The embedded database of `folder`, started if it does not run, made if it is not there. Any number of processes may
 * ask at once: one starts it, the others use it. A server that outlived its service is found and used; one that was
 * killed is started again and recovers.
 * @throws EmbeddedDatabaseError with what happened, what was not done and what to do
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const folder = await makeFolder(resolve(options.folder));
  const starting = await lockStart(folder);
  let using: FileLock | null = null;
  try {
    const found = await findCluster(folder, options);
    const port = await ensureRunning(folder, found.settings, found.cluster, options);
    using = await waitForLock(join(folder, 'users.lock'), 'shared', 10_000);
    if (using === null) throw new Error('the list of users of the embedded database stayed locked');
    return held(folder, found, port, using, options);
  } catch (error) {
    using?.release();
    throw explainWriteFailure(error, folder);
  } finally {
    starting.release();
  }
}

function held(folder: string, found: Found, port: number, using: FileLock, options: EmbeddedOptions): EmbeddedDatabase {
  const { password } = found.cluster;
  const watch = keepRunning(folder, found, port, options);
  let stopped: Promise<void> | null = null;
  return {
    port,
    url: (database, role) =>
      role === undefined
        ? clusterUrl(password, port, database)
        : clusterUrl(rolePassword(password, role), port, database, role),
    ensureDatabase: async (name, owner) => {
      await ensureDatabase(clusterUrl(password, port, 'postgres'), name);
      if (owner !== undefined) await handOver(clusterUrl(password, port, name), owner);
    },
    ensureRole: (name) => ensureRole(clusterUrl(password, port, 'postgres'), name, rolePassword(password, name)),
    stop: () => {
      watch.end();
      stopped ??= leave(folder, found.cluster.folder, using);
      return stopped;
    },
  };
}

/** How soon, in milliseconds, a server that died under its users is noticed. */
const watchEveryMs = 2_000;

/**
 * As long as somebody holds the database, a server that was killed under them is started again; their pools connect
 * anew by themselves. Of several holders one does it, the others find it done.
 */
function keepRunning(folder: string, found: Found, port: number, options: EmbeddedOptions): { end(): void } {
  let ended = false;
  let mending = false;
  const mend = async () => {
    const starting = await lockStart(folder);
    try {
      if (ended || runningServer(found.cluster.folder) !== null) return;
      options.log('the embedded database is gone; starting it again');
      const now = await ensureRunning(folder, { ...found.settings, port }, found.cluster, options);
      if (now !== port) options.log(`the embedded database is on port ${now} now: restart Muniment`);
    } catch (error) {
      options.log(error instanceof Error ? error.message : String(error));
    } finally {
      starting.release();
    }
  };
  const timer = setInterval(() => {
    if (mending || runningServer(found.cluster.folder) !== null) return;
    mending = true;
    void mend()
      .catch(() => {
        // The lock was not to be had: the next look tries again.
      })
      .finally(() => {
        mending = false;
      });
  }, watchEveryMs);
  // Watching alone is no reason to live.
  timer.unref();
  return {
    end: () => {
      ended = true;
      clearInterval(timer);
    },
  };
}

/** Under the start lock nobody can begin to use the server between our last look and its end. */
async function leave(folder: string, clusterFolder: string, using: FileLock): Promise<void> {
  const starting = await lockStart(folder);
  try {
    using.release();
    const alone = tryLock(join(folder, 'users.lock'), 'exclusive');
    if (alone === null) return;
    try {
      await stopServer(clusterFolder);
    } finally {
      alone.release();
    }
  } finally {
    starting.release();
  }
}

async function lockStart(folder: string): Promise<FileLock> {
  const lock = await waitForLock(join(folder, 'start.lock'), 'exclusive', lockWaitMs).catch((error) => {
    throw new EmbeddedDatabaseError(
      `The folder of the embedded database, ${folder}, cannot be used by this user.`,
      'No database was started.',
      'Start Muniment as the user who owns that folder, change its owner, or name another one in MUNIMENT_DATA.',
      error,
    );
  });
  if (lock !== null) {
    await giveToOwner(folder, 'start.lock', 'users.lock');
    return lock;
  }
  throw new EmbeddedDatabaseError(
    `Another process has been starting the embedded database in ${folder} for three minutes.`,
    'No database was started.',
    'Look at what that process says, end it if it hangs, and start again.',
  );
}

/** Make the folder; its real path. Others may pass through, to the cluster of the server's own user; they cannot list the folder or read what is in it. */
async function makeFolder(folder: string): Promise<string> {
  // Asked first of what is there: mkdir -p says ENOENT where the reason is a read-only disk.
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  try {
    await access(there, constants.W_OK | constants.X_OK);
    await mkdir(folder, { recursive: true, mode: 0o711 });
    // One name for one folder: a server is known by the folder it works in.
    return await realpath(folder);
  } catch (error) {
    throw explainWriteFailure(error, folder);
  }
}

/** When root steps in once, the folder's own user must be able to go on afterwards. */
async function giveToOwner(folder: string, ...names: string[]): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  if (uid === 0) return;
  for (const name of names) {
    await chown(join(folder, name), uid, gid).catch((error) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
  }
}

/** The cluster of the folder with its settings: the one that is there, or a new one. The start lock is held. */
async function findCluster(folder: string, { port, log }: EmbeddedOptions): Promise<Found> {
  const known = await readSettings(folder);
  const place = known?.cluster ?? join(folder, 'cluster');
  await removeIfEmpty(place);
  const exists = existsSync(place);
  const account = serverAccount(place);

  if (exists && known === null) {
    throw new EmbeddedDatabaseError(
      `${folder} holds a database, but the file with its password, embedded.json, is missing.`,
      'It was neither started nor replaced, because it may hold records.',
      'Restore embedded.json from a backup, or move the folder away to begin with an empty database.',
    );
  }
  if (exists && known !== null) {
    const binaries = await findBinaries(account, dirname(place), log);
    const cluster = { folder: place, binaries, account, password: known.password };
    await demandWhole(cluster);
    return { cluster, settings: known };
  }

  const away = account !== null && !canReach(folder, account);
  const newPlace = away ? join(openRoot, `database-${randomBytes(4).toString('hex')}`) : join(folder, 'cluster');
  if (away) {
    await makeFolder(openRoot);
    log(`${folder} is closed to the user the database runs as; the database goes to ${newPlace}`);
  }
  const binaries = await findBinaries(account, dirname(newPlace), log);
  const settings: Settings = {
    version: 1,
    port: port ?? (await freePort()),
    password: randomBytes(24).toString('base64url'),
    cluster: away ? newPlace : null,
  };
  const cluster = { folder: newPlace, binaries, account, password: settings.password };
  log(`making a new PostgreSQL ${binaries.major} database in ${newPlace}`);
  await initialiseCluster(cluster, () => writeSettings(folder, settings));
  return { cluster, settings };
}

/** The port of the running server, started if need be. The start lock is held. */
async function ensureRunning(
  folder: string,
  settings: Settings,
  cluster: Cluster,
  { log }: EmbeddedOptions,
): Promise<number> {
  let port = settings.port;
  if ((await ask(cluster, port)) === 'ours') return port;
  demandSameSystem(folder);

  const giveUpAt = performance.now() + 60_000;
  let stuck: string | null = null;
  while (performance.now() < giveUpAt) {
    if (runningServer(cluster.folder) === null) {
      // Only once it is seen to be in the way: a killed server's last backends mostly notice and go by themselves.
      if (stuck !== null) await clearRemains(cluster.folder);
    } else {
      const who = await ask(cluster, port);
      if (who === 'ours') return port;
      if (who === 'rejects') throw wrongPassword(folder);
    }
    await noteSystem(folder);
    const outcome = await startServer(cluster, port, join(folder, 'server.log'));
    await giveToOwner(folder, 'server.log');
    switch (outcome.kind) {
      case 'started':
        return port;
      case 'port_taken':
        log(`port ${port} belongs to another program; the database takes another one`);
        port = await freePort();
        await writeSettings(folder, { ...settings, port });
        break;
      case 'not_yet_free':
        stuck = outcome.detail;
        await sleep(500);
        break;
      case 'failed':
        throw cannotStart(folder, outcome.detail);
    }
  }
  throw cannotStart(folder, stuck ?? 'no port was free');
}

/**
 * Two containers may share a data folder and not see each other's processes, and PostgreSQL takes a lock file whose
 * process it cannot see for a dead one's: two servers on one cluster destroy it. Our own locks do reach across, so
 * somebody who uses a server that we cannot see, from another process namespace, is noticed here.
 */
function demandSameSystem(folder: string): void {
  const alone = tryLock(join(folder, 'users.lock'), 'exclusive');
  if (alone !== null) {
    alone.release();
    return;
  }
  const startedIn = readIfThere(join(folder, 'system'));
  if (startedIn === null || startedIn === systemName()) return;
  throw new EmbeddedDatabaseError(
    `The embedded database in ${folder} is in use by Muniment in another container or on another machine.`,
    'No second server was started on it, because that would destroy it.',
    'Run this command where the service runs, stop the service first, or use one PostgreSQL for both through DATABASE_URL.',
  );
}

async function noteSystem(folder: string): Promise<void> {
  await writeFile(join(folder, 'system'), systemName());
  await giveToOwner(folder, 'system');
}

/** This boot of this machine and the process namespace we live in. Empty where the system has no such names. */
function systemName(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function wrongPassword(folder: string): EmbeddedDatabaseError {
  return new EmbeddedDatabaseError(
    `The embedded database in ${folder} does not take the password in embedded.json.`,
    'Nothing was changed.',
    'Restore the embedded.json that belongs to this database from a backup.',
  );
}

function cannotStart(folder: string, detail: string): EmbeddedDatabaseError {
  if (/no space left|disk quota/i.test(detail)) {
    const full = explainWriteFailure(Object.assign(new Error(detail), { code: 'ENOSPC' }), folder);
    if (full instanceof EmbeddedDatabaseError) return full;
  }
  return new EmbeddedDatabaseError(
    `PostgreSQL did not start: ${detail}`,
    'No record was changed.',
    `Its log is ${join(folder, 'server.log')}. Mend what it names and start again.`,
  );
}

async function readSettings(folder: string): Promise<Settings | null> {
  let text: string;
  try {
    text = await readFile(join(folder, 'embedded.json'), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    return settingsFormat.parse(JSON.parse(text));
  } catch (error) {
    throw new EmbeddedDatabaseError(
      `${join(folder, 'embedded.json')} cannot be understood.`,
      'The database was neither started nor replaced.',
      'Restore the file from a backup, or move the folder away to begin with an empty database.',
      error,
    );
  }
}

/** Whole or unchanged, and on disk before it counts. */
async function writeSettings(folder: string, settings: Settings): Promise<void> {
  const making = join(folder, 'embedded.json.making');
  await rm(making, { force: true });
  const file = await open(making, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(settings, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await giveToOwner(folder, 'embedded.json.making');
  await rename(making, join(folder, 'embedded.json'));
}

async function removeIfEmpty(place: string): Promise<void> {
  const entries = await readdir(place).catch(() => null);
  if (entries?.length === 0) await rmdir(place);
}

async function ensureDatabase(url: string, name: string): Promise<void> {
  demandPlainName(name);
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const [there] = await sql`select 1 from pg_database where datname = ${name}`;
    if (there === undefined) await sql`create database ${sql(name)}`;
  } catch (error) {
    // 42P04 duplicate_database, or 23505 on pg_database: another process made it between the two statements.
    if (!['42P04', '23505'].includes(systemCode(error))) throw error;
  } finally {
    await sql.end({ timeout: 5 });
  }
}
