import { desc, eq, or, sql } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import { personal } from '../core/personal.ts';
import type { Demand, DemandState, DemandType, Paper, ServedDocument } from '../demands/demand.ts';
import type { Store } from './commit.ts';
import { demands } from './schema.ts';
import type { Vault } from './vault.ts';

interface Sealed {
  readonly paper: Paper;
  readonly channel: string;
  /** By place in the history: why staff made a move, in their own words, which may name anybody. */
  readonly notes?: readonly (string | null)[];
}

export async function demandColumns(vault: Vault, demand: Demand) {
  const secret: Sealed = {
    paper: demand.paper.reveal(),
    channel: demand.channel,
    notes: demand.history.map(({ note }) => note),
  };
  return {
    id: demand.id,
    reference: demand.reference,
    caseId: demand.caseId,
    type: demand.type,
    state: demand.state,
    receivedAt: demand.receivedAt,
    dueAt: demand.dueAt,
    emergency: demand.emergency,
    issuedAt: demand.issuedAt,
    orderedPeriod: demand.orderedPeriod,
    clockEvents: demand.clockEvents as unknown as Json,
    policy: demand.policy,
    history: demand.history.map(({ note: _, ...item }) => item) as unknown as Json,
    documents: demand.documents as unknown as Json,
    holdIds: [...demand.holdIds],
    exportIds: [...demand.exportIds],
    sealed: await vault.seal(demand.caseId, secret),
  };
}

async function toDemand(store: Store, row: typeof demands.$inferSelect): Promise<Demand> {
  const secret = (await store.vault.open(row.caseId, row.sealed)).reveal() as Sealed;
  const { sealed: _, ...plain } = row;
  return {
    ...plain,
    type: row.type as DemandType,
    state: row.state as DemandState,
    channel: secret.channel,
    history: (row.history as unknown as Demand['history']).map((item, place) => ({
      ...item,
      note: secret.notes?.[place] ?? item.note ?? null,
    })),
    documents: row.documents as unknown as ServedDocument[],
    clockEvents: row.clockEvents as unknown as Demand['clockEvents'],
    paper: personal(secret.paper),
  };
}

export async function loadDemand(store: Store, id: string): Promise<Demand | null> {
  const [row] = await store.db.orm.select().from(demands).where(eq(demands.id, id));
  return row ? toDemand(store, row) : null;
}

/** The demands that a hold was placed for. One that died before it was linked is known by the hold alone. */
export async function demandsOfHold(
  store: Store,
  hold: { readonly id: string; readonly demandId: string | null },
): Promise<readonly Demand[]> {
  const linked = sql`jsonb_exists(${demands.holdIds}, ${hold.id})`;
  const rows = await store.db.orm
    .select()
    .from(demands)
    .where(hold.demandId === null ? linked : or(linked, eq(demands.id, hold.demandId)));
  return Promise.all(rows.map((row) => toDemand(store, row)));
}

/** Demands, newest first. */
export async function listDemands(store: Store, limit: number, offset = 0): Promise<readonly Demand[]> {
  const rows = await store.db.orm
    .select()
    .from(demands)
    .orderBy(desc(demands.receivedAt), desc(demands.id))
    .limit(limit)
    .offset(offset);
  return Promise.all(rows.map((row) => toDemand(store, row)));
}

/** Demands by type. */
export async function demandCounts(
  store: Store,
): Promise<readonly { type: string; count: number; answered: number }[]> {
  const rows = await store.db.sql<{ type: string; count: number; answered: number }[]>`
    SELECT type, count(*)::int AS count, count(*) FILTER (WHERE state = 'answered' OR history @> '[{"move": "answer"}]')::int AS answered
    FROM demands GROUP BY type ORDER BY type`;
  return rows.map((row) => ({ ...row }));
}
