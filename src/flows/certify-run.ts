import { setTimeout as pause } from 'node:timers/promises';
import { generalJws, signDetached } from '../artifacts/jws.ts';
import { writeDocument } from '../artifacts/pdf/document.ts';
import { sha256Hex, toHex } from '../core/hash.ts';
import { makeId } from '../core/ids.ts';
import { formatInstant } from '../core/instants.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { addBlob } from '../db/exports.ts';
import { newestCheckpoint, sequenceLedger } from '../db/ledger.ts';
import { whileAlone } from '../db/locks.ts';
import { namesOf } from '../db/people.ts';
import { batchesOfRun, loadRun } from '../db/runs.ts';
import { type BatchRecord, digestOfBatches } from '../disposition/batch.ts';
import type { Run } from '../disposition/run.ts';
import { carryOut, type Office } from './office.ts';
import { recoverJournals } from './record-batch.ts';

/** Batches listed in the PDF; the JSON lists all. */
const listedBatches = 500;

/**
 * The task at a run's end: its certificate of disposition, as JSON under the seal and as a PDF for people. A cancelled
 * run may have a batch in hand, or one that a crash left uncopied: it is waited for, since the certificate names all.
 */
export async function certifyRun(office: Office, id: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await whileAlone(office.store.db, `run:${id}`, async () => {
      await recoverJournals(office, id);
      await certify(office, id);
      return true;
    });
    if (outcome) return;
    if (attempt === waits) throw new Error(`run ${id} is still being worked on`);
    await pause(200);
  }
}

/** Times that a fifth of a second is waited for a worker's last batch before the task is put back. */
const waits = 150;

async function certify(office: Office, id: string): Promise<void> {
  const run = await loadRun(office.store, id);
  if (!run || run.certificate || run.dryRun || !['completed', 'failed', 'cancelled'].includes(run.state)) return;
  await sequenceLedger(office.store.db, office.checkpointSigner, office.now());
  const checkpoint = await newestCheckpoint(office.store.db);
  const batches = await batchesOfRun(office.store, id, 1_000_000);
  const root = digestOfBatches(batches);
  const names = await namesOf(office.store);
  const named = (id: string | null) => id && { id, name: names.get(id) ?? null };
  const certificate = {
    certificate: 'muniment disposition 1',
    organization: office.policy.organization.name,
    run: run.id,
    state: run.state,
    policyDigest: run.policy,
    plannedAt: formatInstant(run.plannedAt),
    finishedAt: run.finishedAt ? formatInstant(run.finishedAt) : null,
    startedBy: named(run.startedBy),
    approvedBy: named(run.approvedBy),
    cutoffs: run.cutoffs,
    rules: run.parts.map(({ rule, act, dataset, state, total, due, held, restricted, destroyed, heldBy, refusal }) => ({
      rule,
      act,
      dataset,
      state,
      total,
      due,
      held,
      restricted,
      destroyed,
      heldBy,
      refusal,
    })),
    batches: batches.map((batch) => ({
      id: batch.id,
      count: batch.count,
      root: toHex(batch.root),
      epoch: batch.epoch,
      way: batch.way,
      destroyedAt: formatInstant(batch.destroyedAt),
    })),
    root,
    ledger: checkpoint ? { size: checkpoint.size, root: toHex(checkpoint.root), checkpoint: checkpoint.note } : null,
  };
  const text = `${JSON.stringify(certificate, null, 2)}\n`;
  const seal = generalJws([await signDetached(Buffer.from(text), office.signers.seal.signer)]);
  await office.store.vault.newCase(run.id, office.now()).catch(ignoreDuplicate);
  const key = await office.store.vault.caseKey(run.id);
  const envelope = Buffer.from(
    `${JSON.stringify({ certificate: text, jws: JSON.parse(seal), sealCertificate: office.signers.seal.certificate, root: office.signers.rootPem }, null, 2)}\n`,
  );
  const json = await store(office, run, key, 'application/json', async (sink) => sink.write(envelope));
  const pdf = await store(office, run, key, 'application/pdf', async (sink) => {
    await writeDocument(certificateDocument(office, { run, batches, root, names }, sha256Hex(text)), sink);
  });
  const outcome = await carryOut(
    office,
    async () => {
      const current = await loadRun(office.store, id);
      if (!current || current.certificate) return { decided: { state: [], entries: [], tasks: [] }, result: null };
      return {
        decided: {
          state: [{ kind: 'run', run: { ...current, certificate: { json: json.id, pdf: pdf.id, root } } }],
          entries: [],
          tasks: [],
        },
        result: null,
      };
    },
    async (tx) => {
      await addBlob(tx, json);
      await addBlob(tx, pdf);
    },
  );
  if (isRefusal(outcome)) throw new Error(`run ${id} could not be certified: ${outcome.code}`);
}

function ignoreDuplicate(error: unknown): void {
  if (!(typeof error === 'object' && error !== null && 'cause' in error)) throw error;
  const { cause } = error;
  if (!(typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === '23505')) throw error;
}

async function store(
  office: Office,
  run: Run,
  key: Uint8Array,
  mediaType: string,
  write: Parameters<Office['blobs']['fill']>[2],
) {
  const now = office.now();
  const id = makeId('blob', now, office.random(10));
  const { bytes, sha256 } = await office.blobs.fill(id, key, write);
  return { id, caseId: run.id, sha256, sizeBytes: bytes, mediaType, createdAt: now };
}

function certificateDocument(
  office: Office,
  {
    run,
    batches,
    root,
    names,
  }: { run: Run; batches: readonly BatchRecord[]; root: string; names: ReadonlyMap<string, string> },
  jsonSha256: string,
) {
  const whoIs = (id: string) => (names.has(id) ? `${names.get(id)} (${id})` : id);
  return {
    title: 'Certificate of disposition',
    organization: office.policy.organization.name,
    exportId: run.id,
    blocks: [
      { kind: 'heading' as const, text: 'Certificate of disposition' },
      {
        kind: 'facts' as const,
        rows: [
          { label: 'Run', value: run.id },
          { label: 'State', value: run.state },
          { label: 'Planned', value: formatInstant(run.plannedAt) },
          { label: 'Finished', value: run.finishedAt ? formatInstant(run.finishedAt) : '' },
          { label: 'Started by', value: whoIs(run.startedBy) },
          { label: 'Approved by', value: run.approvedBy ? whoIs(run.approvedBy) : 'no approval was needed' },
          { label: 'Policy digest', value: run.policy },
          { label: 'Root over batches', value: root },
          { label: 'SHA-256 of the JSON', value: jsonSha256 },
        ],
      },
      { kind: 'heading' as const, text: 'What went, and what was spared' },
      {
        kind: 'table' as const,
        columns: ['Rule', 'Dataset', 'Older than', 'Due', 'Held', 'Restricted', 'Destroyed or masked', 'State'],
        widths: [0.11, 0.17, 0.24, 0.08, 0.08, 0.12, 0.12, 0.08],
        rows: run.parts.map((part) => [
          part.rule,
          part.dataset,
          run.cutoffs[part.rule] ?? '',
          String(part.due),
          String(part.held),
          String(part.restricted),
          part.act === 'mask' ? `${part.destroyed} masked` : String(part.destroyed),
          part.state,
        ]),
      },
      { kind: 'heading' as const, text: 'Batches' },
      {
        kind: 'table' as const,
        columns: ['Batch', 'Count', 'Merkle root'],
        widths: [0.34, 0.08, 0.58],
        rows: batches
          .slice(0, listedBatches)
          .map((batch) => [`${batch.dataset}/${batch.seq}`, String(batch.count), toHex(batch.root)]),
      },
      {
        kind: 'paragraph' as const,
        text: 'Each root is a Merkle root (RFC 6962) over commitments to the records that went, keyed so that nobody can learn from it what they said; who can show a record can be shown that it went. The JSON of this certificate lists every batch and is signed by the seal (ES256).',
      },
    ],
  };
}

/** A run's certificate, to be downloaded. */
export async function readCertificate(
  office: Office,
  id: string,
  form: 'json' | 'pdf',
): Promise<{ mediaType: string; fileName: string; bytes: AsyncIterable<Uint8Array> } | Refusal> {
  const run = await loadRun(office.store, id);
  if (!run) return refuse('not_found', 'There is no such run.');
  if (!run.certificate)
    return refuse(
      'not_ready',
      run.dryRun
        ? 'A dry run destroys nothing and has no certificate.'
        : 'The certificate is written when the run is over. Try again in a moment.',
      { state: run.state },
    );
  const key = await office.store.vault.caseKey(run.id);
  return {
    mediaType: form === 'pdf' ? 'application/pdf' : 'application/json',
    fileName: `certificate-${run.id}.${form}`,
    bytes: office.blobs.read(run.certificate[form], key),
  };
}
