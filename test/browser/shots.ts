import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { barriers, looks, newProfile, openBrowser, overflows } from '../support/browser.ts';
import { openScene, scenePages, signInAs } from './scene.ts';

// `npm run shots`: every page of a used demonstration at two widths, light and dark, into shots/ (which git ignores).
// With `--only NAME` just that page; problems of access are printed beside.
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
const folder = 'shots';
mkdirSync(folder, { recursive: true });
/** The pictures of the README, kept in git. */
const pictures = ['overview-1280-light', 'run-1280-light', 'portal-request-375-light'];
const scene = await openScene(3999);
const browser = await openBrowser();
try {
  for (const look of looks)
    for (const who of ['nobody', ...Object.keys(signInAs)] as const) {
      const context = await newProfile(browser.browser, look);
      const page = await context.newPage();
      if (who !== 'nobody') {
        await page.goto(`${scene.url}/console/sign-in`);
        await page.fill('#email', signInAs[who as keyof typeof signInAs]);
        await page.fill('#password', scene.password);
        await page.click('main button[type=submit]');
        await page.waitForURL(`${scene.url}/console`);
      }
      for (const { name, path } of scenePages(scene).filter(
        ({ as, name: own }) => as === who && (!only || own === only),
      )) {
        await page.goto(`${scene.url}${path}`);
        await page.evaluate('document.fonts.ready.then(() => true)');
        await page.screenshot({
          path: join(folder, `${name}-${look.width}-${look.scheme}.png`),
          fullPage: true,
          animations: 'disabled',
        });
        const found = await barriers(page);
        for (const { rule, help, where } of found)
          console.log(`${name} ${look.width} ${look.scheme}: ${rule}: ${help} (${where.slice(0, 3).join('; ')})`);
        if (await overflows(page)) console.log(`${name} ${look.width} ${look.scheme}: wider than its window`);
      }
      await context.close();
    }
} finally {
  await browser.close();
  await scene.close();
}
for (const name of pictures)
  if (existsSync(join(folder, `${name}.png`)))
    copyFileSync(join(folder, `${name}.png`), join('docs/pictures', `${name}.png`));
