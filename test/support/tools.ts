import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Whether a program is on the PATH. For `it.skipIf(!hasTool('jose'))('… (needs jose)')`: a test that needs a tool of
 * the machine says so in its name and skips without it.
 */
export function hasTool(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, name)));
}

/** The absolute path of a public test vector beside the project (`../shared/…`), or null where there is none. */
export function shared(path: string): string | null {
  const found = resolve(projectRoot, '..', 'shared', path);
  return existsSync(found) ? found : null;
}
