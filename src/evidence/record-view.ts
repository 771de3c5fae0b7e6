import { allTables, type DataMap, type DatasetId, type Link, type TableDataset } from '../policy/data-map.ts';
import type { HoldScope } from '../policy/hold.ts';

/**
 * How a dataset reads as a record of messages: who wrote, when, what, in which conversation, with which attachments.
 * It is taken from the data map: a text of category `communication.content`, a time, an owner who has a name, a
 * conversation with a subject, and a dataset of files that hangs on it.
 */
export interface RecordView {
  readonly dataset: TableDataset;
  readonly text: string;
  readonly time: string;
  readonly sender: { readonly link: Link; readonly person: TableDataset; readonly name: string };
  readonly thread: { readonly link: Link; readonly dataset: TableDataset; readonly subject: string } | null;
  readonly attachments: { readonly link: Link; readonly dataset: TableDataset } | null;
}

const categoryOf = (dataset: TableDataset, category: string): string | undefined =>
  Object.entries(dataset.fields).find(([, field]) => field.category === category)?.[0];

/** The view of one dataset, or null where it does not read as messages. */
export function recordView(datasets: readonly TableDataset[], dataset: TableDataset): RecordView | null {
  const text = Object.entries(dataset.fields).find(
    ([, field]) => field.category === 'communication.content' && field.text,
  )?.[0];
  if (dataset.time === null || text === undefined) return null;
  const find = (id: DatasetId) => datasets.find((candidate) => candidate.id === id);
  for (const link of dataset.links.filter(({ owner }) => owner)) {
    const person = find(link.to.dataset);
    const name = person ? categoryOf(person, 'identity.name') : undefined;
    if (!person || name === undefined) continue;
    return {
      dataset,
      text,
      time: dataset.time,
      sender: { link, person, name },
      thread: threadOf(dataset, find),
      attachments: attachmentsOf(datasets, dataset),
    };
  }
  return null;
}

function threadOf(dataset: TableDataset, find: (id: DatasetId) => TableDataset | undefined): RecordView['thread'] {
  for (const link of dataset.links) {
    const other = find(link.to.dataset);
    const subject = other ? categoryOf(other, 'communication.subject') : undefined;
    if (other && subject !== undefined) return { link, dataset: other, subject };
  }
  return null;
}

function attachmentsOf(datasets: readonly TableDataset[], dataset: TableDataset): RecordView['attachments'] {
  for (const other of datasets) {
    const link = other.file ? other.links.find(({ to }) => to.dataset === dataset.id) : undefined;
    if (link) return { link, dataset: other };
  }
  return null;
}

/**
 * The datasets an export takes: those its scope names; else every dataset that reads as messages in conversations, or as
 * messages where there are no conversations.
 * Anything else about a person (their account, their devices) is given out only when it is asked for by name.
 */
export function exportedDatasets(map: DataMap, scope: HoldScope): readonly TableDataset[] {
  const tables = allTables(map);
  if (scope.datasets.length > 0) return tables.filter(({ id }) => scope.datasets.includes(id));
  const inConversations = tables.filter((dataset) => recordView(tables, dataset)?.thread);
  return inConversations.length > 0 ? inConversations : tables.filter((dataset) => recordView(tables, dataset));
}

/** The dataset and key column of conversations, where the data map has such: what "conversation 41" means. */
export function conversationKey(map: DataMap): { readonly dataset: DatasetId; readonly column: string } | null {
  const tables = allTables(map);
  for (const dataset of tables) {
    const thread = recordView(tables, dataset)?.thread;
    const [column, more] = thread?.dataset.key ?? [];
    if (thread && column !== undefined && more === undefined) return { dataset: thread.dataset.id, column };
  }
  return null;
}
