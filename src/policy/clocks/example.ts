import { z } from 'zod';
import { canonicalJson, type Json } from '../../core/canonical-json.ts';
import { type ClockRule, calendarSchema, type Regimes, ruleNamed } from '../regimes.ts';
import { type ClockAnswer, type ClockIssue, textOf } from './answer.ts';
import { computeClock } from './clock.ts';
import { effectiveDeadline, type RunClock } from './effective.ts';

const jsonSchema: z.ZodType<Json> = z.json();

const clocksSchema = z.array(z.looseObject({ rule_id: z.string(), zone: z.string().optional() })).optional();

const exampleSchema = z.looseObject({
  id: z.string(),
  rule_id: z.string(),
  regime: z.string().optional(),
  zone: z.string(),
  received_at: z.string(),
  calendar: z.preprocess(
    // A case's calendar needs no version: nothing is frozen.
    (given) => (typeof given === 'object' && given !== null ? { version: 'case', ...given } : given),
    calendarSchema.nullish(),
  ),
  params: z
    .record(z.string(), jsonSchema)
    .refine(({ clocks }) => clocksSchema.safeParse(clocks).success, 'Write clocks as a list of {rule_id, zone}.')
    .default({}),
  events: z.array(z.object({ type: z.string(), at: z.string() }).catchall(jsonSchema)).default([]),
  expected_due: jsonSchema,
});

/** A worked case: what came in, and what the answer must be (rule book 7). Written in JSON, as the published cases are. */
export type Example = z.input<typeof exampleSchema>;

/**
 * Run one worked case against the rule book.
 * @param example a case as read from JSON; what is no case is not ok and says CASE_INVALID
 * @returns ok only when the answer is the expected one to the last member, issues and all
 */
export function runExample(
  example: unknown,
  regimes: Regimes,
): { id: string; ok: boolean; actual: Json; expected: Json } {
  const parsed = exampleSchema.safeParse(example);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = issue ? `${issue.path.map(String).join('.')}: ${issue.message}` : '';
    const { id, expected_due } = z
      .looseObject({ id: z.string().catch('?'), expected_due: jsonSchema.catch(null) })
      .catch({ id: '?', expected_due: null })
      .parse(example);
    return { id, ok: false, actual: { kind: 'error', code: 'CASE_INVALID', at }, expected: expected_due };
  }
  const { id, expected_due: expected } = parsed.data;
  const actual = answerTo(parsed.data, regimes);
  return { id, ok: canonicalJson(actual) === canonicalJson(expected), actual, expected };
}

function answerTo(example: z.output<typeof exampleSchema>, regimes: Regimes): Json {
  const clocks = clocksSchema.parse(example.params.clocks);
  const isInput = example.rule_id === 'INPUT';
  const named = isInput ? (textOf(example.params, 'rule_hint') ?? '') : example.rule_id;
  const wanted = clocks ?? [{ rule_id: named, zone: example.zone }];
  const ran: RunClock[] = [];
  for (const { rule_id, zone } of wanted) {
    const rule = ruleOf(rule_id, regimes);
    if (!rule || (isInput && !isKnownRegime(example.regime, regimes))) return { kind: 'error', code: 'REGIME_UNKNOWN' };
    ran.push(runRule(rule, zone ?? example.zone, example));
  }
  const wrong = ran.find(({ answer }) => answer.kind === 'error');
  if (wrong) return answerJson(wrong.answer);
  const [first] = ran;
  if (first?.rule.count === 'no_number') return answerOfOther(first.rule, example, regimes);
  const { governing, issues } = effectiveDeadline(ran);
  const one = clocks ? (governing ?? first) : first;
  if (!one) return { kind: 'error', code: 'REGIME_UNKNOWN' };
  const basis = clocks && governing ? { basis: one.rule.id } : {};
  return { ...answerJson({ ...one.answer, issues }), ...basis };
}

/** A duty without a number of days: the rule that gives the date instead, named as the basis. */
function answerOfOther(
  rule: Extract<ClockRule, { count: 'no_number' }>,
  example: z.output<typeof exampleSchema>,
  regimes: Regimes,
): Json {
  const other = ruleNamed(regimes, rule.governedBy);
  if (!other) return { kind: 'error', code: 'REGIME_UNKNOWN' };
  return { ...answerJson(runRule(other, example.zone, example).answer), basis: other.id };
}

function runRule(rule: ClockRule, zone: string, example: z.output<typeof exampleSchema>): RunClock {
  const { received_at: receivedAt, calendar, events, params } = example;
  const input = { rule, receivedAt, zone, calendar: calendar ?? null, events };
  // A case of art. 15 need not say so.
  return { rule, answer: computeClock({ ...input, params: { request_type: 'access', ...params } }) };
}

// A part of a rule that has a row of its own in the book, beside those that only add a word to the rule's name.
const parts: Readonly<Record<string, string>> = {
  'GDPR-SUSPEND': 'GDPR-12.3',
  'GDPR-33-AWARE': 'GDPR-33-72H',
  'RET-BOUNDARY': 'RET-SUBTRACT',
  'RET-HOLD': 'RET-SUBTRACT',
  'RET-PERIOD-SYNTAX': 'RET-SUBTRACT',
  'SLA-PAUSE': 'SLA-TIER',
};

/** GDPR-12.3-EXT is GDPR-12.3 extended: a suffix belongs to the rule without it (rule book 7). */
function ruleOf(id: string, regimes: Regimes): ClockRule | null {
  for (let name = id; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('-')))) {
    const rule = ruleNamed(regimes, name) ?? ruleNamed(regimes, parts[name] ?? '');
    if (rule) return rule;
  }
  return null;
}

function isKnownRegime(regime: string | undefined, { regimes, rules }: Regimes): boolean {
  if (regime === undefined || Object.hasOwn(regimes, regime)) return true;
  return Object.values(rules).some((rule) => rule.regimes.includes(regime));
}

/** An answer in the words of the cases, where an issue is left out when there is none. */
function answerJson(answer: ClockAnswer): { readonly [key: string]: Json } {
  const issues = answer.issues.map(
    ({ code, level, event }: ClockIssue): Json => (event === undefined ? { code, level } : { code, level, event }),
  );
  return { ...outcomeJson(answer), ...(issues.length > 0 ? { issues } : {}) };
}

function outcomeJson(answer: ClockAnswer): { readonly [key: string]: Json } {
  switch (answer.kind) {
    case 'date':
      return { kind: 'date', due_date: answer.dueDate.toString(), due_before: answer.dueBefore.toString() };
    case 'instant':
      return { kind: 'instant', due_at: answer.dueAt.toString(), ...(answer.strict ? { strict: true } : {}) };
    case 'keepUntil': {
      const { lastDay, releaseFrom, autoRelease } = answer;
      const kept = { kind: 'keep_until', last_day: lastDay.toString(), release_from: releaseFrom.toString() };
      return autoRelease ? kept : { ...kept, auto_release: false };
    }
    case 'paused':
      return {
        kind: 'paused',
        nominal_due_date: answer.nominalDueDate.toString(),
        remaining_days: answer.remainingDays,
      };
    case 'notStarted':
      return { kind: 'not_started', waiting_for: answer.waitingFor };
    case 'notInForce':
      return {
        kind: 'not_in_force',
        ...(answer.inForceFrom === null ? {} : { in_force_from: answer.inForceFrom }),
        ...(answer.inForceUntil === null ? {} : { in_force_until: answer.inForceUntil }),
      };
    case 'needsHuman':
      return { kind: 'needs_human', code: answer.code };
    case 'cutoff': {
      const decisions = answer.decisions?.map(
        ({ recordAt, action, onHold }): Json => ({
          record_at: recordAt,
          action,
          ...(onHold ? { on_hold: true } : {}),
        }),
      );
      return { kind: 'cutoff', cutoff_at: answer.cutoffAt.toString(), ...(decisions ? { decisions } : {}) };
    }
    case 'chain':
      return { kind: 'chain', steps: answer.tiers.map(({ tier, dueAt }) => ({ tier, due_at: dueAt.toString() })) };
    case 'cancelled':
      return { kind: 'cancelled' };
    case 'noAutoClose':
      return { kind: 'no_auto_close', code: answer.code };
    case 'error':
      return { kind: 'error', code: answer.code };
  }
}
