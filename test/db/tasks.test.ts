import { expect, it } from 'vitest';
import { receiveRequest } from '../../src/flows/receive-request.ts';
import { openTestHouse } from '../support/house.ts';
import { startMailServer } from '../support/mail.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { waitUntil } from '../support/wait.ts';

it('the queue keeps of a task that failed what kind of error it was, and none of its words', async () => {
  const mail = await startMailServer();
  // As a greylisting server answers: with the address it was given.
  mail.refuseWith({ code: 450, message: '4.2.0 <greycanary@example.com>: Recipient address rejected: Greylisted' });
  const logged: unknown[] = [];
  const opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    env: { APP: 'postgres://nobody@127.0.0.1:1/nothing', SMTP_URL: mail.url },
    working: true,
    log: (...said) => logged.push(said),
  });
  try {
    const { office } = opened.house;
    await receiveRequest(
      office,
      { id: 'requester', kind: 'requester', role: null, approval: null },
      {
        type: 'access',
        regime: null,
        channel: 'portal',
        receivedAt: null,
        subject: { name: 'Zeb', identifiers: [{ kind: 'email', value: 'greycanary@example.com' }] },
        details: null,
      },
    );
    const outputs = await waitUntil(async () => {
      const rows = await office.store.db.sql<{ output: string }[]>`
        SELECT output::text FROM pgboss.job WHERE name = 'send-notice' AND output IS NOT NULL AND state = 'retry'`;
      return rows.length > 0 ? rows.map(({ output }) => JSON.parse(output)) : undefined;
    }, 20_000);
    expect(JSON.stringify(outputs)).not.toMatch(/canary|Greylisted|4\.2\.0/);
    for (const output of outputs)
      expect(output).toMatchObject({ name: expect.any(String), message: 'The log says why.' });
    expect(logged.length).toBeGreaterThan(0);
  } finally {
    await opened.close();
    await mail.close();
  }
}, 40_000);
