import { signDetached } from '../artifacts/jws.ts';
import { prepareManifest } from '../artifacts/package.ts';
import type { Actor } from '../core/actor.ts';
import { hmacSha256, toHex } from '../core/hash.ts';
import { formatInstant } from '../core/instants.ts';
import { personal } from '../core/personal.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { loadExport } from '../db/exports.ts';
import { newestCheckpoint, sequenceLedger } from '../db/ledger.ts';
import { personById } from '../db/people.ts';
import { approveExport as decideApproval, type Export, mayApproveExport, type Rendering } from '../evidence/export.ts';
import type { PayloadFile } from '../evidence/manifest.ts';
import { emptyRoot } from '../ledger/merkle.ts';
import { exportFor } from './export-access.ts';
import { carryOut, type Office } from './office.ts';
import { type ApproverPresence, approverSigner } from './signers.ts';

/**
 * Approve a rendered export with the approver's own signature over its exact manifest. The bytes that were rendered
 * are the bytes that will be sealed; the seal follows as a task.
 * @param answers the request with which it is approved; null: it answers none
 */
export async function approveExport(
  office: Office,
  actor: Actor,
  presence: ApproverPresence,
  id: string,
  answers: string | null = null,
): Promise<Export | Refusal> {
  const loaded = await exportFor(office, actor, id, 'approve');
  if (isRefusal(loaded)) return loaded;
  if (loaded.requestId !== answers)
    return refuse(
      'not_allowed',
      'This package answers a request and is approved with it. Approve the request; nothing was changed.',
      { request: loaded.requestId },
    );
  const refusal = mayApproveExport(loaded, actor);
  if (refusal) return refusal;
  if (!loaded.rendering)
    return refuse('not_ready', 'The export is not rendered yet. Wait until it is; nothing was approved.');
  const approver = await approverSigner(
    { ...office, organization: office.policy.organization.name },
    actor.id,
    presence,
  );
  if (isRefusal(approver)) return approver;
  const prepared = await manifestFor(office, loaded, loaded.rendering, actor, presence, approver.signer.kid);
  if (isRefusal(prepared)) return prepared;
  const signature = await signDetached(prepared.bytes, approver.signer);
  return carryOut(office, async () => {
    const current = await loadExport(office.store, id);
    if (!current) return refuse('not_found', 'There is no such export.');
    if (current.version !== loaded.version)
      return refuse(
        'conflict',
        'The export changed while it was being approved. Look at it again; nothing was approved.',
      );
    const decided = decideApproval(
      current,
      personal({ manifest: prepared.text, signature }),
      prepared.sha256,
      actor,
      office.now(),
    );
    return { decided, result: isRefusal(decided) ? current : (decided.state[0]?.export ?? current) };
  });
}

async function manifestFor(
  office: Office,
  wanted: Export,
  rendering: Rendering,
  actor: Actor,
  presence: ApproverPresence,
  kid: string,
) {
  const now = office.now();
  const preparer = await personById(office.store, wanted.preparer);
  const approver = await personById(office.store, actor.id);
  await sequenceLedger(office.store.db, office.checkpointSigner, now);
  const checkpoint = await newestCheckpoint(office.store.db);
  const scope = wanted.scope.reveal();
  const key = await office.store.vault.caseKey(wanted.caseId);
  const matter = wanted.matter.reveal();
  return prepareManifest(
    {
      exportId: wanted.id,
      createdAt: formatInstant(now),
      purpose: wanted.purpose,
      ...(wanted.demandId === null ? {} : { demandId: wanted.demandId }),
      ...(wanted.requestId === null ? {} : { requestId: wanted.requestId }),
      ...(matter === null ? {} : { matter }),
      scope: {
        subjects: scope.subjects.map(({ kind, value }) =>
          toHex(hmacSha256(key, `scope subject\n${kind}\n${value}`)).slice(0, 32),
        ),
        datasets: [...scope.datasets],
        keys: Object.fromEntries(
          Object.entries(scope.keys).map(([dataset, rows]) => [dataset, rows.map((row) => ({ ...row }))]),
        ),
        from: scope.from,
        to: scope.to,
        timezone: wanted.timezone,
        dataClasses: [],
        filters: [],
      },
      source: {
        service: `Muniment at ${office.policy.organization.name}`,
        softwareVersion: office.version,
        gitCommit: null,
        schemaVersion: null,
        snapshot: null,
        clock: { source: 'system clock of the service', offsetMs: null, stratum: null },
      },
      counts: { ...rendering.counts },
      bates: rendering.bates ? { ...rendering.bates } : null,
      files: rendering.files.map(
        (file): PayloadFile => ({
          path: file.path,
          bytes: file.bytes,
          sha256: file.sha256,
          mediaType: file.mediaType,
          role: file.role,
        }),
      ),
      recordsTree: {
        alg: 'sha256',
        leaf: 'salted',
        root: rendering.recordsTree.root,
        size: rendering.recordsTree.size,
      },
      policyDigest: wanted.policy,
      ledger: {
        size: checkpoint?.size ?? 0,
        root: toHex(checkpoint?.root ?? emptyRoot),
        checkpoint: checkpoint?.note ?? null,
      },
      preparer: { id: wanted.preparer, name: preparer?.name ?? wanted.preparer, role: preparer?.role ?? 'service' },
      approver: {
        id: actor.id,
        name: approver?.name ?? actor.id,
        title: approver?.title ?? approver?.role ?? 'approver',
        kid,
        auth: { method: presence.method, at: formatInstant(presence.at) },
        statement: 'I have reviewed this export and approve its release as listed in this manifest.',
        approvedAt: formatInstant(now),
      },
    },
    {
      root: office.signers.rootPem,
      sealCertificate: office.signers.seal.certificate,
      sealKid: office.signers.seal.signer.kid,
    },
  );
}
