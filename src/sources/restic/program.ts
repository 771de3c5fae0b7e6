import { spawn } from 'node:child_process';
import { z } from 'zod';
import type { ResticSource } from '../../policy/data-map.ts';
import type { Snapshot } from './snapshots.ts';

/** What went wrong, by a code that sourceFault knows. restic's own words may quote names and paths and go no further. */
class ResticFault extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`restic: ${code}`);
    this.code = code;
  }
}

const snapshotsSchema = z
  .array(
    z.object({
      id: z.string().regex(/^[0-9a-f]{64}$/),
      tree: z.string(),
      time: z.string(),
      hostname: z.string().default(''),
      tags: z.array(z.string()).nullish(),
      paths: z.array(z.string()).nullish(),
    }),
  )
  .nullable();

/** The restic program on one repository. Nothing secret stands in its arguments: the password goes in by its stdin. */
export interface Restic {
  /** @param lock whether to put a lock into the repository meanwhile, which only who may write there can */
  snapshots(lock?: boolean): Promise<readonly Snapshot[]>;
  /** How many bytes a restore of a snapshot would give; null when its list of files cannot be read. */
  restoredBytes(id: string): Promise<number | null>;
  /** Forget snapshots, and remove the data that no other one needs. */
  forget(ids: readonly string[]): Promise<void>;
}

const minute = 60_000;
/** A prune reads and writes packs for as long as it takes; a night is the end. */
const pruneMs = 12 * 60 * minute;

export function openRestic({ repository, password }: ResticSource): Restic {
  const run = (args: readonly string[], limitMs: number): Promise<string> => {
    const at = ['--repo', repository, ...('file' in password ? ['--password-file', password.file] : [])];
    return runRestic([...at, ...args], 'text' in password ? `${password.text}\n` : '', limitMs);
  };
  return {
    async snapshots(lock = false) {
      const listed = await run([...(lock ? [] : ['--no-lock']), '--json', 'snapshots'], 10 * minute);
      return (snapshotsSchema.parse(answerOf(listed)) ?? []).map(({ id, tree, time, hostname, tags, paths }) => {
        return { id, tree, at: Temporal.Instant.from(time), host: hostname, tags: tags ?? [], paths: paths ?? [] };
      });
    },
    async restoredBytes(id) {
      try {
        const stats = await run(['--no-lock', '--json', 'stats', id], 60 * minute);
        return z.object({ total_size: z.number() }).parse(answerOf(stats)).total_size;
      } catch (error) {
        if (error instanceof ResticFault && error.code === 'RESTIC') return null;
        throw error;
      }
    },
    async forget(ids) {
      if (ids.length > 0) await run(['forget', ...ids], 10 * minute);
      await run(['prune'], pruneMs);
    },
  };
}

/** Its answer is one line; before that it may say that it reads a password (0.14 does, on stdout). */
const answerOf = (out: string): unknown => JSON.parse(out.trimEnd().split('\n').at(-1) ?? '');

/** What restic says of why it failed (0.14 to 0.18; newer ones end with codes of their own), and what that means here. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/already locked|unable to create lock/i, 'REPOSITORY_LOCKED'],
  [/permission denied|read-only file system|wrong password|no key found/i, 'EACCES'],
  [/no such file|does the repository exist|unable to open config|connection refused|no such host/i, 'ENOENT'],
];

function runRestic(args: readonly string[], input: string, limitMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn('restic', args, { stdio: 'pipe', timeout: limitMs });
  let [out, said] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-10_000);
  });
  // It may end before it has read its password.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  child.on('error', reject);
  child.on('close', (code) => {
    if (code === 0) resolve(out);
    else reject(new ResticFault(meanings.find(([words]) => words.test(said))?.[1] ?? 'RESTIC'));
  });
  return promise;
}
