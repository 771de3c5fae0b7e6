import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Actor } from '../../src/core/actor.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { moveDispositionRun } from '../../src/flows/move-run.ts';
import { placeHold } from '../../src/flows/place-hold.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { bringLedgerUpToDate, verifyLedger } from '../../src/flows/read-ledger.ts';
import { emptyDatabase } from '../support/database.ts';
import { openTestHouse } from '../support/house.ts';
import { policiesFolder } from '../support/policies.ts';
import { chinookRetention, chinookSources, loadDump } from '../support/real-input.ts';
import { shared } from '../support/tools.ts';

const dump = shared('data/chinook/chinook.sql');
const officer: Actor = { id: 'act_officer', kind: 'token', role: 'compliance', approval: 'token' };
const second: Actor = { id: 'act_second', kind: 'token', role: 'compliance', approval: 'token' };

describe.skipIf(dump === null)('Chinook, a shop nobody here wrote', () => {
  it('purges old invoices with their lines, spares a customer under hold, and proves both', async () => {
    await using shop = await emptyDatabase();
    await loadDump(shop.sql, readFileSync(dump ?? '', 'utf8'));
    await using opened = await openTestHouse({
      policies: policiesFolder({ 'sources.yaml': chinookSources, 'retention.yaml': chinookRetention }),
      env: { SHOP_DATABASE_URL: shop.url },
    });
    const { office } = opened.house;
    const check = await office.sources.get('shop')?.check({});
    expect(check?.filter(({ level }) => level === 'drift')).toEqual([]);

    const count = async (sql: string) => Number((await shop.sql.unsafe(sql))[0]?.n);
    const cutoff = office.now().toZonedDateTimeISO('UTC').subtract({ years: 3 }).toInstant().toString();
    const due = await count(
      `SELECT count(*) AS n FROM "Invoice" WHERE "InvoiceDate" < timestamptz '${cutoff}' AT TIME ZONE 'UTC'`,
    );
    expect(due).toBeGreaterThan(0);
    const customer = (
      await shop.sql`SELECT "CustomerId" AS id, "Email" AS email FROM "Customer" ORDER BY 1 LIMIT 1`
    )[0];
    const heldBefore = await count(`SELECT count(*) AS n FROM "Invoice" WHERE "CustomerId" = ${customer?.id}`);
    const heldLines = await count(
      `SELECT count(*) AS n FROM "InvoiceLine" l JOIN "Invoice" i USING ("InvoiceId") WHERE "CustomerId" = ${customer?.id}`,
    );

    const hold = await placeHold(office, officer, {
      matter: 'Smith v. Jones',
      reason: 'litigation',
      scope: { subjects: [{ kind: 'email', value: customer?.email }] },
      demandId: null,
      requestId: null,
    });
    if (isRefusal(hold)) throw new Error(hold.detail);
    expect(hold.state).toBe('active');
    expect(hold.coverage.find(({ dataset }) => dataset === 'shop.invoices')?.count).toBe(heldBefore);
    expect(hold.coverage.find(({ dataset }) => dataset === 'shop.lines')?.count).toBe(heldLines);

    const planned = await planDisposition(office, officer, { rules: [], dryRun: false });
    if (isRefusal(planned)) throw new Error(planned.detail);
    expect(planned.state).toBe('awaiting_approval');
    const approved = await moveDispositionRun(office, second, planned.id, 'approve');
    if (isRefusal(approved)) throw new Error(approved.detail);
    await executeRun(office, planned.id);
    const run = await lookUpRun(office, planned.id);
    if (isRefusal(run)) throw new Error(run.detail);
    expect(run.state).toBe('completed');
    const [part] = run.parts;
    expect(part).toMatchObject({ dataset: 'shop.invoices', due, destroyed: due - (part?.held ?? 0) });
    expect(part?.held).toBeGreaterThan(0);
    expect(await count(`SELECT count(*) AS n FROM "Invoice" WHERE "CustomerId" = ${customer?.id}`)).toBe(heldBefore);
    expect(
      await count(
        `SELECT count(*) AS n FROM "InvoiceLine" l JOIN "Invoice" i USING ("InvoiceId") WHERE "CustomerId" = ${customer?.id}`,
      ),
    ).toBe(heldLines);
    expect(
      await count(
        `SELECT count(*) AS n FROM "Invoice" WHERE "InvoiceDate" < timestamptz '${cutoff}' AT TIME ZONE 'UTC' AND "CustomerId" <> ${customer?.id}`,
      ),
    ).toBe(0);
    expect(
      await count(
        `SELECT count(*) AS n FROM "InvoiceLine" l LEFT JOIN "Invoice" i USING ("InvoiceId") WHERE i."InvoiceId" IS NULL`,
      ),
    ).toBe(0);

    await bringLedgerUpToDate(office);
    expect(await verifyLedger(office, null)).toMatchObject({ ok: true });
  });
});
