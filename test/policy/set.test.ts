// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is what policy files write
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument, stringify } from 'yaml';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { readPolicyFiles } from '../../src/house.ts';
import { policyJsonSchemas } from '../../src/policy/json-schema.ts';
import { parsePolicySet, policySchemas } from '../../src/policy/set.ts';
import type { PolicyFile } from '../../src/policy/yaml.ts';

const folder = new URL('../../policies/', import.meta.url);
const shipped = (name: string) => readFileSync(new URL(name, folder), 'utf8');
const sources = `sources:
  app:
    kind: postgres
    url: \${APP_DATABASE_URL}
    datasets:
      users: { table: public.users, key: id, identifiers: { email: email, phone: phone } }
      conversations: { table: public.conversations, key: id }
      messages:
        table: public.messages
        key: id
        time: sent_at
        links: { sender_id: { to: users.id, owner: true }, conversation_id: { to: conversations.id } }
        onDispose: { attachments: cascade, reactions: restrict }
      attachments:
        table: public.attachments
        key: id
        links: { message_id: { to: messages.id } }
        file: { column: path, root: "\${FILES_ROOT}" }
      reactions: { table: public.reactions, key: "message_id,user_id", links: { message_id: { to: messages.id } } }
      access_log: { table: public.access_log, key: id, time: at }
    exempt: { public.migrations: none, public.jobs: none }
  logs: { kind: files, root: /var/log/kinfolk, datasets: { access: { folder: ., match: "access-{date}.log" } } }
  backups: { kind: files, root: /backups, datasets: { daily: { folder: ., match: "{date}.tar", keepLast: 7 } } }
`;
const texts: Readonly<Record<string, string>> = {
  'organization.yaml': shipped('organization.yaml'),
  'sources.yaml': sources,
  'retention.yaml': shipped('retention.yaml'),
  'regimes.yaml': shipped('regimes.yaml'),
  'roles.yaml': shipped('roles.yaml'),
};
const filesOf = (changes: Readonly<Record<string, string | null>> = {}): PolicyFile[] =>
  Object.entries({ ...texts, ...changes }).flatMap(([name, text]) => (text === null ? [] : [{ name, text }]));
const environment: Readonly<Record<string, string>> = {
  APP_DATABASE_URL: 'postgres://app:one@db/app',
  FILES_ROOT: '/srv/one',
};
const parse = (changes: Readonly<Record<string, string | null>> = {}, more: Readonly<Record<string, string>> = {}) =>
  parsePolicySet(filesOf(changes), (name) => ({ ...environment, ...more })[name]);
const problemsOf = (changes: Readonly<Record<string, string | null>>) =>
  parse(changes).problems.map(({ file, line, detail }) => `${file}:${line} ${detail}`);

describe('a policy set', () => {
  it('is read as one', () => {
    const { set, problems } = parse();
    expect(problems).toEqual([]);
    if (!set) throw new Error('no set');
    expect(set.organization.name).toBe('Kinfolk, Inc.');
    expect(Object.keys(set.dataMap)).toEqual(['app', 'logs', 'backups']);
    expect(set.dataMap.app).toMatchObject({ url: 'postgres://app:one@db/app' });
    expect(Object.keys(set.retention)).toEqual(['messages', 'logs', 'backups']);
    expect(set.digest).toBe(sha256Hex(canonicalJson(set.content)));
  });

  it('has a digest that a changed password or place does not change, and holds neither', () => {
    const one = parse().set;
    const two = parse({}, { APP_DATABASE_URL: 'postgres://app:two@elsewhere/app', FILES_ROOT: '/srv/two' }).set;
    expect(two?.dataMap).not.toEqual(one?.dataMap);
    expect(two?.digest).toBe(one?.digest);
    expect(JSON.stringify(one?.content)).not.toMatch(/:one@|\/srv\/one/);
    expect(JSON.stringify(one?.content)).toContain('${APP_DATABASE_URL}');
  });

  it('has another digest when a window, a link, a person to write to or a permission changes', () => {
    const before = parse().set?.digest;
    for (const [name, from, to] of [
      ['retention.yaml', 'P3Y', 'P2Y'],
      ['sources.yaml', 'reactions: restrict', 'reactions: cascade'],
      ['organization.yaml', 'privacy@', 'data@'],
      ['roles.yaml', '    - ledger.read\n', ''],
    ] as const) {
      const { set } = parse({ [name]: texts[name]?.replace(from, to) ?? null });
      expect(set?.digest).toMatch(/^[0-9a-f]{64}$/);
      expect(set?.digest).not.toBe(before);
    }
  });

  it('whose window comes from the environment has the digest of that window', () => {
    const retention = texts['retention.yaml']?.replace('keep: P3Y', 'keep: ${KEEP}') ?? '';
    const digest = (keep: string) => parse({ 'retention.yaml': retention }, { KEEP: keep }).set?.digest;
    expect(digest('P3Y')).toBe(parse().set?.digest);
    expect(digest('P2Y')).not.toBe(digest('P3Y'));
  });

  it('property: the order of keys, of files, comments and spelling change nothing', () => {
    const before = parse().set?.digest;
    const values = Object.entries(texts).map(([name, text]) => [name, parseDocument(text).toJS() as unknown] as const);
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), fc.boolean(), fc.constantFrom(1, 2, 4), (numbers, flow, indent) => {
        const shuffled = (value: unknown): unknown => {
          if (Array.isArray(value)) return value.map(shuffled);
          if (typeof value !== 'object' || value === null) return value;
          return Object.fromEntries(
            Object.entries(value)
              .map(([key, member]) => ({ key, member: shuffled(member), order: numbers.next().value ?? 0 }))
              .toSorted((a, b) => a.order - b.order)
              .map(({ key, member }) => [key, member]),
          );
        };
        const files = values
          .map(([name, value]) => ({
            name,
            text: `# seen\n${stringify(shuffled(value), { collectionStyle: flow ? 'flow' : 'block', indent })}`,
          }))
          .toSorted((a, b) => (flow ? a.name.localeCompare(b.name) : b.name.localeCompare(a.name)));
        const { set, problems } = parsePolicySet(files, (name) => environment[name]);
        expect(problems).toEqual([]);
        expect(set?.digest).toBe(before);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a policy set that is wrong', () => {
  it('names every mistake of every file in one reading', () => {
    const changes = {
      'organization.yaml': texts['organization.yaml']?.replace('zone: America/Los_Angeles', 'zone: PST') ?? null,
      'sources.yaml': sources
        .replace('key: id\n        time', 'keys: id\n        time')
        .replace('to: conversations.id', 'to: conversation.id')
        .replace(
          '{ message_id: { to: messages.id } }\n        file',
          '{ message_id: { to: message.id } }\n        file',
        ),
      'retention.yaml':
        texts['retention.yaml']
          ?.replace('keep: P18M', 'keep: 18 months')
          .replace('[backups.daily]', '[backups.dayly]') ?? null,
      'roles.yaml': texts['roles.yaml']?.replace('requests.work', 'request.work') ?? null,
    };
    const found = parse(changes).problems.map(({ file, pointer, code }) => `${file} ${pointer} ${code}`);
    expect(parse(changes).set).toBeNull();
    expect(found).toEqual([
      'organization.yaml /organization/zone value_invalid',
      'sources.yaml /sources/app/datasets/messages/key missing',
      'sources.yaml /sources/app/datasets/messages/keys key_unknown',
      'sources.yaml /sources/app/datasets/attachments/links/message_id/to dataset_unknown',
      'retention.yaml /rules/logs/keep period_invalid',
      'retention.yaml /rules/backups/datasets/0 dataset_unknown',
      'roles.yaml /roles/privacy/1 value_invalid',
    ]);
  });

  it('does not report a dataset as missing that stands there but could not be read', () => {
    expect(problemsOf({ 'sources.yaml': sources.replace('time: sent_at', 'time: 5') })).toEqual([
      'sources.yaml:11 "time" is 5. Write text, such as id.',
    ]);
  });

  it('without one of its files, or with one that nobody reads', () => {
    const [missing] = problemsOf({ 'roles.yaml': null });
    expect(missing).toMatch(/^roles\.yaml:1 roles\.yaml is missing\. Write it;/);
    expect(problemsOf({ 'retentions.yaml': 'rules: {}' })).toEqual([
      'retentions.yaml:1 retentions.yaml is not a policy file, and nobody would read it. Did you mean "retention.yaml"? Rename or remove it.',
    ]);
    expect(problemsOf({ 'README.md': '# hello' })).toEqual([]);
  });

  it('with a regime that regimes.yaml does not have', () => {
    const [problem, ...more] = parse({
      'organization.yaml':
        texts['organization.yaml']?.replace(/defaultRegimes: .*/, 'defaultRegimes: [NOWHERE]') ?? null,
    }).problems;
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ pointer: '/organization/defaultRegimes/0', code: 'regime_unknown' });
  });
});

describe('what is shipped', () => {
  it('JSON Schemas for editors are what the code says (node --import tsx scripts/policy-schemas.ts writes them)', () => {
    const found = Object.fromEntries(
      readdirSync(new URL('schema/', folder)).map((name): [string, unknown] => [
        name,
        JSON.parse(shipped(`schema/${name}`)),
      ]),
    );
    expect(found).toEqual(JSON.parse(JSON.stringify(policyJsonSchemas())));
  });

  it.each(Object.keys(policySchemas).filter((name) => existsSync(new URL(name, folder))))(
    '%s tells editors its schema',
    (name) => {
      expect(shipped(name).split('\n')[0]).toBe(
        `# yaml-language-server: $schema=schema/${name.replace('.yaml', '.schema.json')}`,
      );
    },
  );

  it.skipIf(!existsSync(new URL('sources.yaml', folder)))('the files are one policy set without a mistake', () => {
    expect(
      parse({ 'sources.yaml': shipped('sources.yaml') }, {}).problems.filter(({ code }) => code !== 'variable_missing'),
    ).toEqual([]);
  });
});

describe('a period of a clock that is none', () => {
  it('is said where it stands, and stops no other check', async () => {
    const folder = 'policies';
    const files = await readPolicyFiles(folder);
    const broken = files.map((file) =>
      file.name === 'regimes.yaml'
        ? {
            ...file,
            text: file.text.replaceAll(/(\n\s+period: )P1M/g, '$1P1W3Q').replaceAll(/(\{ to: )P\w+/g, '$1P9Q'),
          }
        : file,
    );
    const { set, problems } = parsePolicySet(broken, () => 'postgres://localhost/x');
    expect(set).toBeNull();
    expect(problems.length).toBeGreaterThan(1);
    for (const { file, line, detail } of problems) {
      expect(file).toBe('regimes.yaml');
      expect(line).toBeGreaterThan(1);
      expect(detail).toMatch(/P30D|P1M/);
    }
  });
});

it('a rule with a mistake is still checked for its others', async () => {
  const files = (await readPolicyFiles('policies')).map((file) =>
    file.name === 'retention.yaml'
      ? { ...file, text: file.text.replace('keep: P3Y', 'keep: PT3M').replace('app.messages]', 'app.mesages]') }
      : file,
  );
  const { problems } = parsePolicySet(files, () => 'postgres://localhost/x');
  expect(problems.map(({ code }) => code)).toEqual(['dataset_unknown', expect.any(String)]);
  expect(problems[0]?.detail).toContain('app.messages');
});
