import { hmacSha256, sha256Hex, toHex } from '../../core/hash.ts';
import { refuse } from '../../core/refusal.ts';
import type { Drift } from '../../disposition/drift.ts';
import type { ResticSource, SnapshotDataset } from '../../policy/data-map.ts';
import { cutoffOfAll } from '../../policy/due.ts';
import { errorCode, sourceFault } from '../fault.ts';
import { journalOf } from '../files/source.ts';
import type { RecordSource } from '../source.ts';
import { openRestic, type Restic } from './program.ts';
import { isHeld, type Snapshot, snapshotsOf, sortSnapshots } from './snapshots.ts';

/** Snapshots a batch takes at most: each batch ends with a prune, which reads the whole index. */
const snapshotsPerBatch = 1000;

/** A restic repository. It keeps neither locks of ours nor holds: the caller holds the lock and brings the holds. */
export function openResticSource(source: ResticSource): RecordSource {
  const restic = openRestic(source);
  const find = (id: string): SnapshotDataset => {
    const dataset = source.datasets.find((candidate) => candidate.id === id);
    if (!dataset) throw new Error(`source ${source.name} has no dataset ${id}`);
    return dataset;
  };
  // What a snapshot holds never changes.
  const sizes = new Map<string, number | null>();
  const isGood = async ({ id }: Snapshot) => {
    if (!sizes.has(id)) sizes.set(id, await restic.restoredBytes(id));
    return (sizes.get(id) ?? 0) > 0;
  };
  const listed = async (dataset: SnapshotDataset) => snapshotsOf(dataset, await restic.snapshots());
  const nothing = async function* () {};
  return {
    name: source.name,
    kind: 'restic',
    datasets: source.datasets,
    keepsHolds: false,
    check: () => checkRepository(source, restic, isGood),
    clock: async () => null,
    async census(id, due, holds) {
      const dataset = find(id);
      return (await sortSnapshots(dataset, await listed(dataset), cutoffOfAll(due), holds, isGood)).census;
    },
    async destroyBatch(order, around) {
      const dataset = find(order.dataset);
      const snapshots = await listed(dataset);
      const { free } = await sortSnapshots(dataset, snapshots, cutoffOfAll(order.due), around.holds, isGood);
      const going = free.slice(0, snapshotsPerBatch);
      if (going.length === 0) return { kind: 'nothing_due' };
      const items = going.map(({ id, tree }) => ({
        name: id,
        sizeBytes: sizes.get(id) ?? 0,
        commitment: toHex(hmacSha256(order.runKey, `${dataset.id}\n${id}\n${tree}`)),
      }));
      await around.intend({ items });
      await forget(restic, items);
      const commitments = items.map(({ commitment }) => commitment);
      const journal = journalOf({ ...order, cutoff: order.due.cutoff }, commitments, around.knownEpoch, around.now());
      return { kind: 'batch', upTo: null, journal };
    },
    wrongKeys: async () => [],
    async placeHold(hold) {
      const all = await restic.snapshots();
      const coverage = source.datasets.map((dataset) => {
        const held = snapshotsOf(dataset, all).filter((snapshot) => isHeld(dataset, snapshot, hold.scope));
        const names = held.map(({ id }) => id).sort();
        return { dataset: dataset.id, count: held.length, root: sha256Hex(`${dataset.id}\n${names.join('\n')}`) };
      });
      return { epoch: 0, coverage };
    },
    liftHold: async () => 0,
    raiseEpoch: async () => {},
    holdsInPlace: async () => null,
    uncopied: async () => [],
    markCopied: async () => {},
    async finishRemoval(id, items, holds) {
      const dataset = find(id);
      const there = new Map((await restic.snapshots()).map((snapshot) => [snapshot.id, snapshot]));
      const stays = (name: string) => {
        const snapshot = there.get(name);
        return snapshot !== undefined && holds.some(({ scope }) => isHeld(dataset, snapshot, scope));
      };
      const gone = items.filter(({ name }) => !stays(name));
      if (gone.length === 0) return [];
      // Also where they are forgotten already: the prune may be what is missing.
      await forget(
        restic,
        gone.filter(({ name }) => there.has(name)),
      );
      return gone;
    },
    removeLeavingFiles: async () => [],
    find: async () => ({ own: new Map(), shared: new Map() }),
    previewErasure: async () => ({ free: [], held: [], restricted: [] }),
    erase: async (order) =>
      refuse('dataset_unknown', `${order.dataset} is a repository of backups; rows are not erased there.`),
    readRows: nothing,
    readScope: nothing,
    countScope: async () => 0,
    close: async () => {},
  };
}

/** Forget, prune, and look: what is said to be gone is not listed any more. */
async function forget(restic: Restic, items: readonly { readonly name: string }[]): Promise<void> {
  const ids = items.map(({ name }) => name);
  await restic.forget(ids);
  const left = new Set((await restic.snapshots()).map(({ id }) => id));
  const kept = ids.filter((id) => left.has(id));
  if (kept.length > 0) throw new Error(`restic has forgotten, and still lists ${kept.length} snapshots`);
}

async function checkRepository(
  source: ResticSource,
  restic: Restic,
  isGood: (snapshot: Snapshot) => Promise<boolean>,
): Promise<readonly Drift[]> {
  const found: Drift[] = [];
  const report = (subject: string, code: Drift['code'], level: Drift['level'], detail: string) =>
    found.push({ source: source.name, subject, code, detail, level });
  try {
    // With a lock: who may not write one may not remove anything either.
    const all = await restic.snapshots(true);
    for (const dataset of source.datasets) {
      const newest = snapshotsOf(dataset, all).at(-1);
      if (newest && !(await isGood(newest)))
        report(
          dataset.id,
          'backup_faulty',
          'warning',
          `The newest snapshot of ${dataset.name} (${newest.id.slice(0, 8)}) holds nothing or cannot be read. The newest good one stays; see whether backups are made.`,
        );
    }
  } catch (error) {
    const fault = sourceFault(error);
    if (fault === null) throw error;
    if (fault === 'forbidden')
      report(
        source.name,
        'cannot_write',
        'drift',
        'The repository cannot be opened with this password, or not be written to by this user. Mend that, then check again.',
      );
    else
      report(
        source.name,
        'unreachable',
        'drift',
        `The repository cannot be read (${errorCode(error)}). See that restic is installed and that the repository is where sources.yaml says.`,
      );
  }
  return found;
}
