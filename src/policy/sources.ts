import {
  calledTable,
  type DataMap,
  type Field,
  type Link,
  type OnDispose,
  type Source,
  type TableDataset,
} from './data-map.ts';
import { orList, suggestion } from './did-you-mean.ts';
import { filesSource, type Report } from './folders.ts';
import { resticSource } from './restic.ts';
import type { LinkFile, PostgresFile, SourcesFile, SqliteFile, TableFile } from './sources-file.ts';
import type { PolicyIssue, PolicyPath } from './yaml.ts';

/**
 * Turn the file into the data map and check what one dataset says about another.
 * @param isBroken says of a dataset's full name that it stands in the file but could not be read: what refers to it is
 *   not reported a second time
 */
export function resolveSources(
  file: SourcesFile,
  isBroken: (id: string) => boolean = () => false,
): { dataMap: DataMap; issues: readonly PolicyIssue[] } {
  const issues: PolicyIssue[] = [];
  const report: Report = (path, code, detail, at) =>
    issues.push(at ? { path, code, detail, at } : { path, code, detail });
  const entries = Object.entries(file.sources).map(([name, source]): [string, Source] => {
    const path = ['sources', name];
    return [
      name,
      source.kind === 'files'
        ? filesSource(name, source, path, report)
        : source.kind === 'restic'
          ? resticSource(name, source, path, report)
          : sqlSource(name, source, path, isBroken, report),
    ];
  });
  return { dataMap: Object.fromEntries(entries), issues };
}

function sqlSource(
  name: string,
  file: PostgresFile | SqliteFile,
  path: PolicyPath,
  isBroken: (id: string) => boolean,
  report: Report,
): Source {
  if (file.kind === 'postgres') checkUrl(file.url, [...path, 'url'], report);
  else checkPath(file.path, [...path, 'path'], report);
  const names = Object.keys(file.datasets);
  const entries: Readonly<Record<string, TableFile>> = file.datasets;
  const datasets = Object.entries(entries).map(([dataset, entry]) =>
    tableDataset(file.kind, name, dataset, entry, names, [...path, 'datasets', dataset], isBroken, report),
  );
  const tables = new Map<string, string>();
  for (const dataset of datasets) {
    const table = calledTable(dataset);
    const other = tables.get(table);
    if (other !== undefined)
      report(
        [...path, 'datasets', dataset.name, 'table'],
        'table_twice',
        `Table ${table} is already the dataset ${other}. Map a table once, and put everything about it there.`,
      );
    else tables.set(table, dataset.name);
  }
  const exempt: Record<string, string> = {};
  for (const [text, reason] of Object.entries(file.exempt)) {
    const table = tableOf(text, file.kind);
    if (table === null) report([...path, 'exempt', text], 'table_invalid', tableHint(text, file.kind), 'key');
    else {
      const full = calledTable({ table });
      const mapped = tables.get(full);
      if (mapped !== undefined)
        report(
          [...path, 'exempt', text],
          'table_twice',
          `Table ${full} is exempted, and is the dataset ${mapped}. Remove one of the two.`,
          'key',
        );
      exempt[full] = reason;
    }
  }
  checkOnDispose(name, file, datasets, path, isBroken, report);
  checkCascades(datasets, path, report);
  return file.kind === 'postgres'
    ? { kind: file.kind, name, url: file.url, datasets, exempt, enforceHolds: file.enforceHolds }
    : { kind: file.kind, name, path: file.path, datasets, exempt };
}

function tableDataset(
  kind: SqlKind,
  source: string,
  name: string,
  file: TableFile,
  siblings: readonly string[],
  path: PolicyPath,
  isBroken: (id: string) => boolean,
  report: Report,
): TableDataset {
  const table = tableOf(file.table, kind);
  if (table === null) report([...path, 'table'], 'table_invalid', tableHint(file.table, kind));
  if (file.timeAs !== undefined && file.time === undefined)
    report(
      [...path, 'timeAs'],
      'time_missing',
      'timeAs says how the column of "time" is written, and there is no "time". Write time: and its column, or remove timeAs.',
      'key',
    );
  const key = columnsOf(file.key, [...path, 'key'], report);
  const fields = Object.fromEntries(
    Object.entries(file.fields).map(([column, field]): [string, Field] => {
      const mask = field.mask === undefined ? null : (field.mask ?? 'null');
      const bare = bareColumn(column);
      if (mask !== null && key.includes(bare))
        report(
          [...path, 'fields', column, 'mask'],
          'key_masked',
          `"${bare}" is part of the key and cannot be masked. Remove mask.`,
        );
      if ((mask === 'month' || mask === 'year') && file.time !== undefined && bare === bareColumn(file.time))
        report(
          [...path, 'fields', column, 'mask'],
          'time_masked',
          `"${bare}" is what windows are counted from and cannot be cut. Remove mask, or name another time.`,
        );
      return [bare, { category: field.category, text: field.text, mask }];
    }),
  );
  const links = Object.entries(file.links).flatMap(([columns, link]) =>
    (Array.isArray(link) ? link : [link]).flatMap((one, index) => {
      const at = [...path, 'links', columns, ...(Array.isArray(link) ? [index] : [])];
      return linkOf(source, columns, one, siblings, at, isBroken, report);
    }),
  );
  if (file.erase !== 'destroy' && file.eraseGround === undefined)
    report(
      [...path, 'erase'],
      'ground_missing',
      `With erase: ${file.erase} rows stay after an erasure, so eraseGround must say why. Write its code, such as eraseGround: LEGAL_CLAIMS.`,
    );
  if (file.erase === 'destroy' && file.eraseGround !== undefined)
    report(
      [...path, 'eraseGround'],
      'ground_unused',
      'Rows here are destroyed, so there is no ground to keep them. Remove eraseGround, or write erase: mask or keep.',
      'key',
    );
  if (file.erase === 'mask' && Object.values(fields).every(({ mask }) => mask === null))
    report(
      [...path, 'erase'],
      'mask_missing',
      'With erase: mask at least one field must say what replaces its value. Add mask: fixed or mask: "null" to a field.',
    );
  return {
    kind: 'table',
    id: `${source}.${name}`,
    source,
    name,
    table: table ?? { schema: usualSchema[kind], name: file.table },
    key,
    time: file.time === undefined ? null : bareColumn(file.time),
    ...(kind === 'sqlite' && file.time !== undefined ? { timeAs: file.timeAs ?? 'text' } : {}),
    identifiers: Object.fromEntries(
      Object.entries(file.identifiers).map(([kind, column]) => [kind, bareColumn(column)]),
    ),
    links,
    fields,
    onDispose: Object.fromEntries(
      Object.entries(file.onDispose).map(([child, what]): [string, OnDispose] => [`${source}.${child}`, what]),
    ),
    erase: file.erase,
    eraseGround: file.eraseGround ?? null,
    file: file.file === undefined ? null : { column: bareColumn(file.file.column), root: file.file.root },
  };
}

function linkOf(
  source: string,
  columnsText: string,
  file: LinkFile,
  siblings: readonly string[],
  path: PolicyPath,
  isBroken: (id: string) => boolean,
  report: Report,
): Link[] {
  const columns = columnsOf(columnsText, path, report, 'key');
  const ways = [file.owner && 'owner', file.member && 'member', file.owns && 'owns'].filter((way) => way !== false);
  if (ways.length > 1)
    report(path, 'link_ambiguous', `A link cannot be ${ways.join(' and ')} at once. Keep one of them.`);
  const target = targetOf(file.to);
  if (target === null) {
    report(
      [...path, 'to'],
      'link_invalid',
      `"to" must name a dataset and its column. Write ${siblings[0] ?? 'users'}.id; for several columns, orders.a,b.`,
    );
    return [];
  }
  const id = `${source}.${target.dataset}`;
  if (!siblings.includes(target.dataset)) {
    if (!isBroken(id))
      report(
        [...path, 'to'],
        'dataset_unknown',
        `There is no dataset "${target.dataset}" in the source ${source}.${suggestion(target.dataset, siblings) || ` Write one of ${orList(siblings)}.`}`,
      );
    return [];
  }
  if (columns.length !== target.columns.length) {
    report(
      [...path, 'to'],
      'link_columns_differ',
      `The link has ${counted(columns.length)} here (${columns.join(', ')}) and ${counted(target.columns.length)} there (${target.columns.join(', ')}). Name as many on both sides.`,
    );
    return [];
  }
  return [
    { columns, to: { dataset: id, columns: target.columns }, owner: file.owner, member: file.member, owns: file.owns },
  ];
}

function counted(columns: number): string {
  return columns === 1 ? 'one column' : `${columns} columns`;
}

function checkOnDispose(
  source: string,
  file: PostgresFile | SqliteFile,
  datasets: readonly TableDataset[],
  path: PolicyPath,
  isBroken: (id: string) => boolean,
  report: Report,
): void {
  for (const parent of datasets)
    for (const [childName, what] of Object.entries(file.datasets[parent.name]?.onDispose ?? {})) {
      const at = [...path, 'datasets', parent.name, 'onDispose', childName];
      const child = datasets.find(({ name }) => name === childName);
      if (!child) {
        if (isBroken(`${source}.${childName}`)) continue;
        const names = datasets.map(({ name }) => name);
        report(
          at,
          'dataset_unknown',
          `There is no dataset "${childName}" in the source ${source}.${suggestion(childName, names) || ` Write one of ${orList(names)}.`}`,
          'key',
        );
        continue;
      }
      const links = child.links.filter(({ to }) => to.dataset === parent.id);
      if (links.length === 0)
        report(
          at,
          'link_missing',
          `"${childName}" has no link to ${parent.name}, so nothing of it hangs on a row here. Add links: { column: { to: ${parent.name}.${parent.key.join(',')} } } to ${childName}, or remove this line.`,
          'key',
        );
      const keyColumn =
        what === 'unlink'
          ? links.flatMap(({ columns }) => columns).find((column) => child.key.includes(column))
          : undefined;
      if (keyColumn !== undefined)
        report(
          at,
          'unlink_key',
          `unlink would empty "${keyColumn}", which is part of the key of ${childName}. Write cascade or restrict.`,
        );
    }
}

/** A cascade that comes back to where it began would take rows of that dataset that are not due: refused. */
function checkCascades(datasets: readonly TableDataset[], path: PolicyPath, report: Report): void {
  const byId = new Map(datasets.map((dataset) => [dataset.id, dataset]));
  const done = new Set<string>();
  const walk = (dataset: TableDataset, trail: readonly TableDataset[]) => {
    for (const [childId, what] of Object.entries(dataset.onDispose)) {
      const child = byId.get(childId);
      if (what !== 'cascade' || !child) continue;
      const within = [...trail, dataset];
      const start = within.indexOf(child);
      if (start >= 0) {
        const round = [...within.slice(start), child].map(({ name }) => name).join(' → ');
        report(
          [...path, 'datasets', dataset.name, 'onDispose', child.name],
          'cascade_cycle',
          `This cascade comes back to where it began (${round}): it would destroy rows that are not due. Write unlink or restrict here.`,
        );
      } else if (!done.has(child.id)) walk(child, within);
    }
    done.add(dataset.id);
  };
  for (const dataset of datasets) if (!done.has(dataset.id)) walk(dataset, []);
}

function checkUrl(url: string, path: PolicyPath, report: Report): void {
  // A variable that is not set has been reported already. The url is never quoted: it may hold a password by now.
  if (url.includes('${')) return;
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url))
    report(
      path,
      'url_invalid',
      'This is not the url of a PostgreSQL database. Write postgres://user@host:5432/database, with the password from the environment.',
    );
}

/** A file that is there, and not one that SQLite would make: a database of its own for every connection holds nothing. */
function checkPath(path: string, at: PolicyPath, report: Report): void {
  if (path.includes('${')) return;
  const isUri = path.startsWith('file:');
  if (path === ':memory:' || (isUri && !/^file:\/\/\/[^?#]+(\?mode=r[ow])?$/.test(path)))
    report(
      at,
      'path_invalid',
      'This does not name a SQLite database file. Write its path, such as /srv/app/app.db, or file:///srv/app/app.db?mode=ro for one that may only be read.',
    );
}

/** Column names out of `a`, `a,b`, `"Odd, name"` or a list of names. */
function columnsOf(text: string | readonly string[], path: PolicyPath, report: Report, at?: 'key'): readonly string[] {
  const columns = typeof text === 'string' ? namesIn(text, ',') : text.map(bareColumn);
  if (columns === null || columns.length === 0 || columns.includes('')) {
    report(
      path,
      'columns_invalid',
      `"${String(text)}" does not name columns. Write one, such as id, or several with commas between them.`,
      at,
    );
    return [];
  }
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined) report(path, 'columns_invalid', `"${twice}" is named twice. Keep one.`, at);
  return columns;
}

function bareColumn(text: string): string {
  const names = text.startsWith('"') ? namesIn(text, ',') : null;
  return names?.length === 1 && names[0] !== undefined ? names[0] : text;
}

/** `to`: `users.id`, `orders.a,b`, or a list of those on one dataset. */
function targetOf(text: string | readonly string[]): { dataset: string; columns: readonly string[] } | null {
  const parts = (typeof text === 'string' ? [text] : text).map((part) => {
    const dot = part.indexOf('.');
    const columns = dot > 0 ? namesIn(part.slice(dot + 1), ',') : null;
    return columns === null || columns.includes('') ? null : { dataset: part.slice(0, dot).trim(), columns };
  });
  const first = parts[0];
  if (!first || parts.some((part) => part?.dataset !== first.dataset)) return null;
  return { dataset: first.dataset, columns: parts.flatMap((part) => part?.columns ?? []) };
}

type SqlKind = PostgresFile['kind'] | SqliteFile['kind'];

/** The schema of a table that names none. SQLite has none: a file is one. */
const usualSchema = { postgres: 'public', sqlite: '' } satisfies Record<SqlKind, string>;

/** `schema.table` or `table`, names as stored; `"…"` around a name that has a dot in it, `""` for a quote. */
function tableOf(text: string, kind: SqlKind): { schema: string; name: string } | null {
  const names = namesIn(text, '.');
  if (names === null || names.includes('') || names.length > 2) return null;
  const [first = '', second] = names;
  if (second === undefined) return { schema: usualSchema[kind], name: first };
  if (kind === 'sqlite') return first === 'main' ? { schema: '', name: second } : null;
  return { schema: first, name: second };
}

function tableHint(text: string, kind: SqlKind): string {
  return kind === 'sqlite'
    ? `"${text}" does not name a table of the file. Write its name, such as users, or "Odd.Name" where a name has a dot.`
    : `"${text}" does not name a table. Write schema.table, such as public.users, or public."Odd.Name" where a name has a dot.`;
}

/** SQL's way of quoting: names between separators, `"` around one that holds a separator, `""` for a quote. */
function namesIn(text: string, separator: string): readonly string[] | null {
  const names: string[] = [];
  let rest = text;
  for (;;) {
    const match =
      separator === '.'
        ? /^(?:\s*"((?:[^"]|"")*)"\s*|([^".]*))(\.|$)/.exec(rest)
        : /^(?:\s*"((?:[^"]|"")*)"\s*|([^",]*))(,|$)/.exec(rest);
    if (!match) return null;
    names.push(match[1] !== undefined ? match[1].replaceAll('""', '"') : (match[2] ?? '').trim());
    if (match[3] === '') return names;
    rest = rest.slice(match[0].length);
  }
}
