// What package-lock.json says of the packages that run in production, without asking any registry. `npm sbom --omit dev`
// leaves out what a development tool needs as well (zod and tsx among them), and `npm ls --omit=dev` counts the test
// runner in, because a package names it as an optional peer: so the walk is our own.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const dependencies = z.record(z.string(), z.string()).default({});
const lockFormat = z.object({
  lockfileVersion: z.literal(3),
  packages: z.record(
    z.string(),
    z.object({
      name: z.string().optional(),
      version: z.string(),
      license: z.string().optional(),
      integrity: z.string().optional(),
      resolved: z.string().optional(),
      link: z.boolean().optional(),
      hasInstallScript: z.boolean().optional(),
      dependencies,
      optionalDependencies: dependencies,
    }),
  ),
});
export type Lock = z.infer<typeof lockFormat>;

export interface LockedPackage {
  /** Where it lies, such as `node_modules/a/node_modules/b`: the key of the lock. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** An SPDX expression; null: the package does not say. */
  readonly licence: string | null;
  /** SHA-512 of the package's archive, in hex. */
  readonly sha512: string | null;
  /** Paths of what it needs. */
  readonly needs: readonly string[];
}

export const parseLock = (text: string): Lock => lockFormat.parse(JSON.parse(text));
export const readLock = () => parseLock(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));

/**
 * The packages that `npm ci --omit=dev --legacy-peer-deps` installs, on every platform together, the root first. A peer
 * counts where somebody depends on it; on its own it is not installed.
 */
export function productionPackages(lock: Lock): readonly LockedPackage[] {
  const found = new Map<string, LockedPackage>();
  const waiting = [''];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const item = lock.packages[path];
    if (!item || found.has(path)) continue;
    const needs = Object.keys({ ...item.dependencies, ...item.optionalDependencies }).flatMap((name) => {
      const place = placeOf(lock, path ?? '', name);
      return place === null ? [] : [place];
    });
    found.set(path, {
      path,
      name: item.name ?? path.replace(/^.*node_modules\//, ''),
      version: item.version,
      licence: item.license ?? null,
      sha512: item.integrity?.startsWith('sha512-')
        ? Buffer.from(item.integrity.slice(7), 'base64').toString('hex')
        : null,
      needs,
    });
    waiting.push(...needs);
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The nearest copy, as Node looks for it: in the package's own folder, then in each one above. Null: not installed. */
function placeOf(lock: Lock, from: string, name: string): string | null {
  for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (lock.packages[place]) return place;
    if (folder === '') return null;
  }
}
