import { formatInstant } from '../core/instants.ts';
import { isRefusal } from '../core/refusal.ts';
import type { Demand } from '../demands/demand.ts';
import { demandDeadlines } from '../policy/clocks/demand-deadline.ts';
import type { Office } from './office.ts';

/** The clocks of a demand, each with its explanation; the date printed on the paper, `dueAt`, is one of them. */
export function demandClocks(office: Pick<Office, 'policy'>, demand: Demand) {
  const clocks = demandDeadlines({
    type: demand.type,
    emergency: demand.emergency,
    receivedAt: demand.receivedAt,
    zone: office.policy.organization.zone,
    regimes: office.policy.regimes,
    dueAt: demand.dueAt,
  });
  if (isRefusal(clocks)) return [];
  return clocks.map(({ rule, version, dueAt, steps }) => ({
    rule,
    version,
    dueAt: dueAt ? formatInstant(dueAt) : null,
    steps: steps.map((step) => ({ ...step })),
  }));
}
