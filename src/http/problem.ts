/**
 * http/ promises the outside of docs and scripts: /api/v1 with problem+json, the public endpoints, one place where a
 * caller is known and a permission is asked. It calls flows and nothing below them; a handler parses, calls one flow,
 * and replies.
 */

import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { httpDate } from '../core/instants.ts';
import type { Refusal, RefusalCode } from '../core/refusal.ts';

/** The only map from refusals to HTTP. */
const statusOf: Readonly<Record<RefusalCode, ContentfulStatusCode>> = {
  invalid: 422,
  not_found: 404,
  not_allowed: 403,
  move_not_allowed: 409,
  second_person_needed: 403,
  step_up_needed: 403,
  approval_not_allowed: 403,
  held: 409,
  hold_pending: 409,
  policy_invalid: 500,
  rule_unknown: 422,
  rule_changed: 409,
  dataset_unknown: 422,
  source_unreachable: 503,
  source_drift: 409,
  clock_implausible: 409,
  cap_exceeded: 409,
  hold_epoch_behind: 409,
  ledger_behind: 503,
  counts_moved: 409,
  identity_unconfirmed: 409,
  code_wrong: 403,
  code_expired: 403,
  too_many_attempts: 429,
  link_expired: 410,
  conflict: 409,
  idempotency_mismatch: 422,
  too_large: 413,
  period_invalid: 422,
  time_invalid: 422,
  unauthenticated: 401,
  not_ready: 409,
  already_running: 409,
};

const titles: Readonly<Record<number, string>> = {
  400: 'The request could not be read',
  401: 'Sign in, or send a token',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Not possible here',
  409: 'Not possible now',
  410: 'No longer there',
  413: 'Too large',
  415: 'Not in a form we read',
  422: 'Something in it is wrong',
  429: 'Too many tries',
  500: 'Something went wrong on our side',
  503: 'Not reachable at the moment',
};

/** A problem (RFC 9457). Nothing was changed by a call that is answered with one. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly { readonly pointer: string; readonly code: string; readonly detail: string }[];
  readonly [fact: string]: unknown;
}

/** A refusal as a problem. Its facts stand beside the fixed members; none of them is personal. */
function problemOf(refusal: Refusal): Problem {
  const status = statusOf[refusal.code];
  return {
    ...refusal.facts,
    type: `urn:muniment:problem:${refusal.code}`,
    title: titles[status] ?? 'Refused',
    status,
    code: refusal.code,
    detail: refusal.detail,
    errors: refusal.errors,
  };
}

/** Answer with a problem. */
export function replyProblem(c: Context, refusal: Refusal): Response {
  const problem = problemOf(refusal);
  c.header('Content-Type', 'application/problem+json');
  const { retryAt } = refusal.facts;
  if (typeof retryAt === 'string') c.header('Retry-After', httpDate(retryAt));
  if (problem.status === 401) c.header('WWW-Authenticate', 'Bearer realm="muniment"');
  return c.body(JSON.stringify(problem), problem.status as ContentfulStatusCode);
}
