import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Actor, Role } from '../../src/core/actor.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { authenticateToken } from '../../src/flows/authenticate.ts';
import { changeRole, resetSecondFactor } from '../../src/flows/change-people.ts';
import { makeToken } from '../../src/flows/create-actor.ts';
import type { Office } from '../../src/flows/office.ts';
import { httpApp } from '../../src/http/app.ts';
import { webApp } from '../../src/web/app.tsx';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import {
  appCode,
  codesIn,
  firstSignIn,
  type Member,
  newMember,
  nextCode,
  staffPassword as password,
  secretIn,
  Visitor,
} from '../support/staff.ts';

let opened: TestHouse;
let office: Office;
let app: ReturnType<typeof webApp>;
let network = '192.0.2.1';
let people = 0;
/** The service's own clock; the app's codes go by the machine's. */
let now = Temporal.Now.instant();

beforeAll(async () => {
  const policies = policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention });
  opened = await openTestHouse({ policies, env: { APP: 'postgres://nobody@127.0.0.1:1/nothing' }, now: () => now });
  office = opened.house.office;
  app = webApp(office, { nextBell: () => null, networkOf: () => network, report: () => {} });
});
afterAll(() => opened?.close());
beforeEach(() => {
  now = Temporal.Now.instant();
});

/** Somebody new, with a password. */
function member(role: Role = 'legal'): Promise<Member> {
  people += 1;
  return newMember(office, role, `person${people}@example.com`);
}

const setUp = (email: string) => firstSignIn(app, email);

describe('signing in', () => {
  it('by password alone opens nothing: every page of the console leads to the second factor', async () => {
    const { email } = await member('admin');
    const visitor = new Visitor(app);
    await visitor.post('/console/sign-in', { email, password });
    const pages = ['/console', '/console/requests', '/console/settings', '/console/account', '/console/alarms'];
    for (const page of pages) {
      const answer = await visitor.get(page);
      expect(answer.status).toBe(303);
      expect(answer.to).toMatch(/^\/console\/second-factor\?next=/);
    }
    expect(await office.signIn.session(new Headers({ cookie: visitor.jar }))).toBeNull();
    expect(await visitor.post('/console/account/sessions/end')).toMatchObject({ status: 303 });
  });

  it('becomes whole with the first code of an app, under a new name; recovery codes are shown once', async () => {
    const { email } = await member();
    const visitor = new Visitor(app);
    await visitor.post('/console/sign-in', { email, password });
    const half = visitor.jar;
    expect((await visitor.get('/console/second-factor')).to).toBe('/console/second-factor/set-up?next=%2Fconsole');
    const scan = await visitor.post('/console/second-factor/set-up', { password });
    expect(scan.text).toContain('<svg');
    const wrong = await visitor.post('/console/second-factor/set-up/finish', { code: '000000' });
    expect(wrong.status).toBe(422);
    expect(secretIn(wrong.text)).toBe(secretIn(scan.text));
    const done = await visitor.post('/console/second-factor/set-up/finish', {
      code: appCode(secretIn(scan.text), Date.now()),
    });
    expect(codesIn(done.text)).toHaveLength(10);
    expect((await visitor.get('/console')).status).toBe(200);
    // Whoever had the half session's name has nothing.
    expect(await office.signIn.session(new Headers({ cookie: half }))).toBeNull();
    expect(await office.signIn.halfSession(new Headers({ cookie: half }))).toBeNull();
  });

  it('takes each code once, and a recovery code once', async () => {
    const { email, id } = await member();
    const { secret, recovery, code: first } = await setUp(email);
    const again = new Visitor(app);
    await again.post('/console/sign-in', { email, password });
    const used = await again.post('/console/second-factor', { way: 'app', code: first });
    expect(used.status).toBe(401);
    expect(used.text).toContain('already used');
    expect((await again.post('/console/second-factor', { way: 'app', code: nextCode(secret) })).to).toBe('/console');

    const lost = new Visitor(app);
    await lost.post('/console/sign-in', { email, password });
    const [code = ''] = recovery;
    expect((await lost.post('/console/second-factor', { way: 'recovery', code })).to).toBe('/console');
    const other = new Visitor(app);
    await other.post('/console/sign-in', { email, password });
    expect((await other.post('/console/second-factor', { way: 'recovery', code })).status).toBe(401);
    const alarms = await office.store.db.sql`SELECT kind FROM alarms WHERE facts->>'actor' = ${id} ORDER BY kind`;
    expect(alarms.map(({ kind }) => kind as string)).toContain('recovery_code_used');
  });

  it('gives nobody a second factor by password who has one already', async () => {
    const { email } = await member();
    await setUp(email);
    const thief = new Visitor(app);
    await thief.post('/console/sign-in', { email, password });
    expect((await thief.get('/console/second-factor/set-up')).to).toBe('/console/second-factor');
    expect((await thief.post('/console/second-factor/set-up', { password })).to).toBe('/console/second-factor');
    expect((await thief.post('/console/second-factor/set-up/finish', { code: '123456' })).to).toBe(
      '/console/second-factor',
    );
    const passkey = { credential: '{"id":"x","rawId":"x","type":"public-key","response":{}}' };
    expect((await thief.post('/console/second-factor/set-up/passkey', passkey)).to).toBe('/console/second-factor');
    expect((await thief.get('/console')).to).toMatch(/second-factor/);
  });

  it('refuses codes after six wrong ones, even the right one, until five minutes have passed', async () => {
    const { email } = await member();
    const { secret } = await setUp(email);
    const visitor = new Visitor(app);
    await visitor.post('/console/sign-in', { email, password });
    for (let i = 0; i < 6; i++)
      expect((await visitor.post('/console/second-factor', { way: 'app', code: `00000${i}` })).status).toBe(401);
    const right = { way: 'app', code: nextCode(secret) };
    expect((await visitor.post('/console/second-factor', right)).status).toBe(429);
    now = now.add({ minutes: 5, seconds: 1 });
    expect((await visitor.post('/console/second-factor', right)).to).toBe('/console');
  });

  it('bars a guesser for the day after thirty wrong codes, and tells of it', async () => {
    const { email, id } = await member();
    await setUp(email);
    const visitor = new Visitor(app);
    await visitor.post('/console/sign-in', { email, password });
    const seen: number[] = [];
    for (let i = 0; i < 40; i++) {
      seen.push(
        (await visitor.post('/console/second-factor', { way: 'app', code: `9${String(i).padStart(5, '0')}` })).status,
      );
      now = now.add({ minutes: 2 });
    }
    expect(seen.filter((status) => status === 401)).toHaveLength(30);
    expect(seen.slice(-10).every((status) => status === 429)).toBe(true);
    const alarms = await office.store.db
      .sql`SELECT 1 FROM alarms WHERE kind = 'failed_sign_ins' AND facts->>'actor' = ${id}`;
    expect(alarms.length).toBeGreaterThan(0);
  });

  it('says the same of an unknown address and a wrong password', async () => {
    const { email } = await member();
    const answers = [];
    for (const address of [email, 'nobody@example.com'])
      answers.push(await new Visitor(app).post('/console/sign-in', { email: address, password: 'not the password' }));
    expect(answers[0]?.status).toBe(401);
    expect(answers[0]?.text).toBe(answers[1]?.text);
  });
});

describe('what was begun and left', () => {
  const passkeyOf = (id: string) => office.store.db.sql`INSERT INTO passkeys
    (id, name, public_key, user_id, credential_id, counter, device_type, backed_up) VALUES (${`pk${id}`}, 'Key', 'x', ${id}, ${`c${id}`}, 0, 'singleDevice', false)`;

  it('by a thief with the password opens nothing once its owner has a second factor', async () => {
    const { email, id } = await member();
    const thief = new Visitor(app);
    await thief.post('/console/sign-in', { email, password });
    const secret = secretIn((await thief.post('/console/second-factor/set-up', { password })).text);
    await passkeyOf(id);
    const later = new Visitor(app);
    await later.post('/console/sign-in', { email, password });
    expect((await later.get('/console/second-factor/set-up')).to).toBe('/console/second-factor');
    const given = await later.post('/console/second-factor', { way: 'app', code: appCode(secret, Date.now()) });
    expect(given.status).toBe(401);
    expect((await later.get('/console')).to).toMatch(/second-factor/);
  });

  it('in one’s account is finished with a fresh proof only', async () => {
    const { email, id } = await member();
    const { visitor } = await setUp(email);
    await passkeyOf(id);
    expect((await visitor.post('/console/account/app/remove')).status).toBe(303);
    const begun = await visitor.post('/console/account/app', { password });
    const secret = secretIn(begun.text);
    expect(secret).not.toBe('');
    now = now.add({ minutes: 6 });
    const stale = await visitor.post('/console/account/app/finish', { code: appCode(secret, Date.now()) });
    expect(stale.to).toMatch(/step-up/);
    expect(stale.text).not.toContain(secret);
  });

  it('of invitations: only the newest counts, none after a password is set, and none for whoever was disabled', async () => {
    const boss = await member('admin');
    const { visitor: admin } = await setUp(boss.email);
    const linkOf = async (id: string) =>
      /<code class="secret">http:\/\/localhost:3000([^<]+)<\/code>/.exec(
        (await admin.post(`/console/settings/people/${id}/invite`)).text,
      )?.[1] ?? '';
    const other = await member();
    const { visitor } = await setUp(other.email);
    const [first, second] = [await linkOf(other.id), await linkOf(other.id)];
    expect((await new Visitor(app).post(first, { password: 'a password of the thief' })).status).toBe(410);
    expect((await new Visitor(app).post(second, { password: 'a password of the owner' })).status).toBe(303);
    // Whoever was signed in with the old password is signed out.
    expect((await visitor.get('/console')).to).toMatch(/sign-in/);
    const third = await linkOf(other.id);
    await admin.post(`/console/settings/people/${other.id}/disable`);
    expect((await new Visitor(app).post(third, { password: 'a password of the leaver' })).status).toBe(410);
  });
});

describe('a race', () => {
  it('of tokens made while the role changes leaves none that counts', async () => {
    const boss = await member('admin');
    const by: Actor = { id: boss.id, kind: 'person', role: 'admin', approval: 'step_up' };
    const other = await member('legal');
    const own: Actor = { id: other.id, kind: 'person', role: 'legal', approval: 'step_up' };
    const made: string[] = [];
    const make = async () => {
      const order = { name: other.name, role: 'legal' as const, expires: null, canApprove: true };
      const token = await makeToken(office, own, order, false);
      if (!isRefusal(token)) made.push(token.token);
    };
    await Promise.all([
      ...Array.from({ length: 12 }, make),
      changeRole(office, by, other.id, 'auditor'),
      ...Array.from({ length: 12 }, make),
    ]);
    const alive = await Promise.all(made.map((token) => authenticateToken(office, token)));
    expect(alive.filter((caller) => caller !== null)).toEqual([]);
  });

  it('of second factors given while they are taken away leaves no whole session', async () => {
    const boss = await member('admin');
    const by: Actor = { id: boss.id, kind: 'person', role: 'admin', approval: 'step_up' };
    for (let round = 0; round < 4; round++) {
      const other = await member();
      const { secret, recovery } = await setUp(other.email);
      const visitors = await Promise.all(
        Array.from({ length: 5 }, async () => {
          const visitor = new Visitor(app);
          await visitor.post('/console/sign-in', { email: other.email, password });
          return visitor;
        }),
      );
      await Promise.all([
        ...visitors.map((visitor, i) =>
          i === 0
            ? visitor.post('/console/second-factor', { way: 'app', code: nextCode(secret) })
            : visitor.post('/console/second-factor', { way: 'recovery', code: recovery[i] ?? '' }),
        ),
        resetSecondFactor(office, by, other.id),
      ]);
      for (const visitor of visitors) expect((await visitor.get('/console')).status).toBe(303);
    }
  });
});

describe('a flood of wrong passwords', () => {
  const wrong = async (email: string, from: string, device: string | null = null) => {
    network = from;
    const visitor = new Visitor(app);
    if (device !== null) visitor.setCookie('muniment.device', device);
    return (await visitor.post('/console/sign-in', { email, password: 'wrong wrong wrong' })).status;
  };

  it('bars strangers from the account and not its owner on a known device; one alarm tells of it', async () => {
    const { email, id } = await member();
    network = '198.51.100.1';
    const { visitor: owner, secret } = await setUp(email);
    await owner.post('/console/sign-out');
    expect(owner.cookie('muniment.device')).toBeDefined();
    const seen = [];
    for (let i = 0; i < 40; i++) seen.push(await wrong(email, `203.0.113.${i}`));
    expect(seen.slice(0, 30).every((status) => status === 401)).toBe(true);
    expect(seen.slice(30).every((status) => status === 429)).toBe(true);
    // The right password from an unknown device is barred as well: it says nothing about the password.
    network = '203.0.113.99';
    expect((await new Visitor(app).post('/console/sign-in', { email, password })).status).toBe(429);
    // The owner's browser is known.
    const entered = await owner.post('/console/sign-in', { email, password });
    expect(entered.to).toMatch(/second-factor/);
    expect((await owner.post('/console/second-factor', { way: 'app', code: nextCode(secret) })).to).toBe('/console');
    const alarms = await office.store.db
      .sql`SELECT 1 FROM alarms WHERE kind = 'failed_sign_ins' AND facts->>'actor' = ${id}`;
    expect(alarms).toHaveLength(1);
  });

  it('of one network at one account ends after ten, and a forged proof of a known device helps nobody', async () => {
    const { email } = await member();
    const seen = [];
    for (let i = 0; i < 12; i++) seen.push(await wrong(email, '192.0.2.77'));
    expect(seen.filter((status) => status === 401)).toHaveLength(10);
    const forger = new Visitor(app);
    network = '192.0.2.78';
    const { visitor: other } = await setUp((await member()).email);
    network = '192.0.2.77';
    for (const device of [`${'a'.repeat(22)}.${'b'.repeat(43)}`, '.', other.cookie('muniment.device') ?? 'x']) {
      forger.setCookie('muniment.device', device);
      expect((await forger.post('/console/sign-in', { email, password })).status).toBe(429);
    }
  });

  it('of one known device is counted together, however its proof is spelled', async () => {
    const { email } = await member();
    const { visitor } = await setUp(email);
    const device = visitor.cookie('muniment.device') ?? '';
    network = '192.0.2.90';
    const seen: number[] = [];
    for (let i = 0; i < 10; i++) seen.push(await wrong(email, network, device));
    expect(seen).toEqual(Array(10).fill(401));
    expect(await wrong(email, network, device)).toBe(429);
    // No longer a known device, but a stranger, who has ten tries of their own and no more.
    const spelled = [];
    for (let i = 0; i < 11; i++) spelled.push(await wrong(email, network, `${device}.${i}`));
    expect(spelled.filter((status) => status === 401)).toHaveLength(10);
  });

  it('by a thief with the password bars neither the owner’s step-up nor their known device', async () => {
    for (const way of ['step-up', 'second-factor']) {
      const { email } = await member();
      const { visitor: owner, secret } = await setUp(email);
      network = '198.51.100.9';
      const thief = new Visitor(app);
      await thief.post('/console/sign-in', { email, password });
      const seen = [];
      for (let i = 0; i < 7; i++) seen.push((await thief.post('/console/second-factor', { code: `00000${i}` })).status);
      expect(seen).toEqual([401, 401, 401, 401, 401, 401, 429]);
      network = '192.0.2.1';
      if (way === 'second-factor') await owner.post('/console/sign-in', { email, password });
      expect((await owner.post(`/console/${way}`, { code: nextCode(secret) })).to).toBe('/console');
      // Who has the owner's session or device has six tries at their code.
      if (way === 'second-factor') await owner.post('/console/sign-in', { email, password });
      const guesses = [];
      for (let i = 0; i < 8; i++) guesses.push((await owner.post(`/console/${way}`, { code: `00000${i}` })).status);
      expect(guesses).toEqual([401, 401, 401, 401, 401, 401, 429, 429]);
    }
  });

  it('of a password inside an account ends after six, wherever it is asked', async () => {
    const { email } = await member();
    const { visitor, secret } = await setUp(email);
    expect((await visitor.post('/console/step-up', { code: nextCode(secret) })).to).toBe('/console');
    const forms = ['/console/account/recovery', '/console/account/app', '/console/account/password'];
    const told = [];
    for (let i = 0; i < 9; i++) {
      const password = `wrong password ${i}`;
      const { text } = await visitor.post(forms[i % 3] ?? '', { password, old: password, new: `${password} new` });
      told.push(text.includes('tried too often'));
    }
    expect(told).toEqual([false, false, false, false, false, false, true, true, true]);
    expect((await visitor.post('/console/account/recovery', { password })).text).toContain('tried too often');
  });

  it('keeps no more challenges of passkeys than a network may ask for, and none that has run out', async () => {
    const { sql } = office.store.db;
    const kept = async () => Number((await sql`SELECT count(*)::int AS n FROM verifications`)[0]?.n);
    const ask = () => new Visitor(app).post('/console/sign-in/passkey');
    network = '198.51.100.77';
    expect((await ask()).status).toBe(200);
    const before = await kept();
    const statuses: number[] = [];
    for (let i = 0; i < 31; i++)
      statuses.push(...(await Promise.all(Array.from({ length: 10 }, ask))).map(({ status }) => status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(299);
    expect(statuses.filter((status) => status === 429)).toHaveLength(11);
    expect(await kept()).toBe(before + 299);
    // Another network is not barred by it, and clears away what nobody answered.
    network = '198.51.100.78';
    await sql`UPDATE verifications SET expires_at = now() - interval '1 second'`;
    expect((await ask()).status).toBe(200);
    expect(await kept()).toBe(1);
    network = '192.0.2.1';
  });

  it('counts tries made at once, each', async () => {
    const { email } = await member();
    network = '192.0.2.88';
    const statuses = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const visitor = new Visitor(app);
        return (await visitor.post('/console/sign-in', { email, password: 'wrong wrong wrong' })).status;
      }),
    );
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(20);
    network = '192.0.2.1';
  });
});

describe('who gets in', () => {
  it('ends at once for whoever is disabled: sessions and tokens, and the record keeps their name', async () => {
    const boss = await member('admin');
    const left = await member();
    const { visitor } = await setUp(left.email);
    const { visitor: admin } = await setUp(boss.email);
    const made = await visitor.post('/console/account/tokens', { expires: 'P1D' });
    const token = /mnt_[A-Za-z0-9_-]{43}/.exec(made.text)?.[0] ?? '';
    expect(token).not.toBe('');
    expect((await admin.post(`/console/settings/people/${left.id}/disable`)).status).toBe(303);
    expect((await visitor.get('/console')).to).toMatch(/sign-in/);
    const [row] = await office.store.db.sql`SELECT revoked_at FROM tokens WHERE actor_id = ${left.id}`;
    expect(row?.revoked_at).not.toBeNull();
    expect((await new Visitor(app).post('/console/sign-in', { email: left.email, password })).status).toBe(401);
    expect((await admin.get(`/console/settings/people/${left.id}`)).text).toContain('disabled');
    expect((await admin.post(`/console/settings/people/${left.id}/enable`)).status).toBe(303);
    expect((await new Visitor(app).post('/console/sign-in', { email: left.email, password })).status).toBe(303);
    expect((await visitor.get('/console')).to).toMatch(/sign-in/);
  });

  it('changes with the role at once, never by oneself, and asks for a fresh proof', async () => {
    const boss = await member('admin');
    const other = await member();
    const { visitor: admin, secret } = await setUp(boss.email);
    const { visitor } = await setUp(other.email);
    expect((await visitor.get('/console/settings')).status).toBe(403);
    const role = (id: string, to: string) => admin.post(`/console/settings/people/${id}/role`, { role: to });
    expect((await role(boss.id, 'legal')).status).toBe(409);
    now = now.add({ minutes: 6 });
    expect((await role(other.id, 'admin')).to).toBe(
      `/console/step-up?next=${encodeURIComponent(`/console/settings/people/${other.id}`)}`,
    );
    const step = await admin.post('/console/step-up', { code: nextCode(secret), next: '/console/settings' });
    expect(step.to).toBe('/console/settings');
    expect((await role(other.id, 'admin')).to).toBe(`/console/settings/people/${other.id}`);
    expect((await visitor.get('/console')).to).toMatch(/sign-in/);
    const [raised] = await office.store.db
      .sql`SELECT facts FROM alarms WHERE kind = 'role_changed' AND facts->>'actor' = ${other.id}`;
    expect(raised?.facts).toMatchObject({ from: 'legal', to: 'admin', by: boss.id });
  });

  it('never leaves nobody who can let people in, even when two administrators disable each other at once', async () => {
    await office.store.db.sql`UPDATE people SET role = 'auditor' WHERE role = 'admin'`;
    const [a, b] = [await member('admin'), await member('admin')];
    const [first, second] = [(await setUp(a.email)).visitor, (await setUp(b.email)).visitor];
    await Promise.all([
      first.post(`/console/settings/people/${b.id}/disable`),
      second.post(`/console/settings/people/${a.id}/disable`),
    ]);
    const left = await office.store.db.sql`SELECT id FROM people WHERE role = 'admin' AND disabled_at IS NULL`;
    expect(left).toHaveLength(1);
  });

  it('I6 gives nobody a secret that approves in another name', async () => {
    const boss = await member('admin');
    const { visitor: admin } = await setUp(boss.email);
    const by: Actor = { id: boss.id, kind: 'person', role: 'admin', approval: 'step_up' };
    const order = { role: 'legal' as const, expires: null };
    const other = await member();
    const { name } = other;
    for (const refused of [
      await makeToken(office, by, { ...order, name, canApprove: false }, true),
      await makeToken(office, by, { ...order, name: 'a-new-service', canApprove: true }, true),
      await makeToken(office, { ...by, approval: null }, { ...order, name: 'a-new-service', canApprove: false }, true),
      await makeToken(office, by, { ...order, name: 'a-new-service', canApprove: false }, false),
    ])
      expect(isRefusal(refused)).toBe(true);
    expect(isRefusal(await makeToken(office, by, { ...order, name: 'a-new-service', canApprove: false }, true))).toBe(
      false,
    );
    expect((await admin.get('/console/settings')).text).toContain('a-new-service');
  });

  it('of a token may be fewer than its role has, are never more, and say so in the list', async () => {
    const boss = await member('admin');
    const { visitor: admin } = await setUp(boss.email);
    const by: Actor = { id: boss.id, kind: 'person', role: 'admin', approval: 'step_up' };
    const order = { name: 'figures-only', role: 'auditor' as const, expires: null, canApprove: false };
    const made = await makeToken(office, by, { ...order, scopes: ['figures.read', 'runs.read'] }, true);
    if (isRefusal(made)) throw new Error(made.detail);
    const api = httpApp(office, {
      sessionOf: async () => null,
      metrics: async () => '',
      metricsToken: 'm',
      networkOf: () => null,
      report: () => {},
    }).app;
    const ask = async (path: string) =>
      (await api.request(`/api/v1${path}`, { headers: { Authorization: `Bearer ${made.token}` } })).status;
    expect(await ask('/disposition/runs')).toBe(200);
    for (const path of ['/requests', '/holds', '/demands', '/exports', '/ledger/entries', '/alarms'])
      expect(await ask(path), path).toBe(403);
    for (const scopes of [['people.manage'], ['figures.read', 'exports.approve'], ['figure.read']])
      expect(await makeToken(office, by, { ...order, scopes }, true)).toMatchObject({
        code: 'invalid',
        errors: [expect.objectContaining({ code: 'permission_unknown' })],
      });
    expect((await admin.get('/console/settings')).text).toContain('figures.read, runs.read');
  });

  it('is one person over all their tokens and sessions', async () => {
    const { email, id } = await member();
    const { visitor } = await setUp(email);
    await visitor.post('/console/account/tokens', { expires: 'P1D', approves: 'yes' });
    const [row] = await office.store.db.sql`SELECT actor_id, can_approve FROM tokens WHERE actor_id = ${id}`;
    expect(row).toEqual({ actor_id: id, can_approve: true });
  });

  it('loses the second factor by an administrator, and sets up a new one at the next sign-in', async () => {
    const boss = await member('admin');
    const other = await member();
    const { visitor: admin } = await setUp(boss.email);
    const { visitor } = await setUp(other.email);
    expect((await admin.post(`/console/settings/people/${other.id}/reset`)).status).toBe(303);
    expect((await visitor.get('/console')).to).toMatch(/sign-in/);
    const back = new Visitor(app);
    await back.post('/console/sign-in', { email: other.email, password });
    expect((await back.get('/console/second-factor')).to).toMatch(/set-up/);
  });

  it('gets a new link for a forgotten password, which leaves the second factor as it is', async () => {
    const boss = await member('admin');
    const other = await member();
    const { visitor: admin } = await setUp(boss.email);
    const { secret } = await setUp(other.email);
    const said = await admin.post(`/console/settings/people/${other.id}/invite`);
    const link = /<code class="secret">http:\/\/localhost:3000([^<]+)<\/code>/.exec(said.text)?.[1] ?? '';
    const visitor = new Visitor(app);
    expect((await visitor.post(link, { password: 'too short' })).status).toBe(422);
    expect((await visitor.post(link, { password: 'x'.repeat(129) })).status).toBe(422);
    expect((await visitor.post(link, { password: 'quite another password' })).to).toBe('/console/sign-in');
    expect((await visitor.post(link, { password: 'and a third one of these' })).status).toBe(410);
    await visitor.post('/console/sign-in', { email: other.email, password: 'quite another password' });
    expect((await visitor.get('/console/second-factor/set-up')).to).toBe('/console/second-factor');
    expect((await visitor.post('/console/second-factor', { way: 'app', code: nextCode(secret) })).to).toBe('/console');
    const alarms = await office.store.db
      .sql`SELECT 1 FROM alarms WHERE kind = 'invited_again' AND facts->>'actor' = ${other.id}`;
    expect(alarms).toHaveLength(1);
  });

  it('changes the password with the old one, and every other session ends', async () => {
    const { email } = await member();
    const { visitor, secret } = await setUp(email);
    const phone = new Visitor(app);
    await phone.post('/console/sign-in', { email, password });
    await phone.post('/console/second-factor', { way: 'app', code: nextCode(secret) });
    const change = (old: string, next: string) => visitor.post('/console/account/password', { old, new: next });
    expect((await change('not the old one', 'a wholly new password')).status).toBe(409);
    expect((await change(password, 'short')).status).toBe(409);
    expect((await phone.get('/console')).status).toBe(200);
    expect((await change(password, 'a wholly new password')).status).toBe(200);
    expect((await phone.get('/console')).to).toMatch(/sign-in/);
    expect((await visitor.get('/console')).status).toBe(200);
    const again = (word: string) => new Visitor(app).post('/console/sign-in', { email, password: word });
    expect((await again(password)).status).toBe(401);
    expect((await again('a wholly new password')).status).toBe(303);
  });

  it('is asked anew after twelve hours, however busy the session was', async () => {
    const { email } = await member();
    const { visitor } = await setUp(email);
    await office.store.db.sql`UPDATE sessions SET expires_at = expires_at - interval '11 hours 59 minutes'`;
    expect((await visitor.get('/console')).status).toBe(200);
    await office.store.db.sql`UPDATE sessions SET expires_at = expires_at - interval '2 minutes'`;
    expect((await visitor.get('/console')).to).toMatch(/sign-in/);
  });

  it('sees their own sessions and ends them; never their last second factor', async () => {
    const { email } = await member();
    const { visitor, secret } = await setUp(email);
    const phone = new Visitor(app);
    await phone.post('/console/sign-in', { email, password });
    await phone.post('/console/second-factor', { way: 'app', code: nextCode(secret) });
    expect((await phone.get('/console')).status).toBe(200);
    expect((await visitor.get('/console/account')).text).toContain('End all others');
    await visitor.post('/console/account/sessions/end');
    expect((await phone.get('/console')).to).toMatch(/sign-in/);
    expect((await visitor.get('/console')).status).toBe(200);
    const refused = await visitor.post('/console/account/app/remove');
    expect(refused.status).toBe(409);
    expect(refused.text).toContain('only second factor');
  });
});
