import { type Sink, textSink } from './sink.ts';

/** Writes the rows of one table. */
export interface CsvWriter {
  /** One row, in the columns' order. Wait for the answer where there is one. @throws RangeError on another width */
  row(values: readonly (string | null)[]): Promise<void> | undefined;
  end(): Promise<void>;
}

/**
 * A CSV file (RFC 4180): UTF-8 without a byte order mark, CRLF after every row, a header row, every field quoted,
 * values exactly as they are given: nothing is trimmed, prefixed or made safe for spreadsheets here (the evidentiary
 * copy must stay as stored). An empty text is `""`; NULL, which is no text, is nothing between the commas: the same
 * difference PostgreSQL's COPY makes with FORCE_QUOTE.
 */
export function csvWriter(sink: Sink, columns: readonly string[]): CsvWriter {
  if (columns.length === 0) throw new RangeError('a table has columns');
  const out = textSink(sink, csvRow(columns));
  return {
    row: (values) => {
      if (values.length !== columns.length)
        throw new RangeError(`a row of ${values.length} values in a table of ${columns.length} columns`);
      return out.add(csvRow(values));
    },
    end: () => out.flush(),
  };
}

function csvRow(values: readonly (string | null)[]): string {
  let row = '';
  for (let index = 0; index < values.length; index++) {
    if (index > 0) row += ',';
    const value = values[index] ?? null;
    // A row of one NULL would be an empty line, which readers skip: there, and only there, the quotes stay.
    if (value === null) row += values.length === 1 ? '""' : '';
    else row += value.includes('"') ? `"${value.replaceAll('"', '""')}"` : `"${value}"`;
  }
  return `${row}\r\n`;
}
