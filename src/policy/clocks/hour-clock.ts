import type { ClockRule } from '../regimes.ts';
import type { ClockIssue, ClockRun, Counted } from './answer.ts';
import { isBefore } from './times.ts';
import { issueWords, periodWords } from './words.ts';

const lengthening = ['extension_notice', 'preservation_renewed', 'preservation_extended'];
const questions = ['identity_requested', 'clarification_requested', 'fee_requested'];

/** Elapsed hours: summer time moves the wall clock, never the length (rule book 0.4). Nothing pauses or extends them. */
export function hourClock(run: ClockRun<Extract<ClockRule, { count: 'elapsed' }>>): Counted {
  const { rule, params, zone, events } = run;
  if (!run.receivedAt) return { outcome: { kind: 'error', code: 'INSTANT_REQUIRED' } };
  const receivedAt = run.receivedAt;
  const local = (at: Temporal.Instant) => at.toZonedDateTimeISO(zone).toString({ timeZoneName: 'never' });
  const steps = [{ at: local(receivedAt), what: 'Received', citation: rule.citation }];
  const issues: ClockIssue[] = [...run.unread];

  const waits = rule.startsOn !== undefined && params[rule.startsOn.when.param] === rule.startsOn.when.is;
  let start: Temporal.Instant | null = waits ? null : receivedAt;
  for (const { event, index, at, hasTime } of events) {
    const starts = rule.startsOn?.event === event.type;
    const code = lengthening.includes(event.type)
      ? 'EXT_NOT_ALLOWED'
      : questions.includes(event.type)
        ? 'PAUSE_NOT_ALLOWED'
        : starts && !hasTime
          ? 'INSTANT_REQUIRED'
          : null;
    const refused = (starts || code !== null) && isBefore(at, receivedAt) ? 'EVENT_ORDER' : code;
    if (refused !== null) {
      issues.push({ code: refused, level: 'reject', event: index });
      steps.push({
        at: local(at),
        what: `${event.type.replaceAll('_', ' ')} changes nothing: ${issueWords[refused]}`,
        citation: rule.citation,
      });
    } else if (starts && waits && start === null) {
      start = at;
      steps.push({ at: local(at), what: 'Told to the controller, who is aware from now on', citation: rule.citation });
    }
  }
  if (start === null)
    return { outcome: { kind: 'notStarted', waitingFor: [rule.startsOn?.event ?? ''] }, issues, steps };
  const dueAt = start.add(rule.period);
  steps.push({ at: local(dueAt), what: `${periodWords(rule.period)} later, day and night`, citation: rule.citation });
  return { outcome: { kind: 'instant', dueAt, strict: false }, issues, steps };
}
