/** Values of some columns of one row, as the source writes them; null never names anything. */
export type KeyValues = readonly string[];

/** One text for a row's key, for maps and digests. Any text may stand in a key, so no separator would keep two apart. */
export function keyText(values: KeyValues): string {
  return JSON.stringify(values);
}
