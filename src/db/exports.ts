import { and, count, desc, eq, gte, isNull } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import { personal } from '../core/personal.ts';
import type { Export, ExportFormat, ExportPurpose, ExportState, Rendering } from '../evidence/export.ts';
import type { HoldScope } from '../policy/hold.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { blobs, exports_ } from './schema.ts';
import type { Vault } from './vault.ts';

interface Sealed {
  readonly matter: string | null;
  readonly scope: HoldScope;
  readonly approved: { readonly manifest: string; readonly signature: string } | null;
}

export async function exportColumns(vault: Vault, wanted: Export) {
  const secret: Sealed = {
    matter: wanted.matter.reveal(),
    scope: wanted.scope.reveal(),
    approved: wanted.approved.reveal(),
  };
  return {
    id: wanted.id,
    caseId: wanted.caseId,
    purpose: wanted.purpose,
    state: wanted.state,
    policy: wanted.policy,
    requestedAt: wanted.requestedAt,
    preparer: wanted.preparer,
    approver: wanted.approver,
    demandId: wanted.demandId,
    requestId: wanted.requestId,
    formats: [...wanted.formats],
    timezone: wanted.timezone,
    counts: (wanted.rendering?.counts ?? null) as unknown as Json,
    progress: wanted.progress as unknown as Json,
    files: wanted.rendering as unknown as Json,
    manifestSha256: wanted.manifestSha256,
    packageBlob: wanted.packageBlob,
    packageSha256: wanted.packageSha256,
    sealedAt: wanted.sealedAt,
    refusal: wanted.refusal as Json,
    sealed: await vault.seal(wanted.caseId, secret),
  };
}

async function toExport(store: Store, row: typeof exports_.$inferSelect): Promise<Export> {
  const secret = (await store.vault.open(row.caseId, row.sealed)).reveal() as Sealed;
  const { sealed: _sealed, counts: _counts, files, ...plain } = row;
  return {
    ...plain,
    purpose: row.purpose as ExportPurpose,
    state: row.state as ExportState,
    formats: row.formats as ExportFormat[],
    progress: row.progress as unknown as Export['progress'],
    rendering: files as unknown as Rendering | null,
    refusal: row.refusal as Export['refusal'],
    matter: personal(secret.matter),
    scope: personal(secret.scope),
    approved: personal(secret.approved),
  };
}

export async function loadExport(store: Store, id: string): Promise<Export | null> {
  const [row] = await store.db.orm.select().from(exports_).where(eq(exports_.id, id));
  return row ? toExport(store, row) : null;
}

/** Exports, newest first: all of them, or without those that answer demands or requests. */
export async function listExports(
  store: Store,
  which: { readonly ofDemands: boolean; readonly ofRequests: boolean },
  limit: number,
  offset = 0,
): Promise<readonly Export[]> {
  const rows = await store.db.orm
    .select()
    .from(exports_)
    .where(
      and(
        which.ofDemands ? undefined : isNull(exports_.demandId),
        which.ofRequests ? undefined : isNull(exports_.requestId),
      ),
    )
    .orderBy(desc(exports_.requestedAt), desc(exports_.id))
    .limit(limit)
    .offset(offset);
  return Promise.all(rows.map((row) => toExport(store, row)));
}

/** How many exports somebody has asked for since then. */
export async function countExportsBy(store: Store, preparer: string, since: Temporal.Instant): Promise<number> {
  const [row] = await store.db.orm
    .select({ n: count() })
    .from(exports_)
    .where(and(eq(exports_.preparer, preparer), gte(exports_.requestedAt, since)));
  return row?.n ?? 0;
}

/** Progress is written beside the aggregate's version: it is a display, and must not make a decision conflict. */
export async function writeProgress(
  store: Store,
  id: string,
  progress: NonNullable<Export['progress']>,
): Promise<void> {
  await store.db.orm
    .update(exports_)
    .set({ progress: progress as unknown as Json })
    .where(eq(exports_.id, id));
}

// ---------------------------------------------------------------- blobs

export interface Blob {
  readonly id: string;
  readonly caseId: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly mediaType: string;
  readonly createdAt: Temporal.Instant;
}

/** Say what is in the blob store. The bytes were written and synced before: a row without bytes cannot be. */
export async function addBlob(tx: Queryable, blob: Blob): Promise<void> {
  await tx
    .insert(blobs)
    .values({ ...blob })
    .onConflictDoNothing();
}

export async function loadBlob(store: Store, id: string): Promise<Blob | null> {
  const [row] = await store.db.orm.select().from(blobs).where(eq(blobs.id, id));
  return row ?? null;
}
