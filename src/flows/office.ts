/**
 * flows/ promises that the list of its files is the list of what Muniment does. A flow is one verb: it loads once,
 * decides in pure code, commits once and returns the new state or a refusal. A flow never talks HTTP, never renders,
 * and never decides by itself what a pure folder can decide.
 */

import type { BlobStore } from '../artifacts/blobs.ts';
import { isRefusal, type Refusal } from '../core/refusal.ts';
import { Conflict, commit, type State, type Store } from '../db/commit.ts';
import type { Company } from '../db/company.ts';
import type { ErasureFile } from '../db/erasure-file.ts';
import type { Keepsake } from '../db/keepsake.ts';
import type { CheckpointSigner } from '../db/ledger.ts';
import type { SignIn } from '../db/sign-in.ts';
import type { Decided } from '../ledger/decision.ts';
import type { Post } from '../notices/post.ts';
import type { Webhook } from '../notices/webhook.ts';
import type { PolicySet } from '../policy/set.ts';
import type { Sources } from '../sources/open.ts';
import type { Signers } from './signers.ts';

/** The room the flows work in: what they read, write, look at and sign with. Made once, in main.ts. */
export interface Office {
  readonly store: Store;
  readonly sources: Sources;
  readonly policy: PolicySet;
  readonly blobs: BlobStore;
  readonly post: Post;
  readonly signers: Signers;
  readonly signIn: SignIn;
  /** For digests of who tries to get in, and from where. */
  readonly signInKey: Uint8Array;
  /** Key of pseudonyms in masked rows, 32 bytes. */
  readonly pseudonyms: Uint8Array;
  /** The company's OpenID Connect provider; null: none is configured. */
  readonly company: Company | null;
  /** Where alarms are posted; null: nowhere. */
  readonly webhook: Webhook | null;
  readonly checkpointSigner: CheckpointSigner;
  readonly erasures: ErasureFile;
  readonly publicUrl: string;
  /** Demonstration mode: mail is shown on a page, and a first start counts as approved. */
  readonly demonstration: boolean;
  readonly version: string;
  /** Version of the time zone data that dates are counted with; null where the runtime does not say. */
  readonly tzdb: string | null;
  now(): Temporal.Instant;
  random(bytes: number): Uint8Array;
  /** Seconds by which the wall clock has moved away from the steady clock since this process started. */
  clockJumpSeconds(): number;
  /** Where the newest checkpoint and the hold epochs are kept outside the database. */
  readonly keepsake: Keepsake;
}

const tries = 5;

/**
 * Load, decide, commit. When somebody else changed the same thing in between, all three are done again, so a decision
 * is always made on what is there.
 * @param step loads and decides; it must have no effects of its own
 * @returns what `step` answered beside its decision, or its refusal
 */
export async function carryOut<T>(
  office: Pick<Office, 'store'>,
  step: () => Promise<{ decided: Decided<State>; result: T } | Refusal>,
  beside?: Parameters<typeof commit>[2],
): Promise<T | Refusal> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await step();
    if (isRefusal(outcome)) return outcome;
    if (isRefusal(outcome.decided)) return outcome.decided;
    try {
      await commit(office.store, outcome.decided, beside);
      return outcome.result;
    } catch (error) {
      if (!(error instanceof Conflict) || attempt === tries) throw error;
    }
  }
}
