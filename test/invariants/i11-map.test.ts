import { describe, expect, it } from 'vitest';
import { sourceCheck } from '../../src/cli/source-check.ts';
import type { Office } from '../../src/flows/office.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { policiesFolder } from '../support/policies.ts';
import { chatSources, done, ids, officer, openWorld, purge } from './world.ts';

/** What `muniment source check` answers: its exit code and its lines. */
async function sourceCheckOf(office: Office): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const out = { json: false, line: (text: string) => lines.push(text), document: () => {} };
  return { code: await sourceCheck.run(office, officer, [], out), text: lines.join('\n') };
}

describe('a source that is not as the data map says', () => {
  const changes: readonly (readonly [string, string, RegExp])[] = [
    ['a table that nobody mapped', 'CREATE TABLE diary (id int PRIMARY KEY, text text)', /diary/],
    ['a table in another schema', 'CREATE SCHEMA more; CREATE TABLE more.notes (id int)', /more\.notes/],
    ['a copy of a table', 'CREATE MATERIALIZED VIEW report AS SELECT body FROM messages', /report/],
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
    const drift = ((await world.office.sources.get('app')?.check({})) ?? []).filter(({ level }) => level === 'drift');
    expect(drift.map(({ detail }) => detail).join(' ')).toMatch(told);
    const checked = await sourceCheckOf(world.office);
    expect(checked.code).toBe(1);
    expect(checked.text).toMatch(/^DRIFT app /m);
    expect(checked.text).toMatch(told);
    // The run is refused, and its answer names what has to be mapped first.
    const run = done(await planDisposition(world.office, officer, { rules: [], dryRun: false }));
    expect([run.state, run.refusal?.code]).toEqual(['refused', 'source_drift']);
    expect(run.refusal?.detail).toMatch(told);
    expect(await ids(world.app, 'messages')).toEqual([1]);
  });

  it('I11 that has a view more is as the data map says: a view keeps nothing', async () => {
    await using world = await openWorld();
    await world.app.sql.unsafe('CREATE VIEW seen AS SELECT 1 AS one');
    expect(await sourceCheckOf(world.office)).toMatchObject({ code: 0, text: expect.not.stringContaining('DRIFT') });
  });

  it('I11 a table that is exempted by name, with a reason, is no drift; without a reason it is not exempted', async () => {
    const exempt = (names: string) => `${chatSources()}    exempt: { ${names} }\n`;
    await using world = await openWorld({ sources: exempt('public.diary: Holds recipes.') });
    await world.app.sql.unsafe('CREATE TABLE diary (id int PRIMARY KEY, text text)');
    const check = async (office = world.office) =>
      ((await office.sources.get('app')?.check({})) ?? []).filter(({ level }) => level === 'drift');
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
