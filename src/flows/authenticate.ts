import { type Actor, type Session, stepUpMinutes } from '../core/actor.ts';
import { sha256Hex } from '../core/hash.ts';
import { liveToken, touchPerson, touchToken } from '../db/people.ts';
import type { Office } from './office.ts';
import { lentTo } from './return-role.ts';
import type { ApproverPresence } from './signers.ts';

/** Who calls, and how they could approve. */
export interface Caller {
  readonly actor: Actor;
  readonly presence: ApproverPresence | null;
}

/** The caller behind a bearer token; null when it is none of ours, expired or revoked. */
export async function authenticateToken(office: Office, secret: string): Promise<Caller | null> {
  const now = office.now();
  const found = await liveToken(office.store, sha256Hex(secret), now);
  if (!found) return null;
  await touchToken(office.store, found.token.id, now);
  await touchPerson(office.store, found.person.id, now);
  const { token, person } = found;
  const canApprove = token.canApprove && token.keyId !== null && token.wrappedKey !== null;
  return {
    actor: {
      id: person.id,
      kind: 'token',
      role: token.role,
      approval: canApprove ? 'token' : null,
      ...(token.scopes ? { scopes: token.scopes } : {}),
    },
    presence:
      canApprove && token.keyId !== null && token.wrappedKey !== null
        ? { method: 'token', at: now, secret, kid: token.keyId, wrappedKey: token.wrappedKey }
        : null,
  };
}

/**
 * The caller behind a staff session. They may approve while their second proof is fresh, and hold another role while it is
 * lent to them.
 */
export async function authenticateSession(office: Office, session: Session): Promise<Caller> {
  const { steppedUpAt, person } = session;
  const fresh =
    steppedUpAt !== null && Temporal.Instant.compare(office.now(), steppedUpAt.add({ minutes: stepUpMinutes })) < 0;
  const lent = await lentTo(office, person);
  return {
    actor: {
      id: person.id,
      kind: 'person',
      role: person.role,
      approval: fresh ? 'step_up' : null,
      ...(lent ? { lent } : {}),
    },
    presence: fresh && steppedUpAt ? { method: 'step_up', at: steppedUpAt } : null,
  };
}

/** Note that somebody was there: what an access review asks. */
export async function seePerson(office: Office, id: string): Promise<void> {
  await touchPerson(office.store, id, office.now());
}
