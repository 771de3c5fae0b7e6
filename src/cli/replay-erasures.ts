import { isRefusal } from '../core/refusal.ts';
import { bringLedgerUpToDate } from '../flows/read-ledger.ts';
import { replayErasures } from '../flows/replay-erasures.ts';
import { Misuse, readWords } from './arguments.ts';
import { type OfficeVerb, printRefusal } from './verb.ts';

/** After a restore, before serving: make every erasure again. */
export const replay: OfficeVerb = {
  usage: 'replay-erasures [FILE]',
  async run(office, _actor, words, out) {
    const { positional } = readWords(words, [], ['json']);
    if (positional.length > 1) throw new Misuse(`"${positional[1]}" is one word too many.`);
    const replayed = await replayErasures(office, positional[0]);
    if (isRefusal(replayed)) return printRefusal(out, replayed);
    await bringLedgerUpToDate(office);
    out.document(replayed);
    for (const { request, erasedAt, destroyed, masked, held, restricted, failed } of replayed) {
      out.line(
        `${request} of ${erasedAt.slice(0, 10)}: ${destroyed} destroyed, ${masked} masked${held > 0 ? `, ${held} held` : ''}${restricted > 0 ? `, ${restricted} needed by others` : ''}`,
      );
      for (const { dataset, code } of failed) out.line(`  ${dataset}: not gone through (${code}); run this again`);
    }
    const isWhole = replayed.every(({ failed }) => failed.length === 0);
    out.line(
      isWhole
        ? `${replayed.length} erasures are made. The service can be started.`
        : 'Some erasures are not made. Mend what is named above and run this again before you start the service.',
    );
    return isWhole ? 0 : 1;
  },
};
