import { canonicalJson, type Json } from '../../core/canonical-json.ts';
import type { ClockRule, Regimes, WorkCalendar } from '../regimes.ts';
import { type ClockEventInput, type ClockResult, runClock } from './clock.ts';
import { govern, issuesOf } from './request-deadline.ts';

/** A worked case: what came in, and what the answer must be. */
export interface Example {
  readonly id: string;
  readonly rule_id: string;
  readonly zone: string;
  readonly received_at: string;
  readonly calendar?: { weekend: WorkCalendar['weekend']; holidays: string[] };
  readonly params?: { request_type?: string; clocks?: { rule_id: string; zone: string }[]; [other: string]: unknown };
  readonly events?: readonly ClockEventInput[];
  readonly expected_due: Json;
}

/**
 * Run one worked case against the rule book.
 * @returns ok only when the answer is the expected one, issues and all; a rule the book does not have is not ok
 */
export function runExample(
  example: Example,
  regimes: Regimes,
): { id: string; ok: boolean; actual: unknown; expected: unknown } {
  const actual = answerTo(example, regimes);
  const ok = canonicalJson(actual) === canonicalJson(example.expected_due);
  return { id: example.id, ok, actual, expected: example.expected_due };
}

function answerTo(example: Example, regimes: Regimes): Json {
  const wanted = example.params?.clocks ?? [{ rule_id: ruleOf(example.rule_id, regimes), zone: example.zone }];
  const received = receivedOf(example.received_at);
  if (typeof received === 'string') return { kind: 'error', code: received };
  const ran: { id: string; rule: ClockRule; result: ClockResult }[] = [];
  for (const { rule_id: id, zone } of wanted) {
    const rule = regimes.rules[id];
    if (!rule) return { kind: 'error', code: 'RULE_UNKNOWN' };
    const calendar = example.calendar ? { version: 'case', ...example.calendar } : null;
    const requestType = example.params?.request_type ?? 'access';
    ran.push({
      id,
      rule,
      result: runClock({ rule, received, zone, events: example.events ?? [], calendar, requestType }),
    });
  }
  const { governing } = govern(ran);
  const one = example.params?.clocks ? governing : ran[0];
  if (!one) return { kind: 'error', code: 'NO_CLOCK' };
  const basis = example.params?.clocks ? { basis: one.id } : {};
  return { ...resultJson(one.rule, one.result), ...basis, ...issuesJson(ran.map(({ result }) => result)) };
}

/** A case may name a part of a rule: GDPR-12.3-EXT is GDPR-12.3 extended, GDPR-SUSPEND is GDPR-12.3 suspended. */
function ruleOf(id: string, { rules }: Regimes): string {
  if (id.startsWith('GDPR-SUSPEND')) return 'GDPR-12.3';
  const named = Object.keys(rules).filter((rule) => id === rule || id.startsWith(`${rule}-`));
  return named.sort((a, b) => b.length - a.length)[0] ?? id;
}

function receivedOf(text: string): Temporal.Instant | Temporal.PlainDate | string {
  try {
    return /^\d{4}-\d{2}-\d{2}$/.test(text)
      ? Temporal.PlainDate.from(text, { overflow: 'reject' })
      : Temporal.Instant.from(text);
  } catch {
    return 'DATE_INVALID';
  }
}

function resultJson(rule: ClockRule, result: ClockResult): { [key: string]: Json } {
  const { state, dueOn, dueAt, nominalDueOn, remainingDays, waitingFor } = result;
  if (state === 'not_started') return { kind: state, waiting_for: [...waitingFor] };
  if (state === 'paused')
    return { kind: state, nominal_due_date: String(nominalDueOn), remaining_days: remainingDays ?? 0 };
  if (state === 'not_in_force') return { kind: state, in_force_from: rule.inForceFrom ?? '' };
  if (!dueOn) return { kind: 'instant', due_at: String(dueAt) };
  if (rule.purpose === 'keep') return { kind: 'keep_until', last_day: String(dueOn), release_from: String(dueAt) };
  return { kind: 'date', due_date: String(dueOn), due_before: String(dueAt) };
}

function issuesJson(results: readonly ClockResult[]): { issues?: Json } {
  const issues = issuesOf(results).map((issue) => ({ ...issue }));
  return issues.length > 0 ? { issues: issues as unknown as Json } : {};
}
