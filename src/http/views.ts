import { z } from '@hono/zod-openapi';
import { toHex } from '../core/hash.ts';
import { formatInstant } from '../core/instants.ts';
import {
  allowedClockMoves,
  allowedDemandMoves,
  type Demand,
  dataClasses,
  demandStates,
  demandTypes,
} from '../demands/demand.ts';
import type { BatchRecord } from '../disposition/batch.ts';
import type { Hold } from '../disposition/hold.ts';
import { allowedRunMoves, type Run } from '../disposition/run.ts';
import { type Export, exportFormats, exportPurposes, exportStates } from '../evidence/export.ts';
import { allowedMoves, requestStates, requestTypes, type SubjectRequest, standing } from '../requests/request.ts';

/** What leaves the API, as schemas (for /openapi.json) and as functions from the aggregates. */

export const instant = z.string().openapi({ format: 'date-time', example: '2026-11-27T09:30:00.000Z' });
const at = (value: Temporal.Instant | null) => (value === null ? null : formatInstant(value));
const refusal = z.object({ code: z.string(), detail: z.string() }).nullable();

/** What a date was counted with, each with its version. */
export const frozenView = z.object({
  rule: z.string(),
  version: z.string(),
  calendar: z.string().nullable(),
  calendarVersion: z.string().nullable(),
  tzdb: z.string().nullable(),
});

export const requestView = z
  .object({
    id: z.string(),
    reference: z.string(),
    type: z.enum(requestTypes),
    regime: z.string(),
    channel: z.string(),
    state: z.enum(requestStates),
    outcome: z.string().nullable(),
    reason: z.string().nullable(),
    receivedAt: instant,
    appealedAt: instant.nullable(),
    dueAt: instant.nullable(),
    dueOn: z.string().nullable(),
    clock: z.enum(['running', 'paused', 'not_started', 'stopped']),
    refuseBy: instant.nullable(),
    standing: z
      .enum(['in_time', 'due_soon', 'late'])
      .nullable()
      .openapi({ description: 'Towards the deadline; null while there is none to keep.' }),
    identity: z.object({ state: z.string(), method: z.string().nullable(), verifiedAt: z.string().nullable() }),
    decision: z
      .object({
        outcome: z.string(),
        reason: z.string().nullable(),
        by: z.string(),
        at: z.string(),
        approvedBy: z.string().nullable(),
      })
      .nullable(),
    export: z.string().nullable(),
    subject: z.object({
      name: z.string().nullable(),
      identifiers: z.array(z.object({ kind: z.string(), value: z.string() })),
    }),
    details: z.string().nullable(),
    history: z.array(
      z.object({ at: z.string(), actor: z.string(), move: z.string(), from: z.string(), to: z.string() }),
    ),
    can: z.array(z.string()),
    policyDigest: z.string(),
  })
  .openapi('Request');

/** A request as staff see it: `subject` is shown to those who may read requests, and to nobody else. */
export function viewRequest(request: SubjectRequest, now: Temporal.Instant): z.input<typeof requestView> {
  const { id, reference, type, regime, channel, state, outcome, reason, deadline, identity, decision } = request;
  const { name, identifiers } = request.subject.reveal();
  return {
    id,
    reference,
    type,
    regime,
    channel,
    state,
    outcome,
    reason,
    receivedAt: formatInstant(request.receivedAt),
    appealedAt: at(request.appealedAt),
    dueAt: at(deadline.dueAt),
    dueOn: deadline.dueOn,
    clock: deadline.clock,
    refuseBy: at(deadline.refuseBy),
    standing: standing(request, now),
    identity: { state: identity.state, method: identity.method, verifiedAt: identity.verifiedAt },
    decision: decision && {
      outcome: decision.outcome,
      reason: decision.reason,
      by: decision.by,
      at: decision.at,
      approvedBy: decision.approvedBy,
    },
    export: request.exportId,
    subject: { name, identifiers: identifiers.map(({ kind, value }) => ({ kind, value })) },
    details: request.details.reveal(),
    history: request.history.map((item) => ({ ...item })),
    can: [...allowedMoves(request)],
    policyDigest: request.policy,
  };
}

export const findingView = z
  .object({
    dataset: z.string(),
    count: z.int(),
    disposition: z.enum(['destroy', 'mask', 'keep', 'give', 'redact']),
    ground: z.string().nullable(),
    digest: z.string(),
  })
  .openapi('Finding');

export const receiptView = z
  .object({
    at: z.string(),
    given: z.array(findingView),
    destroyed: z.array(findingView),
    masked: z.array(findingView),
    kept: z.array(findingView),
    searchAfterwards: z.array(z.object({ dataset: z.string(), count: z.int(), expected: z.int() })),
    searchedAt: z.string(),
  })
  .openapi('Receipt');

export const holdView = z
  .object({
    id: z.string(),
    state: z.enum(['pending', 'active', 'release_requested', 'released']),
    matter: z.string(),
    matterId: z.string().nullable(),
    reason: z.string(),
    reviewOn: z
      .string()
      .nullable()
      .openapi({ description: 'From this day somebody is reminded to look at it; null: open-ended.' }),
    reviews: z.array(z.object({ at: instant, by: z.string(), note: z.string(), next: z.string().nullable() })),
    scope: z.unknown(),
    coverage: z.array(z.object({ dataset: z.string(), count: z.int(), root: z.string() })),
    records: z
      .int()
      .openapi({ description: 'Records covered when the hold was last placed; 0 means that it caught nothing.' }),
    sources: z.record(
      z.string(),
      z.object({ state: z.string(), epoch: z.int().optional(), code: z.string().nullable().optional() }),
    ),
    placedAt: instant,
    placedBy: z.string(),
    demandId: z.string().nullable(),
    requestId: z.string().nullable(),
    releaseRequestedBy: z.string().nullable(),
    releasedBy: z.string().nullable(),
    releasedAt: instant.nullable(),
    warning: z.string().nullable(),
  })
  .openapi('Hold');

export function viewHold(hold: Hold): z.input<typeof holdView> {
  const records = hold.coverage.reduce((sum, { count }) => sum + count, 0);
  return {
    id: hold.id,
    state: hold.state,
    matter: hold.matter.reveal(),
    matterId: hold.matterId,
    reason: hold.reason.reveal(),
    reviewOn: hold.reviewOn,
    reviews: hold.reviews.reveal().map((review) => ({ ...review })),
    scope: hold.scope.reveal(),
    coverage: hold.coverage.map((covered) => ({ ...covered })),
    records,
    sources: Object.fromEntries(Object.entries(hold.placements).map(([name, placement]) => [name, { ...placement }])),
    placedAt: formatInstant(hold.placedAt),
    placedBy: hold.placedBy,
    demandId: hold.demandId,
    requestId: hold.requestId,
    releaseRequestedBy: hold.releaseRequestedBy,
    releasedBy: hold.releasedBy,
    releasedAt: at(hold.releasedAt),
    warning:
      hold.state === 'pending'
        ? 'Not in place everywhere yet: a source could not be reached. It is tried again; nothing it covers is purged meanwhile.'
        : records === 0
          ? 'This hold covers no record today. Check names, keys and dates: it protects only what it matches.'
          : null,
  };
}

export const runView = z
  .object({
    id: z.string(),
    state: z.enum(['planned', 'awaiting_approval', 'running', 'paused', 'completed', 'cancelled', 'failed', 'refused']),
    dryRun: z.boolean(),
    plannedAt: instant,
    finishedAt: instant.nullable(),
    startedBy: z.string(),
    approvedBy: z.string().nullable(),
    approvalReasons: z.array(z.string()),
    cutoffs: z.record(z.string(), instant),
    rules: z.array(
      z.object({
        rule: z.string(),
        act: z.enum(['destroy', 'mask']),
        dataset: z.string(),
        state: z.string(),
        total: z.int(),
        due: z.int(),
        held: z.int(),
        restricted: z.int(),
        destroyed: z.int(),
        batches: z.int(),
        heldBy: z.record(z.string(), z.int()),
        refusal,
      }),
    ),
    refusal,
    certificate: z.object({ json: z.string(), pdf: z.string(), root: z.string() }).nullable(),
    can: z.array(z.string()),
    policyDigest: z.string(),
  })
  .openapi('Run');

export function viewRun(run: Run): z.input<typeof runView> {
  return {
    id: run.id,
    state: run.state,
    dryRun: run.dryRun,
    plannedAt: formatInstant(run.plannedAt),
    finishedAt: at(run.finishedAt),
    startedBy: run.startedBy,
    approvedBy: run.approvedBy,
    approvalReasons: [...run.approvalReasons],
    cutoffs: { ...run.cutoffs },
    rules: run.parts.map(
      ({ rule, act, dataset, state, total, due, held, restricted, destroyed, batches, ...part }) => ({
        rule,
        act,
        dataset,
        state,
        total,
        due,
        held,
        restricted,
        destroyed,
        batches,
        heldBy: { ...part.heldBy },
        refusal: part.refusal,
      }),
    ),
    refusal: run.refusal,
    certificate: run.certificate && {
      json: `/api/v1/disposition/runs/${run.id}/certificate.json`,
      pdf: `/api/v1/disposition/runs/${run.id}/certificate.pdf`,
      root: run.certificate.root,
    },
    can: [...allowedRunMoves(run)],
    policyDigest: run.policy,
  };
}

export const batchView = z
  .object({
    id: z.string(),
    dataset: z.string(),
    seq: z.int(),
    count: z.int(),
    root: z.string(),
    cutoff: instant.nullable(),
    epoch: z.int(),
    way: z.string(),
    destroyedAt: instant,
  })
  .openapi('Batch');

export function viewBatch(batch: BatchRecord): z.input<typeof batchView> {
  return { ...batch, root: toHex(batch.root), cutoff: at(batch.cutoff), destroyedAt: formatInstant(batch.destroyedAt) };
}

export const demandView = z
  .object({
    id: z.string(),
    reference: z.string(),
    type: z.enum(demandTypes),
    state: z.enum(demandStates),
    channel: z.string(),
    receivedAt: instant,
    dueAt: instant.nullable(),
    emergency: z.boolean(),
    instrumentNumber: z.string().nullable(),
    issuer: z.object({ name: z.string(), country: z.string(), court: z.string().nullable() }),
    requester: z
      .object({
        name: z.string().nullable(),
        agency: z.string().nullable(),
        role: z.string().nullable(),
        email: z.string().nullable(),
      })
      .nullable(),
    targets: z.array(z.object({ kind: z.string(), value: z.string() })),
    scope: z
      .object({ dataClasses: z.array(z.enum(dataClasses)), from: z.string().nullable(), to: z.string().nullable() })
      .nullable(),
    caption: z.string().nullable(),
    notes: z.string().nullable(),
    documents: z.array(
      z.object({
        id: z.string(),
        sha256: z.string(),
        sizeBytes: z.int(),
        mediaType: z.string(),
        receivedAt: z.string(),
        receivedBy: z.string(),
      }),
    ),
    holds: z.array(z.string()),
    exports: z.array(z.string()),
    history: z.array(
      z.object({
        at: z.string(),
        actor: z.string(),
        move: z.string(),
        from: z.string(),
        to: z.string(),
        note: z.string().nullable(),
      }),
    ),
    issuedAt: z.string().nullable(),
    orderedPeriod: z.string().nullable(),
    keep: z
      .object({ until: instant.nullable(), byPerson: z.boolean() })
      .nullable()
      .openapi({ description: 'Before this nothing is released; byPerson: nor afterwards, unless a person says so.' }),
    clocks: z.array(
      z.object({
        rule: z.string(),
        version: z.string(),
        purpose: z.enum(['answer', 'acknowledge', 'keep', 'target', 'watch']),
        dueAt: instant.nullable(),
        dueOn: z.string().nullable(),
        late: z.boolean().nullable(),
        waitingFor: z.array(z.string()),
        countedWith: frozenView,
        steps: z.array(z.object({ at: z.string(), what: z.string(), citation: z.string() })),
      }),
    ),
    can: z.array(z.string()),
    policyDigest: z.string(),
  })
  .openapi('Demand');

type DemandView = z.input<typeof demandView>;

export function viewDemand(
  demand: Demand,
  { keep, clocks }: { keep: DemandView['keep']; clocks: DemandView['clocks'] },
): DemandView {
  const paper = demand.paper.reveal();
  return {
    id: demand.id,
    reference: demand.reference,
    type: demand.type,
    state: demand.state,
    channel: demand.channel,
    receivedAt: formatInstant(demand.receivedAt),
    dueAt: at(demand.dueAt),
    emergency: demand.emergency,
    instrumentNumber: paper.instrumentNumber,
    issuer: { ...paper.issuer },
    requester: paper.requester && { ...paper.requester },
    targets: paper.targets.map((target) => ({ ...target })),
    scope: paper.scope && { ...paper.scope, dataClasses: [...paper.scope.dataClasses] },
    caption: paper.caption,
    notes: paper.notes,
    documents: demand.documents.map(({ blob: _, ...document }) => document),
    holds: [...demand.holdIds],
    exports: [...demand.exportIds],
    history: demand.history.map((item) => ({ ...item })),
    issuedAt: demand.issuedAt,
    orderedPeriod: demand.orderedPeriod,
    keep,
    clocks,
    can: [...allowedDemandMoves(demand), ...allowedClockMoves(demand)],
    policyDigest: demand.policy,
  };
}

export const exportView = z
  .object({
    id: z.string(),
    state: z.enum(exportStates),
    purpose: z.enum(exportPurposes),
    formats: z.array(z.enum(exportFormats)),
    timezone: z.string(),
    requestedAt: instant,
    preparer: z.string(),
    approver: z.string().nullable(),
    demandId: z.string().nullable(),
    requestId: z.string().nullable(),
    matter: z.string().nullable(),
    scope: z.unknown(),
    counts: z
      .object({
        matched: z.int(),
        included: z.int(),
        redacted: z.int(),
        withheld: z.int(),
        attachments: z.int(),
        pages: z.int(),
        uncoveredCodePoints: z.int(),
      })
      .nullable(),
    progress: z.object({ done: z.int(), of: z.int().nullable(), doing: z.string() }).nullable(),
    files: z.array(
      z.object({ path: z.string(), bytes: z.int(), sha256: z.string(), mediaType: z.string(), role: z.string() }),
    ),
    manifestSha256: z.string().nullable(),
    packageSha256: z.string().nullable(),
    sealedAt: instant.nullable(),
    refusal,
    policyDigest: z.string(),
  })
  .openapi('Export');

export function viewExport(wanted: Export): z.input<typeof exportView> {
  return {
    id: wanted.id,
    state: wanted.state,
    purpose: wanted.purpose,
    formats: [...wanted.formats],
    timezone: wanted.timezone,
    requestedAt: formatInstant(wanted.requestedAt),
    preparer: wanted.preparer,
    approver: wanted.approver,
    demandId: wanted.demandId,
    requestId: wanted.requestId,
    matter: wanted.matter.reveal(),
    scope: wanted.scope.reveal(),
    counts: wanted.rendering?.counts ?? null,
    progress: wanted.progress,
    files: wanted.rendering?.files.map(({ blob: _, ...file }) => file) ?? [],
    manifestSha256: wanted.manifestSha256,
    packageSha256: wanted.packageSha256,
    sealedAt: at(wanted.sealedAt),
    refusal: wanted.refusal,
    policyDigest: wanted.policy,
  };
}

/** A page of a list. */
export const pageOf = (item: z.ZodType) => z.object({ items: z.array(item), nextCursor: z.string().nullable() });
