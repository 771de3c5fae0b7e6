import type { Actor } from '../core/actor.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import { loadBlob } from '../db/exports.ts';
import { packageName } from '../evidence/manifest.ts';
import { entry } from '../ledger/entry.ts';
import { exportFor } from './export-access.ts';
import type { Office } from './office.ts';

export interface Download {
  readonly fileName: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Fetch a sealed package. That it was fetched, and by whom, is in the ledger before its first byte leaves. */
export async function readPackage(office: Office, actor: Actor, id: string): Promise<Download | Refusal> {
  const wanted = await exportFor(office, actor, id, 'download');
  if (isRefusal(wanted)) return wanted;
  const blob = wanted.packageBlob === null ? null : await loadBlob(office.store, wanted.packageBlob);
  if (wanted.state !== 'sealed' || !blob)
    return refuse('not_ready', `The export is ${wanted.state.replace('_', ' ')}; there is no package to fetch yet.`, {
      state: wanted.state,
    });
  const now = office.now();
  await commit(office.store, {
    state: [],
    entries: [entry('export.downloaded', now, actor.id, { export: id })],
    tasks: [],
  });
  const key = await office.store.vault.caseKey(wanted.caseId);
  return {
    fileName: `${packageName(id)}.zip`,
    mediaType: 'application/zip',
    sizeBytes: blob.sizeBytes,
    sha256: blob.sha256,
    bytes: office.blobs.read(blob.id, key),
  };
}
