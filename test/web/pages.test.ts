import type { BrowserContext, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefusal } from '../../src/core/refusal.ts';
import { lookUpHold } from '../../src/flows/look-up.ts';
import { bringLedgerUpToDate } from '../../src/flows/read-ledger.ts';
import {
  givePassword,
  newcomerEmail,
  newcomerPassword,
  openScene,
  type Scene,
  type ScenePage,
  scenePages,
  signInAs,
} from '../browser/scene.ts';
import {
  barriers,
  enterConsole,
  giveShownCode,
  type Look,
  newProfile,
  openBrowser,
  overflows,
  type StorageState,
  type TestBrowser,
} from '../support/browser.ts';
import { waitUntil } from '../support/wait.ts';

let scene: Scene;
let browser: TestBrowser;

beforeAll(async () => {
  [scene, browser] = await Promise.all([openScene(3998), openBrowser()]);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await scene?.close();
});

type Who = ScenePage['as'];
const everybody: readonly Who[] = ['nobody', ...(Object.keys(signInAs) as (keyof typeof signInAs)[])];

const states = new Map<Who, StorageState>();

/** A profile in which that person is signed in. Each signs in once: a code counts once. */
async function profileOf(who: Who, look: Look): Promise<BrowserContext> {
  if (who === 'nobody') return newProfile(browser.browser, look);
  const known = states.get(who);
  if (known) return newProfile(browser.browser, look, known);
  const context = await newProfile(browser.browser, look);
  const page = await context.newPage();
  await enterConsole(page, scene.url, signInAs[who], scene.password);
  await page.close();
  states.set(who, await context.storageState());
  return context;
}

/** What a page says of itself that no page may say. */
const checksOfMarkup = `(() => {
  const found = [];
  for (const element of document.querySelectorAll('*')) {
    if (element.localName === 'script' && (element.textContent !== '' || !/^\\/assets\\/passkey\\.js\\?v=/.test(element.getAttribute('src') ?? '')))
      found.push('a script');
    if (element.localName === 'style' || element.hasAttribute('style')) found.push('inline style on ' + element.localName);
    for (const { name } of element.attributes) if (/^on/.test(name)) found.push(name + ' on ' + element.localName);
  }
  if (document.querySelectorAll('h1').length !== 1) found.push(document.querySelectorAll('h1').length + ' h1');
  if (document.querySelectorAll('main').length !== 1) found.push('not one main');
  if (!document.documentElement.lang) found.push('no language');
  if (document.title.trim().length < 8) found.push('no title');
  for (const input of document.querySelectorAll('main input:not([type=hidden]), main select, main textarea'))
    if (input.labels.length === 0 && !input.getAttribute('aria-label')) found.push('no label at ' + input.name);
  return found;
})()`;

/** The text of a page without what is marked as a name of the program's. */
const proseOf = (page: Page) =>
  page.evaluate<string>(`(() => {
    const main = document.querySelector('main').cloneNode(true);
    for (const element of main.querySelectorAll('code')) element.remove();
    return [...main.querySelectorAll('*')].flatMap(({ childNodes }) =>
      [...childNodes].filter(({ nodeType }) => nodeType === 3).map(({ data }) => data)).join('\\n');
  })()`);

/** Words that a program says to itself: no code, no machine's date, nothing that was forgotten. */
const jargon = /\b[a-z]+_[a-z_]+\b|\b[A-Z]{2,}_[A-Z_]+\b|\bundefined\b|\bnull\b|\bNaN\b|\[object|\d{4}-\d\d-\d\dT/;

describe('every page', () => {
  it.each(everybody)(
    'seen by %s: no barrier, nothing inline, nothing from elsewhere, and it fits',
    async (who) => {
      for (const look of [
        { width: 375, scheme: 'dark' },
        { width: 1280, scheme: 'light' },
      ] as const) {
        const context = await profileOf(who, look);
        const page = await context.newPage();
        const foreign: string[] = [];
        page.on('request', (request: Request) => {
          if (!request.url().startsWith(scene.url)) foreign.push(request.url());
        });
        for (const { name, path, act } of scenePages(scene).filter((one) => one.as === who)) {
          const response = await page.goto(`${scene.url}${path}`);
          const policy = response?.headers()['content-security-policy'] ?? '';
          expect(policy, name).toMatch(/^default-src 'none'/);
          expect(policy, name).not.toMatch(/unsafe|https?:|\*|data:/);
          await act?.(page);
          expect(await page.evaluate(checksOfMarkup), name).toEqual([]);
          expect(await barriers(page), name).toEqual([]);
          expect(await overflows(page), `${name} is wider than its window`).toBe(false);
          if (name.startsWith('portal')) expect(await proseOf(page), name).not.toMatch(jargon);
        }
        expect(foreign).toEqual([]);
        await context.close();
      }
    },
    120_000,
  );

  it('that is somebody’s own is kept by no cache and found by no search engine', async () => {
    const context = await profileOf('privacy', { width: 1280, scheme: 'light' });
    const { headers } = await get(context, '/console/requests');
    expect(headers['cache-control']).toContain('no-store');
    const status = await get(context, '/status');
    expect(status.headers['cache-control']).toContain('no-store');
    expect(status.headers['x-robots-tag']).toContain('noindex');
    expect((await get(context, '/')).headers['x-robots-tag']).toBeUndefined();
    for (const { name, httpOnly, sameSite } of await context.cookies())
      expect([httpOnly, sameSite], name).toEqual([true, expect.stringMatching(/Lax|Strict/)]);
    await context.close();
  });
});

async function get(context: BrowserContext, path: string) {
  const response = await context.request.get(`${scene.url}${path}`);
  return { status: response.status(), headers: response.headers() };
}

/** A person asks, proves who they are and sees where it stands; `press` submits the form of the page. */
async function walkThrough(page: Page, fill: (id: string, text: string) => Promise<void>, press: () => Promise<void>) {
  const before = new Set(await scene.codes());
  await page.goto(scene.url);
  await fill('email', 'priya.raman@example.com');
  await press();
  await page.waitForSelector('#code');
  const reference = /R-[0-9A-Z]{4}-[0-9A-Z]{4}/.exec((await page.textContent('main')) ?? '')?.[0] ?? '';
  expect(reference).not.toBe('');
  let code: string | undefined;
  while (code === undefined) code = (await scene.codes(reference)).find((one) => !before.has(one));
  await fill('code', code);
  await press();
  await page.waitForURL(`${scene.url}/status`);
  expect(await page.textContent('h1')).toBe('Get a copy of my data');
  expect(await page.textContent('main')).toContain(reference);
}

describe('a person’s way', () => {
  it('needs no script', async () => {
    const context = await newProfile(browser.browser, { width: 375, scheme: 'light', scripts: false });
    const page = await context.newPage();
    await walkThrough(
      page,
      (id, text) => page.fill(`#${id}`, text),
      () => page.click('main button[type=submit]'),
    );
    await context.close();
  });

  it('needs no mouse', async () => {
    const context = await newProfile(browser.browser, { width: 1280, scheme: 'light' });
    const page = await context.newPage();
    const reach = async (id: string) => {
      for (let steps = 0; steps < 60; steps++) {
        await page.keyboard.press('Tab');
        if ((await page.evaluate('document.activeElement?.id')) === id) return;
      }
      throw new Error(`#${id} cannot be reached with the Tab key`);
    };
    await walkThrough(
      page,
      async (id, text) => {
        await reach(id);
        await page.keyboard.type(text);
      },
      () => page.keyboard.press('Enter'),
    );
    await context.close();
  });
});

describe('a link that is only looked at', () => {
  it('sends nothing and changes nothing', async () => {
    const context = await profileOf('privacy', { width: 1280, scheme: 'light' });
    const { office } = scene;
    const { sql } = office.store.db;
    const waiting = () => sql`SELECT 1 FROM pgboss.job WHERE state IN ('created', 'active') AND start_after <= now()`;
    await waitUntil(async () => (await waiting()).length === 0);
    const count = async () => {
      // What was done is an entry once it has its place in the ledger.
      await bringLedgerUpToDate(office);
      return (
        await sql`SELECT
      (SELECT count(*) FROM notices) AS notices, (SELECT count(*) FROM grants) AS grants,
      (SELECT sum(version) FROM requests) AS requests, (SELECT count(*) FROM ledger_entries) AS entries`
      )[0];
    };
    const before = await count();
    for (const { path } of scenePages(scene).filter(({ act }) => act === undefined)) await get(context, path);
    expect(await count()).toEqual(before);
    await context.close();
  });
});

describe('a form from another site', () => {
  it('is refused at every address that takes one', async () => {
    const context = await profileOf('legal', { width: 1280, scheme: 'light' });
    const { ids } = scene;
    for (const path of [
      '/',
      '/status',
      '/status/code',
      '/console/sign-in',
      '/console/holds',
      `/console/holds/${ids.releasing}/approve`,
      `/console/exports/${ids.waitingExport}/approve`,
      `/console/demands/${ids.demand}/withdraw`,
    ])
      for (const origin of ['https://evil.example', 'null', undefined]) {
        const response = await context.request.post(`${scene.url}${path}`, {
          headers:
            origin === undefined ? { 'sec-fetch-site': 'cross-site' } : { origin, 'sec-fetch-site': 'cross-site' },
          form: { email: 'x@example.com', type: 'erasure' },
        });
        expect(response.status(), `${path} from ${origin}`).toBe(403);
      }
    await context.close();
  });
});

describe('a step that cannot be undone', () => {
  it('is decided by the button of a page that says what will happen, and by nothing before it', async () => {
    const { office, ids } = scene;
    const stateOf = async () => {
      const hold = await lookUpHold(office, ids.releasing);
      return isRefusal(hold) ? hold.code : hold.state;
    };
    const auditor = await profileOf('auditor', { width: 1280, scheme: 'light' });
    for (const path of [`holds/${ids.releasing}`, `exports/${ids.waitingExport}`, `retention/${ids.run}`])
      expect((await get(auditor, `/console/${path}/approve`)).status, path).toBe(403);
    await auditor.close();

    const context = await profileOf('legal', { width: 1280, scheme: 'light' });
    const page = await context.newPage();
    await page.goto(`${scene.url}/console/holds/${ids.releasing}`);
    await page.click('.moves a.button');
    const approval = `${scene.url}/console/holds/${ids.releasing}/approve`;
    await page.waitForURL(approval);
    const counted = /^Release ([1-9][\d,]*) records\?$/.exec((await page.textContent('h1')) ?? '')?.[1];
    expect(counted).toBeDefined();
    expect(await page.textContent('main button')).toBe(`Release ${counted} records`);
    expect(await stateOf()).toBe('release_requested');
    // The second proof was given long ago: it is asked for again, and then the page is back where it was.
    await scene.office.store.db.sql`UPDATE sessions SET stepped_up_at = stepped_up_at - interval '1 hour'`;
    await page.click('main button');
    await page.waitForURL(/\/console\/step-up/);
    expect(await stateOf()).toBe('release_requested');
    await giveShownCode(page);
    await page.waitForURL(approval);
    states.clear();
    await page.click('main button');
    await page.waitForURL(`${scene.url}/console/holds/${ids.releasing}`);
    expect(await stateOf()).toBe('released');

    // What is decided has nothing left to approve.
    await page.goto(approval);
    expect(page.url()).toBe(`${scene.url}/console/holds/${ids.releasing}`);
    await context.close();
  });
});

describe('a passkey', () => {
  it('is set up, signs in by itself, proves again who is there, and is worth nothing unverified', async () => {
    const context = await newProfile(browser.browser, { width: 1280, scheme: 'light' });
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await devtools.send('WebAuthn.enable');
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    await page.goto(`${scene.url}/console/sign-in`);
    await givePassword(page, newcomerEmail, newcomerPassword);
    await page.fill('#name', 'work laptop');
    await page.click('text=Make a passkey');
    await page.waitForURL(`${scene.url}/console`);
    await page.goto(`${scene.url}/console/account`);
    expect(await page.textContent('main')).toContain('work laptop');

    // With the password alone the same passkey is asked for, and no second one can be set up instead.
    await page.click('text=Sign out');
    await givePassword(page, newcomerEmail, newcomerPassword);
    expect(page.url()).not.toContain('set-up');
    await page.click('text=Use your passkey');
    await page.waitForURL(`${scene.url}/console`);

    // Without any password.
    await page.click('text=Sign out');
    await page.click('text=Sign in with a passkey');
    await page.click('text=Use a passkey');
    await page.waitForURL(`${scene.url}/console`);
    expect(await page.textContent('.who')).toContain('Omar Haddad');

    // A proof long ago is asked for anew, by the passkey, and leads back.
    await scene.office.store.db.sql`UPDATE sessions SET stepped_up_at = stepped_up_at - interval '1 hour'`;
    await page.goto(`${scene.url}/console/account`);
    await page.click('summary:has-text("Make a token")');
    await page.click('button:has-text("Make a token")');
    await page.waitForURL(/step-up/);
    await page.click('text=Use your passkey');
    await page.waitForURL(`${scene.url}/console/account`);
    await page.click('summary:has-text("Make a token")');
    await page.click('button:has-text("Make a token")');
    await page.waitForSelector('text=Your new token');

    // An authenticator that did not ask for fingerprint, face or PIN: somebody holds the key, and nobody knows who.
    await page.click('text=Sign out');
    await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
    await page.click('text=Sign in with a passkey');
    await page.click('text=Use a passkey');
    await page.waitForSelector('.notice, [role=status]:has-text("No passkey was used")');
    await page.goto(`${scene.url}/console`);
    expect(page.url()).toContain('/console/sign-in');
    states.clear();
    await context.close();
  });

  it('asked for by a page of this site is the only script there is', async () => {
    const answers = await Promise.all(
      ['/', '/console/sign-in', '/status'].map(async (path) => (await fetch(`${scene.url}${path}`)).headers),
    );
    for (const headers of answers) expect(headers.get('content-security-policy')).not.toContain('script-src');
    const asked = await fetch(`${scene.url}/console/sign-in/passkey`, {
      method: 'POST',
      body: new URLSearchParams({ next: '/console' }),
      headers: { origin: scene.url },
    });
    expect(asked.headers.get('content-security-policy')).toContain("script-src 'self';");
    const scripts = [...(await asked.text()).matchAll(/<script[^>]*>/g)].map(([tag]) => tag);
    expect(scripts).toEqual([
      expect.stringMatching(/^<script src="\/assets\/passkey\.js\?v=[0-9a-f]{12}" type="module">$/),
    ]);
  });
});
