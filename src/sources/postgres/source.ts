import type { SqlSource } from '../../policy/data-map.ts';
import type { RecordSource } from '../source.ts';
import { checkSource } from './check.ts';
import { connectSource } from './connection.ts';
import { destroyBatch } from './destroy.ts';
import { eraseRows, previewErasure } from './erase.ts';
import { removeLeavingFiles } from './files.ts';
import { findSubject } from './find.ts';
import { holdsInPlace, liftHold, placeHold, raiseEpoch, takeCensus } from './hold.ts';
import { installJournal, markCopied, readEpoch, uncopiedBatches } from './journal.ts';
import { countScope, readRows, readScope } from './read.ts';
import { compileScope, wrongKeys } from './scope.ts';

/** A PostgreSQL source. Nothing is connected until the first question. */
export function openPostgresSource(source: SqlSource): RecordSource {
  const connection = connectSource(source);
  return {
    name: source.name,
    kind: 'postgres',
    datasets: source.datasets,
    keepsHolds: true,
    check: () => checkSource(connection),
    async clock() {
      const [row] = await connection.sql<{ now: string }[]>`SELECT clock_timestamp()::text AS now`;
      return row ? Temporal.Instant.from(row.now) : null;
    },
    census: (dataset, cutoff, holds) =>
      takeCensus(
        connection,
        connection.dataset(dataset),
        cutoff,
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
    raiseEpoch: (atLeast) => raiseEpoch(connection, atLeast),
    holdsInPlace: () => holdsInPlace(connection),
    async uncopied(most) {
      if ((await readEpoch(connection.sql)) === null) return [];
      return uncopiedBatches(connection.sql, most);
    },
    markCopied: (batch) => markCopied(connection.sql, batch),
    removeLeavingFiles: () => removeLeavingFiles(connection),
    find: (identifiers) => findSubject(connection, identifiers, 'proven'),
    previewErasure: (dataset, rows, act, going) =>
      previewErasure(connection, connection.dataset(dataset), rows, act, going),
    erase: (order, act, knownEpoch) => eraseRows(connection, order, act, knownEpoch),
    readRows: (dataset, rows, extra) => readRows(connection, connection.dataset(dataset), rows, extra),
    readScope: (dataset, scope, extra) => readScope(connection, connection.dataset(dataset), scope, extra),
    countScope: (dataset, scope) => countScope(connection, connection.dataset(dataset), scope),
    close: () => connection.close(),
  };
}
