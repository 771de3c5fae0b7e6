import type { Actor } from '../core/actor.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { claimIdempotencyKey, dropIdempotencyKey, keepIdempotentAnswer } from '../db/settings.ts';
import type { Office } from './office.ts';

export interface KeptAnswer {
  readonly status: number;
  readonly body: string;
  readonly type: string;
}

/**
 * Answer a call once per key and actor: the same call again gets the same answer without being done again, another
 * call under the same key is refused, and one that is still going on is told to wait.
 */
export async function answerOnce(
  office: Office,
  actor: Actor,
  key: string,
  fingerprint: string,
  run: () => Promise<KeptAnswer>,
): Promise<KeptAnswer | Refusal> {
  const claim = await claimIdempotencyKey(office.store, actor.id, key, fingerprint, office.now());
  if (claim.kind === 'mismatch')
    return refuse(
      'idempotency_mismatch',
      'This Idempotency-Key was used for another call. Use a new key; nothing was changed.',
    );
  if (claim.kind === 'running')
    return refuse('conflict', 'The same call is still going on. Ask again with the same key in a moment.');
  if (claim.kind === 'again') {
    const kept = JSON.parse(claim.body) as { body: string; type: string };
    return { status: claim.status, ...kept };
  }
  try {
    const answer = await run();
    // A server's own fault may be tried again; anything else is the answer.
    if (answer.status >= 500) await dropIdempotencyKey(office.store, actor.id, key);
    else
      await keepIdempotentAnswer(
        office.store,
        actor.id,
        key,
        answer.status,
        JSON.stringify({ body: answer.body, type: answer.type }),
      );
    return answer;
  } catch (error) {
    await dropIdempotencyKey(office.store, actor.id, key);
    throw error;
  }
}
