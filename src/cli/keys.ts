import { formatInstant } from '../core/instants.ts';
import { keysPage } from '../flows/look-up.ts';
import { readWords } from './arguments.ts';
import type { OfficeVerb } from './verb.ts';

/** Every signing key with its purpose and time. */
export const keysList: OfficeVerb = {
  usage: 'keys list',
  async run(office, _actor, words, out) {
    readWords(words, [], ['json']);
    const keys = await keysPage(office);
    out.document(
      keys.map(({ kid, purpose, actorId, createdAt, retiredAt, publicJwk }) => ({
        kid,
        purpose,
        actor: actorId,
        createdAt: formatInstant(createdAt),
        retiredAt: retiredAt ? formatInstant(retiredAt) : null,
        publicJwk,
      })),
    );
    for (const { kid, purpose, actorId, createdAt } of keys)
      out.line(`${purpose.padEnd(9)} ${kid}  since ${formatInstant(createdAt)}${actorId ? `  ${actorId}` : ''}`);
    return 0;
  },
};
