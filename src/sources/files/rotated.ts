import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { FilesSource, FolderDataset, LineUnit } from '../../policy/data-map.ts';
import { type NamedFile, namedFiles, packed } from './folder.ts';

/** Why a file is left as it is. */
export type LeftWhy = 'current' | 'young' | 'in_use' | 'linked' | 'unreadable';

/** The files of a folder that nobody writes any more, by name, and those that are left. */
export interface Rotated {
  readonly folder: string;
  readonly files: readonly NamedFile[];
  readonly left: readonly { readonly file: NamedFile; readonly why: LeftWhy }[];
  readonly unmatched: readonly string[];
}

/** Sort a folder of logs into what has been rotated and what is, or may be, written to. */
export async function rotatedFiles(source: FilesSource, dataset: FolderDataset, unit: LineUnit): Promise<Rotated> {
  const { folder, files: named, unmatched } = await namedFiles(source, dataset);
  const writtenTo = writtenNow(named);
  const newest = named
    .map(({ stat }) => stat.mtimeNs)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .at(-1);
  const now = Date.now();
  const files: NamedFile[] = [];
  const left: { file: NamedFile; why: LeftWhy }[] = [];
  for (const file of named) {
    const why = whyLeft(file, unit, newest, now) ?? (writtenTo.has(idOf(file.stat)) ? 'in_use' : null);
    if (why === null) files.push(file);
    else left.push({ file, why });
  }
  return { folder, files, left, unmatched };
}

const dayMs = 86_400_000;

function whyLeft(
  { name, stat, endOfDay }: NamedFile,
  unit: LineUnit,
  newest: bigint | undefined,
  now: number,
): LeftWhy | null {
  const { current } = unit;
  if (current.kind === 'name' ? name === current.name : current.kind === 'newest' && stat.mtimeNs === newest)
    return 'current';
  // A day more: the day in its name may be another zone's.
  if (endOfDay !== null && endOfDay.epochMilliseconds + dayMs > now) return 'current';
  if (Number(stat.mtimeMs) > now - unit.restMinutes * 60_000) return 'young';
  // Its other name would keep what went from this one.
  if (stat.nlink > 1n) return 'linked';
  return packed(name) === 'unknown' ? 'unreadable' : null;
}

const idOf = ({ dev, ino }: { dev: bigint; ino: bigint }) => `${dev}:${ino}`;

/**
 * Which of these files some process has open to write to, as far as Linux tells this user: all of them for root, its own
 * otherwise, none on other systems. The link of a descriptor ends in the file's name as it is now; which file that is,
 * device and number say. Asked at once and not file by file: thousands of descriptors are a few milliseconds so.
 * @returns device:number of each
 */
export function writtenNow(files: readonly Pick<NamedFile, 'name' | 'stat'>[]): ReadonlySet<string> {
  const asked = new Set(files.map((file) => idOf(file.stat)));
  const names = new Set(files.map(({ name }) => name));
  const written = new Set<string>();
  if (asked.size === 0) return written;
  for (const process of orNothing(() => readdirSync('/proc'), [])) {
    if (!/^\d+$/.test(process)) continue;
    for (const fd of orNothing(() => readdirSync(`/proc/${process}/fd`), [])) {
      const path = `/proc/${process}/fd/${fd}`;
      if (!names.has(basename(orNothing(() => readlinkSync(path), '')))) continue;
      const there = orNothing(() => statSync(path, { bigint: true }), null);
      if (there === null || !asked.has(idOf(there))) continue;
      const about = orNothing(() => readFileSync(`/proc/${process}/fdinfo/${fd}`, 'latin1'), '');
      // open(2): the two lowest bits are 0 for reading only. Not told: it may be written to.
      if (!/^flags:\s*\d*[04]$/m.test(about)) written.add(idOf(there));
    }
  }
  return written;
}

/** Processes come and go, and others' are none of our business. */
function orNothing<T>(asked: () => T, nothing: T): T {
  try {
    return asked();
  } catch {
    return nothing;
  }
}
