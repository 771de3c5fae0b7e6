import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Role } from '../../src/core/actor.ts';
import { bringLedgerUpToDate } from '../../src/flows/read-ledger.ts';
import { httpApp } from '../../src/http/app.ts';
import { webApp } from '../../src/web/app.tsx';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { type MailServer, startMailServer } from '../support/mail.ts';
import { tokenFor } from '../support/people.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { firstSignIn, type Member, newMember, nextCode, staffPassword, Visitor } from '../support/staff.ts';

let opened: TestHouse;
let mail: MailServer;
let app: ReturnType<typeof webApp>;
let api: ReturnType<typeof httpApp>['app'];
let now = Temporal.Now.instant();
let people = 0;
const logged: string[] = [];
const canary = 'kanarienvogel im schacht';

beforeAll(async () => {
  mail = await startMailServer();
  opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    env: { APP: 'postgres://nobody@127.0.0.1:1/nothing', SMTP_URL: mail.url },
    now: () => now,
    working: true,
    log: (...said) => logged.push(JSON.stringify(said)),
  });
  const { office } = opened.house;
  const report = (what: string) => logged.push(what);
  app = webApp(office, { nextBell: () => null, networkOf: () => `192.0.2.${people}`, report });
  api = httpApp(office, {
    sessionOf: (headers) => office.signIn.session(headers),
    metrics: async () => '',
    metricsToken: 'm',
    networkOf: () => null,
    report,
  }).app as never;
});
afterAll(async () => {
  await opened?.close();
  await mail?.close();
});
beforeEach(() => {
  now = Temporal.Now.instant();
});

interface Signed extends Member {
  readonly visitor: Visitor;
  readonly secret: string;
}

async function member(role: Role): Promise<Signed> {
  people += 1;
  const one = await newMember(opened.house.office, role, `glass${people}@example.com`);
  return { ...one, ...(await firstSignIn(app, one.email)) };
}

const take = (visitor: Visitor, role: Role, minutes = '30') =>
  visitor.post('/console/account/break-glass', { role, reason: canary, minutes });
const lendingOf = async (id: string) =>
  (
    await opened.house.office.store.db
      .sql`SELECT * FROM break_glass WHERE actor_id = ${id} ORDER BY started_at DESC LIMIT 1`
  )[0];
const entriesOf = async (kind: string) => {
  const { sql } = opened.house.office.store.db;
  await bringLedgerUpToDate(opened.house.office);
  const rows = await sql<{ e: { actor: string; facts: Record<string, string> } }[]>`
    SELECT convert_from(bytes, 'UTF8')::jsonb AS e FROM ledger_entries WHERE kind = ${kind} ORDER BY index`;
  return rows.map(({ e }) => e);
};
const call = (visitor: Visitor, method: 'GET' | 'POST', path: string, body?: unknown) =>
  api.request(`/api/v1${path}`, {
    method,
    headers: { cookie: visitor.jar, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

describe('a role taken in an emergency', () => {
  it('lends what the other role sees, says so on every page, alarms at once, and ends by hand', async () => {
    const { visitor, id } = await member('privacy');
    expect((await visitor.get('/console/demands')).status).toBe(403);
    expect((await take(visitor, 'legal')).to).toBe('/console');
    for (const page of ['/console', '/console/demands', '/console/account', '/console/no-such-page']) {
      const { text } = await visitor.get(page);
      expect(text, page).toContain('holds the role legal');
      expect(text, page).toContain('Give it back now');
    }
    expect((await visitor.get('/console/demands')).status).toBe(200);
    expect((await call(visitor, 'GET', '/demands')).status).toBe(200);
    const lending = await lendingOf(id);
    const [alarm] = await opened.house.office.store.db
      .sql`SELECT facts FROM alarms WHERE kind = 'role_lent' AND facts->>'by' = ${id}`;
    expect(alarm?.facts).toMatchObject({ lending: lending?.id, role: 'legal' });
    await mail.waitFor(({ mail: { text } }) => (text ?? '').includes(String(lending?.id)));
    expect((await take(visitor, 'compliance')).text).toContain('Give it back first');
    await visitor.post(`/console/account/break-glass/${lending?.id}/end`);
    expect((await visitor.get('/console/demands')).status).toBe(403);
    expect((await call(visitor, 'GET', '/demands')).status).toBe(403);
    expect((await visitor.get('/console')).text).not.toContain('Give it back now');
    const returned = (await entriesOf('access.returned')).filter(({ facts }) => facts.lending === lending?.id);
    expect(returned).toMatchObject([{ actor: id, facts: { actor: id, role: 'legal' } }]);
  });

  it('I6 approves nothing, whoever prepared it', async () => {
    const legal = await member('legal');
    const { visitor } = await member('compliance');
    await take(visitor, 'legal');
    const made = await call(legal.visitor, 'POST', '/holds', {
      matter: 'Glass',
      reason: 'x',
      scope: { subjects: [{ kind: 'email', value: 'a@example.com' }] },
    });
    expect(made.status).toBe(201);
    const { id } = (await made.json()) as { id: string };
    // It works with the role: asks for the release that somebody of legal will decide.
    expect((await call(visitor, 'GET', `/holds/${id}`)).status).toBe(200);
    await call(visitor, 'POST', `/holds/${id}/release`);
    const approved = await call(visitor, 'POST', `/holds/${id}/approve`);
    expect([approved.status, ((await approved.json()) as { permission: string }).permission]).toEqual([
      403,
      'holds.approve',
    ]);
    for (const path of [`holds/${id}`, 'exports/x', 'requests/x'])
      expect((await visitor.post(`/console/${path}/approve`)).status, path).toBe(403);
  });

  it('gives nobody people, keys, reviews or the last word on an alarm, not even the role admin', async () => {
    const other = await member('legal');
    const { visitor, id } = await member('privacy');
    expect((await take(visitor, 'admin')).to).toBe('/console');
    expect((await visitor.get('/console/alarms')).status).toBe(200);
    for (const page of ['settings', 'settings/invite', `settings/people/${other.id}`, 'settings/reviews'])
      expect((await visitor.get(`/console/${page}`)).status, page).toBe(403);
    for (const [path, form] of [
      [`settings/people/${id}/role`, { role: 'admin' }],
      [`settings/people/${other.id}/disable`, {}],
      ['settings/invite', { name: 'Eve', email: 'eve@example.com', role: 'admin' }],
      ['settings/reviews', {}],
      ['alarms/alm_1/seen', {}],
      [`alarms/lent/${(await lendingOf(id))?.id}/review`, {}],
    ] as const)
      expect((await visitor.post(`/console/${path}`, form)).status, path).toBe(403);
    for (const path of ['/people', '/tokens', '/access/reviews'])
      expect((await call(visitor, 'GET', path)).status).toBe(403);
    // A token made meanwhile has one's own role, and carries nothing that was lent.
    const made = await visitor.post('/console/account/tokens', { expires: 'P1D', approves: 'yes' });
    const token = /mnt_[A-Za-z0-9_-]{43}/.exec(made.text)?.[0] ?? '';
    const answers = await Promise.all(
      ['/alarms', '/requests'].map(async (path) =>
        api.request(`/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([403, 200]);
  });

  it('ends by itself at its very instant, in every session, and the ledger says when', async () => {
    const { visitor, id } = await member('privacy');
    await take(visitor, 'legal', '15');
    const lending = await lendingOf(id);
    const until = Temporal.Instant.from(new Date(String(lending?.ends_at)).toISOString());
    now = until.subtract({ milliseconds: 1 });
    expect((await visitor.get('/console/demands')).status).toBe(200);
    now = until;
    expect((await call(visitor, 'GET', '/demands')).status).toBe(403);
    expect((await visitor.get('/console/demands')).status).toBe(403);
    const returned = (await entriesOf('access.returned')).filter(({ facts }) => facts.lending === lending?.id);
    expect(returned).toMatchObject([
      { actor: 'system', facts: { until: until.toString({ smallestUnit: 'millisecond' }) } },
    ]);
  });

  it('does not come back with the next sign-in', async () => {
    const { visitor, email, secret } = await member('privacy');
    await take(visitor, 'legal');
    await visitor.post('/console/sign-out');
    const again = new Visitor(app);
    await again.post('/console/sign-in', { email, password: staffPassword });
    await again.post('/console/second-factor', { way: 'app', code: nextCode(secret) });
    expect((await again.get('/console')).status).toBe(200);
    expect((await again.get('/console/demands')).status).toBe(403);
  });

  it('ends with one’s access: disabled and let in again, or another role, has nothing of it', async () => {
    const admin = await member('admin');
    for (const move of ['disable', 'role', 'reset'] as const) {
      const { visitor, id } = await member('privacy');
      await take(visitor, 'legal');
      expect((await admin.visitor.post(`/console/settings/people/${id}/${move}`, { role: 'auditor' })).status).toBe(
        303,
      );
      expect((await lendingOf(id))?.ended_at, move).not.toBeNull();
      expect((await visitor.get('/console/demands')).to).toMatch(/sign-in/);
    }
  });

  it('is for a person with a fresh proof, a reason, and a role that gives something; never for a token or an auditor', async () => {
    const { visitor } = await member('privacy');
    for (const wrong of [
      { role: 'legal', reason: '  ', minutes: '30' },
      { role: 'legal', reason: 'x', minutes: '61' },
      { role: 'legal', reason: 'x', minutes: '0' },
      { role: 'privacy', reason: 'x', minutes: '30' },
      { role: 'king', reason: 'x', minutes: '30' },
    ])
      expect((await visitor.post('/console/account/break-glass', wrong)).status, JSON.stringify(wrong)).toBe(422);
    const body = { role: 'legal', reason: canary, minutes: 30 };
    const token = await tokenFor(opened.house.office, { name: 'script', role: 'privacy' });
    const byToken = await api.request('/api/v1/access/break-glass', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(byToken.status).toBe(403);
    const auditor = await member('auditor');
    expect((await take(auditor.visitor, 'legal')).status).toBe(403);
    now = now.add({ minutes: 6 });
    expect((await take(visitor, 'legal')).to).toMatch(/step-up/);
    expect((await call(visitor, 'POST', '/access/break-glass', body)).status).toBe(403);
    expect((await visitor.get('/console/demands')).status).toBe(403);
  });

  it('is one at a time, even when asked for twice at once', async () => {
    const { visitor, id } = await member('privacy');
    await Promise.all([take(visitor, 'legal'), take(visitor, 'compliance')]);
    const { sql } = opened.house.office.store.db;
    expect(await sql`SELECT 1 FROM break_glass WHERE actor_id = ${id} AND ended_at IS NULL`).toHaveLength(1);
  });

  it('is reviewed by somebody else, after it ended, with what was done in its time', async () => {
    const officer = await member('compliance');
    const boss = await member('admin');
    const { visitor, id } = await member('compliance');
    await take(visitor, 'legal');
    await call(visitor, 'POST', '/holds', {
      matter: 'Glass',
      reason: 'x',
      scope: { subjects: [{ kind: 'email', value: 'b@example.com' }] },
    });
    const lending = String((await lendingOf(id))?.id);
    const page = `/console/alarms/lent/${lending}`;
    expect((await officer.visitor.post(`${page}/review`)).text).toContain('still lasts');
    // Whoever watches alarms may end it over the borrower's head.
    await officer.visitor.post(`${page}/end`);
    expect((await visitor.get('/console/demands')).status).toBe(403);
    expect((await visitor.post(`${page}/review`)).status).toBe(409);
    const { text } = await boss.visitor.get(page);
    expect(text).toContain(canary);
    expect(text).toContain('hold.placed');
    expect((await officer.visitor.get('/console/alarms')).text).toContain(lending);
    expect((await officer.visitor.post(`${page}/review`)).to).toBe(page);
    expect(await lendingOf(id)).toMatchObject({ reviewed_by: officer.id });
    await boss.visitor.post(`${page}/review`);
    const reviewed = (await entriesOf('access.reviewed')).filter(({ facts }) => facts.lending === lending);
    expect(reviewed).toMatchObject([{ actor: officer.id, facts: { actor: id, role: 'legal' } }]);
    const table = await officer.visitor.get('/console/alarms');
    expect(table.text).not.toContain(`/console/alarms/lent/${lending}`);
  });

  it('I5 its reason stands in no ledger, log, alarm, mail, task or plain column', async () => {
    const { sql } = opened.house.office.store.db;
    await bringLedgerUpToDate(opened.house.office);
    const tables = await sql<{ name: string }[]>`
      SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN ('public', 'pgboss')`;
    expect((await sql`SELECT 1 FROM break_glass`).length).toBeGreaterThan(5);
    const forms = [canary, Buffer.from(canary).toString('hex'), Buffer.from(canary).toString('base64').slice(0, 30)];
    for (const { name } of tables) {
      const [row] = await sql<{ text: string | null }[]>`SELECT string_agg(t::text, ' ') AS text FROM ${sql(name)} t`;
      for (const form of forms) expect(row?.text ?? '', name).not.toContain(form);
    }
    const entries = await sql<{ text: string }[]>`SELECT convert_from(bytes, 'UTF8') AS text FROM ledger_entries`;
    expect(entries.map(({ text }) => text).join('\n')).not.toContain(canary);
    expect(logged.join('\n')).not.toContain(canary);
    expect(mail.received().length).toBeGreaterThan(0);
    expect(JSON.stringify(mail.received().map(({ mail: { subject, text } }) => [subject, text]))).not.toContain(canary);
  });
});
