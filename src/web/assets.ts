/**
 * web/ promises the same flows for people: pages that work without a script, on a phone, with a keyboard, in print and
 * in the dark, and that never ask another host for anything. A page takes plain data; routes parse, call a flow, and
 * show what came back.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Hono } from 'hono';
import { sha256Hex } from '../core/hash.ts';

interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  /** With the digest of its content in the name: whoever has it need never ask again. */
  readonly address: string;
}

const fileOf = (specifier: string) => readFileSync(fileURLToPath(import.meta.resolve(specifier)));
const own = (name: string) => readFileSync(fileURLToPath(new URL(`./assets/${name}`, import.meta.url)));

function asset(name: string, bytes: Uint8Array, type: string): Asset {
  const [stem, extension] = [name.slice(0, name.lastIndexOf('.')), name.slice(name.lastIndexOf('.'))];
  return {
    bytes: new Uint8Array(bytes),
    type,
    address: `/assets/${stem}.${sha256Hex(bytes).slice(0, 12)}${extension}`,
  };
}

const families = [
  { family: 'Public Sans', folder: 'public-sans', weights: [400, 600] },
  { family: 'Source Serif 4', folder: 'source-serif-4', weights: [400, 600] },
  { family: 'IBM Plex Mono', folder: 'ibm-plex-mono', weights: [400] },
] as const;
/** Western and central European scripts; any other is drawn with what the reader's machine has. */
const subsets = ['latin', 'latin-ext'] as const;

interface Font {
  readonly asset: Asset;
  readonly face: string;
}

const fonts: readonly Font[] = families.flatMap(({ family, folder, weights }) => {
  const ranges = JSON.parse(fileOf(`@fontsource/${folder}/unicode.json`).toString('utf8')) as Record<string, string>;
  return weights.flatMap((weight) =>
    subsets.map((subset) => {
      const name = `${folder}-${subset}-${weight}-normal.woff2`;
      const file = asset(name, fileOf(`@fontsource/${folder}/files/${name}`), 'font/woff2');
      return {
        asset: file,
        face: `@font-face { font-family: "${family}"; font-weight: ${weight}; font-display: swap; src: url("${file.address}") format("woff2"); unicode-range: ${ranges[subset]}; }\n`,
      };
    }),
  );
});

const css = 'text/css; charset=utf-8';
const sheet = asset(
  'site.css',
  Buffer.concat([
    Buffer.from(fonts.map(({ face }) => face).join('')),
    ...['tokens.css', 'base.css', 'layout.css', 'components.css', 'print.css'].map(own),
  ]),
  css,
);
const script = asset('site.js', own('site.js'), 'text/javascript; charset=utf-8');
const mark = asset('mark.svg', own('mark.svg'), 'image/svg+xml');

const assets: ReadonlyMap<string, Asset> = new Map(
  [...fonts.map((font) => font.asset), sheet, script, mark].map((each) => [each.address, each]),
);

/** Addresses that change with their content, so that browsers may keep them for ever. */
export const styleSheet = sheet.address;
export const siteScript = script.address;
export const markImage = mark.address;

/** Serves /assets. */
export function assetRoutes(): Hono {
  const app = new Hono();
  app.get('/assets/:name', (c) => {
    const found = assets.get(`/assets/${c.req.param('name')}`);
    if (!found) return c.notFound();
    c.header('Content-Type', found.type);
    c.header('X-Content-Type-Options', 'nosniff');
    c.header('Cache-Control', 'public, max-age=31536000, immutable');
    return c.body(found.bytes);
  });
  app.get('/favicon.ico', (c) => c.redirect(markImage, 302));
  return app;
}
