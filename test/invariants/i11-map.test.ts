import { describe, expect, it } from 'vitest';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { policiesFolder } from '../support/policies.ts';
import { chatSources, ids, officer, openWorld, purge, refusalCode } from './world.ts';

describe('a source that is not as the data map says', () => {
  const changes: readonly (readonly [string, string, RegExp])[] = [
    ['a table that nobody mapped', 'CREATE TABLE diary (id int PRIMARY KEY, text text)', /diary/],
    ['a view is no table', 'CREATE VIEW seen AS SELECT 1 AS one', /^$/],
    ['a table in another schema', 'CREATE SCHEMA more; CREATE TABLE more.notes (id int)', /more\.notes/],
    ['a table that is gone', 'DROP TABLE reactions', /reactions/],
    ['a column that is gone', 'ALTER TABLE attachments DROP COLUMN path', /path/],
    ['a time that is none any more', 'ALTER TABLE messages ALTER COLUMN sent_at TYPE text', /sent_at/],
    [
      'a link that is not declared',
      'CREATE TABLE copies (id int PRIMARY KEY, message_id int REFERENCES messages)',
      /copies/,
    ],
  ];

  it.each(changes)('I11 %s', async (_name, statement, told) => {
    await using world = await openWorld();
    await world.app.sql.unsafe(`INSERT INTO users VALUES (1, 'a@example.com'); INSERT INTO conversations VALUES (1, now(), 's');
      INSERT INTO messages VALUES (1, 1, 1, NULL, '2019-01-01Z', 'old')`);
    await world.app.sql.unsafe(statement);
    const drift = ((await world.office.sources.get('app')?.check()) ?? []).filter(({ level }) => level === 'drift');
    if (told.source === '^$') {
      expect(drift).toEqual([]);
      return;
    }
    expect(drift.map(({ detail }) => detail).join(' ')).toMatch(told);
    const run = await planDisposition(world.office, officer, { rules: [], dryRun: false });
    const state = refusalCode(run) ?? ('state' in (run as object) ? (run as { state: string }).state : '');
    expect(state).toMatch(/refused|drift/);
    expect(await ids(world.app, 'messages')).toEqual([1]);
  });

  it('I11 a table that is exempted by name, with a reason, is no drift; an exemption of nothing is', async () => {
    const exempt = (names: string) => `${chatSources()}    exempt: { ${names} }\n`;
    await using world = await openWorld({ sources: exempt('public.diary: Holds recipes.') });
    await world.app.sql.unsafe('CREATE TABLE diary (id int PRIMARY KEY, text text)');
    const check = async (office = world.office) =>
      ((await office.sources.get('app')?.check()) ?? []).filter(({ level }) => level === 'drift');
    expect(await check()).toEqual([]);
    await world.app.sql.unsafe(`INSERT INTO users VALUES (1, 'a@example.com'); INSERT INTO conversations VALUES (1, now(), 's');
      INSERT INTO messages VALUES (1, 1, 1, NULL, '2019-01-01Z', 'old')`);
    expect((await purge(world.office)).state).toBe('completed');
    expect(await ids(world.app, 'messages')).toEqual([]);
    const { parsePolicySet } = await import('../../src/policy/set.ts');
    const { readPolicyFiles } = await import('../../src/house.ts');
    const folder = policiesFolder({ 'sources.yaml': exempt('public.diary: ""') });
    const { problems } = parsePolicySet(await readPolicyFiles(folder), () => 'postgres://x');
    expect(problems.map(({ detail }) => detail).join(' ')).toMatch(/reason|empty|least/i);
  });
});
