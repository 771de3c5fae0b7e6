import { formatInstant } from '../core/instants.ts';
import { keysPage } from '../flows/look-up.ts';
import { rotateKeys } from '../flows/rotate-keys.ts';
import { readWords } from './arguments.ts';
import { type OfficeVerb, printOutcome } from './verb.ts';

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

/** Make a newer master key, where it is ours to make, and wrap everything anew. */
export const keysRotate: OfficeVerb = {
  usage: 'keys rotate',
  async run(office, actor, words, out) {
    readWords(words, [], ['json']);
    return printOutcome(out, await rotateKeys(office, actor), ({ newest, made, makes, rewrapped, destroyed, kept }) => [
      made ? `The master key ${made} was made.` : `The newest master key is ${newest}.`,
      ...(makes && !made
        ? ['An earlier rotation was cut off and is finished now. Run this again for a newer key.']
        : []),
      `Wrapped anew by it: ${rewrapped.cases} keys of cases, ${rewrapped.keys} of our own, ${rewrapped.runs} of runs, ${rewrapped.answers} kept answers.`,
      ...destroyed.map((version) => `Destroyed: ${version}. What was shredded before is gone from backups as well.`),
      ...kept.map(({ version, until }) =>
        until === null
          ? `${version} wraps nothing any more. Keep it for as long as you may restore a backup it wrapped, then remove it.`
          : `${version} wraps nothing any more and will be destroyed from ${until}, when no backup of the last 90 days needs it.`,
      ),
    ]);
  },
};
