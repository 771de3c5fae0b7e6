import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../src/core/actor.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { verifyUpload } from '../../src/flows/verify-upload.ts';
import { httpApp } from '../../src/http/app.ts';
import { webApp } from '../../src/web/app.tsx';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { type MailServer, startMailServer } from '../support/mail.ts';
import { tokenFor } from '../support/people.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { waitUntil } from '../support/wait.ts';

const origin = 'http://localhost:3000';

let app: TestDatabase;
let mail: MailServer;
let opened: TestHouse;
let doors: Hono;
let ahead = Temporal.Duration.from({ hours: 0 });
const tokens = new Map<string, string>();

beforeAll(async () => {
  [app, mail] = await Promise.all([emptyDatabase(), startMailServer()]);
  await app.sql.unsafe(`CREATE TABLE users (id int PRIMARY KEY, email text, name text);
    CREATE TABLE messages (id int PRIMARY KEY, sender_id int REFERENCES users, sent_at timestamptz, body text);
    INSERT INTO users VALUES (1, 'ada@example.com', 'Ada'), (2, 'bob@example.com', 'Bob'), (3, 'cleo@example.com', 'Cleo');
    INSERT INTO messages SELECT n, 1 + n % 3, now() - n * interval '1 hour', 'message ' || n || ' of ' || (1 + n % 3)
      FROM generate_series(1, 30) n;`);
  opened = await openTestHouse({
    policies: policiesFolder({
      'sources.yaml': mailboxSources,
      'retention.yaml': messagesRetention,
      'organization.yaml': `${readFileSync('policies/organization.yaml', 'utf8')}\n  cooling: { holdRelease: P2D }\n`,
    }),
    env: { APP: app.url, SMTP_URL: mail.url },
    now: () => Temporal.Now.instant().round('millisecond').add(ahead),
    working: true,
  });
  const { office } = opened.house;
  const http = httpApp(office, {
    sessionOf: async () => null,
    metrics: async () => '',
    metricsToken: 'm',
    networkOf: () => null,
    report: () => {},
  });
  http.app.route('/', webApp(office, { nextBell: () => null, networkOf: () => null, report: () => {} }));
  doors = http.app as unknown as Hono;
  const people: readonly (readonly [string, Role])[] = [
    ['Pat Preparer', 'privacy'],
    ['Alex Approver', 'privacy'],
    ['Lee Legal', 'legal'],
    ['Lou Legal', 'legal'],
    ['Ari Auditor', 'auditor'],
  ];
  for (const [name, role] of people) tokens.set(name, await tokenFor(office, { name, role }));
});
afterAll(async () => {
  await opened?.close();
  await mail?.close();
  await app?.drop();
});

async function api(who: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await doors.request(`/api/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${tokens.get(who)}`, 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as never };
}

/** A person's browser: it keeps its cookies, and posts forms from our own pages. */
function visitor() {
  const cookies = new Map<string, string>();
  const visit = async (path: string, form?: Record<string, string>) => {
    const response = await doors.request(`${origin}${path}`, {
      method: form ? 'POST' : 'GET',
      headers: { Origin: origin, Cookie: [...cookies].map((pair) => pair.join('=')).join('; ') },
      ...(form ? { body: new URLSearchParams(form) } : {}),
    });
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies.set(name, value);
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, bytes, text: Buffer.from(bytes).toString('utf8') };
  };
  return { visit };
}

/** What was mailed to somebody about a request and has a subject of this kind, newest last. */
function lettersTo(address: string, reference: string, subject: RegExp): readonly string[] {
  return mail
    .received()
    .filter(({ to, mail: letter }) => to.includes(address) && subject.test(letter.subject ?? ''))
    .map(({ mail: letter }) => letter.text ?? '')
    .filter((text) => text.includes(reference));
}
const codesTo = (address: string, reference: string) =>
  lettersTo(address, reference, /^Your code/).map((text) => /code is (\d{8})/.exec(text)?.[1] ?? '');

async function inState(id: string, state: string): Promise<Record<string, unknown>> {
  return waitUntil(async () => {
    const body: Record<string, unknown> = (await api('Pat Preparer', 'GET', `/requests/${id}`)).body;
    return body.state === state ? body : undefined;
  }, 20_000);
}

/** Ask on the public page and prove it with the code that was mailed. */
async function ask(type: string, email: string) {
  const person = visitor();
  const received = await person.visit('/', { type, email });
  expect(received.status).toBe(201);
  const reference = /R-[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(received.text)?.[0] ?? '';
  const code = await waitUntil(async () => codesTo(email, reference).at(-1));
  expect((await person.visit('/status/code', { reference, code })).status).toBe(303);
  const { items } = (await api('Pat Preparer', 'GET', '/requests?limit=20')).body as {
    items: { id: string; reference: string }[];
  };
  const id = items.find((one) => one.reference === reference)?.id ?? '';
  await inState(id, 'review');
  return { ...person, id, reference, code };
}

describe('a request for a copy, from the first page to the package', () => {
  it('I10 shows each person their own and nothing before they prove who they are', async () => {
    const stranger = visitor();
    const received = await stranger.visit('/', { type: 'access', email: 'ada@example.com' });
    const reference = /R-[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(received.text)?.[0] ?? '';
    await waitUntil(async () => codesTo('ada@example.com', reference)[0]);
    expect((await stranger.visit('/status')).text).not.toContain(reference);
    const notHers = await api('Pat Preparer', 'POST', '/requests', {
      type: 'access',
      subject: { identifiers: [{ kind: 'email', value: 'ada@example.com' }] },
    });
    const unproved = (notHers.body as { id: string }).id;
    const early = await api('Pat Preparer', 'POST', `/requests/${unproved}/decide`, { outcome: 'granted' });
    expect([early.status, (early.body as { code: string }).code]).toEqual([409, 'move_not_allowed']);
    expect((await api('Pat Preparer', 'GET', `/requests/${unproved}/findings`)).status).toBe(409);

    const ada = await ask('access', 'ada@example.com');
    const bob = await ask('access', 'bob@example.com');
    // Each code opens the request it was made for, once.
    expect((await visitor().visit('/status/code', { reference: ada.reference, code: bob.code })).status).toBe(403);
    expect((await visitor().visit('/status/code', { reference: ada.reference, code: ada.code })).status).toBe(403);

    const findings = (await api('Ari Auditor', 'GET', `/requests/${ada.id}/findings`)).body as {
      items: { dataset: string; count: number; disposition: string }[];
    };
    expect(findings.items.map(({ dataset, count, disposition }) => [dataset, count, disposition])).toEqual([
      ['app.users', 1, 'give'],
      ['app.messages', 10, 'give'],
    ]);
    await api('Pat Preparer', 'POST', `/requests/${ada.id}/decide`, { outcome: 'granted' });
    const approve = (who: string) => api(who, 'POST', `/requests/${ada.id}/approve`, {});
    await waitUntil(async () => ((await approve('Pat Preparer')).status === 403 ? true : undefined), 20_000);
    expect((await approve('Pat Preparer')).body).toMatchObject({ code: 'second_person_needed' });
    // Twice at once is once.
    const both = await Promise.all([approve('Alex Approver'), approve('Alex Approver')]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    await inState(ada.id, 'closed');

    const ready = await waitUntil(async () => lettersTo('ada@example.com', ada.reference, /ready/)[0]);
    const link = new URL(/https?:\/\/\S+\/package\/\S+/.exec(ready)?.[0] ?? '').pathname;
    const before = codesTo('ada@example.com', ada.reference).length;
    const fetcher = visitor();
    // Looking at the link sends nothing and gives nothing; the link with a code gives the package.
    expect((await fetcher.visit(link)).status).toBe(200);
    expect((await fetcher.visit('/status/package')).status).toBe(410);
    expect((await bob.visit('/status/package')).status).toBe(403);
    expect(codesTo('ada@example.com', ada.reference)).toHaveLength(before);
    expect((await fetcher.visit(link, {})).status).toBe(200);
    const code = await waitUntil(async () => codesTo('ada@example.com', ada.reference)[before]);
    expect((await fetcher.visit('/status/code', { reference: ada.reference, code })).status).toBe(303);
    const fetched = await fetcher.visit('/status/package');
    expect(fetched.status).toBe(200);
    const verified = await verifyUpload(opened.house.office, null, async () => fetched.bytes);
    if (isRefusal(verified)) throw new Error(verified.detail);
    const { ok, claims } = verified;
    expect(claims.filter((claim) => !claim.ok)).toEqual([]);
    expect(ok).toBe(true);
    const text = wordsOf(fetched.bytes);
    expect(text).toContain('message 3 of 1');
    for (const notHers of [/of 2\b/, /of 3\b/, /bob@/, /cleo@/]) expect(text).not.toMatch(notHers);

    ahead = Temporal.Duration.from({ hours: 24 * 15 });
    try {
      expect((await visitor().visit(link)).status).toBe(410);
      expect((await fetcher.visit('/status/package')).status).toBe(410);
    } finally {
      ahead = Temporal.Duration.from({ hours: 0 });
    }
  }, 60_000);

  it('stops guessing after a few wrong codes, and the right one does not help then', async () => {
    const person = visitor();
    const received = await person.visit('/', { type: 'access', email: 'cleo@example.com' });
    const reference = /R-[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(received.text)?.[0] ?? '';
    const code = await waitUntil(async () => codesTo('cleo@example.com', reference)[0]);
    const wrong = code === '00000000' ? '11111111' : '00000000';
    const answers: number[] = [];
    for (let attempt = 0; attempt < 12; attempt++)
      answers.push((await person.visit('/status/code', { reference, code: wrong })).status);
    // In the same words to the end: a try too many would otherwise say that there is such a request.
    expect(new Set(answers)).toEqual(new Set([403]));
    expect((await person.visit('/status/code', { reference, code })).status).toBe(403);
    expect((await person.visit('/status')).text).not.toContain(reference);
  });
});

describe('a request for deletion', () => {
  it('I1 asks again when a hold moved the counts, spares what it covers, and says so without naming it', async () => {
    const cleo = await ask('erasure', 'cleo@example.com');
    await api('Pat Preparer', 'POST', `/requests/${cleo.id}/decide`, { outcome: 'granted' });
    const placed = await api('Lee Legal', 'POST', '/holds', {
      matter: 'Quiet matter',
      reason: 'r',
      scope: { keys: { 'app.messages': [{ id: '2' }, { id: '5' }] } },
    });
    expect(placed.body).toMatchObject({ state: 'active', records: 2 });
    await api('Alex Approver', 'POST', `/requests/${cleo.id}/approve`, {});
    // The approved counts are not there any more: nothing went, and staff are asked again.
    await inState(cleo.id, 'review');
    expect(await countOf('SELECT count(*) FROM messages WHERE sender_id = 3')).toBe(10);
    const moved = (await api('Pat Preparer', 'GET', `/requests/${cleo.id}/findings`)).body as {
      items: { dataset: string; count: number; disposition: string; ground: string | null }[];
    };
    expect(moved.items.map(({ dataset, count, disposition, ground }) => [dataset, disposition, count, ground])).toEqual(
      [
        ['app.users', 'keep', 1, expect.any(String)],
        ['app.messages', 'destroy', 8, null],
        ['app.messages', 'keep', 2, 'LEGAL_HOLD'],
      ],
    );
    const free = await api('Pat Preparer', 'POST', `/requests/${cleo.id}/decide`, {
      outcome: 'partly_granted',
      reason: 'Cleo is being sued by Bob',
    });
    expect([free.status, (free.body as { errors: { pointer: string }[] }).errors[0]?.pointer]).toEqual([
      422,
      '/reason',
    ]);
    await api('Pat Preparer', 'POST', `/requests/${cleo.id}/decide`, {
      outcome: 'partly_granted',
      reason: 'legal_hold',
    });
    await api('Alex Approver', 'POST', `/requests/${cleo.id}/approve`, {});
    const closed = await inState(cleo.id, 'closed');
    expect(closed).toMatchObject({ outcome: 'partly_granted', reason: 'LEGAL_HOLD' });
    const left = await app.sql`SELECT id FROM messages WHERE sender_id = 3 ORDER BY id`;
    expect(left.map(({ id }) => id)).toEqual([2, 5]);
    expect(await countOf('SELECT count(*) FROM messages WHERE sender_id <> 3')).toBe(20);
    const receipt = (await api('Ari Auditor', 'GET', `/requests/${cleo.id}/receipt`)).body as {
      destroyed: { dataset: string; count: number }[];
      searchAfterwards: { dataset: string; count: number; expected: number }[];
    };
    expect(receipt.destroyed.map(({ dataset, count }) => [dataset, count])).toEqual([['app.messages', 8]]);
    expect(receipt.searchAfterwards).toEqual([
      { dataset: 'app.users', count: 1, expected: 1 },
      { dataset: 'app.messages', count: 2, expected: 2 },
    ]);
    const letter = await waitUntil(async () => lettersTo('cleo@example.com', cleo.reference, /deleted/)[0]);
    expect(letter).toContain('deleted 8 records');
    expect(`${letter}${(await cleo.visit('/status')).text}`).not.toMatch(/Quiet matter|LEGAL_HOLD|hld_/);

    const { office } = opened.house;
    await bringLedgerUpToDate(office);
    expect(await verifyLedger(office, null)).toMatchObject({ ok: true });
  }, 60_000);

  it('a release cools: its hold protects in the sources until the days are over', async () => {
    const { body } = await api('Lee Legal', 'GET', '/holds?limit=1');
    const { id } = (body as { items: { id: string }[] }).items[0] ?? { id: '' };
    await api('Lee Legal', 'POST', `/holds/${id}/release`);
    expect((await api('Lou Legal', 'POST', `/holds/${id}/approve`)).body).toMatchObject({ state: 'released' });
    const { liftHold } = await import('../../src/flows/release-hold.ts');
    const held = () => countOf(`SELECT count(*) FROM muniment.held WHERE hold = '${id}'`);
    await liftHold(opened.house.office, id);
    expect(await held()).toBeGreaterThan(0);
    ahead = Temporal.Duration.from({ hours: 49 });
    try {
      await liftHold(opened.house.office, id);
      expect(await held()).toBe(0);
      await eraseTheRest();
    } finally {
      ahead = Temporal.Duration.from({ hours: 0 });
    }
  });
});

/** What a hold kept is laid before staff again once it ended, and goes only when two of them say so again. */
async function eraseTheRest(): Promise<void> {
  const { items } = (await api('Pat Preparer', 'GET', '/requests?limit=20')).body as {
    items: { id: string; type: string; reference: string }[];
  };
  const { id, reference } = items.find(({ type }) => type === 'erasure') ?? { id: '', reference: '' };
  const again = await inState(id, 'review');
  expect(again).toMatchObject({ clock: 'stopped', standing: null, outcome: null });
  const { items: findings } = (await api('Pat Preparer', 'GET', `/requests/${id}/findings`)).body as {
    items: { dataset: string; count: number; disposition: string }[];
  };
  expect(findings.map(({ dataset, disposition, count }) => [dataset, disposition, count])).toEqual([
    // Only their own messages hung on the person's row, and those go first.
    ['app.users', 'destroy', 1],
    ['app.messages', 'destroy', 2],
  ]);
  await api('Pat Preparer', 'POST', `/requests/${id}/decide`, { outcome: 'granted' });
  // A message more than was approved: the new turn has its own counts, though rows of this request went before.
  await app.sql`INSERT INTO messages VALUES (99, 3, now(), 'one more')`;
  await api('Alex Approver', 'POST', `/requests/${id}/approve`, {});
  await inState(id, 'review');
  expect(await countOf('SELECT count(*) FROM messages WHERE sender_id = 3')).toBe(3);
  await api('Pat Preparer', 'POST', `/requests/${id}/decide`, { outcome: 'granted' });
  await api('Alex Approver', 'POST', `/requests/${id}/approve`, {});
  await inState(id, 'closed');
  expect(await countOf('SELECT count(*) FROM messages WHERE sender_id = 3')).toBe(0);
  expect(await countOf('SELECT count(*) FROM users WHERE id = 3')).toBe(0);
  const letters = await waitUntil(async () => {
    const sent = lettersTo('cleo@example.com', reference, /deleted/);
    return sent.length > 1 ? sent : undefined;
  });
  expect(letters).toHaveLength(2);
  expect(letters[1]).toContain('deleted 12 records');
}

async function countOf(query: string): Promise<number> {
  const [row] = await app.sql.unsafe<{ count: string }[]>(query);
  return Number(row?.count);
}

/** Everything of a package that a person can read in it as text. */
function wordsOf(zip: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'package-'));
  writeFileSync(join(folder, 'p.zip'), zip);
  execFileSync('python3', ['-m', 'zipfile', '-e', join(folder, 'p.zip'), folder]);
  return execFileSync('grep', ['-r', '-h', '', '--include=*.csv', '--include=*.ndjson', '--include=*.json', folder], {
    encoding: 'utf8',
  });
}
