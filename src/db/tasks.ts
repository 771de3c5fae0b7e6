import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { fromDrizzle, PgBoss } from 'pg-boss';
import { type Task, type TaskName, taskNames } from '../ledger/decision.ts';
import { DatabaseUnprepared } from './unprepared.ts';

/** The payload of a task as a worker gets it. */
export type TaskPayload = Readonly<Record<string, string | number>>;

/** The queue of tasks: rows committed with the decision, given to one worker each, tried again until they are done. */
export interface TaskQueue {
  /** Queue tasks inside a transaction. A key that was queued before is left as it is. */
  send(tx: Pick<PostgresJsDatabase, 'execute'>, tasks: readonly Task[]): Promise<void>;
  /**
   * Start working. A handler that throws is tried again with growing pauses, up to a quarter of an hour, and is never
   * given up: what a task carries was promised. Each try is reported, and `doctor` shows what keeps failing. A start
   * tries it at once, since that is what an operator does who mended the cause.
   */
  work(handlers: Readonly<Record<TaskName, (payload: TaskPayload) => Promise<void>>>): Promise<void>;
  /** The kinds of tasks whose last try failed, each with its number. */
  failing(): Promise<readonly string[]>;
  /** Stop taking tasks and wait up to `seconds` for those in hand; what is not done then is given to another worker. */
  stop(seconds: number): Promise<void>;
}

const retry = { retryLimit: 1_000_000, retryDelay: 2, retryBackoff: true, retryDelayMax: 900 };

/**
 * An error as the queue may keep it: pg-boss stores what a handler throws, in clear and for days, and a mail server's
 * answer or a database's names whom a task is about. What kind it was stays; its words go to the log alone.
 */
function withoutWords(error: unknown): Error {
  const { name, code } = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown;
    code?: unknown;
  };
  const word = (value: unknown) => (/^\w{1,40}$/.test(String(value)) ? String(value) : null);
  const kept = new Error('The log says why.');
  kept.name = word(name) ?? 'Error';
  kept.stack = '';
  return word(code) === null || code === undefined ? kept : Object.assign(kept, { code: word(code) });
}

/** A task's key as the id pg-boss wants: the same key, the same row. */
function idOf(task: Task): string {
  const hex = createHash('sha256').update(`${task.name}\n${task.key}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/**
 * Make the queue's tables, or bring them to this version, as the role that is to own them. Indexes that an upgrade
 * leaves to be built beside the work are built here as well: the service's role could not.
 */
export async function installTaskQueue(url: string): Promise<void> {
  const boss = new PgBoss({
    connectionString: url,
    max: 1,
    application_name: 'muniment-migration',
    schedule: false,
    supervise: false,
    bamIntervalSeconds: 10,
  });
  // An index that could not be built is reported here and tried again by the next start.
  boss.on('error', () => {});
  await boss.start();
  await makeQueues(boss);
  const giveUpAt = performance.now() + indexesWaitMs;
  while (performance.now() < giveUpAt && (await indexesToBuild(boss))) await pause(200);
  await boss.stop({ graceful: true, close: true });
}

/** How long a start waits for the indexes of an upgraded queue; what is not built then, the next start builds. */
const indexesWaitMs = 600_000;

async function indexesToBuild(boss: PgBoss): Promise<boolean> {
  const left = await boss.getBamStatus();
  return left.some(({ status, count }) => (status === 'pending' || status === 'in_progress') && count > 0);
}

async function makeQueues(boss: PgBoss): Promise<void> {
  for (const name of taskNames)
    await boss.createQueue(name, {
      ...retry,
      notify: true,
      expireInSeconds: 3600 * 6,
      heartbeatSeconds: 60,
      deleteAfterSeconds: 86_400 * 7,
    });
}

/** Queues are the owner's to make: pg-boss's upgrades write a queue's table name into statements that the owner runs. */
async function demandQueues(boss: PgBoss): Promise<void> {
  const there = new Set((await boss.getQueues()).map(({ name }) => name));
  const missing = taskNames.filter((name) => !there.has(name));
  if (missing.length === 0) return;
  await boss.stop({ graceful: false, close: true });
  throw new DatabaseUnprepared(
    `The queues ${missing.join(', ')} of this version are not there, and the service's role may not make them. Nothing was started. Run the verb "migrate" with the owner's connection in MUNIMENT_MIGRATION_URL, or start with it.`,
  );
}

/**
 * Open the queue in the database at `url`.
 * @param report what is told of errors; it never gets a payload
 * @param makesTables whether this role makes and upgrades the queue's tables; else `installTaskQueue` has
 */
export async function openTaskQueue(
  url: string,
  report: (what: string, error: unknown) => void,
  makesTables = true,
): Promise<TaskQueue> {
  const boss = new PgBoss({
    connectionString: url,
    max: 6,
    application_name: 'muniment-tasks',
    migrate: makesTables,
    schedule: false,
    useListenNotify: true,
  });
  boss.on('error', (error) => report('task queue', error));
  await boss.start();
  await (makesTables ? makeQueues(boss) : demandQueues(boss));
  return {
    async send(tx, tasks) {
      const db = fromDrizzle(tx, sql);
      for (const task of tasks)
        await boss.send(
          task.name,
          { ...task.payload },
          {
            id: idOf(task),
            db,
            ...(task.notBefore === undefined ? {} : { startAfter: task.notBefore }),
          },
        );
    },
    async work(handlers) {
      await boss.getDb().executeSql(`UPDATE pgboss.job SET start_after = now() WHERE state = 'retry'`);
      for (const name of taskNames)
        await boss.work<TaskPayload>(
          name,
          // A NOTIFY wakes a worker for a new task; what waits for its time, for another try or behind others is found by
          // looking (with NOTIFY every 30 seconds, were nothing said).
          { pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 1, batchSize: 1, localConcurrency: 2 },
          async ([job]) => {
            if (!job) return;
            try {
              await handlers[name](job.data);
            } catch (error) {
              report(`task ${name}, try ${job.retryCount + 1}`, error);
              throw withoutWords(error);
            }
          },
        );
    },
    async failing() {
      const { rows } = await boss
        .getDb()
        .executeSql(`SELECT name, count(*) AS n FROM pgboss.job WHERE state = 'retry' GROUP BY 1 ORDER BY 1`);
      return (rows as { name: string; n: string }[]).map(({ name, n }) => `${name} (${n})`);
    },
    async stop(seconds) {
      await boss.stop({ graceful: true, timeout: seconds * 1000, close: true });
    },
  };
}
