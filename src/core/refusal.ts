/**
 * core/ promises words that every other folder speaks: refusals, instants, periods, ids, hashes, canonical JSON and
 * personal values. Nothing here reads a clock, a file, the environment or the network; nothing here may start to.
 */

/** Every refusal there is. A code is a promise to the scripts that read it: codes are added, never renamed. */
const refusalCodes = [
  'invalid',
  'not_found',
  'not_allowed',
  'move_not_allowed',
  'second_person_needed',
  'step_up_needed',
  'approval_not_allowed',
  'held',
  'hold_pending',
  'policy_invalid',
  'rule_unknown',
  'rule_changed',
  'dataset_unknown',
  'source_unreachable',
  'source_drift',
  'clock_implausible',
  'cap_exceeded',
  'hold_epoch_behind',
  'ledger_behind',
  'counts_moved',
  'identity_unconfirmed',
  'code_wrong',
  'code_expired',
  'too_many_attempts',
  'link_expired',
  'conflict',
  'idempotency_mismatch',
  'too_large',
  'period_invalid',
  'time_invalid',
  'unauthenticated',
  'not_ready',
  'already_running',
] as const;

export type RefusalCode = (typeof refusalCodes)[number];

/** Facts a reader or a script needs to act on a refusal. Never personal data: ids, counts, codes, dates. */
export type RefusalFacts = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** One wrong place in an input: a JSON pointer (RFC 6901), a code, and what to write instead. */
export interface InputProblem {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

/** An answer that says no: what was not done, why, and what to do next. Data, not an exception. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly code: RefusalCode;
  readonly detail: string;
  readonly facts: RefusalFacts;
  readonly errors: readonly InputProblem[];
}

/**
 * Make a refusal.
 * @param detail one or two plain sentences: what was not done, why, what to do next. It is shown to people, so it
 *   must not hold personal data or internals.
 */
export function refuse(
  code: RefusalCode,
  detail: string,
  facts: RefusalFacts = {},
  errors: readonly InputProblem[] = [],
): Refusal {
  return { kind: 'refusal', code, detail, facts, errors };
}

/** True for a refusal, false for anything else. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'refusal';
}
