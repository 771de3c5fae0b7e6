import type { MaskStrategy, TableDataset } from '../../policy/data-map.ts';
import type { SqlDialect } from '../sql/dialect.ts';
import { date, dated } from './times.ts';
import { affinityOf, formOf, name, text } from './words.ts';

/** SQL that replaces in a row `t` what the data map says to mask, with the key of pseudonyms as the parameter `pseudonyms`. */
export function maskingList(dataset: TableDataset): string {
  return masked(dataset)
    .map(([column, strategy]) => `${name(column)} = ${maskedValue(dataset, 't', column, strategy)}`)
    .join(', ');
}

/** SQL that is true for a row `alias` in which something still has to be masked. Masking makes it false: it is done once. */
export const unmaskedSql: SqlDialect['unmasked'] = (dataset, _types, alias) => {
  const left = masked(dataset).map(([column, strategy]) => {
    const value = `${alias}.${name(column)}`;
    if (strategy === 'null') return `${value} IS NOT NULL`;
    if (strategy === 'pseudonym') return `${text(value)} NOT GLOB '${pseudonym}'`;
    return `${value} IS NOT ${maskedValue(dataset, alias, column, strategy)}`;
  });
  return `(${left.join(' OR ')}) IS TRUE`;
};

/** Why a column cannot be masked so, or null: what it would have to be. A mark in the time of a record would be no time. */
export const unfitForMask: SqlDialect['unfitForMask'] = (type, strategy) => {
  if (strategy === 'null') return null;
  const affinity = affinityOf(type);
  if (strategy === 'month' || strategy === 'year')
    return ['text', 'numeric', 'none'].includes(affinity) ? null : 'dates as text';
  return (affinity === 'text' || affinity === 'none') && formOf(type) === null ? null : 'text';
};

/** What a pseudonym looks like, as GLOB writes it: 128 bits of an HMAC. */
const pseudonym = `p_${'[0-9a-f]'.repeat(32)}`;

const masked = (dataset: TableDataset): readonly (readonly [string, MaskStrategy])[] =>
  Object.entries(dataset.fields).flatMap(([column, { mask }]) => (mask === null ? [] : [[column, mask] as const]));

function maskedValue(dataset: TableDataset, alias: string, column: string, strategy: MaskStrategy): string {
  const value = `${alias}.${name(column)}`;
  switch (strategy) {
    case 'null':
      return 'NULL';
    // It says openly that something was removed; where the value must stay unique the row's key is part of it.
    case 'fixed':
      return `'erased-' || ${dataset.key.map((key) => text(`${alias}.${name(key)}`)).join(` || '-' || `)}`;
    case 'month':
      return beginningOf(value, '%Y-%m-01');
    case 'year':
      return beginningOf(value, '%Y-01-01');
    // That something was said, and how much of it.
    case 'redact':
      return `muniment_redact(${text(value)})`;
    case 'pseudonym':
      return `CASE WHEN ${text(value)} GLOB '${pseudonym}' THEN ${value} ELSE muniment_pseudonym(:pseudonyms, ${text(value)}) END`;
  }
}

/** A date cut to its month or year, in UTC and as it was written: with a time of day or without. What is no date is emptied. */
function beginningOf(value: string, first: string): string {
  const zone = `CASE WHEN ${value} GLOB '*[Zz]' THEN 'Z' WHEN ${value} GLOB '*[+-][0-9][0-9]:[0-9][0-9]' THEN '+00:00' ELSE '' END`;
  return `CASE WHEN typeof(${value}) <> 'text' THEN NULL
    WHEN ${value} GLOB '${date}' THEN strftime('${first}', ${value})
    WHEN ${value} GLOB '${dated}' THEN strftime('${first}', ${value}) || substr(${value}, 11, 1) || '00:00:00' || ${zone} END`;
}
