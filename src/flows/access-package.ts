import { systemActor } from '../core/actor.ts';
import { canonicalJson, type Json } from '../core/canonical-json.ts';
import { sha256Hex, toBase64Url } from '../core/hash.ts';
import { makeId } from '../core/ids.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { loadExport } from '../db/exports.ts';
import { queueNotice } from '../db/notices.ts';
import { addGrant, loadRequest } from '../db/requests.ts';
import { type RecordView, recordView } from '../evidence/record-view.ts';
import { findDataset } from '../policy/data-map.ts';
import {
  codeAddress,
  fulfilled,
  occasionOf,
  provenIdentifiers,
  type Receipt,
  type SubjectRequest,
} from '../requests/request.ts';
import { keyText } from '../sources/sql/keys.ts';
import { columnsOf } from './collect-export.ts';
import { type ReachedDataset, searchSubject } from './gather-findings.ts';
import { carryOut, type Office } from './office.ts';
import { besidesOf, type OutgoingDataset, type OutgoingRecord, toOutgoing } from './render-export.ts';
import { requestExport } from './request-export.ts';
import { composeNotice, dateInWords, noticeKey } from './send-notice.ts';

/** How long the link to a package works. */
const linkDays = 14;

/** The task after a decision to give: the package is rendered, so that the approver sees what will be sealed. */
export async function prepareAccessPackage(office: Office, id: string): Promise<void> {
  const request = await loadRequest(office.store, id);
  if (!request?.decision || request.exportId !== null || request.state !== 'review') return;
  const preparer = { ...systemActor, id: request.decision.by };
  const { subject } = request;
  const verified = provenIdentifiers(subject.reveal(), request.identity);
  const made = await requestExport(office, preparer, {
    purpose: request.type === 'portability' ? 'portability' : 'dsar_access',
    demandId: null,
    requestId: id,
    matter: request.reference,
    scope: { subjects: verified.map(({ kind, value }) => ({ kind, value })) },
    formats: ['pdf', 'csv', 'ndjson'],
    timezone: null,
  });
  if (isRefusal(made) && made.code !== 'conflict')
    throw new Error(`the package of ${id} could not be started: ${made.code}`);
}

/**
 * What an access package holds: the person's own records whole; records of others in what they share with their
 * content redacted (I10). The same search as the preview's, by the same identifiers.
 */
export async function accessDatasets(
  office: Office,
  requestId: string,
): Promise<{ datasets: readonly OutgoingDataset[]; matched: number } | Refusal> {
  const request = await loadRequest(office.store, requestId);
  if (request?.identity.state !== 'verified')
    return refuse('identity_unconfirmed', 'Identity is not confirmed. Nothing was collected.');
  const reached = await searchSubject(office, request);
  const datasets = reached
    .toSorted((a, b) => (a.dataset < b.dataset ? -1 : 1))
    .flatMap((part): OutgoingDataset[] => {
      const dataset = findDataset(office.policy.dataMap, part.dataset);
      if (dataset?.kind !== 'table') return [];
      const tables = part.source.datasets.flatMap((candidate) => (candidate.kind === 'table' ? [candidate] : []));
      const view = recordView(tables, dataset);
      const threads = view?.thread ? reached.find(({ dataset: id }) => id === view.thread?.dataset.id) : undefined;
      return [{ dataset, columns: columnsOf(dataset, false), records: recordsOf(part, dataset, view, threads) }];
    });
  return { datasets, matched: reached.reduce((sum, { own, shared }) => sum + own.length + shared.length, 0) };
}

type Table = Extract<ReturnType<typeof findDataset>, { kind: 'table' }>;

async function* recordsOf(
  part: ReachedDataset,
  dataset: Table,
  view: RecordView | null,
  threads: ReachedDataset | undefined,
): AsyncGenerator<OutgoingRecord> {
  // In the order of their keys, so that what was said reads in the order in which it was said.
  const rows = [...part.own, ...part.shared].sort((a, b) => compareKeys(a.key, b.key));
  const besides = view ? besidesOf(view) : {};
  const isOwn = new Set(part.own.map(({ key }) => keyText(key)));
  const ownThreads = new Set(threads?.own.map(({ key }) => keyText(key)));
  for await (const record of part.source.readRows(dataset.id, rows, besides)) {
    const outgoing = toOutgoing(dataset, view, record);
    const key = keyText(dataset.key.map((column) => record[column] ?? ''));
    const thread = view?.thread?.link.columns.map((column) => record[column] ?? '') ?? [];
    const shown = ownThreads.has(keyText(thread)) ? outgoing : withoutSubject(outgoing, thread.join('/'));
    yield isOwn.has(key) ? shown : redacted(shown, dataset);
  }
}

/** Numbers by value, anything else by its characters. */
function compareKeys(a: readonly string[], b: readonly string[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] ?? '';
    if (left === right) continue;
    const numbers = /^\d+$/.test(left) && /^\d+$/.test(right);
    return numbers ? Number(left) - Number(right) : left < right ? -1 : 1;
  }
  return 0;
}

const mark = '[REDACTED R1]';
/** What a record of messages says beside its own columns (see `toOutgoing`): the words of other rows. */
const namedColumns = ['sender_name', 'conversation', 'attachments'];

/** A message in a conversation that is not the person's own: its subject is given out no more than its own row gives it. */
function withoutSubject(record: OutgoingRecord, thread: string): OutgoingRecord {
  if (record.message === null || record.stored.conversation === undefined) return record;
  return {
    ...record,
    stored: { ...record.stored, conversation: mark },
    message: { ...record.message, thread: `Conversation ${thread}` },
  };
}

/**
 * A record of somebody else's: when and where it stands stays, what it says and whose it is goes. The replacement says
 * how much was taken out and why (R1: personal data of another person, GDPR art. 15(4)).
 */
function redacted(record: OutgoingRecord, dataset: Table): OutgoingRecord {
  // Of prose the length is said; of a name or a number it would be half of it.
  const marker = (text: string, isProse: boolean) => (isProse ? `[REDACTED R1 · ${[...text].length} chars]` : mark);
  const secret = new Set([
    ...namedColumns,
    ...Object.entries(dataset.fields).flatMap(([column, field]) =>
      field.category.endsWith('metadata') ? [] : [column],
    ),
    ...dataset.links.filter(({ owner }) => owner).flatMap(({ columns }) => columns),
    ...Object.values(dataset.identifiers),
    ...(dataset.file ? [dataset.file.column] : []),
  ]);
  const stored = Object.fromEntries(
    Object.entries(record.stored).map(([column, value]) => [
      column,
      secret.has(column) && value !== null ? marker(value, dataset.fields[column]?.text === true) : value,
    ]),
  );
  const message = record.message && {
    ...record.message,
    sender: 'another person',
    text: marker(record.message.text, true),
    attachments: [],
  };
  return { ...record, stored, message, attachments: [], redacted: true };
}

/** The task after the seal: close the request and send the person their link. */
export async function deliverAccessPackage(office: Office, requestId: string, exportId: string): Promise<void> {
  const request = await loadRequest(office.store, requestId);
  const sealed = await loadExport(office.store, exportId);
  // A package of an earlier search may be sealed by now; it is not the answer.
  if (request?.state !== 'fulfilling' || request.exportId !== exportId || sealed?.state !== 'sealed') return;
  const now = office.now();
  const secret = toBase64Url(office.random(32));
  const expiresAt = now.add({ hours: linkDays * 24 });
  const letter = composeNotice(office, request, 'package-ready', {
    packageUrl: `${office.publicUrl}/package/${secret}`,
    packageUntil: dateInWords(expiresAt.toZonedDateTimeISO(office.policy.organization.zone).toPlainDate().toString()),
  });
  const to = codeAddress(request.subject.reveal())?.value;
  const notice = {
    id: makeId('notice', now, office.random(10)),
    caseId: request.caseId,
    template: 'package-ready',
    key: noticeKey(requestId, 'package-ready', occasionOf(request, 'fulfilled')),
    queuedAt: now,
  };
  const receipt = receiptOf(request, now);
  const outcome = await carryOut(
    office,
    async () => {
      const current = await loadRequest(office.store, requestId);
      if (!current) return refuse('not_found', 'There is no such request.');
      const digest = sha256Hex(canonicalJson(receipt as unknown as Json));
      return { decided: fulfilled(current, receipt, digest, current.deferred, systemActor, now), result: null };
    },
    async (tx) => {
      // The letter with the link and the link's own record are there together or not at all.
      if (to !== undefined) await queueNotice(office.store, notice, { to, ...letter }, tx);
      await addGrant(tx, {
        id: makeId('grant', now, office.random(10)),
        requestId,
        kind: 'package',
        secretHash: sha256Hex(secret),
        createdAt: now,
        expiresAt,
        usedAt: null,
        attempts: 0,
      });
    },
  );
  // Somebody else has delivered it meanwhile.
  if (isRefusal(outcome) && outcome.code === 'move_not_allowed') return;
  if (isRefusal(outcome)) throw new Error(`the package of ${requestId} could not be delivered: ${outcome.code}`);
}

function receiptOf(request: SubjectRequest, now: Temporal.Instant): Receipt {
  const at = formatInstant(now);
  const findings = request.findings ?? [];
  return {
    at,
    given: findings.filter(({ disposition }) => disposition === 'give' || disposition === 'redact'),
    destroyed: [],
    masked: [],
    kept: [],
    searchAfterwards: [],
    searchedAt: at,
  };
}
