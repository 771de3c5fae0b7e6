import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../core/hash.ts';
import { refuse } from '../../core/refusal.ts';
import type { JournalRow } from '../../disposition/batch.ts';
import type { Drift } from '../../disposition/drift.ts';
import type { FilesSource, FolderDataset } from '../../policy/data-map.ts';
import { cutoffOfAll } from '../../policy/due.ts';
import type { RecordSource } from '../source.ts';
import { describeLeaving, faultyBackups, finishRemoval, removeFiles, sortFolder } from './disposition.ts';
import { folderOf, listFolder, namedFiles } from './folder.ts';
import type { SeenFaults } from './good-backup.ts';
import { checkLines, countLines, coverLines, destroyLines, type LineFolder, SeenLines } from './lines.ts';
import { removeMade } from './made.ts';
import { hasRewritten } from './rewrite.ts';

/** Files a batch takes at most: an intent is one row, and a crash repeats at most this much reading. */
const filesPerBatch = 100;

/** Folders of dated files. They keep neither locks nor holds: the caller holds the lock and brings the holds. */
export function openFilesSource(source: FilesSource): RecordSource {
  const find = (id: string): FolderDataset => {
    const dataset = source.datasets.find((candidate) => candidate.id === id);
    if (!dataset) throw new Error(`source ${source.name} has no dataset ${id}`);
    return dataset;
  };
  const nothing = async function* () {};
  const seen = new SeenLines();
  const faults: SeenFaults = new Map();
  return {
    name: source.name,
    kind: 'files',
    datasets: source.datasets,
    keepsHolds: false,
    check: () => checkFolders(source, faults, seen),
    clock: async () => null,
    async census(id, due, holds) {
      const dataset = find(id);
      if (isByLine(dataset)) return countLines(source, dataset, cutoffOfAll(due), holds, seen);
      return (await sortFolder(source, dataset, cutoffOfAll(due), holds, faults)).census;
    },
    async destroyBatch(order, around) {
      const dataset = find(order.dataset);
      if (isByLine(dataset))
        return destroyLines(source, dataset, { ...order, cutoff: cutoffOfAll(order.due) }, around, seen);
      const { free } = await sortFolder(source, dataset, cutoffOfAll(order.due), around.holds, faults);
      const going = free.slice(0, filesPerBatch);
      if (going.length === 0) return { kind: 'nothing_due' };
      const items = await describeLeaving(dataset, order.runKey, going);
      await around.intend({ items });
      await removeFiles(
        source,
        dataset,
        items.map(({ name }) => name),
      );
      return {
        kind: 'batch',
        upTo: null,
        journal: journalOf(
          { ...order, cutoff: order.due.cutoff },
          items.map(({ commitment }) => commitment),
          around.knownEpoch,
          around.now(),
        ),
      };
    },
    wrongKeys: async () => [],
    async placeHold(hold) {
      const coverage = [];
      // Everything the folder has is asked, not only what is due today.
      const end = Temporal.Instant.from('9999-12-31T00:00:00Z');
      for (const dataset of source.datasets) {
        if (isByLine(dataset)) {
          coverage.push(await coverLines(source, dataset, hold));
          continue;
        }
        const { census, free } = await sortFolder(source, dataset, end, [hold], null);
        const { files } = await listFolder(source, dataset);
        const held = files.filter(({ name }) => !free.some((file) => file.name === name));
        const root = sha256Hex(
          `${dataset.id}\n${held
            .map(({ name }) => name)
            .sort()
            .join('\n')}`,
        );
        coverage.push({ dataset: dataset.id, count: census.held, root });
      }
      return { epoch: 0, coverage };
    },
    liftHold: async () => 0,
    raiseEpoch: async () => {},
    holdsInPlace: async () => null,
    uncopied: async () => [],
    markCopied: async () => {},
    finishRemoval: (dataset, items, holds) => finishRemoval(source, find(dataset), items, holds),
    hasRewritten: async (dataset, intent) => hasRewritten(await folderOf(source, find(dataset)), intent),
    removeMade: (dataset) => removeMade(source, find(dataset)),
    removeLeavingFiles: async () => [],
    find: async () => ({ own: new Map(), shared: new Map() }),
    previewErasure: async () => ({ free: [], held: [], restricted: [] }),
    erase: async (order) =>
      refuse('dataset_unknown', `${order.dataset} is a folder of files; rows are not erased there.`),
    readRows: nothing,
    readScope: nothing,
    countScope: async () => 0,
    close: async () => {},
  };
}

function isByLine(dataset: FolderDataset): dataset is LineFolder {
  return dataset.lines !== undefined;
}

/** What the journal says of files that went; also used when a start finishes an intent that a crash left open. */
export function journalOf(
  order: { batch: string; run: string; dataset: string; seq: number; cutoff: Temporal.Instant; policy: string },
  commitments: readonly string[],
  epoch: number,
  destroyedAt: Temporal.Instant,
): JournalRow {
  return journalOfLeaves(order, Buffer.from([...commitments].sort().join(''), 'hex'), epoch, destroyedAt);
}

/** @param leaves 32 bytes a record, sorted */
export function journalOfLeaves(
  order: Parameters<typeof journalOf>[0],
  leaves: Uint8Array,
  epoch: number,
  destroyedAt: Temporal.Instant,
): JournalRow {
  const count = leaves.length / 32;
  return {
    batch: order.batch,
    run: order.run,
    dataset: order.dataset,
    seq: order.seq,
    act: 'destroy',
    counts: { [order.dataset]: count },
    count,
    leaves: new Uint8Array(leaves),
    // What was removed is named in the intent.
    keys: new Uint8Array(),
    cutoff: order.cutoff,
    policy: order.policy,
    epoch,
    way: 'intent',
    destroyedAt,
  };
}

async function checkFolders(source: FilesSource, faults: SeenFaults, seen: SeenLines): Promise<readonly Drift[]> {
  const found: Drift[] = [];
  for (const dataset of source.datasets) {
    const report = (code: Drift['code'], detail: string, level: Drift['level']) =>
      found.push({ source: source.name, subject: dataset.id, code, detail, level });
    try {
      const { unmatched } = await (isByLine(dataset) ? namedFiles(source, dataset) : listFolder(source, dataset));
      if (dataset.backups) await checkBackups(source, dataset, faults, report);
      if (isByLine(dataset)) found.push(...(await checkLines(source, dataset, seen)));
      await access(join(source.root, dataset.folder), constants.W_OK).catch(() =>
        report(
          'cannot_write',
          `${dataset.folder}: files there cannot be removed by this user. Grant write access to the folder.`,
          'drift',
        ),
      );
      if (unmatched.length > 0)
        report(
          'file_unmatched',
          `${unmatched.length} files in ${dataset.folder} do not match "${dataset.match}" and are left alone.`,
          'warning',
        );
    } catch {
      report(
        'folder_missing',
        `Folder ${dataset.folder} cannot be read beneath the source's root. Check the root and the folder's name.`,
        'drift',
      );
    }
  }
  return found;
}

/** Tell of backups that are none: somebody relies on them. */
async function checkBackups(
  source: FilesSource,
  dataset: FolderDataset,
  faults: SeenFaults,
  report: (code: Drift['code'], detail: string, level: Drift['level']) => void,
): Promise<void> {
  const faulty = await faultyBackups(source, dataset, faults);
  if (faulty === null)
    report(
      'backup_faulty',
      `No backup in ${dataset.folder} is good. All stay; see whether backups are made.`,
      'warning',
    );
  else if (faulty.length > 0)
    report(
      'backup_faulty',
      `The newest backups in ${dataset.folder} are empty, unfinished or broken: ${faulty.slice(0, 3).join(', ')}. The newest good one stays; see whether backups are made.`,
      'warning',
    );
}
