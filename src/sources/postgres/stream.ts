import type postgres from 'postgres';

/**
 * The rows of a query, so many at a time, all of one moment: memory does not grow with them. A connection that is lost
 * half-way ends the stream with an error. (The driver's own cursor ends there as if that had been all, and an export
 * would be sealed with a part of its records; a reserved connection never answers again. A transaction does fail.)
 * @param query with its values written into it; a cursor is planned with constants
 */
export async function* streamRows<T extends postgres.Row>(
  sql: postgres.Sql,
  query: string,
  rowsAtOnce: number,
): AsyncGenerator<readonly T[]> {
  let part = Promise.withResolvers<readonly T[]>();
  let more = Promise.withResolvers<boolean>();
  let isOver = false;
  /** Hand a part over; true when another is wanted. */
  const offer = (rows: readonly T[]): Promise<boolean> | false => {
    if (isOver) return false;
    more = Promise.withResolvers();
    part.resolve(rows);
    return more.promise;
  };
  const reading = sql.begin('ISOLATION LEVEL REPEATABLE READ READ ONLY', async (tx) => {
    for await (const rows of streamWithin<T>(tx, query, rowsAtOnce)) if (!(await offer(rows))) break;
    return null;
  });
  // It may fail while nobody waits for it: whoever asks for the next part hears of it, and nothing more is read.
  reading.catch(() => {
    isOver = true;
    more.resolve(false);
  });
  try {
    for (;;) {
      const rows = await Promise.race([part.promise, reading]);
      if (rows === null) return;
      part = Promise.withResolvers();
      yield rows as readonly T[];
      more.resolve(true);
    }
  } finally {
    isOver = true;
    more.resolve(false);
    await reading.catch(() => {});
  }
}

/** The same inside a transaction that is open already. */
export async function* streamWithin<T extends postgres.Row>(
  tx: postgres.TransactionSql,
  query: string,
  rowsAtOnce: number,
): AsyncGenerator<readonly T[]> {
  await tx.unsafe(`DECLARE muniment_stream NO SCROLL CURSOR FOR ${query}`);
  for (;;) {
    const rows = await tx.unsafe<T[]>(`FETCH ${rowsAtOnce} FROM muniment_stream`);
    if (rows.length > 0) yield rows;
    if (rows.length < rowsAtOnce) break;
  }
  await tx.unsafe('CLOSE muniment_stream');
}
