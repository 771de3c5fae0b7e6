/** Staff roles. What each may do is policy (policies/roles.yaml), not code. */
export const roles = ['privacy', 'legal', 'compliance', 'auditor', 'admin'] as const;
export type Role = (typeof roles)[number];

/** A role that a person took for a short time in an emergency, beside their own. */
export interface Lent {
  readonly id: string;
  readonly role: Role;
  readonly until: Temporal.Instant;
}

/**
 * Who does something. `id` is stable for life and is what separation of duties compares (I6): two tokens of one actor
 * are one person, and a person who signs in and also holds a token is one person.
 */
export interface Actor {
  readonly id: string;
  readonly kind: 'person' | 'token' | 'cli' | 'clock' | 'requester' | 'system';
  readonly role: Role | null;
  /** How this actor may approve right now: by a session with a fresh second proof, by a token made for it, or not. */
  readonly approval: 'step_up' | 'token' | null;
  /** A token's permissions, where it was made with some of its role's only. */
  readonly scopes?: readonly string[];
  /** What this person holds beside their role right now, by break-glass; never a token's. */
  readonly lent?: Lent;
}

/** node-cron's bell. */
export const clockActor: Actor = { id: 'clock', kind: 'clock', role: null, approval: null };
/** Work that follows from an earlier decision. */
export const systemActor: Actor = { id: 'system', kind: 'system', role: null, approval: null };

/** How long a second proof counts as fresh. */
export const stepUpMinutes = 5;

/** Who is signed in, and when they last proved again that it is them. */
export interface Session {
  readonly id: string;
  readonly person: { readonly id: string; readonly name: string; readonly role: Role; readonly title: string | null };
  readonly steppedUpAt: Temporal.Instant | null;
}
