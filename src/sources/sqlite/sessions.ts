import { Worker } from 'node:worker_threads';
import { type Parameters, type Row, SqliteError } from './session.ts';

/** What the thread is asked; `session` names a connection of its own. */
export type Question = { readonly id: number; readonly session: number } & Ask;
type Ask =
  | { readonly ask: 'open'; readonly uri: string }
  | { readonly ask: 'all' | 'run'; readonly sql: string; readonly parameters: Parameters }
  | { readonly ask: 'close' };

export interface Answer {
  readonly id: number;
  readonly rows?: readonly Row[];
  readonly changes?: number;
  readonly failed?: { readonly code: string | null; readonly message: string };
}

/** A connection in the thread of its source. One at a time asks it: what is in a transaction is nobody else's. */
export interface RemoteSession {
  all<T extends object = Row>(sql: string, parameters?: Parameters): Promise<readonly T[]>;
  /** @returns how many rows the statement changed */
  run(sql: string, parameters?: Parameters): Promise<number>;
  close(): Promise<void>;
}

/** The connections of one source, in a thread that starts with the first of them. */
export interface Sessions {
  open(uri: string): Promise<RemoteSession>;
  close(): Promise<void>;
}

export function startSessions(): Sessions {
  let worker: Worker | null = null;
  let [questions, opened] = [0, 0];
  const waiting = new Map<number, PromiseWithResolvers<Answer>>();

  const start = (): Worker => {
    const started = new Worker(new URL('./worker.ts', import.meta.url));
    started.on('message', (answer: Answer) => {
      const asked = waiting.get(answer.id);
      waiting.delete(answer.id);
      // Who waits for an answer keeps the process alive, and nobody else here.
      if (waiting.size === 0) started.unref();
      asked?.resolve(answer);
    });
    const end = (error: Error) => {
      if (worker === started) worker = null;
      for (const asked of waiting.values()) asked.reject(error);
      waiting.clear();
    };
    started.on('error', end);
    started.on('exit', () => end(new Error('the thread of a SQLite source ended')));
    return started;
  };
  const ask = async (session: number, what: Ask): Promise<Answer> => {
    worker ??= start();
    questions += 1;
    const asked = Promise.withResolvers<Answer>();
    waiting.set(questions, asked);
    worker.ref();
    worker.postMessage({ id: questions, session, ...what } satisfies Question);
    const answer = await asked.promise;
    if (!answer.failed) return answer;
    throw answer.failed.code === null ? new Error(answer.failed.message) : new SqliteError(answer.failed.code);
  };

  return {
    async open(uri) {
      opened += 1;
      const session = opened;
      await ask(session, { ask: 'open', uri });
      return {
        async all<T extends object>(sql: string, parameters: Parameters = {}) {
          const { rows = [] } = await ask(session, { ask: 'all', sql, parameters });
          return rows as readonly T[];
        },
        run: async (sql, parameters = {}) => (await ask(session, { ask: 'run', sql, parameters })).changes ?? 0,
        close: async () => {
          await ask(session, { ask: 'close' });
        },
      };
    },
    async close() {
      await worker?.terminate();
    },
  };
}
