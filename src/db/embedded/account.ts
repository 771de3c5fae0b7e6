import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { EmbeddedDatabaseError } from './fault.ts';

/** The user the server runs as, when that is not the user who starts it. Ids are POSIX user and group ids. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
}

/** Where a root-started installation lives when its own folder is closed to every other user. */
export const openRoot = '/var/lib/muniment';

/**
 * PostgreSQL refuses to run as root. Started by root it runs as whoever owns the cluster already, else as the user
 * `postgres`, else as `nobody`; no user is ever made. Started by anybody else it runs as they do, and this is null.
 */
export function serverAccount(clusterFolder: string): ServerAccount | null {
  if (process.getuid?.() !== 0) return null;
  if (existsSync(clusterFolder)) {
    const { uid, gid } = statSync(clusterFolder);
    if (uid !== 0) return { uid, gid };
  }
  const account = systemAccount('postgres') ?? systemAccount('nobody');
  if (account !== null) return account;
  throw new EmbeddedDatabaseError(
    'PostgreSQL does not run as root, and this machine has neither a user `postgres` nor a user `nobody`.',
    'No database was started.',
    'Start Muniment as an ordinary user, or name your own PostgreSQL in DATABASE_URL.',
  );
}

function systemAccount(name: string): ServerAccount | null {
  try {
    const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }).trim());
    const account = { uid: id('-u'), gid: id('-g') };
    return account.uid > 0 && Number.isInteger(account.gid) ? account : null;
  } catch {
    return null;
  }
}

/**
 * Whether the account can reach into `folder`, or into the part of its path that is there already. The system is asked,
 * by a shell that runs as the account, because mode bits alone know nothing of access lists and mount options.
 * @throws when this process may not become that account (a container without the right to change users)
 */
export function canReach(folder: string, account: ServerAccount): boolean {
  let there = resolve(folder);
  while (!existsSync(there)) there = dirname(there);
  const shell = spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', there], { ...account, cwd: '/', stdio: 'ignore' });
  if (shell.error !== undefined) {
    throw new EmbeddedDatabaseError(
      'PostgreSQL does not run as root, and this process may not run anything as another user.',
      'No database was started.',
      'Start Muniment as an ordinary user, or name your own PostgreSQL in DATABASE_URL.',
      shell.error,
    );
  }
  return shell.status === 0;
}

/**
 * The data folder when nobody named one: `.muniment` where Muniment was started or, started by root in a folder that is
 * closed to other users (the database cannot run as root), `/var/lib/muniment`. Absolute.
 */
export function defaultDataFolder(startedIn: string): string {
  const here = join(resolve(startedIn), '.muniment');
  const account = serverAccount(here);
  return account === null || canReach(here, account) ? here : openRoot;
}
