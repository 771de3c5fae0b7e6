import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Actor } from '../../src/core/actor.ts';
import { prepareAccessPackage } from '../../src/flows/access-package.ts';
import { collectExport } from '../../src/flows/collect-export.ts';
import { gatherFindings } from '../../src/flows/gather-findings.ts';
import { lookUpExport, lookUpRequest } from '../../src/flows/look-up.ts';
import { decideRequest } from '../../src/flows/move-request.ts';
import { receiveRequest } from '../../src/flows/receive-request.ts';
import { confirmByStaff } from '../../src/flows/verify-request.ts';
import { done, openWorld } from './world.ts';

const sources = (files: string) => `sources:
  app:
    kind: postgres
    url: \${APP}
    datasets:
      users: { table: public.users, key: [id], identifiers: { email: email }, fields: { name: { category: identity.name } }, onDispose: { messages: restrict } }
      conversations:
        table: public.conversations
        key: [id]
        fields: { subject: { category: communication.subject, text: true } }
        onDispose: { members: cascade, messages: cascade }
      members:
        table: public.members
        key: [conversation_id, user_id]
        links: { conversation_id: { to: conversations.id, member: true }, user_id: { to: users.id, owner: true } }
      messages:
        table: public.messages
        key: [id]
        time: sent_at
        links: { sender_id: { to: users.id, owner: true }, conversation_id: { to: conversations.id } }
        fields: { body: { category: communication.content, text: true } }
        onDispose: { attachments: cascade }
      attachments:
        table: public.attachments
        key: [id]
        links: { message_id: { to: messages.id } }
        fields: { file_name: { category: communication.content }, sha256: { category: communication.content } }
        file: { column: path, root: ${files} }
`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

it('I10 a copy has nothing of what others wrote, are called or attached, in any of its files', async () => {
  const files = mkdtempSync(join(tmpdir(), 'i10-'));
  mkdirSync(join(files, 'a'));
  for (const name of ['hers', 'his']) writeFileSync(join(files, 'a', name), `file that is ${name}`);
  await using world = await openWorld({
    tables: `CREATE TABLE users (id int PRIMARY KEY, email text, name text);
      CREATE TABLE conversations (id int PRIMARY KEY, subject text);
      CREATE TABLE members (conversation_id int REFERENCES conversations, user_id int REFERENCES users, PRIMARY KEY (conversation_id, user_id));
      CREATE TABLE messages (id int PRIMARY KEY, conversation_id int REFERENCES conversations, sender_id int REFERENCES users, sent_at timestamptz, body text);
      CREATE TABLE attachments (id int PRIMARY KEY, message_id int REFERENCES messages, path text, file_name text, sha256 text);
      INSERT INTO users VALUES (1, 'ada@example.com', 'Ada Amber'), (2, 'bob@example.com', 'Bob Basalt');
      INSERT INTO conversations VALUES (1, 'Subjectword of theirs'); INSERT INTO members VALUES (1, 1), (1, 2);
      INSERT INTO messages VALUES (1, 1, 1, '2026-01-01Z', 'Written by amberword'), (2, 1, 2, '2026-01-02Z', 'Written by basaltword');
      INSERT INTO attachments VALUES (1, 1, 'a/hers', 'amberfile.txt', '${sha256('file that is hers')}'), (2, 2, 'a/his', 'basaltfile.txt', '${sha256('file that is his')}');`,
    sources: sources(files),
  });
  const { office } = world;
  const privacy: Actor = { id: 'act_privacy', kind: 'token', role: 'privacy', approval: null };
  const { id } = done(
    await receiveRequest(office, privacy, {
      type: 'access',
      regime: null,
      channel: 'mail',
      receivedAt: null,
      subject: { name: null, identifiers: [{ kind: 'email', value: 'ada@example.com' }] },
      details: null,
    }),
  );
  done(await confirmByStaff(office, privacy, id, ['email']));
  await gatherFindings(office, id);
  done(await decideRequest(office, privacy, id, { outcome: 'granted', reason: null }));
  await prepareAccessPackage(office, id);
  const { exportId } = done(await lookUpRequest(office, id));
  await collectExport(office, exportId ?? '');
  const wanted = done(await lookUpExport(office, exportId ?? ''));
  expect(wanted.refusal).toBeNull();
  const key = await office.store.vault.caseKey(wanted.caseId);
  const paths: string[] = [];
  let text = '';
  for (const { path, blob } of wanted.rendering?.files ?? []) {
    paths.push(path);
    for await (const chunk of office.blobs.read(blob, key)) text += Buffer.from(chunk).toString('utf8');
  }
  for (const hers of ['Ada Amber', 'amberword', 'amberfile.txt', sha256('file that is hers')])
    expect(text).toContain(hers);
  for (const theirs of [
    'Basalt',
    'basaltword',
    'basaltfile',
    'bob@example.com',
    sha256('file that is his'),
    'file that is his',
    'Subjectword',
  ])
    expect(text.includes(theirs), theirs).toBe(false);
  expect(paths.join(' ')).not.toContain(sha256('file that is his'));
  expect(text).toContain('[REDACTED R1 · 21 chars]');
});
