import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openErasureFile } from '../../src/db/erasure-file.ts';
import { environmentKeys } from '../../src/db/master-keys.ts';
import { eraseSubject } from '../../src/flows/erase-subject.ts';
import { gatherFindings } from '../../src/flows/gather-findings.ts';
import { approveRequest, decideRequest } from '../../src/flows/move-request.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { receiveRequest } from '../../src/flows/receive-request.ts';
import { replayErasures } from '../../src/flows/replay-erasures.ts';
import { confirmByStaff } from '../../src/flows/verify-request.ts';
import { backUp, done, hold, ids, officer, openWorld, second, type World } from '../invariants/world.ts';

const ada = 'ada@example.com';

/** Six messages of hers and two of somebody else's in one conversation. */
async function layOut({ app }: World): Promise<void> {
  await app.sql.unsafe(`INSERT INTO users VALUES (1, '${ada}'), (2, 'bea@example.com');
    INSERT INTO conversations VALUES (1, '2019-01-01Z', 'one');
    INSERT INTO members VALUES (1, 1), (1, 2);
    INSERT INTO messages SELECT n, 1, CASE WHEN n > 6 THEN 2 ELSE 1 END, NULL, '2026-01-01Z'::timestamptz + n * interval '1 day', 'm' || n FROM generate_series(1, 8) n;`);
}

async function erase({ office }: World): Promise<string> {
  const subject = { name: null, identifiers: [{ kind: 'email', value: ada }] };
  const order = { type: 'erasure' as const, regime: null, channel: 'test', receivedAt: null, subject, details: null };
  const { id } = done(await receiveRequest(office, officer, order));
  done(await confirmByStaff(office, officer, id, ['email']));
  await gatherFindings(office, id);
  done(await decideRequest(office, officer, id, { outcome: 'granted', reason: null }));
  done(await approveRequest(office, second, id));
  await eraseSubject(office, id, 2);
  return id;
}

const list = (world: World) => join(world.folder, 'erasures.jsonl');

describe('after a restore', () => {
  it('every erasure is made again, with an entry for each batch; what was kept then stays, and others lose nothing', async () => {
    await using world = await openWorld();
    await layOut(world);
    await hold(world.office, { keys: { 'app.messages': [{ id: '3' }] } });
    const restore = await backUp(world.app);
    const request = await erase(world);
    expect(await ids(world.app, 'messages')).toEqual([3, 7, 8]);
    await restore();
    expect(await ids(world.app, 'messages')).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const { office } = world;
    const before = await office.store.db
      .sql`SELECT count(*)::int AS n FROM disposition_batches WHERE request_id = ${request}`;
    const [replayed] = done(await replayErasures(office));
    expect(replayed).toMatchObject({ request, destroyed: expect.any(Number), restricted: 0, failed: [] });
    expect(replayed?.destroyed).toBeGreaterThanOrEqual(5);
    expect(await ids(world.app, 'messages')).toEqual([3, 7, 8]);
    const after = await office.store.db
      .sql`SELECT count(*)::int AS n FROM disposition_batches WHERE request_id = ${request}`;
    expect(after[0]?.n).toBeGreaterThan(before[0]?.n);
    await bringLedgerUpToDate(office);
    expect(await verifyLedger(office, null)).toMatchObject({ ok: true });
    // Again: nothing is there any more.
    const [again] = done(await replayErasures(office));
    expect(again).toMatchObject({ destroyed: 0, failed: [] });
    expect(await ids(world.app, 'messages')).toEqual([3, 7, 8]);
  });

  it('I1 a hold placed since the erasure keeps what the restore brought back', async () => {
    await using world = await openWorld();
    await layOut(world);
    const restore = await backUp(world.app);
    await erase(world);
    await hold(world.office, { keys: { 'app.messages': [{ id: '5' }] } });
    await restore();
    const [replayed] = done(await replayErasures(world.office));
    expect(replayed).toMatchObject({ failed: [] });
    expect(replayed?.held).toBeGreaterThan(0);
    expect(await ids(world.app, 'messages')).toEqual([5, 7, 8]);
  });

  it('what the erasure left because a hold covered it is not taken when that hold has ended', async () => {
    await using world = await openWorld();
    await layOut(world);
    const { id } = await hold(world.office, { keys: { 'app.messages': [{ id: '3' }] } });
    const restore = await backUp(world.app);
    await erase(world);
    await restore();
    // Ended without anybody deciding anew: the erasure's own answer was to keep it.
    await world.office.store.db.sql`UPDATE holds SET state = 'released' WHERE id = ${id}`;
    await world.app.sql`DELETE FROM muniment.held`;
    await world.app.sql`UPDATE muniment.state SET epoch = epoch + 100`;
    done(await replayErasures(world.office));
    expect(await ids(world.app, 'messages')).toEqual([3, 7, 8]);
  });

  it('an erasure that never came to its end is made, too, and a line that a crash cut off is left out', async () => {
    await using world = await openWorld();
    await layOut(world);
    const { office } = world;
    const at = office.now();
    await office.erasures.begin({
      request: 'req_01jdq4v7m8abcdefghjkmnpqrs',
      at,
      rows: [{ dataset: 'app.messages', act: 'destroy', keys: [['1'], ['2']] }],
    });
    await office.erasures.begin({
      request: 'req_01jdq4v7m8abcdefghjkmnpqrt',
      at,
      rows: [{ dataset: 'app.messages', act: 'destroy', keys: [['7']] }],
    });
    truncateSync(list(world), readFileSync(list(world)).length - 20);
    await office.erasures.begin({
      request: 'req_01jdq4v7m8abcdefghjkmnpqrv',
      at,
      rows: [{ dataset: 'app.messages', act: 'destroy', keys: [['4']] }],
    });
    appendFileSync(list(world), 'env AAAA');
    expect(done(await replayErasures(office)).map(({ destroyed }) => destroyed)).toEqual([2, 1]);
    expect(await ids(world.app, 'messages')).toEqual([3, 5, 6, 7, 8]);
  });

  it('a list that was changed, is of another key, or is not there is refused, and nothing is erased', async () => {
    await using world = await openWorld();
    await layOut(world);
    const { office } = world;
    expect(await replayErasures(office)).toMatchObject({ code: 'not_found' });
    const rows = [{ dataset: 'app.messages', act: 'destroy' as const, keys: [['1']] }];
    await office.erasures.begin({ request: 'req_01jdq4v7m8abcdefghjkmnpqrs', at: office.now(), rows });
    const text = readFileSync(list(world), 'utf8');
    const other = join(world.folder, 'other.jsonl');
    for (const changed of [
      text.replace('env ', 'v9 '),
      text.replace(/.(?=.\n$)/, (c) => (c === 'A' ? 'B' : 'A')),
      'nothing of ours\n',
    ]) {
      writeFileSync(other, changed);
      expect(await replayErasures(office, other)).toMatchObject({
        code: 'invalid',
        detail: expect.stringContaining('Line 1'),
      });
    }
    const foreign = openErasureFile(
      other,
      environmentKeys([{ version: 'env', key: new Uint8Array(32) }]),
      async () => null,
    );
    writeFileSync(other, '');
    await foreign.begin({ request: 'req_01jdq4v7m8abcdefghjkmnpqrs', at: office.now(), rows });
    expect(await replayErasures(office, other)).toMatchObject({ code: 'invalid' });
    expect(await ids(world.app, 'messages')).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(text).not.toContain('app.messages');
  });

  it('a dataset that is no longer mapped is named, and the rest is made', async () => {
    await using world = await openWorld();
    await layOut(world);
    const { office } = world;
    await office.erasures.begin({
      request: 'req_01jdq4v7m8abcdefghjkmnpqrs',
      at: office.now(),
      rows: [
        { dataset: 'app.gone', act: 'destroy', keys: [['1']] },
        { dataset: 'app.messages', act: 'destroy', keys: [['1']] },
      ],
    });
    const [replayed] = done(await replayErasures(office));
    expect(replayed).toMatchObject({ destroyed: 1, failed: [{ dataset: 'app.gone', code: 'dataset_unknown' }] });
  });
});
