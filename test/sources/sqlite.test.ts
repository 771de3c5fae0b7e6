import { sourceConformance } from './conformance.ts';
import { rulesConformance } from './rules-conformance.ts';
import { openSqliteWorld } from './sqlite-world.ts';

const withLog = () =>
  openSqliteWorld({ journal: 'wal', types: { int: 'integer', text: 'text', time: 'datetime' }, timeAs: 'text' });

sourceConformance('SQLite with a write-ahead log', withLog);
rulesConformance('SQLite', withLog);
sourceConformance('SQLite with a rollback journal, time in milliseconds', () =>
  openSqliteWorld({
    journal: 'delete',
    types: { int: 'int', text: 'varchar', time: 'bigint' },
    timeAs: 'milliseconds',
  }),
);
