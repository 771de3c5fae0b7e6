import { eq, lt, sql } from 'drizzle-orm';
import type { Store } from './commit.ts';
import { throttles } from './schema.ts';

/** Whether one more try is allowed, and from when on again. */
export interface Try {
  readonly allowed: boolean;
  readonly retryAt: Temporal.Instant;
}

/**
 * Count one try under a key, in one statement, so that tries at once on many processes are all counted. The window
 * begins with its first try; a try beyond the limit does not lengthen it.
 * @param key a keyed digest of what is counted: this table names nobody
 * @param limit as many tries are allowed within the window
 */
export async function countTry(
  store: Store,
  key: string,
  limit: number,
  windowSeconds: number,
  now: Temporal.Instant,
): Promise<Try> {
  const windowEndsAt = now.add({ seconds: windowSeconds });
  const over = sql`${throttles.windowEndsAt} <= excluded.window_ends_at - make_interval(secs => ${windowSeconds})`;
  const [row] = await store.db.orm
    .insert(throttles)
    .values({ key, count: 1, windowEndsAt })
    .onConflictDoUpdate({
      target: throttles.key,
      set: {
        count: sql`CASE WHEN ${over} THEN 1 ELSE ${throttles.count} + 1 END`,
        windowEndsAt: sql`CASE WHEN ${over} THEN excluded.window_ends_at ELSE ${throttles.windowEndsAt} END`,
      },
    })
    .returning();
  if (!row) throw new Error('a try was not counted');
  // Whoever opens a window also clears away those that are over.
  if (row.count === 1) await store.db.orm.delete(throttles).where(lt(throttles.windowEndsAt, now));
  return { allowed: row.count <= limit, retryAt: row.windowEndsAt };
}

/** Take a try back that turned out well. */
export async function forgiveTry(store: Store, key: string): Promise<void> {
  await store.db.orm
    .update(throttles)
    .set({ count: sql`greatest(${throttles.count} - 1, 0)` })
    .where(eq(throttles.key, key));
}
