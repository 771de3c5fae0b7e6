// Writes the software bill of materials, CycloneDX 1.6 in JSON, of what runs in production: `npm run sbom [-- FILE]`.
// The same lock gives the same bytes, so that two people can compare theirs.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Lock, type LockedPackage, productionPackages, readLock } from './lock.ts';

/** https://cyclonedx.org/docs/1.6/json/ */
export function billOfMaterials(lock: Lock) {
  const [root, ...packages] = productionPackages(lock);
  if (!root) throw new Error('the lock has no root');
  const byPath = new Map([root, ...packages].map((item) => [item.path, purl(item)]));
  const refs = (paths: readonly string[]) => paths.map((path) => byPath.get(path) ?? '');
  // One package may lie in two places with the same version: it is one component that needs what either needs.
  const components = new Map(packages.map((item) => [purl(item), component(item, 'library')]));
  const needs = new Map<string, Set<string>>();
  for (const item of [root, ...packages])
    needs.set(purl(item), new Set([...(needs.get(purl(item)) ?? []), ...refs(item.needs)]));
  const content = {
    metadata: { component: component(root, 'application') },
    components: [...components.keys()].sort().map((ref) => components.get(ref)),
    dependencies: [...needs.keys()].sort().map((ref) => ({ ref, dependsOn: [...(needs.get(ref) ?? [])].sort() })),
  };
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(content))}`,
    version: 1,
    ...content,
  };
}

function component(item: LockedPackage, type: 'application' | 'library') {
  const licence = item.licence;
  return {
    type,
    'bom-ref': purl(item),
    name: item.name,
    version: item.version,
    purl: purl(item),
    ...(item.sha512 === null ? {} : { hashes: [{ alg: 'SHA-512', content: item.sha512 }] }),
    ...(licence === null
      ? {}
      : { licenses: [/[ ()]/.test(licence) ? { expression: licence } : { license: { id: licence } }] }),
  };
}

const purl = ({ name, version }: LockedPackage) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** A UUID of version 8 (RFC 9562): ours to fill, here with a digest. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

if (import.meta.main) {
  const file = process.argv[2] ?? 'dist/sbom.cdx.json';
  const bom = billOfMaterials(readLock());
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`);
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
  process.stdout.write(`${file}: ${bom.components.length} components, sha256 ${digest}\n`);
}
