import { toHex } from '../core/hash.ts';
import { listDemands } from '../db/demands.ts';
import { listExports } from '../db/exports.ts';
import { openHolds } from '../db/holds.ts';
import { newestCheckpoint } from '../db/ledger.ts';
import { namesOf } from '../db/people.ts';
import { openRequests } from '../db/requests.ts';
import { listRuns } from '../db/runs.ts';
import type { Office } from './office.ts';
import { readHealth } from './read-health.ts';

/** What the first page of the console shows: deadlines, approvals waiting, the last purge, the ledger, the sources. */
export async function readOverview(office: Office) {
  const [requests, demands, exports, holds, runs, names, checkpoint, health] = await Promise.all([
    openRequests(office.store, 50),
    listDemands(office.store, 50),
    listExports(office.store, 50),
    openHolds(office.store),
    listRuns(office.store, 20),
    namesOf(office.store),
    newestCheckpoint(office.store.db),
    readHealth(office),
  ]);
  const nameOf = (id: string) => names.get(id) ?? id;
  const waiting = [
    ...requests.flatMap((request) =>
      request.decision && !request.decision.approvedBy
        ? [
            {
              what: `${request.reference}: answer to a request`,
              href: `/console/requests/${request.id}`,
              by: nameOf(request.decision.by),
            },
          ]
        : [],
    ),
    ...exports.flatMap((wanted) =>
      wanted.state === 'awaiting_approval' && wanted.requestId === null
        ? [
            {
              what: `Export: ${wanted.matter.reveal() ?? wanted.purpose}`,
              href: `/console/exports/${wanted.id}`,
              by: nameOf(wanted.preparer),
            },
          ]
        : [],
    ),
    ...runs.flatMap((run) =>
      run.state === 'awaiting_approval'
        ? [{ what: 'Disposition run', href: `/console/retention/${run.id}`, by: nameOf(run.startedBy) }]
        : [],
    ),
    ...holds.flatMap((hold) =>
      hold.state === 'release_requested'
        ? [
            {
              what: `Release of the hold ${hold.matter.reveal()}`,
              href: `/console/holds/${hold.id}`,
              by: nameOf(hold.releaseRequestedBy ?? ''),
            },
          ]
        : [],
    ),
  ];
  return {
    requests,
    demands,
    exports,
    holds,
    waiting,
    lastRun: runs.find((run) => !run.dryRun && (run.state === 'completed' || run.state === 'running')) ?? null,
    checkpoint: checkpoint && { size: checkpoint.size, root: toHex(checkpoint.root), signedAt: checkpoint.signedAt },
    health: health.checks,
  };
}
