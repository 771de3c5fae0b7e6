import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../src/main.ts';
import { emptyDatabase, type TestDatabase } from './support/database.ts';
import { releaseCommands } from './support/release.ts';

const documents = [
  'README.md',
  'CHANGELOG.md',
  'policies/README.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** What a reader would type: the lines of every `sh` block. */
function commandsOf(document: string): readonly string[] {
  return [...readFileSync(document, 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
    block.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#')),
  );
}

/** Commands that are not run here, each with the reason. */
const elsewhere: Readonly<Record<string, string>> = {
  'npm ci && npm start': 'CI and a fresh clone run it',
  'npm ci && npm test': 'this is it',
  'npm run -s sbom': 'CI runs it',
  'npm run -s licences': 'CI runs it',
  'npm run -s advisories': 'CI runs it',
  ...Object.fromEntries(releaseCommands().map((command) => [command, 'test/scripts/release.test.ts runs it'])),
};

/** What is run: the words after `npm run -s muniment --`, with what a document leaves to its reader filled in. */
const verbs = documents.flatMap((document) =>
  commandsOf(document).flatMap((command): [string, string][] => {
    const [, words] = /^npm run -s muniment -- (.+)$/.exec(command) ?? [];
    return words === undefined ? [] : [[document, words]];
  }),
);

describe('the documents', () => {
  it.each(documents)('%s links to what is there', (document) => {
    for (const [, target = ''] of readFileSync(document, 'utf8').matchAll(/(?:\]\(|src=")([^)"\s]+)[)"]/g)) {
      if (/^(https?:|mailto:|#)/.test(target)) continue;
      const path = normalize(join(dirname(document), target.replace(/#.*$/, '')));
      expect(existsSync(path), `${document} links to ${target}`).toBe(true);
    }
  });

  it('hold no command that nobody runs', () => {
    const unknown = documents.flatMap((document) =>
      commandsOf(document)
        .filter((command) => !command.startsWith('npm run -s muniment -- ') && !(command in elsewhere))
        .map((command) => `${document}: ${command}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe('the verbs that documents name', () => {
  let own: TestDatabase;
  let env: Record<string, string>;
  beforeAll(async () => {
    own = await emptyDatabase();
    const app = await emptyDatabase();
    env = {
      DATABASE_URL: own.url,
      APP_DATABASE_URL: app.url,
      KINFOLK_FILES: mkdtempSync(join(tmpdir(), 'files-')),
      MUNIMENT_DATA: mkdtempSync(join(tmpdir(), 'data-')),
      MUNIMENT_MASTER_KEY: '11'.repeat(32),
    };
  });
  afterAll(() => own?.drop());

  it.each(verbs)(
    '%s: %s',
    async (_document, words) => {
      const parts = [...words.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
      // An empty application is not as the data map says, which `source check` and `doctor` say with 1; 2 would be misuse.
      const code = await run(parts, env);
      expect([0, 1], `${words} ended with ${code}`).toContain(code);
      if (/^(policy|user|token|ledger|keys)/.test(words)) expect(code, words).toBe(0);
    },
    60_000,
  );
});
