import type { MaskStrategy, TableDataset } from '../../policy/data-map.ts';
import { type ColumnTypes, typeOf } from '../sql/dialect.ts';
import { commitmentSql, type HmacPads, hmacSql } from './commitment.ts';
import { isTimeType, literal, name, table } from './words.ts';

/** What a pseudonym looks like: 128 bits of an HMAC. */
const pseudonym = '^p_[0-9a-f]{32}$';

/**
 * Replace what the data map says to mask; the commitments are to the rows as they were before.
 * @param pseudonyms key under which equal values get equal pseudonyms, so that rows can still be joined by them
 */
export function maskingSql(
  dataset: TableDataset,
  where: string,
  types: ColumnTypes,
  pads: HmacPads,
  pseudonyms: HmacPads,
): string {
  const changes = masked(dataset).map(
    ([column, strategy]) => `${name(column)} = ${maskedValue(dataset, types, 't', column, strategy, pseudonyms)}`,
  );
  const keys = dataset.key.map((column) => `t.${name(column)} = before.${name(column)}`).join(' AND ');
  return `WITH before AS (SELECT * FROM ${table(dataset)} t WHERE ${where} FOR UPDATE),
masked AS (UPDATE ${table(dataset)} t SET ${changes.join(', ')} FROM before WHERE ${keys} RETURNING 1)
SELECT jsonb_build_object(${literal(dataset.id)}, (SELECT count(*) FROM masked)) AS counts,
  (SELECT coalesce(string_agg(leaf, ''::bytea ORDER BY leaf), ''::bytea) FROM (SELECT ${commitmentSql('before', pads, dataset.id)} AS leaf FROM before) l) AS leaves, ''::bytea AS keys`;
}

/** SQL that is true for a row `alias` in which something still has to be masked. Masking makes it false: it is done once. */
export function unmaskedSql(dataset: TableDataset, types: ColumnTypes, alias: string): string {
  const left = masked(dataset).map(([column, strategy]) => {
    const value = `${alias}.${name(column)}`;
    if (strategy === 'null') return `${value} IS NOT NULL`;
    if (strategy === 'pseudonym') return `${value}::text !~ ${literal(pseudonym)}`;
    return `${value} IS DISTINCT FROM ${maskedValue(dataset, types, alias, column, strategy, null)}`;
  });
  return `(${left.join(' OR ')}) IS TRUE`;
}

/** Why a column cannot be masked so, or null: what it would have to be. */
export function unfitForMask(type: string, strategy: MaskStrategy): string | null {
  const [, plain = type, length] = type.match(/^(text|character varying|citext)(?:\((\d+)\))?$/) ?? [];
  const isText = plain !== type || type === 'text' || type === 'character varying' || type === 'citext';
  const most = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
  if (strategy === 'null') return null;
  if (strategy === 'month' || strategy === 'year') return isTimeType(type) ? null : 'a date or a timestamp';
  if (!isText) return 'text';
  return strategy === 'pseudonym' && most < 34 ? 'text of 34 characters or more' : null;
}

const masked = (dataset: TableDataset): readonly (readonly [string, MaskStrategy])[] =>
  Object.entries(dataset.fields).flatMap(([column, { mask }]) => (mask === null ? [] : [[column, mask] as const]));

function maskedValue(
  dataset: TableDataset,
  types: ColumnTypes,
  alias: string,
  column: string,
  strategy: MaskStrategy,
  pseudonyms: HmacPads | null,
): string {
  const value = `${alias}.${name(column)}`;
  const type = typeOf(types, column);
  switch (strategy) {
    case 'null':
      return 'NULL';
    // It says openly that something was removed; where the value must stay unique the row's key is part of it.
    case 'fixed':
      return `('erased-' || ${dataset.key.map((key) => `${alias}.${name(key)}::text`).join(` || '-' || `)})::${type}`;
    case 'month':
    case 'year':
      if (type.includes('with time zone')) return `date_trunc('${strategy}', ${value}, 'UTC')::${type}`;
      return `date_trunc('${strategy}', ${value}::timestamp)::${type}`;
    // That something was said, and how much of it. Whatever is not a space goes: letters of every script.
    case 'redact':
      return `regexp_replace(${value}::text, ${literal('\\S')}, '█', 'g')::${type}`;
    case 'pseudonym': {
      if (pseudonyms === null) throw new Error('a pseudonym needs its key');
      const mac = hmacSql(`${value}::text`, pseudonyms);
      return `(CASE WHEN ${value}::text ~ ${literal(pseudonym)} THEN ${value}::text ELSE 'p_' || left(encode(${mac}, 'hex'), 32) END)::${type}`;
    }
  }
}
