import { and, asc, eq, ne } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import { personal } from '../core/personal.ts';
import type { Custodian, CustodianState } from '../disposition/custodian.ts';
import type { Store } from './commit.ts';
import { custodians, holds } from './schema.ts';
import type { Vault } from './vault.ts';

interface Sealed {
  readonly name: string;
  readonly email: string;
  readonly instructions: string | null;
}

export async function custodianColumns(vault: Vault, custodian: Custodian) {
  const secret: Sealed = {
    name: custodian.name.reveal(),
    email: custodian.email.reveal(),
    instructions: custodian.instructions.reveal(),
  };
  return {
    id: custodian.id,
    holdId: custodian.holdId,
    caseId: custodian.caseId,
    state: custodian.state,
    askedAt: custodian.askedAt,
    askedBy: custodian.askedBy,
    acknowledgedAt: custodian.acknowledgedAt,
    history: custodian.history as unknown as Json,
    sealed: await vault.seal(custodian.caseId, secret),
  };
}

async function toCustodian(store: Store, row: typeof custodians.$inferSelect): Promise<Custodian> {
  const secret = (await store.vault.open(row.caseId, row.sealed)).reveal() as Sealed;
  const { sealed: _, ...plain } = row;
  return {
    ...plain,
    state: row.state as CustodianState,
    history: row.history as unknown as Custodian['history'],
    name: personal(secret.name),
    email: personal(secret.email),
    instructions: personal(secret.instructions),
  };
}

export async function loadCustodian(store: Store, id: string): Promise<Custodian | null> {
  const [row] = await store.db.orm.select().from(custodians).where(eq(custodians.id, id));
  return row ? toCustodian(store, row) : null;
}

/** The custodians of a hold, in the order in which they were asked. */
export async function custodiansOf(store: Store, hold: string): Promise<readonly Custodian[]> {
  const rows = await store.db.orm
    .select()
    .from(custodians)
    .where(eq(custodians.holdId, hold))
    .orderBy(asc(custodians.askedAt), asc(custodians.id));
  return Promise.all(rows.map((row) => toCustodian(store, row)));
}

/** Those in one state, of every hold. */
export async function custodiansIn(store: Store, state: CustodianState): Promise<readonly Custodian[]> {
  const rows = await store.db.orm
    .select()
    .from(custodians)
    .where(eq(custodians.state, state))
    .orderBy(asc(custodians.id));
  return Promise.all(rows.map((row) => toCustodian(store, row)));
}

/** The ids of custodians who are to keep something for a hold that is over. */
export async function keepingForNothing(store: Store): Promise<readonly string[]> {
  const rows = await store.db.orm
    .select({ id: custodians.id })
    .from(custodians)
    .innerJoin(holds, eq(holds.id, custodians.holdId))
    .where(and(eq(holds.state, 'released'), ne(custodians.state, 'released')));
  return rows.map(({ id }) => id);
}

/** The ids of a hold's custodians who are still to keep something. */
export async function keepingCustodians(store: Store, hold: string): Promise<readonly string[]> {
  const rows = await store.db.orm
    .select({ id: custodians.id })
    .from(custodians)
    .where(and(eq(custodians.holdId, hold), ne(custodians.state, 'released')));
  return rows.map(({ id }) => id);
}
