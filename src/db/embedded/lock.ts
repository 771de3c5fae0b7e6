import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** A lock that is held until it is released, or until the process that holds it dies, however it dies. */
export interface FileLock {
  release(): void;
}

/** Every lock that is held: one that nobody refers to must not be closed, and thereby dropped, by the garbage collector. */
const heldLocks = new Set<DatabaseSync>();

/** SQLITE_BUSY: https://www.sqlite.org/rescode.html#busy. Its extended codes carry it in the low byte. */
const sqliteBusy = 5;

/**
 * Take the lock on `file` if nobody is in the way; null otherwise. The file is made if it is not there (its folder must
 * be) and stays empty.
 *
 * Node has no flock. A file with a process id in it goes stale when its owner is killed, lies when ids are reused (as
 * they are at once in containers), and cannot be taken over without a race. SQLite locks its file with the operating
 * system's own record locks, shared and exclusive, which the kernel drops with the process, so an empty SQLite database
 * is the lock: https://www.sqlite.org/lockingv3.html.
 * @throws when the file cannot be opened or written
 */
export function tryLock(file: string, kind: 'shared' | 'exclusive'): FileLock | null {
  // Nobody else may even read it: a shared lock needs no more than that. Only while it is new, though: closing a file
  // drops all locks this process has on it (fcntl(2)), whoever in it took them.
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    if (kind === 'exclusive') {
      database.exec('BEGIN EXCLUSIVE');
    } else {
      database.exec('BEGIN');
      // A read transaction takes its shared lock with the first read.
      database.prepare('SELECT count(*) FROM sqlite_schema').get();
    }
    heldLocks.add(database);
    return {
      release: () => {
        if (heldLocks.delete(database)) database.close();
      },
    };
  } catch (error) {
    database.close();
    if (isBusy(error)) return null;
    throw error;
  }
}

/**
 * Take the lock on `file`, waiting up to `limitMs` for whoever holds it.
 * @returns null when the wait was in vain
 */
export async function waitForLock(
  file: string,
  kind: 'shared' | 'exclusive',
  limitMs: number,
): Promise<FileLock | null> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const lock = tryLock(file, kind);
    if (lock !== null || performance.now() > giveUpAt) return lock;
    await sleep(25);
  }
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    (error.errcode & 0xff) === sqliteBusy
  );
}
