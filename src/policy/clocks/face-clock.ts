import type { ClockRule } from '../regimes.ts';
import type { ClockIssue, ClockOutcome, ClockRun, ClockStep, Counted, TimedEvent } from './answer.ts';
import { textOf } from './answer.ts';
import { dayOf, endOf, isBefore, type ReadTime, readTime, startOf } from './times.ts';
import { issueWords } from './words.ts';

type FaceRun = ClockRun<Extract<ClockRule, { count: 'face_date' }>>;

/**
 * The date on the paper, exactly as written, Saturday or not. Without one a person must ask the issuer: no period is
 * assumed. Whoever issued it may give more time in writing (`extension_notice {by, new_due_at | new_due_date}`).
 */
export function faceClock(run: FaceRun): Counted {
  const { rule, params } = run;
  const steps: ClockStep[] = [{ at: run.receivedOn.toString(), what: 'Served', citation: rule.citation }];
  const issues: ClockIssue[] = [...run.unread];
  const written = textOf(params, 'return_at');
  const face = written === undefined ? null : readTime(written);
  if (face?.kind === 'error') return { outcome: { kind: 'error', code: face.code }, issues, steps };

  let limit: Exclude<ReadTime, { kind: 'error' }> | null = face;
  let extensions = 0;
  for (const timed of run.events) {
    if (timed.event.type !== 'extension_notice') continue;
    const granted = grant(run, timed, limit, extensions);
    if ('code' in granted) {
      issues.push({ code: granted.code, level: 'reject', event: timed.index });
      steps.push({
        at: timed.on.toString(),
        what: `extension notice changes nothing: ${issueWords[granted.code]}`,
        citation: rule.citation,
      });
      continue;
    }
    extensions++;
    limit = granted.limit;
    steps.push({
      at: timed.on.toString(),
      what: `More time from the ${textOf(timed.event, 'by')}`,
      citation: rule.citation,
    });
  }

  if (limit === null) {
    steps.push({
      at: run.receivedOn.toString(),
      what: 'The paper names no date, and no law gives one: ask the issuer',
      citation: rule.citation,
    });
    return { outcome: { kind: 'needsHuman', code: 'NO_RETURN_DATE' }, issues, steps };
  }
  if (!isBefore(run.receivedAt ?? startOf(run.receivedOn, run.zone), limitOf(limit, run.zone)))
    return { outcome: { kind: 'needsHuman', code: 'DATE_BEFORE_RECEIPT' }, issues, steps };
  const on = limit.kind === 'day' ? limit.on : dayOf(limit.at, run.zone);
  steps.push({
    at:
      limit.kind === 'day' ? on.toString() : limit.at.toZonedDateTimeISO(run.zone).toString({ timeZoneName: 'never' }),
    what: extensions > 0 ? 'The date that was granted, exactly' : 'The date on the paper, exactly as written',
    citation: rule.citation,
  });
  return { outcome: outcomeOf(limit, run.zone), issues, steps, extended: extensions > 0 };
}

const limitOf = (time: Exclude<ReadTime, { kind: 'error' }>, zone: string) =>
  time.kind === 'day' ? endOf(time.on, zone) : time.at;

function outcomeOf(time: Exclude<ReadTime, { kind: 'error' }>, zone: string): ClockOutcome {
  if (time.kind === 'instant') return { kind: 'instant', dueAt: time.at, strict: false };
  const { on } = time;
  return { kind: 'date', dueDate: on, dueBefore: endOf(on, zone), nominalDate: on, firstPeriodDate: on };
}

function grant(
  { rule, receivedAt, receivedOn, zone }: FaceRun,
  { event, at }: TimedEvent,
  limit: Exclude<ReadTime, { kind: 'error' }> | null,
  extensions: number,
): { limit: Exclude<ReadTime, { kind: 'error' }> } | { code: ClockIssue['code'] } {
  const { extension } = rule;
  if (isBefore(at, receivedAt ?? startOf(receivedOn, zone))) return { code: 'EVENT_ORDER' };
  if (!extension?.by?.some((who) => who === event.by)) return { code: 'EXT_NOT_ALLOWED' };
  if (extensions >= extension.times) return { code: 'EXT_LIMIT' };
  if (limit && !isBefore(at, limitOf(limit, zone))) return { code: 'EXT_LATE' };
  const time = readTime(textOf(event, 'new_due_at') ?? textOf(event, 'new_due_date') ?? '');
  if (time.kind === 'error' || (limit && !isBefore(limitOf(limit, zone), limitOf(time, zone))))
    return { code: 'EXT_NO_DATE' };
  return { limit: time };
}
