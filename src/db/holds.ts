import { and, desc, eq, isNotNull, ne } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import { personal } from '../core/personal.ts';
import type { Coverage, Hold, HoldReview, HoldState, Placement } from '../disposition/hold.ts';
import type { HoldScope } from '../policy/hold.ts';
import type { Store } from './commit.ts';
import { holdEpochs, holds } from './schema.ts';
import type { Vault } from './vault.ts';

interface Sealed {
  readonly matter: string;
  readonly reason: string;
  readonly scope: HoldScope;
  readonly reviews?: readonly HoldReview[];
}

export async function holdColumns(vault: Vault, hold: Hold) {
  const secret: Sealed = {
    matter: hold.matter.reveal(),
    reason: hold.reason.reveal(),
    scope: hold.scope.reveal(),
    reviews: hold.reviews.reveal(),
  };
  return {
    id: hold.id,
    caseId: hold.caseId,
    matterId: hold.matterId,
    reviewOn: hold.reviewOn,
    state: hold.state,
    policy: hold.policy,
    placedAt: hold.placedAt,
    placedBy: hold.placedBy,
    demandId: hold.demandId,
    requestId: hold.requestId,
    placements: hold.placements as unknown as Json,
    coverage: hold.coverage as unknown as Json,
    scopeDigest: hold.scopeDigest,
    releaseRequestedBy: hold.releaseRequestedBy,
    releaseRequestedAt: hold.releaseRequestedAt,
    releasedBy: hold.releasedBy,
    releasedAt: hold.releasedAt,
    sealed: await vault.seal(hold.caseId, secret),
  };
}

async function toHold(store: Store, row: typeof holds.$inferSelect): Promise<Hold> {
  const secret = (await store.vault.open(row.caseId, row.sealed)).reveal() as Sealed;
  const { sealed: _, ...plain } = row;
  return {
    ...plain,
    state: row.state as HoldState,
    placements: row.placements as unknown as Record<string, Placement>,
    coverage: row.coverage as unknown as Coverage[],
    matter: personal(secret.matter),
    reason: personal(secret.reason),
    scope: personal(secret.scope),
    reviews: personal(secret.reviews ?? []),
  };
}

export async function loadHold(store: Store, id: string): Promise<Hold | null> {
  const [row] = await store.db.orm.select().from(holds).where(eq(holds.id, id));
  return row ? toHold(store, row) : null;
}

/** Holds, newest first. */
export async function listHolds(store: Store, limit: number, offset = 0): Promise<readonly Hold[]> {
  const rows = await store.db.orm
    .select()
    .from(holds)
    .orderBy(desc(holds.placedAt), desc(holds.id))
    .limit(limit)
    .offset(offset);
  return Promise.all(rows.map((row) => toHold(store, row)));
}

/** The holds of a matter, newest first. */
export async function holdsOfMatter(store: Store, matter: string): Promise<readonly Hold[]> {
  const rows = await store.db.orm
    .select()
    .from(holds)
    .where(eq(holds.matterId, matter))
    .orderBy(desc(holds.placedAt), desc(holds.id));
  return Promise.all(rows.map((row) => toHold(store, row)));
}

/** The holds that keep the evidence of requests and are not released. */
export async function holdsOfRequests(
  store: Store,
): Promise<readonly { readonly id: string; readonly requestId: string }[]> {
  const rows = await store.db.orm
    .select({ id: holds.id, requestId: holds.requestId })
    .from(holds)
    .where(and(ne(holds.state, 'released'), isNotNull(holds.requestId)));
  return rows.map(({ id, requestId }) => ({ id, requestId: requestId ?? '' }));
}

/** Every hold that is not released: what protects records now, or must once its source is reached. */
export async function openHolds(store: Store): Promise<readonly Hold[]> {
  const rows = await store.db.orm.select().from(holds).where(ne(holds.state, 'released'));
  return Promise.all(rows.map((row) => toHold(store, row)));
}

/** Where every hold that is not released stands, without opening what it says: asked before each batch. */
export async function openPlacements(
  store: Store,
): Promise<readonly { readonly id: string; readonly placements: Readonly<Record<string, Placement>> }[]> {
  const rows = await store.db.orm
    .select({ id: holds.id, placements: holds.placements })
    .from(holds)
    .where(ne(holds.state, 'released'));
  return rows.map(({ id, placements }) => ({ id, placements: placements as unknown as Record<string, Placement> }));
}

/** The newest hold epoch known of a source; 0 before the first hold. */
export async function knownEpoch(store: Store, source: string): Promise<number> {
  const [row] = await store.db.orm.select().from(holdEpochs).where(eq(holdEpochs.source, source));
  return row?.epoch ?? 0;
}

/** Remember a source's epoch; it never goes back. */
export async function rememberEpoch(store: Store, source: string, epoch: number): Promise<void> {
  await store.db.sql`INSERT INTO hold_epochs (source, epoch) VALUES (${source}, ${epoch})
    ON CONFLICT (source) DO UPDATE SET epoch = greatest(hold_epochs.epoch, excluded.epoch)`;
}

/** Every known epoch, for the copy kept outside the database. */
export async function allEpochs(store: Store): Promise<Readonly<Record<string, number>>> {
  const rows = await store.db.orm.select().from(holdEpochs);
  return Object.fromEntries(rows.map((row) => [row.source, row.epoch]));
}
