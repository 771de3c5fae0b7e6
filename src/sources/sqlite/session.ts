import { createHash, createHmac } from 'node:crypto';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';

export type Parameters = Readonly<Record<string, SQLInputValue>>;
export type Row = Readonly<Record<string, SQLOutputValue>>;

/** A connection to a SQLite file. It waits for nobody: while another writes it fails with SQLITE_BUSY. */
export interface Session {
  all(sql: string, parameters: Parameters): readonly Row[];
  /** @returns how many rows the statement changed, those that triggers changed aside */
  run(sql: string, parameters: Parameters): number;
  close(): void;
}

/** What went wrong in SQLite, by its result code (https://www.sqlite.org/rescode.html). No message: it may quote data. */
export class SqliteError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`SQLite failed: ${code}`);
    this.name = 'SqliteError';
    this.code = code;
  }
}

const resultCodes: Readonly<Record<number, string>> = {
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
  23: 'SQLITE_AUTH',
  26: 'SQLITE_NOTADB',
};
/** The file was moved or replaced under an open connection: nobody refused anything, it is not there any more. */
const readonlyDbMoved = 1032;

/** @throws SqliteError in place of an error of SQLite's own */
function told<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && 'errcode' in error && typeof error.errcode === 'number')) throw error;
    if (error.errcode === readonlyDbMoved) throw new SqliteError('SQLITE_CANTOPEN');
    throw new SqliteError(resultCodes[error.errcode & 0xff] ?? 'SQLITE_ERROR');
  }
}

/**
 * Open a file that is there. Foreign keys hold on this connection whatever the application does on its own; what is
 * deleted is overwritten, and not only taken off the list of pages in use.
 * @param uri a `file:` URI with its mode
 */
export function openSession(uri: string): Session {
  return told(() => {
    const database = new DatabaseSync(new URL(uri), { timeout: 0, enableForeignKeyConstraints: true });
    try {
      database.exec('PRAGMA secure_delete = ON');
      addFunctions(database);
    } catch (error) {
      database.close();
      throw error;
    }
    return {
      all: (sql, parameters) => told(() => database.prepare(sql).all({ ...parameters })),
      run: (sql, parameters) => told(() => Number(database.prepare(sql).run({ ...parameters }).changes)),
      close: () => told(() => database.close()),
    };
  });
}

function addFunctions(database: DatabaseSync): void {
  const options = { deterministic: true, directOnly: true } as const;
  database.function('muniment_lower', options, (text: SQLOutputValue) =>
    typeof text === 'string' ? text.toLowerCase() : text,
  );
  database.function('muniment_sha256', options, (text: SQLOutputValue) =>
    createHash('sha256').update(String(text)).digest(),
  );
  database.function('muniment_redact', options, (text: SQLOutputValue) =>
    typeof text === 'string' ? text.replaceAll(/\S/gu, '█') : text,
  );
  database.function('muniment_pseudonym', options, (key: SQLOutputValue, text: SQLOutputValue) => {
    if (!(key instanceof Uint8Array)) throw new Error('a pseudonym needs its key');
    return text === null ? null : `p_${createHmac('sha256', key).update(String(text)).digest('hex').slice(0, 32)}`;
  });
  database.function(
    'muniment_leaf',
    { ...options, varargs: true, useBigIntArguments: true },
    (key: SQLOutputValue, dataset: SQLOutputValue, ...row: SQLOutputValue[]) => {
      if (!(key instanceof Uint8Array)) throw new Error('a commitment needs its key');
      return createHmac('sha256', key)
        .update(`${String(dataset)}\n${rowText(row)}`)
        .digest();
    },
  );
}

/** A row as SQL writes its values, in the order of the table's columns. docs/formats/commitment.md. */
export function rowText(row: readonly SQLOutputValue[]): string {
  return `(${row.map(valueText).join(',')})`;
}

function valueText(value: SQLOutputValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (value instanceof Uint8Array) return `X'${Buffer.from(value).toString('hex').toUpperCase()}'`;
  // A real that happens to be whole is another value than an integer.
  return typeof value === 'number' && /^-?\d+$/.test(String(value)) ? `${value}.0` : String(value);
}
