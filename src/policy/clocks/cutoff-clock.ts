import type { Json } from '../../core/canonical-json.ts';
import { cutoffBefore, parsePeriod } from '../../core/periods.ts';
import { isRefusal } from '../../core/refusal.ts';
import type { ClockRule } from '../regimes.ts';
import type { ClockRun, Counted, InputErrorCode, RecordFate } from './answer.ts';
import { isBefore, readTime } from './times.ts';
import { periodWords } from './words.ts';

/**
 * The retention cutoff (rule book 4.1): one subtraction of one period from now, in a fixed zone. What a record before it
 * meets is told for `params.records`, where the case names any.
 */
export function cutoffClock(run: ClockRun<Extract<ClockRule, { count: 'cutoff' }>>): Counted {
  const { rule, params, zone, receivedAt: now } = run;
  const text = params.period;
  const period = typeof text === 'string' ? parsePeriod(text) : null;
  if (!now) return { outcome: { kind: 'error', code: 'INSTANT_REQUIRED' } };
  if (typeof text !== 'string' || period === null || isRefusal(period))
    return { outcome: { kind: 'error', code: 'PERIOD_INVALID' } };
  const cutoffAt = cutoffBefore(now, period, zone);
  const decisions = params.records === undefined ? null : fates(params.records, cutoffAt);
  if (typeof decisions === 'string') return { outcome: { kind: 'error', code: decisions } };
  const local = (at: Temporal.Instant) => at.toZonedDateTimeISO(zone).toString({ timeZoneName: 'never' });
  return {
    outcome: { kind: 'cutoff', cutoffAt, decisions },
    issues: run.unread,
    steps: [
      { at: local(now), what: 'The run starts', citation: rule.citation },
      { at: local(cutoffAt), what: `${periodWords(text)} before: what is older may go`, citation: rule.citation },
    ],
  };
}

function fates(records: Json | undefined, cutoffAt: Temporal.Instant): readonly RecordFate[] | InputErrorCode {
  const decided: RecordFate[] = [];
  for (const record of Array.isArray(records) ? records : [records]) {
    const recordAt = isObject(record) ? record.at : record;
    const onHold = isObject(record) && record.on_hold === true;
    const time = typeof recordAt === 'string' ? readTime(recordAt) : null;
    if (typeof recordAt !== 'string' || time?.kind !== 'instant')
      return time?.kind === 'error' ? time.code : time ? 'INSTANT_REQUIRED' : 'DATE_INVALID';
    decided.push({ recordAt, action: !onHold && isBefore(time.at, cutoffAt) ? 'purge' : 'keep', onHold });
  }
  return decided;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
