import type { Hono } from 'hono';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { httpApp } from '../../src/http/app.ts';
import { webApp } from '../../src/web/app.tsx';
import { openTestHouse, type TestHouse } from '../support/house.ts';
import { mailboxSources, messagesRetention, policiesFolder } from '../support/policies.ts';

let opened: TestHouse;
let doors: Hono;
let network = '';

beforeAll(async () => {
  opened = await openTestHouse({
    policies: policiesFolder({ 'sources.yaml': mailboxSources, 'retention.yaml': messagesRetention }),
    env: { APP: 'postgres://nobody@127.0.0.1:1/nothing' },
  });
  const { office } = opened.house;
  const networkOf = () => network;
  const http = httpApp(office, {
    sessionOf: async () => null,
    metrics: async () => '',
    metricsToken: null,
    networkOf,
    report: () => {},
  });
  http.app.route('/', webApp(office, { nextBell: () => null, networkOf, report: () => {} }));
  doors = http.app as unknown as Hono;
});
afterAll(() => opened?.close());

/** An upload of which nothing more comes until it is let go. */
function upload(path: string, from: string) {
  network = from;
  let letGo: () => void = () => {};
  let begun: () => void = () => {};
  const gone = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const isRead = new Promise<'read'>((resolve) => {
    begun = () => resolve('read');
  });
  const body = new ReadableStream(
    {
      async pull(controller) {
        begun();
        await gone;
        controller.enqueue(new TextEncoder().encode('--x--\r\n'));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const answer = Promise.resolve(
    doors.request(
      new Request(`http://localhost:3000${path}`, {
        method: 'POST',
        body,
        duplex: 'half',
        headers: {
          'Content-Type': 'multipart/form-data; boundary=x',
          'Content-Length': '50000000',
          Origin: 'http://localhost:3000',
        },
      }),
    ),
  );
  return { answer, letGo, first: () => Promise.race([isRead, answer.then(({ status }) => status)]) };
}

it.each([
  ['/verify', '/api/v1/verify', 409],
  ['/api/v1/verify', '/verify', 503],
] as const)(
  'of uploads to %s twelve are held at once, three of a network, and nobody reads another',
  async (path, other, refused) => {
    const held = [];
    try {
      for (const from of ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']) {
        for (let i = 0; i < 3; i++) {
          held.push(upload(path, from));
          expect(await held.at(-1)?.first()).toBe('read');
        }
        // Whichever door the fourth of a network tries.
        expect(await upload(other, from).first()).toBe(refused);
      }
      expect(await upload(other, '192.0.2.5').first()).toBe(refused);
    } finally {
      for (const { letGo } of held) letGo();
    }
    for (const { answer } of held) expect((await answer).status).toBeLessThan(500);
    const next = upload(other, '192.0.2.1');
    expect(await next.first()).toBe('read');
    next.letGo();
    await next.answer;
  },
);
