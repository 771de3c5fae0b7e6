/**
 * embedded/ promises a real PostgreSQL on a fresh machine, with nothing to configure: the binaries come from the
 * package of the platform, the cluster lives under the data folder, and whatever happened before (a killed service, a
 * killed server, a machine that lost power in the middle of the first start) the next start finds its way. It never
 * deletes a cluster that may hold records, never starts a second server on one, and never stops one that somebody
 * else is still using. For evaluation and small installations; production has its own DATABASE_URL.
 */

/** The embedded database could not do what was asked. The message says what happened, what was not done, what to do. */
export class EmbeddedDatabaseError extends Error {
  override readonly name = 'EmbeddedDatabaseError';

  constructor(happened: string, notDone: string, next: string, cause?: unknown) {
    super(`${happened} ${notDone} ${next}`, cause === undefined ? {} : { cause });
  }
}

/** The code of a system error (`EACCES`, `ENOENT`, …), or an empty string. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Turn the system's word for a failed write into one a person can act on. Anything else comes back as it was. */
export function explainWriteFailure(error: unknown, path: string): unknown {
  const notDone = 'No database was started.';
  switch (systemCode(error)) {
    case 'EACCES':
    case 'EPERM':
      return new EmbeddedDatabaseError(
        `The folder of the embedded database, ${path}, cannot be written by this user.`,
        notDone,
        'Start Muniment as the user who owns that folder, change its owner, or name another one in MUNIMENT_DATA.',
        error,
      );
    case 'EROFS':
      return new EmbeddedDatabaseError(
        `The folder of the embedded database, ${path}, is on a read-only file system.`,
        notDone,
        'Name a folder that can be written in MUNIMENT_DATA, or use your own PostgreSQL through DATABASE_URL.',
        error,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new EmbeddedDatabaseError(
        `There is no space left for the embedded database in ${path}.`,
        notDone,
        'Free some space (a new database takes about 40 MB) or name a folder on another disk in MUNIMENT_DATA.',
        error,
      );
    default:
      return error;
  }
}
