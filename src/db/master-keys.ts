import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { formatInstant } from '../core/instants.ts';

/** A master key and the name of its version. The newest wraps; older ones open what they wrapped. */
export interface MasterKey {
  readonly version: string;
  readonly key: Uint8Array;
  /** When it was made; null where nobody has noted it. */
  readonly madeAt: Temporal.Instant | null;
}

/** Where master keys come from. A key management service would be one more of these. */
export interface MasterKeys {
  /** Newest first, at least one; looked up anew where another process may have changed them. */
  current(): readonly MasterKey[];
  /** Whether a person keeps them elsewhere, or they lie beside the data. */
  readonly kind: 'environment' | 'file';
  /** Make a newer version; null where that is somebody else's to do. */
  make(now: Temporal.Instant): MasterKey | null;
  /** Destroy an older version, which must wrap nothing any more; false where that is somebody else's to do. */
  destroy(version: string): boolean;
}

/** Keys from the environment, newest first: whoever runs Muniment makes, orders and removes them. */
export function environmentKeys(keys: readonly { readonly version: string; readonly key: Uint8Array }[]): MasterKeys {
  if (keys.length === 0) throw new Error('a vault needs a master key');
  const known = keys.map((key) => ({ ...key, madeAt: null }));
  return { kind: 'environment', current: () => known, make: () => null, destroy: () => false };
}

/**
 * Keys in a file of our own, one line each, newest first: `VERSION HEX INSTANT`. A line that is only 64 hex digits is
 * the version "generated", as earlier releases wrote it. The file is made when it is not there, replaced as a whole
 * (written beside, synced, renamed), and read again whenever it has changed: a verb may rotate beside a service.
 * @throws when the file cannot be read, or holds anything else
 */
export function fileKeys(path: string, now: Temporal.Instant): { keys: MasterKeys; isNew: boolean } {
  const isNew = create(path, now);
  let seen = '';
  let known: readonly MasterKey[] = [];
  const current = () => {
    const stamp = stampOf(path);
    if (stamp !== seen) {
      known = readKeys(path);
      seen = stamp;
    }
    return known;
  };
  const keys: MasterKeys = {
    kind: 'file',
    current,
    make(at) {
      const made = newKey(at);
      replace(path, formatKeys([made, ...current()]));
      return made;
    },
    destroy(version) {
      const [newest, ...older] = current();
      if (!newest || newest.version === version) throw new Error('the newest master key is never destroyed');
      replace(path, formatKeys([newest, ...older.filter((key) => key.version !== version)]));
      return true;
    },
  };
  current();
  return { keys, isNew };
}

function newKey(at: Temporal.Instant): MasterKey {
  const version = `${formatInstant(at).slice(0, 10)}-${randomBytes(3).toString('hex')}`;
  return { version, key: new Uint8Array(randomBytes(32)), madeAt: at };
}

/** Of two first starts at once one makes the file, and the other reads what was made: never a part of it. */
function create(path: string, now: Temporal.Instant): boolean {
  if (existsSync(path)) return false;
  const draft = writeDraft(path, formatKeys([newKey(now)]), null);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
    syncFolder(path);
  }
}

/** Changes whenever the file was replaced or written to. */
function stampOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path);
  return `${ino} ${size} ${mtimeMs}`;
}

/** What was opened just before it was replaced may be overwritten already: then what is there now is read. */
function readKeys(path: string): readonly MasterKey[] {
  const stamp = stampOf(path);
  const text = readFileSync(path, 'utf8');
  return stampOf(path) === stamp ? parseKeys(path, text) : readKeys(path);
}

function formatKeys(keys: readonly MasterKey[]): string {
  return keys
    .map(({ version, key, madeAt }) => {
      const hex = Buffer.from(key).toString('hex');
      return version === 'generated' && madeAt === null
        ? `${hex}\n`
        : `${version} ${hex} ${formatInstant(madeAt ?? Temporal.Instant.fromEpochMilliseconds(0))}\n`;
    })
    .join('');
}

function parseKeys(path: string, text: string): readonly MasterKey[] {
  const lines = text.split('\n').filter((line) => line !== '');
  const keys = lines.map((line): MasterKey => {
    const parts = /^(?:(\S+) )?([0-9a-f]{64})(?: (\S+))?$/.exec(line);
    if (!parts) throw new Error(`${path} is not a file of master keys; nothing was started`);
    const [, version = 'generated', hex = '', madeAt] = parts;
    return {
      version,
      key: new Uint8Array(Buffer.from(hex, 'hex')),
      madeAt: madeAt === undefined ? null : Temporal.Instant.from(madeAt),
    };
  });
  if (keys.length === 0) throw new Error(`${path} is empty: the master key is gone. Restore it; nothing was started`);
  return keys;
}

/**
 * Beside its place, synced, then renamed into it, and the folder synced: a crash leaves the old keys or the new ones.
 * Afterwards nothing else of ours has keys in it: neither what the file was, nor drafts that a crash left. What a disk
 * or a file system keeps of overwritten bytes is out of our hands.
 */
function replace(path: string, text: string): void {
  const former = openSync(path, 'r+');
  try {
    const draft = writeDraft(path, text, fstatSync(former));
    try {
      renameSync(draft, path);
    } finally {
      rmSync(draft, { force: true });
    }
    syncFolder(path);
    overwrite(former);
  } finally {
    closeSync(former);
  }
  const drafts = readdirSync(dirname(path)).filter(
    (name) => name.startsWith(`${basename(path)}.`) && name.endsWith('.part'),
  );
  for (const name of drafts) rmSync(join(dirname(path), name), { force: true });
}
/** @param like whose owner the draft gets: a verb run as root must leave the service its file */
function writeDraft(path: string, text: string, like: { readonly uid: number; readonly gid: number } | null): string {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.part`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    if (like && like.uid !== process.getuid?.()) fchownSync(file, like.uid, like.gid);
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return draft;
}

/** Zeros over a file that has no name any more. One that somebody linked elsewhere is theirs. */
function overwrite(file: number): void {
  const { nlink, size } = fstatSync(file);
  if (nlink > 0) return;
  writeSync(file, new Uint8Array(size), 0, size, 0);
  fsyncSync(file);
}

function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
