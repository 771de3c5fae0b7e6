import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Actor, Role } from '../../src/core/actor.ts';
import { disablePerson } from '../../src/flows/change-people.ts';
import { invitePerson } from '../../src/flows/create-actor.ts';
import type { Office } from '../../src/flows/office.ts';
import { webApp } from '../../src/web/app.tsx';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { openProvider, otherClient, type TestProvider } from '../support/provider.ts';
import { appCode, codesIn, firstSignIn, newMember, nextCode, secretIn, Visitor } from '../support/staff.ts';

let provider: TestProvider;
let opened: TestHouse;
let office: Office;
let app: ReturnType<typeof webApp>;
let now = Temporal.Now.instant();
const said: unknown[] = [];
const env = { APP: 'postgres://nobody@127.0.0.1:1/nothing' };
const admin: Actor = { id: 'cli:test', kind: 'cli', role: 'admin', approval: null };

beforeAll(async () => {
  provider = await openProvider();
  const policies = policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention });
  opened = await openTestHouse({
    policies,
    env: { ...env, ...provider.env, OIDC_TRUST_MFA: '1' },
    now: () => now,
    log: (...line) => said.push(line),
  });
  office = opened.house.office;
  app = appOf(office);
});
afterAll(async () => {
  await opened?.close();
  await provider?.close();
});
beforeEach(() => {
  now = Temporal.Now.instant();
});

function appOf(of: Office) {
  return webApp(of, { nextBell: () => null, networkOf: () => '192.0.2.1', report: () => {} });
}

let count = 0;
/** Somebody who was invited and has done nothing yet, with an account at the company. */
async function invited(
  account: { email_verified?: boolean; amr?: string[]; email?: (own: string) => string } = {},
  role: Role = 'legal',
) {
  count += 1;
  const email = `person${count}@example.com`;
  const sub = `sub-${count}`;
  const made = await invitePerson(office, admin, { email, name: `Person ${count}`, role, title: null });
  if (!('actor' in made)) throw new Error('nobody was invited');
  const at = { email: account.email?.(email) ?? email, email_verified: account.email_verified ?? true };
  provider.accounts.set(sub, { ...at, ...(account.amr ? { amr: account.amr } : {}) });
  return { email, sub, id: made.actor };
}

const begin = async (visitor: Visitor, next = '') =>
  (await visitor.post('/console/sign-in/company', { next })).to ?? '';
/** Begin, sign in at the company, come back. */
async function enter(sub: string, visitor = new Visitor(app), next = '') {
  const back = await provider.visit(await begin(visitor, next), sub);
  return { visitor, back, answer: await visitor.get(back) };
}
/** Everything that says who may get in and who did. */
const whatIsThere = async () => ({
  people: await office.store.db.sql`SELECT to_jsonb(p) AS row FROM people p ORDER BY id`,
  accounts: await office.store.db.sql`SELECT to_jsonb(a) AS row FROM accounts a ORDER BY id`,
  sessions: await office.store.db.sql`SELECT id FROM sessions ORDER BY id`,
});
const sessionOf = (visitor: Visitor) => office.signIn.session(new Headers({ cookie: visitor.jar }));
const halfOf = (visitor: Visitor) => office.signIn.halfSession(new Headers({ cookie: visitor.jar }));
/** What the ledger will have of a person's account being tied to them. */
async function linkedEntries(id: string) {
  const rows = await office.store.db.sql<{ bytes: Uint8Array }[]>`
    SELECT bytes FROM ledger_pending WHERE kind = 'factor.added'`;
  const facts = rows.map(({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)).facts);
  return facts.filter(({ actor, factor }) => actor === id && factor === 'company');
}

/** Nobody is let in and nothing changes, whatever `attempt` does. */
async function expectRefused(attempt: () => Promise<{ visitor: Visitor; answer: { status: number; text: string } }>) {
  const before = await whatIsThere();
  const { visitor, answer } = await attempt();
  expect(answer.status).toBe(401);
  expect(answer.text).toContain('Nobody was signed in');
  expect(await sessionOf(visitor)).toBeNull();
  expect(await halfOf(visitor)).toBeNull();
  expect((await visitor.get('/console')).to).toMatch(/^\/console\/sign-in/);
  expect(await whatIsThere()).toEqual(before);
  return answer;
}

describe('signing in with the company', () => {
  it('begins at the issuer alone, with state, nonce and S256', async () => {
    const visitor = new Visitor(app);
    const page = await visitor.get('/console/sign-in?next=/console/holds');
    expect(page.text).toContain('Sign in with Example Corp');
    expect(page.headers.get('content-security-policy')).toContain(`form-action 'self' ${provider.issuer}`);
    const answer = await visitor.post('/console/sign-in/company', { next: '/console/holds' });
    expect(answer.status).toBe(303);
    const url = new URL(answer.to ?? '');
    expect(url.origin).toBe(provider.issuer);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'muniment',
      redirect_uri: 'http://localhost:3000/console/sign-in/company/callback',
      code_challenge_method: 'S256',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect((await visitor.get('/console')).headers.get('content-security-policy')).not.toContain(provider.issuer);
  });

  it('lets an invited person to the second factor, which is set up without a password, and on to where they were going', async () => {
    const { id, sub } = await invited({ email: (own) => own.toUpperCase() });
    const { visitor, answer } = await enter(sub, new Visitor(app), '/console/holds');
    expect(answer).toMatchObject({ status: 303, to: '/console/second-factor?next=%2Fconsole%2Fholds' });
    expect(await sessionOf(visitor)).toBeNull();
    expect((await halfOf(visitor))?.person.id).toBe(id);
    expect((await visitor.get('/console')).to).toMatch(/second-factor/);
    const setUp = await visitor.get('/console/second-factor/set-up');
    expect(setUp.text).not.toContain('Your password once more');
    const scan = await visitor.post('/console/second-factor/set-up');
    const code = appCode(secretIn(scan.text), Date.now());
    expect(codesIn((await visitor.post('/console/second-factor/set-up/finish', { code })).text)).toHaveLength(10);
    expect((await sessionOf(visitor))?.person.id).toBe(id);
    expect(await linkedEntries(id)).toHaveLength(1);

    const again = await enter(sub);
    expect(again.answer.to).toBe('/console/second-factor?next=%2Fconsole');
    const given = await again.visitor.post('/console/second-factor', {
      way: 'app',
      code: nextCode(secretIn(scan.text)),
    });
    expect(given.to).toBe('/console');
    expect(await linkedEntries(id)).toHaveLength(1);
    const stored = await office.store.db
      .sql`SELECT access_token, refresh_token, id_token FROM accounts WHERE account_id = ${sub}`;
    expect(stored).toEqual([{ access_token: null, refresh_token: null, id_token: null }]);
  });

  it('asks whoever has a password for it before an app is set up, however they came in', async () => {
    const { email } = await newMember(office, 'legal', 'with-password@example.com');
    provider.accounts.set('sub-password', { email, email_verified: true });
    const { visitor } = await enter('sub-password');
    expect((await visitor.get('/console/second-factor/set-up')).text).toContain('Your password once more');
    expect((await visitor.post('/console/second-factor/set-up')).status).toBe(422);
  });

  it('refuses the unknown, the unverified, the disabled and another subject with the same words', async () => {
    provider.accounts.set('stranger', { email: 'stranger@example.com', email_verified: true });
    const unverified = await invited({ email_verified: false });
    const disabled = await invited();
    expect((await enter(disabled.sub)).answer.status).toBe(303);
    await disablePerson(office, admin, disabled.id);
    const early = await invited();
    await disablePerson(office, admin, early.id);
    const first = await invited();
    expect((await enter(first.sub)).answer.status).toBe(303);
    // The company gave the address to somebody else.
    provider.accounts.set('successor', { email: first.email, email_verified: true });
    const texts = [];
    for (const sub of ['stranger', unverified.sub, disabled.sub, early.sub, 'successor'])
      texts.push((await expectRefused(() => enter(sub))).text);
    expect(new Set(texts).size).toBe(1);
    // Nor does a subject that is somebody’s become somebody else’s by an address.
    const second = await invited();
    provider.accounts.set(first.sub, { email: second.email, email_verified: true });
    expect((await expectRefused(() => enter(first.sub))).text).toBe(texts[0]);
    expect(said).toEqual([]);
  });

  it('ties a person to a new account once an administrator has untied the old one, which is then a stranger’s', async () => {
    const boss = await newMember(office, 'admin', 'boss@example.com');
    const { visitor: administrator } = await firstSignIn(app, boss.email);
    const { email, sub, id } = await invited();
    const at = `/console/settings/people/${id}`;
    expect((await administrator.post(`${at}/untie`)).text).toContain('No company account is tied');
    const { visitor } = await enter(sub);
    provider.accounts.set('renewed', { email, email_verified: true });
    await expectRefused(() => enter('renewed'));
    expect((await administrator.get(at)).text).toContain('Untie their company account');
    expect((await administrator.post(`${at}/untie`)).status).toBe(303);
    expect(await halfOf(visitor)).toBeNull();
    expect((await enter('renewed')).answer.status).toBe(303);
    await expectRefused(() => enter(sub));
    expect(await linkedEntries(id)).toHaveLength(2);
    const alarms = await office.store.db.sql`SELECT facts FROM alarms WHERE facts->>'actor' = ${id}`;
    expect(alarms).toContainEqual({ facts: { actor: id, by: boss.id, factor: 'company' } });
    // A proof that is not fresh is not enough, and nobody does it for themselves.
    expect((await administrator.post(`/console/settings/people/${boss.id}/untie`)).status).toBe(409);
    now = now.add({ minutes: 6 });
    expect((await administrator.post(`${at}/untie`)).to).toMatch(/step-up/);
  });

  it('does not take an address for another that only folds to it', async () => {
    await invitePerson(office, admin, { email: 'kelvin@example.com', name: 'Kelvin', role: 'legal', title: null });
    provider.accounts.set('kelvin', { email: '\u212Aelvin@example.com', email_verified: true });
    await expectRefused(() => enter('kelvin'));
  });

  it('ties two subjects that come at once to one person once', async () => {
    const { email, id } = await invited();
    const subs = ['twin-1', 'twin-2', 'twin-3', 'twin-4'];
    for (const sub of subs) provider.accounts.set(sub, { email, email_verified: true });
    const answers = await Promise.all(subs.map((sub) => enter(sub)));
    expect(answers.filter(({ answer }) => answer.status === 303)).toHaveLength(1);
    expect(await linkedEntries(id)).toHaveLength(1);
  });
});

describe('an answer of the provider', () => {
  it('is refused when its state is forged, missing, or of another browser', async () => {
    const { sub } = await invited();
    await expectRefused(async () => {
      const visitor = new Visitor(app);
      const back = await provider.visit(await begin(visitor), sub);
      return { visitor, answer: await visitor.get(back.replace(/state=[^&]+/, `state=${'A'.repeat(43)}`)) };
    });
    await expectRefused(async () => {
      const visitor = new Visitor(app);
      const back = await provider.visit(await begin(visitor), sub);
      return { visitor, answer: await visitor.get(back.replace(/state=[^&]+&?/, '')) };
    });
    // Somebody else’s link, with one’s own begun as well: nobody is led into another’s account.
    await expectRefused(async () => {
      const [thief, visitor] = [new Visitor(app), new Visitor(app)];
      const back = await provider.visit(await begin(thief), sub);
      await begin(visitor);
      return { visitor, answer: await visitor.get(back) };
    });
  });

  it('is refused without having begun', async () => {
    const { sub } = await invited();
    await expectRefused(async () => {
      const back = await provider.visit(await begin(new Visitor(app)), sub);
      const visitor = new Visitor(app);
      return { visitor, answer: await visitor.get(back) };
    });
    await expectRefused(async () => {
      const visitor = new Visitor(app);
      return { visitor, answer: await visitor.get('/console/sign-in/company/callback') };
    });
  });

  it('counts once, and for ten minutes', async () => {
    const { sub } = await invited();
    const { visitor, back } = await enter(sub);
    const proof = visitor.cookie('muniment.company');
    expect(proof).toBeUndefined();
    const other = new Visitor(app);
    const url = await begin(other);
    const kept = other.cookie('muniment.company') ?? '';
    const second = await provider.visit(url, sub);
    expect((await other.get(second)).status).toBe(303);
    await expectRefused(async () => {
      const thief = new Visitor(app);
      thief.setCookie('muniment.company', kept);
      return { visitor: thief, answer: await thief.get(second) };
    });
    await expectRefused(async () => {
      const again = new Visitor(app);
      return { visitor: again, answer: await again.get(back) };
    });
    await expectRefused(async () => {
      const late = new Visitor(app);
      const third = await provider.visit(await begin(late), sub);
      now = now.add({ minutes: 10, seconds: 1 });
      return { visitor: late, answer: await late.get(third) };
    });
  });

  it('is refused with a token for another nonce', async () => {
    const { sub } = await invited();
    await expectRefused(async () => {
      const visitor = new Visitor(app);
      const url = new URL(await begin(visitor));
      url.searchParams.set('nonce', 'A'.repeat(43));
      return { visitor, answer: await visitor.get(await provider.visit(url.href, sub)) };
    });
  });

  it('is refused with a code for another client, another verifier, or another sign-in', async () => {
    const { sub } = await invited();
    const withChanged = (name: string, value: string) => async () => {
      const visitor = new Visitor(app);
      const url = new URL(await begin(visitor));
      url.searchParams.set(name, value);
      return { visitor, answer: await visitor.get(await provider.visit(url.href, sub)) };
    };
    await expectRefused(withChanged('client_id', otherClient));
    await expectRefused(withChanged('code_challenge', 'A'.repeat(43)));
    // A code that was caught elsewhere, put into one’s own answer.
    await expectRefused(async () => {
      const [victim, visitor] = [new Visitor(app), new Visitor(app)];
      provider.accounts.set('thief', { email: 'thief@example.com', email_verified: true });
      const caught = new URLSearchParams((await provider.visit(await begin(victim), sub)).split('?')[1]);
      const own = await provider.visit(await begin(visitor), 'thief');
      return { visitor, answer: await visitor.get(own.replace(/code=[^&]+/, `code=${caught.get('code')}`)) };
    });
  });

  it('of another issuer, without a word of its issuer, or with an error is refused', async () => {
    const { sub } = await invited();
    const changed = (change: (query: URLSearchParams) => void) => async () => {
      const visitor = new Visitor(app);
      const [path = '', query] = (await provider.visit(await begin(visitor), sub)).split('?');
      const params = new URLSearchParams(query);
      change(params);
      return { visitor, answer: await visitor.get(`${path}?${params.toString()}`) };
    };
    await expectRefused(changed((query) => query.set('iss', 'https://elsewhere.example')));
    await expectRefused(changed((query) => query.delete('iss')));
    await expectRefused(
      changed((query) => {
        query.delete('code');
        query.set('error', 'access_denied');
        query.set('error_description', '<b>call this number</b>');
      }),
    );
  });

  it('leads to no other site', async () => {
    const { sub } = await invited();
    for (const next of [
      'https://elsewhere.example',
      '//elsewhere.example',
      '/console/../..//elsewhere.example',
      '/\\e',
    ])
      expect((await enter(sub, new Visitor(app), next)).answer.to).toBe('/console/second-factor?next=%2Fconsole');
  });

  it('comes in by one address alone: nothing of the library is served', async () => {
    const visitor = new Visitor(app);
    for (const path of ['/api/auth/callback/company', '/console/sign-in/company', '/open-session', '/api/auth/ok'])
      expect([303, 404]).toContain((await visitor.get(path)).status);
    expect((await visitor.post('/console/sign-in/company/callback')).to).toMatch(/^\/console\/sign-in/);
    expect((await visitor.post('/api/auth/open-session', { personId: 'x' })).status).toBe(404);
  });
});

describe('the second factor', () => {
  it('is not asked for where the provider says it was given, and the operator trusts it; a step-up is ours', async () => {
    const { email } = await newMember(office, 'admin', 'mfa@example.com');
    const { secret } = await firstSignIn(app, email);
    const ways: [string[], boolean][] = [
      [['mfa'], true],
      [['pwd', 'otp'], true],
      [['pwd', 'face'], true],
      [['pwd', 'pwd'], false],
      // Two of one kind: known twice, had twice, been twice.
      [['pwd', 'pin'], false],
      [['hwk', 'swk'], false],
      [['fpt', 'face'], false],
      [['pwd'], false],
      [['pwd', 'sms'], false],
      [[], false],
    ];
    for (const [amr, isWhole] of ways) {
      provider.accounts.set('sub-mfa', { email, email_verified: true, amr });
      const { visitor, answer } = await enter('sub-mfa', new Visitor(app), '/console/holds');
      expect(answer.to).toBe(isWhole ? '/console/holds' : '/console/second-factor?next=%2Fconsole%2Fholds');
      const session = await sessionOf(visitor);
      expect(session !== null).toBe(isWhole);
      if (session) expect(session.steppedUpAt).toBeNull();
    }
    provider.accounts.set('sub-mfa', { email, email_verified: true, amr: ['mfa'] });
    const { visitor } = await enter('sub-mfa');
    expect((await visitor.post('/console/account/app/remove')).to).toMatch(/step-up/);
    expect((await visitor.post('/console/step-up', { code: nextCode(secret) })).to).toBe('/console');
  });

  it('of ours is set up at the first step-up by whoever never needed it', async () => {
    const { sub } = await invited({ amr: ['mfa'] });
    const { visitor, answer } = await enter(sub);
    expect(answer.to).toBe('/console');
    expect((await visitor.get('/console')).status).toBe(200);
    expect((await visitor.get('/console/step-up?next=/console/holds')).to).toBe(
      '/console/second-factor/set-up?next=%2Fconsole%2Fholds',
    );
    const scan = await visitor.post('/console/second-factor/set-up');
    const code = appCode(secretIn(scan.text), Date.now());
    expect((await visitor.post('/console/second-factor/set-up/finish', { code })).status).toBe(200);
    expect((await sessionOf(visitor))?.steppedUpAt).not.toBeNull();
    expect((await visitor.get('/console/second-factor/set-up')).to).toBe('/console/second-factor');
  });

  it('is asked for whatever the provider says, where nobody trusts it; and without a provider there is no button', async () => {
    const { sub } = await invited({ amr: ['mfa'] });
    const { company } = office;
    if (!company) throw new Error('no provider');
    const wary = appOf({ ...office, company: { ...company, trustsMfa: false } });
    expect((await enter(sub, new Visitor(wary))).answer.to).toBe('/console/second-factor?next=%2Fconsole');
    const without = new Visitor(appOf({ ...office, company: null }));
    const page = await without.get('/console/sign-in');
    expect(page.text).not.toContain('sign-in/company');
    expect(page.headers.get('content-security-policy')).not.toContain(provider.issuer);
    expect((await without.post('/console/sign-in/company')).to).toMatch(/^\/console\/sign-in\?/);
  });
});
