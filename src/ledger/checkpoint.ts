/** A ledger at one moment (C2SP tlog-checkpoint): its name, its size, its root. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/**
 * The text that is signed: origin, size, root in base64, each on its line.
 * @throws RangeError when it would not read back as what was given
 */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  if (origin === '' || origin.includes('\n') || !Number.isSafeInteger(size) || size < 0 || root.length !== 32)
    throw new RangeError('a checkpoint is one line of origin, a size and a root of 32 bytes');
  return `${origin}\n${size}\n${root.toBase64()}\n`;
}

/**
 * Read a checkpoint's text; extension lines, none of them empty, are allowed and passed over. Null when it is none, or
 * its last line has no end.
 */
export function parseCheckpoint(text: string): Checkpoint | null {
  if (!text.endsWith('\n')) return null;
  const [origin = '', size = '', root = '', ...rest] = text.slice(0, -1).split('\n');
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || rest.includes('')) return null;
  try {
    const bytes = Uint8Array.fromBase64(root, { lastChunkHandling: 'strict' });
    return bytes.length === 32 && bytes.toBase64() === root && Number.isSafeInteger(Number(size))
      ? { origin, size: Number(size), root: bytes }
      : null;
  } catch {
    return null;
  }
}
