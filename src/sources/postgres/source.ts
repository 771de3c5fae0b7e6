import type { PostgresSource } from '../../policy/data-map.ts';
import type { RecordSource } from '../source.ts';
import { checkSource } from '../sql/check.ts';
import { takeCensus } from '../sql/count.ts';
import { keysCovered, keysThere } from '../sql/covered.ts';
import { previewErasure } from '../sql/erase.ts';
import { removeLeavingFiles } from '../sql/files.ts';
import { findSubject } from '../sql/find.ts';
import type { HeldGroups } from '../sql/held.ts';
import { countScope, readRows, readScope } from '../sql/read.ts';
import { compileScope, wrongKeys } from '../sql/scope.ts';
import { readCatalog } from './check.ts';
import { connectSource } from './connection.ts';
import { destroyBatch } from './destroy.ts';
import { eraseRows } from './erase.ts';
import { leavingFiles } from './files.ts';
import { installGuards } from './guard.ts';
import { holdsInPlace, liftHold, placeHold, raiseEpoch } from './hold.ts';
import { installJournal, markCopied, readEpoch, readHeldGroups, uncopiedBatches } from './journal.ts';

/** A PostgreSQL source. Nothing is connected until the first question. */
export function openPostgresSource(source: PostgresSource): RecordSource {
  const connection = connectSource(source);
  const isGuarded = source.enforceHolds === 'trigger';
  const isInstalled = async () => (await readEpoch(connection.sql)) !== null;
  const groupsOf = async (hold: string | null): Promise<HeldGroups> =>
    (await isInstalled()) ? readHeldGroups(connection.sql, hold) : new Map();
  return {
    name: source.name,
    kind: 'postgres',
    datasets: source.datasets,
    keepsHolds: true,
    check: (retention) =>
      checkSource(connection, connection.reach, () => readCatalog(connection, isGuarded), retention),
    async clock() {
      const [row] = await connection.sql<{ now: string }[]>`SELECT clock_timestamp()::text AS now`;
      return row ? Temporal.Instant.from(row.now) : null;
    },
    census: (dataset, due, holds) =>
      takeCensus(
        connection,
        groupsOf,
        connection.dataset(dataset),
        due,
        holds.map(({ id }) => id),
      ),
    async destroyBatch(order, around) {
      await installJournal(connection);
      return destroyBatch(connection, order, around);
    },
    wrongKeys: (scope) => wrongKeys(connection, scope),
    placeHold: async ({ id, scope }) => placeHold(connection, id, await compileScope(connection, scope)),
    async liftHold(hold) {
      await installJournal(connection);
      return liftHold(connection, hold);
    },
    ...(isGuarded ? { enforceHolds: () => installGuards(connection) } : {}),
    raiseEpoch: (atLeast) => raiseEpoch(connection, atLeast),
    holdsInPlace: () => holdsInPlace(connection),
    async *keysCovered(hold, dataset) {
      yield* keysCovered(connection, await groupsOf(hold), connection.dataset(dataset), hold);
    },
    keysThere: (dataset, keys) => keysThere(connection, connection.dataset(dataset), keys),
    async uncopied(most) {
      if (!(await isInstalled())) return [];
      return uncopiedBatches(connection.sql, most);
    },
    markCopied: (batch) => markCopied(connection.sql, batch),
    removeLeavingFiles: async () => ((await isInstalled()) ? removeLeavingFiles(leavingFiles(connection)) : []),
    find: (identifiers) => findSubject(connection, identifiers, 'proven'),
    previewErasure: async (dataset, rows, act, going) =>
      previewErasure(connection, await groupsOf(null), connection.dataset(dataset), rows, act, going),
    erase: (order, act, knownEpoch) => eraseRows(connection, order, act, knownEpoch),
    readRows: (dataset, rows, besides) => readRows(connection, connection.dataset(dataset), rows, besides),
    readScope: (dataset, scope, besides) => readScope(connection, connection.dataset(dataset), scope, besides),
    countScope: (dataset, scope) => countScope(connection, connection.dataset(dataset), scope),
    close: () => connection.close(),
  };
}
