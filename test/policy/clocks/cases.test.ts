import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runExample } from '../../../src/policy/clocks/example.ts';
import { ruleNamed } from '../../../src/policy/regimes.ts';
import { book, published } from './book.ts';

const caseSchema = z.looseObject({ id: z.string(), why: z.string() });

describe('the published worked cases', () => {
  const cases = z.array(caseSchema).safeParse(published('deadline-cases.json')).data ?? [];

  it.skipIf(cases.length === 0)(
    'are 123 (SKIPPED where ../shared/reference/deadline-cases.json is not at hand)',
    () => {
      expect(cases).toHaveLength(123);
    },
  );

  for (const example of cases)
    it(`${example.id}: ${example.why}`, () => {
      const { id, ok, actual, expected } = runExample(example, book);
      expect(actual).toEqual(expected);
      expect([id, ok]).toEqual([example.id, true]);
    });
});

describe('the published table of rules', () => {
  const rules =
    z
      .object({ rules: z.array(z.looseObject({ id: z.string(), duration: z.string() })) })
      .safeParse(published('deadline-rules.json')).data?.rules ?? [];
  // Rows that are a part of another rule, and the one that is a way to choose among clocks.
  const parts = ['GDPR-SUSPEND', 'UK-12A-RESTART', 'UK-12A-CLARIFY', 'EFFECTIVE-MIN'];

  it.skipIf(rules.length === 0)('has no row that our book lacks (SKIPPED where the table is not at hand)', () => {
    const missing = rules.map(({ id }) => id).filter((id) => !parts.includes(id) && !ruleNamed(book, id));
    expect(missing).toEqual([]);
  });

  it.skipIf(rules.length === 0)('gives the lengths that our book gives', () => {
    for (const { id, duration } of rules) {
      const rule = ruleNamed(book, id);
      if (!rule || !/^PT?\d+[DMYH]$/.test(duration)) continue;
      expect([id, 'period' in rule ? rule.period : null]).toEqual([id, duration]);
    }
  });
});

describe('our own worked cases', () => {
  const files = readdirSync('policies/examples').filter((name) => name.endsWith('.json'));
  const cases = files.flatMap((name) =>
    z.array(caseSchema).parse(JSON.parse(readFileSync(`policies/examples/${name}`, 'utf8'))),
  );

  it('are at least a dozen', () => {
    expect(cases.length).toBeGreaterThanOrEqual(12);
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
  });

  for (const example of cases)
    it(`${example.id}: ${example.why}`, () => {
      const { actual, expected } = runExample(example, book);
      expect(actual).toEqual(expected);
    });
});

describe('a case that is not as expected', () => {
  const good = {
    id: 'x',
    rule_id: 'SVC-30D',
    zone: 'UTC',
    received_at: '2026-12-05T09:00:00Z',
    expected_due: { kind: 'date', due_date: '2027-01-04', due_before: '2027-01-05T00:00:00Z' },
  };

  it('is not ok, and says what came out', () => {
    expect(runExample(good, book).ok).toBe(true);
    const wrong = { ...good, expected_due: { ...good.expected_due, due_date: '2027-01-05' } };
    expect(runExample(wrong, book)).toMatchObject({ ok: false, actual: { due_date: '2027-01-04' } });
    const unsaid = { ...good, events: [{ type: 'extension_notice', at: '2026-12-06T09:00:00Z', reason: 'x' }] };
    expect(runExample(unsaid, book)).toMatchObject({ ok: false, actual: { issues: [{ code: 'EXT_NOT_ALLOWED' }] } });
  });

  it('is never taken for a case when it is none', () => {
    for (const nonsense of [null, 7, [], {}, { ...good, received_at: 3 }, { ...good, events: 'none' }])
      expect(runExample(nonsense, book)).toMatchObject({ ok: false, actual: { code: 'CASE_INVALID' } });
    expect(runExample({ ...good, params: { clocks: 'all' } }, book)).toMatchObject({
      id: 'x',
      ok: false,
      actual: { code: 'CASE_INVALID' },
    });
  });

  it('of a rule that nobody knows is refused, never run by another', () => {
    for (const rule_id of ['MARS-1', 'SVC', 'GDPR', '', '__proto__', 'constructor', 'SVC-30DX'])
      expect(runExample({ ...good, rule_id }, book).actual).toEqual({ kind: 'error', code: 'REGIME_UNKNOWN' });
    const hinted = { ...good, rule_id: 'INPUT', regime: 'MARS-DPA', params: { rule_hint: 'GDPR-12.3' } };
    expect(runExample(hinted, book).actual).toEqual({ kind: 'error', code: 'REGIME_UNKNOWN' });
  });
});
