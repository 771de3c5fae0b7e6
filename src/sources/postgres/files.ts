import type { LeavingFiles, LeavingRow } from '../sql/files.ts';
import type { SqlConnection } from './connection.ts';
import { name, table } from './words.ts';

/** The files that are leaving, as `muniment.files_leaving` lists them. */
export function leavingFiles({ source, sql }: SqlConnection): LeavingFiles {
  return {
    source,
    after: (last, most) => sql<LeavingRow[]>`
      SELECT batch, dataset, path FROM muniment.files_leaving
      WHERE (batch, dataset, path) > (${last.batch}, ${last.dataset}, ${last.path}) ORDER BY batch, dataset, path LIMIT ${most}`,
    async strike(rows) {
      await sql`DELETE FROM muniment.files_leaving WHERE (batch, dataset, path) IN (SELECT * FROM unnest(
        ${rows.map((row) => row.batch)}::text[], ${rows.map((row) => row.dataset)}::text[], ${rows.map((row) => row.path)}::text[]))`;
    },
    async naming(dataset, parts) {
      const column = `t.${name(dataset.file?.column ?? '')}::text`;
      const found = await sql.unsafe<{ path: string }[]>(
        `SELECT DISTINCT ${column} AS path FROM ${table(dataset)} t WHERE string_to_array(${column}, '/') && $1::text[]`,
        [[...parts]],
      );
      return found.map(({ path }) => path);
    },
  };
}
