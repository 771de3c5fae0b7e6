/**
 * Why a request is refused, or a record kept: codes, since they stand in the ledger, where no free text may. The words
 * are the person's: they say the reason and nothing about a hold, a case or anybody else.
 */
const grounds = {
  LEGAL_HOLD: 'we have a legal duty to preserve it',
  LEGAL_CLAIMS: 'it may be needed for legal claims',
  LEGAL_OBLIGATION: 'a law makes us keep it',
  OTHERS_RIGHTS: 'it is needed for what belongs to other people',
  FREE_EXPRESSION: 'it is needed for freedom of expression and information',
  PUBLIC_INTEREST: 'it is needed in the public interest',
  NEEDED_FOR_SERVICE: 'it is still needed for what it was collected for',
  IDENTITY_NOT_PROVEN: 'we could not make sure that it was you who asked',
  NOT_OURS: 'we do not hold this data; whoever does has to answer',
  UNFOUNDED: 'the request is manifestly unfounded',
  EXCESSIVE: 'you asked for the same a short time ago, and nothing has changed since',
  LAW_DOES_NOT_APPLY: 'no law that applies here gives this right',
} as const;
export type Ground = keyof typeof grounds;

export const groundCodes = Object.keys(grounds) as readonly Ground[];

/** The code a person or a program meant, whatever its case; null where there is no such ground. */
export function readGround(text: string): Ground | null {
  const code = text.trim().toUpperCase();
  return groundCodes.find((known) => known === code) ?? null;
}

/** The words for a ground, to stand after "because" or "the reason is that". */
export function groundInWords(ground: string | null): string {
  const known = ground === null ? null : readGround(ground);
  return known === null ? 'we have a legal duty' : grounds[known];
}
