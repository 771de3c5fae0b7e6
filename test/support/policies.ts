import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A policies folder with these files, and the project's own for the rest. */
export function policiesFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'muniment-policies-'));
  for (const name of ['organization.yaml', 'sources.yaml', 'retention.yaml', 'regimes.yaml', 'roles.yaml'])
    writeFileSync(join(folder, name), files[name] ?? readFileSync(join('policies', name), 'utf8'));
  return folder;
}

/** The smallest application worth a test: users and the messages they wrote, in the database at `${APP}`. */
export const mailboxSources = sourcesWithUsers(
  'identifiers: { email: email }, fields: { name: { category: identity.name } }',
);

/** @param users what the data map says of users besides their table, key and links */
export function sourcesWithUsers(users: string): string {
  return `sources:
  app:
    kind: postgres
    url: \${APP}
    datasets:
      users: { table: public.users, key: [id], ${users}, onDispose: { messages: restrict } }
      messages:
        table: public.messages
        key: [id]
        time: sent_at
        links: { sender_id: { to: users.id, owner: true } }
        fields: { body: { category: communication.content, text: true } }
`;
}

/** Messages leave after three years. */
export const messagesRetention = `rules:
  messages: { datasets: [app.messages], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: test }
`;
