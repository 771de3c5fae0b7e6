import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoConversations, demoPeople } from '../../src/demo/demo-people.ts';
import { createKinfolk, ensureKinfolk, type Kinfolk, type KinfolkOrder } from '../../src/demo/kinfolk.ts';
import { resolveSources } from '../../src/policy/sources.ts';
import { sourcesSchema } from '../../src/policy/sources-file.ts';
import { readYaml } from '../../src/policy/yaml.ts';
import { openSources } from '../../src/sources/open.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';

const today = Temporal.PlainDate.from('2026-11-27');
const midnight = '2026-11-27T00:00:00Z';

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'kinfolk-'));
}

function order(database: TestDatabase, filesFolder: string, more: Partial<KinfolkOrder> = {}): KinfolkOrder {
  return { databaseUrl: database.url, filesFolder, today, seed: 'kinfolk', families: 20, messages: 2400, ...more };
}

describe('making Kinfolk', () => {
  const folder = temporaryFolder();
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('the same seed and day give the same rows and files, another seed gives others', async () => {
    await using first = await emptyDatabase();
    await using second = await emptyDatabase();
    await using third = await emptyDatabase();
    const one = await createKinfolk(order(first, join(folder, 'one')));
    const two = await createKinfolk(order(second, join(folder, 'two')));
    const other = await createKinfolk(order(third, join(folder, 'three'), { seed: 'another' }));
    expect(two).toEqual(one);
    expect(other.digest).not.toBe(one.digest);
    expect(one.rows.messages).toBe(2400);
  });

  it('a second start finds it complete and does nothing, also when records have gone since', async () => {
    await using database = await emptyDatabase();
    const mine = join(folder, 'again');
    const first = await ensureKinfolk(order(database, mine));
    await database.sql`DELETE FROM reactions`;
    rmSync(join(mine, 'backups/daily'), { recursive: true });
    const second = await ensureKinfolk(order(database, mine, { today: today.add({ days: 3 }) }));
    expect(first.made).toBe(true);
    expect(second).toEqual({ made: false, kinfolk: first.kinfolk });
    expect(existsSync(join(mine, 'backups/daily'))).toBe(false);
    const [{ count } = { count: -1 }] = await database.sql<{ count: number }[]>`SELECT count(*)::int FROM reactions`;
    expect(count).toBe(0);
  });

  it.each(['conversations', 'files', 'tables', 'indexes'])(
    'a start that died at its %s is made from scratch',
    async (step) => {
      await using database = await emptyDatabase();
      const mine = join(folder, `died-${step}`);
      const dying = order(database, mine, {
        onProgress: (progress) => {
          if (progress.step === step) throw new Error('the power went');
        },
      });
      await expect(ensureKinfolk(dying)).rejects.toThrow('the power went');
      const { made, kinfolk } = await ensureKinfolk(order(database, mine));
      expect(made).toBe(true);
      const files = readdirSync(mine, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      expect(files.length).toBe(kinfolk.files + 1);
    },
  );

  it('two that start at once make it once', async () => {
    await using database = await emptyDatabase();
    const mine = join(folder, 'at-once');
    const results = await Promise.all([ensureKinfolk(order(database, mine)), ensureKinfolk(order(database, mine))]);
    expect(results.filter(({ made }) => made)).toHaveLength(1);
  });

  it('touches neither a database nor a folder that has something else in it', async () => {
    await using database = await emptyDatabase();
    await database.sql`CREATE TABLE users (id int)`;
    await expect(ensureKinfolk(order(database, join(folder, 'foreign')))).rejects.toThrow('a database of its own');
    await database.sql`DROP TABLE users`;
    const foreign = temporaryFolder();
    writeFileSync(join(foreign, 'thesis.txt'), 'ten years of work');
    await expect(ensureKinfolk(order(database, foreign))).rejects.toThrow('a folder of its own');
    expect(readdirSync(foreign)).toEqual(['thesis.txt']);
    rmSync(foreign, { recursive: true });
  });
});

describe('Kinfolk as the demonstration makes it', () => {
  const folder = temporaryFolder();
  let database: TestDatabase;
  let kinfolk: Kinfolk;

  beforeAll(async () => {
    database = await emptyDatabase();
    kinfolk = await createKinfolk({ databaseUrl: database.url, filesFolder: folder, today, seed: 'kinfolk' });
  });
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The first column of the first row. */
  async function ask(query: string): Promise<unknown> {
    const [row] = await database.sql.unsafe(query).values();
    return row?.[0];
  }

  it('has 250 families and 60,000 messages of the last 38 months', async () => {
    expect(kinfolk.rows.families).toBe(250);
    expect(kinfolk.rows.messages).toBe(60_000);
    expect(
      await ask(`SELECT min(sent_at) < '${midnight}'::timestamptz - interval '37 months 20 days' FROM messages`),
    ).toBe(true);
    expect(
      await ask(`SELECT min(sent_at) >= '${midnight}'::timestamptz - interval '38 months 2 days' FROM messages`),
    ).toBe(true);
    expect(await ask(`SELECT max(sent_at) > '${midnight}'::timestamptz - interval '1 day' FROM messages`)).toBe(true);
  });

  it('about one message in twenty is older than three years', async () => {
    const share = Number(
      await ask(`SELECT avg((sent_at < '${midnight}'::timestamptz - interval '3 years')::int) FROM messages`),
    );
    expect(share).toBeGreaterThan(0.04);
    expect(share).toBeLessThan(0.06);
  });

  it('some access-log rows, log files and backups are past their windows, and less than a quarter of each', async () => {
    const rows = Number(
      await ask(`SELECT avg((at < '${midnight}'::timestamptz - interval '18 months')::int) FROM access_log`),
    );
    const dated = (path: string, before: Temporal.PlainDate) => {
      const dates = readdirSync(join(folder, path)).flatMap((name) => /\d{4}-\d\d-\d\d/.exec(name)?.[0] ?? []);
      return dates.filter((date) => date < before.toString()).length / dates.length;
    };
    const logs = dated('logs/access', today.subtract({ months: 18 }));
    const backups = dated('backups/daily', today.subtract({ days: 90 }));
    for (const share of [rows, logs, backups]) {
      expect(share).toBeGreaterThan(0.05);
      expect(share).toBeLessThan(0.24);
    }
  });

  it('numbers messages in the order of sending, and dates nothing in the future', async () => {
    expect(
      await ask(
        'SELECT count(*)::int FROM (SELECT sent_at < lag(sent_at) OVER (ORDER BY id) AS back FROM messages) m WHERE back',
      ),
    ).toBe(0);
    for (const [table, column] of [
      ['messages', 'sent_at'],
      ['messages', 'edited_at'],
      ['reactions', 'reacted_at'],
      ['access_log', 'at'],
      ['expenses', 'created_at'],
      ['expense_shares', 'settled_at'],
      ['calendar_entries', 'created_at'],
      ['users', 'created_at'],
    ])
      expect(
        await ask(`SELECT count(*)::int FROM ${table} WHERE ${column} >= '${midnight}'`),
        `${table}.${column}`,
      ).toBe(0);
  });

  it.each([
    [
      'a sender takes part in the conversation',
      'messages m WHERE NOT EXISTS (SELECT 1 FROM participants p WHERE p.conversation_id = m.conversation_id AND p.user_id = m.sender_id)',
    ],
    [
      'a reply answers an earlier message of its conversation',
      'messages m WHERE reply_to IS NOT NULL AND NOT EXISTS (SELECT 1 FROM messages o WHERE o.id = m.reply_to AND o.conversation_id = m.conversation_id AND o.sent_at < m.sent_at AND o.sender_id <> m.sender_id)',
    ],
    [
      'whoever reacts takes part, and not to their own words',
      'reactions r JOIN messages m ON m.id = r.message_id WHERE r.user_id = m.sender_id OR NOT EXISTS (SELECT 1 FROM participants p WHERE p.conversation_id = m.conversation_id AND p.user_id = r.user_id)',
    ],
    [
      'a calendar entry is by somebody of the family',
      'calendar_entries c WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = c.created_by AND (u.family_id = c.family_id OR u.family_id IS NULL))',
    ],
    [
      'an access is by somebody known or by nobody',
      'access_log a WHERE user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = a.user_id AND u.email IS NOT NULL)',
    ],
    [
      'the shares of an expense add up',
      'expenses e WHERE amount <> (SELECT sum(s.amount) FROM expense_shares s WHERE s.expense_id = e.id)',
    ],
    [
      'a share is owed by somebody of the family',
      'expense_shares s JOIN expenses e ON e.id = s.expense_id JOIN users u ON u.id = s.user_id WHERE u.family_id <> e.family_id',
    ],
    [
      'nobody writes before the conversation is opened',
      'messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.sent_at < c.created_at',
    ],
    ['an adult has an address and a number', "users WHERE role <> 'child' AND (email IS NULL OR phone IS NULL)"],
    ['every slot of every message is filled', "messages WHERE body ~ '[{}]|undefined|NaN' OR body = ''"],
  ])('%s', async (_sentence, exceptions) => {
    expect(await ask(`SELECT count(*)::int FROM ${exceptions}`)).toBe(0);
  });

  it('an expense is the amount its message says', async () => {
    const rows = await database.sql<{ body: string; amount: string }[]>`
      SELECT m.body, e.amount::text FROM expenses e JOIN users u ON u.id = e.paid_by
        JOIN messages m ON m.sender_id = u.id AND date_trunc('milliseconds', m.sent_at) = e.created_at
      WHERE e.currency = 'USD' AND m.body ~ '\\$[0-9]'`;
    expect(rows.length).toBeGreaterThan(500);
    for (const { body, amount } of rows) {
      const said = body.match(/\$([0-9,]+(?:\.\d\d)?)/g)?.map((text) => Number(text.replaceAll(/[$,]/g, '')));
      expect(
        said?.some((value) => value === Number(amount) || value === Number(amount) / 2),
        `${body} ${amount}`,
      ).toBe(true);
    }
  });

  it('writes in many languages and scripts, with emoji of every kind', async () => {
    const bodies = await database.sql<{ body: string }[]>`SELECT body FROM messages`;
    const all = bodies.map(({ body }) => body).join('\n');
    const wanted: Record<string, RegExp> = {
      Arabic: /\p{Script=Arabic}/u,
      Hebrew: /\p{Script=Hebrew}/u,
      Devanagari: /\p{Script=Devanagari}/u,
      Hiragana: /\p{Script=Hiragana}/u,
      Han: /\p{Script=Han}/u,
      Hangul: /\p{Script=Hangul}/u,
      Thai: /\p{Script=Thai}/u,
      Cyrillic: /\p{Script=Cyrillic}/u,
      Spanish: /¿Podemos/,
      German: /Könnten wir/,
      French: /d’accord|D’accord/,
      Portuguese: /Obrigad/,
      Vietnamese: /Đồng ý/,
      'joined emoji': /\p{Extended_Pictographic}\u200d/u,
      'skin tones': /[\u{1f3fb}-\u{1f3ff}]/u,
      flags: /🏳️\u200d🌈/u,
    };
    for (const [name, pattern] of Object.entries(wanted)) expect(all, name).toMatch(pattern);
    expect(all).toBe(all.toWellFormed());
  });

  it('every attachment is a real file of that length and hash, and no file is without a row', async () => {
    const rows = await database.sql<{ path: string; size: number; sha256: string; type: string }[]>`
      SELECT stored_path AS path, size_bytes AS size, sha256, media_type AS type FROM attachments`;
    expect(rows.length).toBeGreaterThan(300);
    const magic: Record<string, string> = { 'application/pdf': '%PDF-1.4', 'image/png': '\u0089PNG\r\n' };
    for (const { path, size, sha256, type } of rows) {
      const bytes = readFileSync(join(folder, 'attachments', path));
      expect(bytes.length).toBe(size);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
      expect(bytes.toString('latin1').startsWith(magic[type] ?? ''), path).toBe(true);
    }
    const files = readdirSync(join(folder, 'attachments'), { recursive: true, withFileTypes: true });
    expect(files.filter((file) => file.isFile()).length).toBe(rows.length);
  });

  it('log files are in the common log format, dated like their day, and one is being written', () => {
    const names = readdirSync(join(folder, 'logs/access'));
    expect(names).toContain('access.log');
    expect(names.length).toBeGreaterThan(600);
    const line =
      /^[0-9a-f.:]+ - (u\d+|-) \[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):\d\d:\d\d:\d\d \+0000\] "(GET|POST) \/\S+ HTTP\/1\.1" \d{3} (\d+|-)$/;
    for (const name of names.slice(0, 30)) {
      const text = readFileSync(join(folder, 'logs/access', name), 'utf8');
      for (const each of text.trimEnd().split('\n')) {
        const found = line.exec(each);
        expect(found, each).not.toBeNull();
        expect(name).toContain(`${found?.[4]}-`);
        expect(name.slice(0, -4).endsWith(found?.[2] ?? '?')).toBe(true);
      }
      const modified = statSync(join(folder, 'logs/access', name)).mtime.toISOString();
      expect(modified.endsWith('T00:00:00.000Z')).toBe(true);
    }
  });

  it('the people and conversations of the guided tour are where they are said to be', async () => {
    for (const person of Object.values(demoPeople)) {
      const [row] = await database.sql`SELECT family_id, name, email, phone FROM users WHERE id = ${person.userId}`;
      expect(row).toEqual({ family_id: person.familyId, name: person.name, email: person.email, phone: person.phone });
    }
    const subjects = await database.sql`SELECT id, family_id FROM conversations WHERE id <= 6 ORDER BY id`;
    expect(subjects.map((row) => row.family_id)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(
      await ask(
        `SELECT count(*)::int FROM messages WHERE conversation_id = ${demoConversations.money} AND body LIKE 'Yes. Half each, medical and dental%'`,
      ),
    ).toBe(1);
    expect(
      await ask(
        `SELECT count(*)::int FROM participants WHERE conversation_id = ${demoConversations.coordinator} AND user_id = ${demoPeople.ingrid.userId}`,
      ),
    ).toBe(1);
    expect(
      await ask(
        `SELECT count(*)::int FROM participants WHERE conversation_id = ${demoConversations.kids} AND user_id = ${demoPeople.sofia.userId}`,
      ),
    ).toBe(1);
  });

  it('goes on counting where the generator stopped', async () => {
    const [row] = await database.sql<{ id: string }[]>`
      INSERT INTO messages (conversation_id, sender_id, body) VALUES (1, 1, 'One more.') RETURNING id`;
    expect(Number(row?.id)).toBe(60_001);
    await database.sql`DELETE FROM messages WHERE id = 60001`;
  });

  it('is described completely by the shipped data map: no table forgotten, no reference undeclared', async () => {
    const environment: Record<string, string> = { APP_DATABASE_URL: database.url, KINFOLK_FILES: folder };
    const file = { name: 'sources.yaml', text: readFileSync('policies/sources.yaml', 'utf8') };
    const { yaml, problems } = readYaml(file, (name) => environment[name]);
    expect(problems).toEqual([]);
    const { dataMap, issues } = resolveSources(sourcesSchema.parse(yaml?.value));
    expect(issues).toEqual([]);
    const sources = openSources(dataMap);
    for (const source of sources.values()) {
      const drift = await source.check({});
      expect(drift.filter(({ level }) => level === 'drift')).toEqual([]);
      await source.close();
    }
  });
});
