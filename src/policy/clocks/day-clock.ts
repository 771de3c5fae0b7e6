import { formatPeriod, type Period, parsePeriod } from '../../core/periods.ts';
import { isRefusal } from '../../core/refusal.ts';
import type { ClockRule } from '../regimes.ts';
import {
  type ClockEvent,
  type ClockIssue,
  type ClockRun,
  type ClockStep,
  type Counted,
  type IssueCode,
  type TimedEvent,
  textOf,
} from './answer.ts';
import { dayOf, endOf, isBefore, isEarlier, isRealDay, laterDay, readTime, startOf } from './times.ts';
import { askedWords, countWords, dayWords, issueWords, periodWords } from './words.ts';
import { addWorkingDays, rolled } from './working-days.ts';

type CalendarRule = Extract<ClockRule, { count: 'calendar' }>;
type DayRule = CalendarRule | Extract<ClockRule, { count: 'business_days' }>;
type Asked = 'identity' | 'clarification' | 'fee';
type Pause = NonNullable<NonNullable<CalendarRule['pauses']>[Asked]>;
type Extension = NonNullable<CalendarRule['extension']>;

const questions: Readonly<Record<string, Asked>> = {
  identity_requested: 'identity',
  clarification_requested: 'clarification',
  fee_requested: 'fee',
};
const answers: Readonly<Record<string, Asked>> = {
  identity_received: 'identity',
  clarification_received: 'clarification',
  fee_paid: 'fee',
};

interface Question {
  readonly what: Asked;
  readonly ref: string | undefined;
  readonly askedOn: Temporal.PlainDate;
  /** How it acts on the clock; null: it was refused and acts on nothing, but its answer is no answer out of order. */
  readonly pause: Pause | null;
}

/** Where the walk through the events stands. */
interface Walk {
  /** Day 0: the receipt, or the day that restarted the period. */
  start: Temporal.PlainDate;
  extended: { readonly to: Period } | { readonly named: Temporal.PlainDate } | null;
  extensions: number;
  /** Days that do not count, each once however many questions were open. */
  readonly excluded: Set<string>;
  open: readonly Question[];
  postponed: boolean;
  renewals: number;
  autoRelease: boolean;
  readonly steps: ClockStep[];
  readonly issues: ClockIssue[];
}

interface Terms {
  readonly run: ClockRun<DayRule>;
  /** What only calendar rules have; null for business days. */
  readonly rule: CalendarRule | null;
  readonly period: Period | null;
}

/**
 * Count a clock of days, months or years (rule book 0.3). The end is computed anew from day 0 whenever it is asked for,
 * so that nothing chains from a clamped, suspended or rolled date: 31 January and three months is 30 April.
 */
export function dayClock(run: ClockRun<DayRule>): Counted {
  const rule = run.rule.count === 'calendar' ? run.rule : null;
  const period = rule && periodFor(rule, run);
  if (period && 'outcome' in period) return period;
  const terms = { run, rule, period };
  const walk: Walk = {
    start: run.receivedOn,
    extended: null,
    extensions: 0,
    excluded: new Set(),
    open: [],
    postponed: false,
    renewals: 0,
    autoRelease: true,
    steps: [],
    issues: [...run.unread],
  };
  step(terms, walk, run.receivedOn, `Received. This day is day ${rule?.firstDay === 'same' ? 1 : 0}`);
  for (const event of run.events) take(terms, walk, event);
  return conclude(terms, walk);
}

/** The length: the rule's own, that of the instrument, or the one the order sets. */
function periodFor(rule: CalendarRule, { params, receivedOn }: ClockRun): Period | Counted {
  if (rule.periods) {
    const instrument = textOf(params, 'instrument');
    const found = instrument !== undefined && Object.hasOwn(rule.periods, instrument) && rule.periods[instrument];
    return found ? readPeriod(found) : { outcome: { kind: 'needsHuman', code: 'NO_INSTRUMENT' } };
  }
  const own = rule.period === undefined ? null : readPeriod(rule.period);
  const ordered = rule.ordered === undefined ? undefined : params.period;
  if (ordered === undefined || ordered === null) return own ?? { outcome: { kind: 'needsHuman', code: 'NO_PERIOD' } };
  const period = typeof ordered === 'string' ? parsePeriod(ordered) : null;
  if (period === null || isRefusal(period)) return { outcome: { kind: 'error', code: 'PERIOD_INVALID' } };
  if (rule.ordered === 'longer' && own && isEarlier(receivedOn.add(period), receivedOn.add(own)))
    return { outcome: { kind: 'error', code: 'PERIOD_INVALID' } };
  return period;
}

function readPeriod(text: string): Period {
  const period = parsePeriod(text);
  // The schema of the rule book has read it already; a refusal cannot come this far.
  if (isRefusal(period)) throw new Error(period.detail);
  return period;
}

// --- The end, as it stands ---------------------------------------------------------------------------------------

function endAfter({ rule, run }: Terms, start: Temporal.PlainDate, period: Period | null): Temporal.PlainDate {
  if (run.rule.count === 'business_days') return addWorkingDays(start, run.rule.days, run.calendar);
  const end = start.add(period ?? {});
  return rule?.firstDay === 'same' ? end.subtract({ days: 1 }) : end;
}

function excludedDays({ excluded, start }: Walk, before?: Temporal.PlainDate): number {
  // Day 0 is never a counted day, so it cannot be excluded; a restart leaves the days before it behind.
  return [...excluded].filter((day) => {
    const on = Temporal.PlainDate.from(day);
    return isEarlier(start, on) && (before === undefined || isEarlier(on, before));
  }).length;
}

/** The end of the first period, suspended and renewed but neither extended nor rolled. */
function firstEnd(terms: Terms, walk: Walk, before?: Temporal.PlainDate): Temporal.PlainDate {
  let end = endAfter(terms, walk.start, terms.period);
  for (let done = 0; done < walk.renewals; done++) end = end.add(terms.rule?.renewal?.period ?? {});
  return end.add({ days: excludedDays(walk, before) });
}

/** The end before it is rolled. An extension never shortens, whatever it says. */
function nominalEnd(terms: Terms, walk: Walk, before?: Temporal.PlainDate): Temporal.PlainDate {
  const first = firstEnd(terms, walk, before);
  if (!walk.extended) return first;
  if ('named' in walk.extended) return laterDay(first, walk.extended.named);
  const whole = endAfter(terms, walk.start, walk.extended.to).add({ days: excludedDays(walk, before) });
  return laterDay(first, whole);
}

/** A day that was named to us stands as it was named; everything else rolls last, where the rule rolls. */
function roll({ rule, run }: Terms, walk: Walk, end: Temporal.PlainDate): Temporal.PlainDate {
  const isNamed = walk.extended !== null && 'named' in walk.extended && walk.extended.named.equals(end);
  return rule?.roll && !isNamed ? rolled(end, run.calendar) : end;
}

/** Whether the period is over at this time. While it is suspended or has not begun it cannot end. */
function isOver(terms: Terms, walk: Walk, at: Temporal.Instant): boolean {
  if (walk.open.some(({ pause }) => pause !== null)) return false;
  return !isBefore(at, endOf(roll(terms, walk, nominalEnd(terms, walk)), terms.run.zone));
}

// --- The events --------------------------------------------------------------------------------------------------

function take(terms: Terms, walk: Walk, timed: TimedEvent): void {
  const { type } = timed.event;
  const asked = questions[type];
  const answered = answers[type];
  const isMine =
    asked ??
    answered ??
    (type === 'extension_notice' || type.startsWith('preservation_') || type === 'production_confirmed');
  if (!isMine) return;
  if (comesBefore(timed, terms.run)) refuse(terms, walk, timed, 'EVENT_ORDER');
  else if (asked) takeQuestion(terms, walk, timed, asked);
  else if (answered) takeAnswer(terms, walk, timed, answered);
  else if (type === 'preservation_renewed') takeRenewal(terms, walk, timed);
  else if (type === 'production_confirmed') takeConfirmation(terms, walk, timed);
  else takeExtension(terms, walk, timed);
}

/** Before the receipt: by the instant where both have one, by the day where a letter has no more. */
function comesBefore({ at, on, hasTime }: TimedEvent, { receivedAt, receivedOn }: ClockRun): boolean {
  return receivedAt && hasTime ? isBefore(at, receivedAt) : isEarlier(on, receivedOn);
}

function takeQuestion(terms: Terms, walk: Walk, timed: TimedEvent, what: Asked): void {
  const { rule } = terms;
  const { event, on } = timed;
  const ref = textOf(event, 'ref');
  const pause = rule?.pauses?.[what];
  const refusal = questionRefusal(terms, walk, timed, pause);
  const before = walk.open.find((one) => one.what === what && one.ref === ref);
  // Asked again while it is open: a reminder, which changes nothing.
  if (before?.pause) return;
  const acts = refusal === null && pause?.effect !== 'postpone' ? (pause ?? null) : null;
  walk.open = [...walk.open.filter((one) => one !== before), { what, ref, askedOn: on, pause: acts }];
  if (refusal !== null) {
    refuse(terms, walk, timed, refusal);
    return;
  }
  if (pause?.effect === 'postpone') {
    walk.postponed = true;
    walk.start = laterDay(walk.start, on.add(pause.by));
    step(
      terms,
      walk,
      on,
      `Asked for ${askedWords(what)}: the period begins ${periodWords(pause.by)} later, on ${dayWords(walk.start)}`,
      pause.citation,
    );
  } else {
    const effect = pause?.effect === 'restart' ? 'has not begun until it is here' : 'stands still until it is here';
    step(terms, walk, on, `Asked for ${askedWords(what)}: the period ${effect}`, pause?.citation);
  }
}

function questionRefusal(
  terms: Terms,
  walk: Walk,
  { event, at }: TimedEvent,
  pause: Pause | undefined,
): IssueCode | null {
  if (!pause || (pause.effect === 'postpone' && walk.postponed)) return 'PAUSE_NOT_ALLOWED';
  const requestType = textOf(terms.run.params, 'request_type');
  if (pause.effect === 'suspend' && pause.requests && !pause.requests.includes(requestType ?? ''))
    return 'PAUSE_NOT_ALLOWED';
  if (isOver(terms, walk, at)) return 'PAUSE_AFTER_DUE';
  const isJustified =
    event.without_undue_delay === true &&
    pause.effect === 'suspend' &&
    pause.bases?.includes(textOf(event, 'basis') ?? '');
  return pause.effect === 'suspend' && pause.bases && !isJustified ? 'PAUSE_NOT_JUSTIFIED' : null;
}

/** `ref` pairs an answer with its question; an answer without one answers every open question of its kind (earlier, so safe). */
function takeAnswer(terms: Terms, walk: Walk, timed: TimedEvent, what: Asked): void {
  const { event, on } = timed;
  const ref = textOf(event, 'ref');
  const answered = walk.open.filter((one) => one.what === what && (ref === undefined || one.ref === ref));
  if (answered.length === 0) {
    refuse(terms, walk, timed, 'EVENT_ORDER');
    return;
  }
  walk.open = walk.open.filter((one) => !answered.includes(one));
  for (const { askedOn, pause } of answered) {
    if (pause?.effect === 'restart') {
      walk.start = laterDay(walk.start, on);
      step(terms, walk, on, `Received ${askedWords(what)}: this day is day 0`, pause.citation);
    } else if (pause?.effect === 'suspend') {
      const before = walk.excluded.size;
      const first = pause.askDay === 'counts' ? askedOn.add({ days: 1 }) : askedOn;
      for (let day = laterDay(first, walk.start.add({ days: 1 })); !isEarlier(on, day); day = day.add({ days: 1 }))
        walk.excluded.add(day.toString());
      step(
        terms,
        walk,
        on,
        `Received ${askedWords(what)}: ${countWords(walk.excluded.size - before, 'day')} not counted`,
        pause.citation,
      );
    }
  }
}

function takeExtension(terms: Terms, walk: Walk, timed: TimedEvent): void {
  const { event, at, on, index } = timed;
  const extension = terms.rule?.extension;
  const named = extension ? namedDay(extension, event) : null;
  const refusal = extension ? extensionRefusal(terms, walk, timed, extension, named) : 'EXT_NOT_ALLOWED';
  if (!extension || refusal !== null || named === 'missing') {
    refuse(terms, walk, timed, refusal ?? 'EXT_NO_DATE');
    return;
  }
  const isOpen = walk.open.some(({ pause }) => pause !== null);
  if (!isOpen && !isBefore(at, endOf(nominalEnd(terms, walk), terms.run.zone)))
    walk.issues.push({ code: 'NOTICE_ON_ROLLED_DAY', level: 'warn', event: index });
  walk.extensions++;
  walk.extended = named ? { named } : { to: readPeriod(extension.to) };
  const by = extension.by ? ` by the ${textOf(event, 'by')}` : '';
  const to = named ? dayWords(named) : `${periodWords(extension.to)} in all, counted from day 0`;
  step(terms, walk, on, `Extended${by} to ${to}`, extension.citation);
}

function extensionRefusal(
  terms: Terms,
  walk: Walk,
  { event, at }: TimedEvent,
  extension: Extension,
  named: Temporal.PlainDate | 'missing' | null,
): IssueCode | null {
  if (extension.event !== event.type) return 'EXT_NOT_ALLOWED';
  // Nobody but the issuer, the court or the other side can grant it, and the notice must say who did.
  if (extension.by && !extension.by.some((who) => who === textOf(event, 'by'))) return 'EXT_NOT_ALLOWED';
  if (walk.extensions >= extension.times) return 'EXT_LIMIT';
  if (isOver(terms, walk, at) || isNoticeLate(terms, walk, at)) return 'EXT_LATE';
  if (extension.reasons && !textOf(event, 'reason')?.trim()) return 'EXT_NO_REASON';
  const isLater = named === null || (named !== 'missing' && isEarlier(nominalEnd(terms, walk), named));
  return isLater ? null : 'EXT_NO_DATE';
}

/** The day a notice names, where the extension goes to one. */
function namedDay(extension: Extension, event: ClockEvent): Temporal.PlainDate | 'missing' | null {
  const goesToNamed =
    extension.to === 'named' || (extension.longerFor !== undefined && event[extension.longerFor] === true);
  if (!goesToNamed) return null;
  const text = textOf(event, 'new_due_date') ?? '';
  return isRealDay(text) ? Temporal.PlainDate.from(text) : 'missing';
}

/** PIPEDA s. 8(4): the notice counts from the date of the request, where that is before its receipt. */
function isNoticeLate(terms: Terms, walk: Walk, at: Temporal.Instant): boolean {
  const from = terms.rule?.extension?.noticeFrom;
  const written = from && textOf(terms.run.params, from);
  if (!written || !isRealDay(written)) return false;
  const start = Temporal.PlainDate.from(written);
  return isEarlier(start, walk.start) && !isBefore(at, endOf(endAfter(terms, start, terms.period), terms.run.zone));
}

/** 18 U.S.C. 2703(f)(2): one more period from the end of the first; afterwards it is a new request for what is there. */
function takeRenewal(terms: Terms, walk: Walk, timed: TimedEvent): void {
  const renewal = terms.rule?.renewal;
  const { at, on } = timed;
  if (!renewal) {
    refuse(terms, walk, timed, 'EXT_NOT_ALLOWED');
    return;
  }
  if (isOver(terms, walk, at)) {
    walk.start = on;
    walk.renewals = 0;
    walk.issues.push({ code: 'RENEWAL_LATE_NEW_REQUEST', level: 'warn', event: timed.index });
    step(terms, walk, on, 'Renewed too late: a new request for what is still there. This day is day 0');
  } else if (walk.renewals >= renewal.times) {
    walk.autoRelease = false;
    refuse(terms, walk, timed, 'RENEWAL_LIMIT');
  } else {
    walk.renewals++;
    step(terms, walk, on, `Renewed: ${periodWords(renewal.period)} more from the end of the first period`);
  }
}

/** Regulation (EU) 2023/1543 art. 11: confirmed, the preservation goes on until the production, and a person ends it. */
function takeConfirmation(terms: Terms, walk: Walk, timed: TimedEvent): void {
  if (terms.rule?.extension?.event !== 'preservation_extended') {
    refuse(terms, walk, timed, 'EXT_NOT_ALLOWED');
    return;
  }
  if (isOver(terms, walk, timed.at)) {
    refuse(terms, walk, timed, 'EXT_LATE');
    return;
  }
  walk.autoRelease = false;
  step(terms, walk, timed.on, 'A request for production is confirmed: preserve until a person releases it');
}

function refuse(terms: Terms, walk: Walk, { event, on, index }: TimedEvent, code: IssueCode): void {
  walk.issues.push({ code, level: 'reject', event: index });
  step(terms, walk, on, `${event.type.replaceAll('_', ' ')} changes nothing: ${issueWords[code]}`);
}

function step(terms: Terms, walk: Walk, on: Temporal.PlainDate, what: string, citation?: string): void {
  walk.steps.push({ at: on.toString(), what, citation: citation ?? terms.run.rule.citation });
}

// --- The answer --------------------------------------------------------------------------------------------------

function conclude(terms: Terms, walk: Walk): Counted {
  const { rule, run } = terms;
  const { steps } = walk;
  const extended = walk.extended !== null;
  const waiting = walk.open.filter(({ pause }) => pause !== null);
  const outstanding = waiting.filter(({ pause }) => pause?.effect === 'restart').map(({ what }) => what);
  if (outstanding.length > 0)
    return {
      outcome: { kind: 'notStarted', waitingFor: [...new Set(outstanding)] },
      steps,
      issues: walk.issues,
      extended,
    };
  if (waiting.length > 0) return { outcome: paused(terms, walk, waiting), steps, issues: walk.issues, extended };

  const nominal = nominalEnd(terms, walk);
  const dueDate = roll(terms, walk, nominal);
  explainEnd(terms, walk, nominal, dueDate);
  if ((rule?.roll || run.rule.count === 'business_days') && !run.calendar)
    walk.issues.push({ code: 'CALENDAR_MISSING', level: 'warn' });
  const dueBefore = endOf(dueDate, run.zone);
  const told = { steps, issues: walk.issues, extended };
  if (run.rule.purpose === 'keep')
    return {
      outcome: { kind: 'keepUntil', lastDay: dueDate, releaseFrom: dueBefore, autoRelease: walk.autoRelease },
      ...told,
    };
  const unextended = { ...walk, extended: null };
  const firstPeriodDate = roll(terms, unextended, firstEnd(terms, unextended));
  const outcome = { kind: 'date', dueDate, dueBefore, nominalDate: nominal, firstPeriodDate } as const;
  return rule?.noLaterThan ? noLaterThan(terms, walk, rule.noLaterThan, { outcome, ...told }) : { outcome, ...told };
}

/** What is left, counting only the days before the first question that is still open. */
function paused(terms: Terms, walk: Walk, waiting: readonly Question[]) {
  const stands = waiting
    .map(({ askedOn, pause }) => {
      const counts = pause?.effect === 'suspend' && pause.askDay === 'counts';
      return laterDay(counts ? askedOn.add({ days: 1 }) : askedOn, walk.start.add({ days: 1 }));
    })
    .reduce((first, day) => (isEarlier(day, first) ? day : first));
  const nominalDueDate = nominalEnd(terms, walk, stands);
  const remainingDays = Math.max(0, stands.until(nominalDueDate, { largestUnit: 'days' }).days + 1);
  step(terms, walk, stands, `Standing still: ${countWords(remainingDays, 'day')} are left once the answer is here`);
  return {
    kind: 'paused',
    nominalDueDate,
    remainingDays,
    waitingFor: [...new Set(waiting.map(({ what }) => what))],
  } as const;
}

function explainEnd(terms: Terms, walk: Walk, nominal: Temporal.PlainDate, dueDate: Temporal.PlainDate): void {
  const { rule, run, period } = terms;
  const { start, extended } = walk;
  const isNamed = extended !== null && 'named' in extended && extended.named.equals(nominal);
  if (isNamed) step(terms, walk, nominal, 'The day that was named', rule?.extension?.citation);
  else {
    const whole = extended && 'to' in extended ? extended.to : period;
    const end = endAfter(terms, start, whole);
    const days = excludedDays(walk);
    const length =
      run.rule.count === 'business_days'
        ? countWords(run.rule.days, 'business day')
        : periodWords(formatPeriod(whole ?? nothing));
    const isClamped =
      whole !== null && whole.days + whole.weeks === 0 && rule?.firstDay === 'after' && end.day !== start.day;
    const last = isClamped ? `; that month has no day ${start.day}, so its last day` : '';
    step(terms, walk, end, `${length} from ${dayWords(start)}${last}`);
    if (walk.renewals > 0) step(terms, walk, nominal, 'With the renewal, counted from the end of the first period');
    if (days > 0) step(terms, walk, nominal, `${countWords(days, 'day')} did not count and are added`);
  }
  if (!dueDate.equals(nominal)) {
    const without = run.calendar ? '' : ' (weekends only: no holidays are configured)';
    step(terms, walk, dueDate, `${dayWords(nominal)} is no working day: the next one${without}`, rule?.roll?.citation);
  }
}

const nothing: Period = { years: 0, months: 0, weeks: 0, days: 0 };

/** The time on the paper governs where it comes before the end of the last day (Fed. R. Civ. P. 45(d)(2)(B)). */
function noLaterThan(
  { run }: Terms,
  walk: Walk,
  param: string,
  counted: Counted & { outcome: { kind: 'date' } },
): Counted {
  const written = textOf(run.params, param);
  if (written === undefined) return counted;
  const time = readTime(written);
  if (time.kind === 'error') return { ...counted, outcome: { kind: 'error', code: time.code } };
  // Of a day alone, its first instant: earlier, so safe.
  const at = time.kind === 'day' ? startOf(time.on, run.zone) : time.at;
  const receivedAt = run.receivedAt ?? startOf(run.receivedOn, run.zone);
  if (!isBefore(receivedAt, at)) return { ...counted, outcome: { kind: 'needsHuman', code: 'DATE_BEFORE_RECEIPT' } };
  if (!isBefore(at, counted.outcome.dueBefore)) return counted;
  const steps = [
    ...walk.steps,
    {
      at: dayOf(at, run.zone).toString(),
      what: 'The time of compliance comes first: before it',
      citation: run.rule.citation,
    },
  ];
  return { ...counted, steps, outcome: { kind: 'instant', dueAt: at, strict: true } };
}
