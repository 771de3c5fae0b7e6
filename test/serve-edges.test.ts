import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { type Service, startService } from '../src/serve.ts';
import { emptyDatabase, type TestDatabase } from './support/database.ts';
import { tokenFor } from './support/people.ts';
import { mailboxSources, messagesRetention, policiesFolder } from './support/policies.ts';

/** The server's edge: what comes over a socket before any of our code sees a request, and what a browser never sends. */

let database: TestDatabase;
let service: Service;
let port: number;
let token: string;
const folder = mkdtempSync(join(tmpdir(), 'muniment-serve-'));

beforeAll(async () => {
  database = await emptyDatabase();
  port = await freePort();
  const config = readConfig({
    DATABASE_URL: database.url,
    MUNIMENT_DATA: folder,
    MUNIMENT_POLICIES: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    MUNIMENT_MASTER_KEY: '11'.repeat(32),
    APP: 'postgres://nobody@127.0.0.1:1/nothing',
    PUBLIC_URL: 'https://muniment.example',
  });
  service = await startService(config, {
    port,
    host: '127.0.0.1',
    demo: false,
    role: 'web',
    print: () => {},
    log: () => {},
    limits: { headerBytes: 16 * 1024, headersSeconds: 1, requestSeconds: 2, idleSeconds: 1 },
  });
  token = await tokenFor(service.house.office, { name: 'Legal', role: 'legal' });
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

interface Raw {
  /** The status of each answer, in order. */
  readonly statuses: readonly number[];
  readonly text: string;
  /** How long the server kept the connection; null where it was still open after ten seconds. */
  readonly seconds: number | null;
}

/** Send bytes as they are, then a byte every so often; all that comes back until the server hangs up. */
function raw(bytes: string, dribble = ''): Promise<Raw> {
  return new Promise((resolve) => {
    const begun = performance.now();
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let timer: NodeJS.Timeout | undefined;
    const end = (seconds: number | null) => {
      clearInterval(timer);
      clearTimeout(patience);
      socket.destroy();
      resolve({
        statuses: [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status)),
        text,
        seconds,
      });
    };
    const patience = setTimeout(() => end(null), 10_000);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('close', () => end((performance.now() - begun) / 1000));
    // A connection that is cut while we write is what we are after.
    socket.on('error', () => {});
    socket.write(Buffer.from(bytes, 'latin1'));
    let at = 0;
    if (dribble) timer = setInterval(() => socket.write(dribble[at++ % dribble.length] ?? ''), 100);
  });
}

const get = (target: string, more = '') =>
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${more}Connection: close\r\n\r\n`;
const post = (target: string, headers: string, body = '') =>
  `POST ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n${body}`;

describe('a connection that takes its time', () => {
  it('is cut while it dribbles headers', async () => {
    const { statuses, seconds } = await raw('GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ', 'b');
    expect(seconds).toBeLessThan(4);
    expect(statuses).toEqual([408]);
  });

  it('is cut while it dribbles a body, said or unsaid', async () => {
    const headers = `Authorization: Bearer ${token}\r\nContent-Type: application/json\r\n`;
    for (const [length, dribble] of [
      ['Content-Length: 100000\r\n', ' '],
      ['Transfer-Encoding: chunked\r\n', '1\r\n \r\n'],
    ] as const) {
      const { seconds } = await raw(post('/api/v1/holds', headers + length), dribble);
      expect(seconds).toBeLessThan(6);
    }
  });

  it('is closed when it says nothing after an answer', async () => {
    const { statuses, seconds } = await raw('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(statuses).toEqual([200]);
    expect(seconds).toBeLessThan(5);
  });
});

describe('a request that no browser sends', () => {
  it('with headers of more than 16 KB is refused', async () => {
    expect((await raw(get('/', `X-A: ${'b'.repeat(20_000)}\r\n`))).statuses).toEqual([431]);
    expect((await raw(get(`/?${'a'.repeat(20_000)}`))).statuses).toEqual([431]);
  });

  it.each([
    ['a length and chunks', post('/verify', 'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\nG')],
    ['two lengths', post('/verify', 'Content-Length: 6\r\nContent-Length: 5\r\n', '000000')],
    ['a length that is none', post('/verify', 'Content-Length: +6\r\n', '000000')],
    ['a length below zero', post('/verify', 'Content-Length: -1\r\n')],
    ['chunks of a size that is none', post('/verify', 'Transfer-Encoding: chunked\r\n', '0x5\r\nabcde\r\n0\r\n\r\n')],
    ['chunked twice over', post('/verify', 'Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n')],
    ['chunked with a blank before the colon', post('/verify', 'Transfer-Encoding : chunked\r\n', '0\r\n\r\n')],
    ['a header that goes on in the next line', get('/', 'X-A: b\r\n c: d\r\n').replace(' c: d', ' c\u0000d')],
    ['a bare line feed in a header', get('/', 'X-A: b\nTransfer-Encoding: chunked\r\n')],
    ['a bare carriage return', get('/', 'X-A: b\rX-B: c\r\n')],
    ['no host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['a host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n'],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n'],
    ['a host with somebody in it', 'GET / HTTP/1.1\r\nHost: user@evil.example\r\nConnection: close\r\n\r\n'],
    ['no HTTP', 'EHLO example.com\r\n\r\n'],
    ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('%s is answered 400, and nothing behind it is read as a request', async (_what, bytes) => {
    const { statuses } = await raw(`${bytes}GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(statuses).toEqual([400]);
  });

  it('with a method that nothing here knows is answered, and never run', async () => {
    for (const method of ['TRACE', 'PROPFIND', 'PURGE', 'MKCOL', 'LINK', 'QUERY'])
      expect((await raw(get('/').replace('GET', method))).statuses, method).toEqual([501]);
    expect((await raw(get('/').replace('GET', 'BREW'))).statuses).toEqual([400]);
    expect((await raw('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n')).statuses).toEqual([]);
    for (const method of ['OPTIONS', 'PUT', 'PATCH', 'DELETE'])
      for (const path of ['/', '/api/v1/holds', '/healthz', '/console'])
        expect([403, 404, 303], `${method} ${path}`).toContain(
          (await raw(get(path).replace('GET', method))).statuses[0],
        );
    const head = await raw(get('/openapi.json').replace('GET', 'HEAD'));
    expect(head.statuses).toEqual([200]);
    expect(head.text.split('\r\n\r\n')[1]).toBe('');
  });

  it('with dots, backslashes or a whole address for a path leads nowhere else', async () => {
    for (const target of [
      '/assets/../package.json',
      '/assets/..%2f..%2fpackage.json',
      '/assets/..%5c..%5cpackage.json',
      '/assets/%2e%2e/%2e%2e/package.json',
      '/assets/....//package.json',
      '/assets/__proto__',
      '/assets/site.css%00.js',
      '/ledger/tile/../../../../etc/passwd',
      '/ledger/tile/entries/%2e%2e/%2e%2e/x',
      '//evil.example/console',
      '/\\evil.example',
      'http://evil.example/assets/none',
      'etc/passwd',
      '*',
    ]) {
      const { statuses, text } = await raw(get(target));
      expect([400, 404], target).toContain(statuses[0]);
      expect(text).not.toMatch(/root:|"dependencies"|^location:.*evil/im);
    }
  });

  it('with the host of somebody else is answered with links to our own', async () => {
    const evil = 'evil.example';
    const paths = [
      '/',
      '/status',
      '/verify',
      '/console',
      '/console/sign-in',
      '/docs',
      '/openapi.json',
      '/nowhere',
      '/api/v1/x',
    ];
    for (const path of paths)
      for (const more of ['', `X-Forwarded-Host: ${evil}\r\nForwarded: host=${evil}\r\nX-Forwarded-Proto: http\r\n`])
        for (const target of [path, `http://${evil}${path}`]) {
          const { statuses, text } = await raw(get(target, more).replace('Host: localhost', `Host: ${evil}`));
          expect(statuses[0], target).toBeLessThan(500);
          expect(text, target).not.toContain(evil);
        }
    expect((await raw(get('/openapi.json').replace('localhost', evil))).text).toContain('https://muniment.example');
  });

  it('with more than a form of text can hold is refused, said or unsaid how long', async () => {
    const body = `details=${'x'.repeat(1_100_000)}`;
    const headers = 'Origin: https://muniment.example\r\nContent-Type: application/x-www-form-urlencoded\r\n';
    const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    for (const path of ['/', '/status', '/console/sign-in']) {
      expect((await raw(post(path, `${headers}Content-Length: ${body.length}\r\n`, body))).statuses[0]).toBe(413);
      expect((await raw(post(path, `${headers}Transfer-Encoding: chunked\r\n`, chunks))).statuses[0]).toBe(413);
    }
  });

  it('with a file that does not say how long it is is refused before it is read', async () => {
    const headers = 'Origin: https://muniment.example\r\nContent-Type: multipart/form-data; boundary=x\r\n';
    for (const path of ['/verify', '/console/demands/dem_01jdq4v7m8abcdefghjkmnpqrs/documents'])
      expect((await raw(post(path, `${headers}Transfer-Encoding: chunked\r\n`, '3\r\n--x'))).statuses[0], path).toBe(
        411,
      );
    const call = headers.replace(/^Origin.*\r\n/, '');
    const documents = '/api/v1/demands/dem_01jdq4v7m8abcdefghjkmnpqrs/documents';
    for (const [path, more] of [
      ['/api/v1/verify', ''],
      [documents, `Authorization: Bearer ${token}\r\n`],
    ] as const)
      expect(
        (await raw(post(path, `${call}${more}Transfer-Encoding: chunked\r\n`, '3\r\n--x'))).statuses[0],
        path,
      ).toBe(413);
  });

  it('with a large body and no token is refused before the body is read', async () => {
    const target = '/api/v1/demands/dem_01jdq4v7m8abcdefghjkmnpqrs/documents';
    const { statuses } = await raw(
      post(target, 'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 50000000\r\n', '--x'),
    );
    expect(statuses[0]).toBe(401);
  });
});
