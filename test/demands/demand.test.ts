import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/actor.ts';
import { personal } from '../../src/core/personal.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import {
  addDocument,
  allowedClockMoves,
  allowedDemandMoves,
  type Demand,
  type DemandMove,
  demandClockMoves,
  demandMoves,
  demandStates,
  linkDemand,
  moveDemand,
  moveDemandClock,
  receiveDemand,
} from '../../src/demands/demand.ts';

const lee: Actor = { id: 'act_lee', kind: 'token', role: 'legal', approval: null };
const now = Temporal.Instant.from('2026-11-27T09:30:00Z');
const fresh: Demand = {
  id: 'dem_1',
  version: 1,
  reference: 'D-1',
  caseId: 'dem_1',
  type: 'search_warrant',
  channel: 'post',
  state: 'received',
  receivedAt: now,
  dueAt: null,
  emergency: false,
  issuedAt: null,
  orderedPeriod: null,
  clockEvents: [],
  policy: 'p',
  history: [],
  documents: [],
  holdIds: [],
  exportIds: [],
  paper: personal({
    instrumentNumber: null,
    issuer: { name: 'Court', country: 'US', court: null },
    requester: null,
    targets: [],
    scope: null,
    caption: null,
    notes: null,
  }),
};
const moves = Object.keys(demandMoves) as DemandMove[];

describe('a legal demand', () => {
  it('moves along its table only, and names what is open when it refuses', () => {
    for (const state of demandStates)
      for (const move of moves) {
        const demand = { ...fresh, state };
        const decided = moveDemand(demand, move, 'why', true, lee, now);
        const open = moves.filter((one) => demandMoves[one].from.some((from) => from === state));
        expect(allowedDemandMoves(demand)).toEqual(open);
        if (open.includes(move))
          expect(decided).toMatchObject({ state: [{ demand: { state: demandMoves[move].to } }] });
        else expect(decided).toMatchObject({ code: 'move_not_allowed', facts: { state, allowed: open } });
      }
  });

  it('however it is moved, is collected only after it was authenticated, and answered only with a sealed export', () => {
    const steps = fc.array(fc.record({ move: fc.constantFrom(...moves), note: fc.boolean(), sealed: fc.boolean() }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(steps, (tried) => {
        let demand = fresh;
        let told = 0;
        let answeredSealed = true;
        for (const { move, note, sealed } of tried) {
          const decided = moveDemand(demand, move, note ? 'why' : null, sealed, lee, now);
          if (isRefusal(decided)) continue;
          expect(decided.entries).toHaveLength(1);
          told += 1;
          if (move === 'answer') answeredSealed = sealed;
          demand = decided.state[0]?.demand ?? demand;
        }
        const made = demand.history.map(({ move }) => move);
        expect(made).toHaveLength(told);
        expect(answeredSealed).toBe(true);
        for (const [place, move] of made.entries()) {
          if (move === 'collect') expect(made.slice(0, place)).toContain('authenticate');
          if (move === 'answer') expect(made.slice(0, place)).toContain('collect');
          if (move === 'authenticate' || move === 'refuse') expect(demand.history[place]?.note).toBe('why');
        }
      }),
    );
  });

  it('an emergency skips no call-back', () => {
    const urgent = { ...fresh, emergency: true, type: 'emergency_2702b8' as const };
    expect(moveDemand(urgent, 'collect', 'why', true, lee, now)).toMatchObject({ code: 'move_not_allowed' });
    expect(moveDemand(urgent, 'authenticate', null, false, lee, now)).toMatchObject({ errors: [{ pointer: '/note' }] });
  });

  it('takes more time while it is open, also where it was answered, and stays where it is', () => {
    const event = { type: 'preservation_renewed', at: '2026-11-27T09:30:00.000Z' };
    for (const state of demandStates) {
      const demand = { ...fresh, state };
      const isOpen = !['refused', 'withdrawn', 'closed'].includes(state);
      expect(allowedClockMoves(demand)).toEqual(isOpen ? demandClockMoves : []);
      const decided = moveDemandClock(demand, 'renew', event, 'letter', lee, now);
      expect(isRefusal(decided) ? decided.code : decided.state[0]?.demand).toMatchObject(
        isOpen ? { state, clockEvents: [event], history: [{ move: 'renew', note: 'letter' }] } : {},
      );
      if (!isOpen) expect(decided).toMatchObject({ code: 'move_not_allowed' });
    }
  });

  it('no word of a person is in an entry, and a link is made once', () => {
    const paper = {
      id: 'doc_1',
      blob: 'blb_1',
      sha256: 'ab',
      sizeBytes: 1,
      mediaType: 'application/pdf',
      receivedAt: '',
      receivedBy: 'act_lee',
    };
    const decisions = [
      receiveDemand(fresh, true, lee, now),
      moveDemand(fresh, 'refuse', 'Secret Person', false, lee, now),
      moveDemandClock(fresh, 'extend', { type: 'extension_notice', at: '' }, 'Secret Person', lee, now),
      addDocument(fresh, paper, lee, now),
      linkDemand(fresh, { hold: 'hld_1' }, lee, now),
    ];
    for (const decided of decisions) {
      if (isRefusal(decided)) throw new Error(decided.detail);
      expect(decided.entries).toHaveLength(1);
      expect(JSON.stringify(decided.entries)).not.toContain('Secret');
    }
    const linked = { ...fresh, holdIds: ['hld_1'], exportIds: ['exp_1'] };
    for (const link of [{ hold: 'hld_1' }, { export: 'exp_1' }])
      expect(linkDemand(linked, link, lee, now)).toMatchObject({
        state: [{ demand: { holdIds: ['hld_1'], exportIds: ['exp_1'] } }],
      });
  });
});
