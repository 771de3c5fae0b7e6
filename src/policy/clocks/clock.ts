import type { ClockRule, WorkCalendar } from '../regimes.ts';

/** One line of the explanation of a date, from the receipt to the end. */
export interface ClockStep {
  /** The local day, or for hours the instant, this step arrives at. */
  readonly at: string;
  readonly what: string;
  readonly citation: string;
}

export interface ClockIssue {
  readonly code: string;
  readonly level: 'reject' | 'warn';
  /** Place of the event in the list that was given. */
  readonly event?: number;
}

export interface ClockEventInput {
  readonly type: string;
  readonly at: string;
  readonly [detail: string]: string | boolean | undefined;
}

/** What one rule says. */
export interface ClockResult {
  readonly state: 'due' | 'paused' | 'not_started' | 'not_in_force';
  /** The last good local day; null for hours and while there is none. */
  readonly dueOn: Temporal.PlainDate | null;
  /** The instant from which it is late: the start of the next local day. For hours: the last good instant. */
  readonly dueAt: Temporal.Instant | null;
  readonly nominalDueOn: Temporal.PlainDate | null;
  readonly remainingDays: number | null;
  readonly waitingFor: readonly string[];
  readonly extended: boolean;
  readonly steps: readonly ClockStep[];
  readonly issues: readonly ClockIssue[];
}

export interface ClockInput {
  readonly rule: ClockRule;
  /** A letter may have a day only. */
  readonly received: Temporal.Instant | Temporal.PlainDate;
  readonly zone: string;
  readonly events: readonly ClockEventInput[];
  readonly calendar: WorkCalendar | null;
  readonly requestType: string;
}

const questions = { identity_requested: 'identity', clarification_requested: 'clarification', fee_requested: 'fee' };
const answers = { identity_received: 'identity', clarification_received: 'clarification', fee_paid: 'fee' };
type Asked = (typeof questions)[keyof typeof questions];

interface Question {
  readonly what: string;
  readonly askedOn: Temporal.PlainDate;
  /** False: it stopped nothing, and its answer is not an answer out of order. */
  readonly counts: boolean;
}

/**
 * Count one rule. The whole period is added once from the day it starts, then the days that do not count, and only then
 * does it roll to a working day: nothing is chained from a clamped or rolled date (31 January and three months is
 * 30 April). Days are local days of the clock's zone; the end of one is the start of the next, so a day without a
 * midnight is counted well.
 */
export function runClock(input: ClockInput): ClockResult {
  const { rule, received, zone } = input;
  const receivedOn = received instanceof Temporal.Instant ? localDay(received, zone) : received;
  if (rule.inForceFrom !== undefined && Temporal.PlainDate.compare(receivedOn, rule.inForceFrom) < 0)
    return {
      ...nothing,
      state: 'not_in_force',
      steps: [{ at: rule.inForceFrom, what: 'In force only from this day', citation: rule.citation }],
    };
  return rule.period?.startsWith('PT') ? runHours(input) : runDays(input, receivedOn);
}

const nothing = {
  dueOn: null,
  dueAt: null,
  nominalDueOn: null,
  remainingDays: null,
  waitingFor: [],
  extended: false,
  steps: [],
  issues: [],
} as const;

/** Elapsed hours: summer time moves the wall clock, never the length. */
function runHours({ rule, received, zone }: ClockInput): ClockResult {
  if (!(received instanceof Temporal.Instant)) throw new RangeError('An hour clock needs an instant.');
  const dueAt = received.add(rule.period ?? '');
  const steps = [
    { at: received.toZonedDateTimeISO(zone).toString(), what: 'Received', citation: rule.citation },
    { at: dueAt.toZonedDateTimeISO(zone).toString(), what: `${rule.period} elapsed`, citation: rule.citation },
  ];
  return { ...nothing, state: 'due', dueAt, steps };
}

function runDays(input: ClockInput, receivedOn: Temporal.PlainDate): ClockResult {
  const { rule, zone, calendar } = input;
  const issues: ClockIssue[] = [];
  const steps: ClockStep[] = [];
  const step = (at: Temporal.PlainDate, what: string) =>
    steps.push({ at: at.toString(), what, citation: rule.citation });
  step(receivedOn, 'Received');

  let start = receivedOn;
  let extendedTo: string | null = null;
  const open = new Map<string, Question>();
  const excluded = new Set<string>();

  const nominal = (): Temporal.PlainDate => {
    if (extendedTo !== null && rule.extension === 'named') return Temporal.PlainDate.from(extendedTo);
    const end = periodEnd(rule, start, extendedTo, calendar);
    const days = [...excluded].filter((one) => Temporal.PlainDate.compare(one, start) > 0).length;
    return end.add({ days });
  };
  const due = () => (rule.rollsToWorkingDay ? rolled(nominal(), calendar) : nominal());
  const isOpen = () => [...open.values()].some(({ counts }) => counts);

  const inOrder = input.events
    .map((event, index) => ({ event, index, at: Temporal.Instant.from(event.at) }))
    .sort((a, b) => Temporal.Instant.compare(a.at, b.at));
  for (const { event, index, at } of inOrder) {
    const on = localDay(at, zone);
    const reject = (code: string) => issues.push({ code, level: 'reject', event: index });
    if (input.received instanceof Temporal.Instant ? isBefore(at, input.received) : isEarlier(on, receivedOn)) {
      reject('EVENT_ORDER');
    } else if (event.type === 'extension_notice') {
      const refused = extensionRefusal(
        rule,
        event,
        extendedTo !== null,
        !isOpen() && !isBefore(at, endOf(due(), zone)),
      );
      if (refused) {
        reject(refused);
        continue;
      }
      if (!isOpen() && !isBefore(at, endOf(nominal(), zone)))
        issues.push({ code: 'NOTICE_ON_ROLLED_DAY', level: 'warn', event: index });
      extendedTo = rule.extension === 'named' ? String(event['new_due_date']) : (rule.extension ?? null);
      step(
        on,
        `Extended, with reasons: ${rule.extension === 'named' ? 'to the day the notice names' : `${rule.extension} in all from the start`}`,
      );
    } else if (event.type in questions) {
      const what = questions[event.type as keyof typeof questions];
      const refused = questionRefusal(input, what, event, !isBefore(at, endOf(due(), zone)));
      if (refused) reject(refused);
      else
        step(
          on,
          `Asked for ${what === 'fee' ? 'the fee' : what}: the clock ${restarts(rule, what) ? 'waits' : 'is paused'}`,
        );
      open.set(keyOf(event, what), { what, askedOn: on, counts: refused === null });
    } else if (event.type in answers) {
      const what = answers[event.type as keyof typeof answers];
      const key = keyOf(event, what);
      const question = open.get(key);
      open.delete(key);
      if (!question || question.what !== what) reject('EVENT_ORDER');
      else if (question.counts) {
        if (restarts(rule, what)) {
          start = isEarlier(start, on) ? on : start;
          step(on, 'Answered: the period begins on this day');
        } else {
          const from = rule.waits === 'uk' ? question.askedOn : question.askedOn.add({ days: 1 });
          const before = excluded.size;
          for (let one = from; Temporal.PlainDate.compare(one, on) <= 0; one = one.add({ days: 1 }))
            if (isEarlier(start, one)) excluded.add(one.toString());
          step(on, `Answered: ${excluded.size - before} days do not count`);
        }
      }
    }
  }

  const shared = { extended: extendedTo !== null, steps, issues };
  const counting = [...open.values()].filter(({ counts }) => counts);
  const waitingFor = counting.filter(({ what }) => restarts(rule, what as Asked)).map(({ what }) => what);
  if (waitingFor.length > 0) return { ...nothing, ...shared, state: 'not_started', waitingFor };
  const end = nominal();
  step(
    end,
    extendedTo === null
      ? `${periodWords(rule)} counted from ${start.toString()}`
      : `The extended period counted from ${start.toString()}`,
  );
  const question = counting[0];
  if (question) {
    const from =
      rule.waits === 'uk' ? later(question.askedOn, start.add({ days: 1 })) : question.askedOn.add({ days: 1 });
    const remainingDays = from.until(end, { largestUnit: 'days' }).days + 1;
    return { ...nothing, ...shared, state: 'paused', nominalDueOn: end, remainingDays };
  }
  const dueOn = due();
  if (rule.rollsToWorkingDay && !calendar) issues.push({ code: 'CALENDAR_MISSING', level: 'warn' });
  if (!dueOn.equals(end)) step(dueOn, 'Moved to the next working day');
  return { ...nothing, ...shared, state: 'due', dueOn, dueAt: endOf(dueOn, zone), nominalDueOn: end };
}

const restarts = (rule: ClockRule, what: string): boolean => rule.waits === 'uk' && what !== 'clarification';

const keyOf = (event: ClockEventInput, what: string): string => String(event['ref'] ?? `the ${what}`);

function extensionRefusal(
  rule: ClockRule,
  event: ClockEventInput,
  isExtended: boolean,
  isLate: boolean,
): string | null {
  if (rule.extension === undefined) return 'EXT_NOT_ALLOWED';
  if (isExtended) return 'EXT_LIMIT';
  if (isLate) return 'EXT_LATE';
  if (!event['reason']) return 'EXT_NO_REASON';
  if (rule.extension === 'named' && !/^\d{4}-\d{2}-\d{2}$/.test(String(event['new_due_date'] ?? '')))
    return 'EXT_NO_DATE';
  return null;
}

/** EU: art. 12(6) and recital 63 as the EDPB reads them. UK: art. 12A(2) restarts, 12A(5) pauses an access request only. */
function questionRefusal(
  { rule, requestType }: ClockInput,
  what: string,
  event: ClockEventInput,
  isLate: boolean,
): string | null {
  if (rule.waits === undefined) return 'PAUSE_NOT_ALLOWED';
  if (rule.waits === 'eu' && what === 'fee') return 'PAUSE_NOT_ALLOWED';
  if (rule.waits === 'uk' && what === 'clarification' && requestType !== 'access') return 'PAUSE_NOT_ALLOWED';
  if (isLate) return 'PAUSE_AFTER_DUE';
  const justified =
    ['art12_6_reasonable_doubt', 'recital63_large_quantity'].includes(String(event['basis'])) &&
    event['without_undue_delay'] === true;
  return rule.waits === 'eu' && !justified ? 'PAUSE_NOT_JUSTIFIED' : null;
}

function periodEnd(
  rule: ClockRule,
  start: Temporal.PlainDate,
  extendedTo: string | null,
  calendar: WorkCalendar | null,
): Temporal.PlainDate {
  if (rule.businessDays !== undefined) {
    let on = start;
    for (let count = 0; count < rule.businessDays; ) {
      on = on.add({ days: 1 });
      if (isWorkingDay(on, calendar)) count++;
    }
    return on;
  }
  const end = start.add(extendedTo ?? rule.period ?? '');
  return rule.firstDay === 'same' ? end.subtract({ days: 1 }) : end;
}

const periodWords = (rule: ClockRule): string => rule.period ?? `${rule.businessDays} business days`;

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

function isWorkingDay(on: Temporal.PlainDate, calendar: WorkCalendar | null): boolean {
  const weekday = weekdays[on.dayOfWeek - 1] ?? 'mon';
  const weekend: readonly string[] = calendar?.weekend ?? ['sat', 'sun'];
  return !weekend.includes(weekday) && !(calendar?.holidays.includes(on.toString()) ?? false);
}

/** The same day or the next working one. A calendar without any working day in a year is a mistake of the calendar. */
function rolled(on: Temporal.PlainDate, calendar: WorkCalendar | null): Temporal.PlainDate {
  for (let days = 0; days < 366; days++) if (isWorkingDay(on.add({ days }), calendar)) return on.add({ days });
  throw new RangeError('The calendar has no working day in a year.');
}

const localDay = (at: Temporal.Instant, zone: string) => at.toZonedDateTimeISO(zone).toPlainDate();
const endOf = (on: Temporal.PlainDate, zone: string) => on.add({ days: 1 }).toZonedDateTime(zone).toInstant();
const isBefore = (a: Temporal.Instant, b: Temporal.Instant) => Temporal.Instant.compare(a, b) < 0;
const isEarlier = (a: Temporal.PlainDate, b: Temporal.PlainDate) => Temporal.PlainDate.compare(a, b) < 0;
const later = (a: Temporal.PlainDate, b: Temporal.PlainDate) => (isEarlier(a, b) ? b : a);
