import { z } from 'zod';
import type { ResticSource } from './data-map.ts';
import { nameSchema, type Report } from './folders.ts';
import type { PolicyPath } from './yaml.ts';

const snapshotsSchema = z
  .strictObject({
    host: z.string().min(1).optional().describe('Only snapshots of this host.'),
    tags: z
      .array(z.string().min(1))
      .default([])
      .meta({ description: 'Only snapshots with all of these tags.', examples: [['app']] }),
    paths: z
      .array(z.string().min(1))
      .default([])
      .meta({ description: 'Only snapshots of all of these paths.', examples: [['/var/lib/app']] }),
    keepLast: z
      .int()
      .min(0)
      .max(10_000)
      .default(0)
      .describe('Never fewer than this many of the newest good snapshots remain; one always does.'),
  })
  .meta({ description: 'Snapshots of a restic repository.' });

export const resticSchema = z
  .strictObject({
    kind: z.literal('restic'),
    repository: z
      .string()
      .min(1)
      .meta({
        description:
          'Where the repository is, as restic --repo takes it. What a store asks for comes from the environment.',
        examples: [`\${RESTIC_REPOSITORY}`],
      }),
    passwordFile: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'A file with its password.', examples: ['/etc/muniment/restic-password'] }),
    password: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Its password, from the environment.', examples: [`\${RESTIC_PASSWORD}`] }),
    datasets: z.record(nameSchema, snapshotsSchema).describe('Name -> which snapshots.'),
  })
  .meta({ description: 'A restic repository.' });

/** Turn a repository into its part of the data map, and report what is wrong in it. */
export function resticSource(
  name: string,
  file: z.output<typeof resticSchema>,
  path: PolicyPath,
  report: Report,
): ResticSource {
  const { repository, password, passwordFile, datasets } = file;
  if ((password === undefined) === (passwordFile === undefined))
    report(
      path,
      'password_one',
      'A repository has one password. Write passwordFile: PATH, or password with a variable.',
    );
  const places = new Map<string, string>();
  return {
    kind: 'restic',
    name,
    repository,
    password: passwordFile === undefined ? { text: password ?? '' } : { file: passwordFile },
    datasets: Object.entries(datasets).map(([dataset, { host = null, tags, paths, keepLast }]) => {
      const place = JSON.stringify([host, tags.toSorted(), paths.toSorted()]);
      const other = places.get(place);
      if (other !== undefined)
        report(
          [...path, 'datasets', dataset],
          'folder_twice',
          `These snapshots are already the dataset ${other}. Map them once.`,
        );
      else places.set(place, dataset);
      return { kind: 'snapshots', id: `${name}.${dataset}`, source: name, name: dataset, host, tags, paths, keepLast };
    }),
  };
}
