import { verifyPackage } from '../artifacts/verify-package.ts';
import { refuse } from '../core/refusal.ts';
import type { Office } from './office.ts';

/** Verifying holds an upload and more in memory: as many at once, and as many that wait; whoever comes then comes again. */
const atOnce = 2;
const mayWait = 10;
let running = 0;
const waiting: (() => void)[] = [];

/** Verify a package somebody brought, against this installation's own root. Nothing of it is kept. */
export async function verifyUpload(office: Office, bytes: Uint8Array) {
  if (running >= atOnce && waiting.length >= mayWait)
    return refuse(
      'not_ready',
      'Many packages are being verified right now. Try again in a minute, or use the verify command.',
    );
  // Whoever is done hands the place on.
  if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await verifyNow(office, bytes);
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

async function verifyNow(office: Office, bytes: Uint8Array) {
  const { ok, claims } = await verifyPackage(bytes, {
    rootPem: office.signers.rootPem,
    now: office.now(),
    // Somebody else's upload, in memory: far below what an installation's own packages may be.
    limits: {
      members: 20_000,
      totalBytes: 512 * 2 ** 20,
      ratio: 200,
      tagBytes: 16 * 2 ** 20,
      lineBytes: 16 * 2 ** 20,
    },
  });
  return { ok, claims: claims.map(({ claim, ok: holds, detail }) => ({ claim, ok: holds, detail })) };
}
