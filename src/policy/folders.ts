import { z } from 'zod';
import type { FolderDataset, LineUnit, Source } from './data-map.ts';
import { compileTimePattern } from './line-time.ts';
import type { PolicyPath } from './yaml.ts';
import { zoneSchema } from './zone.ts';

/** What a source or a dataset is called. */
export const nameSchema = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_-]*$/,
    'Write letters, digits, - and _, a letter first: dots are kept for source.dataset.',
  )
  .max(63);

/** Notes what is wrong at a place of the file; `key`: the key is meant, not its value. */
export type Report = (path: PolicyPath, code: string, detail: string, at?: 'key') => void;

const formats = ['common', 'combined', 'rfc5424', 'rfc3164', 'json', 'pattern'] as const;

const folderDatasetSchema = z
  .strictObject({
    folder: z
      .string()
      .min(1)
      .meta({ description: 'Folder beneath the root; . for the root itself.', examples: ['access'] }),
    match: z
      .string()
      .min(1)
      .meta({ description: 'Which files: * and one {date}.', examples: ['access-{date}.log'] }),
    unit: z
      .enum(['file', 'line', 'backup'])
      .default('file')
      .describe(
        'What goes: a whole file; line by line what is due in rotated logs; or a backup, a file or a folder, but never the newest good one.',
      ),
    time: z
      .enum(['name', 'line'])
      .optional()
      .describe("Where a whole file's time comes from: the date in its name (the usual), or its newest line."),
    keepLast: z
      .int()
      .min(0)
      .max(10_000)
      .default(0)
      .describe('Never fewer than this many of the newest remain; of backups, of the good ones.'),
    format: z
      .enum(formats)
      .optional()
      .meta({
        description:
          'With unit: line, how a line says when it was written. common and combined: access logs; rfc5424: syslog with a year; rfc3164: syslog without one; json: one object a line; pattern: as pattern says.',
        examples: ['combined'],
      }),
    timeField: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({
        description: 'With format: json, the field that says when: ISO 8601, or a number since 1970. Dots lead inside.',
        examples: ['time'],
      }),
    pattern: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({
        description: 'With format: pattern, how a line begins, in the directives of strptime; * stands for any text.',
        examples: ['%Y-%m-%d %H:%M:%S'],
      }),
    zone: zoneSchema.optional().describe('With unit: line, what times without an offset mean; UTC when left out.'),
    restMinutes: z
      .int()
      .min(1)
      .max(100_000)
      .optional()
      .describe('With unit: line, a file written to within so many minutes is left for another run; 10 when left out.'),
    continuation: z
      .boolean()
      .optional()
      .describe(
        'With unit: line, whether a line without a time belongs to the line before it, as a stack trace does (the usual for syslog and pattern); otherwise it stays and is reported.',
      ),
    current: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .meta({
        description:
          'With unit: line, the file being written, which is never touched: newest, a name, or none of those that match names (the usual with a {date}).',
        examples: ['newest', 'access.log'],
      }),
  })
  .meta({ description: 'Files of one folder.' });

export const filesSchema = z
  .strictObject({
    kind: z.literal('files'),
    root: z
      .string()
      .min(1)
      .meta({ description: 'The folder everything of this source is beneath.', examples: [`\${LOGS_ROOT}`] }),
    datasets: z.record(nameSchema, folderDatasetSchema).describe('Name -> folder.'),
  })
  .meta({ description: 'Folders of files: rotated logs, backups.' });

type FolderFile = z.output<typeof folderDatasetSchema>;

/** Turn a source of folders into its part of the data map, and report what is wrong in it. */
export function filesSource(
  name: string,
  file: z.output<typeof filesSchema>,
  path: PolicyPath,
  report: Report,
): Source {
  const datasets = Object.entries(file.datasets).map(([dataset, entry]): FolderDataset => {
    const at = [...path, 'datasets', dataset];
    const { folder, match, keepLast } = entry;
    checkPlace(entry, at, report);
    const shared = { kind: 'folder', id: `${name}.${dataset}`, source: name, name: dataset, folder, match } as const;
    if (entry.unit === 'line') return { ...shared, time: 'line', keepLast: 0, lines: lineUnit(entry, at, report) };
    for (const key of lineKeys)
      if (entry[key] !== undefined)
        report(
          [...at, key],
          'unit_missing',
          `${key} belongs to unit: line, and here whole files go. Write unit: line, or remove ${key}.`,
          'key',
        );
    if (entry.unit === 'backup' && entry.time === 'line')
      report([...at, 'time'], 'time_unused', 'A backup goes by the date in its name. Remove time.', 'key');
    const backups = entry.unit === 'backup' ? ({ backups: true } as const) : {};
    return { ...shared, time: entry.time ?? 'name', keepLast, ...backups };
  });
  const places = new Map<string, string>();
  for (const { folder, match, name: dataset } of datasets) {
    const place = `${folder}/${match}`;
    const other = places.get(place);
    if (other !== undefined)
      report(
        [...path, 'datasets', dataset, 'match'],
        'folder_twice',
        `These files are already the dataset ${other}. Map them once.`,
      );
    else places.set(place, dataset);
  }
  return { kind: 'files', name, root: file.root, datasets };
}

function checkPlace(entry: FolderFile, at: PolicyPath, report: Report): void {
  if (/^([/\\]|[A-Za-z]:)/.test(entry.folder) || entry.folder.split(/[/\\]/).includes('..'))
    report(
      [...at, 'folder'],
      'folder_outside',
      `"${entry.folder}" leads out of the source's root. Write a folder beneath it, such as access.`,
    );
  if (/[/\\]/.test(entry.match))
    report(
      [...at, 'match'],
      'match_invalid',
      'A pattern names files of one folder, so it has no slash. Put the folder into folder.',
    );
  const dates = entry.match.split('{date}').length - 1;
  const other = /\{(?!date\})[^}]*\}?|\?|\[/.exec(entry.match)?.[0];
  const needsDate = entry.unit !== 'line' && entry.time !== 'line';
  if (other !== undefined)
    report(
      [...at, 'match'],
      'match_invalid',
      `"${other}" is not known in a pattern. Write * for any text and {date} for the date, such as access-{date}.log.`,
    );
  else if (dates > 1 || (dates === 0 && needsDate))
    report(
      [...at, 'match'],
      'match_invalid',
      dates > 1
        ? 'A pattern has one {date}. Write * for the other.'
        : 'With time: name the pattern needs one {date}. Write it where the date stands, such as access-{date}.log, or write time: line.',
    );
}

const lineKeys = ['format', 'timeField', 'pattern', 'zone', 'restMinutes', 'continuation', 'current'] as const;

/** What only one format asks for. */
const keyOfFormat = { json: 'timeField', pattern: 'pattern' } as const;

function lineUnit(entry: FolderFile, at: PolicyPath, report: Report): LineUnit {
  const { format } = entry;
  if (format === undefined)
    report(
      [...at, 'unit'],
      'format_missing',
      `With unit: line a line has to say when it was written. Add format: ${formats.join(', ')}.`,
    );
  if (entry.time !== undefined)
    report(
      [...at, 'time'],
      'time_unused',
      'With unit: line every line goes by the time written in it. Remove time.',
      'key',
    );
  if (entry.keepLast > 0)
    report(
      [...at, 'keepLast'],
      'keep_last_unused',
      'keepLast counts whole files, and with unit: line lines go. Remove keepLast, or write unit: file.',
      'key',
    );
  for (const [needing, key] of Object.entries(keyOfFormat)) {
    if (format === needing && entry[key] === undefined)
      report(
        [...at, 'format'],
        'format_incomplete',
        key === 'timeField'
          ? 'With format: json a field says when. Add timeField, such as timeField: time.'
          : 'With format: pattern a pattern says how a line begins. Add pattern, such as "%Y-%m-%d %H:%M:%S".',
      );
    if (format !== needing && entry[key] !== undefined)
      report(
        [...at, key],
        'format_other',
        `${key} belongs to format: ${needing}. Write that, or remove ${key}.`,
        'key',
      );
  }
  if (entry.current !== undefined && /[/\\]/.test(entry.current))
    report(
      [...at, 'current'],
      'match_invalid',
      'current names a file of the folder, so it has no slash. Write newest, none, or a name such as access.log.',
    );
  const wrong = entry.pattern === undefined ? null : compileTimePattern(entry.pattern);
  if (typeof wrong === 'string') report([...at, 'pattern'], 'pattern_invalid', wrong);
  return {
    format: format ?? 'common',
    timeField: entry.timeField ?? null,
    pattern: entry.pattern ?? null,
    zone: entry.zone ?? 'UTC',
    restMinutes: entry.restMinutes ?? 10,
    continuation: entry.continuation ?? ['rfc5424', 'rfc3164', 'pattern'].includes(format ?? ''),
    current: currentFile(entry),
  };
}

function currentFile({ current, match }: FolderFile): LineUnit['current'] {
  const written = current ?? (match.includes('{date}') ? 'none' : 'newest');
  return written === 'none' || written === 'newest' ? { kind: written } : { kind: 'name', name: written };
}
