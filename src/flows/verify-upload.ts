import { verifyPackage } from '../artifacts/verify-package.ts';
import type { Office } from './office.ts';

/** Verify a package somebody brought, against this installation's own root. Nothing of it is kept. */
export async function verifyUpload(office: Office, bytes: Uint8Array) {
  const { ok, claims } = await verifyPackage(bytes, {
    rootPem: office.signers.rootPem,
    now: office.now(),
    // Somebody else's upload, in memory: far below what an installation's own packages may be.
    limits: { members: 20_000, totalBytes: 512 * 2 ** 20, ratio: 200 },
  });
  return { ok, claims: claims.map(({ claim, ok: holds, detail }) => ({ claim, ok: holds, detail })) };
}
