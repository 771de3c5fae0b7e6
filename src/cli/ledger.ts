import { readFile } from 'node:fs/promises';
import { toHex } from '../core/hash.ts';
import { bringLedgerUpToDate, verifierKey, verifyLedger } from '../flows/read-ledger.ts';
import { option, readWords } from './arguments.ts';
import type { OfficeVerb } from './verb.ts';

/** Recompute every leaf and root; prove consistency with a checkpoint that was kept. */
export const ledgerVerify: OfficeVerb = {
  usage: 'ledger verify [--from CHECKPOINT]',
  async run(office, _actor, words, out) {
    const parsed = readWords(words, ['from'], ['json']);
    const file = option(parsed, 'from');
    await bringLedgerUpToDate(office);
    const result = await verifyLedger(office, file === null ? null : await readFile(file, 'utf8'));
    out.document(
      result.ok ? { ok: true, size: result.size, root: toHex(result.root), checkpoints: result.checkpoints } : result,
    );
    out.line(
      result.ok
        ? `${result.size} entries and ${result.checkpoints} checkpoints are as they were written${file ? ', and continue the checkpoint given' : ''}. Root ${toHex(result.root)}.`
        : `Wrong at index ${result.index}: ${result.reason}.`,
    );
    return result.ok ? 0 : 1;
  },
};

/** Print the newest signed checkpoint. */
export const ledgerCheckpoint: OfficeVerb = {
  usage: 'ledger checkpoint',
  async run(office, _actor, words, out) {
    readWords(words, [], ['json']);
    const checkpoint = await bringLedgerUpToDate(office);
    if (!checkpoint) {
      out.line('The ledger has no entry yet.');
      out.document(null);
      return 1;
    }
    out.document({
      size: checkpoint.size,
      root: toHex(checkpoint.root),
      note: checkpoint.note,
      key: verifierKey(office),
    });
    out.line(checkpoint.note.trimEnd());
    return 0;
  },
};
