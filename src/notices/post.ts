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

/**
 * What became of a message. `kept`: no mail server is configured, and the console shows the message instead. `refused`:
 * the mail server will never take this message or never for this address (an SMTP reply of 5xx to the message or its
 * envelope); trying again would only annoy it.
 */
export type Sent = 'sent' | 'kept' | 'refused';

/** The way out. */
export interface Post {
  /** Whether mail leaves at all. */
  readonly leaves: boolean;
  /** @throws when the mail server does not answer, asks to try later, or does not let us in */
  send(letter: Outgoing): Promise<Sent>;
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
  if (url === null) return { leaves: false, send: async () => 'kept', check: async () => null, close: () => {} };
  const transport = nodemailer.createTransport({ url, connectionTimeout: 10_000, socketTimeout: 30_000 });
  return {
    leaves: true,
    async send({ to, subject, text, messageId }) {
      // `address` objects are never parsed as lists: a comma in an address cannot add a second recipient.
      try {
        await transport.sendMail({ from, to: { name: '', address: to }, subject, text, messageId });
        return 'sent';
      } catch (error) {
        if (isForGood(error)) return 'refused';
        throw error;
      }
    },
    check: () =>
      transport.verify().then(
        () => true,
        () => false,
      ),
    close: () => transport.close(),
  };
}

function isForGood(error: unknown): boolean {
  if (!(error instanceof Error && 'code' in error && 'responseCode' in error)) return false;
  return ['EENVELOPE', 'EMESSAGE'].includes(String(error.code)) && Number(error.responseCode) >= 500;
}
