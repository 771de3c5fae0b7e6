import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
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
    const { mtimeMs, size, ino } = statSync(path);
    const stamp = `${ino} ${size} ${mtimeMs}`;
    if (stamp !== seen) {
      known = parseKeys(path, readFileSync(path, 'utf8'));
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
  const draft = writeDraft(path, formatKeys([newKey(now)]));
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
    syncFolder(path);
  }
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

/** Beside its place, synced, then renamed into it, and the folder synced: a crash leaves the old keys or the new ones. */
function replace(path: string, text: string): void {
  const draft = writeDraft(path, text);
  try {
    renameSync(draft, path);
  } catch (error) {
    unlinkSync(draft);
    throw error;
  }
  syncFolder(path);
}

function writeDraft(path: string, text: string): string {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.part`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return draft;
}

function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
