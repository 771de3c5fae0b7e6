/**
 * clocks/ promises that every deadline is counted as the rule book says, once, from the whole period, and can explain
 * itself: rule, version, citation and each step from receipt to due date (I7). Nothing here reads a clock, and nothing is
 * guessed: what cannot be counted is answered as an error or as a question to a person, never with a date.
 */
import type { Json } from '../../core/canonical-json.ts';
import type { ClockRule, WorkCalendar } from '../regimes.ts';

/** Something that happened, in the form of the worked cases: `{type, at, reason?, basis?, without_undue_delay?, ref?, …}`. */
export interface ClockEvent {
  readonly type: string;
  /** RFC 3339 with an offset; a letter may have a day only. */
  readonly at: string;
  readonly [detail: string]: Json | undefined;
}

/** Facts a rule asks for beside the receipt, named as in the worked cases: `request_type`, `period`, `return_at`, … */
export type ClockParams = Readonly<Record<string, Json | undefined>>;

/** A calendar and, where the rule book names it, its name. */
export type NamedCalendar = WorkCalendar & { readonly id?: string };

/** What a time or a period was refused for (rule book 0.6). */
export type InputErrorCode =
  | 'OFFSET_MISSING'
  | 'INSTANT_REQUIRED'
  | 'DATE_INVALID'
  | 'ZONE_UNKNOWN'
  | 'OFFSET_MISMATCH'
  | 'TIME_NONEXISTENT'
  | 'TIME_AMBIGUOUS'
  | 'PERIOD_INVALID'
  | 'REGIME_UNKNOWN';

export type IssueCode =
  | 'EXT_LATE'
  | 'EXT_LIMIT'
  | 'EXT_NO_REASON'
  | 'EXT_NO_DATE'
  | 'EXT_NOT_ALLOWED'
  | 'NOTICE_ON_ROLLED_DAY'
  | 'PAUSE_NOT_ALLOWED'
  | 'PAUSE_NOT_JUSTIFIED'
  | 'PAUSE_AFTER_DUE'
  | 'EVENT_ORDER'
  | 'RENEWAL_LATE_NEW_REQUEST'
  | 'RENEWAL_LIMIT'
  | 'CALENDAR_MISSING'
  | InputErrorCode;

/** A remark of the engine. `event` is the place of the event in the list given; `reject`: that event changed nothing. */
export interface ClockIssue {
  readonly code: IssueCode;
  readonly level: 'reject' | 'warn';
  readonly event?: number;
}

/** One line of the explanation. `at` is the local day, or for hours the local time, that the step arrives at. */
export interface ClockStep {
  readonly at: string;
  readonly what: string;
  readonly citation: string;
}

/** What a date was counted with, to be kept beside it (rule book 0.8). */
export interface Frozen {
  readonly rule: string;
  readonly version: string;
  readonly calendar: string | null;
  readonly calendarVersion: string | null;
  /** Version of the time zone data, as whoever called knows it; null where it was not told. */
  readonly tzdb: string | null;
}

/** What a record of a retention case meets. */
export interface RecordFate {
  readonly recordAt: string;
  readonly action: 'keep' | 'purge';
  readonly onHold: boolean;
}

/** What a clock says, by kind (rule book 0.2). */
export type ClockOutcome =
  | {
      readonly kind: 'date';
      /** The last good local day; on time iff `t < dueBefore`, the start of the next one. */
      readonly dueDate: Temporal.PlainDate;
      readonly dueBefore: Temporal.Instant;
      /** Where it would have ended on any day of the week. */
      readonly nominalDate: Temporal.PlainDate;
      /** The last good day of the period before any extension: what a refusal is bound to (GDPR art. 12(4)). */
      readonly firstPeriodDate: Temporal.PlainDate;
    }
  | {
      readonly kind: 'instant';
      /** On time iff `t <= dueAt`; where strict, iff `t < dueAt`. */
      readonly dueAt: Temporal.Instant;
      readonly strict: boolean;
    }
  | {
      readonly kind: 'keepUntil';
      readonly lastDay: Temporal.PlainDate;
      /** Nothing is released or told before this instant. */
      readonly releaseFrom: Temporal.Instant;
      /** False: only a person releases it. */
      readonly autoRelease: boolean;
    }
  | {
      readonly kind: 'paused';
      readonly nominalDueDate: Temporal.PlainDate;
      readonly remainingDays: number;
      readonly waitingFor: readonly string[];
    }
  | { readonly kind: 'notStarted'; readonly waitingFor: readonly string[] }
  | { readonly kind: 'notInForce'; readonly inForceFrom: string | null; readonly inForceUntil: string | null }
  | { readonly kind: 'needsHuman'; readonly code: string }
  | { readonly kind: 'cutoff'; readonly cutoffAt: Temporal.Instant; readonly decisions: readonly RecordFate[] | null }
  | { readonly kind: 'chain'; readonly tiers: readonly { readonly tier: number; readonly dueAt: Temporal.Instant }[] }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'noAutoClose'; readonly code: 'STATUTORY_TICKET' }
  | { readonly kind: 'error'; readonly code: InputErrorCode };

/** An outcome with how it came about. */
export type ClockAnswer = ClockOutcome & {
  readonly issues: readonly ClockIssue[];
  readonly steps: readonly ClockStep[];
  /** Whether a valid extension is in it. */
  readonly extended: boolean;
  readonly frozen: Frozen;
};

/** What one of the counting functions returns: an answer before it is frozen. */
export interface Counted {
  readonly outcome: ClockOutcome;
  readonly issues?: readonly ClockIssue[];
  readonly steps?: readonly ClockStep[];
  readonly extended?: boolean;
}

/** A clock's input once it is parsed. `receivedAt` is null for a letter that has a day only. */
export interface ClockRun<R extends ClockRule = ClockRule> {
  readonly rule: R;
  readonly receivedAt: Temporal.Instant | null;
  readonly receivedOn: Temporal.PlainDate;
  readonly zone: string;
  readonly calendar: NamedCalendar | null;
  readonly events: readonly TimedEvent[];
  /** Events whose time could not be read. */
  readonly unread: readonly ClockIssue[];
  readonly params: ClockParams;
}

/** An event with its time read: in time order, `index` being its place in the list given. */
export interface TimedEvent {
  readonly event: ClockEvent;
  readonly index: number;
  /** For a letter with a day only, the start of that day. */
  readonly at: Temporal.Instant;
  readonly on: Temporal.PlainDate;
  readonly hasTime: boolean;
}

/** The instant from which it is late, or null where there is none: the start of the day after, or the instant itself. */
export function lateFrom(outcome: ClockOutcome): Temporal.Instant | null {
  if (outcome.kind === 'date') return outcome.dueBefore;
  return outcome.kind === 'instant' ? outcome.dueAt : null;
}

/** Whether something done at `at` was in time; null where there is no deadline to keep (rule book 0.2). */
export function isOnTime(outcome: ClockOutcome, at: Temporal.Instant): boolean | null {
  const limit = lateFrom(outcome);
  if (!limit) return null;
  const order = Temporal.Instant.compare(at, limit);
  return outcome.kind === 'instant' && !outcome.strict ? order <= 0 : order < 0;
}

/** A fact of the case as text, or undefined. */
export function textOf(params: ClockParams | ClockEvent, name: string): string | undefined {
  const value = params[name];
  return typeof value === 'string' ? value : undefined;
}
