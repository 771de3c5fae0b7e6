import { type ServerType, serve } from '@hono/node-server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { webApp } from '../../src/web/app.tsx';
import { barriers, openBrowser, overflows, type TestBrowser } from '../support/browser.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { openProvider, type TestProvider } from '../support/provider.ts';
import { appCode, newMember, staffPassword } from '../support/staff.ts';

const port = 3997;
const publicUrl = `http://localhost:${port}`;
let provider: TestProvider;
let opened: TestHouse;
let browser: TestBrowser;
let server: ServerType;

beforeAll(async () => {
  [provider, browser] = await Promise.all([openProvider(publicUrl), openBrowser()]);
  const policies = policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention });
  const env = { APP: 'postgres://nobody@127.0.0.1:1/nothing', ...provider.env };
  opened = await openTestHouse({ policies, env, publicUrl });
  const app = webApp(opened.house.office, { nextBell: () => null, networkOf: () => '192.0.2.1', report: () => {} });
  await new Promise<void>((done) => {
    server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => done());
  });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  server?.close();
  await opened?.close();
  await provider?.close();
});

it('leads a browser to the company, which is another site, and back to the page it wanted', async () => {
  const { email } = await newMember(opened.house.office, 'legal', 'browser@example.com');
  provider.accounts.set('browser', { email, email_verified: true });
  const page = await browser.open(`${publicUrl}/console/holds`, { width: 375, scheme: 'dark' });
  expect(await barriers(page)).toEqual([]);
  expect(await overflows(page)).toBe(false);
  page.setDefaultTimeout(10_000);
  const refused: string[] = [];
  page.on('console', (message) => refused.push(message.text()));
  await page.getByRole('button', { name: 'Sign in with Example Corp' }).click();
  await page.waitForURL(`${provider.issuer}/interaction/**`);
  await page.getByLabel('Who are you?').fill('browser');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL(`${publicUrl}/console/second-factor/set-up?next=**`);
  await page.getByLabel('Your password once more').fill(staffPassword);
  await page.getByRole('button', { name: 'Set up an app' }).click();
  const secret = (await page.locator('code.secret').textContent()) ?? '';
  await page.fill('#code', appCode(secret, Date.now()));
  await page.locator('form:has(#code) button[type=submit]').click();
  expect(await page.locator('main').textContent()).toContain('recovery codes');
  await page.goto(`${publicUrl}/console/holds`);
  expect(await page.locator('h1').textContent()).toBe('Legal holds');
  expect(refused.filter((text) => /Content Security Policy|form-action/.test(text))).toEqual([]);
}, 60_000);
