import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A policies folder with these files, and the project's own for the rest. */
export function policiesFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'muniment-policies-'));
  for (const name of ['organization.yaml', 'sources.yaml', 'retention.yaml', 'regimes.yaml', 'roles.yaml'])
    writeFileSync(join(folder, name), files[name] ?? readFileSync(join('policies', name), 'utf8'));
  return folder;
}
