import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { inflate } from '@sparticuz/chromium';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { waitForLock } from '../../src/db/embedded/lock.ts';
import { baseFolder } from './cluster.ts';

/**
 * A real browser, out of a package: nothing of it is installed on the machine, and it starts as root in a bare
 * container. It is unpacked once (some 200 MB, beside the test runs in the temporary folder).
 */

const require = createRequire(import.meta.url);

/** How a page is looked at. */
export interface Look {
  /** In CSS pixels; 375 is a small phone, 1280 a laptop. */
  readonly width: number;
  readonly scheme: 'light' | 'dark';
  /** BCP 47; `en-GB` unless said. */
  readonly locale?: string;
  /** IANA; `Europe/London` unless said. */
  readonly timeZone?: string;
  /** False: the page must work without scripts. True unless said. */
  readonly scripts?: boolean;
}

/** The four ways every page is looked at. */
export const looks: readonly Look[] = [
  { width: 375, scheme: 'light' },
  { width: 375, scheme: 'dark' },
  { width: 1280, scheme: 'light' },
  { width: 1280, scheme: 'dark' },
];

/** One finding of axe-core: the rule, how bad, and where. */
export interface Barrier {
  readonly rule: string;
  readonly impact: string;
  readonly help: string;
  readonly where: readonly string[];
}

/** A running browser. */
export interface TestBrowser {
  /** A fresh page in a profile of its own (no cookies, no storage). */
  open(url: string, look?: Look): Promise<Page>;
  /** Screenshots of the whole page in each of `looks`: `FOLDER/NAME-375-light.png` and so on. Returns the paths. */
  shots(url: string, folder: string, name: string, prepare?: (page: Page) => Promise<void>): Promise<readonly string[]>;
  /** For tests that need more: downloads, virtual passkeys, several people at once. */
  readonly browser: Browser;
  close(): Promise<void>;
}

const laptop: Look = { width: 1280, scheme: 'light' };

/** Start the browser. Close it in afterAll. */
export async function openBrowser(): Promise<TestBrowser> {
  const { program, libraries, fonts } = await unpackChromium();
  const browser = await chromium.launch({
    executablePath: program,
    // Tests visit our own pages only; as root, and in most containers, the sandbox cannot be made.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--font-render-hinting=none', '--force-color-profile=srgb'],
    env: { ...process.env, FONTCONFIG_PATH: fonts, LD_LIBRARY_PATH: libraries },
  });
  const open = async (url: string, look: Look = laptop) => {
    const page = await (await newProfile(browser, look)).newPage();
    await page.goto(url, { waitUntil: 'load' });
    return page;
  };
  return {
    browser,
    open,
    shots: async (url, folder, name, prepare) => {
      mkdirSync(folder, { recursive: true });
      const paths: string[] = [];
      for (const look of looks) {
        const page = await open(url, look);
        await prepare?.(page);
        await page.evaluate('document.fonts.ready.then(() => true)');
        const path = join(folder, `${name}-${look.width}-${look.scheme}.png`);
        await page.screenshot({ path, fullPage: true, animations: 'disabled' });
        paths.push(path);
        await page.context().close();
      }
      return paths;
    },
    close: () => browser.close(),
  };
}

/** What a browser keeps: cookies of somebody who is signed in. */
export type StorageState = Awaited<ReturnType<BrowserContext['storageState']>>;

/** Sign in as staff of the demonstration: password, then the code that the page itself shows. */
export async function enterConsole(page: Page, url: string, email: string, password: string): Promise<void> {
  await page.goto(`${url}/console/sign-in`);
  await page.fill('#email', email);
  await page.fill('#password', password);
  await page.click('main button[type=submit]');
  await giveShownCode(page);
  await page.waitForURL(`${url}/console`);
}

/** Give the code that the demonstration shows; what is used already comes back with a new one. */
export async function giveShownCode(page: Page): Promise<void> {
  for (;;) {
    const shown = page.locator('main strong.mono');
    if ((await shown.count()) === 0) return;
    await page.fill('#code', (await shown.textContent()) ?? '');
    await page.click('form:has(#code) button[type=submit]');
  }
}

/** A profile of its own, looked at in that way; with `state`, as somebody who is signed in. */
export function newProfile(browser: Browser, look: Look = laptop, state?: StorageState): Promise<BrowserContext> {
  return browser.newContext({
    ...(state ? { storageState: state } : {}),
    viewport: { width: look.width, height: look.width < 600 ? 812 : 800 },
    colorScheme: look.scheme,
    locale: look.locale ?? 'en-GB',
    timezoneId: look.timeZone ?? 'Europe/London',
    javaScriptEnabled: look.scripts ?? true,
    reducedMotion: 'reduce',
    // Our pages forbid foreign scripts; the checker is one.
    bypassCSP: true,
  });
}

/** What axe-core finds wrong on the page by WCAG 2.2 A and AA. The page's profile must allow scripts. */
export async function barriers(page: Page): Promise<readonly Barrier[]> {
  await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const found: unknown = await page.evaluate(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then((result) =>
      result.violations.map(({ id, impact, help, nodes }) =>
        ({ rule: id, impact: impact ?? '', help, where: nodes.map((node) => node.target.join(' ')) })))`,
  );
  return found as readonly Barrier[];
}

/** True if the page is wider than its window: on a phone everything must fit. */
export function overflows(page: Page): Promise<boolean> {
  return page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth');
}

/** Chromium's own folder of libraries and fonts, and the program. */
interface Unpacked {
  readonly program: string;
  readonly libraries: string;
  readonly fonts: string;
}

/**
 * The package unpacks under fixed names into the temporary folder and takes a half-written file for a finished one.
 * Ours is a folder a version: filled once, under a lock, and renamed when it is whole.
 */
async function unpackChromium(): Promise<Unpacked> {
  const root = dirname(dirname(require.resolve('@sparticuz/chromium')));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const base = baseFolder();
  const folder = join(base, `chromium-${version}-2`);
  const lock = await waitForLock(join(base, 'chromium.lock'), 'exclusive', 120_000);
  try {
    if (!existsSync(folder)) {
      const making = `${folder}.making`;
      rmSync(making, { recursive: true, force: true });
      mkdirSync(making);
      await withTemporaryFolder(making, () =>
        Promise.all(
          ['chromium.br', 'fonts.tar.br', 'swiftshader.tar.br', 'al2023.tar.br'].map((name) =>
            inflate(join(root, 'bin', name)),
          ),
        ),
      );
      // The package's own looks where a cloud function would have its fonts; a browser that finds none crashes.
      writeFileSync(join(making, 'fonts', 'fonts.conf'), fontConfiguration(folder));
      renameSync(making, folder);
    }
  } finally {
    lock?.release();
  }
  return {
    program: join(folder, 'chromium'),
    libraries: join(folder, 'al2023', 'lib'),
    fonts: join(folder, 'fonts'),
  };
}

function fontConfiguration(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(folder, 'fonts', 'fonts')}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${join(folder, 'font-cache')}</cachedir>
</fontconfig>
`;
}

async function withTemporaryFolder(folder: string, work: () => Promise<unknown>): Promise<void> {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  try {
    await work();
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}
