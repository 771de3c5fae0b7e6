import { openHolds } from '../db/holds.ts';
import { goingOf } from '../disposition/run.ts';
import { cutoffsAt, dueOf } from '../policy/due.ts';
import type { RetentionRule } from '../policy/retention.ts';
import { sourceFault } from '../sources/fault.ts';
import { sourceOf } from '../sources/open.ts';
import type { Office } from './office.ts';
import { scopesOf } from './plan-run.ts';

/** What a rule would take of one dataset, by when, if nothing is written or held in the meantime. */
export interface Forecast {
  readonly rule: string;
  readonly title: string;
  readonly act: 'destroy' | 'mask';
  readonly dataset: string;
  /** Null: it could not be counted, and `problem` says why. */
  readonly going: { readonly today: number; readonly tomorrow: number; readonly thisMonth: number } | null;
  /** Due now, and spared by holds. */
  readonly held: number;
  readonly problem: string | null;
}

/** The moments that are asked about: now, this time tomorrow, and the last of the month, in the rule's zone. */
function momentsOf(now: Temporal.Instant, zone: string) {
  const here = now.toZonedDateTimeISO(zone);
  const nextMonth = here.toPlainDate().with({ day: 1 }).add({ months: 1 }).toZonedDateTime(zone);
  return { today: now, tomorrow: here.add({ days: 1 }).toInstant(), thisMonth: nextMonth.toInstant() };
}

/**
 * What each rule would take today, by tomorrow and by the end of this month. It counts, and changes nothing: no plan is
 * made, no hold is placed again. A source that cannot be asked is said to be so, and the others are counted.
 */
export async function forecastRuns(office: Office): Promise<readonly Forecast[]> {
  const now = office.now();
  const holds = scopesOf(await openHolds(office.store));
  const problems = new Map<string, string | null>();
  const forecasts: Forecast[] = [];
  for (const rule of Object.values(office.policy.retention)) {
    if (rule.dispose === 'retain') continue;
    for (const dataset of rule.datasets) {
      const source = sourceOf(office.sources, dataset);
      if (!problems.has(source.name)) {
        const drift = (await source.check(office.policy.retention)).find(({ level }) => level === 'drift');
        problems.set(source.name, drift?.detail ?? null);
      }
      const problem = problems.get(source.name) ?? null;
      const named = { rule: rule.id, title: rule.title, act: rule.dispose, dataset };
      forecasts.push(
        problem === null
          ? { ...named, ...(await countAt(office, rule, dataset, now, holds)) }
          : { ...named, going: null, held: 0, problem },
      );
    }
  }
  return forecasts;
}

async function countAt(
  office: Office,
  rule: RetentionRule,
  dataset: string,
  now: Temporal.Instant,
  holds: ReturnType<typeof scopesOf>,
): Promise<Pick<Forecast, 'going' | 'held' | 'problem'>> {
  const moments = momentsOf(now, rule.zone);
  const at = async (moment: Temporal.Instant) => {
    const due = dueOf(office.policy, rule, dataset, cutoffsAt(office.policy, rule, moment));
    if (due === null) return { due: 0, held: 0, restricted: 0 };
    return sourceOf(office.sources, dataset).census(dataset, due, holds);
  };
  try {
    const today = await at(moments.today);
    const going = {
      today: goingOf(today),
      tomorrow: goingOf(await at(moments.tomorrow)),
      thisMonth: goingOf(await at(moments.thisMonth)),
    };
    return { going, held: today.held, problem: null };
  } catch (error) {
    if (sourceFault(error) === null) throw error;
    return { going: null, held: 0, problem: `The source of ${dataset} could not be asked. Try again.` };
  }
}
