import { type Refusal, refuse } from '../core/refusal.ts';

/**
 * What an error of a source means for work on it:
 * - `busy`: locks of the application were in the way; nothing was done, try again soon;
 * - `unreachable`: it does not answer, or does not let us in; try again, then say so;
 * - `forbidden`: this user may not do it; `refused`: the source said no for a reason of its own (a constraint, a type).
 * Null: not the source's doing. Such an error is a fault and is thrown.
 */
export type SourceFault = 'busy' | 'unreachable' | 'forbidden' | 'refused';

const busy = ['55P03', '40P01', '40001', '57014', 'SQLITE_BUSY', 'SQLITE_LOCKED', 'REPOSITORY_LOCKED'];
const forbidden = ['42501', '25006', 'EACCES', 'EPERM', 'EROFS', 'SQLITE_READONLY', 'SQLITE_PERM', 'SQLITE_AUTH'];
const unreachable = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  '53300',
  '3D000',
  'ENOENT',
  'ENOTDIR',
  'EIO',
  'SQLITE_CANTOPEN',
  'SQLITE_IOERR',
  'SQLITE_NOTADB',
  'SQLITE_CORRUPT',
  'SQLITE_FULL',
  'ENOSPC',
  'RESTIC',
];
/** SQLSTATE classes: 08 connection exception, 28 invalid authorization, 57P operator intervention (appendix A). */
const unreachableClass = /^(08|28|57P)/;

/** The code an error carries, or ''. Codes of the system, of the drivers, of SQLite and SQLSTATEs do not collide. */
export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

export function sourceFault(error: unknown): SourceFault | null {
  const code = errorCode(error);
  if (busy.includes(code)) return 'busy';
  if (forbidden.includes(code)) return 'forbidden';
  if (unreachable.includes(code) || unreachableClass.test(code)) return 'unreachable';
  return /^([0-9A-Z]{5}|SQLITE_\w+)$/.test(code) ? 'refused' : null;
}

/** The same as an answer that names the dataset and the source's own code, never its message: that may quote data. */
export function refuseFault(fault: SourceFault, error: unknown, dataset: string): Refusal {
  const code = errorCode(error);
  const facts = { dataset, code };
  const left = `What was left of ${dataset} stays.`;
  switch (fault) {
    case 'busy':
      return refuse(
        'conflict',
        `The application held locks on ${dataset} for too long. ${left} Run again later.`,
        facts,
      );
    case 'unreachable':
      return refuse(
        'source_unreachable',
        `The source of ${dataset} does not answer (${code}). ${left} Run again once it does.`,
        facts,
      );
    case 'forbidden':
      return refuse(
        'not_allowed',
        `The source does not let this user destroy records of ${dataset} (${code}). ${left} Grant it, then run again.`,
        facts,
      );
    case 'refused':
      return refuse(
        'source_drift',
        `The source refused to destroy records of ${dataset} (${code}). ${left} Run "source check" and mend the data map.`,
        facts,
      );
  }
}
