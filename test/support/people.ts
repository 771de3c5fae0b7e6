import type { Actor, Role } from '../../src/core/actor.ts';
import type { Period } from '../../src/core/periods.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { authenticateToken, type Caller } from '../../src/flows/authenticate.ts';
import { createToken } from '../../src/flows/create-actor.ts';
import type { Office } from '../../src/flows/office.ts';

const cli: Actor = { id: 'cli:test', kind: 'cli', role: 'admin', approval: null };

/** Somebody of the staff who holds a token: whose name, which role. A token may approve, and does not expire, unless said. */
export interface StaffOrder {
  readonly name: string;
  readonly role: Role;
  readonly canApprove?: boolean;
  readonly expires?: Period | null;
  /** What the token may, of what its role may; all of it, unless said. */
  readonly scopes?: readonly string[];
}

/** A token for an actor of that name, who is made if new. */
export async function tokenFor(office: Office, order: StaffOrder): Promise<string> {
  const made = await createToken(office, cli, { expires: null, canApprove: true, ...order });
  if (isRefusal(made)) throw new Error(made.detail);
  return made.token;
}

/** The caller that such a token stands for. */
export async function callerFor(office: Office, order: StaffOrder): Promise<Caller> {
  const found = await authenticateToken(office, await tokenFor(office, order));
  if (!found) throw new Error('the token just made is not known');
  return found;
}
