import type { Actor } from '../core/actor.ts';
import { makeId } from '../core/ids.ts';
import { formatInstant } from '../core/instants.ts';
import { personal } from '../core/personal.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { loadDemand } from '../db/demands.ts';
import { countExportsBy } from '../db/exports.ts';
import { loadRequest } from '../db/requests.ts';
import { linkDemand } from '../demands/demand.ts';
import {
  requestExport as decideRequest,
  type Export,
  type ExportFormat,
  type ExportPurpose,
} from '../evidence/export.ts';
import type { Alarm } from '../ledger/alarm.ts';
import { checkScope, scopeDigest, type WrittenHoldScope } from '../policy/hold.ts';
import { mayOf, missingFor, notAllowed } from './export-access.ts';
import { carryOut, type Office } from './office.ts';

export interface ExportOrder {
  readonly purpose: ExportPurpose;
  readonly demandId: string | null;
  readonly requestId: string | null;
  readonly matter: string | null;
  readonly scope: WrittenHoldScope;
  readonly formats: readonly ExportFormat[];
  readonly timezone: string | null;
}

/**
 * Ask for an export. It is collected and rendered by a task; nobody can approve what is not rendered yet. The request
 * that it answers is written together with it, so that a crash leaves no package that answers nothing.
 */
export async function requestExport(office: Office, actor: Actor, order: ExportOrder): Promise<Export | Refusal> {
  const { organization, dataMap } = office.policy;
  const scope = checkScope(dataMap, order.scope, organization.zone, 'disclosure');
  if (isRefusal(scope)) return scope;
  if (order.formats.includes('loadfile'))
    return refuse('invalid', 'Load files are not made yet. Ask for pdf, csv or ndjson; nothing was started.', {}, [
      { pointer: '/formats', code: 'unsupported', detail: 'Write pdf, csv, ndjson.' },
    ]);
  const timezone = order.timezone ?? organization.zone;
  if (!isZone(timezone))
    return refuse('invalid', `"${timezone}" is not a time zone. Write an IANA name such as Europe/Berlin.`, {}, [
      { pointer: '/timezone', code: 'zone_unknown', detail: 'Write an IANA name such as Europe/Berlin.' },
    ]);
  const demand = order.demandId === null ? null : await loadDemand(office.store, order.demandId);
  const may = mayOf(office, actor);
  if (order.demandId !== null && (demand === null || missingFor(may, order, 'read')))
    return refuse('not_found', 'There is no such demand.');
  const missing = missingFor(may, order, 'work');
  if (missing) return notAllowed(missing);
  if (demand && demand.state !== 'review' && demand.state !== 'collecting')
    return refuse(
      'not_ready',
      'Nothing is collected for a demand before it is authenticated. Authenticate it first; nothing was started.',
      { demand: demand.id, state: demand.state },
    );
  const now = office.now();
  const id = makeId('export', now, office.random(10));
  await office.store.vault.newCase(id, now);
  const wanted: Export = {
    id,
    version: 0,
    caseId: id,
    purpose: order.purpose,
    state: 'collecting',
    policy: office.policy.digest,
    requestedAt: now,
    preparer: actor.id,
    approver: null,
    demandId: order.demandId,
    requestId: order.requestId,
    formats: order.formats.length > 0 ? order.formats : ['pdf', 'csv', 'ndjson'],
    timezone,
    progress: { done: 0, of: null, doing: 'waiting' },
    rendering: null,
    manifestSha256: null,
    packageBlob: null,
    packageSha256: null,
    sealedAt: null,
    refusal: null,
    matter: personal(order.matter),
    scope: personal(scope),
    approved: personal(null),
  };
  const digest = scopeDigest(scope, await office.store.vault.caseKey(id));
  return carryOut(office, async () => {
    const decided = decideRequest(wanted, digest, actor, now);
    if (isRefusal(decided)) return decided;
    const current = order.demandId === null ? null : await loadDemand(office.store, order.demandId);
    const linked = current ? linkDemand(current, { export: id }, actor, now) : null;
    if (isRefusal(linked)) return linked;
    const request = order.requestId === null ? null : await loadRequest(office.store, order.requestId);
    if (order.requestId !== null && (request?.state !== 'review' || request.exportId !== null))
      return refuse('conflict', 'The request has its package, or has moved on. Nothing was started.', {
        request: order.requestId,
      });
    const all = {
      state: [
        ...decided.state,
        ...(linked?.state ?? []),
        ...(request ? [{ kind: 'request' as const, request: { ...request, exportId: id } }] : []),
      ],
      entries: [...decided.entries, ...(linked?.entries ?? [])],
      tasks: decided.tasks,
      alarms: await unusualVolume(office, actor, now),
    };
    return { decided: all, result: { ...wanted, version: 1 } };
  });
}

/** As many exports by one person within a day as are unusual raise an alarm, once that day. */
async function unusualVolume(office: Office, actor: Actor, now: Temporal.Instant): Promise<readonly Alarm[]> {
  const exports = 1 + (await countExportsBy(office.store, actor.id, now.subtract({ hours: 24 })));
  if (exports < office.policy.organization.alarms.exportsPerDay) return [];
  const at = formatInstant(now);
  return [
    { kind: 'many_exports', key: `many_exports/${actor.id}/${at.slice(0, 10)}`, at, facts: { by: actor.id, exports } },
  ];
}

function isZone(zone: string): boolean {
  try {
    Temporal.Now.zonedDateTimeISO(zone);
    return zone.includes('/') || zone === 'UTC';
  } catch {
    return false;
  }
}
