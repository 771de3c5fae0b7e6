import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** DESIGN, section 2: a file imports its own folder and strictly lower ranks; equal ranks never import each other. */
const ranks: Readonly<Record<string, number>> = {
  core: 0,
  policy: 1,
  ledger: 1,
  requests: 2,
  demands: 2,
  incidents: 2,
  disposition: 2,
  evidence: 2,
  db: 3,
  sources: 3,
  artifacts: 3,
  notices: 3,
  flows: 4,
  jobs: 5,
  http: 5,
  web: 5,
  cli: 5,
  demo: 5,
};

/** Files beside the folders: the composition root may import anything; config and verify may not. */
const roots = ['main.ts', 'serve.ts', 'house.ts'];

/** Where a package may be imported: one home each. `tools` and types aside, anything not named here is refused. */
const homes: Readonly<Record<string, readonly string[]>> = {
  zod: [
    'core',
    'policy',
    'ledger',
    'requests',
    'demands',
    'incidents',
    'disposition',
    'evidence',
    'artifacts',
    'db',
    'sources',
  ],
  yaml: ['policy'],
  'drizzle-orm': ['db'],
  postgres: ['db', 'sources', 'demo'],
  'pg-boss': ['db'],
  'better-auth': ['db'],
  '@better-auth/passkey': ['db'],
  '@better-auth/utils': ['db'],
  archiver: ['artifacts'],
  yauzl: ['artifacts'],
  // What is sealed is signed and checked in artifacts; who signs in with the company's provider, where accounts are.
  jose: ['artifacts', 'db'],
  pkijs: ['artifacts'],
  asn1js: ['artifacts'],
  harfbuzzjs: ['artifacts'],
  'bidi-js': ['artifacts'],
  nodemailer: ['notices'],
  'node-cron': ['jobs'],
  hono: ['http', 'web'],
  uqr: ['web'],
  '@hono/zod-openapi': ['http'],
  '@hono/node-server': ['serve.ts'],
  'prom-client': ['serve.ts'],
  pino: ['main.ts'],
};

const pure = ['core', 'policy', 'ledger', 'requests', 'demands', 'incidents', 'disposition', 'evidence'];

interface Import {
  readonly file: string;
  readonly from: string;
  readonly isType: boolean;
}

const src = resolve('src');
const files = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((item) => item.isFile() && /\.tsx?$/.test(item.name))
  .map((item) => relative(src, join(item.parentPath, item.name)));

const imports: readonly Import[] = files.flatMap((file) => {
  const text = readFileSync(join(src, file), 'utf8');
  return [...text.matchAll(/^\s*(?:import|export)\s+(type\s+)?[^'";]*?from\s+'([^']+)'/gms)].map((match) => ({
    file,
    from: match[2] ?? '',
    isType: match[1] !== undefined,
  }));
});

const folderOf = (file: string) => (file.includes('/') ? (file.split('/')[0] ?? '') : file);
const targetOf = ({ file, from }: Import) => relative(src, resolve(src, dirname(file), from));
const isOwn = ({ from }: Import) => from.startsWith('.');

describe('the house', () => {
  it('has only rooms that have a rank', () => {
    const rooms = new Set(files.map(folderOf));
    const known = [...Object.keys(ranks), ...roots, 'verify.ts', 'config.ts'];
    expect([...rooms].filter((room) => !known.includes(room))).toEqual([]);
  });

  it('imports downwards only', () => {
    const wrong = imports.filter(isOwn).flatMap((item) => {
      const from = folderOf(item.file);
      const to = folderOf(targetOf(item));
      if (from === to || roots.includes(from) || from === 'verify.ts') return [];
      // The composition root hands itself to nobody; config and verify are read from above.
      if (to === 'config.ts' || to === 'verify.ts') return from === 'cli' ? [] : [`${item.file} imports ${to}`];
      const [own, other] = [ranks[from], ranks[to]];
      return own !== undefined && other !== undefined && other < own
        ? []
        : [`${item.file} (${from}) imports ${targetOf(item)}`];
    });
    expect(wrong).toEqual([]);
  });

  it('keeps http, web, jobs and cli out of db, sources and artifacts', () => {
    const wrong = imports.filter(isOwn).flatMap((item) => {
      const from = folderOf(item.file);
      const to = folderOf(targetOf(item));
      // Types cross freely where they are a task's payload; values never do.
      if (item.isType && from === 'jobs' && to === 'db') return [];
      return ['http', 'web', 'jobs', 'cli'].includes(from) && ['db', 'sources', 'artifacts', 'notices'].includes(to)
        ? [`${item.file} imports ${targetOf(item)}`]
        : [];
    });
    expect(wrong).toEqual([]);
  });

  it('lets verify.ts reach nothing that needs a service', () => {
    const reached = new Set<string>();
    const visit = (file: string) => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const item of imports.filter((candidate) => candidate.file === file && isOwn(candidate)))
        visit(targetOf(item));
    };
    visit('verify.ts');
    expect(
      [...reached].filter((file) =>
        ['db', 'flows', 'sources', 'http', 'web', 'jobs', 'notices'].includes(folderOf(file)),
      ),
    ).toEqual([]);
  });

  it('gives every package one home', () => {
    const wrong = imports
      .filter((item) => !isOwn(item) && !item.from.startsWith('node:'))
      .flatMap((item) => {
        const name = item.from
          .split('/')
          .slice(0, item.from.startsWith('@') ? 2 : 1)
          .join('/');
        return homes[name]?.includes(folderOf(item.file)) ? [] : [`${item.file} imports ${item.from}`];
      });
    expect(wrong).toEqual([]);
  });

  it('keeps ranks 0 to 2 pure', () => {
    const wrong = imports
      .filter((item) => pure.includes(folderOf(item.file)) && !isOwn(item))
      .filter(
        (item) =>
          !['zod', 'yaml'].includes(item.from) && !(item.file === 'core/hash.ts' && item.from === 'node:crypto'),
      )
      .map((item) => `${item.file} imports ${item.from}`);
    expect(wrong).toEqual([]);
    const words =
      /\b(Date\.now|new Date|Math\.random|process\.(env|hrtime|cwd)|performance\.now|Temporal\.Now|crypto\.(randomUUID|getRandomValues)|fetch\(|setTimeout\()/;
    const touched = files
      .filter((file) => pure.includes(folderOf(file)))
      .filter((file) => words.test(withoutComments(readFileSync(join(src, file), 'utf8'))));
    expect(touched).toEqual([]);
  });

  it('reads the environment in config.ts alone', () => {
    const readers = files.filter(
      (file) =>
        /process\.env/.test(withoutComments(readFileSync(join(src, file), 'utf8'))) &&
        !['config.ts', 'main.ts'].includes(file),
    );
    expect(readers).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}
