import type { ClockRule } from '../regimes.ts';
import {
  type ClockIssue,
  type ClockRun,
  type ClockStep,
  type Counted,
  type IssueCode,
  type TimedEvent,
  textOf,
} from './answer.ts';
import { addBusinessDays, addOpenTime, openTimeBetween, type Stretch } from './open-hours.ts';
import { dayOf, isBefore } from './times.ts';
import { countWords, issueWords, periodWords } from './words.ts';

/**
 * Support tickets (rule book 5). Their pauses never touch a statutory clock: statutory rules do not know their events.
 */

type Rule<C extends ClockRule['count']> = Extract<ClockRule, { count: C }>;

const lengthening = ['extension_notice', 'preservation_renewed', 'preservation_extended'];

/** What every ticket clock keeps while it walks: steps and issues, in the ticket's zone. */
function notebook(run: ClockRun) {
  const steps: ClockStep[] = [];
  const issues: ClockIssue[] = [...run.unread];
  const step = (at: Temporal.Instant, what: string) =>
    void steps.push({
      at: at.toZonedDateTimeISO(run.zone).toString({ timeZoneName: 'never' }),
      what,
      citation: run.rule.citation,
    });
  const reject = ({ event, index, at }: TimedEvent, code: IssueCode) => {
    issues.push({ code, level: 'reject', event: index });
    step(at, `${event.type.replaceAll('_', ' ')} changes nothing: ${issueWords[code]}`);
  };
  return { steps, issues, step, reject };
}

/** Hours of a target as a case writes them, PT24H; minutes are allowed. */
function readTarget(text: unknown): Temporal.Duration | null {
  if (typeof text !== 'string' || !/^PT(?=\d)(\d{1,5}H)?(\d{1,5}M)?$/.test(text)) return null;
  const target = Temporal.Duration.from(text);
  return target.sign > 0 ? target : null;
}

/** Stretches in which we wait for the requester; the last may still be going on. */
function waits(run: ClockRun, book: ReturnType<typeof notebook>, receivedAt: Temporal.Instant): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let since: Temporal.Instant | null = null;
  for (const timed of run.events) {
    const { type } = timed.event;
    const isWait = type === 'waiting_on_requester';
    if (lengthening.includes(type)) book.reject(timed, 'EXT_NOT_ALLOWED');
    if (!isWait && type !== 'requester_replied') continue;
    if (isBefore(timed.at, receivedAt) || (!isWait && since === null)) book.reject(timed, 'EVENT_ORDER');
    else if (isWait) {
      if (since === null) book.step(timed.at, 'Waiting for the requester: the target stands still');
      since ??= timed.at;
    } else if (since !== null) {
      stretches.push({ from: since, to: timed.at });
      since = null;
      book.step(timed.at, 'The requester replied: the target runs on');
    }
  }
  return since === null ? stretches : [...stretches, { from: since, to: null }];
}

export function tierClock(run: ClockRun<Rule<'ticket_tier'>>): Counted {
  const { rule, params, zone, calendar, receivedAt } = run;
  const tier = typeof params.tier === 'number' ? params.tier : 1;
  const target = readTarget(params.target ?? rule.targets[tier - 1]);
  if (!receivedAt) return { outcome: { kind: 'error', code: 'INSTANT_REQUIRED' } };
  if (!target) return { outcome: { kind: 'error', code: 'PERIOD_INVALID' } };
  const book = notebook(run);
  book.step(receivedAt, `Entered tier ${tier}`);
  const except = waits(run, book, receivedAt);
  const dueAt = addOpenTime(receivedAt, target, zone, calendar, except);
  if (!dueAt) return { outcome: waiting(run, receivedAt, target, except), steps: book.steps, issues: book.issues };
  book.step(dueAt, `${periodWords(target.toString())} of open time`);
  return { outcome: { kind: 'instant', dueAt, strict: false }, steps: book.steps, issues: book.issues };
}

/** A target that stands still: where it would have ended, and the open time left in days of 24 open hours, rounded up. */
function waiting(run: ClockRun, receivedAt: Temporal.Instant, target: Temporal.Duration, except: readonly Stretch[]) {
  const { zone, calendar } = run;
  const over = except.filter(({ to }) => to !== null);
  const nominal = addOpenTime(receivedAt, target, zone, calendar, over) ?? receivedAt;
  const since = except.at(-1)?.from ?? receivedAt;
  const left = target.total('hours') - openTimeBetween(receivedAt, since, zone, calendar, over) / 3_600_000;
  return {
    kind: 'paused',
    nominalDueDate: dayOf(nominal, zone),
    remainingDays: Math.ceil(left / 24),
    waitingFor: ['requester_replied'],
  } as const;
}

/** Each tier starts at the breach of the one before, not when somebody looked. After the last there is no further one. */
export function escalationClock(run: ClockRun<Rule<'ticket_escalation'>>): Counted {
  const { rule, params, zone, calendar, receivedAt } = run;
  const written = params.targets ?? rule.targets;
  const targets = Array.isArray(written) ? written.map(readTarget) : [];
  if (!receivedAt) return { outcome: { kind: 'error', code: 'INSTANT_REQUIRED' } };
  const book = notebook(run);
  book.step(receivedAt, 'Entered tier 1');
  const except = waits(run, book, receivedAt);
  const tiers: { tier: number; dueAt: Temporal.Instant }[] = [];
  let start = receivedAt;
  for (const [index, target] of targets.entries()) {
    if (!target) return { outcome: { kind: 'error', code: 'PERIOD_INVALID' } };
    const dueAt = addOpenTime(start, target, zone, calendar, except);
    if (!dueAt && tiers.length === 0)
      return { outcome: waiting(run, receivedAt, target, except), steps: book.steps, issues: book.issues };
    if (!dueAt) break;
    tiers.push({ tier: index + 1, dueAt });
    book.step(dueAt, `${periodWords(target.toString())} of open time: tier ${index + 1} is breached`);
    start = dueAt;
  }
  if (targets.length === 0) return { outcome: { kind: 'error', code: 'PERIOD_INVALID' } };
  return { outcome: { kind: 'chain', tiers }, steps: book.steps, issues: book.issues };
}

/** The later of so many business days after the ticket was made and so many open hours after its last note. */
export function noteClock(run: ClockRun<Rule<'ticket_note'>>): Counted {
  const { rule, zone, calendar, receivedAt } = run;
  if (!receivedAt) return { outcome: { kind: 'error', code: 'INSTANT_REQUIRED' } };
  const book = notebook(run);
  book.step(receivedAt, 'Ticket made');
  let last: Temporal.Instant | null = null;
  for (const timed of run.events) {
    if (lengthening.includes(timed.event.type)) book.reject(timed, 'EXT_NOT_ALLOWED');
    if (timed.event.type !== 'note_added') continue;
    if (isBefore(timed.at, receivedAt)) book.reject(timed, 'EVENT_ORDER');
    else {
      last = timed.at;
      book.step(timed.at, 'Note written');
    }
  }
  const first = addBusinessDays(receivedAt, rule.firstAfterDays, zone, calendar);
  const next = last && addOpenTime(last, Temporal.Duration.from(rule.every), zone, calendar);
  const dueAt = next && isBefore(first, next) ? next : first;
  const what =
    dueAt === next
      ? `${periodWords(rule.every)} of open time after the last note`
      : `Open for ${countWords(rule.firstAfterDays, 'business day')}`;
  book.step(dueAt, what);
  return { outcome: { kind: 'instant', dueAt, strict: false }, steps: book.steps, issues: book.issues };
}

/** Elapsed hours without a reply close a ticket, but never one that a statute stands behind. */
export function autoCloseClock(run: ClockRun<Rule<'ticket_auto_close'>>): Counted {
  const { rule, params, receivedAt } = run;
  if (!receivedAt) return { outcome: { kind: 'error', code: 'INSTANT_REQUIRED' } };
  const book = notebook(run);
  book.step(receivedAt, 'Ticket made');
  const told = { steps: book.steps, issues: book.issues };
  if (rule.never.includes(textOf(params, 'ticket_type') ?? '')) {
    book.step(receivedAt, 'A statutory duty stands behind this ticket: silence never closes it');
    return { outcome: { kind: 'noAutoClose', code: 'STATUTORY_TICKET' }, ...told };
  }
  let since: Temporal.Instant | null = null;
  let closesAt: Temporal.Instant | null = null;
  let isCancelled = false;
  for (const timed of run.events) {
    const { type } = timed.event;
    if (lengthening.includes(type)) book.reject(timed, 'EXT_NOT_ALLOWED');
    if (type !== 'waiting_on_requester' && type !== 'requester_replied') continue;
    if (isBefore(timed.at, receivedAt)) book.reject(timed, 'EVENT_ORDER');
    else if (type === 'waiting_on_requester') {
      // Asked again while we wait is a reminder; asked after the closing, the ticket was opened again.
      if (since !== null && closesAt !== null && !isBefore(closesAt, timed.at)) continue;
      since = timed.at;
      closesAt = since.add(rule.period);
      isCancelled = false;
      book.step(since, 'Waiting for the requester');
    } else if (since === null || closesAt === null) book.reject(timed, 'EVENT_ORDER');
    else if (!isBefore(closesAt, timed.at)) {
      since = null;
      isCancelled = true;
      book.step(timed.at, 'The requester replied in time: the ticket stays open');
    }
  }
  if (isCancelled) return { outcome: { kind: 'cancelled' }, ...told };
  if (closesAt === null || since === null)
    return { outcome: { kind: 'notStarted', waitingFor: ['waiting_on_requester'] }, ...told };
  book.step(closesAt, `${periodWords(rule.period)} without a reply, day and night`);
  return { outcome: { kind: 'instant', dueAt: closesAt, strict: false }, ...told };
}
