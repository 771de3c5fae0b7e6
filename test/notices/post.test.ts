import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPost } from '../../src/notices/post.ts';
import { type MailServer, startMailServer } from '../support/mail.ts';

const from = { name: 'Kinfolk, Inc.', address: 'privacy@example.com' };
const letter = { to: 'ada@example.com', subject: 'Grüße', text: 'Hello', messageId: '<n1@example.com>' };
let server: MailServer;

beforeAll(async () => {
  server = await startMailServer();
});
afterAll(() => server.close());

describe('the way out of mail', () => {
  it('sends to the one address it was given, whatever stands in it', async () => {
    const post = openPost(server.url, from);
    try {
      expect(await post.send(letter)).toBe('sent');
      const { to, mail } = await server.waitFor(({ to }) => to.includes('ada@example.com'));
      expect([to, mail.subject, mail.messageId]).toEqual([['ada@example.com'], 'Grüße', '<n1@example.com>']);
      const before = server.received().length;
      await post.send({ ...letter, to: 'a@example.com, eve@example.com' }).catch(() => {});
      for (const { to: recipients } of server.received().slice(before)) expect(recipients).toHaveLength(1);
      expect(server.received().flatMap(({ to: recipients }) => recipients)).not.toContain('eve@example.com');
    } finally {
      post.close();
    }
  });

  it('tries again what may go later, and not what was refused for good', async () => {
    const post = openPost(server.url, from);
    try {
      server.refuseWith({ code: 451, message: 'try later' });
      await expect(post.send(letter)).rejects.toThrow('451');
      server.refuseWith({ code: 550, message: 'no such person' });
      expect(await post.send(letter)).toBe('refused');
    } finally {
      server.refuseWith(null);
      post.close();
    }
  });

  it('throws where nobody answers, so that the task is tried again', async () => {
    const post = openPost('smtp://127.0.0.1:9', from);
    await expect(post.send(letter)).rejects.toThrow('ECONNREFUSED');
    expect(await post.check()).toBe(false);
    post.close();
  });

  it('keeps everything without a mail server', async () => {
    const post = openPost(null, from);
    expect([await post.send(letter), await post.check()]).toEqual(['kept', null]);
  });
});
