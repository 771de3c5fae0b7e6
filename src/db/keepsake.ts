import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseCheckpoint } from '../ledger/checkpoint.ts';
import { parseNote } from '../ledger/note.ts';
import type { Database } from './connect.ts';
import { newestCheckpoint } from './ledger.ts';

/** The copy kept outside the database: the newest checkpoint and the hold epochs of every source. */
export interface Keepsake {
  saveCheckpoint(note: string): Promise<void>;
  saveEpochs(epochs: Readonly<Record<string, number>>): Promise<void>;
  checkpoint(): Promise<string | null>;
  epochs(): Promise<Readonly<Record<string, number>>>;
}

/** @param folder where the two small files live; on another disk than the database, if there is one */
export function openKeepsake(folder: string): Keepsake {
  const checkpointFile = join(folder, 'checkpoint.txt');
  const epochsFile = join(folder, 'hold-epochs.json');
  // One after the other: two at once would leave whichever was renamed last, and that may be the older.
  let last: Promise<void> = Promise.resolve();
  const inTurn = (save: () => Promise<void>) => {
    last = last.then(save, save);
    return last;
  };
  return {
    saveCheckpoint: (note) => inTurn(() => replaceFile(checkpointFile, note)),
    saveEpochs: (epochs) => inTurn(() => replaceFile(epochsFile, `${JSON.stringify(epochs)}\n`)),
    checkpoint: () => readFile(checkpointFile, 'utf8').catch(() => null),
    epochs: async () => JSON.parse(await readFile(epochsFile, 'utf8').catch(() => '{}')) as Record<string, number>,
  };
}

/** Beside its place, synced, then renamed into it: a crash leaves the old file or the new one. */
async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.part`;
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

/** The database is behind what was kept outside of it: it was restored, or its tail was lost. */
export class DatabaseBehind extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = 'DatabaseBehind';
  }
}

/**
 * Compare the database with what was kept outside.
 * @throws DatabaseBehind when the ledger is shorter than, or another than, the checkpoint that was kept
 */
export async function refuseIfBehind(db: Database, keepsake: Keepsake): Promise<void> {
  const kept = await keepsake.checkpoint();
  if (kept === null) return;
  const note = parseNote(kept);
  const before = 'fault' in note ? null : parseCheckpoint(note.text);
  if (!before) return;
  const mend =
    'Nothing was started. Restore a newer backup; or, if this loss is known and accepted, move checkpoint.txt away (keep it for the auditor), run muniment replay-erasures, and start.';
  const newest = await newestCheckpoint(db);
  if (!newest || newest.size < before.size)
    throw new DatabaseBehind(
      `The database is older than the checkpoint kept beside it: its ledger has ${newest?.size ?? 0} entries, ${before.size} were signed. ${mend}`,
    );
  const [same] = await db.sql<{ root: Uint8Array }[]>`SELECT root FROM ledger_checkpoints WHERE size = ${before.size}`;
  if (same && Buffer.compare(Buffer.from(same.root), Buffer.from(before.root)) !== 0)
    throw new DatabaseBehind(
      `The database's ledger is not the one that was signed at ${before.size} entries: it was rewritten or belongs to another installation. ${mend}`,
    );
}
