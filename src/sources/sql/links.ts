import type { Link, SqlSource, TableDataset } from '../../policy/data-map.ts';

/** A child dataset that links to `parent`, and how. */
export interface ChildLink {
  readonly child: TableDataset;
  readonly link: Link;
  readonly onDispose: 'cascade' | 'restrict' | 'unlink';
}

/** Every dataset whose rows hang on this one, with what the data map says becomes of them. */
export function childLinks(source: SqlSource, parent: TableDataset): readonly ChildLink[] {
  return linksInto(source, parent).flatMap(({ child, link }): ChildLink[] => {
    const onDispose = parent.onDispose[child.id];
    return onDispose === undefined ? [] : [{ child, link, onDispose }];
  });
}

/** Every link that leads to a dataset, and from where. */
export function linksInto(source: SqlSource, parent: TableDataset): readonly Omit<ChildLink, 'onDispose'>[] {
  return source.datasets.flatMap((child) =>
    child.links.filter((link) => link.to.dataset === parent.id).map((link) => ({ child, link })),
  );
}

/** The dataset and every dataset its destruction reaches, in the order in which locks are taken. */
export function datasetsTouched(source: SqlSource, dataset: TableDataset): readonly string[] {
  const reached = new Set<string>();
  const visit = (current: TableDataset) => {
    if (reached.has(current.id)) return;
    reached.add(current.id);
    for (const { child, onDispose } of childLinks(source, current)) if (onDispose !== 'restrict') visit(child);
  };
  visit(dataset);
  return [...reached].sort();
}
