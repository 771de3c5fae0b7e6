import type { Refusal } from '../core/refusal.ts';
import type { Alarm } from './alarm.ts';
import type { Entry } from './entry.ts';

/** Every kind of task; jobs/ has a handler for each, and the type says so. */
export const taskNames = [
  'place-hold',
  'lift-hold',
  'preserve-demand',
  'execute-run',
  'certify-run',
  'send-notice',
  'send-letter',
  'gather-findings',
  'prepare-access-package',
  'erase-subject',
  'collect-export',
  'seal-export',
  'deliver-access-package',
  'send-alarm',
  'watch-incident',
] as const;
export type TaskName = (typeof taskNames)[number];

/** Work that follows from a decision: run by a worker, at least once, so it must be safe to run again. */
export interface Task {
  readonly name: TaskName;
  /** The same key is never queued twice. */
  readonly key: string;
  /** Ids only, never personal data. */
  readonly payload: Readonly<Record<string, string | number>>;
  /** Not before this instant (RFC 3339); absent: at once. */
  readonly notBefore?: string;
}

/**
 * What a pure decision returns: the new state, the ledger entries that record it, the tasks that follow.
 * `db.commit` writes all of it in one transaction, or nothing.
 */
export interface Decision<State> {
  readonly state: readonly State[];
  readonly entries: readonly Entry[];
  readonly tasks: readonly Task[];
  /** Alarms beside those that the entries raise by themselves (alarm.ts). */
  readonly alarms?: readonly Alarm[];
}

/** A decision, or the reason there is none. */
export type Decided<State> = Decision<State> | Refusal;
