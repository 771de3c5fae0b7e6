import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { type RefusalCode, refuse } from '../../src/core/refusal.ts';
import { replyProblem } from '../../src/http/problem.ts';
import { golden } from '../support/golden.ts';

/** Every code there is: a new one does not compile until it stands here, and so in the golden list. */
const every: Readonly<Record<RefusalCode, true>> = {
  invalid: true,
  not_found: true,
  not_allowed: true,
  move_not_allowed: true,
  second_person_needed: true,
  step_up_needed: true,
  approval_not_allowed: true,
  held: true,
  hold_pending: true,
  policy_invalid: true,
  rule_unknown: true,
  rule_changed: true,
  dataset_unknown: true,
  source_unreachable: true,
  source_drift: true,
  clock_implausible: true,
  cap_exceeded: true,
  hold_epoch_behind: true,
  ledger_behind: true,
  counts_moved: true,
  identity_unconfirmed: true,
  code_wrong: true,
  code_expired: true,
  too_many_attempts: true,
  link_expired: true,
  conflict: true,
  idempotency_mismatch: true,
  too_large: true,
  period_invalid: true,
  time_invalid: true,
  unauthenticated: true,
  not_ready: true,
  already_running: true,
};
const codes = Object.keys(every) as RefusalCode[];

const doors = new Hono();
doors.get('/:code', (c) => {
  // A fact may be called like a member of the problem; the member wins.
  const facts = { status: 200, code: 'fine', title: 'x', hold: 'hld_1' };
  return replyProblem(c, refuse(c.req.param('code') as RefusalCode, 'Why, and what to do.', facts));
});

describe('a problem', () => {
  it('of each code is its line in the golden file, and its members are those of RFC 9457', async () => {
    const lines: string[] = [];
    for (const code of codes) {
      const response = await doors.request(`/${code}`);
      expect(response.headers.get('Content-Type')).toBe('application/problem+json');
      const { type, title, status, ...rest } = (await response.json()) as Record<string, unknown>;
      expect(rest).toEqual({ code, detail: 'Why, and what to do.', errors: [], hold: 'hld_1' });
      expect(status).toBe(response.status);
      lines.push([code, response.status, title, type].join(' | '));
    }
    golden('problems.txt', `${lines.join('\n')}\n`);
  });

  it('of somebody unknown says how to be known', async () => {
    for (const code of codes) {
      const challenge = (await doors.request(`/${code}`)).headers.get('WWW-Authenticate');
      expect(challenge, code).toBe(code === 'unauthenticated' ? 'Bearer realm="muniment"' : null);
    }
  });
});
