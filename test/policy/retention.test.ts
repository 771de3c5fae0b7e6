import fc from 'fast-check';
import cron from 'node-cron';
import { describe, expect, it } from 'vitest';
import type { DataMap, TableDataset } from '../../src/policy/data-map.ts';
import { ruleCutoff } from '../../src/policy/due.ts';
import { resolveRetention, retentionSchema, ruleDigest } from '../../src/policy/retention.ts';
import { checkSchedule } from '../../src/policy/schedule.ts';
import { readYaml, validate } from '../../src/policy/yaml.ts';

const table = (name: string, more: Partial<TableDataset> = {}): TableDataset => ({
  kind: 'table',
  id: `app.${name}`,
  source: 'app',
  name,
  table: { schema: 'public', name },
  key: ['id'],
  time: 'at',
  identifiers: {},
  links: [],
  fields: {},
  onDispose: {},
  erase: 'destroy',
  eraseGround: null,
  file: null,
  ...more,
});
const mapOf = (...datasets: TableDataset[]): DataMap => ({
  app: { kind: 'postgres', name: 'app', url: 'postgres://db/app', datasets, exempt: {}, enforceHolds: 'none' },
});
const link = (column: string, dataset: string): TableDataset['links'][number] => ({
  columns: [column],
  to: { dataset, columns: ['id'] },
  owner: false,
  member: false,
  owns: false,
});
const map = mapOf(
  table('messages'),
  table('access_log'),
  table('users', { time: null }),
  table('notes', { links: [link('conversation', 'app.users')] }),
  table('replies', { links: [link('thread', 'app.messages'), link('thread', 'app.users')] }),
);

function parse(text: string, dataMap: DataMap | null = map) {
  const { yaml } = readYaml({ name: 'retention.yaml', text }, () => undefined);
  if (!yaml) throw new Error('not YAML');
  const { value, issues } = validate(retentionSchema, yaml.value, yaml.written);
  const resolved = value ? resolveRetention(value, dataMap) : null;
  return { retention: resolved?.retention ?? {}, problems: [...issues, ...(resolved?.issues ?? [])].map(yaml.locate) };
}
const rule = (changes: Record<string, string> = {}, name = 'messages') =>
  `  ${name}: { ${Object.entries({
    datasets: '[app.messages]',
    keep: 'P3Y',
    dispose: 'destroy',
    schedule: '"15 2 * * *"',
    authority: '"Terms, 7"',
    ...changes,
  })
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ')} }\n`;

describe('the retention schedule', () => {
  it('is read as the contract writes it', () => {
    const { retention, problems } = parse(`rules:\n${rule({ cap: '{ share: 0.25 }' })}`);
    expect(problems).toEqual([]);
    expect(retention).toEqual({
      messages: {
        id: 'messages',
        title: 'messages',
        datasets: ['app.messages'],
        keep: { period: { years: 3, months: 0, weeks: 0, days: 0 }, atLeast: null },
        dispose: 'destroy',
        where: {},
        schedule: '15 2 * * *',
        pace: { rowsPerSecond: null, between: null, lockSeconds: 10 },
        authority: 'Terms, 7',
        cap: { share: 0.25, timesUsual: null },
        zone: 'UTC',
      },
    });
  });

  it('counts a window back in the zone of the rule', () => {
    const { retention } = parse(`rules:\n${rule({ keep: 'P90D', zone: 'Europe/Berlin' })}`);
    const messages = retention.messages;
    if (!messages) throw new Error('no rule');
    // Deadline rules 4.4: calendar days across the change to summer time, not 90 times 24 hours.
    expect(ruleCutoff(messages, Temporal.Instant.from('2026-04-15T10:00:00Z'))?.toString()).toBe(
      '2026-01-15T11:00:00Z',
    );
  });

  const wrong: readonly [string, string, string][] = [
    [
      'minutes taken for months',
      rule({ keep: 'PT3M' }),
      '/rules/messages/keep "PT3M" is not a period: parts after T are hours, minutes and seconds, and P3M already means three months.',
    ],
    [
      'prose',
      rule({ keep: '3 years' }),
      '/rules/messages/keep "3 years" is not a period: write ISO 8601 whole units, such as P3Y, P18M or P90D.',
    ],
    [
      'no time at all',
      rule({ keep: 'P0D' }),
      '/rules/messages/keep "P0D" is no time at all. Write how long to keep, such as P90D.',
    ],
    [
      'masking where nothing says how',
      rule({ dispose: 'mask' }),
      '/rules/messages/dispose No field of app.messages says in sources.yaml what replaces its value. Add mask: fixed or mask: "null" to a field there.',
    ],
    [
      'another word for it',
      rule({ dispose: 'delete' }),
      '/rules/messages/dispose "dispose" is "delete". Write destroy, mask or retain.',
    ],
    [
      'percent',
      rule({ cap: '{ share: 25 }' }),
      '/rules/messages/cap/share "share" is 25. Write a share above 0 and up to 1, such as 0.25 for a quarter.',
    ],
    [
      'no reason',
      rule({ authority: '' }),
      '/rules/messages/authority "authority" is missing. Write text, such as Terms of service, section 7.',
    ],
    [
      'no dataset',
      rule({ datasets: '[]' }),
      '/rules/messages/datasets "datasets" is an empty list. Write at least 1, such as [app.messages].',
    ],
    [
      'an unknown dataset',
      rule({ datasets: '[app.mesages]' }),
      '/rules/messages/datasets/0 There is no dataset "app.mesages" in sources.yaml. Did you mean "app.messages"?',
    ],
    [
      'a dataset without a time',
      rule({ datasets: '[app.users]' }),
      '/rules/messages/datasets/0 app.users has no time to count from. Add time: COLUMN to it in sources.yaml, or take it out of this rule.',
    ],
    [
      'a dataset twice in one rule',
      rule({ datasets: '[app.messages, app.messages]' }),
      '/rules/messages/datasets/1 app.messages is named twice. Keep one.',
    ],
    [
      'destroying what is kept forever',
      rule({ keep: 'forever' }),
      '/rules/messages/dispose What is kept forever is never destroyed or masked. Write dispose: retain, or a period.',
    ],
    [
      'destroying at no time',
      rule({ schedule: '' }),
      '/rules/messages Nothing would ever ring for it. Write schedule: "15 2 * * *", or dispose: retain.',
    ],
    [
      'a bell for nothing',
      rule({ dispose: 'retain' }),
      '/rules/messages/schedule A rule that only keeps does nothing at any time. Take schedule out.',
    ],
    [
      'bounds the wrong way round',
      rule({ keep: '{ min: P13M, max: P1Y }' }),
      '/rules/messages/keep/min min is longer than max. Write the shorter period as min.',
    ],
    [
      'a floor without a ceiling',
      rule({ keep: '{ min: P1Y }' }),
      '/rules/messages/keep/max "max" is missing. Write text.',
    ],
    [
      'less than a floor',
      rule({ keep: '{ min: P1Y, max: P3Y }' }) + rule({ keep: 'P364D', where: '{ kind: system }' }, 'system'),
      '/rules/system/keep The rule "messages" keeps these records for P1Y at least and P3Y at most. Write a period between them.',
    ],
    [
      'more than a ceiling',
      rule({ keep: '{ min: P1Y, max: P3Y }' }) +
        rule({ keep: 'forever', dispose: 'retain', schedule: '', where: '{ kind: system }' }, 'system'),
      '/rules/system/keep The rule "messages" keeps these records for P1Y at least and P3Y at most. Write a period between them.',
    ],
    [
      'a condition through a link that is none',
      rule({ where: '{ family_id.state: CA }', datasets: '[app.notes]' }),
      '/rules/messages/where/family_id.state app.notes has no link on family_id. Write a column of it, or one of: conversation.',
    ],
    [
      'a condition through a link to two',
      rule({ where: '{ thread.state: CA }', datasets: '[app.replies]' }),
      '/rules/messages/where/thread.state thread of app.replies links to several datasets: a condition cannot say which. Use a column of app.replies itself.',
    ],
    [
      'a condition on a range of values',
      rule({ where: '{ age: [] }' }),
      '/rules/messages/where/age "age" is an empty list. Write at least 1.',
    ],
    [
      'an offset for a zone',
      rule({ zone: '+02:00' }),
      '/rules/messages/zone This is not a time zone. Write its IANA name, such as America/New_York or UTC.',
    ],
    [
      'an abbreviation for a zone',
      rule({ zone: 'EST' }),
      '/rules/messages/zone This is not a time zone. Write its IANA name, such as America/New_York or UTC.',
    ],
    [
      'a schedule with seconds',
      rule({ schedule: '"0 15 2 * * *"' }),
      '/rules/messages/schedule "0 15 2 * * *" is not a schedule: it has six fields, and seconds are not used. Write five, such as "15 2 * * *".',
    ],
  ];
  it.each(wrong)('%s is refused', (_, text, expected) => {
    expect(parse(`rules:\n${text}`).problems.map(({ pointer, detail }) => `${pointer} ${detail}`)).toEqual([expected]);
  });
});

describe('rules that share a dataset', () => {
  it('are read with their bounds, conditions and ends; unset, forever and a period are three things', () => {
    const text = [
      rule({ keep: '{ min: P1Y, max: P3Y }' }),
      rule(
        {
          keep: 'P2Y',
          datasets: '[app.notes]',
          where: '{ kind: [system, 7, true], conversation.name: { not: null } }',
        },
        'some',
      ),
      rule({ keep: 'forever', dispose: 'retain', schedule: '', datasets: '[app.access_log]' }, 'kept'),
    ].join('');
    const { retention, problems } = parse(`rules:\n${text}`);
    expect(problems).toEqual([]);
    expect(retention.messages).toMatchObject({ keep: { period: { years: 3 }, atLeast: { years: 1 } }, where: {} });
    expect(retention.some?.where['app.notes']).toMatchObject([
      {
        path: 'conversation.name',
        through: [{ columns: ['conversation'] }],
        column: 'name',
        values: [null],
        isNot: true,
      },
      { path: 'kind', through: [], column: 'kind', values: ['7', 'system', 'true'], isNot: false },
    ]);
    expect(retention.kept).toMatchObject({ keep: { period: null, atLeast: null }, schedule: null });
    const kept = retention.kept;
    expect(kept && ruleCutoff(kept, Temporal.Instant.from('2026-04-15T10:00:00Z'))).toBeNull();
  });

  it('may stay between bounds, whatever the units and the year', () => {
    for (const keep of ['P1Y', 'P12M', 'P366D', 'P2Y', 'P36M', 'P3Y'])
      expect(
        parse(`rules:\n${rule({ keep: '{ min: P1Y, max: P3Y }' })}${rule({ keep, where: '{ kind: a }' }, 'some')}`)
          .problems,
      ).toEqual([]);
    // In a leap year 365 days are a day short of P1Y, and 1096 days one more than P3Y without one.
    for (const keep of ['P365D', 'P1096D', 'P11M'])
      expect(
        parse(`rules:\n${rule({ keep: '{ min: P1Y, max: P3Y }' })}${rule({ keep, where: '{ kind: a }' }, 'some')}`)
          .problems,
      ).toHaveLength(1);
  });

  it('change each other’s digest, and nobody’s where they say nothing', () => {
    const digestOf = (text: string) => {
      const { retention } = parse(`rules:\n${text}`);
      return retention.messages ? ruleDigest(retention.messages, retention, map) : null;
    };
    const alone = digestOf(rule());
    const kept = { dispose: 'retain', schedule: '' };
    const beside = digestOf(rule() + rule({ ...kept, keep: 'P5Y', where: '{ kind: a }' }, 'kept'));
    expect(beside).not.toBe(alone);
    expect(digestOf(rule() + rule({ ...kept, keep: 'P6Y', where: '{ kind: a }' }, 'kept'))).not.toBe(beside);
    expect(digestOf(rule() + rule({ ...kept, keep: 'P5Y', where: '{ kind: b }' }, 'kept'))).not.toBe(beside);
    expect(digestOf(rule() + rule({ ...kept, keep: 'P5Y', datasets: '[app.access_log]' }, 'kept'))).toBe(alone);
  });
});

describe('a rule has changed', () => {
  const digestOf = (text: string, dataMap: DataMap = map) => {
    const { retention } = parse(`rules:\n${text}`, dataMap);
    return retention.messages ? ruleDigest(retention.messages, retention, dataMap) : null;
  };
  const before = digestOf(rule());

  it('when its window, its datasets, its cap or its zone did', () => {
    for (const changes of [
      { keep: 'P2Y' },
      { datasets: '[app.messages, app.access_log]' },
      { cap: '{ share: 1 }' },
      { zone: 'Europe/Berlin' },
    ])
      expect(digestOf(rule(changes))).not.toBe(before);
  });

  it('when what its dataset is, or what goes with it, did', () => {
    const attachments = table('attachments', {
      links: [
        {
          columns: ['message'],
          to: { dataset: 'app.messages', columns: ['id'] },
          owner: false,
          member: false,
          owns: false,
        },
      ],
    });
    const cascading = mapOf(table('messages', { onDispose: { 'app.attachments': 'cascade' } }), attachments);
    expect(digestOf(rule(), mapOf(table('messages', { time: 'created_at' })))).not.toBe(before);
    expect(digestOf(rule(), mapOf(table('messages', { timeAs: 'seconds' })))).not.toBe(before);
    expect(digestOf(rule(), cascading)).not.toBe(before);
    const deeper = mapOf(
      table('messages', { onDispose: { 'app.attachments': 'cascade' } }),
      { ...attachments, onDispose: { 'app.previews': 'cascade' } },
      table('previews'),
    );
    expect(digestOf(rule(), deeper)).not.toBe(digestOf(rule(), cascading));
  });

  it('but not when its words or its bell did, nor anything of another dataset', () => {
    for (const changes of [{ title: 'Messages' }, { authority: 'Terms' }, { schedule: '"0 4 * * *"' }])
      expect(digestOf(rule(changes))).toBe(before);
    expect(
      digestOf(rule(), mapOf(table('messages', { fields: { body: { category: 'x', text: true, mask: null } } }))),
    ).toBe(before);
  });
});

describe('a schedule', () => {
  it.each(['15 2 * * *', '*/5 * * * *', '0 0 1,15 * *', '0 9-17/2 * * mon-fri', '0 0 29 2 *', '0 0 * JAN 7'])(
    '%s is one',
    (text) => {
      expect(checkSchedule(text)).toBeNull();
      expect(cron.validate(text)).toBe(true);
    },
  );

  it.each([
    ['@daily', 'write five fields, such as "15 2 * * *" for every night at 02:15.'],
    ['15 2 * *', 'it has 4 of five fields. Write minute, hour, day, month and weekday, such as "15 2 * * *".'],
    ['60 2 * * *', 'minute goes from 0 to 59; "60" does not.'],
    ['0 24 * * *', 'hour goes from 0 to 23; "24" does not.'],
    ['0 0 * foo *', 'month goes from 1 to 12; "foo" does not.'],
    ['0 5-2 * * *', 'the range "5-2" runs backwards. Write the smaller one first.'],
    ['*/0 * * * *', '"*/0" has a step of 0. Write 1 or more.'],
    ['5/10 * * * *', '"5/10" is a step without a range. Write */10 or 5-59/10.'],
    ['0 0 30 2 *', 'no such day ever comes. Write a day that its month has.'],
    [
      '0 0 13 * fri',
      'it names a day of the month and a weekday, which programs read differently. Write * for one of the two.',
    ],
    ['0 0 L * *', 'day of the month goes from 1 to 31; "L" does not.'],
  ])('%s is none', (text, why) => {
    expect(checkSchedule(text)?.detail).toBe(`"${text}" is not a schedule: ${why}`);
  });

  it('property: what is let through, node-cron reads as well', () => {
    const field = (max: number) => {
      const number = fc.integer({ min: 0, max: max + 1 }).map(String);
      const range = fc.tuple(number, number).map(([from, to]) => `${from}-${to}`);
      const base = fc.oneof(fc.constant('*'), number, range);
      const stepped = fc.oneof(
        base,
        fc.tuple(base, fc.integer({ min: 0, max: 12 })).map(([of, step]) => `${of}/${step}`),
      );
      return fc.array(stepped, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(','));
    };
    fc.assert(
      fc.property(fc.tuple(field(59), field(23), field(31), field(12), field(7)), (fields) => {
        const text = fields.join(' ');
        if (checkSchedule(text) === null) expect(cron.validate(text)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
