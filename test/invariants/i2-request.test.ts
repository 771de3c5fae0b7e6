import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadExport } from '../../src/db/exports.ts';
import { loadRequest } from '../../src/db/requests.ts';
import { deliverAccessPackage, prepareAccessPackage } from '../../src/flows/access-package.ts';
import { approveAccessPackage } from '../../src/flows/approve-request.ts';
import type { Caller } from '../../src/flows/authenticate.ts';
import { collectExport } from '../../src/flows/collect-export.ts';
import { eraseSubject } from '../../src/flows/erase-subject.ts';
import { gatherFindings } from '../../src/flows/gather-findings.ts';
import { approveRequest, decideRequest } from '../../src/flows/move-request.ts';
import type { Office } from '../../src/flows/office.ts';
import { lookUpPackageLink } from '../../src/flows/open-package.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { receiveRequest } from '../../src/flows/receive-request.ts';
import { sealExport } from '../../src/flows/seal-export.ts';
import { sendNotice } from '../../src/flows/send-notice.ts';
import { confirmByStaff } from '../../src/flows/verify-request.ts';
import type { RequestType, SubjectRequest } from '../../src/requests/request.ts';
import { type MailServer, startMailServer } from '../support/mail.ts';
import { callerFor } from '../support/people.ts';
import { waitUntil } from '../support/wait.ts';
import { changes, openCutter, victimOf } from './cutter.ts';
import { done, hold, ids, officer, openWorld, second, type World } from './world.ts';

const ada = 'ada@example.com';

/** Six messages of hers, one of them held; two of somebody else's in the same conversation. */
async function layOut({ app }: World): Promise<void> {
  await app.sql.unsafe(`TRUNCATE users, conversations, members, messages, attachments, reactions;
    INSERT INTO users VALUES (1, '${ada}'), (2, 'bea@example.com');
    INSERT INTO conversations VALUES (1, '2019-01-01Z', 'one');
    INSERT INTO members VALUES (1, 1), (1, 2);
    INSERT INTO messages SELECT n, 1, CASE WHEN n > 6 THEN 2 ELSE 1 END, NULL, '2026-01-01Z'::timestamptz + n * interval '1 day', 'm' || n FROM generate_series(1, 8) n;`);
}

/** Received, verified, searched and decided: a second person's word is missing. */
async function decided(office: Office, type: RequestType): Promise<string> {
  const subject = { name: null, identifiers: [{ kind: 'email', value: ada }] };
  const order = { type, regime: null, channel: 'test', receivedAt: null, subject, details: null };
  const { id } = done(await receiveRequest(office, officer, order));
  done(await confirmByStaff(office, officer, id, ['email']));
  await gatherFindings(office, id);
  done(await decideRequest(office, officer, id, { outcome: 'granted', reason: null }));
  return id;
}

async function requestNow(office: Office, id: string): Promise<SubjectRequest> {
  const request = await loadRequest(office.store, id);
  if (!request) throw new Error('the request is gone');
  return request;
}

/** How often each kind of entry tells of this. */
async function entriesOf({ office }: World, id: string): Promise<Readonly<Record<string, number>>> {
  const rows = await office.store.db.sql<{ kind: string; n: number }[]>`
    SELECT kind, count(*)::int AS n FROM (SELECT kind, bytes FROM ledger_entries UNION ALL SELECT kind, bytes FROM ledger_pending) e
    WHERE convert_from(bytes, 'UTF8') LIKE ${`%"${id}"%`} GROUP BY kind`;
  return Object.fromEntries(rows.map(({ kind, n }) => [kind, n]));
}

/** Letters of a kind that were queued for this, by the queue's own table. */
async function lettersOf({ office }: World, id: string, template: string): Promise<number> {
  const [row] = await office.store.db.sql`SELECT count(*)::int AS n FROM pgboss.job
    WHERE name = 'send-notice' AND data->>'request' = ${id} AND data->>'template' = ${template}`;
  return row?.n;
}

/**
 * Do something cut off after each statement of its that changes something, in turn, until it comes through whole.
 * @param begin lays out what is to be done anew, and says which
 * @param after takes it up again and looks at what came of it
 * @returns how many times it was cut off
 */
async function cutAtEach(
  world: World,
  begin: () => Promise<string>,
  act: (office: Office, id: string) => Promise<void>,
  after: (id: string, where: string) => Promise<void>,
): Promise<number> {
  for (let nth = 1; ; nth++) {
    const id = await begin();
    await using cutter = await openCutter([world.own.url, world.app.url], nth, 'after', changes);
    const victim = victimOf(world, cutter);
    const cut = await Promise.race([act(victim.office, id).then(() => null), cutter.cut]);
    if (cut === null) {
      await victim.close();
      await after(id, 'whole');
      return nth - 1;
    }
    await after(id, `${nth}: ${cut.slice(0, 60)}`);
  }
}

describe('an erasure cut off at every change', () => {
  it('I1 I2 is finished with each row gone once, in one batch and one entry, and nothing held', async () => {
    await using world = await openWorld();
    const { office } = world;
    await hold(office, { keys: { 'app.messages': [{ id: '3' }] } });
    const cuts = await cutAtEach(
      world,
      async () => {
        await layOut(world);
        const id = await decided(office, 'erasure');
        done(await approveRequest(office, second, id));
        return id;
      },
      // Two rows a batch: five free messages are three batches.
      (victim, id) => eraseSubject(victim, id, 2),
      async (id, where) => {
        expect(await ids(world.app, 'messages'), where).toEqual(expect.arrayContaining([3, 7, 8]));
        // The dead worker's session may outlive it for a moment.
        const request = await waitUntil(async () => {
          await eraseSubject(office, id, 2);
          const now = await requestNow(office, id);
          return now.state === 'closed' ? now : undefined;
        });
        await eraseSubject(office, id, 2);
        expect(await ids(world.app, 'messages'), where).toEqual([3, 7, 8]);
        expect(await ids(world.app, 'users'), where).toEqual([1, 2]);
        expect(request.outcome, where).toBe('partly_granted');
        expect(
          request.receipt?.destroyed.map(({ dataset, count }) => [dataset, count]),
          where,
        ).toEqual([
          ['app.members', 1],
          ['app.messages', 5],
        ]);
        expect(
          request.receipt?.searchAfterwards.find(({ dataset }) => dataset === 'app.messages'),
          where,
        ).toMatchObject({ count: 1, expected: 1 });
        expect(request.deferred.reveal(), where).toEqual([{ dataset: 'app.messages', keys: [['3']] }]);
        const [journal] = await world.app.sql`
          SELECT sum(count)::int AS n, count(*)::int AS batches FROM muniment.journal WHERE run = ${id}`;
        const [batches] = await office.store.db.sql`
          SELECT sum(count)::int AS n, count(*)::int AS batches FROM disposition_batches WHERE request_id = ${id}`;
        expect([journal?.n, batches?.n], where).toEqual([6, 6]);
        expect(batches?.batches, where).toBe(journal?.batches);
        expect(await entriesOf(world, id), where).toMatchObject({
          'request.fulfilled': 1,
          'erasure.batch': journal?.batches,
        });
        expect(await lettersOf(world, id, 'erasure-receipt'), where).toBe(1);
      },
    );
    await bringLedgerUpToDate(office);
    expect(await verifyLedger(office, null)).toMatchObject({ ok: true });
    expect(cuts).toBeGreaterThan(20);
  }, 120_000);
});

describe('an access package cut off at every change', () => {
  let mail: MailServer;
  let world: World;
  let approver: Caller;
  beforeAll(async () => {
    mail = await startMailServer();
    world = await openWorld({ env: { SMTP_URL: mail.url } });
    await layOut(world);
    approver = await callerFor(world.office, { name: 'Alex', role: 'privacy' });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await mail?.close();
  });

  const collect = async (office: Office, id: string) => {
    await prepareAccessPackage(office, id);
    const { exportId } = await requestNow(office, id);
    if (exportId !== null) await collectExport(office, exportId);
  };
  const seal = async (office: Office, id: string) => {
    const { exportId } = await requestNow(office, id);
    if (exportId === null) throw new Error('no package');
    await sealExport(office, exportId);
    await deliverAccessPackage(office, id, exportId);
    // The letter's task comes with the delivery.
    if ((await requestNow(office, id)).state === 'closed')
      await sendNotice(office, { request: id, template: 'package-ready', occasion: 'fulfilled' });
  };
  /** Collected whole, and approved. */
  const approved = async () => {
    const id = await decided(world.office, 'access');
    await collect(world.office, id);
    done(await approveAccessPackage(world.office, approver, id));
    return id;
  };
  const exportsOf = async (id: string) =>
    (await world.office.store.db.sql`SELECT id FROM exports WHERE request_id = ${id}`).length;

  it('I2 I4 is collected once and whole', async () => {
    const cuts = await cutAtEach(
      world,
      () => decided(world.office, 'access'),
      collect,
      async (id, where) => {
        const made = await waitUntil(async () => {
          await collect(world.office, id);
          const { exportId } = await requestNow(world.office, id);
          const made = exportId === null ? null : await loadExport(world.office.store, exportId);
          return made?.state === 'awaiting_approval' ? made : undefined;
        });
        await collect(world.office, id);
        expect(await exportsOf(id), where).toBe(1);
        expect((await entriesOf(world, made.id))['export.collected'], where).toBe(1);
        for (const file of made.rendering?.files ?? [])
          expect(await world.office.blobs.has(file.blob), `${where} ${file.path}`).toBe(true);
      },
    );
    expect(cuts).toBeGreaterThan(5);
  }, 120_000);

  it('I2 is sealed and delivered once, and the link in the letter opens it', async () => {
    const cuts = await cutAtEach(world, approved, seal, async (id, where) => {
      const request = await waitUntil(async () => {
        await seal(world.office, id).catch(() => {});
        const now = await requestNow(world.office, id);
        return now.state === 'closed' ? now : undefined;
      });
      await seal(world.office, id);
      expect(await exportsOf(id), where).toBe(1);
      expect((await entriesOf(world, request.exportId ?? ''))['export.sealed'], where).toBe(1);
      expect((await entriesOf(world, id))['request.fulfilled'], where).toBe(1);
      expect(await lettersOf(world, id, 'package-ready'), where).toBe(1);
      const sealed = await loadExport(world.office.store, request.exportId ?? '');
      expect(await world.office.blobs.has(sealed?.packageBlob ?? ''), where).toBe(true);
      // A crash between the mail server's word and our noting it sends the same letter again, under the same name.
      const letters = mail.received().filter(({ mail: letter }) => letter.text?.includes(request.reference));
      const ready = letters.filter(({ mail: letter }) => /ready/.test(letter.subject ?? ''));
      expect(new Set(ready.map(({ mail: letter }) => letter.messageId)).size, where).toBe(1);
      expect(ready.length, where).toBeLessThanOrEqual(2);
      const link = /\/package\/(\S+)/.exec(ready[0]?.mail.text ?? '')?.[1] ?? '';
      expect(done(await lookUpPackageLink(world.office, link)).id, where).toBe(id);
    });
    expect(cuts).toBeGreaterThan(5);
    await bringLedgerUpToDate(world.office);
    expect(await verifyLedger(world.office, null)).toMatchObject({ ok: true });
  }, 180_000);
});
