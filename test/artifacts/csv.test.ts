import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvWriter } from '../../src/artifacts/csv.ts';
import { shared } from '../support/tools.ts';
import { memorySink } from './sample-package.ts';

async function csv(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): Promise<string> {
  const sink = memorySink();
  const writer = csvWriter(sink, columns);
  for (const row of rows) await writer.row(row);
  await writer.end();
  return Buffer.from(sink.bytes()).toString('utf8');
}

/** A strict reader of RFC 4180 with CRLF and every field quoted or NULL; throws on anything else. */
function parse(text: string): (string | null)[][] {
  const field = /"((?:[^"]|"")*)"|/y;
  const rows: (string | null)[][] = [];
  let row: (string | null)[] = [];
  for (let at = 0; at < text.length; ) {
    field.lastIndex = at;
    const match = field.exec(text);
    row.push(match?.[1]?.replaceAll('""', '"') ?? null);
    at += match?.[0].length ?? 0;
    if (text.startsWith('\r\n', at)) {
      rows.push(row);
      row = [];
      at += 2;
    } else if (text[at] === ',') at += 1;
    else throw new Error(`not RFC 4180 at ${at}`);
  }
  return rows;
}

const spectrum = shared('data/csv-spectrum/json');
const naughty = shared('data/naughty/blns.json');

describe('the CSV writer', () => {
  it('quotes every field, ends every row in CRLF, and tells NULL from an empty text', async () => {
    expect(
      await csv(
        ['id', 'body'],
        [
          ['1', null],
          ['2', ''],
          ['3', 'a "b",\r\nc'],
        ],
      ),
    ).toBe('"id","body"\r\n"1",\r\n"2",""\r\n"3","a ""b"",\r\nc"\r\n');
  });
  it('never writes an empty line for a row of one NULL', async () => {
    expect(await csv(['a'], [[null]])).toBe('"a"\r\n""\r\n');
  });
  it('changes no value: what begins like a formula stays', async () => {
    expect(parse(await csv(['a'], [['=1+1'], ['+1'], ['\t@x'], [' a ']])).slice(1)).toEqual([
      ['=1+1'],
      ['+1'],
      ['\t@x'],
      [' a '],
    ]);
  });
  it('refuses a row of another width', async () => {
    await expect(csv(['a', 'b'], [['1']])).rejects.toThrow(RangeError);
  });
  it('reads back as it was written, any text', async () => {
    const cell = fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell)), async (rows) => {
        const wanted = rows.map((row) => row.map((value) => value?.toWellFormed() ?? null));
        expect(parse(await csv(['a', 'b'], rows)).slice(1)).toEqual(wanted);
      }),
    );
  });
  it('keeps text whole across the chunks it is written in', async () => {
    const rows = Array.from({ length: 5000 }, (_, index) => [String(index), '👩🏾‍💻'.repeat(10)]);
    expect(parse(await csv(['a', 'b'], rows)).slice(1)).toEqual(rows);
  });
});

describe.skipIf(!spectrum)('csv-spectrum (skipped where it is absent)', () => {
  it.each(spectrum ? readdirSync(spectrum) : [])('%s survives', async (name) => {
    // One of the twelve is a single object rather than a list of them.
    const rows: Record<string, string>[] = [JSON.parse(readFileSync(join(spectrum ?? '', name), 'utf8'))].flat();
    const columns = Object.keys(rows[0] ?? {});
    const written = await csv(
      columns,
      rows.map((row) => columns.map((column) => row[column] ?? null)),
    );
    const [head = [], ...body] = parse(written);
    expect(body.map((row) => Object.fromEntries(row.map((value, index) => [head[index], value])))).toEqual(rows);
  });
});

const python = '/usr/bin/python3';
describe.skipIf(!naughty || !existsSync(python))('naughty strings (skipped without them or python3)', () => {
  it('are read by the csv module of Python, strictly, exactly as written', async () => {
    const strings: string[] = JSON.parse(readFileSync(naughty ?? '', 'utf8'));
    const rows = strings.filter((text) => !text.includes('\0')).map((text) => ['x', text]);
    const program =
      'import csv,json,sys,io\nr=csv.reader(io.TextIOWrapper(sys.stdin.buffer,encoding="utf-8",newline=""),strict=True)\njson.dump(list(r),sys.stdout)';
    const run = spawnSync(python, ['-c', program], {
      input: await csv(['a', 'b'], rows),
      encoding: 'utf8',
      maxBuffer: 2 ** 24,
    });
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout).slice(1)).toEqual(rows);
  });
});
