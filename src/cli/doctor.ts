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
    const wrong = health.checks.filter(({ ok }) => !ok);
    out.document({ ok: wrong.length === 0, at: formatInstant(office.now()), checks: health.checks });
    for (const { name, ok, detail } of health.checks)
      out.line(`${ok ? 'good ' : 'WRONG'} ${name}${ok ? '' : `: ${detail}`}`);
    return wrong.length === 0 ? 0 : 1;
  },
};
