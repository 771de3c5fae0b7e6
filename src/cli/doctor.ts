import { formatInstant } from '../core/instants.ts';
import { readHealth } from '../flows/read-health.ts';
import { readWords } from './arguments.ts';
import type { OfficeVerb } from './verb.ts';

/** What is wrong and how to mend it. */
export const doctor: OfficeVerb = {
  usage: 'doctor',
  async run(office, _actor, words, out) {
    readWords(words, [], ['json']);
    const health = await readHealth(office);
    out.document({ ok: health.ok, at: formatInstant(office.now()), checks: health.checks });
    for (const { name, ok, stopsWork, detail } of health.checks)
      out.line(`${ok ? 'good ' : stopsWork ? 'WRONG' : 'look '} ${name}: ${detail}`);
    return health.ok ? 0 : 1;
  },
};
