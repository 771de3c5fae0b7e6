import { isRefusal } from '../../core/refusal.ts';
import type { BatchResult } from '../../disposition/batch.ts';
import type { SqliteSource } from '../../policy/data-map.ts';
import type { RecordSource } from '../source.ts';
import { checkSource } from '../sql/check.ts';
import { takeCensus } from '../sql/count.ts';
import { keysCovered, keysThere } from '../sql/covered.ts';
import { previewErasure } from '../sql/erase.ts';
import { removeLeavingFiles } from '../sql/files.ts';
import { findSubject } from '../sql/find.ts';
import { countScope, readRows, readScope } from '../sql/read.ts';
import { compileScope, wrongKeys } from '../sql/scope.ts';
import { readCatalog } from './check.ts';
import { connectSqlite } from './connection.ts';
import { destroyBatch } from './destroy.ts';
import { eraseRows } from './erase.ts';
import { leavingFiles } from './files.ts';
import { holdsInPlace, liftHold, placeHold, raiseEpoch } from './hold.ts';
import { installJournal, isInstalled, markCopied, readHeldGroups, uncopiedBatches } from './journal.ts';

/** A SQLite source: one file, which has one writer at a time. Nothing is opened until the first question. */
export function openSqliteSource(source: SqliteSource): RecordSource {
  const connection = connectSqlite(source);
  const groupsOf = (hold: string | null) => connection.reading((session) => readHeldGroups(session, hold));
  const afterwards = async (destroying: Promise<BatchResult>): Promise<BatchResult> => {
    const result = await destroying;
    // It is done and written down: that the log could not be emptied is no reason to say otherwise.
    if (!isRefusal(result) && result.kind === 'batch') await connection.emptyLog().catch(() => {});
    return result;
  };
  return {
    name: source.name,
    kind: 'sqlite',
    datasets: source.datasets,
    keepsHolds: true,
    check: (retention) => checkSource(connection, connection.reach, () => readCatalog(connection), retention),
    // A file has no clock but that of whoever asks.
    clock: async () => null,
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
      return afterwards(destroyBatch(connection, order, around));
    },
    wrongKeys: (scope) => wrongKeys(connection, scope),
    placeHold: async ({ id, scope }) => placeHold(connection, id, await compileScope(connection, scope)),
    liftHold: (hold) => liftHold(connection, hold),
    raiseEpoch: (atLeast) => raiseEpoch(connection, atLeast),
    holdsInPlace: () => connection.reading(holdsInPlace),
    async *keysCovered(hold, dataset) {
      yield* keysCovered(connection, await groupsOf(hold), connection.dataset(dataset), hold);
    },
    keysThere: (dataset, keys) => keysThere(connection, connection.dataset(dataset), keys),
    uncopied: (most) => connection.reading((session) => uncopiedBatches(session, most)),
    markCopied: (batch) => markCopied(connection, batch),
    removeLeavingFiles: async () =>
      (await connection.reading(isInstalled)) ? removeLeavingFiles(leavingFiles(connection)) : [],
    find: (identifiers) => findSubject(connection, identifiers, 'proven'),
    previewErasure: async (dataset, rows, act, going) =>
      previewErasure(connection, await groupsOf(null), connection.dataset(dataset), rows, act, going),
    erase: (order, act, knownEpoch) => afterwards(eraseRows(connection, order, act, knownEpoch)),
    readRows: (dataset, rows, besides) => readRows(connection, connection.dataset(dataset), rows, besides),
    readScope: (dataset, scope, besides) => readScope(connection, connection.dataset(dataset), scope, besides),
    countScope: (dataset, scope) => countScope(connection, connection.dataset(dataset), scope),
    close: () => connection.close(),
  };
}
