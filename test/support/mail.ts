import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/** A message as it arrived: parsed, and with the envelope, which is what decides who gets it. */
export interface ReceivedMail {
  readonly from: string | null;
  readonly to: readonly string[];
  readonly mail: ParsedMail;
  readonly raw: string;
}

/** A real SMTP server that keeps what it is given. */
export interface MailServer {
  /** For SMTP_URL. */
  readonly url: string;
  received(): readonly ReceivedMail[];
  /** The first message, come or yet to come, that fits; fails after `limitMs` and says what did come. */
  waitFor(fits: (received: ReceivedMail) => boolean, limitMs?: number): Promise<ReceivedMail>;
  /** While set, every message is turned away with this SMTP reply (421 and 4xx: try again; 5xx: never). */
  refuseWith(reply: { code: number; message: string } | null): void;
  close(): Promise<void>;
}

/** Start a server on a free port of the loopback, without TLS or sign-in. */
export async function startMailServer(): Promise<MailServer> {
  const received: ReceivedMail[] = [];
  const waiting = new Set<() => void>();
  let refusal: { code: number; message: string } | null = null;

  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (refusal !== null) {
          done(Object.assign(new Error(refusal.message), { responseCode: refusal.code }));
          return;
        }
        const raw = Buffer.concat(chunks);
        simpleParser(raw).then((mail) => {
          const { mailFrom, rcptTo } = session.envelope;
          received.push({
            from: mailFrom === false ? null : mailFrom.address,
            to: rcptTo.map((recipient) => recipient.address),
            mail,
            raw: raw.toString('utf8'),
          });
          done();
          for (const look of waiting) look();
        }, done);
      });
    },
  });
  // A client that goes away in the middle is its own affair.
  server.on('error', () => {});

  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', () => listening.resolve());
  await listening.promise;
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    url: `smtp://127.0.0.1:${port}`,
    received: () => [...received],
    refuseWith: (reply) => {
      refusal = reply;
    },
    waitFor: (fits, limitMs = 10_000) => {
      const found = Promise.withResolvers<ReceivedMail>();
      const look = () => {
        const fitting = received.find(fits);
        if (fitting !== undefined) found.resolve(fitting);
      };
      waiting.add(look);
      const timer = setTimeout(() => {
        const came = received.map(({ to, mail }) => `${to.join(', ')}: ${mail.subject ?? '(no subject)'}`).join('; ');
        found.reject(new Error(`no such mail within ${limitMs} ms; what came: ${came === '' ? 'nothing' : came}`));
      }, limitMs);
      look();
      return found.promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(look);
      });
    },
    close: () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      return closed.promise;
    },
  };
}
