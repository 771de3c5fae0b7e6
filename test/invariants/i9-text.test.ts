import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { approveExport } from '../../src/flows/approve-export.ts';
import { collectExport } from '../../src/flows/collect-export.ts';
import { lookUpExport } from '../../src/flows/look-up.ts';
import { readPackage } from '../../src/flows/read-package.ts';
import { requestExport } from '../../src/flows/request-export.ts';
import { sealExport } from '../../src/flows/seal-export.ts';
import { callerFor } from '../support/people.ts';
import { mailboxSources } from '../support/policies.ts';
import { hasTool, shared } from '../support/tools.ts';
import { done, openWorld } from './world.ts';

/** Our own, in case the list of nobody's making is not there: what has broken exports elsewhere. */
const own = [
  '=HYPERLINK("http://evil.example","x")',
  '+1+1',
  '"quoted", with, commas',
  'one\r\ntwo\nthree\ttab',
  'שלום עולם ABC مَرْحَبًا 123',
  'नमस्ते বাংলা தமிழ் ไทย 日本語 한국어',
  '👩‍👩‍👧‍👦 👍🏽 🇺🇦 e\u0301\u0302\u0303',
  '\u202Ereversed\u202C \u2066isolated\u2069 \u200b\u00ad',
  '\u0001\u0007\u001b[31m',
  'NULL',
  '',
  ' leading and trailing ',
  '\ufffe\uffff\u{10ffff}',
];

it('I9 every text is in the package exactly as it is stored, and what the PDF cannot show is counted', async () => {
  const list = shared('data/naughty/blns.json');
  const strings = (list ? (JSON.parse(readFileSync(list, 'utf8')) as string[]) : []).concat(own);
  // A PostgreSQL text has no NUL; everything else is somebody's message.
  const texts = strings.filter((text) => !text.includes('\u0000')).map((text) => text.toWellFormed());
  await using world = await openWorld({
    tables: `CREATE TABLE users (id int PRIMARY KEY, email text, name text);
      CREATE TABLE messages (id int PRIMARY KEY, sender_id int REFERENCES users, sent_at timestamptz, body text);
      INSERT INTO users VALUES (1, 'ada@example.com', 'Ada \u202E Łukasz')`,
    sources: mailboxSources,
  });
  const { office, app } = world;
  for (const [id, body] of texts.entries())
    await app.sql`INSERT INTO messages VALUES (${id}, 1, timestamptz '2026-01-01Z' + ${id} * interval '1 minute', ${body})`;
  const preparer = await callerFor(office, { name: 'Pat', role: 'legal' });
  const approver = await callerFor(office, { name: 'Alex', role: 'legal' });
  const { id } = done(
    await requestExport(office, preparer.actor, {
      purpose: 'certified_export',
      demandId: null,
      requestId: null,
      matter: null,
      scope: { datasets: ['app.messages'] },
      formats: ['pdf', 'csv', 'ndjson'],
      timezone: 'Asia/Kathmandu',
    }),
  );
  await collectExport(office, id);
  const rendered = done(await lookUpExport(office, id));
  expect(rendered.refusal).toBeNull();
  if (!approver.presence) throw new Error('the approver may not approve');
  done(await approveExport(office, approver.actor, approver.presence, id));
  await sealExport(office, id);
  const folder = mkdtempSync(join(tmpdir(), 'i9-'));
  const download = done(await readPackage(office, preparer.actor, id));
  const chunks: Uint8Array[] = [];
  for await (const chunk of download.bytes) chunks.push(chunk);
  writeFileSync(join(folder, 'p.zip'), Buffer.concat(chunks));
  execFileSync('python3', ['-m', 'zipfile', '-e', join(folder, 'p.zip'), folder]);
  const data = join(folder, readdirSync(folder).find((name) => name !== 'p.zip') ?? '', 'data');

  const lines = readFileSync(join(data, 'records/app-messages.ndjson'), 'utf8').trimEnd().split('\n');
  const records = lines.map((line) => JSON.parse(line) as { id: string; body: string });
  expect(records.map(({ id: own, body }) => [Number(own), body])).toEqual(texts.map((text, at) => [at, text]));

  // Somebody else's CSV reader, told nothing but the standard.
  const program = `import csv, json, sys
rows = list(csv.DictReader(open(sys.argv[1], encoding='utf-8-sig', newline=''), strict=True))
json.dump([[int(r['id']), r['body']] for r in rows], sys.stdout)`;
  const read = execFileSync('python3', ['-c', program, join(data, 'app-messages.csv')], { maxBuffer: 1e8 });
  expect(JSON.parse(read.toString('utf8'))).toEqual(texts.map((text, at) => [at, text]));

  const { counts } = JSON.parse(readFileSync(join(data, 'search-report.json'), 'utf8')) as {
    counts: { included: number; uncoveredCodePoints: number };
  };
  expect(counts.included).toBe(texts.length);
  expect(counts.uncoveredCodePoints).toBeGreaterThan(0);
  if (!hasTool('pdftotext')) return;
  const shown = execFileSync('pdftotext', ['-enc', 'UTF-8', join(data, 'messages.pdf'), '-']).toString('utf8');
  // Every plain word is found again, and what no font has stands there as its code point.
  for (const word of new Set(texts.join(' ').match(/[A-Za-z]{5,14}/g)))
    expect(shown.includes(word) || isBroken(shown, word), word).toBe(true);
  for (const mark of ['[U+202E]', '[U+0007]', '[U+10FFFF]', '[U+200B]']) expect(shown).toContain(mark);
}, 60_000);

/** A long line breaks words where it must. */
function isBroken(shown: string, word: string): boolean {
  return shown.replaceAll(/\s+/g, '').includes(word);
}
