import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { DemandChange } from '../demands/demand.ts';
import type { CustodianChange } from '../disposition/custodian.ts';
import type { HoldChange } from '../disposition/hold.ts';
import type { MatterChange } from '../disposition/matter.ts';
import type { RunChange } from '../disposition/run.ts';
import type { ExportChange } from '../evidence/export.ts';
import type { IncidentChange } from '../incidents/incident.ts';
import { alarmsOf, type IsWorkingTime } from '../ledger/alarm.ts';
import type { Decision } from '../ledger/decision.ts';
import type { Entry } from '../ledger/entry.ts';
import { entryBytes } from '../ledger/entry-bytes.ts';
import type { RequestChange } from '../requests/request.ts';
import { alarmTask, writeAlarms } from './alarms.ts';
import type { Database, Queryable } from './connect.ts';
import { custodianColumns } from './custodians.ts';
import { demandColumns } from './demands.ts';
import { exportColumns } from './exports.ts';
import { holdColumns } from './holds.ts';
import { incidentColumns } from './incidents.ts';
import { matterColumns } from './matters.ts';
import { requestColumns } from './requests.ts';
import { runColumns, writeRunParts } from './runs.ts';
import { custodians, demands, exports_, holds, incidents, ledgerPending, matters, requests, runs } from './schema.ts';
import type { TaskQueue } from './tasks.ts';
import type { Vault } from './vault.ts';

/** Every aggregate a decision may change. */
export type State =
  | RequestChange
  | HoldChange
  | MatterChange
  | CustodianChange
  | RunChange
  | DemandChange
  | IncidentChange
  | ExportChange;

/** Somebody else changed the same thing since it was loaded: nothing was written; load, decide and commit again. */
export class Conflict extends Error {
  constructor(what: string) {
    super(`${what} was changed by somebody else in the meantime`);
    this.name = 'Conflict';
  }
}

/** Where decisions are committed. */
export interface Store {
  readonly db: Database;
  readonly vault: Vault;
  readonly tasks: TaskQueue;
  /** The hours of the organization: an approval outside them raises an alarm. */
  readonly isWorkingTime: IsWorkingTime;
}

type Transaction = Parameters<Parameters<Database['orm']['transaction']>[0]>[0];

/**
 * Write a decision: state, ledger entries, alarms and tasks in one transaction, or nothing.
 * @param beside other rows that must stand or fall with it (a grant, a blob, an idempotency key); what it returns are
 * entries that only rows it locked could decide
 * @throws Conflict when an aggregate is not in the version it was loaded in
 */
export async function commit(
  store: Store,
  decision: Decision<State>,
  beside?: ((tx: Transaction) => Promise<void>) | ((tx: Transaction) => Promise<readonly Entry[]>),
): Promise<void> {
  // Sealing needs the case's key, which is a query: it is done before, so that the transaction is short.
  const writes = await Promise.all(decision.state.map((change) => prepare(store.vault, change)));
  await store.db.orm.transaction(async (tx) => {
    for (const write of writes) await write(tx);
    const entries = [...decision.entries, ...((await beside?.(tx)) ?? [])];
    if (entries.length > 0)
      await tx.insert(ledgerPending).values(entries.map((entry) => ({ kind: entry.kind, bytes: entryBytes(entry) })));
    const raised = await writeAlarms(tx, [
      ...(decision.alarms ?? []),
      ...entries.flatMap((entry) => alarmsOf(entry, store.isWorkingTime)),
    ]);
    await store.tasks.send(tx, [...decision.tasks, ...raised.map(alarmTask)]);
    if (entries.length > 0) await tx.execute(sql`SELECT pg_notify('muniment_ledger', '')`);
  });
}

async function prepare(vault: Vault, change: State): Promise<(tx: Transaction) => Promise<void>> {
  switch (change.kind) {
    case 'request': {
      const columns = await requestColumns(vault, change.request);
      return (tx) => save(tx, requests, change.request, columns, `request ${change.request.id}`);
    }
    case 'hold': {
      const columns = await holdColumns(vault, change.hold);
      return (tx) => save(tx, holds, change.hold, columns, `hold ${change.hold.id}`);
    }
    case 'custodian': {
      const columns = await custodianColumns(vault, change.custodian);
      return (tx) => save(tx, custodians, change.custodian, columns, `custodian ${change.custodian.id}`);
    }
    case 'matter': {
      const columns = await matterColumns(vault, change.matter);
      return (tx) => save(tx, matters, change.matter, columns, `matter ${change.matter.id}`);
    }
    case 'demand': {
      const columns = await demandColumns(vault, change.demand);
      return (tx) => save(tx, demands, change.demand, columns, `demand ${change.demand.id}`);
    }
    case 'incident': {
      const columns = await incidentColumns(vault, change.incident);
      return (tx) => save(tx, incidents, change.incident, columns, `incident ${change.incident.id}`);
    }
    case 'export': {
      const columns = await exportColumns(vault, change.export);
      return (tx) => save(tx, exports_, change.export, columns, `export ${change.export.id}`);
    }
    case 'run': {
      const columns = runColumns(vault, change.run);
      return async (tx) => {
        await save(tx, runs, change.run, columns, `run ${change.run.id}`);
        if (change.run.version === 0) await writeRunParts(tx, change.run);
      };
    }
  }
}

type Versioned = PgTable & { id: typeof requests.id; version: typeof requests.version };

/** Insert version 1, or move from the version that was loaded to the next. */
async function save(
  tx: Queryable,
  table: PgTable,
  loaded: { readonly id: string; readonly version: number },
  columns: Record<string, unknown>,
  what: string,
): Promise<void> {
  if (loaded.version === 0) {
    await tx.insert(table).values({ ...columns, version: 1 } as never);
    return;
  }
  const { id, version } = table as Versioned;
  const same: SQL | undefined = and(eq(id, loaded.id), eq(version, loaded.version));
  const changed = await tx
    .update(table)
    .set({ ...columns, version: loaded.version + 1 } as never)
    .where(same)
    .returning({ id });
  if (changed.length !== 1) throw new Conflict(what);
}
