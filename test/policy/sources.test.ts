// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what policy files write
import { describe, expect, it } from 'vitest';
import { allDatasets, findDataset } from '../../src/policy/data-map.ts';
import { resolveSources } from '../../src/policy/sources.ts';
import { sourcesSchema } from '../../src/policy/sources-file.ts';
import { readYaml, validate } from '../../src/policy/yaml.ts';

const lookup = (name: string) => (name === 'APP_DATABASE_URL' ? 'postgres://app:pa55@db:5432/app' : undefined);

function parse(text: string) {
  const { yaml, problems } = readYaml({ name: 'sources.yaml', text }, lookup);
  if (!yaml) return { dataMap: null, problems };
  const { value, issues } = validate(sourcesSchema, yaml.value, yaml.written);
  const resolved = value ? resolveSources(value) : null;
  return {
    dataMap: resolved?.dataMap ?? null,
    problems: [...problems, ...[...issues, ...(resolved?.issues ?? [])].map(yaml.locate)],
  };
}

/** A source `app` with these datasets, its first dataset on line 6. */
const app = (datasets: string) => `sources:
  app:
    kind: postgres
    url: \${APP_DATABASE_URL}
    datasets:
${datasets}`;

const contract = app(`      users:
        table: public.users
        key: [id]
        identifiers: { email: email, phone: phone }
      conversations: { table: public.conversations, key: id }
      attachments:
        table: attachments
        key: [id]
        links: { message_id: { to: messages.id } }
        file: { column: path, root: /srv/files }
      reactions: { table: public.reactions, key: "message_id,user_id", links: { message_id: { to: messages.id } } }
      messages:
        table: public.messages
        key: [id]
        time: sent_at
        links:
          sender_id: { to: users.id, owner: true }
          conversation_id: { to: conversations.id }
        fields:
          body: { category: communication.content, text: true }
        onDispose: { attachments: cascade, reactions: cascade }
    exempt: { public.migrations: holds no personal data }
    enforceHolds: trigger
`);

describe('the data map', () => {
  it('of a SQLite file says how time is written there, and knows no schemas', () => {
    const { dataMap, problems } = parse(`sources:
  app:
    kind: sqlite
    path: /srv/app.db
    datasets:
      a: { table: main.a, key: id, time: at }
      b: { table: '"b.c"', key: id, time: at, timeAs: milliseconds }
      d: { table: d, key: id }
    exempt: { migrations: holds no personal data }
`);
    expect(problems).toEqual([]);
    expect(dataMap?.app).toMatchObject({
      kind: 'sqlite',
      path: '/srv/app.db',
      exempt: { migrations: 'holds no personal data' },
      datasets: [
        { table: { schema: '', name: 'a' }, timeAs: 'text' },
        { table: { schema: '', name: 'b.c' }, timeAs: 'milliseconds' },
        { table: { schema: '', name: 'd' }, time: null },
      ],
    });
  });

  it('of the contract is read as it stands', () => {
    const { dataMap, problems } = parse(contract);
    expect(problems).toEqual([]);
    if (!dataMap) throw new Error('no map');
    expect(allDatasets(dataMap).map(({ id }) => id)).toEqual([
      'app.users',
      'app.conversations',
      'app.attachments',
      'app.reactions',
      'app.messages',
    ]);
    expect(dataMap.app).toMatchObject({
      kind: 'postgres',
      url: 'postgres://app:pa55@db:5432/app',
      exempt: { 'public.migrations': 'holds no personal data' },
      enforceHolds: 'trigger',
    });
    expect(findDataset(dataMap, 'app.messages')).toEqual({
      kind: 'table',
      id: 'app.messages',
      source: 'app',
      name: 'messages',
      table: { schema: 'public', name: 'messages' },
      key: ['id'],
      time: 'sent_at',
      identifiers: {},
      links: [
        {
          columns: ['sender_id'],
          to: { dataset: 'app.users', columns: ['id'] },
          owner: true,
          member: false,
          owns: false,
        },
        {
          columns: ['conversation_id'],
          to: { dataset: 'app.conversations', columns: ['id'] },
          owner: false,
          member: false,
          owns: false,
        },
      ],
      fields: { body: { category: 'communication.content', text: true, mask: null } },
      onDispose: { 'app.attachments': 'cascade', 'app.reactions': 'cascade' },
      erase: 'destroy',
      eraseGround: null,
      file: null,
    });
    expect(findDataset(dataMap, 'app.attachments')).toMatchObject({
      table: { schema: 'public', name: 'attachments' },
      file: { column: 'path', root: '/srv/files' },
    });
    expect(findDataset(dataMap, 'app.reactions')).toMatchObject({ key: ['message_id', 'user_id'] });
  });

  it('takes names as they are stored: capitals, quotes, dots, commas', () => {
    const { dataMap, problems } = parse(
      app(`      invoices: { table: public."Invoice", key: [InvoiceId], time: InvoiceDate, onDispose: { lines: cascade } }
      lines:
        table: '"Sales.2026"."Invoice""Line"'
        key: '"Line, Id",part'
        links: { InvoiceId: { to: invoices.InvoiceId } }
      plain: { table: public.Track, key: '"TrackId"' }
`),
    );
    expect(problems).toEqual([]);
    if (!dataMap) throw new Error('no map');
    const tables = allDatasets(dataMap).map((dataset) =>
      dataset.kind === 'table' ? [dataset.table, dataset.key] : null,
    );
    expect(tables).toEqual([
      [{ schema: 'public', name: 'Invoice' }, ['InvoiceId']],
      [{ schema: 'Sales.2026', name: 'Invoice"Line' }, ['Line, Id', 'part']],
      [{ schema: 'public', name: 'Track' }, ['TrackId']],
    ]);
  });

  it('takes links of several columns, and several links of one column', () => {
    const { dataMap, problems } = parse(
      app(`      orders: { table: orders, key: [shop, number] }
      people: { table: people, key: id }
      items:
        table: items
        key: id
        links:
          shop,number: { to: "orders.shop,number" }
          "a,b": { to: [orders.shop, orders.number] }
          person: [{ to: people.id, owner: true }, { to: people.old_id }]
`),
    );
    expect(problems).toEqual([]);
    const items = dataMap && findDataset(dataMap, 'app.items');
    expect(
      items?.kind === 'table' ? items.links.map(({ columns, to }) => [columns, to.dataset, to.columns]) : null,
    ).toEqual([
      [['shop', 'number'], 'app.orders', ['shop', 'number']],
      [['a', 'b'], 'app.orders', ['shop', 'number']],
      [['person'], 'app.people', ['id']],
      [['person'], 'app.people', ['old_id']],
    ]);
  });

  it('takes links in a circle, for only cascades may not go round', () => {
    const { problems } = parse(
      app(`      conversations: { table: c, key: id, links: { last_message: { to: messages.id } }, onDispose: { messages: cascade } }
      messages: { table: m, key: id, links: { conversation: { to: conversations.id }, reply_to: { to: messages.id } }, onDispose: { messages: unlink, conversations: unlink } }
`),
    );
    expect(problems).toEqual([]);
  });

  it('takes folders of files', () => {
    const { dataMap, problems } = parse(`sources:
  logs:
    kind: files
    root: /var/log/kinfolk
    datasets:
      access: { folder: access, match: "access-{date}.log*", time: line }
      daily: { folder: ., match: "backup-{date}.tar.gz", keepLast: 7 }
`);
    expect(problems).toEqual([]);
    expect(dataMap?.logs).toEqual({
      kind: 'files',
      name: 'logs',
      root: '/var/log/kinfolk',
      datasets: [
        {
          kind: 'folder',
          id: 'logs.access',
          source: 'logs',
          name: 'access',
          folder: 'access',
          match: 'access-{date}.log*',
          time: 'line',
          keepLast: 0,
        },
        {
          kind: 'folder',
          id: 'logs.daily',
          source: 'logs',
          name: 'daily',
          folder: '.',
          match: 'backup-{date}.tar.gz',
          time: 'name',
          keepLast: 7,
        },
      ],
    });
  });

  it('takes folders of logs that go line by line, and fills in what is usual', () => {
    const { dataMap, problems } = parse(`sources:
  logs:
    kind: files
    root: /var/log
    datasets:
      access: { folder: nginx, match: "access.log*", unit: line, format: combined }
      app: { folder: app, match: "app-{date}.log*", unit: line, format: pattern, pattern: "%Y-%m-%d %H:%M", zone: Europe/Berlin, current: app.log }
      events: { folder: app, match: "events-{date}", unit: line, format: json, timeField: ts, continuation: true, restMinutes: 5 }
`);
    expect(problems).toEqual([]);
    const lines = (name: string) => {
      const found = dataMap && findDataset(dataMap, `logs.${name}`);
      return found?.kind === 'folder' ? found.lines : null;
    };
    const usual = { timeField: null, pattern: null, zone: 'UTC', restMinutes: 10 };
    expect(lines('access')).toEqual({ ...usual, format: 'combined', continuation: false, current: { kind: 'newest' } });
    expect(lines('app')).toEqual({
      ...usual,
      format: 'pattern',
      pattern: '%Y-%m-%d %H:%M',
      zone: 'Europe/Berlin',
      continuation: true,
      current: { kind: 'name', name: 'app.log' },
    });
    expect(lines('events')).toEqual({
      ...usual,
      format: 'json',
      timeField: 'ts',
      continuation: true,
      restMinutes: 5,
      current: { kind: 'none' },
    });
  });

  it('takes mask: null for what it says, emptying the column', () => {
    const { dataMap } = parse(
      app(
        `      users: { table: u, key: id, fields: { name: { category: contact, mask: null }, email: { category: contact, mask: fixed } } }\n`,
      ),
    );
    expect(dataMap && findDataset(dataMap, 'app.users')).toMatchObject({
      fields: { name: { mask: 'null' }, email: { mask: 'fixed' } },
    });
  });
});

describe('a data map that is wrong says where and what to write', () => {
  const table: readonly [string, string, readonly string[]][] = [
    [
      'an unknown key',
      app('      users: { tabel: public.users, key: id }\n'),
      [
        '6:7 /sources/app/datasets/users/table "table" is missing. Write text, such as public.users.',
        '6:16 /sources/app/datasets/users/tabel "tabel" is not known here. Did you mean "table"?',
      ],
    ],
    [
      'an empty key',
      app('      users: { table: public.users, key: [] }\n'),
      ['6:42 /sources/app/datasets/users/key "key" is an empty list. Write at least 1.'],
    ],
    [
      'no key',
      app('      users: { table: public.users }\n'),
      ['6:7 /sources/app/datasets/users/key "key" is missing. Write one column or a list of columns, such as [id].'],
    ],
    [
      'a key with a hole',
      app('      users: { table: public.users, key: "a,,b" }\n'),
      [
        '6:42 /sources/app/datasets/users/key "a,,b" does not name columns. Write one, such as id, or several with commas between them.',
      ],
    ],
    [
      'a table name in four parts',
      app('      users: { table: a.b.c, key: id }\n'),
      [
        '6:23 /sources/app/datasets/users/table "a.b.c" does not name a table. Write schema.table, such as public.users, or public."Odd.Name" where a name has a dot.',
      ],
    ],
    [
      'a link to nowhere',
      app(
        '      users: { table: u, key: id }\n      messages: { table: m, key: id, links: { sender_id: { to: user.id } } }\n',
      ),
      [
        '7:64 /sources/app/datasets/messages/links/sender_id/to There is no dataset "user" in the source app. Did you mean "users"?',
      ],
    ],
    [
      'a link without a column',
      app(
        '      users: { table: u, key: id }\n      messages: { table: m, key: id, links: { sender_id: { to: users } } }\n',
      ),
      [
        '7:64 /sources/app/datasets/messages/links/sender_id/to "to" must name a dataset and its column. Write users.id; for several columns, orders.a,b.',
      ],
    ],
    [
      'a link of unequal sides',
      app(
        '      users: { table: u, key: id }\n      messages: { table: m, key: id, links: { "a,b": { to: users.id } } }\n',
      ),
      [
        '7:60 /sources/app/datasets/messages/links/a,b/to The link has 2 columns here (a, b) and one column there (id). Name as many on both sides.',
      ],
    ],
    [
      'a link that is two things',
      app(
        '      users: { table: u, key: id }\n      messages: { table: m, key: id, links: { a: { to: users.id, owner: true, member: true } } }\n',
      ),
      ['7:50 /sources/app/datasets/messages/links/a A link cannot be owner and member at once. Keep one of them.'],
    ],
    [
      'onDispose of nothing',
      app(
        '      messages: { table: m, key: id, onDispose: { atachments: cascade } }\n      attachments: { table: a, key: id, links: { message: { to: messages.id } } }\n',
      ),
      [
        '6:51 /sources/app/datasets/messages/onDispose/atachments There is no dataset "atachments" in the source app. Did you mean "attachments"?',
      ],
    ],
    [
      'onDispose of what does not hang here',
      app(
        '      messages: { table: m, key: id, onDispose: { attachments: cascade } }\n      attachments: { table: a, key: id }\n',
      ),
      [
        '6:51 /sources/app/datasets/messages/onDispose/attachments "attachments" has no link to messages, so nothing of it hangs on a row here. Add links: { column: { to: messages.id } } to attachments, or remove this line.',
      ],
    ],
    [
      'unlinking a key',
      app(
        '      messages: { table: m, key: id, onDispose: { reactions: unlink } }\n      reactions: { table: r, key: "message,person", links: { message: { to: messages.id } } }\n',
      ),
      [
        '6:62 /sources/app/datasets/messages/onDispose/reactions unlink would empty "message", which is part of the key of reactions. Write cascade or restrict.',
      ],
    ],
    [
      'a cascade that goes round',
      app(
        '      a: { table: a, key: id, links: { b: { to: b.id } }, onDispose: { b: cascade } }\n      b: { table: b, key: id, links: { a: { to: a.id } }, onDispose: { a: cascade } }\n',
      ),
      [
        '7:75 /sources/app/datasets/b/onDispose/a This cascade comes back to where it began (a → b → a): it would destroy rows that are not due. Write unlink or restrict here.',
      ],
    ],
    [
      'a cascade onto itself',
      app('      a: { table: a, key: id, links: { parent: { to: a.id } }, onDispose: { a: cascade } }\n'),
      [
        '6:80 /sources/app/datasets/a/onDispose/a This cascade comes back to where it began (a → a): it would destroy rows that are not due. Write unlink or restrict here.',
      ],
    ],
    [
      'rows that stay without a ground',
      app('      a: { table: a, key: id, erase: keep }\n'),
      [
        '6:38 /sources/app/datasets/a/erase With erase: keep rows stay after an erasure, so eraseGround must say why. Write its code, such as eraseGround: LEGAL_CLAIMS.',
      ],
    ],
    [
      'masking nothing',
      app('      a: { table: a, key: id, erase: mask, eraseGround: LEGAL_CLAIMS }\n'),
      [
        '6:38 /sources/app/datasets/a/erase With erase: mask at least one field must say what replaces its value. Add mask: fixed or mask: "null" to a field.',
      ],
    ],
    [
      'masking a key',
      app('      a: { table: a, key: id, fields: { id: { category: id, mask: fixed } } }\n'),
      ['6:67 /sources/app/datasets/a/fields/id/mask "id" is part of the key and cannot be masked. Remove mask.'],
    ],
    [
      'one table twice',
      app('      a: { table: public.t, key: id }\n      b: { table: t, key: id }\n'),
      [
        '7:19 /sources/app/datasets/b/table Table public.t is already the dataset a. Map a table once, and put everything about it there.',
      ],
    ],
    [
      'mapped and exempted',
      `${app('      a: { table: t, key: id }\n')}    exempt: { public.t: nothing }\n`,
      ['7:15 /sources/app/exempt/public.t Table public.t is exempted, and is the dataset a. Remove one of the two.'],
    ],
    [
      'a kind of later',
      'sources:\n  old: { kind: mariadb }\n',
      [
        '2:16 /sources/old/kind "kind" is "mariadb". Sources of kind mariadb are not supported yet. Write postgres, sqlite, files or restic.',
      ],
    ],
    [
      'a SQLite database that is no file',
      'sources:\n  a: { kind: sqlite, path: ":memory:", datasets: {} }\n  b: { kind: sqlite, path: "file:///srv/app.db?mode=memory", datasets: {} }\n',
      [
        '2:28 /sources/a/path This does not name a SQLite database file. Write its path, such as /srv/app/app.db, or file:///srv/app/app.db?mode=ro for one that may only be read.',
        '3:28 /sources/b/path This does not name a SQLite database file. Write its path, such as /srv/app/app.db, or file:///srv/app/app.db?mode=ro for one that may only be read.',
      ],
    ],
    [
      'a SQLite table with a schema, and a time that is not there',
      'sources:\n  a:\n    kind: sqlite\n    path: /srv/app.db\n    datasets:\n      t: { table: public.t, key: id, timeAs: seconds }\n',
      [
        '6:19 /sources/a/datasets/t/table "public.t" does not name a table of the file. Write its name, such as users, or "Odd.Name" where a name has a dot.',
        '6:38 /sources/a/datasets/t/timeAs timeAs says how the column of "time" is written, and there is no "time". Write time: and its column, or remove timeAs.',
      ],
    ],
    [
      'a time of PostgreSQL written in some way',
      app('      t: { table: t, key: id, time: at, timeAs: seconds }\n'),
      ['6:41 /sources/app/datasets/t/timeAs "timeAs" is not known here. Did you mean "time"?'],
    ],
    [
      'a url of something else',
      'sources:\n  app: { kind: postgres, url: "https://db/app", datasets: {} }\n',
      [
        '2:31 /sources/app/url This is not the url of a PostgreSQL database. Write postgres://user@host:5432/database, with the password from the environment.',
      ],
    ],
    [
      'a folder outside',
      'sources:\n  f: { kind: files, root: /x, datasets: { a: { folder: ../etc, match: "{date}" } } }\n',
      [
        '2:56 /sources/f/datasets/a/folder "../etc" leads out of the source\'s root. Write a folder beneath it, such as access.',
      ],
    ],
    [
      'a pattern without its date',
      'sources:\n  f: { kind: files, root: /x, datasets: { a: { folder: a, match: "*.log" } } }\n',
      [
        '2:66 /sources/f/datasets/a/match With time: name the pattern needs one {date}. Write it where the date stands, such as access-{date}.log, or write time: line.',
      ],
    ],
    [
      'a pattern of another kind',
      'sources:\n  f: { kind: files, root: /x, datasets: { a: { folder: a, match: "a-{yyyy}.log" } } }\n',
      [
        '2:66 /sources/f/datasets/a/match "{yyyy}" is not known in a pattern. Write * for any text and {date} for the date, such as access-{date}.log.',
      ],
    ],
    [
      'lines of no format',
      'sources:\n  f: { kind: files, root: /x, datasets: { a: { folder: a, match: "a*", unit: line } } }\n',
      [
        '2:78 /sources/f/datasets/a/unit With unit: line a line has to say when it was written. Add format: common, combined, rfc5424, rfc3164, json, pattern.',
      ],
    ],
    [
      'JSON without a field',
      'sources:\n  f: { kind: files, root: /x, datasets: { a: { folder: a, match: "a*", unit: line, format: json } } }\n',
      [
        '2:92 /sources/f/datasets/a/format With format: json a field says when. Add timeField, such as timeField: time.',
      ],
    ],
    [
      'a pattern that names no time',
      'sources:\n  f: { kind: files, root: /x, datasets: { a: { folder: a, match: "a*", unit: line, format: pattern, pattern: "%d" } } }\n',
      [
        '2:110 /sources/f/datasets/a/pattern It names no time. Write %Y-%m-%d or %d/%b/%Y with %H:%M:%S, %f for a fraction, %z for an offset, or %s for seconds since 1970.',
      ],
    ],
    [
      'a field for another format',
      'sources:\n  f: { kind: files, root: /x, datasets: { a: { folder: a, match: "a*", unit: line, format: common, timeField: time } } }\n',
      ['2:100 /sources/f/datasets/a/timeField timeField belongs to format: json. Write that, or remove timeField.'],
    ],
    [
      'a format for whole files',
      'sources:\n  f: { kind: files, root: /x, datasets: { a: { folder: a, match: "a*", format: common, time: line } } }\n',
      [
        '2:72 /sources/f/datasets/a/format format belongs to unit: line, and here whole files go. Write unit: line, or remove format.',
      ],
    ],
    [
      'keepLast for lines',
      'sources:\n  f: { kind: files, root: /x, datasets: { a: { folder: a, match: "a*", unit: line, format: common, keepLast: 3 } } }\n',
      [
        '2:100 /sources/f/datasets/a/keepLast keepLast counts whole files, and with unit: line lines go. Remove keepLast, or write unit: file.',
      ],
    ],
    [
      'a current file elsewhere',
      'sources:\n  f: { kind: files, root: /x, datasets: { a: { folder: a, match: "a*", unit: line, format: common, current: ../a.log } } }\n',
      [
        '2:109 /sources/f/datasets/a/current current names a file of the folder, so it has no slash. Write newest, none, or a name such as access.log.',
      ],
    ],
    [
      'a name with a dot',
      app('      a.b: { table: t, key: id }\n'),
      [
        '6:7 /sources/app/datasets/a.b "a.b" cannot be a name here. Write letters, digits, - and _, a letter first: dots are kept for source.dataset.',
      ],
    ],
  ];
  it.each(table)('%s', (_, text, expected) => {
    expect(
      parse(text).problems.map(({ line, column, pointer, detail }) => `${line}:${column} ${pointer} ${detail}`),
    ).toEqual(expected);
  });

  it('a url that came from the environment is never quoted', () => {
    const { yaml } = readYaml(
      { name: 's', text: 'sources:\n  app: { kind: postgres, url: "${X}", datasets: {} }\n' },
      () => 'mysql://u:pa55@h',
    );
    const value = yaml && validate(sourcesSchema, yaml.value, yaml.written).value;
    const { issues } = resolveSources(value ?? { sources: {} });
    expect(issues.map(({ code }) => code)).toEqual(['url_invalid']);
    expect(JSON.stringify(issues)).not.toContain('pa55');
  });
});
