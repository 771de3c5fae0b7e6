import type { Message } from './family.ts';
import type { Household, Person } from './people.ts';
import { createRandom } from './random.ts';

/** One line of the application's own access log. */
export interface Access {
  /** Null: nobody was signed in (a wrong password). */
  readonly person: Person | null;
  readonly at: number;
  readonly address: string;
  readonly userAgent: string;
  readonly action: 'session.start' | 'session.denied' | 'message.send' | 'conversation.read' | 'attachment.open';
  /** What it was about, for the web server's line. */
  readonly path: string;
}

/**
 * What the people of a household did, from `from` on. Before `thickFrom` the log is thinner, as if the application had
 * logged less then, so that well under a quarter of it is past its window.
 * @param limit nothing is dated at or after this
 */
export function logAccesses(
  seed: string,
  household: Household,
  messages: readonly Message[],
  from: number,
  thickFrom: number,
  limit: number,
): readonly Access[] {
  const random = createRandom(`${seed}/access/${household.id}`);
  const rows: Access[] = [];
  let lastSession = 0;
  const add = (person: Person | null, at: number, action: Access['action'], path: string, as = person) => {
    if (!as || at < from || at >= limit) return;
    const [atHome, onTheMove] = as.addresses;
    rows.push({ person, at, address: random.chance(0.7) ? atHome : onTheMove, userAgent: as.userAgent, action, path });
  };
  for (const message of messages) {
    if (message.sentAt < from || (message.sentAt < thickFrom && random.chance(0.62))) continue;
    const path = `/api/conversations/${message.conversationId}`;
    if (message.sentAt - lastSession > 3_600_000 || random.chance(0.1)) {
      const at = message.sentAt - random.whole(8_000, 90_000);
      if (random.chance(0.03))
        add(null, at - random.whole(4_000, 20_000), 'session.denied', '/api/session', message.sender);
      add(message.sender, at, 'session.start', '/api/session');
      lastSession = message.sentAt;
    }
    if (random.chance(0.6)) add(message.sender, message.sentAt, 'message.send', `${path}/messages`);
    for (const reader of message.readers) {
      if (reader.email === null || !random.chance(0.35)) continue;
      const at = message.sentAt + random.whole(5_000, 1_800_000);
      add(reader, at, 'conversation.read', path);
      if (message.attachment) add(reader, at + random.whole(1_000, 9_000), 'attachment.open', `${path}/attachments`);
    }
  }
  return rows;
}
