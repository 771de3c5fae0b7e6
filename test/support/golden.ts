import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'vitest';

/** Compare with a golden file; `UPDATE_GOLDEN=1` writes it anew, for review. Where none is kept, the test fails. */
export function golden(name: string, text: string): void {
  const path = `test/golden/${name}`;
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(existsSync(path) ? readFileSync(path, 'utf8') : `a golden file ${path}: run with UPDATE_GOLDEN=1`);
}
