import { keyCommitment } from '../../disposition/batch.ts';
import type { Link, TableDataset } from '../../policy/data-map.ts';
import { typeOf } from '../sql/dialect.ts';
import { childLinks } from '../sql/links.ts';
import type { SqliteShape } from './connection.ts';
import { maskingList } from './mask.ts';
import { type Parameters, SqliteError } from './session.ts';
import type { RemoteSession } from './sessions.ts';
import { comparablePair, literal, name, table, text } from './words.ts';

/** What a batch did: how many rows of which dataset, and a commitment to each. */
export interface Destroyed {
  readonly counts: Readonly<Record<string, number>>;
  readonly leaves: readonly Uint8Array[];
  /** Commitments to the keys of what went. */
  readonly keys: readonly Uint8Array[];
}

/** Rows of a dataset that go, named in a table of this connection's own. */
interface Going {
  readonly dataset: TableDataset;
  readonly list: string;
}

/**
 * Destroy the rows `t` of a dataset that meet a condition, with everything that hangs on them: they are named first, then
 * committed to, what stays is unlinked, and they go, children before parents. To be called within a transaction.
 */
export async function destroyRows(
  tx: RemoteSession,
  shape: SqliteShape,
  dataset: TableDataset,
  condition: string,
  parameters: Parameters,
  { batch, runKey }: { readonly batch: string; readonly runKey: Uint8Array },
): Promise<Destroyed> {
  const going = await nameRows(tx, shape, dataset, condition, parameters);
  const leaves: Uint8Array[] = [];
  const keys: Uint8Array[] = [];
  const counts: Record<string, number> = {};
  for (const each of going) {
    const own = await commitTo(tx, shape, each, runKey);
    leaves.push(...own.leaves);
    keys.push(...own.keys);
    if (own.leaves.length > 0) counts[each.dataset.id] = own.leaves.length;
    await listFiles(tx, shape, each, batch);
  }
  await unlink(tx, shape, going);
  for (const each of childrenFirst(shape, dataset, going)) {
    const gone = await tx.run(`DELETE FROM ${table(each.dataset)} AS t WHERE ${isListed(shape, each)}`);
    // A trigger of the application's may keep a row without a word.
    if (gone !== (counts[each.dataset.id] ?? 0)) throw new SqliteError('SQLITE_CONSTRAINT');
  }
  for (const { list } of going) await tx.run(`DROP TABLE ${list}`);
  return { counts, leaves, keys };
}

/** Mask the fields of the rows `t` that meet a condition, and commit to what they were. */
export async function maskRows(
  tx: RemoteSession,
  shape: SqliteShape,
  dataset: TableDataset,
  condition: string,
  parameters: Parameters,
  { runKey, pseudonyms }: { readonly runKey: Uint8Array; readonly pseudonyms: Uint8Array },
): Promise<Destroyed> {
  const own = { dataset, list: 'temp.muniment_going_0' };
  await makeList(tx, shape, own);
  await addTo(tx, shape, own, condition, parameters);
  const { leaves } = await commitTo(tx, shape, own, runKey);
  // The key of pseudonyms is bound where it is asked for: SQLite refuses a parameter that no statement has.
  const asked = Object.values(dataset.fields).some(({ mask }) => mask === 'pseudonym');
  const masked = await tx.run(
    `UPDATE ${table(dataset)} AS t SET ${maskingList(dataset)} WHERE ${isListed(shape, own)}`,
    asked ? { pseudonyms } : {},
  );
  if (masked !== leaves.length) throw new SqliteError('SQLITE_CONSTRAINT');
  await tx.run(`DROP TABLE ${own.list}`);
  return { counts: { [dataset.id]: masked }, leaves, keys: [] };
}

/** Name the rows that go, each once by whatever ways it is reached, the dataset's own list first. */
async function nameRows(
  tx: RemoteSession,
  shape: SqliteShape,
  dataset: TableDataset,
  condition: string,
  parameters: Parameters,
): Promise<readonly Going[]> {
  const lists = new Map<string, Going>();
  const visit = async (current: TableDataset, where: string, values: Parameters, path: ReadonlySet<string>) => {
    const known = lists.get(current.id);
    const going = known ?? { dataset: current, list: `temp.muniment_going_${lists.size}` };
    if (!known) await makeList(tx, shape, going);
    lists.set(current.id, going);
    await addTo(tx, shape, going, where, values);
    // The data map has no cascade that comes back; should one slip in, it ends here.
    for (const { child, link, onDispose } of childLinks(shape.source, current))
      if (onDispose === 'cascade' && !path.has(child.id))
        await visit(child, reaches(shape, child, link, going), {}, new Set([...path, child.id]));
  };
  await visit(dataset, condition, parameters, new Set([dataset.id]));
  return [...lists.values()];
}

function rowNameOf(shape: SqliteShape, dataset: TableDataset): readonly string[] {
  const columns = shape.rowNames.get(dataset.id);
  if (!columns) throw new Error(`${dataset.id} is not in the source; the drift check must run first`);
  return columns;
}

async function makeList(tx: RemoteSession, shape: SqliteShape, { dataset, list }: Going): Promise<void> {
  const columns = rowNameOf(shape, dataset).map((_, i) => `n${i}`);
  await tx.run(`CREATE TABLE ${list} (${columns.join(', ')}, PRIMARY KEY (${columns.join(', ')}))`);
}

async function addTo(
  tx: RemoteSession,
  shape: SqliteShape,
  { dataset, list }: Going,
  condition: string,
  parameters: Parameters,
): Promise<void> {
  const columns = rowNameOf(shape, dataset).map((column) => `t.${name(column)}`);
  await tx.run(
    `INSERT OR IGNORE INTO ${list} SELECT ${columns.join(', ')} FROM ${table(dataset)} t WHERE ${condition}`,
    parameters,
  );
}

/** SQL that joins the row `alias` of a dataset to its name `g` in the list. */
function isNamed(shape: SqliteShape, dataset: TableDataset, alias: string): string {
  return rowNameOf(shape, dataset)
    .map((column, i) => `${alias}.${name(column)} = g.n${i}`)
    .join(' AND ');
}

/** SQL that is true for a row `t` of the dataset that is in the list. */
function isListed(shape: SqliteShape, { dataset, list }: Going): string {
  const columns = rowNameOf(shape, dataset);
  const ours = columns.map((column) => `t.${name(column)}`).join(', ');
  const theirs = columns.map((_, i) => `g.n${i}`).join(', ');
  return `${columns.length === 1 ? ours : `(${ours})`} IN (SELECT ${theirs} FROM ${list} g)`;
}

/** SQL that is true for a row `t` of `child` whose link leads to a row of the list. */
function reaches(shape: SqliteShape, child: TableDataset, link: Link, { dataset, list }: Going): string {
  const types = shape.types.get(child.id) ?? {};
  const parentTypes = shape.types.get(dataset.id) ?? {};
  const pairs = link.columns.map((column, i) => {
    const target = link.to.columns[i] ?? '';
    return comparablePair(`t.${name(column)}`, typeOf(types, column), `p.${name(target)}`, typeOf(parentTypes, target));
  });
  const ours = pairs.map(([our]) => our).join(', ');
  const theirs = pairs.map(([, their]) => their).join(', ');
  const parents = `SELECT ${theirs} FROM ${list} g JOIN ${table(dataset)} p ON ${isNamed(shape, dataset, 'p')}`;
  return `${pairs.length === 1 ? ours : `(${ours})`} IN (${parents})`;
}

/** One commitment a row: HMAC(run key, the row as SQL writes its values), and one to its key. docs/formats/commitment.md. */
async function commitTo(
  tx: RemoteSession,
  shape: SqliteShape,
  { dataset, list }: Going,
  key: Uint8Array,
): Promise<Pick<Destroyed, 'leaves' | 'keys'>> {
  const columns = Object.keys(shape.types.get(dataset.id) ?? {}).map((column) => `t.${name(column)}`);
  const named = dataset.key.map((column, i) => `${text(`t.${name(column)}`)} AS k${i}`);
  const rows = await tx.all<{ leaf: Uint8Array } & Record<string, unknown>>(
    `SELECT muniment_leaf(:key, ${[literal(dataset.id), ...columns].join(', ')}) AS leaf, ${named.join(', ')}
     FROM ${list} g JOIN ${table(dataset)} t ON ${isNamed(shape, dataset, 't')}`,
    { key },
  );
  return {
    leaves: rows.map(({ leaf }) => leaf),
    keys: rows.map((row) =>
      keyCommitment(
        key,
        dataset.id,
        dataset.key.map((_, i) => String(row[`k${i}`])),
      ),
    ),
  };
}

/** Write down which files go with the rows; they are removed once this is committed. */
async function listFiles(tx: RemoteSession, shape: SqliteShape, { dataset, list }: Going, batch: string) {
  if (!dataset.file) return;
  const path = `t.${name(dataset.file.column)}`;
  await tx.run(
    `INSERT OR IGNORE INTO main.muniment_files_leaving (batch, dataset, path)
     SELECT :batch, :dataset, ${text(path)} FROM ${list} g JOIN ${table(dataset)} t ON ${isNamed(shape, dataset, 't')}
     WHERE ${path} <> ''`,
    { batch, dataset: dataset.id },
  );
}

/** Empty the links of rows that stay. One UPDATE a dataset, and none of a row that goes. */
async function unlink(tx: RemoteSession, shape: SqliteShape, going: readonly Going[]): Promise<void> {
  const links = going.flatMap((parent) =>
    childLinks(shape.source, parent.dataset).flatMap(({ child, link, onDispose }) =>
      onDispose === 'unlink' ? [{ child, link, reached: `(${reaches(shape, child, link, parent)})` }] : [],
    ),
  );
  for (const [child, own] of Map.groupBy(links, (link) => link.child)) {
    const columns = [...new Set(own.flatMap(({ link }) => link.columns))];
    const changes = columns.map((column) => {
      const reached = own.filter(({ link }) => link.columns.includes(column)).map((link) => link.reached);
      return `${name(column)} = CASE WHEN ${reached.join(' OR ')} THEN NULL ELSE t.${name(column)} END`;
    });
    const itself = going.find(({ dataset }) => dataset.id === child.id);
    const stays = itself ? ` AND NOT (${isListed(shape, itself)})` : '';
    await tx.run(
      `UPDATE ${table(child)} AS t SET ${changes.join(', ')} WHERE (${own.map(({ reached }) => reached).join(' OR ')})${stays}`,
    );
  }
}

/** Whatever hangs on something goes before it: a foreign key that restricts does not wait for the commit. */
function childrenFirst(shape: SqliteShape, dataset: TableDataset, going: readonly Going[]): readonly Going[] {
  const ordered = new Map<string, Going>();
  const visited = new Set<string>();
  const visit = (current: TableDataset) => {
    if (visited.has(current.id)) return;
    visited.add(current.id);
    for (const { child, onDispose } of childLinks(shape.source, current)) if (onDispose === 'cascade') visit(child);
    const own = going.find((each) => each.dataset.id === current.id);
    if (own) ordered.set(current.id, own);
  };
  visit(dataset);
  return [...ordered.values()];
}
