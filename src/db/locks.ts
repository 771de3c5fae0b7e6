import type { Database } from './connect.ts';

const lockSpace = 7166;
/** The transaction that holds a lock does nothing while the work goes on; an operator's limit must not end it. */
const mayRest = 'SET LOCAL idle_in_transaction_session_timeout = 0';

/**
 * Run `work` while holding an advisory lock of Muniment's own database. Purges of stores that have no locks of their own
 * take it shared, placing a hold takes it exclusive, and a run takes one exclusive on its own id, so that two workers
 * never work on the same run. The lock goes with the connection: a killed process holds nothing, and when the connection
 * is lost this ends with an error.
 * @param seconds how long to wait for it; after that Postgres's lock_timeout error is thrown
 */
export async function withLock<T>(
  db: Database,
  mode: 'shared' | 'exclusive',
  names: readonly string[],
  seconds: number,
  work: () => Promise<T>,
): Promise<T> {
  const answer = await db.locks.begin(async (tx) => {
    await tx.unsafe(`${mayRest}; SET LOCAL lock_timeout = '${Math.ceil(seconds * 1000)}ms'`);
    for (const name of [...names].sort())
      if (mode === 'shared') await tx`SELECT pg_advisory_xact_lock_shared(${lockSpace}::int, hashtext(${name}))`;
      else await tx`SELECT pg_advisory_xact_lock(${lockSpace}::int, hashtext(${name}))`;
    return { value: await work() };
  });
  return answer.value;
}

/** Try to be the only one working on `name`; null when somebody else already is. */
export async function whileAlone<T>(db: Database, name: string, work: () => Promise<T>): Promise<T | null> {
  const answer = await db.locks.begin(async (tx) => {
    await tx.unsafe(mayRest);
    const [row] = await tx<
      { got: boolean }[]
    >`SELECT pg_try_advisory_xact_lock(${lockSpace}::int, hashtext(${name})) AS got`;
    return { value: row?.got ? await work() : null };
  });
  return answer.value;
}
