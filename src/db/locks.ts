import type { Database } from './connect.ts';

const lockSpace = 7166;

/**
 * Run `work` while holding an advisory lock of Muniment's own database. Purges of stores that have no locks of their own
 * take it shared, placing a hold takes it exclusive, and a run takes one exclusive on its own id, so that two workers
 * never work on the same run. The lock goes with the connection: a killed process holds nothing.
 * @param seconds how long to wait for it; after that Postgres's lock_timeout error is thrown
 */
export async function withLock<T>(
  db: Database,
  mode: 'shared' | 'exclusive',
  names: readonly string[],
  seconds: number,
  work: () => Promise<T>,
): Promise<T> {
  const reserved = await db.sql.reserve();
  const taken: string[] = [];
  try {
    await reserved.unsafe(`SET lock_timeout = '${Math.ceil(seconds * 1000)}ms'`);
    for (const name of [...names].sort()) {
      if (mode === 'shared') await reserved`SELECT pg_advisory_lock_shared(${lockSpace}::int, hashtext(${name}))`;
      else await reserved`SELECT pg_advisory_lock(${lockSpace}::int, hashtext(${name}))`;
      taken.push(name);
    }
    return await work();
  } finally {
    for (const name of taken.reverse())
      if (mode === 'shared') await reserved`SELECT pg_advisory_unlock_shared(${lockSpace}::int, hashtext(${name}))`;
      else await reserved`SELECT pg_advisory_unlock(${lockSpace}::int, hashtext(${name}))`;
    await reserved.unsafe(`SET lock_timeout = '20s'`);
    reserved.release();
  }
}

/** Try to be the only one working on `name`; null when somebody else already is. */
export async function whileAlone<T>(db: Database, name: string, work: () => Promise<T>): Promise<T | null> {
  const reserved = await db.sql.reserve();
  try {
    const [row] = await reserved<
      { got: boolean }[]
    >`SELECT pg_try_advisory_lock(${lockSpace}::int, hashtext(${name})) AS got`;
    if (!row?.got) return null;
    try {
      return await work();
    } finally {
      await reserved`SELECT pg_advisory_unlock(${lockSpace}::int, hashtext(${name}))`;
    }
  } finally {
    reserved.release();
  }
}
