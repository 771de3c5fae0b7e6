import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefusal } from '../../../src/core/refusal.ts';
import type { ClockEvent } from '../../../src/policy/clocks/answer.ts';
import { demandDeadlines } from '../../../src/policy/clocks/demand-deadline.ts';
import { requestDeadline } from '../../../src/policy/clocks/request-deadline.ts';
import { type Regimes, regimesSchema } from '../../../src/policy/regimes.ts';
import { book } from './book.ts';

const received = Temporal.Instant.from('2026-09-01T07:00:00Z');

function deadline(o: { regime?: string; type?: string; events?: readonly ClockEvent[]; regimes?: Regimes } = {}) {
  const answer = requestDeadline({
    type: o.type ?? 'access',
    regime: o.regime ?? 'GDPR',
    receivedAt: received,
    zone: 'Europe/Berlin',
    events: o.events ?? [],
    regimes: o.regimes ?? book,
  });
  if (isRefusal(answer)) throw new Error(answer.detail);
  return answer;
}

describe('I7 every deadline can explain itself', () => {
  it('names rule, version, citation and each step, and the earliest governs', () => {
    const { governing, dueOn, clocks, frozen } = deadline();
    expect([governing, dueOn]).toEqual(['SVC-30D', '2026-10-01']);
    expect(clocks.map(({ rule, version, dueOn: on }) => [rule, version, on])).toEqual([
      ['SVC-30D', '1', '2026-10-01'],
      ['GDPR-12.3', '1', '2026-10-01'],
    ]);
    expect(clocks[1]?.steps).toEqual([
      { at: '2026-09-01', what: 'Received. This day is day 0', citation: expect.stringContaining('12(3)') },
      { at: '2026-10-01', what: 'one month from Tuesday 1 September 2026', citation: expect.stringContaining('12(3)') },
    ]);
    expect(frozen.map(({ rule }) => rule)).toEqual(['SVC-30D', 'GDPR-12.3']);
  });

  it('ends its steps on the day it gives, in every regime, at any time of receipt', () => {
    const from = Date.parse('2020-01-01T00:00:00Z');
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(book.regimes)),
        fc.constantFrom('access', 'erasure', 'opt_out', 'appeal', 'complaint', 'breach', 'nobody knows'),
        fc.integer({ min: from, max: from + 20 * 365 * 86_400_000 }),
        fc.constantFrom('UTC', 'Europe/Berlin', 'America/Havana', 'Pacific/Apia', 'Africa/Cairo'),
        (regime, type, ms, zone) => {
          const receivedAt = Temporal.Instant.fromEpochMilliseconds(ms);
          const answer = requestDeadline({
            type,
            regime,
            receivedAt,
            zone,
            events: [],
            regimes: book,
          });
          if (isRefusal(answer)) throw new Error(answer.detail);
          // Our own promise runs for everything.
          expect(answer.clocks[0]?.rule).toBe('SVC-30D');
          expect(answer.clock).toBe('running');
          for (const { rule, steps, dueOn, dueAt } of answer.clocks.filter(({ dueAt }) => dueAt !== null)) {
            const last = steps.at(-1)?.at ?? '';
            expect(last.slice(0, 10)).toBe(dueOn);
            if (book.rules[rule]?.purpose === 'answer' && dueAt && answer.dueAt)
              expect(Temporal.Instant.compare(dueAt, answer.dueAt)).toBeGreaterThanOrEqual(0);
          }
          expect(answer.governing).not.toBeNull();
        },
      ),
    );
  });
});

describe('the clocks of a request', () => {
  const rules = (regime: string, type: string) => deadline({ regime, type }).clocks.map(({ rule }) => rule);

  it('are our own and those its regime starts for its type', () => {
    expect(rules('SERVICE', 'erasure')).toEqual(['SVC-30D']);
    expect(rules('CCPA', 'access')).toEqual(['SVC-30D', 'CCPA-CONFIRM', 'CCPA-RESPOND']);
    expect(rules('CCPA', 'opt_out')).toEqual(['SVC-30D', 'CCPA-OPTOUT']);
    expect(rules('VA-CDPA', 'appeal')).toEqual(['SVC-30D', 'US-APPEAL-60D']);
    expect(rules('CO-CPA', 'appeal')).toEqual(['SVC-30D', 'US-APPEAL-45D']);
    expect(rules('UK-GDPR', 'complaint')).toEqual(['SVC-30D', 'UK-164A-ACK']);
  });

  it('a step on the way does not decide when the answer is due', () => {
    const { governing, clocks } = deadline({ regime: 'CCPA' });
    expect(governing).toBe('SVC-30D');
    expect(clocks.find(({ rule }) => rule === 'CCPA-CONFIRM')?.dueOn).toBe('2026-09-15');
  });

  it('a statute can be earlier than our promise, and one without a number leaves it', () => {
    expect(deadline({ regime: 'LGPD' })).toMatchObject({ governing: 'LGPD-15D', dueOn: '2026-09-16' });
    const japan = deadline({ regime: 'JP-APPI' });
    expect(japan).toMatchObject({ governing: 'SVC-30D', dueOn: '2026-10-01', clock: 'running' });
    expect(japan.clocks[1]).toMatchObject({ rule: 'JP-NONE', dueAt: null, dueOn: null });
  });

  it('days are days of the regime where it has a zone', () => {
    const night = Temporal.Instant.from('2026-07-01T05:30:00Z');
    const answer = requestDeadline({
      type: 'access',
      regime: 'CCPA',
      receivedAt: night,
      zone: 'UTC',
      events: [],
      regimes: book,
    });
    if (isRefusal(answer)) throw new Error(answer.detail);
    // In Los Angeles it is still 30 June.
    expect(answer.clocks.find(({ rule }) => rule === 'CCPA-RESPOND')?.dueOn).toBe('2026-08-14');
  });

  it('an operator overrides a rule and names a calendar in the YAML alone', () => {
    const berlin = { version: '2026', weekend: ['sat', 'sun'], holidays: ['2026-10-01'] };
    const { 'GDPR-12.3': gdpr, 'LGPD-15D': lgpd } = book.rules;
    const changed = regimesSchema.parse({
      ...book,
      calendars: { berlin },
      rules: { ...book.rules, 'LGPD-15D': { ...lgpd, period: 'P30D', version: 'small agent' }, 'GDPR-12.3': gdpr },
      regimes: { ...book.regimes, GDPR: { title: 'GDPR', calendar: 'berlin' } },
    });
    const answer = deadline({ regimes: changed });
    expect(answer.clocks[1]).toMatchObject({ rule: 'GDPR-12.3', dueOn: '2026-10-02' });
    expect(answer.frozen[1]).toMatchObject({ calendar: 'berlin', calendarVersion: '2026' });
    expect(answer.issues).toEqual([]);
    expect(deadline({ regimes: changed, regime: 'LGPD' }).clocks[1]).toMatchObject({
      version: 'small agent',
      dueOn: '2026-10-01',
    });
  });
});

describe('events of a request', () => {
  const notice = { type: 'extension_notice', at: '2026-09-20T09:00:00+02:00', reason: 'complexity' };

  it('a valid extension releases our own promise, in its explanation too, and a refusal stays due', () => {
    const answer = deadline({ events: [notice] });
    expect([answer.governing, answer.dueOn]).toEqual(['GDPR-12.3', '2026-12-01']);
    expect(answer.clocks[0]?.steps.at(-1)?.what).toContain('Released');
    expect(answer.issues).toEqual([{ code: 'CALENDAR_MISSING', level: 'warn' }]);
    expect(answer.refuseBy?.toString()).toBe('2026-10-01T22:00:00Z');
  });

  it('a question pauses the statute, while our own promise still has its date', () => {
    const asked = { type: 'identity_requested', at: '2026-09-02T09:00:00Z', basis: 'art12_6_reasonable_doubt' };
    const answer = deadline({ events: [{ ...asked, without_undue_delay: true }] });
    expect([answer.clock, answer.governing, answer.dueOn]).toEqual(['paused', 'SVC-30D', '2026-10-01']);
    expect(answer.issues.filter(({ level }) => level === 'reject')).toEqual([]);
    expect(deadline({ events: [asked] })).toMatchObject({
      clock: 'running',
      issues: expect.arrayContaining([{ code: 'PAUSE_NOT_JUSTIFIED', level: 'reject', event: 0 }]),
    });
    expect(deadline({ regime: 'SERVICE', events: [asked] }).issues).toEqual([
      { code: 'PAUSE_NOT_ALLOWED', level: 'reject', event: 0 },
    ]);
  });

  it('in the UK the month has not begun while proof of identity is out', () => {
    const events = [{ type: 'identity_requested', at: '2026-09-02T09:00:00Z' }];
    expect(deadline({ regime: 'UK-GDPR', events })).toMatchObject({ clock: 'not_started', governing: 'SVC-30D' });
  });
});

describe('what is not in the book', () => {
  const order = { type: 'access', receivedAt: received, zone: 'UTC', events: [], regimes: book };

  it('a regime is refused, never assumed', () => {
    for (const regime of ['MARS-DPA', '', 'gdpr', '__proto__', 'EU-EPOC'])
      expect(requestDeadline({ ...order, regime })).toMatchObject({
        kind: 'refusal',
        code: 'invalid',
        errors: [{ pointer: '/regime', code: 'REGIME_UNKNOWN' }],
      });
    expect(requestDeadline({ ...order, regime: 'GDPRR' })).toMatchObject({ detail: expect.stringContaining('"GDPR"') });
  });

  it('a zone is refused', () => {
    const wrong = { ...order, regime: 'GDPR', zone: 'CEST' };
    expect(requestDeadline(wrong)).toMatchObject({ errors: [{ code: 'ZONE_UNKNOWN' }] });
    expect(demandDeadlines({ ...order, emergency: false, zone: 'EST' })).toMatchObject({ kind: 'refusal' });
  });
});

describe('the clocks of a demand', () => {
  function clocksOf(type: string, o: { emergency?: boolean; dueAt?: string; params?: Record<string, string> } = {}) {
    const clocks = demandDeadlines({
      type,
      emergency: o.emergency ?? false,
      receivedAt: received,
      zone: 'America/New_York',
      regimes: book,
      dueAt: o.dueAt === undefined ? null : Temporal.Instant.from(o.dueAt),
      params: o.params ?? {},
    });
    if (isRefusal(clocks)) throw new Error(clocks.detail);
    return clocks;
  }

  it('a civil subpoena: object in 14 days, comply by its date', () => {
    const clocks = clocksOf('civil_subpoena', { dueAt: '2026-10-01T21:00:00Z' });
    expect(clocks.map(({ rule, dueOn }) => [rule, dueOn])).toEqual([
      ['US-FRCP45-OBJ', '2026-09-15'],
      ['LD-FACE-DATE', '2026-10-01'],
    ]);
    const short = clocksOf('civil_subpoena', { dueAt: '2026-09-08T21:00:00Z' });
    expect(short.map(({ rule, dueAt }) => [rule, dueAt?.toString()])).toEqual([
      ['US-FRCP45-OBJ', '2026-09-08T21:00:00Z'],
      ['LD-FACE-DATE', '2026-09-08T21:00:00Z'],
    ]);
  });

  it('a paper without a date asks a person, and no law fills it in', () => {
    expect(clocksOf('search_warrant')).toMatchObject([{ rule: 'LD-FACE-DATE', kind: 'needsHuman', dueAt: null }]);
  });

  it('a preservation is kept through its last day', () => {
    expect(clocksOf('preservation_2703f')).toMatchObject([
      { rule: 'US-2703F', purpose: 'keep', dueOn: '2026-11-30', dueAt: Temporal.Instant.from('2026-12-01T05:00:00Z') },
    ]);
  });

  it('an order of the EU has ten days, in an emergency eight hours and the validation to watch', () => {
    expect(clocksOf('EPOC').map(({ rule, dueOn }) => [rule, dueOn])).toEqual([['EU-EPOC-10D', '2026-09-11']]);
    const emergency = clocksOf('EPOC', { emergency: true });
    expect(emergency.map(({ rule, kind, dueAt }) => [rule, kind, dueAt?.toString()])).toEqual([
      ['EU-EPOC-8H', 'instant', '2026-09-01T15:00:00Z'],
      ['EU-EPOC-VALIDATE-48H', 'notStarted', undefined],
    ]);
    const issued = clocksOf('EPOC', { emergency: true, params: { issued_at: '2026-08-31T12:00:00Z' } });
    expect(issued.at(-1)).toMatchObject({
      rule: 'EU-EPOC-VALIDATE-48H',
      dueAt: Temporal.Instant.from('2026-09-02T12:00:00Z'),
    });
    expect(clocksOf('EPOC_PR')).toMatchObject([{ rule: 'EU-EPOCPR-60D', dueOn: '2026-11-02' }]);
  });

  it('a gag is counted from its order and as long as it says, never from its receipt', () => {
    expect(clocksOf('nondisclosure_2705b')).toMatchObject([{ kind: 'notStarted', dueAt: null }]);
    const params = { issued_at: '2026-08-15T16:00:00Z', period: 'P1Y' };
    expect(clocksOf('nondisclosure_2705b', { params })).toMatchObject([{ kind: 'keepUntil', dueOn: '2027-08-15' }]);
  });

  it('a letter or a consent starts none', () => {
    for (const type of ['informal_letter', 'consent_release', 'guardian_ad_litem_request', 'nobody knows'])
      expect(clocksOf(type)).toEqual([]);
  });
});
