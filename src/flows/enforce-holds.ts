import { type Refusal, refuse } from '../core/refusal.ts';
import { sourceFault } from '../sources/fault.ts';
import type { Office } from './office.ts';

/** Have every source whose data map asks for it refuse by itself to delete what is held. Safe to run again. */
export async function enforceHolds(
  office: Office,
): Promise<readonly { readonly source: string; readonly datasets: readonly string[] }[] | Refusal> {
  const done: { source: string; datasets: readonly string[] }[] = [];
  for (const { name, enforceHolds: enforce } of office.sources.values()) {
    if (!enforce) continue;
    try {
      done.push({ source: name, datasets: await enforce() });
    } catch (error) {
      if (sourceFault(error) === null) throw error;
      return refuse(
        'source_unreachable',
        `The triggers could not be made in the source ${name}. Give its user the tables or TRIGGER on them and CREATE on the database, and run this again.`,
        { source: name },
      );
    }
  }
  return done;
}
