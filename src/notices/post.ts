/**
 * notices/ promises what we say to people and how it leaves: one template a notice, plain text that stands on its own,
 * and a mail server that either took it or did not. Nothing here decides that something is said, or to whom.
 */
import nodemailer from 'nodemailer';

export interface Outgoing {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Stays the same when a send is tried again, so that a mail server can see it is the same message. */
  readonly messageId: string;
}

/** The way out. `kept`: no mail server is configured, and the demonstration shows the message on a page instead. */
export interface Post {
  send(letter: Outgoing): Promise<'sent' | 'kept'>;
  /** Whether the mail server answers; null where there is none. */
  check(): Promise<boolean | null>;
  close(): void;
}

/**
 * Mail through SMTP.
 * @param url `smtp://user:password@host:port`; null: nothing is sent
 * @param from the sender's address, from the organization's policy
 */
export function openPost(url: string | null, from: { name: string; address: string }): Post {
  if (url === null) return { send: async () => 'kept', check: async () => null, close: () => {} };
  const transport = nodemailer.createTransport({ url, connectionTimeout: 10_000, socketTimeout: 30_000 });
  return {
    async send({ to, subject, text, messageId }) {
      // `address` objects are never parsed as lists: a comma in an address cannot add a second recipient.
      await transport.sendMail({ from, to: { name: '', address: to }, subject, text, messageId });
      return 'sent';
    },
    check: () =>
      transport.verify().then(
        () => true,
        () => false,
      ),
    close: () => transport.close(),
  };
}
