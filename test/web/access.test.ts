import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { roles } from '../../src/core/actor.ts';
import { webApp } from '../../src/web/app.tsx';
import { golden } from '../support/golden.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { firstSignIn, newMember, staffPassword, Visitor } from '../support/staff.ts';

let opened: TestHouse;
let app: ReturnType<typeof webApp>;
/** Who comes by, each with how they sign in. */
const callers = new Map<string, Visitor>();

beforeAll(async () => {
  opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    env: { APP: 'postgres://nobody@127.0.0.1:1/nothing' },
  });
  const { office } = opened.house;
  app = webApp(office, { nextBell: () => null, networkOf: () => '192.0.2.1', report: () => {} });
  callers.set('nobody', new Visitor(app));
  const half = new Visitor(app);
  const { email } = await newMember(office, 'admin', 'half@example.com');
  await half.post('/console/sign-in', { email, password: staffPassword });
  callers.set('password only', half);
  for (const role of roles) {
    await newMember(office, role, `${role}@example.com`);
    callers.set(role, (await firstSignIn(app, `${role}@example.com`)).visitor);
  }
});
afterAll(() => opened?.close());

/** Every page and form of the console, with `:move{a|b}` written out and ids that name nothing. */
function addresses(): readonly { method: 'GET' | 'POST'; path: string; route: string }[] {
  const found = new Map<string, { method: 'GET' | 'POST'; path: string; route: string }>();
  for (const { method, path } of app.routes) {
    if ((method !== 'GET' && method !== 'POST') || !path.startsWith('/console') || path.includes('*')) continue;
    // No name for a pattern that this walk could not fill: its page would be tried at no address at all.
    if (/\{(?![\w|-]+\})/.test(path)) throw new Error(`${path}: write the pattern as words with bars between them`);
    const choices = /:\w+\{([\w|-]+)\}/.exec(path);
    for (const choice of choices?.[1]?.split('|') ?? ['']) {
      const route = choices ? path.replace(choices[0], choice) : path;
      const address = route.replaceAll(/:\w+/g, 'xyz_00000000000000000000000000');
      found.set(`${method} ${route}`, { method, path: address, route });
    }
  }
  return [...found.values()];
}

async function answerTo(visitor: Visitor, method: 'GET' | 'POST', path: string): Promise<string> {
  const { status, to } = method === 'GET' ? await visitor.get(path) : await visitor.post(path);
  if (to?.startsWith('/console/sign-in')) return 'sign in';
  if (to?.startsWith('/console/second-factor')) return 'second factor';
  if (status === 403) return 'no';
  expect(status, `${method} ${path}`).toBeLessThan(500);
  return 'yes';
}

describe('the console', () => {
  it('lets each role to what the golden matrix says, at every page and form there is', async () => {
    const lines: string[] = [];
    for (const { method, path, route } of addresses()) {
      // These end what the next line needs; sign-in.test.ts has them.
      if (/sign-out|sessions\/end/.test(route)) continue;
      const said = new Map<string, string[]>();
      for (const [who, visitor] of callers) {
        const answer = await answerTo(visitor, method, path);
        said.set(answer, [...(said.get(answer) ?? []), who]);
      }
      lines.push(
        `${method} ${route} | ${[...said].map(([answer, who]) => `${answer}: ${who.join(', ')}`).join(' | ')}`,
      );
    }
    expect(lines.length).toBeGreaterThan(50);
    golden('console-matrix.txt', `${lines.join('\n')}\n`);
  }, 60_000);

  it('takes no form from another site, and none without an origin', async () => {
    const admin = callers.get('admin');
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, {}])
      for (const { path } of addresses().filter(({ method }) => method === 'POST')) {
        const answer = await app.request(`http://localhost:3000${path}`, {
          method: 'POST',
          body: 'role=admin',
          headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: admin?.jar ?? '', ...headers },
        });
        expect(answer.status, `${path} ${JSON.stringify(headers)}`).toBe(403);
      }
  });
});
