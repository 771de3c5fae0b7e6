import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/actor.ts';
import { personal } from '../../src/core/personal.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import type { Decided } from '../../src/ledger/decision.ts';
import {
  allowedMoves,
  approveDecision,
  clockFacts,
  codeFailed,
  codeSent,
  countsMoved,
  type Deadline,
  decideOutcome,
  type Finding,
  findingsGathered,
  fulfilled,
  holdEnded,
  identityConfirmed,
  moveClock,
  occasionOf,
  outcomes,
  type Receipt,
  type RequestChange,
  type RequestMove,
  receiveRequest,
  recount,
  refuseMove,
  reopen,
  requestMoves,
  requestStates,
  requestTypes,
  type SubjectRequest,
  standing,
  startGathering,
  withdraw,
} from '../../src/requests/request.ts';

const pat: Actor = { id: 'act_pat', kind: 'token', role: 'privacy', approval: 'token' };
const alex: Actor = { id: 'act_alex', kind: 'token', role: 'privacy', approval: 'token' };
const now = Temporal.Instant.from('2026-11-27T09:30:00Z');
const deadline: Deadline = {
  dueAt: Temporal.Instant.from('2026-12-28T00:00:00Z'),
  dueOn: '2026-12-27',
  clock: 'running',
  refuseBy: Temporal.Instant.from('2026-12-28T00:00:00Z'),
  frozen: [{ rule: 'SVC-30D', version: '1', calendar: null, calendarVersion: null, tzdb: '2026c' }],
};
const fresh: SubjectRequest = {
  id: 'req_1',
  version: 1,
  reference: 'R-1',
  caseId: 'req_1',
  type: 'access',
  regime: 'GDPR',
  channel: 'portal',
  state: 'received',
  outcome: null,
  reason: null,
  policy: 'p',
  receivedAt: now,
  appealedAt: null,
  deadline,
  pseudonym: 'x',
  history: [],
  clockEvents: [],
  identity: { state: 'unverified', method: null, verifiedAt: null, verifiedKinds: [], failedAttempts: 0 },
  findings: null,
  decision: null,
  receipt: null,
  exportId: null,
  holdId: null,
  subject: personal({ name: null, identifiers: [] }),
  details: personal(null),
  deferred: personal([]),
};
const finding: Finding = { dataset: 'app.messages', count: 3, disposition: 'destroy', ground: null, digest: 'd' };
const kept: Finding = { ...finding, disposition: 'keep', ground: 'LEGAL_HOLD' };
const receipt: Receipt = {
  at: '',
  given: [],
  destroyed: [finding],
  masked: [],
  kept: [kept],
  searchAfterwards: [],
  searchedAt: '',
};
const moves = Object.keys(requestMoves) as RequestMove[];

type Step = (request: SubjectRequest, by: Actor) => Decided<RequestChange>;
const steps: Readonly<Record<string, Step>> = {
  send: (request, by) => codeSent(request, by, now, 'grt_1'),
  verify: (request, by) => identityConfirmed(request, 'staff', ['email'], by, now),
  fail: (request, by) => codeFailed(request, by, now),
  gather: (request, by) => startGathering(request, by, now),
  gathered: (request, by) => findingsGathered(request, [finding, kept], by, now),
  grant: (request, by) => decideOutcome(request, 'granted', null, 'f', by, now),
  refuse: (request, by) => decideOutcome(request, 'refused', 'unfounded', 'f', by, now),
  approve: (request, by) => approveDecision(request, null, by, now),
  fulfil: (request, by) => fulfilled(request, receipt, 'r', personal([]), by, now),
  withdraw: (request, by) => withdraw(request, by, now),
  reopen: (request, by) => reopen(request, 'reopen', request.appealedAt, deadline, by, now),
  appeal: (request, by) => reopen(request, 'appeal', now, deadline, by, now),
  pause: (request, by) => moveClock(request, 'pause', { ...deadline, clock: 'paused' }, [], by, now),
  resume: (request, by) => moveClock(request, 'resume', deadline, [], by, now),
  extend: (request, by) => moveClock(request, 'extend', deadline, request.clockEvents, by, now),
  holdEnded: (request, by) => holdEnded(request, [finding], by, now),
};

/** Every request that some walk of a few steps makes. */
const walked = fc
  .record({
    type: fc.constantFrom(...requestTypes),
    walk: fc.array(fc.tuple(fc.constantFrom(...Object.keys(steps)), fc.constantFrom(pat, alex)), {
      minLength: 10,
      maxLength: 60,
    }),
  })
  .map(({ type, walk }) => {
    let request: SubjectRequest = { ...fresh, type };
    const made: { name: string; by: Actor; before: SubjectRequest; after: SubjectRequest; entries: number }[] = [];
    for (const [name, by] of walk) {
      const decided = steps[name]?.(request, by);
      if (!decided || isRefusal(decided)) continue;
      const [change] = decided.state;
      if (!change) continue;
      made.push({ name, by, before: request, after: change.request, entries: decided.entries.length });
      // The package of a decision is linked by a task of its own.
      const exportId = name === 'grant' ? 'exp_1' : change.request.exportId;
      request = { ...change.request, exportId, version: request.version + 1 };
    }
    return { request, made };
  });

describe('the moves of a request', () => {
  it('are those of the table, less what something missing closes, and a refusal names them all', () => {
    fc.assert(
      fc.property(walked, ({ request }) => {
        const open = allowedMoves(request);
        for (const move of moves) {
          const refusal = refuseMove(request, move);
          if (open.includes(move)) {
            expect(refusal).toBe(null);
            expect(requestMoves[move]).toContain(request.state);
          } else
            expect(refusal).toMatchObject({ code: 'move_not_allowed', facts: { state: request.state, allowed: open } });
        }
      }),
    );
    for (const states of Object.values(requestMoves))
      for (const state of states) expect(requestStates).toContain(state);
  });

  it('however they come, show and destroy nothing before identity is confirmed and a second person agreed', () => {
    fc.assert(
      fc.property(walked, ({ made }) => {
        for (const { name, by, before, after } of made) {
          if (['gathering', 'review', 'fulfilling'].includes(after.state))
            expect(after.identity.state).toBe('verified');
          if (name === 'approve') expect(before.decision?.by).not.toBe(by.id);
          if (name === 'fulfil') {
            expect(before.decision?.approvedBy).toBeTruthy();
            expect(before.decision?.approvedBy).not.toBe(before.decision?.by);
          }
          // What is searched again, or opened again, is decided again, and has no package of before.
          if (['gather', 'reopen', 'appeal', 'holdEnded'].includes(name)) {
            expect(after.decision).toBe(null);
            if (name !== 'holdEnded') expect(after.exportId).toBe(null);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never lose the deadline, and tell of themselves in history and ledger', () => {
    fc.assert(
      fc.property(walked, ({ request, made }) => {
        expect(request.deadline).toMatchObject({
          dueAt: deadline.dueAt,
          dueOn: deadline.dueOn,
          frozen: deadline.frozen,
        });
        for (const { name, before, after, entries } of made) {
          expect(entries).toBeGreaterThan(0);
          expect(after.history.length - before.history.length).toBe(name === 'fail' ? 0 : 1);
          if (after.state === 'closed') expect(after.deadline.clock).toBe('stopped');
          // The clock of what is closed starts again only as the law says: not for the rest that a hold kept.
          if (name === 'reopen' || name === 'appeal') expect(after.deadline.clock).toBe('running');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a decision', () => {
  const review: SubjectRequest = {
    ...fresh,
    state: 'review',
    findings: [finding],
    identity: { ...fresh.identity, state: 'verified' },
  };

  it('that refuses, whole or in part, names a ground by its code, and no other word reaches the ledger', () => {
    for (const outcome of outcomes) {
      const free = decideOutcome(review, outcome, 'Ada wrote angry letters', 'f', pat, now);
      expect(free).toMatchObject({ kind: 'refusal' });
      const none = decideOutcome(review, outcome, null, 'f', pat, now);
      expect([outcome, isRefusal(none)]).toEqual([outcome, !['granted', 'nothing_found'].includes(outcome)]);
    }
    expect(decideOutcome(review, 'refused', ' unfounded ', 'f', pat, now)).toMatchObject({
      state: [{ request: { state: 'closed', outcome: 'refused', reason: 'UNFOUNDED' } }],
    });
  });

  it('to erase waits out its cooling; the counts that moved are decided anew', () => {
    const decided = { ...review, type: 'erasure' as const, decision: decisionBy(pat.id) };
    const cooling = { years: 0, months: 0, weeks: 0, days: 2 };
    expect(approveDecision(decided, cooling, alex, now)).toMatchObject({
      tasks: [{ name: 'erase-subject', notBefore: '2026-11-29T09:30:00.000Z' }],
    });
    expect(approveDecision(decided, null, pat, now)).toMatchObject({ code: 'second_person_needed' });
    const moved = countsMoved({ ...decided, state: 'fulfilling' }, [kept], pat, now);
    expect(moved).toMatchObject({ state: [{ request: { state: 'review', decision: null, findings: [kept] } }] });
  });

  it('of which something was kept is granted in part', () => {
    const approved = {
      ...review,
      type: 'erasure' as const,
      state: 'fulfilling' as const,
      decision: decisionBy(pat.id),
    };
    expect(fulfilled(approved, receipt, 'r', personal([]), pat, now)).toMatchObject({
      state: [{ request: { outcome: 'partly_granted', state: 'closed' } }],
    });
    expect(fulfilled(approved, { ...receipt, kept: [] }, 'r', personal([]), pat, now)).toMatchObject({
      state: [{ request: { outcome: 'granted' } }],
    });
  });

  function decisionBy(by: string) {
    return { outcome: 'granted' as const, reason: null, by, at: '', findings: 'f', approvedBy: null, approvedAt: null };
  }
});

describe('turns of a request', () => {
  it('have letters of their own, and the first has plain ones', () => {
    const item = { at: '', actor: 'a', move: 'decide', from: 'closed' as const, to: 'review' as const };
    expect(occasionOf({ history: [item] }, 'decision')).toBe('decision');
    expect(
      occasionOf(
        {
          history: [
            { ...item, move: 'reopen' },
            { ...item, move: 'hold_ended' },
          ],
        },
        'decision',
      ),
    ).toBe('decision-3');
  });

  it('an appeal is counted by what happened since it came', () => {
    const event = (at: string) => ({ type: 'extension_notice', at });
    const clockEvents = [event('2026-11-01T00:00:00.000Z'), event('2026-12-01T00:00:00.000Z')];
    expect(clockFacts({ ...fresh, clockEvents })).toMatchObject({ type: 'access', events: clockEvents });
    const appealed = { ...fresh, clockEvents, appealedAt: now };
    expect(clockFacts(appealed)).toEqual({ type: 'appeal', regime: 'GDPR', receivedAt: now, events: [clockEvents[1]] });
  });

  it('a count that changes no day is no move', () => {
    expect(recount(fresh, { ...deadline, frozen: [] }, pat, now)).toMatchObject({
      entries: [],
      state: [{ request: { history: [] } }],
    });
    expect(recount(fresh, { ...deadline, dueOn: '2026-12-24' }, pat, now)).toMatchObject({
      entries: [{ kind: 'request.moved' }],
      state: [{ request: { history: [{ move: 'recount', from: 'received', to: 'received' }] } }],
    });
  });

  it('standing is late from the very instant, and nothing once the clock has stopped', () => {
    const due = deadline.dueAt ?? now;
    expect(standing(fresh, due)).toBe('late');
    expect(standing(fresh, due.subtract({ milliseconds: 1 }))).toBe('due_soon');
    expect(standing(fresh, due.subtract({ hours: 7 * 24, milliseconds: 1 }))).toBe('in_time');
    expect(standing({ ...fresh, deadline: { ...deadline, clock: 'stopped' } }, due)).toBe(null);
    expect(standing({ ...fresh, deadline: { ...deadline, dueAt: null } }, due)).toBe(null);
  });

  it('a receipt confirms at once', () => {
    expect(receiveRequest(fresh, pat, now)).toMatchObject({
      entries: [{ kind: 'request.received' }],
      tasks: [{ payload: { template: 'request-received' } }],
    });
  });
});
