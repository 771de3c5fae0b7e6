import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { sha256Hex } from '../../src/core/hash.ts';
import { canReach, serverAccount } from '../../src/db/embedded/account.ts';
import { findBinaries } from '../../src/db/embedded/binaries.ts';
import {
  clearRemains,
  clusterUrl,
  freePort,
  initialiseCluster,
  startServer,
  stopServer,
} from '../../src/db/embedded/cluster.ts';
import { type FileLock, tryLock, waitForLock } from '../../src/db/embedded/lock.ts';

/**
 * The PostgreSQL of one run of the tests: a cluster of its own in a temporary folder, without fsync, started by the
 * first test that asks for a database (a run of pure tests starts none) and removed at the end. A run that was killed
 * is cleaned up by the next one.
 */

const password = 'test';

/** Speed over safety: the cluster is thrown away. */
const throwAwaySettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  shared_buffers: '64MB',
};

/** The folder of all runs of this user. Readable by the server's user when the tests run as root. */
export function baseFolder(): string {
  const name = `muniment-test-${process.getuid?.() ?? 'user'}`;
  // The workers of a run have a temporary folder of their own, inside it.
  const wanted = resolve(process.env.TEST_BASE ?? tmpdir(), name);
  const account = serverAccount(wanted);
  const base = account === null || canReach(wanted, account) ? wanted : join('/tmp', name);
  mkdirSync(base, { recursive: true });
  chmodSync(base, 0o711);
  return base;
}

/** Begin a run: clear away the dead ones, make a folder, and hold its lock until the run ends. */
export async function beginRun(): Promise<{ folder: string; temporary: string; end(): Promise<void> }> {
  const base = baseFolder();
  // Else a run that is just beginning, its lock not yet taken, would look like a dead one to the next.
  const beginning = await waitForLock(join(base, 'begin.lock'), 'exclusive', 60_000);
  await reap(base);
  const folder = mkdtempSync(join(base, 'run-'));
  chmodSync(folder, 0o711);
  const lock = tryLock(join(folder, 'run.lock'), 'exclusive');
  beginning?.release();
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  chmodSync(temporary, 0o1777);
  return {
    folder,
    temporary,
    end: async () => {
      await removeRun(folder);
      lock?.release();
    },
  };
}

/** A run whose lock can be taken has no process any more. */
async function reap(base: string): Promise<void> {
  for (const name of readdirSync(base)) {
    if (!name.startsWith('run-')) continue;
    const folder = join(base, name);
    const lock = existsSync(folder) ? lockOrNull(join(folder, 'run.lock')) : null;
    if (lock === null) continue;
    await removeRun(folder);
    lock.release();
  }
}

function lockOrNull(file: string): FileLock | null {
  try {
    return tryLock(file, 'exclusive');
  } catch {
    return null;
  }
}

async function removeRun(folder: string): Promise<void> {
  const cluster = join(folder, 'cluster');
  if (existsSync(cluster)) {
    // Nothing in it is worth writing down: at once, not in order.
    await stopServer(cluster, 0);
    await clearRemains(cluster);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/**
 * The maintenance URL (database `postgres`, superuser) of the run's cluster, which the first caller of all the run's
 * processes starts.
 */
export async function clusterOfRun(folder: string): Promise<string> {
  const known = join(folder, 'url');
  if (existsSync(known)) return readFileSync(known, 'utf8');
  const lock = await waitForLock(join(folder, 'start.lock'), 'exclusive', 120_000);
  if (lock === null) throw new Error('another test has been starting the test database for two minutes');
  try {
    if (existsSync(known)) return readFileSync(known, 'utf8');
    const url = await startCluster(folder);
    writeFileSync(known, url);
    return url;
  } finally {
    lock.release();
  }
}

/** Initialised clusters of earlier recipes, unless a run that still goes on could be copying one. */
function forgetOldClusters(base: string, current: string): void {
  const dayAgo = Date.now() - 24 * 60 * 60 * 1000;
  for (const name of readdirSync(base)) {
    const folder = join(base, name);
    if (!name.startsWith('initialised-') || name === current || statSync(folder).mtimeMs > dayAgo) continue;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startCluster(runFolder: string): Promise<string> {
  const base = dirname(runFolder);
  const folder = join(runFolder, 'cluster');
  const account = serverAccount(folder);
  const binaries = await findBinaries(account, base, () => {});
  const cluster = { folder, binaries, account, password };

  const recipe = sha256Hex(readFileSync(new URL('../../src/db/embedded/cluster.ts', import.meta.url))).slice(0, 12);
  const cached = join(base, `initialised-${binaries.version}-${recipe}`);
  const lock = await waitForLock(join(base, 'initialise.lock'), 'exclusive', 120_000);
  try {
    forgetOldClusters(base, basename(cached));
    if (!existsSync(cached)) await initialiseCluster({ ...cluster, folder: cached }, async () => {}, false);
  } finally {
    lock?.release();
  }
  // -a keeps the owner, who need not be us.
  execFileSync('cp', ['-a', cached, folder]);

  for (let attempt = 1; attempt <= 5; attempt++) {
    const port = await freePort();
    const outcome = await startServer(cluster, port, join(runFolder, 'server.log'), throwAwaySettings);
    if (outcome.kind === 'started') return clusterUrl(password, port, 'postgres');
    if (outcome.kind !== 'port_taken') throw new Error(`the test database did not start: ${outcome.detail}`);
  }
  throw new Error('the test database found no free port');
}
