import type { Drift } from '../disposition/drift.ts';
import type { Office } from './office.ts';

/** Reach every source and compare it with the data map. */
export async function checkSources(office: Office): Promise<readonly Drift[]> {
  const found = await Promise.all([...office.sources.values()].map((source) => source.check(office.policy.retention)));
  return found.flat();
}
