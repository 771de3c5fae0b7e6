/**
 * demo/ promises Kinfolk, a co-parenting application that never existed: a database, attachments, logs and backups made
 * from a seed, the same for the same seed and day, believable enough to be the first thing a newcomer sees. Nobody in
 * it is real. Nothing here may touch a database that isn't empty or isn't Kinfolk's own.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import postgres from 'postgres';
import { sha256Stream } from '../core/hash.ts';
import { type Access, logAccesses } from './access-log.ts';
import { mediaTypeOf, renderEnclosure } from './attachments.ts';
import { type FamilyRecord, type FamilySpan, type Message, writeFamily } from './family.ts';
import { writeBackups, writeDated, writeLogs } from './folders.ts';
import { createPopulation, type Household, type Person, type Population } from './people.ts';
import { createRandom } from './random.ts';
import { countedTables, createIndexes, createTables, type TableName, tableColumns, tableNames } from './schema.ts';

export interface KinfolkOrder {
  /** An empty database, or the one made before. */
  readonly databaseUrl: string;
  /** Its files go to `attachments`, `logs/access` and `backups/daily` beneath it. Made if absent. */
  readonly filesFolder: string;
  /** Everything is dated before this day (UTC). */
  readonly today: Temporal.PlainDate;
  readonly seed: string;
  /** 250 if absent; five at least, the written ones. */
  readonly families?: number;
  /** 60,000 if absent; 100 a family at least. */
  readonly messages?: number;
  readonly onProgress?: (progress: KinfolkProgress) => void;
}

/** How far the generation is: `done` of `of` in this step. */
interface KinfolkProgress {
  readonly step: 'conversations' | 'files' | 'tables' | 'indexes';
  readonly done: number;
  readonly of: number;
}

/** What was made, as the database remembers it. */
export interface Kinfolk {
  readonly version: number;
  readonly seed: string;
  readonly today: string;
  readonly rows: Readonly<Record<TableName, number>>;
  readonly files: number;
  /** SHA-256 over every row and every file: the same for the same seed, day and size. */
  readonly digest: string;
}

const version = 1;
const markerName = 'kinfolk.generation';
const markerFile = 'KINFOLK.txt';
const folders = ['attachments', 'logs', 'backups'] as const;
/** One key for everybody who would make Kinfolk in a database at once: "kinf" in ASCII. */
const lockKey = 0x6b696e66;

/**
 * Make Kinfolk unless it is there already. Rows and the marker that says they are complete commit in one transaction,
 * so that a start that died in the middle left an empty database behind; files it may have left are written anew.
 * @throws Error when the database holds somebody else's tables, or the folder somebody else's files
 */
export async function ensureKinfolk(
  order: KinfolkOrder,
): Promise<{ readonly made: boolean; readonly kinfolk: Kinfolk }> {
  return withConnection(order.databaseUrl, async (sql) =>
    sql.begin(async (transaction) => {
      await transaction`SELECT pg_advisory_xact_lock(${lockKey})`;
      const present = await readMarker(transaction);
      return present ? { made: false, kinfolk: present } : { made: true, kinfolk: await make(transaction, order) };
    }),
  );
}

/**
 * Make Kinfolk in an empty database.
 * @throws Error when the database isn't empty, Kinfolk's own included
 */
export async function createKinfolk(order: KinfolkOrder): Promise<Kinfolk> {
  return withConnection(order.databaseUrl, async (sql) =>
    sql.begin(async (transaction) => {
      await transaction`SELECT pg_advisory_xact_lock(${lockKey})`;
      return make(transaction, order);
    }),
  );
}

async function withConnection<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, {
    max: 1,
    onnotice: () => {},
    connection: { application_name: 'kinfolk', TimeZone: 'UTC' },
  });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function readMarker(sql: postgres.TransactionSql): Promise<Kinfolk | null> {
  const [found] = await sql<{ there: boolean }[]>`SELECT to_regclass('public.settings') IS NOT NULL AS there`;
  if (!found?.there) return null;
  const [row] = await sql<{ value: Kinfolk }[]>`SELECT value FROM public.settings WHERE name = ${markerName}`;
  return row?.value ?? null;
}

async function make(sql: postgres.TransactionSql, order: KinfolkOrder): Promise<Kinfolk> {
  const { seed, today, filesFolder, families = 250, messages = 60_000, onProgress = () => {} } = order;
  await refuseForeignTables(sql);
  clearFolder(filesFolder);
  const digest = sha256Stream();
  let files = 0;
  const onFile = (path: string, sha256: string) => {
    files += 1;
    digest.update(Buffer.from(`${path}\t${sha256}\n`));
  };

  const population = createPopulation(seed, today, families);
  const records = await writeFamilies(population.households, order, messages);
  const sent = numberMessages(records);
  const accesses = accessesOf(records, seed, today);

  onProgress({ step: 'files', done: 0, of: 3 });
  const attachments = writeAttachments(filesFolder, seed, sent, onFile);
  onProgress({ step: 'files', done: 1, of: 3 });
  writeLogs(filesFolder, today, accesses, onFile);
  onProgress({ step: 'files', done: 2, of: 3 });
  writeBackups(filesFolder, seed, today, (at) => countBefore(sent, at), onFile);
  onProgress({ step: 'files', done: 3, of: 3 });

  await sql.unsafe('SET LOCAL search_path TO public').simple();
  await sql.unsafe(createTables).simple();
  const rows = rowsOf(population, records, sent, attachments, accesses);
  const counts: Record<TableName, number> = { ...emptyCounts };
  for (const [i, table] of tableNames.entries()) {
    onProgress({ step: 'tables', done: i, of: tableNames.length });
    counts[table] = await load(sql, table, rows[table], (text) => digest.update(Buffer.from(text)));
  }
  onProgress({ step: 'indexes', done: 0, of: 1 });
  await sql.unsafe(createIndexes).simple();
  for (const table of countedTables)
    await sql
      .unsafe(`SELECT setval(pg_get_serial_sequence('${table}', 'id'), (SELECT max(id) FROM ${table}))`)
      .simple();
  const kinfolk: Kinfolk = {
    version,
    seed,
    today: today.toString(),
    rows: counts,
    files,
    digest: digest.digestHex(),
  };
  const value = JSON.stringify(kinfolk);
  await sql`INSERT INTO settings (name, value) VALUES (${markerName}, ${value}::text::jsonb)`;
  await sql
    .unsafe('ANALYZE families, users, conversations, participants, messages, attachments, reactions, access_log')
    .simple();
  onProgress({ step: 'indexes', done: 1, of: 1 });
  return kinfolk;
}

/** A table we did not make means that this is not our database, and then nothing in it is ours to touch. */
async function refuseForeignTables(sql: postgres.TransactionSql): Promise<void> {
  const tables = await sql<{ name: string }[]>`
    SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename LIMIT 3`;
  if (tables.length === 0) return;
  const seen = tables.map(({ name }) => name).join(', ');
  throw new Error(
    `Kinfolk needs a database of its own, and this one has tables already (${seen}). Give it an empty one.`,
  );
}

/** Empty what an unfinished start left, and nothing else: a folder that is not Kinfolk's is refused. */
function clearFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  if (readdirSync(folder).length > 0 && !existsSync(join(folder, markerFile)))
    throw new Error(`Kinfolk needs a folder of its own, and ${folder} has other files in it. Give it an empty one.`);
  writeFileSync(
    join(folder, markerFile),
    'Files of Kinfolk, the demonstration application. Everything here is invented and may be deleted.\n',
  );
  for (const name of folders) {
    rmSync(join(folder, name), { recursive: true, force: true });
    mkdirSync(join(folder, name), { recursive: true });
  }
}

/** Give every family its messages and let it write them, with a breath between so that others can run. */
async function writeFamilies(
  households: readonly Household[],
  { seed, today, onProgress = () => {} }: KinfolkOrder,
  messages: number,
): Promise<readonly FamilyRecord[]> {
  const quotas = shareOut(seed, messages, households);
  const records: FamilyRecord[] = [];
  let nextConversation = 1;
  for (const [i, household] of households.entries()) {
    const span = spanOf(seed, household.id, today);
    const record = writeFamily(seed, household, span, today, quotas[i] ?? 0, nextConversation);
    nextConversation += record.conversations.length;
    records.push(record);
    if (i % 10 === 9) {
      onProgress({ step: 'conversations', done: i + 1, of: households.length });
      await setImmediate();
    }
  }
  onProgress({ step: 'conversations', done: households.length, of: households.length });
  return records;
}

/** Some write a lot and some hardly at all; together exactly `messages`. The first family has a story to fit in. */
function shareOut(seed: string, messages: number, households: readonly Household[]): readonly number[] {
  const random = createRandom(`${seed}/quotas`);
  const first = Math.min(Math.max(160, Math.round(messages / 80)), messages);
  // Languages with fewer dialogues get families who write less, so that they need not repeat themselves.
  const weights = households
    .slice(1)
    .map(({ language }) => (0.3 + random.next() ** 2 * 1.8) * (language.code === 'en' ? 1 : 0.6));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let reached = 0;
  let given = 0;
  const quotas = weights.map((weight) => {
    reached += weight;
    const upTo = Math.round(((messages - first) * reached) / total);
    const quota = upTo - given;
    given = upTo;
    return quota;
  });
  return [first, ...quotas];
}

/**
 * Thirty-eight months for most; as many families joined later as left early, so that the months stay alike and about
 * one message in twenty is older than three years.
 */
function spanOf(seed: string, familyId: number, today: Temporal.PlainDate): FamilySpan {
  const random = createRandom(`${seed}/span/${familyId}`);
  const whole: FamilySpan = { from: today.subtract({ months: 38 }), to: today.subtract({ days: 1 }) };
  const kind = random.next();
  const months = random.whole(4, 34);
  if (familyId <= 5 || kind < 0.76) return whole;
  return kind < 0.88
    ? { from: whole.from, to: whole.from.add({ months }) }
    : { from: whole.to.subtract({ months }), to: whole.to };
}

/** Every message in the order of sending, numbered from 1. */
function numberMessages(records: readonly FamilyRecord[]): readonly Message[] {
  const sent = records
    .flatMap((record) => record.messages)
    .sort((a, b) => a.sentAt - b.sentAt || a.micros - b.micros || a.conversationId - b.conversationId);
  for (const [i, message] of sent.entries()) message.id = i + 1;
  return sent;
}

function accessesOf(records: readonly FamilyRecord[], seed: string, today: Temporal.PlainDate): readonly Access[] {
  const midnight = (date: Temporal.PlainDate) => date.toZonedDateTime('UTC').epochMilliseconds;
  const from = midnight(today.subtract({ months: 26 }));
  const thickFrom = midnight(today.subtract({ months: 18 }));
  return records
    .flatMap((record) => {
      const inOrder = [...record.messages].sort((a, b) => a.id - b.id);
      return logAccesses(seed, record.household, inOrder, from, thickFrom, midnight(today));
    })
    .sort((a, b) => a.at - b.at);
}

interface StoredAttachment {
  readonly message: Message;
  readonly fileName: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly storedPath: string;
}

function writeAttachments(
  folder: string,
  seed: string,
  sent: readonly Message[],
  onFile: (path: string, sha256: string) => void,
): readonly StoredAttachment[] {
  const made = new Set<string>();
  return sent.flatMap((message): StoredAttachment[] => {
    const { attachment } = message;
    if (!attachment) return [];
    const month = isoTime(message.sentAt).slice(0, 7).replace('-', '/');
    if (!made.has(month)) mkdirSync(join(folder, 'attachments', month), { recursive: true });
    made.add(month);
    const storedPath = `${month}/${message.id}-${attachment.fileName}`;
    const bytes = renderEnclosure(attachment, `${seed}/attachment/${message.id}`);
    const sha256 = writeDated(folder, `attachments/${storedPath}`, bytes, message.sentAt, onFile);
    const mediaType = mediaTypeOf(attachment.kind);
    return [{ message, fileName: attachment.fileName, mediaType, sizeBytes: bytes.length, sha256, storedPath }];
  });
}

/** How many messages were sent before an instant; `sent` is in order. */
function countBefore(sent: readonly Message[], at: number): number {
  const found = sent.findLastIndex((message) => message.sentAt < at);
  return found + 1;
}

type Cell = string | number | null;
const emptyCounts: Record<TableName, number> = {
  families: 0,
  users: 0,
  conversations: 0,
  participants: 0,
  messages: 0,
  attachments: 0,
  reactions: 0,
  calendar_entries: 0,
  expenses: 0,
  expense_shares: 0,
  access_log: 0,
};

function rowsOf(
  population: Population,
  records: readonly FamilyRecord[],
  sent: readonly Message[],
  attachments: readonly StoredAttachment[],
  accesses: readonly Access[],
): Readonly<Record<TableName, Iterable<readonly Cell[]>>> {
  const joined = new Map(records.map((record) => [record.household.id, record.createdAt]));
  const earliest = Math.min(...joined.values());
  const userRow = (person: Person): readonly Cell[] => [
    person.id,
    person.familyId,
    person.name,
    person.email,
    person.phone,
    person.role,
    // The tag without what it says about numerals and calendars.
    person.locale.replace(/-u-.*$/, ''),
    person.bornOn?.toString() ?? null,
    isoTime(person.familyId === null ? earliest - 86_400_000 : (joined.get(person.familyId) ?? earliest)),
  ];
  const people = [
    ...population.professionals,
    ...population.households.flatMap((household) => [...household.parents, ...household.children]),
  ].sort((a, b) => a.id - b.id);
  const conversations = records.flatMap((record) => record.conversations);
  const expenses = records
    .flatMap((record) => record.expenses)
    .sort((a, b) => a.createdAt - b.createdAt || a.familyId - b.familyId)
    .map((expense, i) => ({ ...expense, id: i + 1 }));
  const calendar = records
    .flatMap((record) => record.calendar)
    .sort((a, b) => a.createdAt - b.createdAt || a.familyId - b.familyId);

  return {
    families: records.map(({ household, createdAt }) => [
      household.id,
      household.name,
      household.home.jurisdiction,
      household.home.timeZone,
      isoTime(createdAt),
    ]),
    users: people.map(userRow),
    conversations: conversations.map(({ id, familyId, subject, createdAt }) => [
      id,
      familyId,
      subject,
      isoTime(createdAt),
    ]),
    participants: conversations.flatMap(({ id, members, createdAt }) =>
      members.map((member): readonly Cell[] => [id, member.id, isoTime(createdAt)]),
    ),
    messages: sent.map((message) => [
      message.id,
      message.conversationId,
      message.sender.id,
      isoTime(message.sentAt, message.micros),
      message.body,
      message.editedAt === null ? null : isoTime(message.editedAt, message.micros),
      message.replyTo?.id ?? null,
    ]),
    attachments: attachments.map((stored, i) => [
      i + 1,
      stored.message.id,
      stored.fileName,
      stored.mediaType,
      stored.sizeBytes,
      stored.sha256,
      stored.storedPath,
    ]),
    reactions: sent.flatMap((message) =>
      message.reactions.map(({ person, emoji, at }): readonly Cell[] => [message.id, person.id, emoji, isoTime(at)]),
    ),
    calendar_entries: calendar.map((entry, i) => [
      i + 1,
      entry.familyId,
      entry.createdBy.id,
      entry.title,
      isoTime(entry.startsAt),
      isoTime(entry.endsAt),
      isoTime(entry.createdAt),
    ]),
    expenses: expenses.map((expense) => [
      expense.id,
      expense.familyId,
      expense.paidBy.id,
      expense.spentOn.toString(),
      expense.category,
      expense.description,
      decimal(expense.amountCents),
      expense.currency,
      isoTime(expense.createdAt),
    ]),
    expense_shares: expenses.flatMap((expense): readonly (readonly Cell[])[] => [
      [expense.id, expense.paidBy.id, decimal(expense.amountCents / 2), isoTime(expense.createdAt)],
      [
        expense.id,
        expense.sharedWith.id,
        decimal(expense.amountCents / 2),
        expense.settledAt === null ? null : isoTime(expense.settledAt),
      ],
    ]),
    access_log: accesses.map((access, i) => [
      i + 1,
      access.person?.id ?? null,
      isoTime(access.at),
      access.address,
      access.userAgent,
      access.action,
    ]),
  };
}

function decimal(cents: number): string {
  return (cents / 100).toFixed(2);
}

function isoTime(at: number, micros = 0): string {
  const text = Temporal.Instant.fromEpochMilliseconds(at).toString({ smallestUnit: 'millisecond' });
  return micros === 0 ? text : `${text.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

/** COPY the rows in, in pieces of about a quarter of a megabyte. @returns how many rows */
async function load(
  sql: postgres.TransactionSql,
  table: TableName,
  rows: Iterable<readonly Cell[]>,
  onText: (text: string) => void,
): Promise<number> {
  let count = 0;
  function* pieces(): Generator<string> {
    let piece = '';
    for (const row of rows) {
      piece += `${row.map(copyCell).join('\t')}\n`;
      count += 1;
      if (piece.length < 262_144) continue;
      onText(piece);
      yield piece;
      piece = '';
    }
    onText(piece);
    if (piece) yield piece;
  }
  const target = await sql.unsafe(`COPY ${table} (${tableColumns[table]}) FROM STDIN`).writable();
  await pipeline(Readable.from(pieces()), target);
  return count;
}

/** A value in COPY's text format: tab, line ends and backslashes escaped, null as \N. */
function copyCell(cell: Cell): string {
  if (cell === null) return '\\N';
  if (typeof cell === 'number') return String(cell);
  return cell.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}
