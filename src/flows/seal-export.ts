import { type PublicJwk, parsePublicJwk } from '../artifacts/keys.ts';
import { sealPackage } from '../artifacts/package.ts';
import { makeId } from '../core/ids.ts';
import { isRefusal } from '../core/refusal.ts';
import { addBlob, loadExport } from '../db/exports.ts';
import { keyById } from '../db/keys.ts';
import { whileAlone } from '../db/locks.ts';
import { type Export, exportFailed, exportSealed } from '../evidence/export.ts';
import { manifestSchema } from '../evidence/manifest.ts';
import { carryOut, type Office } from './office.ts';

/**
 * The task: seal an approved export into its package. Every payload byte is hashed again on its way; a file that is no
 * longer what was approved stops the seal, and the export fails by name instead of leaving something doubtful.
 */
export async function sealExport(office: Office, id: string): Promise<void> {
  await whileAlone(office.store.db, `export:${id}`, async () => {
    const loaded = await loadExport(office.store, id);
    const approved = loaded?.approved.reveal();
    if (loaded?.state !== 'sealing' || !loaded.rendering || !approved) return;
    const key = await office.store.vault.caseKey(loaded.caseId);
    const sealed = await sealPackage({
      manifest: approved.manifest,
      approver: { publicJwk: await approverJwk(office, approved.manifest), signature: approved.signature },
      payload: loaded.rendering.files.map((file) => ({
        path: file.path,
        open: () => office.blobs.read(file.blob, key),
      })),
      seal: office.signers.seal,
      tsa: office.signers.tsa,
      at: office.now(),
      random: office.random,
    });
    if (isRefusal(sealed)) {
      await carryOut(office, async () => {
        const current = (await loadExport(office.store, id)) ?? loaded;
        return { decided: exportFailed(current, sealed, office.now()), result: null };
      });
      return;
    }
    await keepPackage(office, loaded, sealed.zip, key);
  });
}

async function keepPackage(
  office: Office,
  loaded: Export,
  zip: AsyncIterable<Uint8Array>,
  key: Uint8Array,
): Promise<void> {
  const now = office.now();
  const blob = makeId('blob', now, office.random(10));
  const stored = await office.blobs.write(blob, zip, key);
  const outcome = await carryOut(
    office,
    async () => {
      const current = (await loadExport(office.store, loaded.id)) ?? loaded;
      return { decided: exportSealed(current, { blob, sha256: stored.sha256 }, office.now()), result: null };
    },
    (tx) =>
      addBlob(tx, {
        id: blob,
        caseId: loaded.caseId,
        sha256: stored.sha256,
        sizeBytes: stored.bytes,
        mediaType: 'application/zip',
        createdAt: now,
      }),
  );
  if (isRefusal(outcome)) {
    await office.blobs.remove(blob);
    throw new Error(`export ${loaded.id} could not be sealed: ${outcome.code}`);
  }
}

async function approverJwk(office: Office, manifest: string): Promise<PublicJwk> {
  const { approver } = manifestSchema.parse(JSON.parse(manifest));
  const key = await keyById(office.store, approver.kid);
  if (!key) throw new Error(`the approver's key ${approver.kid} is not known`);
  return parsePublicJwk(key.publicJwk);
}
