import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Actor } from '../../src/core/actor.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { readPackage } from '../../src/flows/read-package.ts';
import {
  barriers,
  enterConsole,
  looks,
  newProfile,
  openBrowser,
  overflows,
  type StorageState,
} from '../support/browser.ts';
import { hasTool } from '../support/tools.ts';
import { openScene, scenePages, signInAs } from './scene.ts';

// `npm run shots`: every page of a used demonstration at two widths, light and dark, into shots/ (which git ignores).
// With `--only NAME` just that page. What axe-core finds, and a page wider than its window, is printed, and the exit code
// is 1. The README's pictures are kept in docs/pictures, those of a rendered export among them (by pdftoppm, if it is there).
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
const folder = 'shots';
mkdirSync(folder, { recursive: true });
/** The pictures of the README, kept in git. */
const pictures = ['overview-1280-light', 'run-1280-light', 'portal-request-375-light'];
let problems = 0;
const problem = (text: string) => {
  problems += 1;
  console.log(text);
};
/** Who is signed in already: a code counts once. */
const states = new Map<string, StorageState>();
const scene = await openScene(3999);
const browser = await openBrowser();
try {
  for (const look of looks)
    for (const who of ['nobody', ...Object.keys(signInAs)] as const) {
      const state = states.get(who);
      const context = await newProfile(browser.browser, look, state);
      const page = await context.newPage();
      if (who !== 'nobody' && !state) {
        await enterConsole(page, scene.url, signInAs[who as keyof typeof signInAs], scene.password);
        states.set(who, await context.storageState());
      }
      for (const { name, path, act } of scenePages(scene).filter(
        ({ as, name: own }) => as === who && (!only || own === only),
      )) {
        await page.goto(`${scene.url}${path}`);
        await act?.(page);
        await page.evaluate('document.fonts.ready.then(() => true)');
        await page.screenshot({
          path: join(folder, `${name}-${look.width}-${look.scheme}.png`),
          fullPage: true,
          animations: 'disabled',
        });
        const found = await barriers(page);
        for (const { rule, help, where } of found)
          problem(`${name} ${look.width} ${look.scheme}: ${rule}: ${help} (${where.slice(0, 3).join('; ')})`);
        if (await overflows(page)) problem(`${name} ${look.width} ${look.scheme}: wider than its window`);
      }
      await context.close();
    }
  if (!only) await picturesOfExport();
} finally {
  await browser.close();
  await scene.close();
}
for (const name of pictures)
  if (existsSync(join(folder, `${name}.png`)))
    copyFileSync(join(folder, `${name}.png`), join('docs/pictures', `${name}.png`));
if (problems > 0) {
  console.log(`${problems} problems`);
  process.exitCode = 1;
}

/** The cover of the sealed export's certificate and a page of its record, as a court sees them. */
async function picturesOfExport(): Promise<void> {
  if (!hasTool('pdftoppm') || !hasTool('unzip')) {
    console.log('pictures of the export: skipped, pdftoppm and unzip are not on this machine');
    return;
  }
  const work = mkdtempSync(join(tmpdir(), 'muniment-pictures-'));
  try {
    const clerk: Actor = { id: 'system', kind: 'system', role: null, approval: null };
    const download = await readPackage(scene.office, clerk, scene.ids.sealedExport);
    if (isRefusal(download)) throw new Error(download.detail);
    const zip = join(work, 'package.zip');
    await writeFile(zip, download.bytes);
    execFileSync('unzip', ['-q', '-j', zip, '*/data/messages.pdf', '*/data/certificate.pdf', '-d', work]);
    for (const [file, page, name] of [
      ['certificate.pdf', '1', 'export-certificate'],
      ['messages.pdf', '2', 'export-record'],
    ] as const)
      execFileSync(
        'pdftoppm',
        // biome-ignore format: an option and its value belong together
        ['-png', '-r', '80', '-f', page, '-l', page, '-singlefile', join(work, file), join('docs/pictures', name)],
      );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
