import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { releaseCommands } from '../support/release.ts';

const opensslIs3 = /^OpenSSL [3-9]/.test(spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? '');

it.skipIf(!opensslIs3 || !existsSync('.git'))(
  'a release is made and checked with the commands of docs/OPERATIONS.md, and a changed byte is noticed',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'release-'));
    const repository = resolve('.');
    const run = (command: string) => {
      // The reader is in a checkout; here what is made goes elsewhere.
      const here = command
        .replace('git archive', `git -C '${repository}' archive`)
        .replace('-o muniment.tar.gz', `-o '${folder}/muniment.tar.gz'`)
        .replace('npm run -s sbom -- ', `npm --prefix '${repository}' run -s sbom -- '${folder}'/`);
      return spawnSync('bash', ['-c', here], { cwd: folder, encoding: 'utf8' }).status;
    };
    const commands = releaseCommands();
    expect(commands.length).toBe(8);
    for (const command of commands) expect(run(command), command).toBe(0);
    expect(execFileSync('tar', ['-tzf', join(folder, 'muniment.tar.gz')], { encoding: 'utf8' })).toContain(
      'muniment/package-lock.json\n',
    );

    const [verify = '', check = ''] = commands.slice(-2);
    const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8');
    appendFileSync(join(folder, 'muniment.cdx.json'), ' ');
    expect(run(check)).not.toBe(0);
    writeFileSync(
      join(folder, 'SHA256SUMS'),
      sums.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    );
    expect(run(verify)).not.toBe(0);
  },
);
