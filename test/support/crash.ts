import { type ChildProcess, spawn } from 'node:child_process';
import { connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

/**
 * Killing a program at a chosen point, without a word about it in the program. What a crash can leave half done is
 * what the program did outside itself, so the points are there: a statement on its way to PostgreSQL, or a call of the
 * file system. Statements pass through a proxy of ours, which kills the program before it forwards one, or after the
 * server has answered and before the program hears of it (the transaction is committed, and the program died without
 * knowing). File calls, and the statements of SQLite, are counted by a module loaded into the program before its own code.
 */

/** Where to kill: the `nth` (from 1) event that fits, before it has happened or after. `path` fits any path of a call. */
export type CrashPoint =
  | { readonly on: 'statement'; readonly fits?: RegExp; readonly nth?: number; readonly when: 'before' | 'after' }
  | { readonly on: 'sqlite'; readonly fits?: RegExp; readonly nth?: number; readonly when: 'before' | 'after' }
  | { readonly on: FileCall; readonly path?: RegExp; readonly nth?: number; readonly when: 'before' | 'after' };

/** The file calls that change something, whichever of node:fs or node:fs/promises they are made through. */
export type FileCall = 'writeFile' | 'appendFile' | 'rename' | 'unlink' | 'rm' | 'mkdir' | 'open' | 'link' | 'copyFile';

/** What is run: a module of the tests or of the program, under the same Node and tsx as `npm start`. */
export interface Program {
  /** Absolute path or file URL of the module. */
  readonly script: string | URL;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Variables that hold a `postgres://` URL; their statements are counted together, in the order they are sent. */
  readonly databases?: Readonly<Record<string, string>>;
  /** Killed after this long whatever happens; a minute unless said. */
  readonly limitMs?: number;
}

export interface Ending {
  /** True if it was killed at the point, false if it never came to it. */
  readonly crashed: boolean;
  /** Its exit code, or null if it was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Every statement that was executed, in order, as the program wrote it. The one it died of is the last. */
  readonly statements: readonly string[];
}

/** Run a program to its end, or to the point where it is killed with SIGKILL. */
export async function runUntil(program: Program, point: CrashPoint | null = null): Promise<Ending> {
  const watch = watchStatements(point?.on === 'statement' ? point : null);
  const proxies: Proxy[] = [];
  const databases: Record<string, string> = {};
  for (const [variable, url] of Object.entries(program.databases ?? {})) {
    const proxy = await startProxy(url, watch);
    proxies.push(proxy);
    databases[variable] = proxy.url;
  }

  const script = typeof program.script === 'string' ? program.script : fileURLToPath(program.script);
  const inside = preloadFor(point);
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', ...(inside === null ? [] : ['--import', inside.module]), script, ...(program.args ?? [])],
    {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, ...program.env, ...databases, ...inside?.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  watch.victim = child;
  const limit = setTimeout(() => child.kill('SIGKILL'), program.limitMs ?? 60_000);
  try {
    const { code, signal, stdout, stderr } = await ending(child);
    return {
      crashed: watch.struck || (inside !== null && signal === 'SIGKILL'),
      code,
      stdout,
      stderr,
      statements: watch.statements,
    };
  } finally {
    clearTimeout(limit);
    for (const proxy of proxies) proxy.close();
  }
}

/** The module that kills the program from within, where the point is there, and what it is told. */
function preloadFor(point: CrashPoint | null): { module: string; env: Readonly<Record<string, string>> } | null {
  if (point === null || point.on === 'statement') return null;
  const module = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const at = `${point.nth ?? 1}:${point.when}`;
  if (point.on === 'sqlite')
    return { module: module('./crash-in-sqlite.ts'), env: { CRASH_AT_SQL: `${at}:${point.fits?.source ?? ''}` } };
  return {
    module: module('./crash-in-file-call.ts'),
    env: { CRASH_AT: `${point.on}:${at}:${point.path?.source ?? ''}` },
  };
}

/**
 * The story cut off at every step: run the program whole once, to learn its statements, then once for each of them and
 * each side of it, killed there. `begin` lays out a fresh world and says how to run in it; `check` looks at what the
 * crash left (and may run the program again, to see it recover).
 * @returns how many crashes were tried
 */
export async function crashAtEveryStatement<World extends { readonly program: Program }>(
  begin: () => Promise<World>,
  check: (
    world: World,
    point: { readonly nth: number; readonly when: 'before' | 'after'; readonly statement: string },
  ) => Promise<void>,
  fits: RegExp = /./,
): Promise<number> {
  const whole = await runUntil((await begin()).program);
  if (whole.code !== 0) throw new Error(`the program fails without any crash: ${whole.stderr}`);
  const statements = whole.statements.filter((statement) => fits.test(statement));
  let tried = 0;
  for (const [index, statement] of statements.entries()) {
    for (const when of ['before', 'after'] as const) {
      const world = await begin();
      const { crashed } = await runUntil(world.program, { on: 'statement', fits, nth: index + 1, when });
      if (!crashed) throw new Error(`the program did not come to statement ${index + 1} (${statement}) again`);
      tried += 1;
      await check(world, { nth: index + 1, when, statement });
    }
  }
  return tried;
}

interface Watch {
  victim: ChildProcess | null;
  struck: boolean;
  readonly statements: string[];
  /** Called for a statement about to be forwarded. */
  meet(statement: string): 'forward' | 'kill' | 'kill_when_answered';
  strike(): void;
}

function watchStatements(point: Extract<CrashPoint, { on: 'statement' }> | null): Watch {
  let met = 0;
  const watch: Watch = {
    victim: null,
    struck: false,
    statements: [],
    meet: (statement) => {
      watch.statements.push(statement);
      if (point === null || !(point.fits ?? /./).test(statement)) return 'forward';
      met += 1;
      if (met !== (point.nth ?? 1)) return 'forward';
      return point.when === 'before' ? 'kill' : 'kill_when_answered';
    },
    strike: () => {
      watch.struck = true;
      watch.victim?.kill('SIGKILL');
    },
  };
  return watch;
}

interface Proxy {
  readonly url: string;
  close(): void;
}

async function startProxy(target: string, watch: Watch): Promise<Proxy> {
  const to = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(to.port === '' ? 5432 : to.port), to.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay();
      socket.on('error', () => {});
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    passOn(client, upstream, watch);
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', () => listening.resolve());
  await listening.promise;
  const address = server.address();
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0);
  return {
    url: url.href,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Forward both ways, message by message (https://www.postgresql.org/docs/18/protocol-message-formats.html). */
function passOn(client: Socket, server: Socket, watch: Watch): void {
  const prepared = new Map<string, string>();
  let strikeWhenAnswered = false;

  const fromClient = messages(true, (message) => {
    const statement = executed(message, prepared);
    const verdict = statement === null ? 'forward' : watch.meet(statement);
    if (verdict === 'kill') {
      watch.strike();
      server.destroy();
      return;
    }
    if (verdict === 'kill_when_answered') strikeWhenAnswered = true;
    server.write(message);
  });
  const fromServer = messages(false, (message) => {
    // CommandComplete (C) or ErrorResponse (E): the server has done it, and after COMMIT it is on disk.
    if (strikeWhenAnswered && (message[0] === 0x43 || message[0] === 0x45)) watch.strike();
    if (!watch.struck) client.write(message);
  });
  client.on('data', fromClient);
  server.on('data', fromServer);
}

/** The statement that a client's message executes: a simple query (Q), or a bind (B) of a prepared one. */
function executed(message: Buffer, prepared: Map<string, string>): string | null {
  const type = String.fromCharCode(message[0] ?? 0);
  if (type === 'Q') return text(message, 5).value;
  if (type === 'P') {
    const name = text(message, 5);
    prepared.set(name.value, text(message, name.next).value);
    return null;
  }
  if (type === 'B') {
    const portal = text(message, 5);
    return prepared.get(text(message, portal.next).value) ?? '';
  }
  return null;
}

function text(message: Buffer, from: number): { value: string; next: number } {
  const end = message.indexOf(0, from);
  return end === -1
    ? { value: '', next: message.length }
    : { value: message.toString('utf8', from, end), next: end + 1 };
}

/** Cut a stream into messages. A client's first ones have a length and no type. */
function messages(fromClient: boolean, each: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let untyped = fromClient;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const lengthAt = untyped ? 0 : 1;
      if (rest.length < lengthAt + 4) return;
      const size = lengthAt + rest.readInt32BE(lengthAt);
      if (rest.length < size) return;
      const message = rest.subarray(0, size);
      rest = rest.subarray(size);
      // 3.0 is StartupMessage; anything else here (a request for TLS, a cancellation) leaves the next one untyped too.
      if (untyped && message.readInt32BE(4) === 0x0003_0000) untyped = false;
      each(message);
    }
  };
}

async function ending(child: ChildProcess) {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>();
  child.once('error', ended.reject);
  child.once('close', (code, signal) => ended.resolve({ code, signal }));
  const { code, signal } = await ended.promise;
  return { code, signal, stdout, stderr };
}
