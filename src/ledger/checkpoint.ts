/** A ledger at one moment (C2SP tlog-checkpoint): its name, its size, its root. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** The text that is signed: origin, size, root in base64, each on its line. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toBase64()}\n`;
}

/** Read a checkpoint's text; extension lines are allowed and passed over. Null when it is none. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const [origin = '', size = '', root = '', ...rest] = text.split('\n');
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || rest.length === 0) return null;
  try {
    const bytes = Uint8Array.fromBase64(root, { lastChunkHandling: 'strict' });
    return bytes.length === 32 && bytes.toBase64() === root && Number.isSafeInteger(Number(size))
      ? { origin, size: Number(size), root: bytes }
      : null;
  } catch {
    return null;
  }
}
