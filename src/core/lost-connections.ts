/** What this needs of a pool of PostgreSQL connections (the driver `postgres` is named by the folders that use it). */
interface Pool {
  begin: (...order: never[]) => Promise<unknown>;
}

type Work = (tx: object) => unknown;

/** Codes of the driver's own for a connection that is not there any more. */
const lossCodes = ['CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED'];

/** How long the driver may take from a connection's last error to its end. */
const settleMs = 500;

function isLoss(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return severity === 'FATAL' || lossCodes.includes(String(code));
}

/**
 * Make the pool's transactions end when their connection does. The driver (postgres 3.4) rejects a transaction whose
 * connection is lost, and then still sends the ROLLBACK, or whatever the work sends next, into a socket that is not
 * there: an exception that nobody can catch, and the process dies with it. Work whose connection is lost is therefore
 * never let come to its end, and what it sends is refused here.
 * @param pause waits so many milliseconds
 * @returns the same pool
 */
export function guardTransactions<P extends Pool>(pool: P, pause: (milliseconds: number) => Promise<unknown>): P {
  const begin = pool.begin.bind(pool) as (...order: unknown[]) => Promise<unknown>;
  pool.begin = ((...order: unknown[]) => {
    const work = order.pop() as Work;
    let isLost = false;
    const outcome = begin(...order, async (tx: object) => {
      try {
        const result = await work(guarded(tx, () => isLost));
        if (!isLost) return result;
      } catch (error) {
        // Another connection may have been lost inside the work, or this one a moment before the driver says so.
        if (isLoss(error)) await pause(settleMs);
        if (!isLost) throw error;
      }
      return new Promise(() => {});
    });
    outcome.catch(() => {
      isLost = true;
    });
    return outcome;
  }) as unknown as P['begin'];
  return pool;
}

function guarded(tx: object, isLost: () => boolean): object {
  const check = () => {
    if (isLost()) throw Object.assign(new Error('the connection of this transaction was lost'), { code: lossCodes[0] });
  };
  return new Proxy(tx, {
    apply(target, self, words) {
      check();
      return Reflect.apply(target as never, self, words);
    },
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function' || !['unsafe', 'savepoint', 'file'].includes(String(name))) return value;
      return (...words: unknown[]) => {
        check();
        return Reflect.apply(value, target, words);
      };
    },
  });
}
