import { z } from 'zod';
import { canonicalJson, type Json } from '../core/canonical-json.ts';
import { hmacSha256, toHex } from '../core/hash.ts';
import { formatInstant } from '../core/instants.ts';
import { type InputProblem, type Refusal, refuse } from '../core/refusal.ts';
import { allDatasets, type DataMap, type Dataset, type DatasetId, findDataset, type TableDataset } from './data-map.ts';
import { orList, suggestion } from './did-you-mean.ts';

/**
 * What a hold covers, as it was written by whoever places it (docs: the body of `POST /holds`). It is text from
 * outside: `checkScope` makes a `HoldScope` of it.
 */
export const holdScopeSchema = z
  .strictObject({
    subjects: z
      .array(z.strictObject({ kind: textOf(63), value: textOf(1000) }))
      .max(1000)
      .optional()
      .meta({
        description: 'People, by an identifier of theirs.',
        examples: [[{ kind: 'email', value: 'ada@example.com' }]],
      }),
    keys: z
      .record(
        textOf(200),
        z
          .array(
            z
              .record(textOf(200), z.union([textOf(1000), z.int()]))
              // A row of no columns would mean every record there is.
              .refine((row) => Object.keys(row).length > 0, 'Name at least one column and its value.'),
          )
          .min(1, 'Give at least one key, or leave the dataset out.')
          .max(10_000),
      )
      .optional()
      .meta({
        description: 'Records, and what links to them, by their columns.',
        examples: [{ 'app.messages': [{ conversation_id: '41' }] }],
      }),
    datasets: z
      .array(textOf(200))
      .max(1000)
      .optional()
      .meta({
        description: 'Only these datasets; alone, all of what they hold.',
        examples: [['app.messages', 'app.attachments']],
      }),
    from: textOf(40)
      .optional()
      .meta({ description: 'First instant or day, included.', examples: ['2026-01-01', '2026-01-01T00:00:00Z'] }),
    to: textOf(40)
      .optional()
      .meta({ description: 'Last instant or day, included.', examples: ['2026-03-31', '2026-04-01T00:00:00Z'] }),
  })
  .meta({ description: 'What a hold or an export covers.' });

export type WrittenHoldScope = z.output<typeof holdScopeSchema>;

/**
 * What a hold covers, checked against the data map.
 * - subjects and keys select records (either of them is enough); with neither, every record of `datasets` is meant,
 *   and with no datasets either, every record there is within the range;
 * - `datasets` narrows it; empty: all of them;
 * - `from` and `to` narrow it by the dataset's time column, both ends included (`to` to the end of its millisecond),
 *   RFC 3339 in UTC. A dataset without a time column is not narrowed: what cannot be dated is held.
 */
export interface HoldScope {
  readonly subjects: readonly { readonly kind: string; readonly value: string }[];
  readonly keys: Readonly<Record<DatasetId, readonly Readonly<Record<string, string>>[]>>;
  readonly datasets: readonly DatasetId[];
  readonly from: string | null;
  readonly to: string | null;
}

/** Text that a database takes: not empty, no NUL or other control characters, no half surrogates. */
function textOf(max: number) {
  return z
    .string()
    .min(1)
    .max(max)
    .refine(
      (text) => text.isWellFormed() && !/\p{Cc}/u.test(text),
      'Control characters and half characters cannot be searched for. Remove them.',
    );
}

/** Whether a scope names nothing at all. Such a hold would cover every record there is, so it is never placed. */
export function isEmptyScope(scope: HoldScope): boolean {
  return (
    scope.subjects.length === 0 &&
    Object.keys(scope.keys).length === 0 &&
    scope.datasets.length === 0 &&
    scope.from === null &&
    scope.to === null
  );
}

/**
 * Check a scope against the data map and put it into one form: sorted, without repetition, numbers as text, days as
 * instants of `zone` (the whole of the last day is included).
 * At the edges a hold takes in rather more, and a disclosure nothing that was not asked for: the midnight that ends the
 * last day is in a hold's range and not in an export's.
 * Refused with every wrong place at once (`errors`, pointers into the scope): an empty scope, a dataset, column or kind
 * of identifier the map does not know, a range that ends before it begins, times that are none.
 * @param zone IANA name of the zone in which days are meant, such as the organization's
 */
export function checkScope(
  map: DataMap,
  written: WrittenHoldScope,
  zone: string,
  purpose: 'hold' | 'disclosure',
): HoldScope | Refusal {
  const errors: InputProblem[] = [];
  const ids = allDatasets(map).map(({ id }) => id);
  const report = (path: readonly (string | number)[], code: string, detail: string) =>
    errors.push({
      pointer: path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
      code,
      detail,
    });
  const known = (id: string, path: readonly (string | number)[]): Dataset | undefined => {
    const dataset = findDataset(map, id);
    if (!dataset)
      report(
        path,
        'dataset_unknown',
        `There is no dataset "${id}".${suggestion(id, ids) || ` Name one of ${orList(ids)}.`}`,
      );
    return dataset;
  };

  const datasets = [...new Set(written.datasets ?? [])].sort();
  for (const [index, id] of (written.datasets ?? []).entries()) known(id, ['datasets', index]);
  checkSubjects(map, written, datasets, report);
  const keys = Object.fromEntries(
    Object.entries(written.keys ?? {})
      .toSorted(([a], [b]) => compareText(a, b))
      .map(([id, rows]) => {
        const dataset = known(id, ['keys', id]);
        if (dataset) checkRows(dataset, rows, ['keys', id], report);
        return [id, sortedRows(rows)];
      }),
  );
  const from = edgeOf(written.from, zone, 'from', purpose, report);
  const to = edgeOf(written.to, zone, 'to', purpose, report);
  if (from !== null && to !== null && Temporal.Instant.compare(from, to) > 0)
    report(
      ['to'],
      'range_reversed',
      `The range ends (${written.to}) before it begins (${written.from}). Exchange the two.`,
    );

  const scope: HoldScope = {
    subjects: sortedSubjects(written.subjects ?? []),
    keys,
    datasets,
    from: from === null ? null : formatInstant(from),
    to: to === null ? null : formatInstant(to),
  };
  if (errors.length === 0 && isEmptyScope(scope))
    report([], 'scope_empty', 'The scope names nothing. Name subjects, keys, datasets or a range of time.');
  if (errors.length === 0) return scope;
  const code = errors.every((error) => error.code === 'dataset_unknown') ? 'dataset_unknown' : 'invalid';
  const detail =
    errors.length === 1
      ? (errors[0]?.detail ?? '')
      : `The scope has ${errors.length} wrong places; nothing was changed.`;
  return refuse(code, detail, {}, errors);
}

/**
 * A digest that names a scope in the ledger without telling it: HMAC-SHA-256 of its canonical JSON, 64 hex digits. It is
 * keyed because a scope names people, and a plain hash of an address can be found by trying addresses (I5).
 * @param key the case's own key; the digest can be shown to belong to a scope only while it is kept
 */
export function scopeDigest(scope: HoldScope, key: Uint8Array): string {
  const value: Json = {
    subjects: scope.subjects.map(({ kind, value }) => ({ kind, value })),
    keys: scope.keys,
    datasets: scope.datasets,
    from: scope.from,
    to: scope.to,
  };
  return toHex(hmacSha256(key, canonicalJson(value)));
}

type Report = (path: readonly (string | number)[], code: string, detail: string) => void;

function checkSubjects(map: DataMap, written: WrittenHoldScope, datasets: readonly DatasetId[], report: Report): void {
  const all = allDatasets(map);
  const kinds = [
    ...new Set(all.flatMap((dataset) => (dataset.kind === 'table' ? Object.keys(dataset.identifiers) : []))),
  ].sort();
  // Files are searched for the value itself, whatever it is called; only tables need to know the kind.
  const meant = datasets.length > 0 ? datasets : all.map(({ id }) => id);
  const filesOnly = meant.every((id) => findDataset(map, id)?.kind !== 'table');
  if (filesOnly) return;
  for (const [index, { kind }] of (written.subjects ?? []).entries())
    if (!kinds.includes(kind))
      report(
        ['subjects', index, 'kind'],
        'identifier_unknown',
        kinds.length === 0
          ? 'No dataset has identifiers, so nobody can be found. Add identifiers to sources.yaml, or hold by key.'
          : `No dataset has an identifier "${kind}".${suggestion(kind, kinds) || ` Write ${orList(kinds)}.`}`,
      );
}

function checkRows(
  dataset: Dataset,
  rows: readonly Readonly<Record<string, unknown>>[],
  path: readonly (string | number)[],
  report: Report,
): void {
  if (dataset.kind !== 'table')
    report(
      path,
      'dataset_is_files',
      `${dataset.id} are files and have no columns. Hold them by datasets and a range of time.`,
    );
  else for (const [index, row] of rows.entries()) checkColumns(dataset, Object.keys(row), [...path, index], report);
}

function checkColumns(
  dataset: TableDataset,
  columns: readonly string[],
  path: readonly (string | number)[],
  report: Report,
): void {
  const mapped = [
    ...new Set([
      ...dataset.key,
      ...dataset.links.flatMap((link) => link.columns),
      ...Object.values(dataset.identifiers),
      ...Object.keys(dataset.fields),
      ...(dataset.time === null ? [] : [dataset.time]),
      ...(dataset.file === null ? [] : [dataset.file.column]),
    ]),
  ];
  for (const column of columns)
    if (!mapped.includes(column))
      report(
        [...path, column],
        'column_unknown',
        `The data map knows no column "${column}" of ${dataset.id}.${suggestion(column, mapped) || ` Name one of ${orList(mapped)}, or add it to the fields of ${dataset.id} in sources.yaml.`}`,
      );
}

/** An edge of the range. A hold errs on the side of keeping, a disclosure on the side of withholding. */
function edgeOf(
  text: string | undefined,
  zone: string,
  edge: 'from' | 'to',
  purpose: 'hold' | 'disclosure',
  report: Report,
): Temporal.Instant | null {
  if (text === undefined) return null;
  const wide = purpose === 'hold';
  // Four digits, first 1 to 8: what Temporal and every database read alike.
  try {
    if (/^[1-8]\d{3}-\d{2}-\d{2}$/.test(text)) {
      const day = Temporal.PlainDate.from(text);
      if (edge === 'from') return day.toZonedDateTime(zone).toInstant();
      const end = day.add({ days: 1 }).toZonedDateTime(zone).toInstant();
      return wide ? end : end.subtract({ milliseconds: 1 });
    }
    if (/^[1-8]\d{3}-\d{2}-\d{2}T/i.test(text)) {
      const roundingMode = (edge === 'from') === wide ? 'floor' : 'ceil';
      return Temporal.Instant.from(text).round({ smallestUnit: 'millisecond', roundingMode });
    }
  } catch {
    // Not a day or an instant of the calendar: said below, in the same words.
  }
  report(
    [edge],
    'time_invalid',
    `"${text}" is neither a day nor an instant. Write 2026-03-31, or RFC 3339 with an offset, such as 2026-03-31T09:30:00Z.`,
  );
  return null;
}

function sortedSubjects(subjects: readonly { kind: string; value: string }[]): HoldScope['subjects'] {
  const byText = new Map(subjects.map(({ kind, value }) => [canonicalJson([kind, value]), { kind, value }]));
  return [...byText].toSorted(([a], [b]) => compareText(a, b)).map(([, subject]) => subject);
}

function sortedRows(
  rows: readonly Readonly<Record<string, string | number>>[],
): readonly Readonly<Record<string, string>>[] {
  const byText = new Map(
    rows.map((row) => {
      const text = Object.fromEntries(Object.entries(row).map(([column, value]) => [column, String(value)]));
      return [canonicalJson(text), text];
    }),
  );
  return [...byText].toSorted(([a], [b]) => compareText(a, b)).map(([, row]) => row);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
