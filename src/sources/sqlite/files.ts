import type { LeavingFiles, LeavingRow } from '../sql/files.ts';
import type { SqliteConnection } from './connection.ts';
import { name, table, text } from './words.ts';

/** The files that are leaving, as `muniment_files_leaving` lists them. */
export function leavingFiles(connection: SqliteConnection): LeavingFiles {
  return {
    source: connection.source,
    after: ({ batch, dataset, path }, most) =>
      connection.reading((session) =>
        session.all<LeavingRow>(
          `SELECT batch, dataset, path FROM main.muniment_files_leaving
           WHERE (batch, dataset, path) > (:batch, :dataset, :path) ORDER BY batch, dataset, path LIMIT :most`,
          { batch, dataset, path, most },
        ),
      ),
    async strike(rows) {
      if (rows.length === 0) return;
      await connection.transaction('batch', (tx) =>
        tx.run(
          `DELETE FROM main.muniment_files_leaving WHERE (batch, dataset, path) IN
             (SELECT value ->> 'batch', value ->> 'dataset', value ->> 'path' FROM json_each(:rows))`,
          { rows: JSON.stringify(rows) },
        ),
      );
    },
    async naming(dataset, parts) {
      const path = text(`t.${name(dataset.file?.column ?? '')}`);
      const found = await connection.reading((session) =>
        session.all<{ path: string }>(
          `SELECT DISTINCT ${path} AS path FROM ${table(dataset)} t
           WHERE EXISTS (SELECT 1 FROM json_each(:parts) j WHERE instr('/' || ${path} || '/', '/' || j.value || '/') > 0)`,
          { parts: JSON.stringify(parts) },
        ),
      );
      return found.map((row) => row.path);
    },
  };
}
