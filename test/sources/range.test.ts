import { describe, expect, it } from 'vitest';
import { isRefusal } from '../../src/core/refusal.ts';
import { checkScope } from '../../src/policy/hold.ts';
import { openWorld } from '../invariants/world.ts';

describe('the range of an export', () => {
  it.each([
    ['timestamptz', 'Europe/Berlin', ["'2026-02-28 22:59:59.999999Z'", "'2026-03-31 22:00:00Z'"]],
    ['timestamp', 'UTC', ["'2026-02-28 23:59:59.999999'", "'2026-04-01 00:00:00'"]],
    ['date', 'Europe/Berlin', ["'2026-02-28'", "'2026-04-01'"]],
    ['date', 'America/Los_Angeles', ["'2026-02-28'", "'2026-04-01'"]],
  ])(
    'takes a column of %s from the first day to the end of the last in %s, and nothing beside',
    async (type, zone, outside) => {
      const inside = {
        timestamptz: ["'2026-02-28 23:00:00Z'", "'2026-03-31 21:59:59.999999Z'"],
        timestamp: ["'2026-03-01 00:00:00'", "'2026-03-31 23:59:59.999999'"],
        date: ["'2026-03-01'", "'2026-03-31'"],
      }[type];
      await using world = await openWorld({
        tables: `CREATE TABLE notes (id int PRIMARY KEY, at ${type});
        INSERT INTO notes VALUES (1, ${inside?.[0]}), (2, ${inside?.[1]}), (3, ${outside[0]}), (4, ${outside[1]}), (5, NULL);`,
        sources: `sources:
  app:
    kind: postgres
    url: \${APP}
    datasets:
      notes: { table: public.notes, key: [id], time: at }
`,
        retention: 'rules: {}\n',
      });
      const scope = checkScope(
        world.office.policy.dataMap,
        { datasets: ['app.notes'], from: '2026-03-01', to: '2026-03-31' },
        zone,
        'disclosure',
      );
      if (isRefusal(scope)) throw new Error(scope.detail);
      const app = world.office.sources.get('app');
      const ids: (string | null | undefined)[] = [];
      for await (const record of app?.readScope('app.notes', scope) ?? []) ids.push(record.id);
      expect(ids.toSorted()).toEqual(['1', '2']);
      expect(await app?.countScope('app.notes', scope)).toBe(2);
    },
  );
});
