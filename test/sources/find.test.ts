import { describe, expect, it } from 'vitest';
import type { Reached } from '../../src/sources/sql/find.ts';
import { keyText } from '../../src/sources/sql/keys.ts';
import { chatTables, openWorld, type World } from '../invariants/world.ts';

async function find(world: World, kind: string, value: string): Promise<Reached> {
  const app = world.office.sources.get('app');
  if (!app) throw new Error('the world has no source "app"');
  return app.find([{ kind, value }]);
}

/** Keys by dataset, in order, of those datasets that have any. */
function keys(rows: Reached['own']): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    [...rows].flatMap(([dataset, found]) =>
      found.length > 0 ? [[dataset.replace('app.', ''), found.map(({ key }) => key.join('/')).sort()]] : [],
    ),
  );
}

const noRetention = `rules: {}
`;

describe('the walk from a person through the data map', () => {
  it('finds what is theirs, what they take part in, and nothing of another owner', async () => {
    await using world = await openWorld();
    await world.app.sql.unsafe(`
      INSERT INTO users VALUES (1, 'Ada@Example.com'), (2, 'bea@example.com'), (3, 'cem@example.com');
      INSERT INTO conversations VALUES (1, '2019-01-01Z', ''), (2, '2019-01-01Z', '');
      INSERT INTO members VALUES (1, 1), (1, 2), (2, 2), (2, 3);
      INSERT INTO messages VALUES (1, 1, 1, NULL, now(), ''), (2, 1, 2, 1, now(), ''), (3, 1, NULL, 1, now(), 'of nobody'), (4, 2, 2, NULL, now(), ''), (5, 2, 1, NULL, now(), 'hers, where she is no member');
      INSERT INTO attachments VALUES (1, 1, NULL, NULL), (2, 2, NULL, NULL), (5, 5, NULL, NULL);
      INSERT INTO reactions VALUES (1, 1, 2, 'x'), (2, 4, 1, 'y'), (3, 2, NULL, 'z');`);
    const reached = await find(world, 'email', ' ADA@example.COM ');
    expect(keys(reached.own)).toEqual({
      users: ['1'],
      members: ['1/1'],
      // 3 answers hers and has no owner; 2 answers hers and is bea's.
      messages: ['1', '3', '5'],
      attachments: ['1', '5'],
      reactions: ['2'],
    });
    expect(keys(reached.shared)).toEqual({
      conversations: ['1'],
      // Who else takes part is part of the conversation.
      members: ['1/2'],
      messages: ['2'],
      attachments: ['2'],
      reactions: ['3'],
    });
    expect(keys((await find(world, 'email', "x' OR '1'='1")).own)).toEqual({});
    expect(keys((await find(world, 'nothing', '1')).own)).toEqual({});
  });

  it('ends in circles, goes by composite keys, follows what is owned, and takes a row reached twice once', async () => {
    await using world = await openWorld({
      tables: `
        CREATE TABLE people (tenant int, id text, email text, address uuid, boss text, PRIMARY KEY (tenant, id));
        CREATE TABLE addresses (id uuid PRIMARY KEY, street text);
        CREATE TABLE orders (tenant int, no int, buyer text, payer text, part_of int, PRIMARY KEY (tenant, no));
        CREATE TABLE items (tenant int, order_no int, no int, note text, PRIMARY KEY (tenant, order_no, no));
        INSERT INTO addresses VALUES ('00000000-0000-0000-0000-00000000000a', 'hers'), ('00000000-0000-0000-0000-00000000000b', 'his');
        INSERT INTO people VALUES (1, 'a', 'ada@example.com', '00000000-0000-0000-0000-00000000000a', 'b'),
          (1, 'b', 'ben@example.com', '00000000-0000-0000-0000-00000000000b', 'a'), (2, 'a', 'other@example.com', NULL, NULL);
        INSERT INTO orders VALUES (1, 1, 'a', 'a', 2), (1, 2, 'a', NULL, 1), (1, 3, 'b', 'a', 1), (1, 4, 'b', 'b', 1), (1, 5, NULL, NULL, 3), (2, 1, 'a', 'a', 1);
        INSERT INTO items SELECT tenant, no, n, 'x' FROM orders, generate_series(1, 2) n;`,
      sources: `sources:
  app:
    kind: postgres
    url: \${APP}
    datasets:
      people:
        table: public.people
        key: [tenant, id]
        identifiers: { email: email }
        links:
          address: { to: addresses.id, owns: true }
          tenant,boss: { to: "people.tenant,id" }
      addresses: { table: public.addresses, key: [id] }
      orders:
        table: public.orders
        key: [tenant, no]
        links:
          tenant,buyer: { to: "people.tenant,id", owner: true }
          tenant,payer: { to: "people.tenant,id", owner: true }
          tenant,part_of: { to: "orders.tenant,no" }
      items:
        table: public.items
        key: [tenant, order_no, no]
        links: { "tenant,order_no": { to: "orders.tenant,no" } }
`,
      retention: noRetention,
    });
    const reached = await find(world, 'email', 'ada@example.com');
    expect(keys(reached.own)).toEqual({
      people: ['1/a'],
      addresses: ['00000000-0000-0000-0000-00000000000a'],
      // 3 is hers (she pays); 4 is part of hers and his; 5 is part of hers and nobody's.
      orders: ['1/1', '1/2', '1/3', '1/5'],
      items: ['1/1/1', '1/1/2', '1/2/1', '1/2/2', '1/3/1', '1/3/2', '1/5/1', '1/5/2'],
    });
    expect(keys(reached.shared)).toEqual({});
  });

  it('compares links of other types as text and does not trip over what is none of theirs', async () => {
    await using world = await openWorld({
      tables: `
        CREATE TABLE people (id bigint PRIMARY KEY, email text, ref uuid UNIQUE);
        CREATE TABLE notes (id int PRIMARY KEY, person text);
        CREATE TABLE marks (id int PRIMARY KEY, person smallint);
        CREATE TABLE looks (id int PRIMARY KEY, ref text);
        CREATE TABLE parts (id int PRIMARY KEY, note varchar(20));
        INSERT INTO people VALUES (7, 'ada@example.com', 'aaaaaaaa-0000-0000-0000-000000000000'), (3000000000, 'ben@example.com', NULL);
        INSERT INTO notes VALUES (1, '7'), (2, 'seven'), (3, NULL), (4, '3000000000');
        INSERT INTO marks VALUES (1, 7), (2, NULL);
        INSERT INTO looks VALUES (1, 'AAAAAAAA-0000-0000-0000-000000000000'), (2, 'no uuid');
        INSERT INTO parts VALUES (1, '1'), (2, 'one'), (3, '4');`,
      sources: `sources:
  app:
    kind: postgres
    url: \${APP}
    datasets:
      people: { table: public.people, key: [id], identifiers: { email: email } }
      notes: { table: public.notes, key: [id], links: { person: { to: people.id, owner: true } } }
      marks: { table: public.marks, key: [id], links: { person: { to: people.id, owner: true } } }
      looks: { table: public.looks, key: [id], links: { ref: { to: people.ref, owner: true } } }
      parts: { table: public.parts, key: [id], links: { note: { to: notes.id } } }
`,
      retention: noRetention,
    });
    const ada = await find(world, 'email', 'ada@example.com');
    expect(keys(ada.own)).toEqual({ people: ['7'], notes: ['1'], marks: ['1'], looks: ['1'], parts: ['1'] });
    const ben = await find(world, 'email', 'ben@example.com');
    expect(keys(ben.own)).toEqual({ people: ['3000000000'], notes: ['4'], parts: ['3'] });
  });

  it('keeps apart keys that only look alike, and reads back what any text says', async () => {
    const nasty = ['a\u001fb', "'; DROP TABLE people; --", '{"x":1}', '\\', '$1', '%', '"', 'ü\u0301', ' '];
    await using world = await openWorld({
      tables: `CREATE TABLE people (a text, b text, email text, PRIMARY KEY (a, b))`,
      sources: `sources:
  app: { kind: postgres, url: "\${APP}", datasets: { people: { table: public.people, key: [a, b], identifiers: { email: email } } } }
`,
      retention: noRetention,
    });
    const rows = [...nasty.map((text) => [text, text]), ['a\u001fb', 'c'], ['a', 'b\u001fc']];
    for (const [a = '', b = ''] of rows) await world.app.sql`INSERT INTO people VALUES (${a}, ${b}, 'ada@example.com')`;
    const reached = await find(world, 'email', 'ada@example.com');
    const found = reached.own.get('app.people') ?? [];
    expect(found.map(({ key }) => keyText(key)).sort()).toEqual(rows.map((key) => keyText(key)).sort());
    const read: string[] = [];
    for await (const row of world.office.sources.get('app')?.readRows('app.people', found) ?? [])
      read.push(keyText([row.a ?? '', row.b ?? '']));
    expect(read).toEqual(found.map(({ key }) => keyText(key)));
  });

  it('finds nothing in empty tables', async () => {
    await using world = await openWorld({ tables: chatTables });
    const reached = await find(world, 'email', 'ada@example.com');
    expect([keys(reached.own), keys(reached.shared)]).toEqual([{}, {}]);
  });
});
