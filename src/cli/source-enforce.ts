import { isRefusal } from '../core/refusal.ts';
import { enforceHolds } from '../flows/enforce-holds.ts';
import { readWords } from './arguments.ts';
import type { OfficeVerb } from './verb.ts';

/** Make the triggers that `enforceHolds: trigger` asks for; refused is exit 1. */
export const sourceEnforce: OfficeVerb = {
  usage: 'source enforce',
  async run(office, _actor, words, out) {
    readWords(words, [], ['json']);
    const done = await enforceHolds(office);
    if (isRefusal(done)) {
      if (out.json) out.document({ ok: false, code: done.code, detail: done.detail });
      out.line(`Refused (${done.code}): ${done.detail}`);
      return 1;
    }
    if (out.json) out.document({ ok: true, sources: done });
    for (const { source, datasets } of done)
      out.line(`${source} refuses to delete held rows of ${datasets.join(', ')}.`);
    if (done.length === 0) out.line('No source has "enforceHolds: trigger". Nothing was changed.');
    return 0;
  },
};
