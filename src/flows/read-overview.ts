import { toHex } from '../core/hash.ts';
import { countUnseenAlarms } from '../db/alarms.ts';
import { listDemands } from '../db/demands.ts';
import { openHolds } from '../db/holds.ts';
import { newestCheckpoint } from '../db/ledger.ts';
import { namesOf } from '../db/people.ts';
import { openRequests } from '../db/requests.ts';
import { listRuns } from '../db/runs.ts';
import type { Permission } from '../policy/roles.ts';
import { visibleExports } from './export-access.ts';
import type { Office } from './office.ts';
import { readHealth } from './read-health.ts';

export type Overview = Awaited<ReturnType<typeof readOverview>>;

/**
 * What the first page of the console shows: deadlines, approvals waiting, the last purge, the ledger, the sources.
 * Only what the reader's role may see is read at all; null: it may not.
 */
export async function readOverview(office: Office, may: (permission: Permission) => boolean) {
  const { store } = office;
  const ifAllowed = <T>(permission: Permission, read: () => Promise<T>): Promise<T> | null =>
    may(permission) ? read() : null;
  const [alarms, requests, demands, exports, holds, runs, names, checkpoint, health] = await Promise.all([
    ifAllowed('alarms.read', () => countUnseenAlarms(store)),
    ifAllowed('requests.read', () => openRequests(store, 50)),
    ifAllowed('demands.read', () => listDemands(store, 50)),
    ifAllowed('exports.read', () => visibleExports(office, may, { limit: 50, offset: 0 })),
    ifAllowed('holds.read', () => openHolds(store)),
    ifAllowed('runs.read', () => listRuns(store, 20)),
    namesOf(store),
    ifAllowed('ledger.read', () => newestCheckpoint(store.db)),
    readHealth(office),
  ]);
  const waits = (what: string, href: string, by: string | null) => ({
    what,
    href,
    by: names.get(by ?? '') ?? by ?? '',
  });
  const waiting = [
    ...(requests ?? []).flatMap(({ id, reference, decision }) =>
      decision && !decision.approvedBy
        ? [waits(`${reference}: answer to a request`, `/console/requests/${id}`, decision.by)]
        : [],
    ),
    ...(exports ?? [])
      .filter(({ state, requestId }) => state === 'awaiting_approval' && requestId === null)
      .map(({ id, matter, purpose, preparer }) =>
        waits(`Export: ${matter.reveal() ?? purpose}`, `/console/exports/${id}`, preparer),
      ),
    ...(runs ?? [])
      .filter(({ state }) => state === 'awaiting_approval')
      .map(({ id, startedBy }) => waits('Disposition run', `/console/retention/${id}`, startedBy)),
    ...(holds ?? [])
      .filter(({ state }) => state === 'release_requested')
      .map(({ id, matter, releaseRequestedBy }) =>
        waits(`Release of the hold ${matter.reveal()}`, `/console/holds/${id}`, releaseRequestedBy),
      ),
  ];
  return {
    alarms,
    requests,
    demands,
    holds,
    waiting,
    runs: runs && {
      last: runs.find((run) => !run.dryRun && (run.state === 'completed' || run.state === 'running')) ?? null,
    },
    checkpoint: checkpoint && { size: checkpoint.size, root: toHex(checkpoint.root), signedAt: checkpoint.signedAt },
    health: health.checks,
  };
}
