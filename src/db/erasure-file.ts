import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hmacSha256 } from '../core/hash.ts';
import { formatInstant } from '../core/instants.ts';
import type { MasterKeys } from './master-keys.ts';
import { encrypt } from './vault.ts';

/**
 * Erasures written outside the database, one line each, so that they can be replayed after a restore. Lines are
 * encrypted under a key of their own, drawn from the master key whose version stands before each: they hold row keys, and
 * they outlive the case. A master key is kept for as long as a backup may be restored that needs the line.
 */
export interface ErasureFile {
  /** What is about to be erased; on disk when this returns, before the first row goes. */
  begin(erasure: {
    readonly request: string;
    readonly at: Temporal.Instant;
    readonly reached: readonly {
      readonly dataset: string;
      readonly own: readonly { readonly key: readonly string[] }[];
    }[];
  }): Promise<void>;
  finish(erasure: { readonly request: string; readonly at: Temporal.Instant }): Promise<void>;
}

const context = 'erasures:1';

export function openErasureFile(path: string, masters: MasterKeys): ErasureFile {
  const append = async (line: object) => {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a', 0o600);
    try {
      const [newest] = masters.current();
      if (!newest) throw new Error('there is no master key');
      const key = hmacSha256(newest.key, 'erasure replay 1');
      const sealed = Buffer.from(encrypt(key, Buffer.from(JSON.stringify(line)), context)).toString('base64');
      await file.appendFile(`${newest.version} ${sealed}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  };
  return {
    begin: ({ request, at, reached }) =>
      append({
        kind: 'begin',
        request,
        at: formatInstant(at),
        rows: reached.map(({ dataset, own }) => ({ dataset, keys: own.map((row) => row.key) })),
      }),
    finish: ({ request, at }) => append({ kind: 'finish', request, at: formatInstant(at) }),
  };
}
