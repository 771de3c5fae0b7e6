import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/actor.ts';
import { isRefusal, type Refusal } from '../../src/core/refusal.ts';
import { approveAccessPackage } from '../../src/flows/approve-request.ts';
import { lookUpRequest, outgoingMail } from '../../src/flows/look-up.ts';
import { decideRequest } from '../../src/flows/move-request.ts';
import type { Office } from '../../src/flows/office.ts';
import { receiveRequest } from '../../src/flows/receive-request.ts';
import { confirmCode } from '../../src/flows/verify-request.ts';
import type { SubjectRequest } from '../../src/requests/request.ts';
import { emptyDatabase } from '../support/database.ts';
import { openTestHouse } from '../support/house.ts';
import { callerFor } from '../support/people.ts';
import { policiesFolder } from '../support/policies.ts';
import { cookieRetention, cookieSources } from '../support/real-input.ts';
import { shared } from '../support/tools.ts';
import { waitUntil } from '../support/wait.ts';

const dump = shared('data/cookie-house/postgres_sample.sql');
const requester: Actor = { id: 'requester', kind: 'requester', role: null, approval: null };

function good<T>(value: T | Refusal): T {
  if (isRefusal(value)) throw new Error(`${value.code}: ${value.detail}`);
  return value;
}

async function world() {
  const shop = await emptyDatabase();
  await shop.sql.unsafe(readFileSync(dump ?? '', 'utf8'));
  const opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': cookieSources, 'retention.yaml': cookieRetention }),
    env: { COOKIE_DATABASE_URL: shop.url },
    working: true,
    demonstration: true,
  });
  const { office } = opened.house;
  return {
    shop,
    office,
    preparer: await callerFor(office, { name: 'Pat Preparer', role: 'privacy' }),
    approver: await callerFor(office, { name: 'Alex Approver', role: 'privacy' }),
    async [Symbol.asyncDispose]() {
      await opened.close();
      await shop.drop();
    },
  };
}

async function verifiedRequest(office: Office, type: 'access' | 'erasure', email: string): Promise<SubjectRequest> {
  const request = good(
    await receiveRequest(office, requester, {
      type,
      regime: null,
      channel: 'portal',
      receivedAt: null,
      subject: { name: null, identifiers: [{ kind: 'email', value: email }] },
      details: null,
    }),
  );
  const code = await waitUntil(async () => {
    const mails = good(await outgoingMail(office, 50));
    const mail = mails.find(
      (notice) => notice.template === 'identity-code' && notice.letter.reveal().text.includes(request.reference),
    );
    return /code is (\d{8})/.exec(mail?.letter.reveal().text ?? '')?.[1];
  });
  good(await confirmCode(office, requester, request.reference, code));
  return waitUntil(async () => {
    const now = good(await lookUpRequest(office, request.id));
    return now.state === 'review' ? now : undefined;
  });
}

describe.skipIf(dump === null)('the cookie house, whose tables join without foreign keys', () => {
  it("finds a person's own rows and nobody else's address, card or order", async () => {
    await using it = await world();
    const request = await verifiedRequest(it.office, 'access', 'customer-2@example.com');
    const given = Object.fromEntries(
      (request.findings ?? []).map(({ dataset, disposition, count }) => [`${dataset} ${disposition}`, count]),
    );
    expect(given).toEqual({
      'cookies.customers give': 1,
      'cookies.addresses give': 1,
      'cookies.cards give': 1,
      'cookies.orders give': 1,
      'cookies.order_items give': 1,
      'cookies.visits give': 1,
      'cookies.logins give': 1,
      'cookies.service_requests give': 1,
      'cookies.composites give': 1,
    });
  });

  it('erases what is theirs, keeps what another person still needs, and says so', async () => {
    await using it = await world();
    const { office, shop } = it;
    const request = await verifiedRequest(office, 'erasure', 'customer-2@example.com');
    const kept = (request.findings ?? []).filter(({ disposition }) => disposition === 'keep');
    // Order ord_ddd of customer 1 was paid with this card, and ord_aaa was shipped to this address.
    expect(kept.map(({ dataset, ground }) => [dataset, ground]).sort()).toEqual([
      ['cookies.addresses', 'OTHERS_RIGHTS'],
      ['cookies.cards', 'OTHERS_RIGHTS'],
    ]);
    good(await decideRequest(office, it.preparer.actor, request.id, { outcome: 'granted', reason: null }));
    const own = await approveAccessPackage(office, it.preparer, request.id);
    expect(isRefusal(own) && own.code).toBe('second_person_needed');
    good(await approveAccessPackage(office, it.approver, request.id));
    const closed = await waitUntil(async () => {
      const now = good(await lookUpRequest(office, request.id));
      return now.state === 'closed' ? now : undefined;
    });
    expect(closed.outcome).toBe('partly_granted');
    expect(closed.receipt?.destroyed.map(({ dataset, count }) => [dataset, count])).toEqual([
      ['cookies.composites', 1],
      ['cookies.logins', 1],
      ['cookies.order_items', 1],
      ['cookies.orders', 1],
      ['cookies.service_requests', 1],
      ['cookies.visits', 1],
    ]);
    expect(closed.receipt?.masked.map(({ dataset, count }) => [dataset, count])).toEqual([['cookies.customers', 1]]);
    expect(closed.receipt?.kept.map(({ dataset }) => dataset).sort()).toEqual(['cookies.addresses', 'cookies.cards']);
    expect(closed.receipt?.searchAfterwards.every(({ count, expected }) => count <= expected)).toBe(true);
    expect((await shop.sql`SELECT name, email FROM customer WHERE id = 2`)[0]).toEqual({
      name: 'erased-2',
      email: null,
    });
    const left = await shop.sql`SELECT
      (SELECT count(*)::int FROM customer) AS customers, (SELECT count(*)::int FROM address) AS addresses,
      (SELECT count(*)::int FROM payment_card) AS cards, (SELECT count(*)::int FROM orders) AS orders,
      (SELECT count(*)::int FROM login) AS logins, (SELECT count(*)::int FROM backup_schema.customer) AS backups`;
    expect(left[0]).toEqual({ customers: 3, addresses: 4, cards: 3, orders: 4, logins: 7, backups: 1 });
  });
});
