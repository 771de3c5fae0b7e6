import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefusal } from '../../src/core/refusal.ts';
import type { DataMap, TableDataset } from '../../src/policy/data-map.ts';
import {
  checkScope,
  type HoldScope,
  holdScopeSchema,
  isEmptyScope,
  scopeDigest,
  type WrittenHoldScope,
} from '../../src/policy/hold.ts';

const table = (name: string, more: Partial<TableDataset>): TableDataset => ({
  kind: 'table',
  id: `app.${name}`,
  source: 'app',
  name,
  table: { schema: 'public', name },
  key: ['id'],
  time: null,
  identifiers: {},
  links: [],
  fields: {},
  onDispose: {},
  erase: 'destroy',
  eraseGround: null,
  file: null,
  ...more,
});
const map: DataMap = {
  app: {
    kind: 'postgres',
    name: 'app',
    url: '',
    exempt: {},
    enforceHolds: 'none',
    datasets: [
      table('users', { identifiers: { email: 'email', phone: 'phone' } }),
      table('messages', {
        time: 'sent_at',
        links: [
          {
            columns: ['conversation_id'],
            to: { dataset: 'app.users', columns: ['id'] },
            owner: false,
            member: false,
            owns: false,
          },
        ],
      }),
    ],
  },
  logs: {
    kind: 'files',
    name: 'logs',
    root: '/x',
    datasets: [
      {
        kind: 'folder',
        id: 'logs.access',
        source: 'logs',
        name: 'access',
        folder: 'a',
        match: '{date}',
        time: 'name',
        keepLast: 0,
      },
    ],
  },
};
const check = (scope: WrittenHoldScope, zone = 'UTC') => checkScope(map, holdScopeSchema.parse(scope), zone, 'hold');
const errorsOf = (scope: WrittenHoldScope) => {
  const result = check(scope);
  return isRefusal(result) ? result.errors.map(({ pointer, code, detail }) => `${pointer} ${code} ${detail}`) : [];
};

describe('the scope of a hold', () => {
  it('is put into one form: sorted, once, numbers as text', () => {
    expect(
      check({
        subjects: [
          { kind: 'phone', value: '+1' },
          { kind: 'email', value: 'a@example.com' },
          { kind: 'phone', value: '+1' },
        ],
        keys: { 'app.messages': [{ conversation_id: 41 }, { id: 'b' }, { conversation_id: '41' }] },
        datasets: ['app.users', 'app.messages', 'app.users'],
      }),
    ).toEqual({
      subjects: [
        { kind: 'email', value: 'a@example.com' },
        { kind: 'phone', value: '+1' },
      ],
      keys: { 'app.messages': [{ conversation_id: '41' }, { id: 'b' }] },
      datasets: ['app.messages', 'app.users'],
      from: null,
      to: null,
    });
  });

  it('takes a last day to its end in the zone, and rounds an instant outward: a hold errs on keeping', () => {
    expect(check({ from: '2026-03-01', to: '2026-03-08' }, 'America/New_York')).toMatchObject({
      from: '2026-03-01T05:00:00.000Z',
      // Summer time began that night: the day after the last begins at 04:00 in UTC.
      to: '2026-03-09T04:00:00.000Z',
    });
    expect(check({ from: '2026-03-01T00:00:00.000900Z', to: '2026-03-01T01:00:00.000100+01:00' })).toMatchObject({
      from: '2026-03-01T00:00:00.000Z',
      to: '2026-03-01T00:00:00.001Z',
    });
  });

  it('of a disclosure ends with the last day, and rounds an instant inward: it gives out nothing else', () => {
    const disclosed = (scope: WrittenHoldScope, zone = 'UTC') => checkScope(map, scope, zone, 'disclosure');
    expect(disclosed({ from: '2026-03-01', to: '2026-03-08' }, 'America/New_York')).toMatchObject({
      from: '2026-03-01T05:00:00.000Z',
      to: '2026-03-09T03:59:59.999Z',
    });
    expect(disclosed({ from: '2026-03-01T00:00:00.000900Z', to: '2026-03-01T01:00:00.001100+01:00' })).toMatchObject({
      from: '2026-03-01T00:00:00.001Z',
      to: '2026-03-01T00:00:00.001Z',
    });
  });

  it('that names nothing is refused, for it would hold everything', () => {
    for (const scope of [{}, { subjects: [] }, { keys: {} }, { datasets: [] }])
      expect(errorsOf(scope)).toEqual([
        ' scope_empty The scope names nothing. Name subjects, keys, datasets or a range of time.',
      ]);
    expect(isEmptyScope({ subjects: [], keys: {}, datasets: [], from: null, to: null })).toBe(true);
  });

  it('of no columns or no keys is refused before anything looks at it', () => {
    expect(holdScopeSchema.safeParse({ keys: { 'app.messages': [{}] } }).success).toBe(false);
    expect(holdScopeSchema.safeParse({ keys: { 'app.messages': [] } }).success).toBe(false);
    expect(holdScopeSchema.safeParse({ subjects: [{ kind: 'email', value: 'a\u0000b' }] }).success).toBe(false);
    expect(holdScopeSchema.safeParse({ subjets: [] }).success).toBe(false);
  });

  it('by person needs no identifier where there are files only: they are searched for the value', () => {
    const { logs } = map;
    const subjects = [{ kind: 'account', value: 'ada' }];
    expect(logs && isRefusal(checkScope({ logs }, holdScopeSchema.parse({ subjects }), 'UTC', 'hold'))).toBe(false);
    expect(errorsOf({ subjects })).toHaveLength(1);
  });

  it('names every wrong place at once', () => {
    expect(
      errorsOf({
        subjects: [{ kind: 'emial', value: 'x' }],
        keys: {
          'app.message': [{ id: 1 }],
          'app.messages': [{ id: 1 }, { conversation: 2 }],
          'logs.access': [{ id: 1 }],
        },
        datasets: ['app.users', 'log.access'],
        from: '2026-02-30',
        to: '2026-03-01T00:00:00',
      }),
    ).toEqual([
      '/datasets/1 dataset_unknown There is no dataset "log.access". Did you mean "logs.access"?',
      '/subjects/0/kind identifier_unknown No dataset has an identifier "emial". Did you mean "email"?',
      '/keys/app.message dataset_unknown There is no dataset "app.message". Did you mean "app.messages"?',
      '/keys/app.messages/1/conversation column_unknown The data map knows no column "conversation" of app.messages. Did you mean "conversation_id"?',
      '/keys/logs.access dataset_is_files logs.access are files and have no columns. Hold them by datasets and a range of time.',
      '/from time_invalid "2026-02-30" is neither a day nor an instant. Write 2026-03-31, or RFC 3339 with an offset, such as 2026-03-31T09:30:00Z.',
      '/to time_invalid "2026-03-01T00:00:00" is neither a day nor an instant. Write 2026-03-31, or RFC 3339 with an offset, such as 2026-03-31T09:30:00Z.',
    ]);
  });

  it('that ends before it begins is refused', () => {
    expect(errorsOf({ from: '2026-03-02', to: '2026-02-28' })).toEqual([
      '/to range_reversed The range ends (2026-02-28) before it begins (2026-03-02). Exchange the two.',
    ]);
  });

  it('of one dataset that does not exist says so in its code', () => {
    expect(check({ datasets: ['app.nothing'] })).toMatchObject({ code: 'dataset_unknown' });
  });

  it('on files may name people by any identifier, for files are searched for the text', () => {
    expect(check({ subjects: [{ kind: 'ip', value: '192.0.2.1' }], datasets: ['logs.access'] })).toMatchObject({
      datasets: ['logs.access'],
    });
  });

  it('has a digest that does not depend on the order it was written in, and tells nothing without its key', () => {
    const key = new Uint8Array(32).fill(1);
    const scopeOf = (scope: WrittenHoldScope): HoldScope => {
      const result = check(scope);
      if (isRefusal(result)) throw new Error(result.detail);
      return result;
    };
    const rows = [{ conversation_id: 1 }, { conversation_id: 2 }, { id: 'a' }, { id: 'b' }];
    const people = ['a', 'b', 'c'].map((name) => ({ kind: 'email', value: `${name}@example.com` }));
    const expected = scopeDigest(scopeOf({ subjects: people, keys: { 'app.messages': rows } }), key);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(rows, { minLength: 4 }),
        fc.shuffledSubarray(people, { minLength: 3 }),
        (shuffled, others) => {
          expect(scopeDigest(scopeOf({ keys: { 'app.messages': shuffled }, subjects: others }), key)).toBe(expected);
        },
      ),
    );
    expect(scopeDigest(scopeOf({ subjects: people, keys: { 'app.messages': rows } }), new Uint8Array(32))).not.toBe(
      expected,
    );
    expect(scopeDigest(scopeOf({ subjects: people }), key)).not.toBe(expected);
  });
});
