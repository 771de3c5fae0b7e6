import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatInstant } from '../core/instants.ts';
import { encrypt } from './vault.ts';

/**
 * Erasures written outside the database, one line each, so that they can be replayed after a restore. Lines are
 * encrypted under a key of their own: they hold row keys, and they outlive the case.
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

/** @param key 32 bytes, the replay key */
export function openErasureFile(path: string, key: Uint8Array): ErasureFile {
  const append = async (line: object) => {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a', 0o600);
    try {
      const sealed = Buffer.from(encrypt(key, Buffer.from(JSON.stringify(line)), context)).toString('base64');
      await file.appendFile(`${sealed}\n`);
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
