import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/actor.ts';
import { personal } from '../../src/core/personal.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import {
  allowedIncidentMoves,
  groundsFor,
  type Incident,
  type IncidentMove,
  type IncidentOrder,
  incidentMoveNames,
  incidentMoves,
  incidentRisks,
  incidentStates,
  lateReasonCodes,
  moveIncident,
  openIncident,
  waiverGroundCodes,
  waiverGrounds,
} from '../../src/incidents/incident.ts';

const rosa: Actor = { id: 'act_rosa', kind: 'token', role: 'privacy', approval: 'token' };
const ben: Actor = { id: 'act_ben', kind: 'token', role: 'privacy', approval: 'token' };
const ina: Actor = { id: 'act_ina', kind: 'token', role: 'legal', approval: 'token' };
const awareAt = Temporal.Instant.from('2026-11-27T09:30:00Z');
const hours = (count: number) => awareAt.add({ hours: count });
const noScope = { subjects: [], keys: {}, datasets: [], from: null, to: null };
const counts = { countedAt: awareAt.toString(), people: 3, datasets: [], categories: [] };
const story = { title: 'A lost laptop', nature: '', consequences: '', measures: '', advice: '' };
const fresh: Incident = {
  id: 'inc_1',
  version: 1,
  reference: 'B-1',
  caseId: 'inc_1',
  state: 'open',
  awareAt,
  notifyBy: hours(72),
  authorityNotifiedAt: null,
  personsNotifiedAt: null,
  risk: 'unassessed',
  policy: 'p',
  datasets: [],
  counts: null,
  history: [{ at: awareAt.toString(), actor: rosa.id, move: 'open', from: 'open', to: 'open', note: null }],
  story: personal(story),
  scope: personal(noScope),
};

function orderOf(move: IncidentMove, at: Temporal.Instant): IncidentOrder {
  const note = null;
  switch (move) {
    case 'describe':
      return { move, story };
    case 'count':
      return { move, scope: personal(noScope), scopeDigest: 'd', datasets: [], counts };
    case 'assess':
      return { move, risk: 'none', note };
    case 'notify_authority':
      return { move, notifiedAt: at, reason: null, note };
    case 'notify_persons':
      return { move, notifiedAt: at, note };
    case 'waive_authority':
      return { move, ground: 'UNLIKELY_RISK', note };
    case 'waive_persons':
      return { move, ground: 'NO_HIGH_RISK', note };
    case 'close':
    case 'reopen':
      return { move, note };
  }
}

function moved(incident: Incident, order: IncidentOrder, actor: Actor, at: Temporal.Instant): Incident {
  const decided = moveIncident(incident, order, actor, at);
  if (isRefusal(decided)) throw new Error(`${decided.code}: ${decided.detail}`);
  return decided.state[0]?.incident ?? incident;
}

describe('an incident', () => {
  it('moves along its table only, and names what is open when it refuses', () => {
    for (const state of incidentStates)
      for (const move of incidentMoveNames) {
        const incident: Incident = { ...fresh, state, risk: 'none' };
        const decided = moveIncident(incident, orderOf(move, hours(1)), ben, hours(1));
        const open = incidentMoveNames.filter((one) => incidentMoves[one].from.some((from) => from === state));
        expect(allowedIncidentMoves(incident)).toEqual(open);
        if (open.includes(move))
          expect(decided).toMatchObject({ state: [{ incident: { state: incidentMoves[move].to ?? state } }] });
        else expect(decided).toMatchObject({ code: 'move_not_allowed', facts: { state, allowed: open } });
      }
  });

  it('has the moves that docs/OPERATIONS.md prints', () => {
    const rows = incidentMoveNames.map((move) => {
      const { from, to, needs } = incidentMoves[move];
      return `| \`${move}\` | ${from.join(', ')} | ${to ?? 'stays'} | \`${needs}\` |`;
    });
    expect(readFileSync('docs/OPERATIONS.md', 'utf8')).toContain(rows.join('\n'));
  });

  it('is opened with its clock watched from a day before it runs out, and not before anybody is aware', () => {
    expect(openIncident(fresh, null, rosa, hours(1))).toMatchObject({
      entries: [{ kind: 'incident.opened', facts: { awareAt: '2026-11-27T09:30:00.000Z' } }],
      tasks: [{ name: 'watch-incident', notBefore: '2026-11-29T09:30:00.000Z' }],
    });
    expect(openIncident(fresh, null, rosa, awareAt.subtract({ seconds: 1 }))).toMatchObject({ code: 'invalid' });
  });

  it('is notified in time up to the last instant, and a moment later only with a reason (GDPR art. 33(1))', () => {
    const assessed = moved(fresh, { move: 'assess', risk: 'risk', note: null }, ben, hours(1));
    const tell = (at: Temporal.Instant, reason: (typeof lateReasonCodes)[number] | null) =>
      moveIncident(assessed, { move: 'notify_authority', notifiedAt: at, reason, note: null }, ben, hours(80));
    const moment = hours(72).add({ milliseconds: 1 });
    expect(tell(hours(72), null)).toMatchObject({ state: [{ incident: { state: 'authority_notified' } }] });
    expect(tell(moment, null)).toMatchObject({
      code: 'invalid',
      errors: [{ pointer: '/reason', code: 'late_reason_needed' }],
    });
    expect(tell(moment, 'FACTS_UNCLEAR')).toMatchObject({
      state: [{ incident: { authorityNotifiedAt: moment } }],
      entries: [{ facts: { reason: 'FACTS_UNCLEAR' } }],
    });
    // A reason given for a notice in time is none.
    expect(tell(hours(71), 'FACTS_UNCLEAR')).toMatchObject({ entries: [{ facts: { reason: null } }] });
    expect(tell(hours(81), null)).toMatchObject({ errors: [{ code: 'in_future' }] });
    expect(tell(hours(-1), null)).toMatchObject({ errors: [{ code: 'before_aware' }] });
  });

  it('a second notice to the authority, after something new, adds to the first and is not late (art. 33(4))', () => {
    let incident = moved(fresh, { move: 'assess', risk: 'risk', note: null }, ben, hours(1));
    const tell = { move: 'notify_authority', notifiedAt: hours(2), reason: null, note: null } as const;
    incident = moved(incident, tell, ben, hours(2));
    incident = moved(incident, { move: 'reopen', note: null }, ben, hours(90));
    expect(incident).toMatchObject({ state: 'open', risk: 'unassessed' });
    incident = moved(incident, { move: 'assess', risk: 'high', note: null }, ben, hours(91));
    incident = moved(incident, { ...tell, notifiedAt: hours(92) }, ben, hours(92));
    expect(incident.authorityNotifiedAt).toEqual(hours(2));
  });

  it('that nobody need be told is decided by neither who opened it nor who assessed it, with a second proof', () => {
    for (const move of ['waive_authority', 'waive_persons'] as const) {
      const assessed = moved(fresh, { move: 'assess', risk: 'none', note: null }, ben, hours(1));
      const incident =
        move === 'waive_authority' ? assessed : { ...assessed, state: 'authority_not_required' as const };
      const order = orderOf(move, hours(1));
      expect(moveIncident(incident, order, rosa, hours(2))).toMatchObject({ code: 'second_person_needed' });
      expect(moveIncident(incident, order, ben, hours(2))).toMatchObject({ code: 'second_person_needed' });
      expect(moveIncident(incident, order, { ...ina, approval: null }, hours(2))).toMatchObject({
        code: 'approval_not_allowed',
      });
      expect(moveIncident(incident, order, { ...ina, kind: 'person', approval: null }, hours(2))).toMatchObject({
        code: 'step_up_needed',
      });
      expect(moveIncident(incident, order, ina, hours(2))).toMatchObject({ state: [{ incident: { version: 1 } }] });
    }
  });

  it('a ground is open only for those it spares and at a risk that allows it', () => {
    for (const risk of incidentRisks)
      for (const move of ['waive_authority', 'waive_persons'] as const)
        for (const ground of waiverGroundCodes) {
          const state = move === 'waive_authority' ? 'assessed' : 'authority_notified';
          const incident: Incident = { ...fresh, state, risk };
          const decided = moveIncident(incident, { move, ground, note: null }, ina, hours(2));
          if (groundsFor(incident, move).includes(ground)) expect(isRefusal(decided)).toBe(false);
          else expect(decided).toMatchObject({ code: 'invalid', errors: [{ code: 'ground_not_open' }] });
        }
    const high: Incident = { ...fresh, state: 'assessed', risk: 'high' };
    expect(groundsFor(high, 'waive_authority')).toEqual([]);
    expect(groundsFor({ ...high, authorityNotifiedAt: hours(1) }, 'waive_authority')).toEqual(['AUTHORITY_KNOWS']);
    expect(groundsFor(high, 'waive_persons')).not.toContain('NO_HIGH_RISK');
    for (const ground of waiverGroundCodes) expect(waiverGrounds[ground].citation).toMatch(/^GDPR art\. \d+/);
  });

  it('however it is moved, nothing is decided before the risk is assessed, nothing late without a reason, nothing by one alone', () => {
    const actor = fc.constantFrom(rosa, ben, ina);
    const step = fc.record({
      move: fc.constantFrom(...incidentMoveNames),
      risk: fc.constantFrom(...incidentRisks),
      ground: fc.constantFrom(...waiverGroundCodes),
      reason: fc.option(fc.constantFrom(...lateReasonCodes)),
      actor,
      wait: fc.integer({ min: 0, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        let incident = fresh;
        let now = awareAt;
        for (const { move, actor: by, wait, ...given } of steps) {
          now = now.add({ hours: wait });
          const order = { ...orderOf(move, now), ...given } as IncidentOrder;
          const decided = moveIncident(incident, order, by, now);
          if (isRefusal(decided)) continue;
          const before = incident;
          incident = decided.state[0]?.incident ?? incident;
          const since = incident.history.slice(
            incident.history.findLastIndex(({ to, from }) => to === 'open' && from !== 'open') + 1,
          );
          if (incident.state !== 'open') {
            expect(since.some((item) => item.move === 'assess')).toBe(true);
            expect(incident.risk).not.toBe('unassessed');
          }
          if (incident.state.startsWith('persons') || incident.state === 'closed')
            expect(since.some((item) => item.move.endsWith('_authority'))).toBe(true);
          const late = before.authorityNotifiedAt === null && Temporal.Instant.compare(now, fresh.notifyBy) > 0;
          if (move === 'notify_authority' && late) expect(incident.history.at(-1)?.reason).toBeDefined();
          if (move.startsWith('waive_')) {
            expect(by.id).not.toBe(rosa.id);
            expect(by.id).not.toBe(before.history.findLast((item) => item.move === 'assess')?.actor);
          }
          // A clock that still runs is watched by the task of its opening.
          if (move === 'reopen') expect(decided.tasks).toHaveLength(incident.authorityNotifiedAt === null ? 1 : 0);
          expect(decided.entries).toHaveLength(1);
          expect(JSON.stringify(decided.entries)).not.toContain('laptop');
        }
      }),
      { numRuns: 400 },
    );
  });
});
