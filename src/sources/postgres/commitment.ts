import { keyCommitmentBytes } from '../../disposition/batch.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import { literal, name } from './words.ts';

const blockBytes = 64;

/** The two padded keys of HMAC-SHA-256 (RFC 2104) as SQL constants, so that SQL needs no extension to compute it. */
export interface HmacPads {
  readonly inner: string;
  readonly outer: string;
}

/** @param key at most 64 bytes */
export function hmacPads(key: Uint8Array): HmacPads {
  const padded = new Uint8Array(blockBytes);
  padded.set(key);
  const hex = (mask: number) => Buffer.from(padded.map((byte) => byte ^ mask)).toString('hex');
  return { inner: `'\\x${hex(0x36)}'::bytea`, outer: `'\\x${hex(0x5c)}'::bytea` };
}

/** SQL of one record's commitment: HMAC(run key, the row as Postgres writes it). docs/formats/commitment.md. */
export function commitmentSql(row: string, pads: HmacPads, dataset: string): string {
  return hmacSql(`${literal(`${dataset}\n`)} || ${row}::text`, pads);
}

/** SQL of a commitment to one record's key, as `keyCommitment` computes it. */
export function keyCommitmentSql(row: string, pads: HmacPads, dataset: TableDataset): string {
  const key = dataset.key.map((column) => `${row}.${name(column)}::text`).join(` || E'\\x1f' || `);
  return `substring(${hmacSql(`${literal(`key\n${dataset.id}\n`)} || ${key}`, pads)} FROM 1 FOR ${keyCommitmentBytes})`;
}

/** SQL of the HMAC-SHA-256 of a text in UTF-8, 32 bytes. */
export function hmacSql(text: string, pads: HmacPads): string {
  return `sha256(${pads.outer} || sha256(${pads.inner} || convert_to(${text}, 'UTF8')))`;
}
