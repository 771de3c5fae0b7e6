import { canonicalJson, type Json } from '../core/canonical-json.ts';
import { sha256Hex } from '../core/hash.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { loadExport } from '../db/exports.ts';
import { whileAlone } from '../db/locks.ts';
import { type Export, exportFailed, exportRendered, type Rendering } from '../evidence/export.ts';
import { exportedDatasets, recordView } from '../evidence/record-view.ts';
import type { TableDataset } from '../policy/data-map.ts';
import { sourceOf } from '../sources/open.ts';
import { accessDatasets } from './access-package.ts';
import { carryOut, type Office } from './office.ts';
import { besidesOf, type OutgoingDataset, renderExport, toOutgoing } from './render-export.ts';

/**
 * The task: collect and render an export. A source that cannot be reached fails it by name; nothing half-collected can
 * be approved (I4).
 */
export async function collectExport(office: Office, id: string): Promise<void> {
  await whileAlone(office.store.db, `export:${id}`, async () => {
    const wanted = await loadExport(office.store, id);
    if (wanted?.state !== 'collecting') return;
    const rendering = await collect(office, wanted);
    const outcome = await carryOut(office, async () => {
      const current = await loadExport(office.store, id);
      if (current?.state !== 'collecting') return { decided: { state: [], entries: [], tasks: [] }, result: null };
      const now = office.now();
      if (isRefusal(rendering)) return { decided: exportFailed(current, rendering, now), result: null };
      const digest = sha256Hex(
        canonicalJson(rendering.files.map(({ path, sha256 }) => ({ path, sha256 })) as unknown as Json),
      );
      return { decided: exportRendered(current, rendering, digest, now), result: null };
    });
    if (isRefusal(outcome)) throw new Error(`export ${id} could not be recorded: ${outcome.code}`);
  });
}

async function collect(office: Office, wanted: Export): Promise<Rendering | Refusal> {
  if (wanted.requestId !== null) {
    const found = await accessDatasets(office, wanted.requestId);
    return isRefusal(found) ? found : renderExport(office, wanted, found.datasets, found.matched);
  }
  const scope = wanted.scope.reveal();
  const datasets = exportedDatasets(office.policy.dataMap, scope);
  if (datasets.length === 0)
    return refuse(
      'dataset_unknown',
      'The scope names no table that can be exported. Name datasets such as app.messages.',
    );
  let matched = 0;
  for (const dataset of datasets) {
    const source = sourceOf(office.sources, dataset.id);
    const drift = (await source.check({})).find(({ level }) => level === 'drift');
    if (drift)
      return refuse(
        drift.code === 'unreachable' ? 'source_unreachable' : 'source_drift',
        `${drift.detail} Nothing was collected.`,
        { source: source.name },
      );
    matched += await source.countScope(dataset.id, scope);
  }
  if (matched === 0)
    return refuse(
      'not_found',
      'Nothing in the sources matches this scope. Check the names, keys and dates; no package was made.',
    );
  // Files of one tree are filled in path order.
  const sorted = [...datasets].sort((a, b) => (a.id < b.id ? -1 : 1));
  return renderExport(
    office,
    wanted,
    sorted.map((dataset) => outgoing(office, wanted, dataset)),
    matched,
  );
}

function outgoing(office: Office, wanted: Export, dataset: TableDataset): OutgoingDataset {
  const source = sourceOf(office.sources, dataset.id);
  const tables = source.datasets.flatMap((candidate) => (candidate.kind === 'table' ? [candidate] : []));
  const view = recordView(tables, dataset);
  const columns = columnsOf(dataset, view !== null);
  const rows = source.readScope(dataset.id, wanted.scope.reveal(), view ? besidesOf(view) : {});
  return {
    dataset,
    columns,
    records: (async function* () {
      for await (const row of rows) yield toOutgoing(dataset, view, row);
    })(),
  };
}

/** Columns of the CSV: what the data map knows of the table, then what was looked up beside it. */
export function columnsOf(dataset: TableDataset, isMessage: boolean): readonly string[] {
  const mapped = [
    ...dataset.key,
    ...(dataset.time === null ? [] : [dataset.time]),
    ...dataset.links.flatMap(({ columns }) => columns),
    ...Object.keys(dataset.fields),
  ];
  return [...new Set([...mapped, ...(isMessage ? ['sender_name', 'conversation', 'attachments'] : [])])];
}
