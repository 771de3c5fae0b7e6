import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/actor.ts';
import { commit } from '../../src/db/commit.ts';
import { acknowledgeAlarm, alarmsPage, watchLedger } from '../../src/flows/alarms.ts';
import { changeRole } from '../../src/flows/change-people.ts';
import { createToken } from '../../src/flows/create-actor.ts';
import { bringLedgerUpToDate } from '../../src/flows/read-ledger.ts';
import { requestExport } from '../../src/flows/request-export.ts';
import { alarmKinds, alarmsOf } from '../../src/ledger/alarm.ts';
import { entry } from '../../src/ledger/entry.ts';
import { openWebhook } from '../../src/notices/webhook.ts';
import { isWorkingTime, organizationSchema, resolveOrganization } from '../../src/policy/organization.ts';
import { done, officer, openWorld } from '../invariants/world.ts';
import { openTestHouse } from '../support/house.ts';
import { startMailServer } from '../support/mail.ts';
import { tokenFor } from '../support/people.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { waitUntil } from '../support/wait.ts';

const cli: Actor = { id: 'cli:test', kind: 'cli', role: 'admin', approval: null };
const everything = { limit: 100, offset: 0 };

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Somebody's receiver of webhooks: answers what it is told to, keeps what it gets. */
async function receiver() {
  const received: Received[] = [];
  let status = 204;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => {
      body += part.toString();
    });
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(status, { location: 'http://127.0.0.1:1/elsewhere' }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/alarms`,
    received,
    answerWith: (next: number) => {
      status = next;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('an alarm', () => {
  it('goes out by mail and by signed webhook, each once, and again only by the way that failed', async () => {
    const mail = await startMailServer();
    await using hook = await receiver();
    const secret = randomBytes(32);
    await using opened = await openTestHouse({
      policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
      env: {
        APP: 'postgres://nobody@127.0.0.1:1/nothing',
        SMTP_URL: mail.url,
        ALARM_WEBHOOK_URL: hook.url,
        ALARM_WEBHOOK_SECRET: `whsec_${secret.toString('base64')}`,
      },
      working: true,
    });
    const { office } = opened.house;
    hook.answerWith(500);
    const made = await createToken(office, cli, { name: 'nightly', role: 'auditor', expires: null, canApprove: false });
    if ('kind' in made) throw new Error(made.detail);
    const { mail: letter, to } = await mail.waitFor(
      ({ mail: { subject } }) => subject === `Muniment: ${alarmKinds.token_made.title}`,
    );
    expect(to).toEqual(['security@kinfolk.example.com']);
    expect(letter.text).toContain(made.actor);
    expect(letter.text).not.toContain(made.token);
    await waitUntil(async () => hook.received.length > 0);
    hook.answerWith(204);
    const all = await waitUntil(async () => {
      const alarms = await alarmsPage(office, everything);
      return alarms.length === 2 && alarms.every(({ postedAt, mailedAt }) => postedAt && mailedAt) ? alarms : null;
    });
    expect(all.map(({ kind }) => kind).sort()).toEqual(['person_made', 'token_made']);
    expect(mail.received()).toHaveLength(2);
    expect(hook.received.length).toBeGreaterThan(2);
    // One that failed was posted again under the same id, so that the receiver can tell.
    for (const { headers, body } of hook.received) {
      const id = String(headers['webhook-id']);
      const signed = `${id}.${String(headers['webhook-timestamp'])}.${body}`;
      expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', secret).update(signed).digest('base64')}`);
      expect(all.map((alarm) => alarm.id)).toContain(id);
      expect(JSON.parse(body)).toMatchObject({ type: expect.stringMatching(/^alarm\./), data: { id } });
      expect(body).not.toContain(made.token);
    }
    await mail.close();
  }, 60_000);

  it('never follows a redirect: no answer sends a post into the operator’s own network', async () => {
    await using hook = await receiver();
    const webhook = openWebhook(hook.url, randomBytes(32));
    hook.answerWith(302);
    await expect(webhook.post('alm_1', Temporal.Now.instant(), {})).rejects.toThrow();
    hook.answerWith(503);
    await expect(webhook.post('alm_1', Temporal.Now.instant(), {})).rejects.toThrow('503');
    expect(hook.received).toHaveLength(2);
  });

  it('is written with what raised it or not at all, once by occasion, and looked at by one', async () => {
    await using opened = await openTestHouse({
      policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
      env: { APP: 'postgres://nobody@127.0.0.1:1/nothing' },
    });
    const { office } = opened.house;
    const at = Temporal.Instant.from('2026-11-27T18:00:00Z');
    const refused = entry('run.refused', at, 'clock', { run: 'run_1', code: 'source_drift' });
    const failing = commit(office.store, { state: [], entries: [refused], tasks: [] }, async () => {
      throw new Error('the other half of this transaction failed');
    });
    await expect(failing).rejects.toThrow('other half');
    expect(await alarmsPage(office, everything)).toEqual([]);
    for (let i = 0; i < 2; i++) await commit(office.store, { state: [], entries: [refused], tasks: [] });
    const [alarm, ...more] = await alarmsPage(office, everything);
    expect(more).toEqual([]);
    expect(alarm).toMatchObject({ kind: 'guard_fired', facts: { run: 'run_1', code: 'source_drift', by: 'clock' } });
    const seen = await Promise.all(
      ['act_a', 'act_b'].map((id) => acknowledgeAlarm(office, { ...cli, id }, alarm?.id ?? '')),
    );
    expect(new Set(seen.map((one) => ('kind' in one && one.kind === 'refusal' ? '' : JSON.stringify(one)))).size).toBe(
      1,
    );
    const [pending] = await office.store.db
      .sql`SELECT count(*)::int AS n FROM ledger_pending WHERE kind = 'alarm.seen'`;
    const [kept] = await office.store.db.sql`SELECT count(*)::int AS n FROM ledger_entries WHERE kind = 'alarm.seen'`;
    expect(Number(pending?.n) + Number(kept?.n)).toBe(1);
  });

  it('is raised by a verb that makes a token, and by a change of role', async () => {
    await using opened = await openTestHouse({
      policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
      env: { APP: 'postgres://nobody@127.0.0.1:1/nothing' },
    });
    const { office } = opened.house;
    await tokenFor(office, { name: 'one', role: 'legal' });
    const [person] = await office.store.db.sql`SELECT id FROM people WHERE name = 'one'`;
    await changeRole(office, { ...cli, approval: 'step_up' }, String(person?.id), 'privacy');
    const kinds = (await alarmsPage(office, everything)).map(({ kind, facts }) => `${kind} by ${facts.by}`);
    expect(kinds.sort()).toEqual(['person_made by cli:test', 'role_changed by cli:test', 'token_made by cli:test']);
  });
});

describe('an alarm about somebody', () => {
  it('is not looked at by them', async () => {
    await using opened = await openTestHouse({
      policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
      env: { APP: 'postgres://nobody@127.0.0.1:1/nothing' },
    });
    const { office } = opened.house;
    await tokenFor(office, { name: 'one', role: 'admin' });
    const [person] = await office.store.db.sql`SELECT id FROM people WHERE name = 'one'`;
    const own: Actor = { ...cli, id: String(person?.id) };
    for (const { id } of await alarmsPage(office, everything)) {
      expect(await acknowledgeAlarm(office, own, id)).toMatchObject({ code: 'second_person_needed' });
      expect(await acknowledgeAlarm(office, { ...cli, id: 'cli:test' }, id)).toMatchObject({
        code: 'second_person_needed',
      });
      expect(await acknowledgeAlarm(office, { ...cli, id: 'act_other' }, id)).toMatchObject({ seenBy: 'act_other' });
    }
  });
});

describe('what is watched', () => {
  it('is the ledger, every night by one process: a changed entry raises an alarm', async () => {
    await using opened = await openTestHouse({
      policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
      env: { APP: 'postgres://nobody@127.0.0.1:1/nothing' },
    });
    const { office } = opened.house;
    await tokenFor(office, { name: 'one', role: 'legal' });
    await bringLedgerUpToDate(office);
    const looks = await Promise.all([1, 2, 3].map(() => watchLedger(office, '2026-11-27T04:30:00.000Z')));
    expect(looks.filter((look) => look !== null)).toEqual([expect.objectContaining({ ok: true })]);
    const { sql } = office.store.db;
    await sql`ALTER TABLE ledger_entries DISABLE TRIGGER ALL`;
    await sql`UPDATE ledger_entries SET bytes = overlay(bytes PLACING '\\x7a'::bytea FROM 10) WHERE index = 1`;
    expect(await watchLedger(office, '2026-11-28T04:30:00.000Z')).toMatchObject({ ok: false, index: 1 });
    const alarms = await alarmsPage(office, everything);
    expect(alarms.filter(({ kind }) => kind === 'ledger_wrong')).toMatchObject([{ facts: { index: 1 } }]);
  });

  it('is how many exports one person asks for within a day', async () => {
    await using world = await openWorld();
    const { office } = world;
    await world.app.sql`INSERT INTO users VALUES (1, 'a@example.com')`;
    const order = {
      purpose: 'certified_export' as const,
      demandId: null,
      requestId: null,
      matter: null,
      scope: { datasets: ['app.messages'] },
      formats: ['csv' as const],
      timezone: null,
    };
    const most = office.policy.organization.alarms.exportsPerDay;
    for (let i = 0; i < most - 1; i++) done(await requestExport(office, officer, order));
    const raised = async () => (await alarmsPage(office, everything)).filter(({ kind }) => kind === 'many_exports');
    expect(await raised()).toEqual([]);
    for (let i = 0; i < 3; i++) done(await requestExport(office, officer, order));
    expect(await raised()).toMatchObject([{ facts: { by: officer.id, exports: most } }]);
  });
});

describe('working hours', () => {
  const organization = (workingHours?: object) =>
    resolveOrganization(
      organizationSchema.parse({
        organization: {
          name: 'X',
          address: ['1 Example Street'],
          country: 'US',
          privacy: { name: 'P', email: 'p@example.com' },
          legal: { name: 'L', email: 'l@example.com', address: ['1 Example Street'] },
          support: { name: 'S', email: 's@example.com' },
          defaultRegimes: ['GDPR'],
          zone: 'America/New_York',
          locale: 'en-US',
          ...(workingHours ? { workingHours } : {}),
        },
      }),
    );
  const office = organization({ days: ['mon', 'fri'], from: '08:00', to: '18:00' });

  it.each([
    ['2026-11-27T13:00:00Z', true], // Friday, 08:00 there
    ['2026-11-27T12:59:59Z', false],
    ['2026-11-27T22:59:59Z', true],
    ['2026-11-27T23:00:00Z', false],
    ['2026-11-26T15:00:00Z', false], // Thursday
    ['2026-06-26T12:00:00Z', true], // summer time: 08:00 there
  ])('of Monday and Friday, 8 to 18 in New York, hold %s: %s', (at, expected) => {
    expect(isWorkingTime(office, Temporal.Instant.from(at))).toBe(expected);
  });

  it('outside them an approval raises an alarm; without any, none does', () => {
    const at = Temporal.Instant.from('2026-11-28T03:00:00Z');
    const approvals = [
      entry('export.approved', at, 'act_1', { export: 'exp_1', preparer: 'act_2', manifest: 'a' }),
      entry('hold.released', at, 'act_1', { hold: 'hld_1', requestedBy: 'act_2' }),
      entry('run.approved', at, 'act_1', { run: 'run_1' }),
      entry('request.moved', at, 'act_1', { request: 'req_1', move: 'approve', from: 'review', to: 'fulfilling' }),
    ];
    for (const one of approvals) {
      expect(alarmsOf(one, (when) => isWorkingTime(office, when)).map(({ kind }) => kind)).toEqual([
        'approval_outside_hours',
      ]);
      expect(alarmsOf(one, (when) => isWorkingTime(organization(), when))).toEqual([]);
    }
  });

  it('that end before they begin are refused', () => {
    expect(() => organization({ days: ['mon'], from: '18:00', to: '08:00' })).toThrow();
    expect(() => organization({ days: [], from: '08:00', to: '18:00' })).toThrow();
    expect(() => organization({ days: ['mon'], from: '8:00', to: '18:00' })).toThrow();
  });
});
