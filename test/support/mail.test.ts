import nodemailer from 'nodemailer';
import { expect, it } from 'vitest';
import { startMailServer } from './mail.ts';

it('a message is received as it was sent, and a refusal reaches the sender', async () => {
  const server = await startMailServer();
  const transport = nodemailer.createTransport(server.url);
  try {
    const arrives = server.waitFor(({ to }) => to.includes('ada@example.com'));
    await transport.sendMail({ from: 'privacy@example.com', to: 'ada@example.com', subject: 'Grüße', text: 'Hello' });
    const { mail, from } = await arrives;
    expect([from, mail.subject, mail.text?.trim()]).toEqual(['privacy@example.com', 'Grüße', 'Hello']);
    await expect(server.waitFor(({ to }) => to.includes('nobody@example.com'), 50)).rejects.toThrow(
      'ada@example.com: Grüße',
    );

    server.refuseWith({ code: 451, message: 'try later' });
    await expect(transport.sendMail({ from: 'a@example.com', to: 'b@example.com', text: 'x' })).rejects.toThrow('451');
    expect(server.received()).toHaveLength(1);
  } finally {
    transport.close();
    await server.close();
  }
});
