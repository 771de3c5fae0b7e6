import { and, count, desc, eq, isNull } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import { sha256Hex } from '../core/hash.ts';
import type { Alarm, AlarmKind } from '../ledger/alarm.ts';
import type { Task } from '../ledger/decision.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { alarms } from './schema.ts';

export interface RaisedAlarm {
  readonly id: string;
  readonly kind: AlarmKind;
  readonly at: Temporal.Instant;
  readonly facts: Alarm['facts'];
  readonly mailedAt: Temporal.Instant | null;
  readonly postedAt: Temporal.Instant | null;
  readonly seenAt: Temporal.Instant | null;
  readonly seenBy: string | null;
}

function toAlarm(row: typeof alarms.$inferSelect): RaisedAlarm {
  const { key: _, ...rest } = row;
  return { ...rest, kind: row.kind as AlarmKind, facts: row.facts as Alarm['facts'] };
}

/** Write alarms in the transaction of what raised them. @returns the ids of those that were not raised before */
export async function writeAlarms(tx: Queryable, raised: readonly Alarm[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const { kind, key, at, facts } of raised) {
    const id = `alm_${sha256Hex(key).slice(0, 26)}`;
    const written = await tx
      .insert(alarms)
      .values({ id, kind, key, at: Temporal.Instant.from(at), facts: facts as Json })
      .onConflictDoNothing()
      .returning({ id: alarms.id });
    ids.push(...written.map((row) => row.id));
  }
  return ids;
}

export function alarmTask(id: string): Task {
  return { name: 'send-alarm', key: id, payload: { alarm: id } };
}

export async function loadAlarm(store: Store, id: string): Promise<RaisedAlarm | null> {
  const [row] = await store.db.orm.select().from(alarms).where(eq(alarms.id, id));
  return row ? toAlarm(row) : null;
}

/** Alarms, those not yet seen first, then newest first. */
export async function listAlarms(store: Store, limit: number, offset: number): Promise<readonly RaisedAlarm[]> {
  const rows = await store.db.orm
    .select()
    .from(alarms)
    .orderBy(desc(isNull(alarms.seenAt)), desc(alarms.at), desc(alarms.id))
    .limit(limit)
    .offset(offset);
  return rows.map(toAlarm);
}

export async function countUnseenAlarms(store: Store): Promise<number> {
  const [row] = await store.db.orm.select({ n: count() }).from(alarms).where(isNull(alarms.seenAt));
  return row?.n ?? 0;
}

/** Note by which way an alarm left. */
export async function markAlarm(
  tx: Queryable,
  id: string,
  way: 'mailedAt' | 'postedAt',
  now: Temporal.Instant,
): Promise<void> {
  await tx
    .update(alarms)
    .set({ [way]: now })
    .where(eq(alarms.id, id));
}

/** Note who looked at an alarm, once. @returns false when somebody had before */
export async function seeAlarm(tx: Queryable, id: string, by: string, now: Temporal.Instant): Promise<boolean> {
  const seen = await tx
    .update(alarms)
    .set({ seenAt: now, seenBy: by })
    .where(and(eq(alarms.id, id), isNull(alarms.seenAt)))
    .returning({ id: alarms.id });
  return seen.length === 1;
}
