import { verifyPackage } from '../artifacts/verify-package.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import type { Office } from './office.ts';

/** Whether it is what it says, claim by claim. */
export interface Verified {
  readonly ok: boolean;
  readonly claims: readonly { readonly claim: string; readonly ok: boolean; readonly detail: string }[];
}

/** Verifying takes some times an upload in memory: as many are verified at once. */
const atOnce = 2;
/** And as many are here in all, from their first byte on; whoever comes then comes again. */
const heldAtOnce = 12;
/** Of one network: whoever sends theirs a byte at a time keeps no place from the others. */
const heldOfNetwork = 3;
let running = 0;
const waiting: (() => void)[] = [];
const held: (string | null)[] = [];

/**
 * Verify a package somebody brought, against this installation's own root. Nothing of it is kept.
 * @param network where they come from; null: not known, which is one network like any other
 * @param read the upload, read only once there is a place for it
 */
export async function verifyUpload(
  office: Office,
  network: string | null,
  read: () => Promise<Uint8Array | Refusal>,
): Promise<Verified | Refusal> {
  if (held.length >= heldAtOnce || held.filter((other) => other === network).length >= heldOfNetwork)
    return refuse(
      'not_ready',
      'Many packages are being verified right now. Try again in a minute, or use the verify command.',
    );
  held.push(network);
  try {
    const bytes = await read();
    return isRefusal(bytes) ? bytes : await inTurn(() => verifyNow(office, bytes));
  } finally {
    held.splice(held.indexOf(network), 1);
  }
}

async function inTurn<T>(verify: () => Promise<T>): Promise<T> {
  // Whoever is done hands the place on.
  if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await verify();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

async function verifyNow(office: Office, bytes: Uint8Array): Promise<Verified> {
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
