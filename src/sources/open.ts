import type { DataMap, Source } from '../policy/data-map.ts';
import { openFilesSource } from './files/source.ts';
import { openPostgresSource } from './postgres/source.ts';
import { openResticSource } from './restic/source.ts';
import type { RecordSource } from './source.ts';
import { openSqliteSource } from './sqlite/source.ts';

/** Every source of the data map, by name. */
export type Sources = ReadonlyMap<string, RecordSource>;

/** Open every source. Nothing is reached until it is asked something. */
export function openSources(map: DataMap): Sources {
  return new Map(Object.values(map).map((source) => [source.name, openSource(source)]));
}

function openSource(source: Source): RecordSource {
  switch (source.kind) {
    case 'postgres':
      return openPostgresSource(source);
    case 'sqlite':
      return openSqliteSource(source);
    case 'files':
      return openFilesSource(source);
    case 'restic':
      return openResticSource(source);
  }
}

/** The source a dataset is in. A dataset of the checked policy always has one: anything else is a fault. */
export function sourceOf(sources: Sources, dataset: string): RecordSource {
  const name = dataset.slice(0, dataset.indexOf('.'));
  const source = sources.get(name);
  if (!source) throw new Error(`no source for dataset ${dataset}`);
  return source;
}
