import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/actor.ts';
import { isRefusal, refuse } from '../../src/core/refusal.ts';
import { batchId, digestOfBatches, ruleOfBatch } from '../../src/disposition/batch.ts';
import {
  allowedRunMoves,
  approveRun,
  finishRun,
  type Guards,
  moveRun,
  type PlannedPart,
  planRun,
  progressOfRun,
  type Run,
} from '../../src/disposition/run.ts';

const officer: Actor = { id: 'act_officer', kind: 'token', role: 'compliance', approval: 'token' };
const second: Actor = { id: 'act_second', kind: 'token', role: 'compliance', approval: 'token' };
const now = Temporal.Instant.from('2026-11-27T09:30:00Z');
const base = {
  id: 'run_1',
  dryRun: false,
  policy: 'p',
  plannedAt: now,
  startedBy: officer.id,
  cutoffs: { messages: '2023-11-27T09:30:00.000Z' },
  runKey: new Uint8Array(32),
};
const calm: Guards = { lastRunAt: null, otherClocks: [], jumpSeconds: 0, demonstration: false };
const census = { dataset: 'app.messages', total: 100, due: 20, held: 5, restricted: 1, heldBy: { hld_1: 5 } };
const part: PlannedPart = {
  rule: 'messages',
  act: 'destroy',
  ruleDigest: 'd',
  cap: { share: null, timesUsual: null },
  result: census,
  usual: [],
  unchanged: true,
};
const away = { ...part, result: refuse('source_unreachable', 'away', { dataset: 'app.messages' }) };

function planned(parts: readonly PlannedPart[], guards: Partial<Guards> = {}, change: Partial<typeof base> = {}): Run {
  const decided = planRun({ ...base, ...change }, parts, { ...calm, ...guards });
  if (isRefusal(decided)) throw new Error(decided.detail);
  const [state] = decided.state;
  if (!state) throw new Error('no run');
  // What starts has its task, and what does not has none.
  expect(decided.tasks).toHaveLength(state.run.state === 'running' ? 1 : 0);
  expect(decided.entries[0]?.kind).toBe('run.planned');
  return state.run;
}

describe('planning a run', () => {
  it('starts by itself only what nobody must look at', () => {
    expect(planned([part])).toMatchObject({ state: 'running', approvalReasons: [] });
    const changed = { ...part, unchanged: false };
    expect(planned([changed])).toMatchObject({
      state: 'awaiting_approval',
      approvalReasons: ['rule_changed:messages'],
    });
    expect(planned([changed], { demonstration: true }).state).toBe('running');
    // A rule that would take nothing needs no one, changed or not.
    const nothing = { ...changed, result: { ...census, due: 6 } };
    expect(planned([nothing]).state).toBe('running');
    expect(planned([changed], {}, { dryRun: true })).toMatchObject({ state: 'planned', finishedAt: now });
  });

  it('asks exactly from the row above a cap, counting only what would go', () => {
    const capped = (due: number) => ({ ...part, cap: { share: 0.25, timesUsual: null }, result: { ...census, due } });
    expect(planned([capped(31)]).state).toBe('running');
    expect(planned([capped(32)])).toMatchObject({ approvalReasons: ['cap_share:app.messages'] });
    const usual = (counts: readonly number[]) => ({ ...part, cap: { share: null, timesUsual: 2 }, usual: counts });
    expect(planned([usual([7, 7, 7])]).state).toBe('running');
    expect(planned([usual([6, 7, 7])])).toMatchObject({ approvalReasons: ['cap_usual:app.messages'] });
    // Two runs are no habit, and nothing times two is no measure.
    expect(planned([usual([1, 1])]).state).toBe('running');
    expect(planned([usual([0, 0, 0])]).state).toBe('running');
  });

  it('I4 is refused by a clock that cannot be right, a millisecond over the line', () => {
    const day = 86_400_000;
    const other = (ms: number) => ({ otherClocks: [now, now.add({ milliseconds: ms })] });
    const guards: readonly (readonly [Partial<Guards>, boolean])[] = [
      [{ lastRunAt: now }, true],
      [{ lastRunAt: now.add({ milliseconds: 1 }) }, false],
      [{ jumpSeconds: 86_400 }, true],
      [{ jumpSeconds: -86_401 }, false],
      [other(day), true],
      [other(day + 1), false],
      [other(-day - 1), false],
    ];
    for (const [guard, right] of guards) {
      const run = planned([part], guard);
      expect([guard, run.state]).toEqual([guard, right ? 'running' : 'refused']);
      if (!right) expect(run).toMatchObject({ refusal: { code: 'clock_implausible' }, finishedAt: now });
    }
    expect(planned([part], { lastRunAt: now.add({ seconds: 1 }), demonstration: true }).state).toBe('refused');
  });

  it('I4 a part that cannot be done is refused by name; a run of such parts only is none', () => {
    expect(planned([away, part])).toMatchObject({
      state: 'running',
      parts: [
        { state: 'refused', dataset: 'app.messages', refusal: { code: 'source_unreachable' } },
        { state: 'planned' },
      ],
    });
    expect(planned([away, away])).toMatchObject({ state: 'refused', refusal: { code: 'source_unreachable' } });
  });
});

describe('moving a run', () => {
  const states = [
    'planned',
    'awaiting_approval',
    'running',
    'paused',
    'completed',
    'cancelled',
    'failed',
    'refused',
  ] as const;

  it('goes by its table, and what is over stays over', () => {
    for (const state of states) {
      const run = { ...planned([part]), state };
      const allowed = allowedRunMoves(run);
      for (const move of ['cancel', 'pause', 'resume'] as const) {
        const decided = moveRun(run, move, officer, now);
        expect([state, move, isRefusal(decided)]).toEqual([state, move, !allowed.includes(move)]);
        if (isRefusal(decided)) expect(decided).toMatchObject({ code: 'move_not_allowed', facts: { allowed } });
      }
      expect(isRefusal(approveRun(run, second, now))).toBe(state !== 'awaiting_approval');
      if (['completed', 'cancelled', 'failed', 'refused'].includes(state)) expect(allowed).toEqual([]);
    }
  });

  it('I6 is approved by somebody else, with a fresh proof', () => {
    const run = { ...planned([part]), state: 'awaiting_approval' as const };
    expect(approveRun(run, officer, now)).toMatchObject({ code: 'second_person_needed' });
    expect(approveRun(run, { ...second, approval: null }, now)).toMatchObject({ code: 'approval_not_allowed' });
    expect(approveRun(run, { ...second, kind: 'person', approval: null }, now)).toMatchObject({
      code: 'step_up_needed',
    });
    expect(approveRun(run, second, now)).toMatchObject({
      state: [{ run: { state: 'running', approvedBy: second.id } }],
    });
  });

  it('I4 ends completed only when every part was done, whatever the parts did', () => {
    const partStates = fc.constantFrom('planned', 'running', 'done', 'failed', 'refused');
    fc.assert(
      fc.property(fc.array(partStates, { minLength: 1, maxLength: 6 }), (ended) => {
        const run = planned([part]);
        const [one] = run.parts;
        if (!one) throw new Error('no part');
        const parts = ended.map((state) => ({
          ...one,
          state: state as typeof one.state,
          destroyed: 3,
          refusal: state === 'failed' || state === 'refused' ? { code: 'source_drift', detail: '' } : null,
        }));
        const decided = finishRun({ ...run, parts }, 'root', now);
        if (ended.includes('planned') || ended.includes('running')) expect(decided).toMatchObject({ code: 'conflict' });
        else if (ended.every((state) => state === 'done'))
          expect(decided).toMatchObject({
            state: [{ run: { state: 'completed', refusal: null } }],
            entries: [{ kind: 'run.completed', facts: { destroyed: 3 * ended.length, spared: 5 * ended.length } }],
          });
        else
          expect(decided).toMatchObject({
            state: [{ run: { state: 'failed', refusal: { code: 'source_drift' } } }],
            entries: [{ kind: 'run.failed', facts: { code: 'source_drift' } }],
          });
      }),
    );
  });
});

describe('batches', () => {
  it('are named alike at each try, and their digest is of every name, count and root in order', () => {
    expect(batchId('run_1', 'messages', 'app.messages', 7)).toBe('run_1/messages/app.messages/7');
    expect(ruleOfBatch('run_1/messages/app.messages/7')).toBe('messages');
    expect(ruleOfBatch('req_1/app.messages/7')).toBeNull();
    const batch = (id: string, count: number, byte: number) => ({ id, count, root: new Uint8Array(32).fill(byte) });
    const [one, two] = [batch('a', 1, 1), batch('b', 2, 2)];
    const digests = [[one, two], [two, one], [one], [one, { ...two, count: 3 }], [one, batch('b', 2, 3)], []].map(
      digestOfBatches,
    );
    expect(new Set(digests).size).toBe(digests.length);
    expect(digestOfBatches([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });
});

describe('progress', () => {
  const running = { ...planned([part]), state: 'running' as const };
  const batch = (second: number, count: number) => ({
    count,
    destroyedAt: Temporal.Instant.from('2026-11-27T10:00:00Z').add({ seconds: second }),
  });
  const withGone = (gone: number): Run => ({
    ...running,
    parts: running.parts.map((one) => ({ ...one, due: 1006, held: 5, restricted: 1, destroyed: gone })),
  });

  it('says when a run ends as its last batches go, whatever hung on the records', () => {
    // 100 records a batch with as many attachments, a batch every ten seconds: 700 left are seven batches.
    const batches = [batch(0, 200), batch(20, 200), batch(10, 200)];
    expect(progressOfRun(withGone(300), batches)).toMatchObject({ planned: 1000, gone: 300 });
    expect(progressOfRun(withGone(300), batches).endsAt?.toString()).toBe('2026-11-27T10:01:30Z');
    // It has slowed down: the last twenty count.
    const slower = [
      ...Array.from({ length: 30 }, (_, i) => batch(i, 10)),
      ...Array.from({ length: 20 }, (_, i) => batch(100 + 10 * i, 10)),
    ];
    expect(progressOfRun(withGone(500), slower).endsAt?.toString()).toBe('2026-11-27T10:13:10Z');
  });

  it('says nothing where nothing is known: too few batches, no time between them, nothing left, not running', () => {
    const batches = [batch(0, 100), batch(10, 100), batch(20, 100)];
    expect(progressOfRun(withGone(200), batches.slice(1)).endsAt).toBeNull();
    expect(progressOfRun(withGone(300), [batch(0, 100), batch(0, 100), batch(0, 100)]).endsAt).toBeNull();
    expect(progressOfRun(withGone(1200), batches)).toEqual({ planned: 1000, gone: 1200, endsAt: null });
    expect(progressOfRun({ ...withGone(300), state: 'paused' }, batches).endsAt).toBeNull();
  });
});
