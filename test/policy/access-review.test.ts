import { describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/actor.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import {
  type AccessReview,
  decideRows,
  type ReviewRow,
  refuseChoices,
  refuseSignature,
  reviewCounts,
  reviewDigest,
  signedRecord,
  undecided,
} from '../../src/policy/access-review.ts';

const at = Temporal.Instant.from('2026-11-27T09:30:00Z');
const by = (id: string): Actor => ({ id, kind: 'person', role: 'admin', approval: 'step_up' });
const row = (id: string, actor = id, disabledAt: string | null = null): ReviewRow => ({
  kind: id.startsWith('tok') ? 'token' : 'person',
  id,
  actor,
  role: 'legal',
  since: null,
  lastUsedAt: null,
  entries: 0,
  factors: [],
  lendings: 0,
  disabledAt,
  decision: null,
});
const review: AccessReview = {
  id: 'rev_1',
  version: 1,
  quarter: '2026-Q3',
  state: 'open',
  openedAt: at,
  closedAt: null,
  signedBy: null,
  rows: [row('act_1'), row('tok_1', 'act_1'), row('act_2'), row('tok_2', 'act_2'), row('act_3', 'act_3', 'long ago')],
};
const signed: AccessReview = { ...review, state: 'signed', closedAt: at, signedBy: 'act_2' };
const keep = (...ids: string[]) => ids.map((id) => ({ row: id, keep: true }));

describe('an access review', () => {
  it('lets nobody decide about themselves or a token of theirs, nor about whoever is out already', () => {
    for (const [choice, code] of [
      ['act_1', 'second_person_needed'],
      ['tok_1', 'second_person_needed'],
      ['act_3', 'not_found'],
      ['act_9', 'not_found'],
    ] as const)
      expect(refuseChoices(review, by('act_1'), keep('act_2', choice))?.code).toBe(code);
    expect(refuseChoices(review, by('act_1'), keep('act_2', 'tok_2'))).toBeNull();
    expect(refuseChoices(signed, by('act_1'), keep('act_2'))?.code).toBe('move_not_allowed');
  });

  it('takes the tokens of whoever is removed as well, and takes no removal back', () => {
    const gone = decideRows(review, by('act_1'), at, [{ row: 'act_2', keep: false }, ...keep('tok_2')]);
    expect(gone.rows.map(({ decision }) => decision?.keep ?? null)).toEqual([null, null, false, false, null]);
    expect(reviewCounts(gone)).toEqual({ people: 3, tokens: 2, removed: 2 });
    expect(refuseChoices(gone, by('act_1'), keep('tok_2'))?.code).toBe('move_not_allowed');
    expect(undecided(gone).map(({ id }) => id)).toEqual(['act_1', 'tok_1']);
  });

  it('is signed when every row is decided, by somebody it is not only about, once', () => {
    expect(refuseSignature(review, by('act_2'))).toMatchObject({ code: 'not_ready', facts: { waiting: 4 } });
    const half = decideRows(review, by('act_1'), at, keep('act_2', 'tok_2'));
    const whole = decideRows(half, by('act_2'), at, keep('act_1', 'tok_1'));
    expect(refuseSignature(whole, by('act_2'))).toBeNull();
    expect(refuseSignature({ ...whole, rows: whole.rows.slice(0, 2) }, by('act_1'))?.code).toBe('second_person_needed');
    expect(refuseSignature(signed, by('act_2'))?.code).toBe('move_not_allowed');
  });

  it('is named by the SHA-256 of its record: another word in any row is another digest', () => {
    expect(reviewDigest(signed)).toBe(sha256Hex(signedRecord(signed)));
    const digests = [
      signed,
      { ...signed, signedBy: 'act_1' },
      { ...signed, rows: signed.rows.slice(1) },
      { ...signed, rows: signed.rows.map((one) => ({ ...one, role: 'admin' as const })) },
    ].map(reviewDigest);
    expect(new Set(digests).size).toBe(digests.length);
  });
});
