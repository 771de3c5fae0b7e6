import type { Actor } from '../core/actor.ts';
import type { Personal } from '../core/personal.ts';
import { refuse } from '../core/refusal.ts';
import { secondPerson } from '../core/second-person.ts';
import type { Decided } from '../ledger/decision.ts';
import { entry } from '../ledger/entry.ts';
import type { HoldScope } from '../policy/hold.ts';
import type { FileRole } from './manifest.ts';

export const exportStates = ['collecting', 'review', 'awaiting_approval', 'sealing', 'sealed', 'failed'] as const;
export type ExportState = (typeof exportStates)[number];

export const exportPurposes = [
  'dsar_access',
  'portability',
  'certified_export',
  'legal_production',
  'preservation_snapshot',
] as const;
export type ExportPurpose = (typeof exportPurposes)[number];

export const exportFormats = ['pdf', 'csv', 'ndjson', 'loadfile'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** A file rendered before approval: exactly these bytes will be sealed. */
export interface RenderedFile {
  readonly path: string;
  readonly blob: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly mediaType: string;
  readonly role: FileRole;
}

export interface ExportCounts {
  readonly matched: number;
  readonly included: number;
  readonly redacted: number;
  readonly withheld: number;
  readonly attachments: number;
  readonly pages: number;
  readonly uncoveredCodePoints: number;
}

/** What was rendered, with everything the manifest needs to say of it. */
export interface Rendering {
  readonly files: readonly RenderedFile[];
  readonly counts: ExportCounts;
  readonly bates: {
    readonly prefix: string;
    readonly first: number;
    readonly last: number;
    readonly digits: number;
  } | null;
  readonly recordsTree: { readonly root: string; readonly size: number };
  readonly collectedAt: string;
}

export interface Export {
  readonly id: string;
  readonly version: number;
  readonly caseId: string;
  readonly purpose: ExportPurpose;
  readonly state: ExportState;
  readonly policy: string;
  readonly requestedAt: Temporal.Instant;
  readonly preparer: string;
  readonly approver: string | null;
  readonly demandId: string | null;
  readonly requestId: string | null;
  readonly formats: readonly ExportFormat[];
  readonly timezone: string;
  readonly progress: { readonly done: number; readonly of: number | null; readonly doing: string } | null;
  readonly rendering: Rendering | null;
  readonly manifestSha256: string | null;
  readonly packageBlob: string | null;
  readonly packageSha256: string | null;
  readonly sealedAt: Temporal.Instant | null;
  readonly refusal: { readonly code: string; readonly detail: string } | null;
  readonly matter: Personal<string | null>;
  readonly scope: Personal<HoldScope>;
  /** The exact manifest and the approver's signature over it, between approval and seal. */
  readonly approved: Personal<{ readonly manifest: string; readonly signature: string } | null>;
}

export type ExportChange = { readonly kind: 'export'; readonly export: Export };

/** Ask for an export: it is collected and rendered before anybody approves. */
export function requestExport(
  wanted: Export,
  scopeDigest: string,
  actor: Actor,
  now: Temporal.Instant,
): Decided<ExportChange> {
  return {
    state: [{ kind: 'export', export: wanted }],
    entries: [
      entry('export.requested', now, actor.id, {
        export: wanted.id,
        purpose: wanted.purpose,
        scope: scopeDigest,
        policy: wanted.policy,
      }),
    ],
    tasks: [{ name: 'collect-export', key: `collect-export/${wanted.id}`, payload: { export: wanted.id } }],
  };
}

/** Everything is rendered. With nothing to review it waits for the approver at once. */
export function exportRendered(
  current: Export,
  rendering: Rendering,
  digest: string,
  now: Temporal.Instant,
): Decided<ExportChange> {
  if (current.state !== 'collecting')
    return refuse('move_not_allowed', `The export is ${current.state}; it is not collected again.`, {
      state: current.state,
    });
  return {
    state: [{ kind: 'export', export: { ...current, state: 'awaiting_approval', rendering, progress: null } }],
    entries: [
      entry('export.collected', now, 'system', { export: current.id, records: rendering.counts.included, digest }),
    ],
    tasks: [],
  };
}

/** It could not be collected: the reason is kept and shown, and nothing half-made can be approved (I4). */
export function exportFailed(
  current: Export,
  refusal: { code: string; detail: string },
  now: Temporal.Instant,
): Decided<ExportChange> {
  return {
    state: [
      {
        kind: 'export',
        export: {
          ...current,
          state: 'failed',
          refusal: { code: refusal.code, detail: refusal.detail },
          progress: null,
        },
      },
    ],
    entries: [entry('export.failed', now, 'system', { export: current.id, code: refusal.code })],
    tasks: [],
  };
}

/** Whether this actor may approve this export now; asked before the key is touched. */
export function mayApproveExport(current: Export, actor: Actor) {
  if (current.state !== 'awaiting_approval')
    return refuse('move_not_allowed', `An export that is ${current.state.replace('_', ' ')} cannot be approved.`, {
      state: current.state,
    });
  return secondPerson(current.preparer, actor, 'this export');
}

/**
 * Approve an export with the approver's own signature over the exact manifest (I6). Sealing follows as a task.
 * @param approved the manifest's text and the approver's JWS signature over it
 */
export function approveExport(
  current: Export,
  approved: Personal<{ readonly manifest: string; readonly signature: string }>,
  manifestSha256: string,
  actor: Actor,
  now: Temporal.Instant,
): Decided<ExportChange> {
  const refusal = mayApproveExport(current, actor);
  if (refusal) return refusal;
  return {
    state: [{ kind: 'export', export: { ...current, state: 'sealing', approver: actor.id, approved, manifestSha256 } }],
    entries: [
      entry('export.approved', now, actor.id, {
        export: current.id,
        preparer: current.preparer,
        manifest: manifestSha256,
      }),
    ],
    tasks: [{ name: 'seal-export', key: `seal-export/${current.id}`, payload: { export: current.id } }],
  };
}

/** The package is written and will not change. */
export function exportSealed(
  current: Export,
  packaged: { readonly blob: string; readonly sha256: string },
  now: Temporal.Instant,
): Decided<ExportChange> {
  if (current.state !== 'sealing' || current.manifestSha256 === null)
    return refuse('move_not_allowed', `An export that is ${current.state} is not being sealed.`, {
      state: current.state,
    });
  return {
    state: [
      {
        kind: 'export',
        export: {
          ...current,
          state: 'sealed',
          packageBlob: packaged.blob,
          packageSha256: packaged.sha256,
          sealedAt: now,
        },
      },
    ],
    entries: [
      entry('export.sealed', now, 'system', {
        export: current.id,
        manifest: current.manifestSha256,
        package: packaged.sha256,
      }),
    ],
    tasks: current.requestId
      ? [
          {
            name: 'deliver-access-package',
            key: `deliver/${current.id}`,
            payload: { request: current.requestId, export: current.id },
          },
        ]
      : [],
  };
}
