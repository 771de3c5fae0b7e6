import { rm } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import type { SqlSource } from '../../policy/data-map.ts';
import type { RecordSource } from '../source.ts';
import { checkSource } from './check.ts';
import { connectSource, type SqlConnection } from './connection.ts';
import { destroyBatch } from './destroy.ts';
import { eraseRows, previewErasure } from './erase.ts';
import { findSubject } from './find.ts';
import { holdsInPlace, liftHold, placeHold, takeCensus } from './hold.ts';
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
      return destroyBatch(connection, order, around.knownEpoch, around.from);
    },
    wrongKeys: (scope) => wrongKeys(connection, scope),
    placeHold: async ({ id, scope }) => placeHold(connection, id, await compileScope(connection, scope)),
    async liftHold(hold) {
      await installJournal(connection);
      return liftHold(connection, hold);
    },
    holdsInPlace: () => holdsInPlace(connection),
    async uncopied(most) {
      if ((await readEpoch(connection.sql)) === null) return [];
      return uncopiedBatches(connection.sql, most);
    },
    markCopied: (batch) => markCopied(connection.sql, batch),
    removeLeavingFiles: () => removeLeavingFiles(connection),
    find: (identifiers) => findSubject(connection, identifiers),
    previewErasure: (dataset, rows, act) => previewErasure(connection, connection.dataset(dataset), rows, act),
    erase: (order, act, knownEpoch) => eraseRows(connection, order, act, knownEpoch),
    readRows: (dataset, rows, extra) => readRows(connection, connection.dataset(dataset), rows, extra),
    readScope: (dataset, scope, extra) => readScope(connection, connection.dataset(dataset), scope, extra),
    countScope: (dataset, scope) => countScope(connection, connection.dataset(dataset), scope),
    close: () => connection.close(),
  };
}

/**
 * Remove the files of rows that went. Their names were written in the transaction that destroyed the rows, so a crash
 * in between leaves a list and never an orphan; a name that would leave its folder is reported by staying on the list.
 */
async function removeLeavingFiles(connection: SqlConnection): Promise<number> {
  if ((await readEpoch(connection.sql)) === null) return 0;
  const roots = connection.source.datasets.flatMap(({ file }) => (file ? [resolve(file.root)] : []));
  let removed = 0;
  for (;;) {
    const rows = await connection.sql<{ batch: string; path: string }[]>`
      SELECT batch, path FROM muniment.files_leaving ORDER BY batch, path LIMIT 500`;
    const before = removed;
    for (const { batch, path } of rows) {
      const root = roots.find((candidate) => resolve(candidate, path).startsWith(candidate + sep));
      if (root === undefined) continue;
      await rm(resolve(root, path), { force: true });
      await connection.sql`DELETE FROM muniment.files_leaving WHERE batch = ${batch} AND path = ${path}`;
      removed += 1;
    }
    if (removed === before) return removed;
  }
}
