/**
 * The composition root: words from the shell become a service, a worker or a verb. Here, in house.ts and in serve.ts
 * the parts are put together; nothing else knows all of them.
 */
import { pino } from 'pino';
import { Misuse, option, readWords } from './cli/arguments.ts';
import { doctor } from './cli/doctor.ts';
import { keysList, keysRotate } from './cli/keys.ts';
import { ledgerCheckpoint, ledgerVerify } from './cli/ledger.ts';
import { tokenCreate, userCreate } from './cli/people.ts';
import { policyCheck, policyExamples } from './cli/policy.ts';
import { purge } from './cli/purge.ts';
import { replay } from './cli/replay-erasures.ts';
import { sourceCheck } from './cli/source-check.ts';
import { sourceEnforce } from './cli/source-enforce.ts';
import { cliActor, type OfficeVerb, type Out } from './cli/verb.ts';
import { verifyFile } from './cli/verify.ts';
import { type Config, ConfigProblem, readConfig } from './config.ts';
import { defaultDataFolder } from './db/embedded/account.ts';
import { EmbeddedDatabaseError } from './db/embedded/fault.ts';
import { DatabaseBehind } from './db/keepsake.ts';
import { DatabaseUnprepared } from './db/unprepared.ts';
import { migrateDatabase, openHouse, PolicyInvalid, readPolicyFiles } from './house.ts';
import { startService } from './serve.ts';

/** Verbs that work in the office, by their words. */
const officeVerbs: Readonly<Record<string, OfficeVerb>> = {
  'source check': sourceCheck,
  'source enforce': sourceEnforce,
  purge,
  'ledger verify': ledgerVerify,
  'ledger checkpoint': ledgerCheckpoint,
  'token create': tokenCreate,
  'user create': userCreate,
  'keys list': keysList,
  'keys rotate': keysRotate,
  'replay-erasures': replay,
  doctor,
};

const otherUsages = [
  'serve [--port N] [--host H] [--demo | --no-demo] [--role all|web|worker]',
  'migrate',
  'policy check [DIR]',
  'policy examples FILE...',
  'verify PACKAGE|CERTIFICATE.json [--root ROOT.pem]',
];

function usage(): string {
  return ['muniment VERB …', ...otherUsages, ...Object.values(officeVerbs).map((verb) => verb.usage)].join('\n  ');
}

/** Run one command line. @returns its exit code */
export async function run(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const json = words.includes('--json');
  const out: Out = {
    json,
    line: (text) => void (json || process.stdout.write(`${text}\n`)),
    document: (value) => void (json && process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)),
  };
  try {
    const [first = '', second = ''] = words;
    if (first === 'help' || words.includes('--help')) {
      process.stdout.write(`${usage()}\n`);
      return 0;
    }
    const config = readConfig(env, defaultDataFolder(process.cwd()));
    if (first === 'serve') return await serve(config, words.slice(1));
    if (first === 'migrate') return await migrate(config, words.slice(1), out);
    if (first === 'verify') return await verifyFile(words.slice(1), config, out);
    if (first === 'policy' && second === 'check') {
      const { positional } = readWords(words.slice(2), [], ['json'], 1);
      const folder = positional[0] ?? config.policiesFolder;
      return policyCheck(await readPolicyFiles(folder), folder, withDemoNames(config), out);
    }
    if (first === 'policy' && second === 'examples')
      return await policyExamples(words.slice(2), config.policiesFolder, out);
    const verb = officeVerbs[`${first} ${second}`] ?? officeVerbs[first];
    if (!verb)
      throw new Misuse(first === '' ? 'Say what to do.' : `There is no verb "${`${first} ${second}`.trim()}".`);
    const rest = words.slice(officeVerbs[`${first} ${second}`] ? 2 : 1);
    return await inOffice(config, verb, rest, out);
  } catch (error) {
    return explain(error, out);
  }
}

/** The demonstration's policies name two variables that only its own start sets; a check alone must not stumble on them. */
function withDemoNames(config: Config) {
  const demo: Record<string, string> = isDemo(config)
    ? { APP_DATABASE_URL: 'postgres://localhost/kinfolk', KINFOLK_FILES: '/kinfolk' }
    : {};
  return (name: string) => config.lookup(name) ?? demo[name];
}

const isDemo = (config: Config) => config.databaseUrl === null && !config.production;

async function inOffice(config: Config, verb: OfficeVerb, words: readonly string[], out: Out): Promise<number> {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const house = await openHouse(config, {
    demo: isDemo(config),
    publicUrl: (config.publicUrl ?? `http://localhost:${config.port}`).replace(/\/$/, ''),
    log: say,
    report: (what) => say(`${what} failed`),
  });
  try {
    return await verb.run(house.office, cliActor(config.user), words, out);
  } finally {
    await house.close();
  }
}

/** Schema and rights, and nothing else: what a deployment runs with the owner's connection, which the service then lacks. */
async function migrate(config: Config, words: readonly string[], out: Out): Promise<number> {
  readWords(words, [], ['json']);
  const granted = await migrateDatabase(config, (line) => void process.stderr.write(`${line}\n`));
  out.document({ ok: true, granted });
  for (const statement of granted) out.line(statement);
  out.line(`The database is at the schema of this version; ${granted.length} statements changed rights.`);
  return 0;
}

async function serve(config: Config, words: readonly string[]): Promise<number> {
  const parsed = readWords(words, ['port', 'host', 'role'], ['demo', 'no-demo']);
  const role = option(parsed, 'role') ?? 'all';
  if (role !== 'all' && role !== 'web' && role !== 'worker') throw new Misuse('--role is all, web or worker.');
  const port = Number(option(parsed, 'port') ?? config.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Misuse('--port is a number from 0 to 65535.');
  const wantsDemo = parsed.options.has('demo');
  if (wantsDemo && !isDemo(config))
    throw new Misuse('The demonstration runs only without DATABASE_URL and outside production. Nothing was started.');
  const logger = pino({ level: config.logLevel }, pino.destination(2));
  const service = await startService(config, {
    port,
    host: option(parsed, 'host') ?? config.host,
    demo: isDemo(config) && !parsed.options.has('no-demo'),
    role,
    print: (line) => void process.stdout.write(`${line}\n`),
    log: (level, what, facts) => logger[level](facts ?? {}, what),
  });
  await new Promise<void>((resolve) => {
    let asked = 0;
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        asked += 1;
        if (asked === 1) resolve();
        // Asked again: whatever is not done yet is found and finished by the next start.
        else if (asked > 2) process.exit(1);
      });
  });
  process.stdout.write('Stopping; what is in hand is finished or left for the next start.\n');
  await service.stop();
  return 0;
}

/** Faults that say by themselves what to do. */
const refusals = [ConfigProblem, DatabaseBehind, DatabaseUnprepared, EmbeddedDatabaseError];

/** The file that somebody named and that is not there, or not to be read; null for anything else. */
function unreadablePath(error: unknown): string | null {
  if (!(error instanceof Error && 'code' in error && 'path' in error)) return null;
  return ['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR'].includes(String(error.code)) ? String(error.path) : null;
}

/** Say what went wrong so that it can be mended. 2: misused; 1: refused. */
function explain(error: unknown, out: Out): number {
  if (error instanceof Misuse) {
    out.document({ ok: false, code: 'misused', detail: error.message });
    process.stderr.write(`${error.message}\n\n${usage()}\n`);
    return 2;
  }
  const unreadable = unreadablePath(error);
  if (unreadable !== null) {
    const detail = `${unreadable} cannot be read: ${(error as NodeJS.ErrnoException).code}. Nothing was done.`;
    out.document({ ok: false, code: 'unreadable', detail });
    process.stderr.write(`${detail}\n`);
    return 2;
  }
  if (error instanceof PolicyInvalid) {
    out.document({ ok: false, problems: error.problems });
    for (const { file, line, column, detail } of error.problems)
      process.stderr.write(`${file}:${line}:${column}: ${detail}\n`);
    process.stderr.write('The policies are not in order; nothing was started.\n');
    return 1;
  }
  if (refusals.some((kind) => error instanceof kind) && error instanceof Error) {
    out.document({ ok: false, code: 'refused', detail: error.message });
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  const fault = error instanceof Error ? error : new Error(String(error));
  out.document({ ok: false, code: 'fault', detail: fault.message });
  process.stderr.write(`${fault.name}: ${fault.message}\n${fault.stack?.split('\n').slice(1, 6).join('\n') ?? ''}\n`);
  return 1;
}

if (import.meta.main) process.exitCode = await run(process.argv.slice(2), process.env);
