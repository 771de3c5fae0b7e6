import { checkSources } from '../flows/check-sources.ts';
import { readWords } from './arguments.ts';
import type { OfficeVerb } from './verb.ts';

/** Reach every source and compare its schema with the data map; drift is exit 1. */
export const sourceCheck: OfficeVerb = {
  usage: 'source check',
  async run(office, _actor, words, out) {
    readWords(words, [], ['json']);
    const findings = await checkSources(office);
    const drift = findings.filter(({ level }) => level === 'drift');
    if (out.json) out.document({ ok: drift.length === 0, findings });
    for (const { source, subject, code, detail, level } of findings)
      out.line(`${level === 'drift' ? 'DRIFT' : 'note '} ${source} ${subject} (${code}): ${detail}`);
    if (findings.length === 0) out.line('Every source is reached and is as the data map says.');
    return drift.length === 0 ? 0 : 1;
  },
};
