import { systemActor } from '../core/actor.ts';
import { sha256Hex } from '../core/hash.ts';
import { isRefusal, type Refusal } from '../core/refusal.ts';
import { loadRequest } from '../db/requests.ts';
import { findDataset } from '../policy/data-map.ts';
import { type Finding, findingsGathered, provenIdentifiers, type SubjectRequest } from '../requests/request.ts';
import { sourceOf } from '../sources/open.ts';
import type { RecordSource } from '../sources/source.ts';
import { rowsDigest } from '../sources/sql/erase.ts';
import type { ReachedRow } from '../sources/sql/find.ts';
import { keyText } from '../sources/sql/keys.ts';
import { endEvidenceHolds, holdEvidence } from './hold-evidence.ts';
import { carryOut, type Office } from './office.ts';
import { settleOpenHolds } from './place-hold.ts';

/** What one walk of the data map reached in one dataset. */
export interface ReachedDataset {
  readonly source: RecordSource;
  readonly dataset: string;
  readonly own: readonly ReachedRow[];
  readonly shared: readonly ReachedRow[];
}

/**
 * Walk every source from the person's verified identifiers. Access and erasure both start from this one answer.
 * @throws when any source cannot be reached: a search that left one out would be no search (I4)
 */
export async function searchSubject(office: Office, request: SubjectRequest): Promise<readonly ReachedDataset[]> {
  const identifiers = provenIdentifiers(request.subject.reveal(), request.identity);
  const reached: ReachedDataset[] = [];
  for (const source of office.sources.values()) {
    const found = await source.find(identifiers);
    for (const { id } of source.datasets) {
      const own = found.own.get(id) ?? [];
      const shared = found.shared.get(id) ?? [];
      if (own.length + shared.length > 0) reached.push({ source, dataset: id, own, shared });
    }
  }
  return reached;
}

/** What the search reaches, and what a hold kept from an earlier erasure: nothing may lead there any more. */
export async function reachSubject(office: Office, request: SubjectRequest): Promise<readonly ReachedDataset[]> {
  const reached = new Map((await searchSubject(office, request)).map((part) => [part.dataset, part]));
  for (const { dataset, keys } of request.type === 'erasure' ? request.deferred.reveal() : []) {
    const found = reached.get(dataset) ?? { source: sourceOf(office.sources, dataset), dataset, own: [], shared: [] };
    const known = new Set(found.own.map(({ key }) => keyText(key)));
    const added = keys.filter((key) => !known.has(keyText(key))).map((key) => ({ key, columns: {} }));
    reached.set(dataset, { ...found, own: [...found.own, ...added] });
  }
  return [...reached.values()];
}

/** Children before what they hang on, so that only other people's rows can still be in the way. */
export function inErasureOrder(office: Office, reached: readonly ReachedDataset[]): readonly ReachedDataset[] {
  const ordered: ReachedDataset[] = [];
  const visit = (part: ReachedDataset, path: readonly string[]) => {
    if (ordered.includes(part) || path.includes(part.dataset)) return;
    for (const other of reached) {
      const mapped = findDataset(office.policy.dataMap, other.dataset);
      if (mapped?.kind === 'table' && mapped.links.some((link) => link.to.dataset === part.dataset))
        visit(other, [...path, part.dataset]);
    }
    ordered.push(part);
  };
  for (const part of reached) visit(part, []);
  return ordered;
}

/** What would become of what was reached: given or redacted on access; destroyed, masked or kept on erasure. */
export async function findingsOf(
  office: Office,
  request: SubjectRequest,
  reached: readonly ReachedDataset[],
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const going = new Map<string, readonly ReachedRow[]>();
  const add = (
    dataset: string,
    disposition: Finding['disposition'],
    ground: string | null,
    rows: readonly ReachedRow[],
  ) => {
    if (rows.length > 0)
      findings.push({ dataset, count: rows.length, disposition, ground, digest: rowsDigest(dataset, rows) });
  };
  for (const { source, dataset, own, shared } of inErasureOrder(office, reached)) {
    if (request.type !== 'erasure') {
      add(dataset, 'give', null, own);
      add(dataset, 'redact', 'OTHERS_RIGHTS', shared);
      continue;
    }
    const mapped = findDataset(office.policy.dataMap, dataset);
    if (mapped?.kind !== 'table') continue;
    if (mapped.erase === 'keep') {
      add(dataset, 'keep', mapped.eraseGround, own);
      continue;
    }
    const preview = await source.previewErasure(dataset, own, mapped.erase, going);
    if (mapped.erase === 'destroy') going.set(dataset, preview.free);
    add(dataset, mapped.erase, mapped.erase === 'mask' ? mapped.eraseGround : null, preview.free);
    add(dataset, 'keep', 'LEGAL_HOLD', preview.held);
    add(dataset, 'keep', 'OTHERS_RIGHTS', preview.restricted);
  }
  const place = new Map(reached.map(({ dataset }, index) => [dataset, index]));
  return findings.toSorted((a, b) => (place.get(a.dataset) ?? 0) - (place.get(b.dataset) ?? 0));
}

/** A digest over findings: what the decider saw, in one line. */
export function findingsDigest(findings: readonly Finding[]): string {
  return sha256Hex(
    findings
      .map(({ dataset, disposition, count, digest }) => `${dataset} ${disposition} ${count} ${digest}\n`)
      .sort()
      .join(''),
  );
}

/** A task that cannot go on now fails, and is tried again. */
export function orThrow(request: string, refusal: Refusal | null): void {
  if (refusal) throw new Error(`${request} has to wait: ${refusal.code}`);
}

/** The task: search, and lay what was found before staff. */
export async function gatherFindings(office: Office, id: string): Promise<void> {
  const loaded = await loadRequest(office.store, id);
  if (loaded?.state !== 'gathering') return;
  await holdEvidence(office, loaded);
  if (loaded.type === 'erasure') {
    await endEvidenceHolds(office);
    orThrow(id, await settleOpenHolds(office));
  }
  const findings = await findingsOf(office, loaded, await reachSubject(office, loaded));
  const outcome = await carryOut(office, async () => {
    const request = await loadRequest(office.store, id);
    if (request?.state !== 'gathering') return { decided: { state: [], entries: [], tasks: [] }, result: null };
    return { decided: findingsGathered(request, findings, systemActor, office.now()), result: null };
  });
  if (isRefusal(outcome)) throw new Error(`findings of ${id} could not be recorded: ${outcome.code}`);
}
