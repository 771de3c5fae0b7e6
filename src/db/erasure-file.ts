import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hmacSha256 } from '../core/hash.ts';
import { formatInstant } from '../core/instants.ts';
import type { MasterKeys } from './master-keys.ts';
import { decrypt, encrypt } from './vault.ts';

/** Rows of one dataset by their keys, and what the erasure does to them. */
export interface ErasedRows {
  readonly dataset: string;
  readonly act: 'destroy' | 'mask';
  readonly keys: readonly (readonly string[])[];
}

/** An erasure as the file tells it: what was begun, without what it left. */
export interface WrittenErasure {
  readonly request: string;
  readonly at: string;
  readonly rows: readonly ErasedRows[];
}

/**
 * Erasures written outside the database, one line each, so that they can be replayed after a restore. Lines are
 * encrypted under a replay key, drawn from the master key whose version stands before each: they hold row keys, and they
 * outlive the case. The replay keys of older versions are kept in the database (`replayKeyName`), so that the list can be
 * read when the version is gone.
 */
export interface ErasureFile {
  /** What is about to be erased; on disk when this returns, before the first row goes. */
  begin(erasure: {
    readonly request: string;
    readonly at: Temporal.Instant;
    readonly rows: readonly ErasedRows[];
  }): Promise<void>;
  /** It is done, but for these rows: something held or needed them. */
  finish(erasure: {
    readonly request: string;
    readonly at: Temporal.Instant;
    readonly left: readonly Omit<ErasedRows, 'act'>[];
  }): Promise<void>;
  /**
   * Everything that was erased, in order. A last line that a crash cut off was never acted upon and is left out.
   * @param path another file than the one that is written
   * @throws UnreadableErasures when a line cannot be read
   */
  read(path?: string): Promise<readonly WrittenErasure[]>;
}

/** A line of the file that cannot be opened: nothing was replayed. */
export class UnreadableErasures extends Error {
  constructor(line: number, why: string) {
    super(`Line ${line} of the list of erasures ${why}. Nothing was replayed.`);
    this.name = 'UnreadableErasures';
  }
}

type Line =
  | { readonly kind: 'begin'; readonly request: string; readonly at: string; readonly rows: readonly ErasedRows[] }
  | {
      readonly kind: 'finish';
      readonly request: string;
      readonly at: string;
      readonly left: readonly Omit<ErasedRows, 'act'>[];
    };

const torn = ' torn';
const context = 'erasures:1';

/** What opens the lines of one master version, and nothing else of it. */
export const replayKey = (master: Uint8Array) => hmacSha256(master, 'erasure replay 1');
/** The name of the secret under which the replay key of an older version is kept. */
export const replayKeyName = (version: string) => `erasures:${version}`;

/** @param kept the replay key of a version that is not at hand, or null */
export function openErasureFile(
  path: string,
  masters: MasterKeys,
  kept: (version: string) => Promise<Uint8Array | null>,
): ErasureFile {
  const keyOf = async (version: string) => {
    const master = masters.current().find((key) => key.version === version);
    return master ? replayKey(master.key) : kept(version);
  };
  const append = async (line: Line) => {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a+', 0o600);
    try {
      const [newest] = masters.current();
      if (!newest) throw new Error('there is no master key');
      const sealed = encrypt(replayKey(newest.key), Buffer.from(JSON.stringify(line)), context);
      // A line that a crash cut off is marked and ended: nothing was done on its word, and the next one is its own.
      if (await endsInMidLine(file)) await file.appendFile(`${torn}\n`);
      await file.appendFile(`${newest.version} ${Buffer.from(sealed).toString('base64')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  };
  return {
    begin: ({ request, at, rows }) => append({ kind: 'begin', request, at: formatInstant(at), rows }),
    finish: ({ request, at, left }) => append({ kind: 'finish', request, at: formatInstant(at), left }),
    async read(other = path) {
      const text = await readFile(other, 'utf8');
      const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
      const lines: Line[] = [];
      for (const [i, line] of whole.entries())
        if (line !== '' && !line.endsWith(torn)) lines.push(await openLine(line, i + 1, keyOf));
      return withoutLeft(lines);
    },
  };
}

async function endsInMidLine(file: Awaited<ReturnType<typeof open>>): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== 0x0a;
}

async function openLine(
  line: string,
  number: number,
  keyOf: (version: string) => Promise<Uint8Array | null>,
): Promise<Line> {
  const parts = /^(\S+) ([A-Za-z0-9+/]+=*)$/.exec(line);
  if (!parts) throw new UnreadableErasures(number, 'is none of ours');
  const [, version = '', sealed = ''] = parts;
  const key = await keyOf(version);
  if (!key) throw new UnreadableErasures(number, `is sealed under the master key ${version}, which is not at hand`);
  try {
    const plain = decrypt(key, Buffer.from(sealed, 'base64'), context);
    return JSON.parse(Buffer.from(plain).toString('utf8')) as Line;
  } catch {
    throw new UnreadableErasures(number, 'was changed, or is of another installation');
  }
}

/** Each begun erasure without the rows that its end says were left. One that never ended was approved all the same. */
function withoutLeft(lines: readonly Line[]): readonly WrittenErasure[] {
  const begun: WrittenErasure[] = [];
  for (const line of lines) {
    if (line.kind === 'begin') {
      begun.push({ request: line.request, at: line.at, rows: line.rows });
      continue;
    }
    const at = begun.findLastIndex(({ request }) => request === line.request);
    const erasure = begun[at];
    if (!erasure) continue;
    const left = new Set(line.left.flatMap(({ dataset, keys }) => keys.map((key) => nameOf(dataset, key))));
    const rows = erasure.rows.map((part) => ({
      ...part,
      keys: part.keys.filter((key) => !left.has(nameOf(part.dataset, key))),
    }));
    begun[at] = { ...erasure, rows: rows.filter(({ keys }) => keys.length > 0) };
  }
  return begun;
}

const nameOf = (dataset: string, key: readonly string[]) => JSON.stringify([dataset, ...key]);
