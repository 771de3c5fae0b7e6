import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/actor.ts';
import { isRefusal, type Refusal } from '../../src/core/refusal.ts';
import { listNotices } from '../../src/db/notices.ts';
import { gatherFindings } from '../../src/flows/gather-findings.ts';
import { lookUpRequest } from '../../src/flows/look-up.ts';
import type { Office } from '../../src/flows/office.ts';
import { receiveRequest } from '../../src/flows/receive-request.ts';
import type { SubjectRequest } from '../../src/requests/request.ts';
import { webApp } from '../../src/web/app.tsx';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { type Answer, Visitor } from '../support/staff.ts';

const requester: Actor = { id: 'requester', kind: 'requester', role: null, approval: null };

function good<T>(value: T | Refusal): T {
  if (isRefusal(value)) throw new Error(`${value.code}: ${value.detail}`);
  return value;
}

let app: TestDatabase;
let opened: TestHouse;
let office: Office;
let doors: ReturnType<typeof webApp>;
let network = '192.0.2.1';
let now = Temporal.Now.instant();

beforeAll(async () => {
  app = await emptyDatabase();
  await app.sql.unsafe(`CREATE TABLE users (id int PRIMARY KEY, email text, name text);
    CREATE TABLE messages (id int PRIMARY KEY, sender_id int REFERENCES users, sent_at timestamptz, body text);`);
  opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    env: { APP: app.url },
    // Each look at the clock is later, so that letters have an order.
    now: () => {
      now = now.add({ milliseconds: 1 });
      return now;
    },
  });
  office = opened.house.office;
  doors = webApp(office, { nextBell: () => null, networkOf: () => network, report: () => {} });
});
afterAll(async () => {
  await opened?.close();
  await app?.drop();
});

interface Person {
  readonly email: string;
  readonly request: SubjectRequest;
}

async function person(email: string): Promise<Person> {
  const request = good(
    await receiveRequest(office, requester, {
      type: 'access',
      regime: null,
      channel: 'portal',
      receivedAt: null,
      subject: { name: `Name of ${email}`, identifiers: [{ kind: 'email', value: email }] },
      details: `Details of ${email}`,
    }),
  );
  return { email, request };
}

/** The code that was written to somebody last. */
async function newestCode({ request }: Person): Promise<string> {
  const letters = (await listNotices(office.store, 200)).filter(
    ({ template, caseId }) => template === 'identity-code' && caseId === request.caseId,
  );
  return /code is (\d{8})/.exec(letters[0]?.letter.reveal().text ?? '')?.[1] ?? '';
}

async function askForCode(visitor: Visitor, { email, request }: Person): Promise<string> {
  await visitor.post('/status', { reference: request.reference, email });
  return newestCode({ email, request });
}

/** How many letters with a code were written for these cases. */
const codesOf = async (cases: ReadonlySet<string>): Promise<number> =>
  (await listNotices(office.store, 500)).filter(
    ({ template, caseId }) => template === 'identity-code' && caseId !== null && cases.has(caseId),
  ).length;

const giveCode = (visitor: Visitor, reference: string, code: string) =>
  visitor.post('/status/code', { reference, code });
const isIn = ({ status, to }: Answer) => status === 303 && to === '/status';

/** What of another person stands in an answer. */
const leaksOf = ({ email, request }: Person, { text }: Answer) =>
  [email, `Name of ${email}`, `Details of ${email}`, request.id].filter((secret) => text.includes(secret));

describe('one requester', () => {
  it('may guess twenty times a day, whatever codes they ask for, and who is guessed at comes in a day later', async () => {
    const victim = await person('guessed-at@example.com');
    const { reference } = victim.request;
    for (let code = 0; code < 4; code++) {
      await askForCode(new Visitor(doors), victim);
      for (let guess = 0; guess < 5; guess++) await giveCode(new Visitor(doors), reference, '00000000');
    }
    expect(isIn(await giveCode(new Visitor(doors), reference, await askForCode(new Visitor(doors), victim)))).toBe(
      false,
    );
    now = now.add({ hours: 25 });
    expect(isIn(await giveCode(new Visitor(doors), reference, await askForCode(new Visitor(doors), victim)))).toBe(
      true,
    );
  });

  it('never reaches the request of another by code, cookie or reference, however they are mixed', async () => {
    const [ada, bob] = [await person('ada@example.com'), await person('bob@example.com')];
    const [hers, his] = [new Visitor(doors), new Visitor(doors)];
    const herCode = await askForCode(hers, ada);
    const hisCode = await askForCode(his, bob);
    // Her code for his reference, his for hers; codes as references; each with blanks and case changed.
    for (const [reference, code] of [
      [bob.request.reference, herCode],
      [bob.request.reference.toLowerCase(), ` ${herCode} `],
      [ada.request.reference, hisCode],
      [herCode, hisCode],
      ['', herCode],
      [ada.request.id, herCode],
    ] as const)
      expect(isIn(await giveCode(new Visitor(doors), reference, code)), `${reference} ${code}`).toBe(false);
    expect(isIn(await giveCode(hers, ada.request.reference, herCode))).toBe(true);
    const page = await hers.get('/status');
    expect(page.text).toContain(ada.request.reference);
    expect(leaksOf(bob, page)).toEqual([]);
    expect(page.text).not.toContain(bob.request.reference);
    // His reference in the address does not change whose request her cookie opens.
    const mixed = await hers.get(`/status?reference=${bob.request.reference}`);
    expect(leaksOf(bob, mixed)).toEqual([]);
    // A cookie changed by one letter, or of another kind of secret, is none.
    const cookie = hers.cookie('muniment_visit') ?? '';
    for (const forged of [`${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}`, herCode, ada.request.id, 'x']) {
      const forger = new Visitor(doors);
      forger.setCookie('muniment_visit', forged);
      expect((await forger.get('/status')).text).not.toContain(ada.request.reference);
      expect((await forger.get('/status/package')).status).toBeGreaterThanOrEqual(400);
    }
  });

  it('learns nothing from the answer of whether a reference or an address is known', async () => {
    const { request, email } = await person('cem@example.com');
    const ask = async (reference: string, address: string) => {
      const started = performance.now();
      const answer = await new Visitor(doors).post('/status', { reference, email: address });
      return {
        status: answer.status,
        text: answer.text.replaceAll(reference, 'REFERENCE'),
        ms: performance.now() - started,
      };
    };
    const known = await ask(request.reference, email);
    const others = [
      await ask(request.reference, 'somebody@example.com'),
      await ask('R-ABCD-EFGH', email),
      await ask('R-ABCD-EFGJ', 'somebody@example.com'),
    ];
    for (const other of others) expect({ ...other, ms: 0 }).toEqual({ ...known, ms: 0 });
    // No early answer: each takes at least as long as writing a code may.
    for (const { ms } of [known, ...others]) expect(ms).toBeGreaterThanOrEqual(380);
    const wrong = [];
    for (const reference of [request.reference, 'R-ABCD-EFGK']) {
      const answer = await giveCode(new Visitor(doors), reference, '00000000');
      wrong.push({ status: answer.status, text: answer.text.replaceAll(reference, 'REFERENCE') });
    }
    expect(wrong[0]).toEqual(wrong[1]);
  });

  it('uses a code once, even when it is given many times at once', async () => {
    const dee = await person('dee@example.com');
    const code = await askForCode(new Visitor(doors), dee);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => giveCode(new Visitor(doors), dee.request.reference, code)),
    );
    expect(answers.filter(isIn)).toHaveLength(1);
    expect(isIn(await giveCode(new Visitor(doors), dee.request.reference, code))).toBe(false);
  });

  it('has half an hour for a code and for a visit, and five tries', async () => {
    const eva = await person('eva@example.com');
    const late = await askForCode(new Visitor(doors), eva);
    const start = now;
    now = start.add({ minutes: 30, seconds: 1 });
    expect(isIn(await giveCode(new Visitor(doors), eva.request.reference, late))).toBe(false);
    const visitor = new Visitor(doors);
    const fresh = await askForCode(visitor, eva);
    expect(isIn(await giveCode(visitor, eva.request.reference, fresh))).toBe(true);
    now = now.add({ minutes: 30, seconds: 1 });
    expect((await visitor.get('/status')).text).not.toContain(eva.request.reference);
    const code = await askForCode(new Visitor(doors), eva);
    const wrong = code === '11111111' ? '22222222' : '11111111';
    for (let i = 0; i < 5; i++) await giveCode(new Visitor(doors), eva.request.reference, wrong);
    expect(isIn(await giveCode(new Visitor(doors), eva.request.reference, code))).toBe(false);
    now = start;
  });

  it('keeps nothing that opens anything in the database: codes, cookies and links stand there as digests', async () => {
    const fay = await person('fay@example.com');
    const visitor = new Visitor(doors);
    const code = await askForCode(visitor, fay);
    expect(isIn(await giveCode(visitor, fay.request.reference, code))).toBe(true);
    const cookie = visitor.cookie('muniment_visit') ?? '-';
    const { sql } = office.store.db;
    const tables = await sql`SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`;
    for (const { name } of tables)
      for (const { row } of await sql.unsafe(`SELECT t::text AS row FROM ${String(name)} t`)) {
        expect(String(row)).not.toContain(cookie);
        expect(String(row)).not.toMatch(new RegExp(`\\b${code}\\b`));
        expect(String(row)).not.toContain('192.0.2.1');
      }
  });

  it('is not flooded with mail by somebody who types their address in', async () => {
    const answers = [];
    for (let i = 0; i < 8; i++) {
      network = `203.0.113.${i}`;
      answers.push(await new Visitor(doors).post('/', { type: 'access', email: 'Gus@example.com' }));
    }
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201, 429, 429, 429]);
    const [limited] = answers.slice(-1);
    expect(limited?.headers.get('retry-after')).toMatch(/^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/);
    expect(limited?.text).toContain('too often');
    network = '203.0.113.200';
    const hal = await person('hal@example.com');
    const asked = [];
    for (let i = 0; i < 8; i++) {
      network = `203.0.113.${100 + i}`;
      asked.push(
        (await new Visitor(doors).post('/status', { reference: hal.request.reference, email: hal.email })).status,
      );
    }
    expect(asked).toEqual([200, 200, 200, 200, 200, 200, 429, 429]);
    // Nor by many requests in their name, each with codes of its own; that there were too many is said to nobody.
    const cases = new Set<string>();
    for (let i = 0; i < 5; i++) {
      const { request, email } = await person('ida@example.com');
      cases.add(request.caseId);
      network = `203.0.113.${150 + i}`;
      for (let j = 0; j < 4; j++)
        expect((await new Visitor(doors).post('/status', { reference: request.reference, email })).status).toBe(200);
    }
    // One with each request, and twelve that were asked for.
    expect(await codesOf(cases)).toBe(5 + 12);
    network = '192.0.2.1';
  });

  it('is not flooded by somebody who spells their address in many ways', async () => {
    const spellings = [
      'guy@example.com',
      'GUY@Example.com',
      'guy+1@example.com',
      'guy+2@example.com',
      'guy@example.com.',
      'guy@example\u3002com',
      'guy@ex\uff41mple.com',
    ];
    const answers = [];
    for (const [i, email] of spellings.entries()) {
      network = `203.0.113.${i}`;
      answers.push((await new Visitor(doors).post('/', { type: 'access', email })).status);
    }
    expect(answers).toEqual([201, 201, 201, 201, 201, 429, 429]);
    // What a mail server leaves out of an address, or reads as another spelling of it, is no address here.
    const refused = [
      '<gil@example.com',
      'gil@example.com>',
      '"gil"@example.com',
      '"g\\il"@example.com',
      'gil(1)@example.com',
      'gil@example.com,1',
      '\u0001gil@example.com',
      'gil@exam\u00adple.com',
      'g\u200bil@example.com',
    ];
    for (const [i, email] of refused.entries()) {
      network = `203.0.113.${100 + i}`;
      expect((await new Visitor(doors).post('/', { type: 'access', email })).status, email).toBe(422);
    }
    network = '192.0.2.1';
  });

  it('is not kept from a code by somebody who knows their address', async () => {
    const mia = await person('mia@example.com');
    const { reference, caseId } = mia.request;
    const ask = (of: string) => new Visitor(doors).post('/status', { reference: of, email: mia.email });
    network = '203.0.113.60';
    await Promise.all(Array.from({ length: 20 }, (_, i) => ask(`R-0000-00${10 + i}`)));
    network = '192.0.2.1';
    const before = await codesOf(new Set([caseId]));
    const visitor = new Visitor(doors);
    expect(isIn(await giveCode(visitor, reference, await askForCode(visitor, mia)))).toBe(true);
    expect(await codesOf(new Set([caseId]))).toBe(before + 1);
    // Nor, once it is proven that it is theirs, by requests that somebody else made in their name.
    const others = [await person(mia.email), await person(mia.email), await person(mia.email)];
    network = '203.0.113.61';
    await Promise.all(others.flatMap(({ request }) => Array.from({ length: 6 }, () => ask(request.reference))));
    network = '192.0.2.1';
    expect((await ask(reference)).status).toBe(200);
    expect(await codesOf(new Set([caseId]))).toBe(before + 2);
  });

  it('is limited by network in what they try', async () => {
    network = '198.51.100.1';
    const ivy = await person('ivy@example.com');
    const tries = Array.from({ length: 65 }, (_, i) => giveCode(new Visitor(doors), ivy.request.reference, `${i}`));
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 403)).toHaveLength(60);
    expect(statuses.filter((status) => status === 429)).toHaveLength(5);
    network = '198.51.100.2';
    const jon = await person('jon@example.com');
    expect((await giveCode(new Visitor(doors), jon.request.reference, '0')).status).toBe(403);
    network = '192.0.2.1';
  });

  it('I10 proves the address that the code went to, and no other one of the same request', async () => {
    await app.sql`INSERT INTO users VALUES (1, 'kim@example.com', 'Kim'), (2, 'lou@example.com', 'Lou')`;
    await app.sql`INSERT INTO messages VALUES (1, 1, now(), 'of Kim'), (2, 2, now(), 'of Lou')`;
    const request = good(
      await receiveRequest(office, requester, {
        type: 'access',
        regime: null,
        channel: 'mail',
        receivedAt: null,
        subject: {
          name: null,
          identifiers: [
            { kind: 'email', value: 'kim@example.com' },
            { kind: 'email', value: 'lou@example.com' },
          ],
        },
        details: null,
      }),
    );
    const visitor = new Visitor(doors);
    const code = await askForCode(visitor, { email: 'kim@example.com', request });
    expect(isIn(await giveCode(visitor, request.reference, code))).toBe(true);
    await gatherFindings(office, request.id);
    const found = good(await lookUpRequest(office, request.id)).findings ?? [];
    expect(found.map(({ dataset, count }) => [dataset, count]).sort()).toEqual([
      ['app.messages', 1],
      ['app.users', 1],
    ]);
  });
});
