import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifySignature } from '../../src/artifacts/jws.ts';
import { clockActor } from '../../src/core/actor.ts';
import { acknowledgeAlarm, alarmsPage } from '../../src/flows/alarms.ts';
import type { Office } from '../../src/flows/office.ts';
import { readHealth } from '../../src/flows/read-health.ts';
import { bringLedgerUpToDate, readEntries } from '../../src/flows/read-ledger.ts';
import { compareNow, coveragePage, readCoveredKeys } from '../../src/flows/reconcile-hold.ts';
import { watchHolds } from '../../src/flows/watch-holds.ts';
import { chatTables, done, hold, openWorld, purge, refusalCode, second, type World } from '../invariants/world.ts';

const rows = `
  INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bea@example.com');
  INSERT INTO conversations VALUES (1, '2019-01-01Z', 'one'), (2, '2019-01-01Z', 'two');
  INSERT INTO messages SELECT n, 1 + n % 2, 1, NULL, '2019-01-01Z'::timestamptz + n * interval '1 day', 'm' FROM generate_series(1, 10) n;`;

let world: World;
let office: Office;
beforeAll(async () => {
  world = await openWorld({ tables: chatTables + rows, at: '2026-11-27T09:30:00.000Z' });
  office = world.office;
});
afterAll(async () => world?.[Symbol.asyncDispose]());

const inConversation = (id: number) => ({ keys: { 'app.messages': [{ conversation_id: id }] } });
const statements = async (id: string) => done(await coveragePage(office, id)).coverages;
const newest = async (id: string) => {
  const [one] = await statements(id);
  if (!one) throw new Error('nothing is signed');
  return one;
};
const compare = async (id: string) => done(await compareNow(office, second, id));
const alarmsOf = async (id: string) =>
  (await alarmsPage(office, { limit: 200, offset: 0 })).filter(
    ({ kind, facts }) => kind === 'held_missing' && facts.hold === id,
  );
const holdsHealth = async () => (await readHealth(office)).checks.find(({ name }) => name === 'holds')?.detail;

describe('what a hold covers', () => {
  it('is signed when it is placed, by the seal, and anyone can compute its roots again from the list of keys', async () => {
    const { id, coverage } = await hold(office, inConversation(1));
    const [first, ...others] = await statements(id);
    if (!first) throw new Error('nothing is signed');
    expect(others).toEqual([]);
    const jwk = office.signers.seal.signer.publicJwk;
    const [header = '', payload, signature = ''] = first.jws.split('.');
    expect(payload).toBe('');
    const signed = { protected: header, signature, payload: Buffer.from(first.statement).toString('base64url') };
    expect(await verifySignature(signed, { ...jwk }, ['ES256'])).toBe(true);
    const other = { ...signed, payload: Buffer.from(first.statement.replace(id, 'hld_x')).toString('base64url') };
    expect(await verifySignature(other, { ...jwk }, ['ES256'])).toBe(false);

    const { bytes } = done(await readCoveredKeys(office, id, first.id));
    const list = await Array.fromAsync(bytes);
    const lines = Buffer.concat(list).toString('utf8').trimEnd().split('\n');
    // As docs/formats/coverage.md says, with nothing of ours.
    const roots = Object.groupBy(
      lines.map((line) => JSON.parse(line) as [string, ...string[]]),
      ([dataset]) => dataset,
    );
    const said = JSON.parse(first.statement) as { datasets: { dataset: string; count: number; root: string }[] };
    for (const { dataset, count, root } of said.datasets) {
      const digests = (roots[dataset] ?? []).map(([, ...key]) =>
        createHash('sha256').update(key.join('\u001f')).digest(),
      );
      const sorted = digests.toSorted(Buffer.compare);
      expect(sorted).toEqual(digests);
      expect(createHash('sha256').update(`${dataset}\n`).update(Buffer.concat(sorted)).digest('hex'), dataset).toBe(
        root,
      );
      expect(digests).toHaveLength(count);
    }
    expect(said.datasets.filter(({ count }) => count > 0)).toEqual(
      coverage.filter(({ count }) => count > 0).map((covered) => ({ ...covered, keys: true })),
    );
    await bringLedgerUpToDate(office);
    const entries = (await readEntries(office, 100, null)).map(({ entry: text }) => JSON.stringify(text));
    const digest = createHash('sha256').update(first.statement).digest('hex');
    expect(entries.some((text) => text.includes('hold.coverage_signed') && text.includes(digest))).toBe(true);
  });

  it('that vanished behind its back is named, in the ledger, an alarm, the page and doctor, and once', async () => {
    const { id } = await hold(office, inConversation(1));
    await world.app.sql`INSERT INTO messages VALUES (101, 1, 1, NULL, '2026-11-27Z', 'new')`;
    await world.app.sql`DELETE FROM messages WHERE id IN (2, 6)`;
    await world.app.sql`UPDATE messages SET conversation_id = 2 WHERE id = 8`;
    expect(await compare(id)).toEqual({ kind: 'compared', since: { added: 1, moved: 1, taken: 0, vanished: 2 } });
    const found = await newest(id);
    const missing = found.missing.reveal();
    expect(missing.vanished.map(({ dataset, key }) => [dataset, ...key].join()).toSorted()).toEqual([
      'app.messages,2',
      'app.messages,6',
    ]);
    expect(missing.moved).toEqual([{ dataset: 'app.messages', key: ['8'] }]);
    // Each statement names the one before, and what became of it.
    const [, first] = await statements(id);
    expect(JSON.parse(found.statement)).toMatchObject({ since: { statement: first?.digest, vanished: 2, moved: 1 } });
    const [alarm, ...more] = await alarmsOf(id);
    expect(alarm?.facts).toMatchObject({ vanished: 2, moved: 1, coverage: found.id });
    expect(more).toEqual([]);
    expect(await holdsHealth()).toContain(id);
    done(await acknowledgeAlarm(office, second, alarm?.id ?? ''));
    expect(await holdsHealth()).not.toContain(id);
    // What is noted is noted: the next look finds that nothing has changed since, and signs nothing new.
    expect(await compare(id)).toMatchObject({ since: { added: 0, moved: 0, taken: 0, vanished: 0 } });
    expect(await statements(id)).toHaveLength(2);
    await bringLedgerUpToDate(office);
    const entries = (await readEntries(office, 100, null)).map(({ entry: said }) => JSON.stringify(said));
    expect(entries.filter((text) => text.includes('hold.reconciled') && text.includes(id))).toHaveLength(2);
  });

  it('and that an order of ours took after it was changed out of the hold has not vanished', async () => {
    const { id } = await hold(office, inConversation(2));
    await purge(office);
    expect(await compare(id)).toMatchObject({ since: { moved: 0, taken: 0, vanished: 0 } });
    // Two leave the hold; the purge takes one of them, somebody else the other.
    await world.app.sql`UPDATE messages SET conversation_id = NULL WHERE id IN (1, 5)`;
    await world.app.sql`UPDATE messages SET sent_at = now() WHERE id = 5`;
    expect((await purge(office)).parts[0]?.destroyed).toBe(1);
    await world.app.sql`DELETE FROM messages WHERE id = 5`;
    expect(await compare(id)).toEqual({ kind: 'compared', since: { added: 0, moved: 0, taken: 1, vanished: 1 } });
    expect((await newest(id)).missing.reveal().vanished).toEqual([{ dataset: 'app.messages', key: ['5'] }]);
  });

  it('is not said to be gone where a restored source does not know the hold any more; the night places it again', async () => {
    const { id } = await hold(office, inConversation(2));
    await world.app.sql`DELETE FROM muniment.held WHERE hold = ${id}`;
    expect(refusalCode(await compareNow(office, second, id))).toBe('not_ready');
    expect(await alarmsOf(id)).toEqual([]);
    await watchHolds(office, clockActor, 'after the restore');
    expect(await compare(id)).toMatchObject({ since: { moved: 0, vanished: 0 } });
    expect(await statements(id)).toHaveLength(1);
  });

  it('is compared every night, and a source that cannot be asked keeps no other hold from it', async () => {
    const [one, other] = [await hold(office, inConversation(2)), await hold(office, inConversation(2))];
    await world.app.sql`UPDATE messages SET conversation_id = 1 WHERE id = 3`;
    await office.blobs.remove((await newest(one.id)).blobId);
    const night = await watchHolds(office, clockActor, 'a night');
    expect(night).toMatchObject({ failed: 1 });
    expect((await newest(other.id)).since).toMatchObject({ moved: 1 });
    expect(await watchHolds(office, clockActor, 'a night')).toBeNull();
    expect(await holdsHealth()).toContain('gone or changed');
    for (const { id } of await alarmsPage(office, { limit: 200, offset: 0 }))
      await acknowledgeAlarm(office, second, id);
    world.clock.advance('P3D');
    expect(await holdsHealth()).toContain('not compared with their sources');
  });
});
