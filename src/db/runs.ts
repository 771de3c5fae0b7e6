import { and, desc, eq, getTableColumns, gt, inArray, isNotNull, isNull, ne, or, sql } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import { type BatchRecord, type JournalRow, ruleOfBatch } from '../disposition/batch.ts';
import type { Census, Run, RunPart, RunState } from '../disposition/run.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { batches, intents, runParts, runs, settings } from './schema.ts';
import type { Vault } from './vault.ts';

export function runColumns(vault: Vault, run: Run) {
  return {
    id: run.id,
    state: run.state,
    dryRun: run.dryRun,
    policy: run.policy,
    plannedAt: run.plannedAt,
    startedBy: run.startedBy,
    approvedBy: run.approvedBy,
    approvalReasons: [...run.approvalReasons],
    finishedAt: run.finishedAt,
    cutoffs: { ...run.cutoffs },
    refusal: run.refusal as Json,
    certificate: run.certificate as Json,
    runKey: vault.wrap(run.runKey, `run:${run.id}`),
  };
}

/** The parts of a new run, as planned. */
export async function writeRunParts(tx: Queryable, run: Run): Promise<void> {
  if (run.parts.length === 0) return;
  const rows = run.parts.map((part) => ({
    runId: run.id,
    rule: part.rule,
    act: part.act,
    ruleDigest: part.ruleDigest,
    dataset: part.dataset,
    state: part.state,
    due: part.due,
    held: part.held,
    restricted: part.restricted,
    total: part.total,
    destroyed: part.destroyed,
    batches: part.batches,
    heldBy: { ...part.heldBy },
    refusal: part.refusal as Json,
  }));
  await tx.insert(runParts).values(rows);
}

/** What a part left behind, counted again at its end: a hold placed while it ran spares what the plan thought would go. */
export async function recountPart(store: Store, run: string, rule: string, census: Census): Promise<void> {
  await store.db.orm
    .update(runParts)
    .set({
      due: sql`${runParts.destroyed} + ${census.due}`,
      held: census.held,
      restricted: census.restricted,
      heldBy: { ...census.heldBy },
    })
    .where(isPart(run, { rule, dataset: census.dataset }));
}

/** How a part stands now. Counts grow only with copied batches (`copyBatch`), never from an aggregate loaded earlier. */
export async function markPart(
  store: Store,
  run: string,
  part: Pick<RunPart, 'rule' | 'dataset'>,
  state: RunPart['state'],
  refusal: RunPart['refusal'] = null,
): Promise<void> {
  await store.db.orm
    .update(runParts)
    .set({ state, refusal: refusal as Json })
    .where(isPart(run, part));
}

const isPart = (run: string, { rule, dataset }: Pick<RunPart, 'rule' | 'dataset'>) =>
  and(eq(runParts.runId, run), eq(runParts.rule, rule), eq(runParts.dataset, dataset));

function toRun(store: Store, row: typeof runs.$inferSelect, parts: readonly (typeof runParts.$inferSelect)[]): Run {
  return {
    ...row,
    state: row.state as RunState,
    approvalReasons: row.approvalReasons as unknown as string[],
    refusal: row.refusal as Run['refusal'],
    certificate: row.certificate as Run['certificate'],
    runKey: store.vault.unwrap(row.runKey, `run:${row.id}`),
    parts: parts
      .filter((part) => part.runId === row.id)
      .map((part) => ({
        ...part,
        act: part.act as RunPart['act'],
        state: part.state as RunPart['state'],
        refusal: part.refusal as RunPart['refusal'],
      }))
      .sort((a, b) => (a.dataset === b.dataset ? (a.rule < b.rule ? -1 : 1) : a.dataset < b.dataset ? -1 : 1)),
  };
}

export async function loadRun(store: Store, id: string): Promise<Run | null> {
  const [row] = await store.db.orm.select().from(runs).where(eq(runs.id, id));
  if (!row) return null;
  return toRun(store, row, await store.db.orm.select().from(runParts).where(eq(runParts.runId, id)));
}

/** Runs, newest first. */
export async function listRuns(store: Store, limit: number, offset = 0): Promise<readonly Run[]> {
  const rows = await store.db.orm
    .select()
    .from(runs)
    .orderBy(desc(runs.plannedAt), desc(runs.id))
    .limit(limit)
    .offset(offset);
  return withParts(store, rows);
}

/** Runs in one of these states, oldest first: what a start has to take up again, what waits for approval. */
export async function runsIn(store: Store, states: readonly RunState[]): Promise<readonly Run[]> {
  const rows = await store.db.orm
    .select()
    .from(runs)
    .where(inArray(runs.state, [...states]))
    .orderBy(runs.plannedAt);
  return withParts(store, rows);
}

async function withParts(store: Store, rows: readonly (typeof runs.$inferSelect)[]): Promise<readonly Run[]> {
  if (rows.length === 0) return [];
  const parts = await store.db.orm
    .select()
    .from(runParts)
    .where(
      inArray(
        runParts.runId,
        rows.map((row) => row.id),
      ),
    );
  return rows.map((row) => toRun(store, row, parts));
}

/**
 * A run other than `id` that is open on any of these datasets. Plans wait for each other here, until their transaction
 * ends, so that two at once cannot both find nothing.
 */
export async function otherOpenRun(
  tx: Queryable,
  id: string,
  datasets: readonly string[],
): Promise<{ readonly id: string; readonly state: string } | null> {
  await tx.execute(sql`SELECT pg_advisory_xact_lock(7166, hashtext('plan'))`);
  if (datasets.length === 0) return null;
  const [row] = await tx
    .select({ id: runs.id, state: runs.state })
    .from(runParts)
    .innerJoin(runs, eq(runs.id, runParts.runId))
    .where(
      and(
        ne(runs.id, id),
        inArray(runParts.dataset, [...datasets]),
        inArray(runs.state, ['running', 'paused', 'awaiting_approval']),
      ),
    )
    .limit(1);
  return row ?? null;
}

/** Destroyed in a dataset by a rule in each of the last completed runs, newest first. */
export async function usualDestruction(
  store: Store,
  { rule, dataset }: Pick<RunPart, 'rule' | 'dataset'>,
  most = 5,
): Promise<readonly number[]> {
  const rows = await store.db.orm
    .select({ destroyed: runParts.destroyed })
    .from(runParts)
    .innerJoin(runs, eq(runs.id, runParts.runId))
    .where(
      and(eq(runParts.rule, rule), eq(runParts.dataset, dataset), eq(runs.state, 'completed'), eq(runs.dryRun, false)),
    )
    .orderBy(desc(runs.plannedAt))
    .limit(most);
  return rows.map((row) => row.destroyed);
}

/**
 * Whether a rule, as this digest says what it destroys, was let run before: a second person approved it, or it destroyed
 * something. A run that found nothing to do showed nobody what the rule does.
 */
export async function ruleHasRun(store: Store, ruleDigest: string): Promise<boolean> {
  const [row] = await store.db.orm
    .select({ run: runParts.runId })
    .from(runParts)
    .innerJoin(runs, eq(runs.id, runParts.runId))
    .where(
      and(
        eq(runParts.ruleDigest, ruleDigest),
        eq(runParts.state, 'done'),
        eq(runs.dryRun, false),
        or(isNotNull(runs.approvedBy), gt(runParts.destroyed, 0)),
      ),
    )
    .limit(1);
  return row !== undefined;
}

/**
 * Copy a journal row, in the transaction that also says so in the ledger.
 * @throws a unique violation when the batch is known already: the transaction, ledger entry included, is undone
 */
export async function copyBatch(
  tx: Queryable,
  journal: JournalRow,
  root: Uint8Array,
  now: Temporal.Instant,
  of: { run: string } | { request: string },
): Promise<void> {
  await tx.insert(batches).values({
    id: journal.batch,
    runId: 'run' in of ? of.run : null,
    requestId: 'request' in of ? of.request : null,
    dataset: journal.dataset,
    seq: journal.seq,
    count: journal.count,
    root,
    leaves: journal.leaves,
    keys: journal.keys,
    cutoff: journal.cutoff,
    epoch: journal.epoch,
    way: journal.way,
    destroyedAt: journal.destroyedAt,
    copiedAt: now,
  });
  if ('run' in of)
    await tx
      .update(runParts)
      .set({
        // A batch recovered after its run was over is counted, and wakes nothing.
        state: sql`CASE ${runParts.state} WHEN 'planned' THEN 'running' ELSE ${runParts.state} END`,
        destroyed: sql`${runParts.destroyed} + ${journal.counts[journal.dataset] ?? 0}`,
        batches: sql`${runParts.batches} + 1`,
      })
      .where(isPart(of.run, { rule: ruleOfBatch(journal.batch) ?? '', dataset: journal.dataset }));
}

/** The purge log of a run: its batches in order, without their leaves. */
export async function batchesOfRun(store: Store, run: string, limit = 10_000): Promise<readonly BatchRecord[]> {
  return await store.db.orm
    .select({
      id: batches.id,
      dataset: batches.dataset,
      seq: batches.seq,
      count: batches.count,
      root: batches.root,
      cutoff: batches.cutoff,
      epoch: batches.epoch,
      way: batches.way,
      destroyedAt: batches.destroyedAt,
    })
    .from(batches)
    .where(eq(batches.runId, run))
    .orderBy(batches.dataset, batches.seq)
    .limit(limit);
}

/** The batches since then whose keys are known, oldest first. */
export async function batchesSince(
  store: Store,
  since: Temporal.Instant,
): Promise<readonly { readonly id: string; readonly runId: string | null; readonly requestId: string | null }[]> {
  return await store.db.orm
    .select({ id: batches.id, runId: batches.runId, requestId: batches.requestId })
    .from(batches)
    .where(and(gt(batches.destroyedAt, since), sql`length(${batches.keys}) > 0`))
    .orderBy(batches.destroyedAt);
}

/** Commitments to the keys of what a batch took, one after the other (disposition/batch.ts). */
export async function keysOfBatch(store: Store, id: string): Promise<Uint8Array> {
  const [row] = await store.db.orm.select({ keys: batches.keys }).from(batches).where(eq(batches.id, id));
  return row?.keys ?? new Uint8Array();
}

/** How many batches of a dataset a run has had, and what they took: where a resumed run goes on. */
export async function progressOf(
  store: Store,
  run: string,
  dataset: string,
): Promise<{ batches: number; destroyed: number }> {
  const [row] = await store.db.orm
    .select({ batches: sql<number>`count(*)::int`, destroyed: sql<string>`coalesce(sum(${batches.count}), 0)` })
    .from(batches)
    .where(and(eq(batches.runId, run), eq(batches.dataset, dataset)));
  return { batches: row?.batches ?? 0, destroyed: Number(row?.destroyed ?? 0) };
}

/** Is that batch known here? */
export async function hasBatch(store: Store, id: string): Promise<boolean> {
  const [row] = await store.db.orm.select({ id: batches.id }).from(batches).where(eq(batches.id, id));
  return row !== undefined;
}

// ---------------------------------------------------------------- intents (stores without transactions)

/** What is intended: whole items that go, or lines that a new file leaves out (see RewriteIntent of sources/). */
export type Intended =
  | {
      readonly items: readonly { readonly name: string; readonly sizeBytes: number; readonly commitment: string }[];
      readonly rewrite?: undefined;
    }
  | { readonly rewrite: RewriteStep; readonly items?: undefined };

export interface RewriteStep {
  readonly file: string;
  readonly made: string;
  readonly last: {
    readonly isEmpty: boolean;
    readonly made: string;
    readonly was: { readonly sizeBytes: string; readonly seconds: string };
  } | null;
}

export interface IntentHead {
  readonly batchId: string;
  readonly runId: string;
  readonly dataset: string;
  readonly seq: number;
  readonly cutoff: Temporal.Instant;
  readonly epoch: number;
  readonly intendedAt: Temporal.Instant;
}

export type Intent = IntentHead & Intended;

/**
 * Say what is about to be destroyed. From here a crash is finished or reported at the next start.
 * @param leaves of lines, 32 bytes each
 * @throws a unique violation when that batch was intended before: it must be finished first
 */
export async function writeIntent(store: Store, intent: Intent, leaves: Uint8Array | null = null): Promise<void> {
  const { items, rewrite, ...head } = intent;
  // An object is a step of a rewriting; a list is of items.
  const written = rewrite ? { ...rewrite, leaves: Buffer.from(leaves ?? []).toString('base64') } : items;
  await store.db.orm.insert(intents).values({ ...head, items: written as unknown as Json });
}

/** An intent of which nothing went. */
export async function dropIntent(store: Store, batchId: string): Promise<void> {
  await store.db.orm.delete(intents).where(and(eq(intents.batchId, batchId), isNull(intents.confirmedAt)));
}

/** What was begun and is not recorded, oldest first and a run's in its order; without the leaves of lines. */
export async function openIntents(store: Store): Promise<readonly Intent[]> {
  const { items: _, ...columns } = getTableColumns(intents);
  const rows = await store.db.orm
    .select({ ...columns, items: sql<Json>`${intents.items} - 'leaves'::text` })
    .from(intents)
    .where(isNull(intents.confirmedAt))
    .orderBy(intents.intendedAt, intents.runId, intents.dataset, intents.seq);
  return rows.map(({ items, confirmedAt: __, ...head }) => {
    const what = items as unknown as NonNullable<Intent['items']> | RewriteStep;
    return Array.isArray(what) ? { ...head, items: what } : { ...head, rewrite: what as RewriteStep };
  });
}

/** The leaves of the lines that an intent of a rewriting takes out. */
export async function leavesOfIntent(store: Store, batchId: string): Promise<Uint8Array> {
  const [row] = await store.db.orm
    .select({ leaves: sql<string>`${intents.items}->>'leaves'` })
    .from(intents)
    .where(eq(intents.batchId, batchId));
  return Buffer.from(row?.leaves ?? '', 'base64');
}

export async function confirmIntent(tx: Queryable, batchId: string, now: Temporal.Instant): Promise<void> {
  await tx.update(intents).set({ confirmedAt: now }).where(eq(intents.batchId, batchId));
}

/** The latest instant a run was planned at, for the clock guard. */
export async function lastRunAt(store: Store): Promise<Temporal.Instant | null> {
  const [row] = await store.db.orm.select({ at: settings.lastRunAt }).from(settings);
  return row?.at ?? null;
}

export async function rememberRunAt(tx: Queryable, at: Temporal.Instant): Promise<void> {
  await tx
    .update(settings)
    .set({ lastRunAt: sql`greatest(${settings.lastRunAt}, ${at.toString()}::text::timestamptz)` });
}
