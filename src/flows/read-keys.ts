import { allKeys } from '../db/keys.ts';
import type { Office } from './office.ts';

/** The public keys of seals and approvers, with their history, as a JWK set (RFC 7517). */
export async function publishedKeys(office: Office): Promise<{ keys: readonly Record<string, unknown>[] }> {
  const keys = await allKeys(office.store);
  return {
    keys: keys
      .filter(({ purpose }) => purpose === 'seal' || purpose === 'approver')
      .map(({ kid, publicJwk, purpose, createdAt, retiredAt }) => ({
        ...(publicJwk as Record<string, unknown>),
        kid,
        alg: 'ES256',
        use: 'sig',
        'muniment:purpose': purpose,
        'muniment:from': createdAt.toString({ smallestUnit: 'second' }),
        ...(retiredAt ? { 'muniment:until': retiredAt.toString({ smallestUnit: 'second' }) } : {}),
      })),
  };
}
