import type { Census } from '../../disposition/run.ts';
import type { SnapshotDataset } from '../../policy/data-map.ts';
import type { HeldScope } from '../source.ts';

/** A snapshot of a repository, as restic lists it. */
export interface Snapshot {
  readonly id: string;
  readonly tree: string;
  readonly at: Temporal.Instant;
  readonly host: string;
  readonly tags: readonly string[];
  readonly paths: readonly string[];
}

/** The snapshots of a dataset, oldest first. */
export function snapshotsOf(dataset: SnapshotDataset, all: readonly Snapshot[]): readonly Snapshot[] {
  return all
    .filter(
      ({ host, tags, paths }) =>
        (dataset.host === null || host === dataset.host) &&
        dataset.tags.every((tag) => tags.includes(tag)) &&
        dataset.paths.every((path) => paths.includes(path)),
    )
    .toSorted((a, b) => Temporal.Instant.compare(a.at, b.at) || (a.id < b.id ? -1 : 1));
}

/**
 * Which snapshots of a dataset may go: older than the cutoff, not among the newest good ones, and not held. Where none is
 * good none goes.
 * @param snapshots of the dataset, oldest first
 * @param isGood asked from the newest back, until there are enough, and only when one is old
 */
export async function sortSnapshots(
  dataset: SnapshotDataset,
  snapshots: readonly Snapshot[],
  cutoff: Temporal.Instant | null,
  holds: readonly HeldScope[],
  isGood: (snapshot: Snapshot) => Promise<boolean>,
): Promise<{ census: Census; free: readonly Snapshot[] }> {
  const old = snapshots.filter(({ at }) => cutoff !== null && Temporal.Instant.compare(at, cutoff) < 0);
  const staying = new Set<Snapshot>();
  for (const snapshot of old.length === 0 ? [] : snapshots.toReversed()) {
    if (staying.size >= Math.max(1, dataset.keepLast)) break;
    if (await isGood(snapshot)) staying.add(snapshot);
  }
  const due = staying.size === 0 ? [] : old.filter((snapshot) => !staying.has(snapshot));
  const heldBy: Record<string, number> = {};
  const free: Snapshot[] = [];
  for (const snapshot of due) {
    const holding = holds.filter(({ scope }) => isHeld(dataset, snapshot, scope));
    for (const { id } of holding) heldBy[id] = (heldBy[id] ?? 0) + 1;
    if (holding.length === 0) free.push(snapshot);
  }
  return {
    census: {
      dataset: dataset.id,
      total: snapshots.length,
      due: due.length,
      held: due.length - free.length,
      restricted: 0,
      heldBy,
    },
    free,
  };
}

/**
 * A backup holds everybody, so only a hold that names the dataset covers it (docs/decisions/0009). One that was made after
 * the range holds what was there in it.
 */
export function isHeld(dataset: SnapshotDataset, { at }: Snapshot, scope: HeldScope['scope']): boolean {
  if (!scope.datasets.includes(dataset.id)) return false;
  return scope.from === null || Temporal.Instant.compare(at, Temporal.Instant.from(scope.from)) >= 0;
}
