import { DatabaseSync } from 'node:sqlite';

/**
 * Loaded into a program under test before its own code (crash.ts), in its every thread: counts the statements that SQLite
 * executes and ends the process, as kill -9 would, before or after the one that CRASH_AT_SQL names (`2:before:^COMMIT`).
 * With `stop` the process stands still before it, with all its locks, until it is told to go on.
 */

const [nthText = '1', when = 'before', ...pattern] = (process.env.CRASH_AT_SQL ?? '').split(':');
const fits = new RegExp(pattern.join(':'), 'i');
let met = 0;

const die = () => process.kill(process.pid, 'SIGKILL');

function around<T extends unknown[], R>(sql: string, execute: (...args: T) => R): (...args: T) => R {
  return (...args) => {
    const isTheOne = fits.test(sql.trim()) && ++met === Number(nthText);
    if (isTheOne && when === 'before') die();
    if (isTheOne && when === 'stop') process.kill(process.pid, 'SIGSTOP');
    const result = execute(...args);
    if (isTheOne && when === 'after') die();
    return result;
  };
}

const prepare = DatabaseSync.prototype.prepare;
DatabaseSync.prototype.prepare = function (sql, ...options) {
  const statement = prepare.call(this, sql, ...options);
  for (const way of ['run', 'all'] as const) {
    const execute = statement[way].bind(statement) as (...args: unknown[]) => unknown;
    Object.defineProperty(statement, way, { value: around(sql, execute) });
  }
  return statement;
};
