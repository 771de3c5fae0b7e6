import { connect, createServer, type Server, type Socket } from 'node:net';
import { openDatabase } from '../../src/db/connect.ts';
import { environmentKeys } from '../../src/db/master-keys.ts';
import { openVault } from '../../src/db/vault.ts';
import type { Office } from '../../src/flows/office.ts';
import { openSources } from '../../src/sources/open.ts';
import type { World } from './world.ts';

/**
 * Cuts an office off from all of its databases at one statement: what the servers see of a kill -9, without starting a
 * process for each of a few hundred moments. The office hears nothing any more and so does nothing any more. (The real
 * kills are in test/flows/purge-crash.test.ts and i2-folder.test.ts.)
 */
export interface Cutter extends AsyncDisposable {
  /** One address for each target, in their order. */
  readonly urls: readonly string[];
  /** Resolves to the statement at which everything was cut. */
  readonly cut: Promise<string>;
}

/** Statements that change something, or make it last: what a cut at a mere look leaves, the cut before it left too. */
export const changes = /^\s*(insert|update|delete|with|commit)\b/i;

/**
 * Cut at the `nth` statement: before it is sent, or once it is answered and before that is heard.
 * @param fits count these only
 */
export async function openCutter(
  targets: readonly string[],
  nth: number,
  when: 'before' | 'after',
  fits = /^/,
): Promise<Cutter> {
  const servers: Server[] = [];
  const toServers = new Set<Socket>();
  const { promise, resolve } = Promise.withResolvers<string>();
  let left = nth;
  let hasCut = false;
  const cut = (statement: string) => {
    hasCut = true;
    for (const socket of toServers) socket.destroy();
    resolve(statement);
  };

  const urls: string[] = [];
  for (const target of targets) {
    const to = new URL(target);
    const server = createServer((client) => {
      client.on('error', () => {});
      if (hasCut) return;
      const inner = connect(Number(to.port), to.hostname);
      toServers.add(inner);
      inner.setNoDelay();
      client.setNoDelay();
      inner.on('error', () => {}).on('close', () => toServers.delete(inner));
      client.on('close', () => inner.destroy());
      inner.on('close', () => {
        if (!hasCut) client.destroy();
      });
      let answering: string | null = null;
      const prepared = new Map<string, string>();
      client.on(
        'data',
        byMessage(true, (message) => {
          if (hasCut) return;
          const statement = statementOf(message, prepared);
          if (statement !== null && fits.test(statement)) {
            left -= 1;
            if (left === 0 && when === 'before') return cut(statement);
            if (left === 0) answering = statement;
          }
          inner.write(message);
        }),
      );
      inner.on(
        'data',
        byMessage(false, (message) => {
          // C: command complete, E: error.
          if (answering !== null && (message[0] === 0x43 || message[0] === 0x45)) cut(answering);
          if (!hasCut) client.write(message);
        }),
      );
    });
    servers.push(server);
    const listening = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', () => listening.resolve());
    await listening.promise;
    const address = server.address();
    to.hostname = '127.0.0.1';
    const url = new URL(to.href);
    url.port = String(typeof address === 'object' && address !== null ? address.port : 0);
    urls.push(url.href);
  }
  return {
    urls,
    cut: promise,
    async [Symbol.asyncDispose]() {
      // Whoever was cut off goes on waiting, also for new connections: a refusal would wake it up.
      for (const server of servers) {
        if (hasCut) server.unref();
        else server.close();
      }
    },
  };
}

/** What a message of a client executes (PostgreSQL 18, 54.7): a simple query (Q), or a bind (B) of a prepared one (P). */
function statementOf(message: Buffer, prepared: Map<string, string>): string | null {
  const type = String.fromCharCode(message[0] ?? 0);
  const strings = message.subarray(5).toString('utf8').split('\0');
  if (type === 'Q') return strings[0] ?? '';
  if (type === 'P') prepared.set(strings[0] ?? '', strings[1] ?? '');
  return type === 'B' ? (prepared.get(strings[1] ?? '') ?? '') : null;
}

/** Cut a stream into messages. The first one of a client has a length and no type. */
function byMessage(fromClient: boolean, each: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isTyped = !fromClient;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const lengthAt = isTyped ? 1 : 0;
      if (rest.length < lengthAt + 4) return;
      const size = lengthAt + rest.readInt32BE(lengthAt);
      if (rest.length < size) return;
      const message = rest.subarray(0, size);
      rest = rest.subarray(size);
      isTyped = true;
      each(message);
    }
  };
}

/** An office beside the world's own, whose every connection goes through the cutter. */
export function victimOf({ office }: World, cutter: Cutter): { office: Office; close(): Promise<void> } {
  const [ownUrl = '', appUrl = ''] = cutter.urls;
  const db = openDatabase(ownUrl);
  const map = Object.fromEntries(
    Object.entries(office.policy.dataMap).map(([name, source]) => [
      name,
      source.kind === 'postgres' ? { ...source, url: appUrl } : source,
    ]),
  );
  const sources = openSources(map);
  const vault = openVault(db, environmentKeys([{ version: 'env', key: Buffer.from('11'.repeat(32), 'hex') }]));
  return {
    office: { ...office, sources, store: { ...office.store, db, vault } },
    close: async () => {
      await db.close();
      for (const source of sources.values()) await source.close();
    },
  };
}
