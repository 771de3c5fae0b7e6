import { describe, expect, it } from 'vitest';
import type { ClockAnswer, ClockEvent } from '../../../src/policy/clocks/answer.ts';
import { isOnTime } from '../../../src/policy/clocks/answer.ts';
import { effectiveDeadline, holdEnd } from '../../../src/policy/clocks/effective.ts';
import { takeRecomputed } from '../../../src/policy/clocks/recompute.ts';
import { regimesSchema, ruleNamed } from '../../../src/policy/regimes.ts';
import { book, clock, weekends } from './book.ts';

const due = (answer: ClockAnswer) => (answer.kind === 'date' ? answer.dueDate.toString() : answer.kind);
const codes = (answer: ClockAnswer) => answer.issues.map(({ code }) => code);
const at = (text: string) => Temporal.Instant.from(text);

const ask = (what: string, when: string, more: object = {}): ClockEvent => ({
  type: `${what}_requested`,
  at: when,
  ...more,
});
const get = (what: string, when: string, more: object = {}): ClockEvent => ({
  type: `${what}_received`,
  at: when,
  ...more,
});
const ground = { basis: 'art12_6_reasonable_doubt', without_undue_delay: true };

describe('the order of operations (rule book 0.3)', () => {
  it('never chains from a clamped date: 31 January and three months is 30 April', () => {
    const notice = { type: 'extension_notice', at: '2026-02-02T09:00:00Z', reason: 'complex' };
    expect(due(clock('GDPR-12.3', '2026-01-31T09:00:00Z', { events: [notice] }))).toBe('2026-04-30');
  });

  it('rolls last, after the days that do not count', () => {
    // One month is Friday 8 May; two days more are Sunday; then Monday. Rolling first would give Sunday.
    const events = [ask('identity', '2026-04-09T09:00:00Z', ground), get('identity', '2026-04-11T09:00:00Z')];
    expect(due(clock('GDPR-12.3', '2026-04-08T09:00:00Z', { events }))).toBe('2026-05-11');
  });
});

describe('questions to the person', () => {
  it('in the EU a fee stops nothing, and a question without ground or promptness neither', () => {
    const received = '2026-03-10T09:00:00Z';
    const stops = (event: ClockEvent) => codes(clock('GDPR-12.3', received, { events: [event] }));
    expect(stops({ type: 'fee_requested', at: '2026-03-11T09:00:00Z' })).toEqual(['PAUSE_NOT_ALLOWED']);
    expect(stops(ask('identity', '2026-03-11T09:00:00Z', { ...ground, without_undue_delay: false }))).toEqual([
      'PAUSE_NOT_JUSTIFIED',
    ]);
    expect(stops(ask('identity', '2026-03-11T09:00:00Z', { ...ground, basis: 'we like to ask' }))).toEqual([
      'PAUSE_NOT_JUSTIFIED',
    ]);
  });

  it('an answer on the day of asking takes no day in the EU and one in the UK', () => {
    const events = [ask('clarification', '2026-03-11T09:00:00Z', ground), get('clarification', '2026-03-11T17:00:00Z')];
    expect(due(clock('GDPR-12.3', '2026-03-10T09:00:00Z', { events }))).toBe('2026-04-10');
    const uk = { events, params: { request_type: 'access' } };
    // 11 April is a Saturday.
    expect(due(clock('UK-12A', '2026-03-10T09:00:00Z', uk))).toBe('2026-04-13');
  });

  it('a second question while one is open is in time however late, and its days count once', () => {
    const events = [
      ask('identity', '2026-03-12T09:00:00Z', { ...ground, ref: 'a' }),
      ask('clarification', '2026-05-20T09:00:00Z', { ...ground, ref: 'b' }),
      get('clarification', '2026-05-25T09:00:00Z', { ref: 'b' }),
      get('identity', '2026-06-01T09:00:00Z', { ref: 'a' }),
    ];
    const answer = clock('GDPR-12.3', '2026-03-10T09:00:00Z', { events });
    expect(codes(answer)).toEqual([]);
    // 10 April and the 81 days from 13 March to 1 June.
    expect(due(answer)).toBe(Temporal.PlainDate.from('2026-04-10').add({ days: 81 }).toString());
    const open = clock('GDPR-12.3', '2026-03-10T09:00:00Z', { events: events.slice(0, 3) });
    expect(open).toMatchObject({ kind: 'paused', remainingDays: 29 });
  });

  it('what is left while paused is what follows the answer', () => {
    const asked = ask('clarification', '2026-04-16T10:00:00Z');
    const params = { request_type: 'access' };
    const open = clock('UK-12A', '2026-04-13T10:00:00Z', {
      events: [asked],
      params,
      calendar: { ...weekends, weekend: [] },
    });
    if (open.kind !== 'paused') throw new Error(open.kind);
    const answered = clock('UK-12A', '2026-04-13T10:00:00Z', {
      events: [asked, get('clarification', '2026-04-20T10:00:00Z')],
      params,
      calendar: { ...weekends, weekend: [] },
    });
    expect(due(answered)).toBe(Temporal.PlainDate.from('2026-04-20').add({ days: open.remainingDays }).toString());
  });

  it('in the UK the latest of several answers begins the month', () => {
    const events = [
      ask('identity', '2026-03-03T10:00:00Z', { ref: 'i' }),
      { type: 'fee_requested', at: '2026-03-03T11:00:00Z', ref: 'f' },
      { type: 'fee_paid', at: '2026-03-20T10:00:00Z', ref: 'f' },
    ];
    const waiting = clock('UK-12A', '2026-03-02T10:00:00Z', { events });
    expect(waiting).toMatchObject({ kind: 'notStarted', waitingFor: ['identity'] });
    const all = [...events, get('identity', '2026-03-10T10:00:00Z', { ref: 'i' })];
    expect(due(clock('UK-12A', '2026-03-02T10:00:00Z', { events: all }))).toBe('2026-04-20');
  });

  it('days that did not count before a restart are behind it', () => {
    const events = [
      ask('clarification', '2026-03-04T10:00:00Z'),
      get('clarification', '2026-03-08T10:00:00Z'),
      ask('identity', '2026-03-09T10:00:00Z'),
      get('identity', '2026-03-13T10:00:00Z'),
    ];
    expect(due(clock('UK-12A', '2026-03-02T10:00:00Z', { events, params: { request_type: 'access' } }))).toBe(
      '2026-04-13',
    );
  });

  it('an answer is paired by its ref; one without a ref answers every open question of its kind', () => {
    const open = [ask('identity', '2026-03-11T09:00:00Z', { ...ground, ref: 'a' })];
    const wrong = clock('GDPR-12.3', '2026-03-10T09:00:00Z', {
      events: [...open, get('identity', '2026-03-12T09:00:00Z', { ref: 'b' })],
    });
    expect([wrong.kind, codes(wrong)]).toEqual(['paused', ['EVENT_ORDER']]);
    const bare = clock('GDPR-12.3', '2026-03-10T09:00:00Z', {
      events: [...open, get('identity', '2026-03-12T09:00:00Z')],
    });
    expect([bare.kind, codes(bare)]).toEqual(['date', []]);
  });

  it('asking again while the question is open changes nothing', () => {
    const events = [ask('identity', '2026-03-11T09:00:00Z', ground), ask('identity', '2026-03-15T09:00:00Z', ground)];
    const once = clock('GDPR-12.3', '2026-03-10T09:00:00Z', { events: events.slice(0, 1) });
    const twice = clock('GDPR-12.3', '2026-03-10T09:00:00Z', { events });
    expect(twice).toEqual(once);
  });

  it('events are walked in time order, whatever order they are given in', () => {
    const events = [get('identity', '2026-03-21T15:00:00Z'), ask('identity', '2026-03-11T10:00:00Z', ground)];
    const answer = clock('GDPR-12.3', '2026-03-10T09:00:00Z', { events });
    expect([due(answer), codes(answer)]).toEqual(['2026-04-20', []]);
  });

  it('an event whose time cannot be read changes nothing and says so', () => {
    const answer = clock('GDPR-12.3', '2026-03-10T09:00:00Z', {
      events: [{ type: 'extension_notice', at: '2026-02-30', reason: 'x' }],
    });
    expect(answer).toMatchObject({ kind: 'date', issues: [{ code: 'DATE_INVALID', level: 'reject', event: 0 }] });
  });
});

describe('extensions', () => {
  const notice = (when: string, more: object = {}) => ({
    type: 'extension_notice',
    at: when,
    reason: 'complex',
    ...more,
  });

  it('a refusal stays bound to the first period (GDPR art. 12(4))', () => {
    const answer = clock('GDPR-12.3', '2026-03-10T09:00:00Z', { events: [notice('2026-03-20T09:00:00Z')] });
    expect(answer).toMatchObject({ kind: 'date', extended: true });
    if (answer.kind === 'date')
      expect([answer.dueDate, answer.firstPeriodDate].map(String)).toEqual(['2026-06-10', '2026-04-10']);
  });

  it('the last instant of the period is in time and the first after it is not', () => {
    const last = clock('CCPA-RESPOND', '2026-05-01T10:00:00Z', { events: [notice('2026-06-15T23:59:59.999Z')] });
    const after = clock('CCPA-RESPOND', '2026-05-01T10:00:00Z', { events: [notice('2026-06-16T00:00:00Z')] });
    expect([codes(last), codes(after)]).toEqual([[], ['EXT_LATE']]);
  });

  it('a Swiss notice goes to the day it names, without a cap, and never back', () => {
    const to = (new_due_date: string) =>
      clock('CH-30D', '2026-09-01T10:00:00Z', { events: [notice('2026-09-20T10:00:00Z', { new_due_date })] });
    expect(due(to('2026-12-24'))).toBe('2026-12-24');
    for (const day of ['2026-10-01', '2026-09-25', '2026-02-30', 'soon'])
      expect([due(to(day)), codes(to(day))]).toEqual(['2026-10-01', ['EXT_NO_DATE']]);
  });

  it('PIPEDA takes longer than 60 days only for an alternative format', () => {
    const to = (more: object) =>
      due(clock('PIPEDA-30D', '2026-06-02T10:00:00Z', { events: [notice('2026-06-20T10:00:00Z', more)] }));
    expect(to({ new_due_date: '2026-12-01' })).toBe('2026-08-01');
    expect(to({ new_due_date: '2026-12-01', alternative_format: true })).toBe('2026-12-01');
  });

  it('a preservation under art. 11 is extended once, inside its 60 days, and after a confirmation only a person ends it', () => {
    const at30 = { type: 'preservation_extended', at: '2026-10-30T10:00:00+01:00' };
    const run = (events: readonly ClockEvent[]) => clock('EU-EPOCPR-60D', '2026-09-10T10:00:00+02:00', { events });
    expect(codes(run([at30, { ...at30, at: '2026-11-30T10:00:00Z' }]))).toEqual(['EXT_LIMIT']);
    expect(codes(run([{ ...at30, at: '2026-11-10T10:00:00Z' }]))).toEqual(['EXT_LATE']);
    expect(run([{ type: 'production_confirmed', at: '2026-10-01T10:00:00Z' }])).toMatchObject({ autoRelease: false });
  });
});

describe('legal demands', () => {
  it('the time on the paper governs an objection only where it comes first, and never before the service', () => {
    const objection = (compliance_at: string) =>
      clock('US-FRCP45-OBJ', '2026-06-01T11:00:00-04:00', { zone: 'America/New_York', params: { compliance_at } });
    expect(objection('2026-06-10T10:00:00-04:00')).toMatchObject({ kind: 'instant', strict: true });
    expect(objection('2026-06-20T10:00:00-04:00')).toMatchObject({ kind: 'date' });
    expect(objection('2026-05-20T10:00:00-04:00')).toMatchObject({ kind: 'needsHuman', code: 'DATE_BEFORE_RECEIPT' });
    expect(objection('2026-06-10T10:00:00')).toMatchObject({ kind: 'error', code: 'OFFSET_MISSING' });
  });

  it('before is before: at the time of compliance itself it is too late, at an ordinary instant it is not', () => {
    const noon = at('2026-06-10T12:00:00Z');
    expect(isOnTime({ kind: 'instant', dueAt: noon, strict: true }, noon)).toBe(false);
    expect(isOnTime({ kind: 'instant', dueAt: noon, strict: false }, noon)).toBe(true);
    const day = clock('SVC-30D', '2026-06-01T00:00:00Z');
    expect(isOnTime(day, at('2026-07-01T23:59:59.999Z'))).toBe(true);
    expect(isOnTime(day, at('2026-07-02T00:00:00Z'))).toBe(false);
    expect(isOnTime({ kind: 'cancelled' }, noon)).toBe(null);
  });

  it('the date on a paper stands as written; only who issued it gives more time', () => {
    const comply = (events: readonly ClockEvent[], return_at = '2026-06-20T09:00:00-04:00') =>
      clock('LD-FACE-DATE', '2026-06-01T10:00:00-04:00', { zone: 'America/New_York', params: { return_at }, events });
    const more = { type: 'extension_notice', at: '2026-06-10T09:00:00-04:00', new_due_at: '2026-07-01T09:00:00-04:00' };
    expect(comply([more])).toMatchObject({ kind: 'instant', issues: [{ code: 'EXT_NOT_ALLOWED' }] });
    expect(comply([{ ...more, by: 'issuer' }])).toMatchObject({ dueAt: at('2026-07-01T13:00:00Z'), extended: true });
    expect(due(comply([], '2026-06-20'))).toBe('2026-06-20');
    expect(comply([], '2026-05-01')).toMatchObject({ kind: 'needsHuman', code: 'DATE_BEFORE_RECEIPT' });
  });

  it('a length that only the order sets is never assumed', () => {
    const gag = (params: object) => clock('US-2705B', '2026-03-01T10:00:00Z', { params: { ...params } });
    expect(gag({})).toMatchObject({ kind: 'needsHuman', code: 'NO_PERIOD' });
    for (const period of ['PT3M', 'P0D', '-P1D', '90 days', 90])
      expect(gag({ period })).toMatchObject({ kind: 'error', code: 'PERIOD_INVALID' });
    expect(clock('US-CA-1560', '2026-03-01T10:00:00Z')).toMatchObject({ kind: 'needsHuman', code: 'NO_INSTRUMENT' });
    const seven = clock('UK-COPO-7D', '2026-05-05T10:00:00Z', { params: { period: 'P14D' } });
    expect(due(seven)).toBe('2026-05-18');
  });

  it('several holds end together at the latest of them, and by a person after a renewal too many', () => {
    const one = clock('US-2703F', '2026-01-10T10:00:00Z');
    const other = clock('US-2258A-1Y', '2026-01-10T10:00:00Z');
    expect(holdEnd([one, other])).toEqual({ releaseFrom: at('2027-01-11T00:00:00Z'), byPerson: false });
    const late = clock('US-2703F', '2026-01-10T10:00:00Z', {
      events: [{ type: 'preservation_renewed', at: '2026-04-20T10:00:00Z' }],
    });
    expect(holdEnd([late]).byPerson).toBe(true);
    expect(holdEnd([clock('US-2705B', '2026-01-10T10:00:00Z'), one]).byPerson).toBe(true);
    expect(holdEnd([])).toEqual({ releaseFrom: null, byPerson: false });
  });
});

describe('support tickets', () => {
  const hours = { mon: ['09:00', '17:00'], tue: ['09:00', '17:00'], fri: ['09:00', '12:00'] } as const;
  const desk = { ...weekends, hours: { mon: [...hours.mon], tue: [...hours.tue], fri: [...hours.fri] } } as const;

  it('a desk is open when it says so, not on every working day', () => {
    const calendar = { ...desk, hours: { mon: ['09:00', '17:00'] as [string, string] } };
    // Monday 15 June 2026 has one hour left; the next open day is the Monday after.
    const answer = clock('SLA-TIER', '2026-06-15T16:00:00Z', { calendar, params: { target: 'PT2H' } });
    expect(answer).toMatchObject({ kind: 'instant', dueAt: at('2026-06-22T10:00:00Z') });
  });

  it('while we wait the target stands still, over weekends too, and has no date', () => {
    const wait = { type: 'waiting_on_requester', at: '2026-06-15T12:00:00Z' };
    const tier = (events: readonly ClockEvent[]) =>
      clock('SLA-TIER', '2026-06-15T08:00:00Z', { events, params: { tier: 1 } });
    expect(tier([wait])).toMatchObject({ kind: 'paused', remainingDays: 1, waitingFor: ['requester_replied'] });
    const back = { type: 'requester_replied', at: '2026-06-22T00:00:00Z' };
    expect(tier([wait, back])).toMatchObject({ kind: 'instant', dueAt: at('2026-06-22T20:00:00Z') });
    expect(codes(tier([back]))).toEqual(['EVENT_ORDER']);
  });

  it('an escalation that waits goes on from where it stood', () => {
    const events = [{ type: 'waiting_on_requester', at: '2026-06-16T15:00:00Z' }];
    const chain = clock('SLA-ESCALATE', '2026-06-15T08:00:00Z', { events });
    expect(chain).toMatchObject({ kind: 'chain', tiers: [{ tier: 1, dueAt: at('2026-06-16T08:00:00Z') }] });
  });

  it('a target that is no time is refused', () => {
    for (const target of ['PT0H', 'P1D', '24h', '', 5])
      expect(clock('SLA-TIER', '2026-06-15T08:00:00Z', { params: { target } })).toMatchObject({
        code: 'PERIOD_INVALID',
      });
    expect(clock('SLA-TIER', '2026-06-15T08:00:00Z', { params: { tier: 4 } })).toMatchObject({
      code: 'PERIOD_INVALID',
    });
  });

  it('a reply exactly at 48 hours cancels the closing, and a demand is never closed for silence', () => {
    const close = (replyAt: string, ticket_type = 'support') =>
      clock('SLA-AUTOCLOSE', '2026-06-12T12:00:00Z', {
        params: { ticket_type },
        events: [
          { type: 'waiting_on_requester', at: '2026-06-12T18:00:00Z' },
          { type: 'requester_replied', at: replyAt },
        ],
      }).kind;
    expect(close('2026-06-14T18:00:00Z')).toBe('cancelled');
    expect(close('2026-06-14T18:00:01Z')).toBe('instant');
    expect(close('2026-06-14T18:00:01Z', 'legal_demand')).toBe('noAutoClose');
  });

  it('pauses of a ticket never touch a statutory clock', () => {
    const events = [{ type: 'waiting_on_requester', at: '2026-03-11T10:00:00Z' }];
    expect(clock('GDPR-12.3', '2026-03-10T09:00:00Z', { events })).toEqual(clock('GDPR-12.3', '2026-03-10T09:00:00Z'));
  });
});

describe('working days', () => {
  it('a missing calendar passes over weekends only, and says so; an empty list of holidays is a calendar', () => {
    const without = clock('GDPR-12.3', '2026-11-25T09:00:00Z', { calendar: null });
    expect([due(without), codes(without)]).toEqual(['2026-12-25', ['CALENDAR_MISSING']]);
    expect(codes(clock('GDPR-12.3', '2026-11-25T09:00:00Z'))).toEqual([]);
    expect(codes(clock('CCPA-CONFIRM', '2026-11-25T09:00:00Z', { calendar: null }))).toEqual(['CALENDAR_MISSING']);
    expect(codes(clock('SVC-30D', '2026-11-25T09:00:00Z', { calendar: null }))).toEqual([]);
  });

  it('Saturday is a working day where the calendar says so', () => {
    const calendar = { ...weekends, weekend: ['sun' as const] };
    expect(due(clock('CCPA-CONFIRM', '2026-06-11T10:00:00Z', { calendar }))).toBe('2026-06-23');
  });
});

describe('freezing (rule book 0.8)', () => {
  const answer = clock('GDPR-12.3', '2026-03-10T09:00:00Z', { tzdb: '2026b' });

  it('every answer names its rule, versions, calendar and time zone data', () => {
    expect(answer.frozen).toEqual({
      rule: 'GDPR-12.3',
      version: '1',
      calendar: 'weekends',
      calendarVersion: '1',
      tzdb: '2026b',
    });
  });

  it('new holidays move a date earlier silently, later only when a person confirms', () => {
    const own = { ...answer.frozen, rule: 'SVC-30D', calendar: null, calendarVersion: null };
    const kept = { dueAt: at('2026-04-11T00:00:00Z'), frozen: [own, answer.frozen] };
    const newer = [own, { ...answer.frozen, calendarVersion: '2' }];
    const due = (dueAt: string) => ({ dueAt: at(dueAt), frozen: newer });
    expect(takeRecomputed(kept, { ...kept })).toBe('keep');
    // A database gives the facts back in an order of its own.
    const stored = kept.frozen.map((one) => Object.fromEntries(Object.entries(one).toReversed()) as typeof own);
    expect(takeRecomputed({ ...kept, frozen: stored }, kept)).toBe('keep');
    expect(takeRecomputed(kept, due('2026-04-11T00:00:00Z'))).toBe('take');
    expect(takeRecomputed(kept, due('2026-04-10T00:00:00Z'))).toBe('take');
    expect(takeRecomputed(kept, due('2026-04-14T00:00:00Z'))).toBe('confirm');
    expect(takeRecomputed(kept, { dueAt: null, frozen: newer })).toBe('confirm');
    expect(takeRecomputed(kept, { ...due('2026-04-14T00:00:00Z'), frozen: newer.toReversed() })).toBe('confirm');
  });

  it('a new rule, or a new version of one, stands', () => {
    const kept = { dueAt: at('2026-04-11T00:00:00Z'), frozen: [answer.frozen] };
    const later = at('2026-06-11T00:00:00Z');
    expect(takeRecomputed(kept, { dueAt: later, frozen: [{ ...answer.frozen, version: '2' }] })).toBe('take');
    expect(takeRecomputed(kept, { dueAt: later, frozen: [] })).toBe('take');
  });
});

describe('several clocks', () => {
  const run = (id: string, received: string, events: readonly ClockEvent[] = []) => {
    const rule = ruleNamed(book, id);
    if (!rule) throw new Error(id);
    return { rule, answer: clock(id, received, { events }) };
  };

  it('a valid extension releases our own promise and no other statute', () => {
    const notice = { type: 'extension_notice', at: '2026-09-10T09:00:00Z', reason: 'complex' };
    const clocks = ['SVC-30D', 'GDPR-12.3', 'LGPD-15D'].map((id) => run(id, '2026-09-01T09:00:00Z', [notice]));
    expect(effectiveDeadline(clocks)).toMatchObject({
      governing: { rule: { id: 'LGPD-15D' } },
      released: [{ rule: { id: 'SVC-30D' } }],
      issues: [],
    });
    const refused = clocks.map(({ rule }) => run(rule.id, '2026-09-01T09:00:00Z', [{ ...notice, reason: '' }]));
    expect(effectiveDeadline(refused).released).toEqual([]);
    expect(effectiveDeadline(refused).issues).toEqual([{ code: 'EXT_NO_REASON', level: 'reject', event: 0 }]);
  });

  it('none gives a time: none governs', () => {
    expect(effectiveDeadline([run('JP-NONE', '2026-09-01T09:00:00Z')]).governing).toBe(null);
    expect(effectiveDeadline([]).governing).toBe(null);
  });
});

describe('the rule book', () => {
  it('reads itself again as it was kept with a policy set', () => {
    expect(regimesSchema.parse(JSON.parse(JSON.stringify(book)))).toEqual(book);
  });

  it('is in force by the local day of the trigger, first and last day included', () => {
    const rule = ruleNamed(book, 'EU-EPOC-10D');
    if (!rule) throw new Error('EU-EPOC-10D');
    const ended = regimesSchema.parse({
      ...book,
      rules: { ...book.rules, 'EU-EPOC-10D': { ...book.rules['EU-EPOC-10D'], until: '2026-12-31' } },
    });
    expect(ruleNamed(ended, 'EU-EPOC-10D')).toMatchObject({ until: '2026-12-31' });
    expect(clock('EU-EPOC-10D', '2026-08-17T22:30:00Z', { zone: 'Europe/Berlin' }).kind).toBe('date');
    expect(clock('EU-EPOC-10D', '2026-08-17T22:30:00Z').kind).toBe('notInForce');
  });

  const wrong = (change: (copy: typeof book) => unknown) => {
    const copy = structuredClone(book);
    const parsed = regimesSchema.safeParse(change(copy));
    return parsed.success ? 'accepted' : parsed.error.issues[0]?.path.join('.');
  };
  const withRule = (id: string, terms: object) => (copy: typeof book) => ({
    ...copy,
    rules: { ...copy.rules, [id]: { ...copy.rules[id], ...terms } },
  });

  it('refuses what cannot be counted', () => {
    expect(wrong((copy) => copy)).toBe('accepted');
    expect(wrong(withRule('GDPR-12.3', { period: 'PT3M' }))).toBe('rules.GDPR-12.3.period');
    expect(wrong(withRule('GDPR-12.3', { period: undefined }))).toBe('rules.GDPR-12.3');
    expect(wrong(withRule('GDPR-12.3', { extension: { to: 'P30D' } }))).toBe('rules.GDPR-12.3.extension.to');
    expect(wrong(withRule('GDPR-12.3', { regimes: ['MARS-DPA'] }))).toBe('rules.GDPR-12.3.regimes.0');
    expect(wrong(withRule('GDPR-12.3', { calendar: 'mars' }))).toBe('rules.GDPR-12.3.calendar');
    expect(wrong(withRule('GDPR-12.3', { from: '2026-02-30' }))).toBe('rules.GDPR-12.3.from');
    expect(wrong(withRule('JP-NONE', { governedBy: 'NOBODY' }))).toBe('rules.JP-NONE.governedBy');
    expect(wrong(withRule('SVC-30D', { service: false }))).toBe('rules');
    const week = { version: '1', weekend: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], holidays: [] };
    expect(wrong((copy) => ({ ...copy, calendars: { never: week } }))).toBe('calendars.never.weekend');
  });
});
