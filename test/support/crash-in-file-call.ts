import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded into a program under test before its own code (crash.ts): counts the calls of one function of the file system
 * and ends the process, as kill -9 would, before or after the call that CRASH_AT names (`rename:2:before:PATH`).
 */

type Fallible = (...args: unknown[]) => unknown;

const [name = '', nthText = '1', when = 'before', ...path] = (process.env.CRASH_AT ?? '').split(':');
const fits = new RegExp(path.join(':'));
let calls = 0;

const die = () => process.kill(process.pid, 'SIGKILL');

/** Whether this call is the one. */
function isTheOne(args: readonly unknown[]): boolean {
  if (!args.some((arg) => (typeof arg === 'string' || arg instanceof URL) && fits.test(String(arg)))) return false;
  calls += 1;
  return calls === Number(nthText);
}

function replace(home: object, key: string, around: (original: Fallible) => Fallible): void {
  const original: unknown = Reflect.get(home, key);
  if (typeof original === 'function') Reflect.set(home, key, around(original.bind(home)));
}

replace(fs.promises, name, (original) => async (...args) => {
  if (!isTheOne(args)) return original(...args);
  if (when === 'before') die();
  const result = await original(...args);
  die();
  return result;
});
replace(fs, `${name}Sync`, (original) => (...args) => {
  if (!isTheOne(args)) return original(...args);
  if (when === 'before') die();
  const result = original(...args);
  die();
  return result;
});
replace(fs, name, (original) => (...args) => {
  if (!isTheOne(args)) return original(...args);
  if (when === 'before') die();
  const done = args.pop();
  return original(...args, (...results: unknown[]) => {
    die();
    if (typeof done === 'function') done(...results);
  });
});
syncBuiltinESMExports();
