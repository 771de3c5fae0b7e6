import { z } from 'zod';
import { maskStrategies } from './data-map.ts';
import { filesSchema, nameSchema } from './folders.ts';
import { resticSchema } from './restic.ts';

const kindSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_.-]*$/, 'Write it in small letters, such as email.')
  .max(63);
const columnSchema = z
  .string()
  .min(1)
  .max(200)
  .meta({ description: 'A column, as the database stores its name.', examples: ['id'] });
const columnsSchema = z
  .union([columnSchema, z.array(columnSchema).min(1)], {
    error: 'Write one column or a list of columns, such as [id].',
  })
  .meta({ description: 'One column, or several: a list, or one text with commas.', examples: [['id']] });

const linkSchema = z
  .strictObject({
    to: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)], {
        error: 'Write dataset.column, such as users.id.',
      })
      .meta({
        description: 'dataset.column of the same source; for several columns dataset.a,b.',
        examples: ['users.id'],
      }),
    owner: z.boolean().default(false).describe("This row is that person's: shown to them and destroyed with them."),
    member: z
      .boolean()
      .default(false)
      .describe(
        'Whoever owns this row takes part in what it links to: held and perhaps given with them, never erased with them.',
      ),
    owns: z
      .boolean()
      .default(false)
      .describe("What this row links to is its owner's: destroyed with them unless somebody else's row points at it."),
  })
  .meta({ description: 'How rows reach another dataset.', examples: [{ to: 'users.id', owner: true }] });

const fieldSchema = z
  .strictObject({
    category: kindSchema.meta({ description: 'What kind of data this is.', examples: ['communication.content'] }),
    text: z.boolean().default(false).describe('Free text: searched for identifiers, shown in exports.'),
    mask: z
      .enum(maskStrategies)
      .or(z.null())
      .optional()
      .describe(
        'What replaces the value where the row is masked and stays: null empties it, fixed writes a mark, pseudonym an HMAC of it, month and year cut a time, redact blackens a text.',
      ),
  })
  .meta({ description: 'What a column holds.', examples: [{ category: 'communication.content', text: true }] });

const tableDatasetSchema = z
  .strictObject({
    table: z
      .string()
      .min(1)
      .meta({ description: 'schema.table, names as stored; quote a name that has a dot.', examples: ['public.users'] }),
    key: columnsSchema.describe('The columns that name one row.'),
    time: columnSchema.optional().describe('What the retention window counts from.'),
    identifiers: z.record(kindSchema, columnSchema).default({}).describe('Kind of identifier -> column that holds it.'),
    links: z
      .record(
        z.string().min(1),
        z.union([linkSchema, z.array(linkSchema).min(1)], {
          error: 'Write what it links to, such as { to: users.id }.',
        }),
      )
      .default({})
      .describe('Column (or "a,b") -> what it links to, with or without a foreign key.'),
    fields: z.record(z.string().min(1), fieldSchema).default({}).describe('Column -> what it holds.'),
    onDispose: z
      .record(nameSchema, z.enum(['cascade', 'restrict', 'unlink']))
      .default({})
      .describe('Dataset whose rows link here -> what becomes of them when a row here is destroyed.'),
    erase: z
      .enum(['destroy', 'mask', 'keep'])
      .default('destroy')
      .describe("What an owner's erasure does to their rows here."),
    eraseGround: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]*$/, "Write the ground's code in capitals, such as LEGAL_CLAIMS.")
      .optional()
      .describe('Why rows stay: needed with erase: mask or keep.'),
    file: z
      .strictObject({ column: columnSchema, root: z.string().min(1) })
      .optional()
      .describe('A column that names a file beneath root; the file goes with its row.'),
  })
  .meta({ description: 'Rows of one table.' });

const postgresSchema = z
  .strictObject({
    kind: z.literal('postgres'),
    url: z
      .string()
      .min(1)
      .meta({
        description: 'Where the database is; a password comes from the environment.',
        examples: [`\${APP_DATABASE_URL}`],
      }),
    datasets: z.record(nameSchema, tableDatasetSchema).describe('Name -> table.'),
    exempt: z
      .record(z.string().min(1), z.string().min(1))
      .default({})
      .describe('schema.table -> why it is not in the data map.'),
    enforceHolds: z
      .enum(['trigger', 'none'])
      .default('none')
      .describe('trigger: the source itself refuses to delete a held row.'),
  })
  .meta({ description: 'A PostgreSQL database.' });

const sqliteDatasetSchema = tableDatasetSchema
  .extend({
    table: z
      .string()
      .min(1)
      .meta({ description: 'The table, its name as stored.', examples: ['users'] }),
    timeAs: z
      .enum(['text', 'seconds', 'milliseconds'])
      .optional()
      .describe(
        'How time is written: text (ISO 8601, UTC where it names no zone; the usual), or a number of seconds or milliseconds since 1970.',
      ),
  })
  .meta({ description: 'Rows of one table.' });

const sqliteSchema = z
  .strictObject({
    kind: z.literal('sqlite'),
    path: z
      .string()
      .min(1)
      .meta({
        description:
          'The database file: a path, or a file: URI, with ?mode=ro for one that may be read and nothing else.',
        examples: [`\${APP_DATABASE}`],
      }),
    datasets: z.record(nameSchema, sqliteDatasetSchema).describe('Name -> table.'),
    exempt: z
      .record(z.string().min(1), z.string().min(1))
      .default({})
      .describe('table -> why it is not in the data map.'),
  })
  .meta({ description: 'A SQLite database file.' });

const laterKinds = ['mariadb', 's3'];

/** `sources.yaml`: every system where records live, and what in it is whose. */
export const sourcesSchema = z
  .strictObject({
    sources: z.record(
      nameSchema,
      z.discriminatedUnion('kind', [postgresSchema, sqliteSchema, filesSchema, resticSchema], {
        error: (issue) => {
          const input: unknown = issue.input;
          const kind = typeof input === 'object' && input !== null && 'kind' in input ? String(input.kind) : '';
          return laterKinds.includes(kind)
            ? `Sources of kind ${kind} are not supported yet. Write postgres, sqlite, files or restic.`
            : `Write postgres, sqlite, files or restic.`;
        },
      }),
    ),
  })
  .meta({ title: 'Muniment: sources', description: 'The data map: where records live and whose they are.' });

export type SourcesFile = z.output<typeof sourcesSchema>;
export type PostgresFile = z.output<typeof postgresSchema>;
export type SqliteFile = z.output<typeof sqliteSchema>;
export type LinkFile = z.output<typeof linkSchema>;
export type TableFile = z.output<typeof tableDatasetSchema> & Pick<z.output<typeof sqliteDatasetSchema>, 'timeAs'>;
