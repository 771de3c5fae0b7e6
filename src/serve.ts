import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { serve as listen } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import { type Config, ConfigProblem } from './config.ts';
import { clockActor, systemActor } from './core/actor.ts';
import { formatInstant } from './core/instants.ts';
import { demoStaff } from './demo/staff.ts';
import { lookUpRun, runsPage } from './flows/look-up.ts';
import { recountDeadlines } from './flows/recount-deadlines.ts';
import { resumeWork } from './flows/ring-bell.ts';
import { setUpDemoStaff } from './flows/set-up-demo.ts';
import { type House, openHouse } from './house.ts';
import { httpApp } from './http/app.ts';
import { clientNetwork } from './http/client-address.ts';
import { ring, startClock } from './jobs/clock.ts';
import { taskHandlers } from './jobs/handlers.ts';
import { startSequencer } from './jobs/sequencer.ts';
import { type WebOptions, webApp } from './web/app.tsx';

export interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly demo: boolean;
  readonly role: 'all' | 'web' | 'worker';
  readonly print: (line: string) => void;
  readonly limits?: ConnectionLimits;
  readonly log: (level: 'info' | 'warn' | 'error', what: string, facts?: Readonly<Record<string, unknown>>) => void;
}

/**
 * What a connection may cost before it has said what it wants. Somebody who sends a byte now and then is cut off; five
 * minutes are what 60 MB take on a slow line.
 */
export interface ConnectionLimits {
  readonly headerBytes: number;
  readonly headersSeconds: number;
  readonly requestSeconds: number;
  readonly idleSeconds: number;
}

const connectionLimits: ConnectionLimits = {
  headerBytes: 16 * 1024,
  headersSeconds: 15,
  requestSeconds: 300,
  idleSeconds: 5,
};
/** The methods that anything here could answer. TRACE and what nobody knows do not get further. */
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PATCH', 'DELETE']);

/** How long after the start the demonstration's first bells ring: long enough to be there and watch. */
const firstBellSeconds = 60;
const stopSeconds = 8;

export interface Service {
  readonly url: string;
  readonly house: House;
  stop(): Promise<void>;
}

/** Start the service: house, tasks, clock, sequencer, pages and API, as far as its role has them. */
export async function startService(config: Config, options: ServeOptions): Promise<Service> {
  const { log } = options;
  if (config.production && config.publicUrl === null)
    throw new ConfigProblem(
      'In production PUBLIC_URL must be set, such as https://muniment.example: links in mail and the safety of cookies hang on it. Nothing was started.',
    );
  const publicUrl = (config.publicUrl ?? `${config.tls ? 'https' : 'http'}://localhost:${options.port}`).replace(
    /\/$/,
    '',
  );
  const report = (what: string, error: unknown) => log('error', what, faultFacts(error));
  const house = await openHouse(config, { demo: options.demo, publicUrl, log: options.print, report });
  const { office } = house;
  const closing: (() => Promise<void>)[] = [() => house.close()];
  const stop = async () => {
    for (const step of closing.splice(0).reverse()) await step().catch((error) => report('stopping', error));
  };
  try {
    let nextBell: (rule: string) => Temporal.Instant | null = () => null;
    if (options.role !== 'web') {
      const resumed = await resumeWork(office, systemActor);
      if (resumed.recovered + resumed.runs + resumed.bells > 0)
        log('warn', 'work of an earlier process was taken up', resumed);
      // Whoever cannot be counted anew keeps the date that was promised: that is no reason not to serve.
      const recounted = await recountDeadlines(office, systemActor).catch((error: unknown) => {
        report('counting deadlines anew', error);
        return { taken: 0, waiting: 0 };
      });
      if (recounted.taken + recounted.waiting > 0) log('info', 'deadlines were counted anew', recounted);
      const sequencer = startSequencer(office, report);
      closing.push(() => sequencer.stop());
      await office.store.tasks.work(taskHandlers(office));
      const clock = startClock(office, (what, facts) => log('info', what, facts));
      nextBell = (rule) => clock.nextBell(rule);
      closing.push(() => clock.stop());
      if (options.demo) closing.push(firstBells(house, options));
    }
    if (options.role !== 'worker') closing.push(await startListening(house, options, nextBell, report));
    if (config.tsaUrl !== null)
      options.print('TSA_URL is set and not used yet: packages are stamped by the built-in authority, and say so.');
    if (options.demo) await greet(house, options, publicUrl);
    else options.print(`Muniment ${office.version} is at ${publicUrl}`);
    return { url: publicUrl, house, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Kinds and codes, never messages: a message may quote what it failed on. */
function faultFacts(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { kind: typeof error };
  const cause = error.cause instanceof Error ? error.cause : undefined;
  const code = 'code' in error ? String(error.code) : cause && 'code' in cause ? String(cause.code) : undefined;
  const at = error.stack
    ?.split('\n')
    .filter((line) => /^\s+at .*\/src\//.test(line))
    .slice(0, 3)
    .map((line) =>
      line
        .trim()
        .replace(/^at .*\/src\//, 'src/')
        .replace(/\)$/, ''),
    );
  return { kind: error.name, ...(code ? { code } : {}), ...(at ? { at } : {}) };
}

async function startListening(
  house: House,
  options: ServeOptions,
  nextBell: (rule: string) => Temporal.Instant | null,
  report: (what: string, error: unknown) => void,
): Promise<() => Promise<void>> {
  const { office, config } = house;
  const limits = options.limits ?? connectionLimits;
  const connection = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersSeconds * 1000,
    requestTimeout: limits.requestSeconds * 1000,
    keepAliveTimeout: limits.idleSeconds * 1000,
    connectionsCheckingInterval: limits.headersSeconds * 200,
    // Two lengths, a length and chunks, a bare line feed: whoever stands before us may have read them differently.
    insecureHTTPParser: false,
    requireHostHeader: true,
  };
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const answers = new Counter({
    name: 'muniment_answers_total',
    help: 'Answers by status class',
    labelNames: ['status'],
    registers: [registry],
  });
  const networkOf: WebOptions['networkOf'] = (c) =>
    clientNetwork(getConnInfo(c).remote.address, c.req.header('X-Forwarded-For'), config.trustedProxies);
  const { app } = httpApp(office, {
    sessionOf: (headers) => office.signIn.session(headers),
    metrics: () => registry.metrics(),
    metricsToken: config.metricsToken,
    networkOf,
    report,
  });
  app.route('/', webApp(office, { nextBell, report, networkOf }));
  const server = listen({
    fetch: async (request, env) => {
      const response = knownMethods.has(request.method)
        ? await app.fetch(request, env)
        : new Response(null, { status: 501, headers: { 'Content-Length': '0' } });
      answers.inc({ status: `${Math.floor(response.status / 100)}xx` });
      return response;
    },
    port: options.port,
    hostname: options.host,
    ...(config.tls
      ? {
          createServer: createSecureServer,
          serverOptions: {
            ...config.tls,
            ...connection,
            handshakeTimeout: limits.headersSeconds * 1000,
            minVersion: 'TLSv1.2' as const,
          },
        }
      : { serverOptions: connection }),
  });
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new ConfigProblem(
              `Port ${options.port} on ${options.host} is in use. Nothing was started; stop what uses it, or choose another with --port.`,
            )
          : error,
      ),
    );
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      // Idle keep-alive connections would hold the server open for their whole time-out.
      if ('closeIdleConnections' in server) server.closeIdleConnections();
      setTimeout(() => {
        if ('closeAllConnections' in server) server.closeAllConnections();
      }, stopSeconds * 500).unref();
    });
}

/** The demonstration's first purge: every rule's bell rings once, soon after the first start, with nobody's help. */
function firstBells(house: House, options: ServeOptions): () => Promise<void> {
  const { office } = house;
  const ringAll = async () => {
    const earlier = await runsPage(office, { limit: 1, offset: 0 });
    if (earlier.length > 0) return;
    for (const rule of Object.keys(office.policy.retention))
      await ring(office, rule, `first/${formatInstant(office.now())}`, (what, facts) =>
        options.log('info', what, facts),
      );
  };
  const timer = setTimeout(() => {
    ringAll().catch((error) => options.log('error', 'first bell', faultFacts(error)));
  }, firstBellSeconds * 1000);
  return async () => clearTimeout(timer);
}

/** Print where to look and who to sign in as. */
async function greet(house: House, options: ServeOptions, url: string): Promise<void> {
  const path = join(house.config.dataFolder, 'demo-password.txt');
  const known = await readFile(path, 'utf8').catch(() => null);
  const password = known?.trim() || `kinfolk-${randomBytes(6).toString('hex')}`;
  if (known === null) await writeFile(path, `${password}\n`, { mode: 0o600 });
  await setUpDemoStaff(house.office, { ...clockActor, id: 'demo', kind: 'system' }, demoStaff, password);
  const [newest] = await runsPage(house.office, { limit: 1, offset: 0 });
  const first = newest ? await lookUpRun(house.office, newest.id) : null;
  options.print('');
  options.print(
    `Muniment ${house.office.version} is running with Kinfolk, a demonstration application for separated parents.`,
  );
  options.print('');
  options.print(`  The portal, for people      ${url}`);
  options.print(`  The console, for staff      ${url}/console`);
  options.print(`  Outgoing mail of the demo   ${url}/console/mail`);
  options.print(`  The API                     ${url}/docs`);
  options.print('');
  options.print(`  Sign in as (password for all: ${password})`);
  for (const { name, email, role, title } of demoStaff)
    options.print(`    ${email.padEnd(30)} ${name}, ${title} (${role})`);
  options.print('');
  options.print(
    first === null
      ? `  The first purge rings by itself in ${firstBellSeconds} seconds: watch it at ${url}/console/retention`
      : `  The purge log is at ${url}/console/retention`,
  );
  options.print('  Stop with Ctrl-C; everything is kept and found again at the next start.');
  options.print('');
}
